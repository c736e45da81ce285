"""Blocks as the tree that Python-Markdown's later stages work on: what stands in the place of its block parser."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element, ElementTree, SubElement

from markdown.blockparser import BlockParser
from markdown.blockprocessors import BlockProcessor
from markdown.util import AtomicString, Registry

from ssg.markup.blocks import habits, starts
from ssg.markup.blocks.parser import TooDeep
from ssg.markup.code.fences import fence_of
from ssg.markup.text.block import Block, Text
from ssg.markup.text.characters import unescaped
from ssg.markup.text.converted import ETX, STX

if TYPE_CHECKING:
    from markdown import Markdown

    from ssg.markup.dialects.conversion import Conversion
    from ssg.markup.text.positions import MarkdownSource

RAW: Final = "raw"
"""The tag of an element that is nothing but its text, which stands for HTML as it is."""

SPAN: Final = "span-only"
"""The tag of an element that is nothing but its text, in the line of what stands around it."""

CONTENTS: Final = f"{STX}contents{ETX}"
"""The text of an element that the table of contents goes into."""

_CELL: Final = 10  # characters of an empty cell
_ATTRIBUTES_ALONE: Final = re.compile(r"\{:?[ ]*[^}\n ][^}\n]*\}[ \t]*$")
_ALERT: Final = re.compile(r"\[!(note|tip|important|warning|caution)\](?:[ \t]+(.+))?$", re.IGNORECASE)
_TASK: Final = re.compile(r"\[([ xX])\](?=[ \t]+\S)")
_FOOTNOTE: Final = re.compile(f"{STX}footnote(.*){ETX}", re.DOTALL)


class _NoProcessors(Registry[BlockProcessor]):
    """Takes no block processor: none would ever be asked."""

    def register(self, item: BlockProcessor, name: str, priority: float) -> None:
        del item, priority
        raise TypeError(
            f'the block processor "{name}" can\'t work: blocks are read line by line, as CommonMark has them; '
            'it works with dialect = "python-markdown"'
        )


class LineParser(BlockParser):
    """In the place of Python-Markdown's block parser. `extended` False: CommonMark and no more.

    Block processors, which that has, are refused.
    """

    def __init__(self, md: "Markdown", state: "Conversion", *, extended: bool = True) -> None:
        super().__init__(md)
        self.blockprocessors = _NoProcessors()
        self.converter_state = state
        self.extended = extended

    def parseDocument(self, lines: Iterable[str]) -> ElementTree:  # noqa: N802 - Python-Markdown's name
        """The tree of a text; its root is an element of no meaning."""
        root = Element(self.md.doc_tag)
        state = self.converter_state
        parser = starts.parser(extended=self.extended, html=state.html)
        try:
            document = parser.parse("\n".join(lines))
        except TooDeep as signal:
            state.too_deep(signal.place)
            return ElementTree(root)
        state.define(parser.definitions)
        _Filling(state).children(root, document.children, is_top=True)
        return ElementTree(root)

    def parseChunk(self, parent: Element, text: str) -> None:  # noqa: N802 - Python-Markdown's name
        """What a footnote says, by the key that footnote_key() gives; or the blocks of a text."""
        state = self.converter_state
        found = _FOOTNOTE.fullmatch(text)
        if found:
            blocks = state.definitions.footnotes[found[1]].children
        else:
            blocks = starts.parser(extended=self.extended, html=state.html).parse(text).children
        _Filling(state).children(parent, blocks)


def footnote_key(name: str) -> str:
    """What Python-Markdown's footnotes keep as the text of one."""
    return f"{STX}footnote{name}{ETX}"


def _put(element: Element, text: Text) -> None:
    """Adds text to an element, behind its last child where it has one."""
    if len(element):
        element = SubElement(element, SPAN)
    element.text = text


class _Filling:
    """Fills elements with what blocks hold."""

    def __init__(self, state: "Conversion") -> None:
        self.state = state
        self.has_contents = False

    def children(self, parent: Element, blocks: list[Block], *, is_tight: bool = False, is_top: bool = False) -> None:
        habits.look(blocks, self.state.source, in_item=parent.tag == "li")
        for number, block in enumerate(blocks):
            if block.kind == "paragraph":
                before = blocks[number - 1] if number else None
                if before and before.kind == "heading" and self._belongs_to_heading(block, before, parent):
                    continue
                if is_tight:
                    _put(parent, _text(block))
                elif is_top and block.lines == ["[TOC]"] and not self.has_contents:
                    self.has_contents = True
                    SubElement(parent, "div", {"class": "toc"}).text = AtomicString(CONTENTS)
                else:
                    SubElement(parent, "p").text = _text(block)
            else:
                self._block(parent, block)

    def _belongs_to_heading(self, block: Block, heading: Block, parent: Element) -> bool:
        """Whether a paragraph right below a heading begins with attributes alone; these are taken out of it."""
        if block.line != heading.end + 1 or not _ATTRIBUTES_ALONE.match(block.lines[0]):
            return False
        text = parent[-1].text
        if isinstance(text, Text):
            places = [*text.places[:-1], text.places[-1]]
            parent[-1].text = Text.of(f"{text} {block.lines[0].strip()}", places)
        del block.lines[0], block.places[0]
        return not block.lines

    def _block(self, parent: Element, block: Block) -> None:
        match block.kind:
            case "heading":
                SubElement(parent, f"h{block.level}").text = _text(block)
            case "rule":
                SubElement(parent, "hr")
            case "quote":
                self._quote(parent, block)
            case "list":
                self._list(parent, block)
            case "fence":
                self._fence(parent, block)
            case "code":
                code = SubElement(SubElement(parent, "pre"), "code")
                code.text = AtomicString("".join([f"{line}\n" for line in block.lines]))
            case "html":
                while block.lines and not block.lines[-1].strip(" \t"):
                    block.lines.pop()
                self._raw(parent, Text.of("\n".join(block.lines), block.places))
            case "table":
                _table(parent, block, self.state.source)
            case "glossary":
                self._glossary(parent, block)
            case "element":
                self._element(parent, block)
            case "admonition":
                self._admonition(parent, block)
            case _:
                pass  # definitions, footnotes: these stand elsewhere

    def _raw(self, parent: Element, html: Text) -> None:
        SubElement(parent, RAW).text = AtomicString(self.state.raw(html, html, 0))

    def _fence(self, parent: Element, block: Block) -> None:
        place = block.word_place if block.word else (block.line, block.column)
        code = "".join([f"{line}\n" for line in block.lines])
        if not block.is_closed:
            self.state.unclosed_fence((block.line, block.column), block.sign * block.level)
        fence = fence_of(unescaped(block.word), code, place, self.state.source)
        SubElement(parent, RAW).text = AtomicString(self.state.store_fence(fence))

    def _quote(self, parent: Element, block: Block) -> None:
        first = block.children[0] if block.children else None
        found = _ALERT.match(first.lines[0].rstrip(" \t")) if first and first.kind == "paragraph" else None
        if found is None or first is None:
            self.children(SubElement(parent, "blockquote"), block.children)
            return
        line, column = first.places[0]
        title: str
        if found[2]:
            title = Text.of(found[2], [(line, column + found.start(2))])
        else:
            title = self.state.title(found[1].lower(), (line, column + 2))
        del first.lines[0], first.places[0]
        element = SubElement(parent, "div", {"class": f"admonition {found[1].lower()}"})
        SubElement(element, "p", {"class": "admonition-title"}).text = title
        self.children(element, block.children if first.lines else block.children[1:])

    def _admonition(self, parent: Element, block: Block) -> None:
        classes = block.word.lower()
        title = block.title
        written: str = Text.of(title or "", [block.word_place])
        if title is None:
            title = written = self.state.title(classes.split()[0], block.word_place)
        if block.sign == "!":
            element = SubElement(parent, "div", {"class": f"admonition {classes}"})
            if title:
                SubElement(element, "p", {"class": "admonition-title"}).text = written
        else:
            element = SubElement(parent, "details", {"class": classes})
            if block.sign == "+":
                element.set("open", "open")
            SubElement(element, "summary").text = written
        self.children(element, block.children)

    def _list(self, parent: Element, block: Block) -> None:
        element = SubElement(parent, "ul" if block.number is None else "ol")
        if block.number not in {None, 1}:
            element.set("start", str(block.number))
        for item in block.children:
            inner = SubElement(element, "li")
            first = item.children[0] if item.children else None
            task = _TASK.match(first.lines[0]) if first and first.kind == "paragraph" else None
            if first is None or task is None:
                self.children(inner, item.children, is_tight=block.is_tight)
            else:
                inner.set("class", "task")
                _add_task(inner if block.is_tight else SubElement(inner, "p"), first, task)
                self.children(inner, item.children[1:], is_tight=block.is_tight)

    def _glossary(self, parent: Element, block: Block) -> None:
        element = SubElement(parent, "dl")
        for one in block.children:
            if one.kind == "term":
                SubElement(element, "dt").text = _text(one)
            else:
                self.children(SubElement(element, "dd"), one.children, is_tight=one.is_tight)

    def _element(self, parent: Element, block: Block) -> None:
        """HTML with Markdown in it: its tags as they are, and around one run of text without a line break."""
        opening = Text.of(block.title or "", [(block.line, block.column)])
        if block.is_tight:
            SubElement(parent, SPAN).text = AtomicString(self.state.raw(opening, opening, 0))
            for number, one in enumerate(block.children):
                if one.kind == "paragraph":
                    SubElement(parent, SPAN).text = AtomicString("\n" if number else "")
                    SubElement(parent, SPAN).text = _text(one)
                else:
                    self._block(parent, one)
        else:
            self._raw(parent, opening)
            self.children(parent, block.children)
        if block.is_closed:
            self._raw(parent, Text.of(f"</{block.word}>", [(block.end, 1)]))


def _text(block: Block) -> Text:
    return Text.of("\n".join(block.lines).rstrip(" \t\n"), block.places)


def _add_task(parent: Element, block: Block, task: re.Match[str]) -> None:
    """A paragraph that begins with [ ] or [x]: a box that shows what is done, with its text as its label."""
    line, column = block.places[0]
    block.lines[0] = block.lines[0][task.end() :]
    block.places[0] = (line, column + task.end())
    label = SubElement(parent, "label")
    box = SubElement(label, "input", {"type": "checkbox", "disabled": "disabled"})
    if task[1] != " ":
        box.set("checked", "checked")
    _put(label, _text(block))


def _table(parent: Element, block: Block, source: "MarkdownSource") -> None:
    """A table; its columns stand by class, so that no inline style is needed. A short row is filled up."""
    element = SubElement(parent, "table")
    part = SubElement(element, "thead")
    for number, cells in enumerate(block.rows):
        if number == 1:
            part = SubElement(element, "tbody")
        row = SubElement(part, "tr")
        missing = len(block.aligns) - len(cells)
        aligns = block.aligns if missing <= 0 or source.may_repeat(_CELL * missing) else block.aligns[: len(cells)]
        for column, align in enumerate(aligns):
            cell = SubElement(row, "td" if number else "th")
            if align:
                cell.set("class", f"align-{align}")
            if column < len(cells):
                cell.text = Text.of(cells[column].text, [cells[column].place], is_cell=True)
