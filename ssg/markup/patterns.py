"""Python-Markdown without vain attempts: a gate before each inline pattern.

Python-Markdown tries each of its 17 inline patterns on each text, nearly always in vain. Here an expression is tried
only where the text holds the literals that each match must hold, as expressions.needed() derives them. What is tried,
in which order, and what becomes of a match is Python-Markdown's own. It skips nothing that could match.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import Element, SubElement

from markdown.inlinepatterns import DelimiterProcessor, LinkInlineProcessor
from markdown.inlinepatterns import InlineProcessor as InlinePattern
from markdown.treeprocessors import InlineProcessor
from markdown.util import INLINE_PLACEHOLDER, INLINE_PLACEHOLDER_PREFIX, INLINE_PLACEHOLDER_RE, AtomicString

from ssg.markup import blocks, expressions
from ssg.markup.converted import ETX, STX

if TYPE_CHECKING:
    from markdown import Markdown

_BRACKET: Final = re.compile(r"[\[\]]")
_LONGEST: Final = 3  # signs that mean something: ***strong emphasis***
_CLOSING: Final = re.compile("[)\"']")  # a quotation mark: Python-Markdown takes some links that never close


def accelerate(markdown: "Markdown") -> None:
    """Puts the gated processor into an instance. All its inline patterns must be registered by now."""
    for processor in markdown.treeprocessors:
        blocks.gate(processor)
    blocks.accelerate(markdown.parser)
    markdown.is_block_level = lru_cache(1000)(markdown.is_block_level)  # type: ignore[method-assign]
    markdown.treeprocessors.register(GatedInline(markdown), "inline", 20)
    for pattern in markdown.inlinePatterns:
        if isinstance(pattern, DelimiterProcessor):
            pattern.handleMatch = _pairing(pattern)  # type: ignore[method-assign, assignment]
    brackets = Brackets()
    for pattern in markdown.inlinePatterns:
        if isinstance(pattern, LinkInlineProcessor):
            brackets.serve(pattern)


_WITHIN: Final = INLINE_PLACEHOLDER_PREFIX + "0123456789"
_with_placeholders: Final[Any] = vars(InlineProcessor)["_InlineProcessor__processPlaceholders"]


class GatedInline(InlineProcessor):
    """The tree processor that applies inline patterns, less those that can't match. None of ours asks what it stands
    in, so that nothing is kept of that.
    """

    def __init__(self, md: "Markdown") -> None:
        super().__init__(md)
        self.patterns: list[Any] = list(md.inlinePatterns)
        assert not any(pattern.ANCESTOR_EXCLUDES for pattern in self.patterns)  # noqa: S101 - of this instance
        self.finders = [pattern.getCompiledRegExp().finditer for pattern in self.patterns]
        clauses = [_clauses(pattern) for pattern in self.patterns]
        literals = sorted({literal for needed in clauses for clause in needed for literal in clause})
        self._bits = [(literal, 1 << number) for number, literal in enumerate(literals)]
        bits = dict(self._bits)
        # For each pattern the masks that a text's must meet, every one of them in at least one bit.
        self._gates = [[sum(bits[literal] for literal in clause) for clause in needed] for needed in clauses]
        self._plans: dict[int, tuple[int, ...]] = {}
        self._held: dict[int, list[tuple[str, int]]] = {}
        # A placeholder brings none of them into a text.
        assert not any({STX, ETX} & {*one} or {*one} <= {*_WITHIN} for one in literals)  # noqa: S101 - of this instance
        # One clause of each pattern is enough to tell that none can match, as in most texts.
        some = {literal for needed in clauses for clause in needed[:1] for literal in clause} if all(clauses) else {""}
        # Of each its first character, but a blank, which most texts have.
        short = sorted({literal[0] for literal in some if literal and literal[0] != " "})
        self._sign = re.compile(f"[{re.escape(''.join(short))}]" if short and all(some) else "")
        self._signs = [literal for literal in some if not any(sign in literal for sign in short)]

    def run(self, tree: Element, ancestors: list[str] | None = None) -> Element:
        """As Python-Markdown's: elements are visited level by level, which is the order of the footnotes' numbers."""
        del ancestors
        self.stashed_nodes: dict[str, Element | str] = {}
        self.ancestors = []
        queue = deque([tree])
        while queue:
            element = queue.popleft()
            inserted: list[tuple[Element, list[Element]]] = []
            for child in element:  # with those that are put behind it meanwhile
                text, tail = child.text, child.tail
                if text and not isinstance(text, AtomicString) and self._may_change(text):
                    child.text = None
                    made = [one for one, _ in self._InlineProcessor__processPlaceholders(self._apply(text), child)]
                    if made:
                        queue.extend(made)
                        inserted.append((child, made))
                if tail and self._may_change(tail):
                    behind = Element("d")
                    child.tail = None
                    made = [
                        one
                        for one, _ in self._InlineProcessor__processPlaceholders(
                            self._apply(tail), behind, isText=False
                        )
                    ]
                    if behind.tail:
                        child.tail = behind.tail
                    if made:
                        at = list(element).index(child) + 1
                        element[at:at] = made
                if len(child):
                    queue.append(child)
            for child, made in inserted:
                child[0:0] = made
        return tree

    def _apply(self, data: str, number: int = 0) -> str:
        """The text with placeholders for what patterns from `number` on make of it."""
        if isinstance(data, AtomicString) or not self._may_match(data):
            return data
        start = 0
        mask, plan = self._plan(data, self._bits)
        while (chosen := plan[number]) >= 0:
            if chosen != number:
                number, start = chosen, 0
            for found in self.finders[number](data, start):
                node, begin, end = self.patterns[number].handleMatch(found, data)
                if begin is not None and end is not None:
                    break
            else:
                number += 1
                start = 0
                continue
            start = end
            if node is None:
                continue
            if not isinstance(node, str):
                self._apply_within(node, number)
            name = f"{len(self.stashed_nodes):04}"
            self.stashed_nodes[name] = node
            before = data[:begin] + INLINE_PLACEHOLDER % name
            data, start = before + data[end:], len(before)
            mask, plan = self._plan(data, self._held[mask])
        return data

    def _apply_within(self, node: Element, number: int) -> None:
        if isinstance(node.text, AtomicString):
            return
        for child in (node, *node):
            if child.text:
                child.text = self._apply(child.text, number + 1)
            if child.tail:
                child.tail = self._apply(child.tail, number)

    # Python gives this name to the method of InlineProcessor that begins with two underscores.

    def _InlineProcessor__processPlaceholders(  # noqa: N802
        self,
        data: str | None,
        parent: Element,
        isText: bool = True,  # noqa: FBT001, FBT002, N803
    ) -> list[tuple[Element, list[str]]]:
        if data is None or isinstance(data, AtomicString):
            return self._as_stock(data, parent, isText)
        if INLINE_PLACEHOLDER_PREFIX not in data:
            _add(data, parent, is_text=isText)
            return []
        text, *more = INLINE_PLACEHOLDER_RE.split(data)
        if len(more) != 2 * data.count(INLINE_PLACEHOLDER_PREFIX) or not self.stashed_nodes.keys() >= {*more[::2]}:
            return self._as_stock(data, parent, isText)
        made: list[tuple[Element, list[str]]] = []
        for name, behind in zip(more[::2], more[1::2], strict=True):
            node = self.stashed_nodes[name]
            if isinstance(node, str):
                text += node + behind
                continue
            _add(text, made[-1][0] if made else parent, is_text=isText and not made)
            self._fill(node)
            made.append((node, []))
            text = behind
        _add(text, made[-1][0] if made else parent, is_text=isText and not made)
        return made

    def _as_stock(self, data: str | None, parent: Element, is_text: bool) -> list[tuple[Element, list[str]]]:  # noqa: FBT001
        made: list[tuple[Element, list[str]]] = _with_placeholders(self, data, parent, is_text)
        return made

    def _fill(self, node: Element) -> None:
        """Puts what placeholders stand for into an element that itself was put away."""
        for child in (node, *node):
            if child.tail and INLINE_PLACEHOLDER_PREFIX in child.tail:
                self._InlineProcessor__processElementText(node, child, False)  # type: ignore[attr-defined]
            if child.text and INLINE_PLACEHOLDER_PREFIX in child.text:
                self._InlineProcessor__processElementText(child, child)  # type: ignore[attr-defined]

    def _may_change(self, data: str) -> bool:
        return self._may_match(data) or INLINE_PLACEHOLDER_PREFIX in data

    def _may_match(self, data: str) -> bool:
        return self._sign.search(data) is not None or bool([one for one in self._signs if one in data])

    def _plan(self, data: str, bits: list[tuple[str, int]]) -> tuple[int, tuple[int, ...]]:
        """Which of the literals of `bits` a text holds; for each pattern's number the first one from there that may
        match, or -1.
        """
        mask = 0
        for literal, bit in bits:
            if literal in data:
                mask |= bit
        return mask, self._plans.get(mask) or self._new_plan(mask)

    def _new_plan(self, mask: int) -> tuple[int, ...]:
        plan = [-1]
        for number in reversed(range(len(self._gates))):
            is_open = all(mask & gate for gate in self._gates[number])
            plan.append(number if is_open else plan[-1])
        self._held[mask] = [(literal, bit) for literal, bit in self._bits if bit & mask]
        self._plans[mask] = tuple(reversed(plan))
        return self._plans[mask]


def _add(text: str, element: Element, *, is_text: bool) -> None:
    """Adds to the text of an element, or to what stands behind it."""
    if text and is_text:
        element.text = element.text + text if element.text else text
    elif text:
        element.tail = element.tail + text if element.tail else text


Handled = tuple[Element | None, int | None, int | None]


def _pairing(pattern: DelimiterProcessor) -> Callable[[re.Match[str], str], Handled]:
    """DelimiterProcessor.handleMatch(), which looks first for what nearly all emphasis is: the next run of signs is as
    long, and can be an end.
    """
    own = pattern.handleMatch
    signs = re.compile(f"[{re.escape(''.join(pattern.tokens))}]")

    def handle(found: re.Match[str], data: str) -> Handled:
        start = found.start()
        sign = data[start]
        inner = start + 1
        while data[inner : inner + 1] == sign:
            inner += 1
        size = inner - start
        end = signs.search(data, inner)
        if size > _LONGEST or end is None or end[0] != sign:
            return own(found, data)
        boundary = pattern.delimiters[sign].boundary
        opening, closing = boundary.match(data, start), boundary.match(data, end.start())
        if (
            opening is None
            or closing is None
            or opening.lastgroup == "end"
            or closing.lastgroup == "start"
            or closing.end() - closing.start() != size
        ):
            return own(found, data)
        element = within = Element("em" if size == 1 else "strong")
        if size == _LONGEST:
            element.text = ""
            within = SubElement(element, "em")
        within.text = data[inner : closing.start()]
        return element, start, closing.end()

    return handle


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
