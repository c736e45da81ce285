"""What a regular expression asks of a text, read from its parse tree: literals that a match must hold, and characters
that it can begin with.

Both answers err to one side only. Where something isn't understood, a match is taken to be possible: a caller that
skips what these functions rule out skips nothing that could have matched. The parse tree is that of CPython's re
(Lib/re/_parser.py), without a public name; acceleration.py tells which versions of it are known.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import import_module
from typing import Any, Final

_parser: Final[Any] = import_module("re._parser")

ASCII: Final = frozenset(map(chr, range(128)))
_LETTERS: Final = frozenset(char for char in ASCII if char.isalpha())
_REPEATS: Final = ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT")
_TYPES: Final = re.ASCII | re.LOCALE | re.UNICODE
_MOST_ALTERNATIVES: Final = 8

Clause = frozenset[str]


def needed(pattern: re.Pattern[str]) -> tuple[Clause, ...]:
    r"""Clauses that the text of any match fulfils: of each, at least one literal stands somewhere in the text.

        <([a-z]+)>       ({"<"}, {">"})
        (?:\*|__)x?      ({"*", "__"},)

    The text is the whole text that is searched, since look-arounds may see beyond the match. Of a clause that another
    one implies, nothing is said about whether it is there.
    """
    found = _clauses(_parsed(pattern), pattern.flags)
    chosen = dict.fromkeys(found)
    return tuple(
        clause for clause in chosen if not any(other != clause and _implies(other, clause) for other in chosen)
    )


def first(pattern: re.Pattern[str]) -> frozenset[str]:
    """The ASCII characters that can stand where pattern.match() succeeds.

    It says nothing of matches at the end of the text, or where the character there is not ASCII.
    """
    return _begin(_parsed(pattern), pattern.flags)[2]


def _parsed(pattern: re.Pattern[str]) -> Sequence[Any]:
    parsed: Sequence[Any] = _parser.parse(pattern.pattern, pattern.flags)
    return parsed


def _with_flags(flags: int, added: int, removed: int) -> int:
    """The flags within (?i-m:...). Of ASCII and UNICODE, one takes the other's place."""
    if added & _TYPES:
        flags &= ~_TYPES
    return (flags | added) & ~removed


def _implies(clause: Clause, other: Clause) -> bool:
    """Whether a text that fulfils `clause` fulfils `other` too."""
    return all(any(short in literal for short in other) for literal in clause)


def _clauses(items: Iterable[Any], flags: int) -> list[Clause]:
    clauses: list[Clause] = []
    run = ""  # literals that follow each other
    for operation, value in items:
        name = str(operation)
        if name == "LITERAL" and _is_plain(value, flags):
            run += chr(value)
            continue
        if name == "AT" or name.startswith("ASSERT"):
            # Nothing comes between the literals before and behind it.
            clauses += _clauses(value[1], flags) if name == "ASSERT" else []
            continue
        clauses += [frozenset({run})] if run else []
        run = ""
        clauses += _clauses_of(name, value, flags)
    return [*clauses, frozenset({run})] if run else clauses


def _clauses_of(name: str, value: Any, flags: int) -> list[Clause]:
    if name == "SUBPATTERN":
        _, added, removed, items = value
        return _clauses(items, _with_flags(flags, added, removed))
    if name == "ATOMIC_GROUP":
        return _clauses(value, flags)
    if name in _REPEATS and value[0] > 0:
        return _clauses(value[2], flags)
    if name == "BRANCH":
        return _either([_clauses(branch, flags) for branch in value[1]])
    if name == "IN" and all(str(kind) == "LITERAL" and _is_plain(code, flags) for kind, code in value):
        return _either([[frozenset({chr(code)})] for _, code in value])
    return []


def _either(branches: list[list[Clause]]) -> list[Clause]:
    """One clause for what one of several branches needs, if each needs something."""
    if not all(branches) or len(branches) > _MOST_ALTERNATIVES:
        return []
    # Of each branch the clause that rules out most: few alternatives, long literals.
    best = (min(clauses, key=lambda clause: (len(clause), -min(map(len, clause)))) for clauses in branches)
    merged = frozenset().union(*best)
    return [merged] if len(merged) <= _MOST_ALTERNATIVES else []


def _is_plain(code: int, flags: int) -> bool:
    """Whether a literal matches its own character only."""
    if not flags & re.IGNORECASE:
        return True
    return code < 128 and chr(code) not in _LETTERS


def _begin(items: Iterable[Any], flags: int) -> tuple[frozenset[str], bool, frozenset[str]]:
    """Where a sequence can begin: at which characters that it takes, whether it can take none, at which in all."""
    begins: frozenset[str] = frozenset()
    allowed = ASCII  # by what looks ahead from the very beginning
    is_at_start = True
    for operation, value in items:
        name = str(operation)
        if name == "ASSERT" and value[0] > 0:
            allowed &= _begin(value[1], flags)[2] if is_at_start else ASCII
        elif name not in {"AT", "ASSERT", "ASSERT_NOT"}:
            chars, is_empty = _begin_of(name, value, flags)
            begins |= chars
            is_at_start = False
            if not is_empty:
                return begins & allowed, False, begins & allowed
    return begins & allowed, True, allowed


def _begin_of(name: str, value: Any, flags: int) -> tuple[frozenset[str], bool]:
    """The ASCII characters that one operation can begin with, and whether it can take none at all."""
    match name:
        case "LITERAL":
            return _literal(value, flags), False
        case "NOT_LITERAL":
            return ASCII - {chr(value)}, False
        case "IN":
            return _members(value, flags), False
        case "ANY":
            return ASCII if flags & re.DOTALL else ASCII - {"\n"}, False
        case "SUBPATTERN":
            _, added, removed, items = value
            return _begin(items, _with_flags(flags, added, removed))[:2]
        case "ATOMIC_GROUP":
            return _begin(value, flags)[:2]
        case "BRANCH":
            found = [_begin(branch, flags) for branch in value[1]]
            return frozenset().union(*(chars for chars, _, _ in found)), any(is_empty for _, is_empty, _ in found)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            chars, is_empty, _ = _begin(value[2], flags)
            return chars, is_empty or value[0] == 0
        case _:
            return ASCII, True  # a reference to a group, or something new


def _literal(code: int, flags: int) -> frozenset[str]:
    char = chr(code)
    if not flags & re.IGNORECASE:
        return frozenset({char}) & ASCII
    if code >= 128:
        return _LETTERS  # the long s is an s, the sign of Kelvin a k
    return frozenset({char, char.lower(), char.upper()})


def _members(parts: Sequence[Any], flags: int) -> frozenset[str]:
    """The ASCII characters of a set; of a negated one, at least all that are in it."""
    is_negated = str(parts[0][0]) == "NEGATE"
    # What a negated set leaves out must be left out for sure, so its own members count, not their other cases.
    ignoring = flags & re.IGNORECASE and not is_negated
    chars: set[str] = set()
    for kind, value in parts[1:] if is_negated else parts:
        match str(kind):
            case "LITERAL":
                chars |= _literal(value, flags) if ignoring else {chr(value)} & ASCII
            case "RANGE":
                low, high = value
                inside = {chr(code) for code in range(low, min(high, 127) + 1)}
                chars |= (
                    {case for char in inside for case in (char, char.lower(), char.upper())} if ignoring else inside
                )
                chars |= _LETTERS if ignoring and high >= 128 else frozenset()
            case "CATEGORY" if (known := _category(str(value), flags & re.ASCII)) is not None:
                chars |= known
            case _:
                return ASCII
    return ASCII - chars if is_negated else frozenset(chars) & ASCII


_CATEGORIES: Final = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}


@cache
def _category(name: str, flags: int) -> frozenset[str] | None:
    """The ASCII characters of a category, as the regular expressions' own engine has them."""
    written = _CATEGORIES.get(name)
    return None if written is None else frozenset(filter(re.compile(written, flags).match, ASCII))
