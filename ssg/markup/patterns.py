"""Python-Markdown without vain attempts: a gate before each inline pattern and before the searches for blocks.

Python-Markdown tries each of its 17 inline patterns on each text, and most of its blocks' expressions on each block,
nearly always in vain. Here an expression is tried only where the text holds the literals that each match must hold, as
expressions.needed() derives them. What is tried, in which order, and what becomes of a match is Python-Markdown's own.
It skips nothing that could match.
"""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import Element

from markdown.blockprocessors import BlockProcessor
from markdown.extensions.tables import TableProcessor
from markdown.inlinepatterns import InlineProcessor as InlinePattern
from markdown.inlinepatterns import LinkInlineProcessor
from markdown.treeprocessors import InlineProcessor
from markdown.util import INLINE_PLACEHOLDER_PREFIX, AtomicString

from ssg.markup import expressions

if TYPE_CHECKING:
    from markdown import Markdown

_BRACKET: Final = re.compile(r"[\[\]]")
_CLOSING: Final = re.compile("[)\"']")  # a quotation mark: Python-Markdown takes some links that never close


def accelerate(markdown: "Markdown") -> None:
    """Puts the gated processor into an instance. All its inline patterns must be registered by now."""
    blocks = list(markdown.parser.blockprocessors)
    for processor in (*blocks, *markdown.treeprocessors):
        _gate(processor)
    for processor in blocks:
        if type(processor) is TableProcessor:
            _gate_table(processor)
    markdown.parser.parseBlocks = _parser_of(blocks)  # type: ignore[method-assign, assignment]
    markdown.is_block_level = lru_cache(1000)(markdown.is_block_level)  # type: ignore[method-assign]
    markdown.treeprocessors.register(GatedInline(markdown), "inline", 20)
    brackets = Brackets()
    for pattern in markdown.inlinePatterns:
        if isinstance(pattern, LinkInlineProcessor):
            brackets.serve(pattern)


class Gate:
    """A regular expression that first looks for what its matches need. All else is the expression's own."""

    __slots__ = ("_choices", "_literals", "_search", "_sub", "expression", "finditer", "match")

    def __init__(self, expression: re.Pattern[str]) -> None:
        self.expression = expression
        needed = expressions.needed(expression)
        self._literals = [literal for clause in needed if len(clause) == 1 for literal in clause]
        self._choices = [tuple(sorted(clause)) for clause in needed if len(clause) > 1]
        self._search = expression.search
        self._sub = expression.sub
        self.match = expression.match
        self.finditer = expression.finditer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.expression, name)

    def may_match(self, text: str) -> bool:
        for literal in self._literals:
            if literal not in text:
                return False
        for choices in self._choices:
            for literal in choices:
                if literal in text:
                    break
            else:
                return False
        return True

    def search(self, string: str, start: int = 0, end: int = sys.maxsize) -> re.Match[str] | None:
        for literal in self._literals:  # as in may_match(), which would cost as much again
            if literal not in string:
                return None
        return self._search(string, start, end) if not self._choices or self.may_match(string) else None

    def sub(self, replacement: Any, string: str, *count: int) -> str:
        return self._sub(replacement, string, *count) if self.may_match(string) else string


def _gate(processor: object) -> None:
    """Puts a gate before the expressions that a processor's class searches with."""
    for name in dir(type(processor)):
        expression = getattr(type(processor), name)
        if isinstance(expression, re.Pattern) and expressions.needed(expression):
            setattr(processor, name, Gate(expression))


def _gate_table(processor: TableProcessor) -> None:
    """Without a sign between its cells, a table's first row has one cell and no border."""
    test = processor.test

    def gated(parent: Element, block: str) -> bool:
        return "|" in block and test(parent, block)

    processor.test = gated  # type: ignore[method-assign]


def _parser_of(processors: Sequence[BlockProcessor]) -> Callable[[Element, list[str]], None]:
    """BlockParser.parseBlocks() with a list of processors that isn't made anew for each block."""

    def parse(parent: Element, blocks: list[str]) -> None:
        while blocks:
            for processor in processors:
                if processor.test(parent, blocks[0]) and processor.run(parent, blocks) is not False:
                    break

    return parse


_with_placeholders: Final[Any] = vars(InlineProcessor)["_InlineProcessor__processPlaceholders"]


class GatedInline(InlineProcessor):
    """The tree processor that applies inline patterns, less those that can't match."""

    def __init__(self, md: "Markdown") -> None:
        super().__init__(md)
        self.patterns = list(md.inlinePatterns)
        clauses = [_clauses(pattern) for pattern in self.patterns]
        literals = sorted({literal for needed in clauses for clause in needed for literal in clause})
        self._bits = [(literal, 1 << number) for number, literal in enumerate(literals)]
        bits = dict(self._bits)
        # For each pattern the masks that a text's must meet, every one of them in at least one bit.
        self._gates = [[sum(bits[literal] for literal in clause) for clause in needed] for needed in clauses]
        self._plans: dict[int, tuple[int, ...]] = {}

    # Python gives these names to the methods of InlineProcessor that begin with two underscores.

    def _InlineProcessor__handleInline(self, data: str, patternIndex: int = 0) -> str:  # noqa: N802, N803
        if isinstance(data, AtomicString):
            return data
        patterns = self.patterns
        number = patternIndex
        start = 0
        plan = self._plan(data)
        while (chosen := plan[number]) >= 0:
            if chosen != number:
                number, start = chosen, 0
            changed, is_match, start = self._InlineProcessor__applyPattern(patterns[number], data, number, start)
            if not is_match:
                number += 1
            elif changed is not data:
                data = changed
                plan = self._plan(data)
        return data

    _InlineProcessor__applyPattern: Any

    def _InlineProcessor__processPlaceholders(  # noqa: N802
        self,
        data: str | None,
        parent: Element,
        isText: bool = True,  # noqa: FBT001, FBT002, N803
    ) -> list[tuple[Element, list[str]]]:
        if data is None or INLINE_PLACEHOLDER_PREFIX in data:
            found: list[tuple[Element, list[str]]] = _with_placeholders(self, data, parent, isText)
            return found
        if isText:
            parent.text = parent.text + data if parent.text else data
        else:
            parent.tail = parent.tail + data if parent.tail else data
        return []

    def _plan(self, data: str) -> tuple[int, ...]:
        """For each pattern's number the first one from there that may match, or -1."""
        mask = 0
        for literal, bit in self._bits:
            if literal in data:
                mask |= bit
        return self._plans.get(mask) or self._new_plan(mask)

    def _new_plan(self, mask: int) -> tuple[int, ...]:
        plan = [-1]
        for number in reversed(range(len(self._gates))):
            is_open = all(mask & gate for gate in self._gates[number])
            plan.append(number if is_open else plan[-1])
        self._plans[mask] = tuple(reversed(plan))
        return self._plans[mask]


def _clauses(pattern: object) -> tuple[expressions.Clause, ...]:
    if not isinstance(pattern, InlinePattern):
        return ()  # an old one, whose expression is matched in another way
    # Two of them rule out nearly all that more would.
    return expressions.needed(pattern.getCompiledRegExp())[:2]


class Brackets:
    """Where the brackets of a text close. Read once for a text: Python-Markdown's own reading, once for each bracket,
    takes nine seconds for a paragraph of 5,000 of them.
    """

    def __init__(self) -> None:
        self._data = ""
        self._ends: dict[int, int] = {}

    def serve(self, pattern: LinkInlineProcessor) -> None:
        """Makes this the getText() of a pattern, and its getLink() one that looks for an end first."""
        own = pattern.getText
        own_link = pattern.getLink

        def text(data: str, index: int) -> tuple[str, int, bool]:
            if not index or data[index - 1] != "[":
                return own(data, index)
            if data is not self._data:
                self._data, self._ends = data, dict(_pairs(data))
            end = self._ends.get(index - 1)
            return (data[index:], len(data), False) if end is None else (data[index:end], end + 1, True)

        def link(data: str, index: int) -> tuple[str, str | None, int, bool]:
            return own_link(data, index) if _CLOSING.search(data, index) else ("", None, index, False)

        pattern.getText = text  # type: ignore[method-assign]
        pattern.getLink = link  # type: ignore[method-assign]


def _pairs(data: str) -> Iterator[tuple[int, int]]:
    opened: list[int] = []
    for found in _BRACKET.finditer(data):
        if found[0] == "[":
            opened.append(found.start())
        elif opened:
            yield opened.pop(), found.start()
