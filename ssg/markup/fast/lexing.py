"""Pygments' RegexLexer without vain attempts: of a state's rules, only those that can match at the next character.

Pygments tries the rules of a state one after the other at each place of the text. Here they are sorted once by the
ASCII characters that they can begin with, as expressions.first() derives them; what remains is tried in the same order,
by the same steps. It skips nothing that could match: all rules stand at other characters and at the end of the text.

SEALPRESS_ACCELERATORS=0 in the environment turns it off. With a version of Pygments or of Python that it was not tested
with, Pygments' own steps are used.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import pygments
from pygments.lexer import Lexer, RegexLexer
from pygments.token import Error, Whitespace, _TokenType

from ssg.markup.fast import expressions

Pair = tuple[_TokenType, str]
NewState = tuple[str, ...] | int | str | None
Match = Callable[[str, int], re.Match[str] | None]
Rule = tuple[Match, Any, NewState]  # as Pygments keeps it; the middle is a token type, a callback or None
Split = tuple[Match, _TokenType | None, Any, NewState]  # the same with token type and callback apart

VARIABLE: Final = "SEALPRESS_ACCELERATORS"
PYGMENTS: Final = frozenset({"2.21.0"})
PYTHON: Final = frozenset({(3, 11), (3, 12), (3, 13)})

WORTHWHILE: Final = 16_000
"""Characters. To sort the rules takes as long as they save on about so many: 23 ms for Python's, 2 ms for Nix'. A
build of one changed page is done by then."""


def is_on() -> bool:
    """Whether the rules are sorted. It never changes a byte."""
    is_tested = pygments.__version__ in PYGMENTS and sys.version_info[:2] in PYTHON
    return is_tested and os.environ.get(VARIABLE) != "0"


def accelerate(lexer: Lexer, *, after: int = WORTHWHILE) -> None:
    """Puts the sorted rules into a lexer, for use when it has read `after` characters.

    One that has a loop of its own, or isn't a RegexLexer, stays as it is.
    """
    if not isinstance(lexer, RegexLexer) or type(lexer).get_tokens_unprocessed is not RegexLexer.get_tokens_unprocessed:
        return
    own = lexer.get_tokens
    read = 0
    states = _States(lexer._tokens)  # type: ignore[attr-defined] # noqa: SLF001 - the rules as Pygments compiled them

    def tokens(text: str, unfiltered: bool = False) -> Iterator[Pair]:  # noqa: FBT001, FBT002 - as Pygments'
        nonlocal read
        if read < after or lexer.filters:
            read += len(text)
            return own(text, unfiltered)
        return _tokens(lexer, states, lexer._preprocess_lexer_input(text))  # type: ignore[attr-defined] # noqa: SLF001

    lexer.get_tokens = tokens  # type: ignore[method-assign]


class _Rules(dict[str, tuple[Split, ...]]):
    """The rules of one state by character, each found when it is first asked for."""

    __slots__ = ("all", "firsts")

    def __init__(self, rules: Sequence[Rule]) -> None:
        super().__init__()
        self.all = tuple(_split(rule) for rule in rules)
        self.firsts = [_first(match) for match, *_ in self.all]

    def __missing__(self, char: str) -> tuple[Split, ...]:
        if char > "\x7f":
            return self.all
        chosen = tuple(rule for rule, first in zip(self.all, self.firsts, strict=True) if char in first)
        self[char] = chosen
        return chosen


class _States(dict[str, _Rules]):
    """The rules of a lexer by state, each sorted when it is first entered."""

    __slots__ = ("defined",)

    def __init__(self, defined: Mapping[str, Sequence[Rule]]) -> None:
        super().__init__()
        self.defined = defined

    def __missing__(self, state: str) -> _Rules:
        rules = self[state] = _Rules(self.defined[state])
        return rules


def _split(rule: Rule) -> Split:
    match, action, new_state = rule
    # Pygments asks for the very type too: a token type's own type is a tuple that can be called.
    return (match, action, None, new_state) if type(action) is _TokenType else (match, None, action, new_state)


def _first(match: Match) -> frozenset[str]:
    pattern = getattr(match, "__self__", None)
    return expressions.first(pattern) if isinstance(pattern, re.Pattern) else expressions.ASCII


def _tokens(lexer: RegexLexer, states: _States, text: str) -> Iterator[Pair]:
    """As RegexLexer.get_tokens_unprocessed() of Pygments 2.21, less where each token stands."""
    at = 0
    end = len(text)
    opened = ["root"]
    rules = states["root"]
    while True:
        for match, kind, callback, new_state in rules[text[at]] if at < end else rules.all:
            found = match(text, at)
            if found:
                if kind is not None:
                    yield kind, found[0]
                elif callback is not None:
                    for _, inner, piece in callback(lexer, found):
                        yield inner, piece
                at = found.end()
                if new_state is not None:
                    _enter(opened, new_state)
                    rules = states[opened[-1]]
                break
        else:
            if at >= end:
                return
            if text[at] == "\n":
                opened = ["root"]
                rules = states["root"]
                yield Whitespace, "\n"
            else:
                yield Error, text[at]
            at += 1


def _enter(opened: list[str], new_state: tuple[str, ...] | int | str) -> None:
    """Changes the stack of states. The first one stays, whatever is popped."""
    if isinstance(new_state, tuple):
        for state in new_state:
            if state == "#pop":
                if len(opened) > 1:
                    opened.pop()
            else:
                opened.append(opened[-1] if state == "#push" else state)
    elif isinstance(new_state, int):
        del opened[max(1, len(opened) - abs(new_state)) :]
    else:
        opened.append(opened[-1])  # "#push"
