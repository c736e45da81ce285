"""Inline patterns that extensions register with Python-Markdown, each asked where it matches."""

import re
from typing import TYPE_CHECKING, Any, Protocol
from xml.etree.ElementTree import Element

from markdown.inlinepatterns import InlineProcessor, build_inlinepatterns
from markdown.util import AtomicString

from ssg.markup.fast import expressions
from ssg.markup.inlines.emphasis import fill
from ssg.markup.text.block import Text

if TYPE_CHECKING:
    from markdown import Markdown


class Reader(Protocol):
    """Who reads a text: a reading of it that can read others for it."""

    @property
    def parser(self) -> "Any": ...

    text: Text


Gated = tuple[Any, re.Pattern[str], tuple[expressions.Clause, ...]]


class Patterns:
    """The patterns of an instance that aren't Python-Markdown's own, by priority. One is tried on texts that hold what
    its matches need.
    """

    def __init__(self, md: "Markdown") -> None:
        own = {*_names(build_inlinepatterns(md))}
        others = [md.inlinePatterns[name] for name in _names(md.inlinePatterns) if name not in own]
        self._patterns: list[Gated] = [
            (one, one.getCompiledRegExp(), expressions.needed(one.getCompiledRegExp())) for one in others
        ]

    def on(self, text: Text) -> "Waiting | None":
        """Those that may match a text; None where none may."""
        chosen = []
        for pattern, expression, clauses in self._patterns:
            for clause in clauses:
                for literal in clause:
                    if literal in text:
                        break
                else:
                    break
            else:
                chosen.append((pattern, expression))
        return Waiting(text, chosen) if chosen else None


def _names(registry: Any) -> list[str]:
    registry._sort()  # noqa: SLF001
    return [item.name for item in registry._priority]  # noqa: SLF001


class Waiting:
    """The next match of each pattern in one text."""

    def __init__(self, text: Text, patterns: list[tuple[Any, re.Pattern[str]]]) -> None:
        self.text = text
        self._patterns = patterns
        self._next: list[_Next | None] = [self._search(number, 0) for number in range(len(patterns))]

    def _search(self, number: int, pos: int) -> "_Next | None":
        pattern, expression = self._patterns[number]
        if isinstance(pattern, InlineProcessor):
            found = expression.search(self.text, pos)
            return None if found is None else _Next(number, found, found.start())
        # An old one, whose expression takes all that stands before and behind it, too.
        found = expression.match(self.text[pos:])
        return None if found is None else _Next(number, found, pos + found.end(1), pos + found.start(found.re.groups))

    def before(self, pos: int, end: int) -> "_Next | None":
        """The first match from `pos` on that begins no later than `end`."""
        best: _Next | None = None
        for number, known in enumerate(self._next):
            match = known
            if match is not None and match.start < pos:
                match = self._next[number] = self._search(number, pos)
            if match is not None and match.start <= end and (best is None or match.start < best.start):
                best = match
        return best

    def node(self, match: "_Next", reader: Reader) -> tuple[int, int, object]:
        """What a pattern makes of its match, and from where to where; None for the node where it takes none."""
        pattern, _ = self._patterns[match.number]
        if match.end is None:
            node, start, end = pattern.handleMatch(match.found, self.text)
        else:
            node, start, end = pattern.handleMatch(match.found), match.start, match.end
        if start is None or end is None:
            # As Python-Markdown has it: what a match took and is none isn't looked at again.
            self._next[match.number] = self._search(match.number, max(match.found.end(), match.start + 1))
            return match.start, match.start, None
        if node is None or end <= start:
            self._next[match.number] = self._search(match.number, match.start + 1)
            return match.start, match.start, "" if node is not None else None
        if isinstance(node, Element):
            self._read(node, reader, match.start)
        return start, end, node

    def _read(self, element: Element, reader: Reader, at: int) -> None:
        """Reads the text that a pattern left in an element."""
        for child in (element, *element):
            if child.text and not isinstance(child.text, AtomicString):
                text, child.text = child.text, None
                inner = Element("inner")
                fill(inner, reader.parser.nodes(Text.of(text, [self.text.place(at)] * (text.count("\n") + 1))))
                child.text = inner.text
                child[0:0] = list(inner)


class _Next:
    __slots__ = ("end", "found", "number", "start")

    def __init__(self, number: int, found: re.Match[str], start: int, end: int | None = None) -> None:
        self.number = number
        self.found = found
        self.start = start
        self.end = end  # of an old pattern's match
