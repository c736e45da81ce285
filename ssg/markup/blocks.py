"""Python-Markdown's block parser without vain attempts: a processor is asked only where it may take a block.

Most of its processors search each block with an expression, nearly always in vain. Here one is tried only where the
block holds the literals that each match must hold, as expressions.needed() derives them, and begins as it must begin.
What is tried, in which order, and what becomes of a match is Python-Markdown's own.
"""

import re
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement

from markdown.blockparser import BlockParser
from markdown.blockprocessors import (
    BlockProcessor,
    CodeBlockProcessor,
    EmptyBlockProcessor,
    ListIndentProcessor,
    OListProcessor,
    ParagraphProcessor,
)
from markdown.extensions.def_list import DefListIndentProcessor
from markdown.extensions.md_in_html import MarkdownInHtmlProcessor
from markdown.extensions.tables import TableProcessor

from ssg.markup import expressions
from ssg.markup.converted import STX


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


def accelerate(parser: BlockParser) -> None:
    """Puts gates and choices into a parser. All its processors must be registered by now."""
    processors = list(parser.blockprocessors)
    for processor in processors:
        gate(processor)
        if type(processor) is TableProcessor:
            _gate_table(processor)
    parser.parseBlocks = _parser_of(processors)  # type: ignore[method-assign, assignment]


def gate(processor: object) -> None:
    """Puts a gate before the expressions that a processor's class searches with."""
    for name in dir(type(processor)):
        expression = getattr(type(processor), name)
        if isinstance(expression, re.Pattern) and expressions.needed(expression):
            setattr(processor, name, Gate(expression))


def _gate_table(processor: TableProcessor) -> None:
    """Without a sign between its cells, a table's first row has one cell and no border. Without code and escapes, each
    sign parts two cells.
    """
    test = processor.test
    split = processor._split  # type: ignore[attr-defined] # noqa: SLF001

    def gated(parent: Element, block: str) -> bool:
        return "|" in block and test(parent, block)

    def cells(row: str) -> list[str]:
        return split(row) if "`" in row or "\\" in row else row.split("|")

    processor.test = gated  # type: ignore[method-assign]
    processor._split = cells  # type: ignore[attr-defined] # noqa: SLF001


_PERHAPS_MORE: Final = re.compile(r"\||\n[ ]*[#=\-_*:>\[]")


# What a block must begin with for these to take it; lists are asked for their expression.
_BEGIN: Final[Mapping[type[BlockProcessor], str]] = MappingProxyType(
    {
        EmptyBlockProcessor: "\n",
        ListIndentProcessor: " ",
        DefListIndentProcessor: " ",
        CodeBlockProcessor: " ",
        MarkdownInHtmlProcessor: STX,
    }
)


class _Choices(dict[str, tuple[BlockProcessor, ...]]):
    """The block processors, in their order, that may take a block by its first character."""

    def __init__(self, processors: Sequence[BlockProcessor]) -> None:
        super().__init__({"": tuple(processors)})

    def __missing__(self, char: str) -> tuple[BlockProcessor, ...]:
        if char > "\x7f":
            return self[""]
        self[char] = tuple(one for one in self[""] if char in _beginnings(one))
        return self[char]


def _beginnings(processor: BlockProcessor) -> Collection[str]:
    if isinstance(processor, OListProcessor):
        return expressions.first(processor.RE)
    return _BEGIN.get(type(processor), expressions.ASCII)


def _parser_of(processors: Sequence[BlockProcessor]) -> Callable[[Element, list[str]], None]:
    """BlockParser.parseBlocks() with a list of processors that isn't made anew for each block, and is not asked about
    plain paragraphs: but for tables, all look at how a line begins.
    """
    paragraph = next(processor for processor in processors if type(processor) is ParagraphProcessor)
    choices = _Choices(processors)

    def parse(parent: Element, blocks: list[str]) -> None:
        while blocks:
            if blocks[0][:1].isalpha() and not _PERHAPS_MORE.search(blocks[0]):
                if paragraph.parser.state.isstate("list"):
                    paragraph.run(parent, blocks)
                else:
                    SubElement(parent, "p").text = blocks.pop(0)  # as it would
                continue
            for processor in choices[blocks[0][:1]]:
                if processor.test(parent, blocks[0]) and processor.run(parent, blocks) is not False:
                    break

    return parse
