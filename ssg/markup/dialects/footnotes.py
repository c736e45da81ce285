"""Footnotes as Python-Markdown's extension makes them, with the roles of DPUB-ARIA 1.1: doc-noteref, doc-endnotes,
doc-backlink. Their anchors can be prefixed.
"""

import re
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement

from markdown import Markdown
from markdown.extensions.footnotes import FootnoteExtension
from markdown.treeprocessors import Treeprocessor

from ssg.markup.dialects.conversion import Conversion
from ssg.markup.text.block import Position
from ssg.markup.text.converted import ANCHOR, ETX, STX

BACK: Final = "↩\ufe0e"
_ROLES: Final = {"footnote-ref": "doc-noteref", "footnote-backref": "doc-backlink"}  # of links, by their class
_BLANK: Final = f"{STX}160{ETX}"  # a no-break space that typography leaves alone


class Order(list[str]):
    """Names in the order of their first reference. Python-Markdown asks for each one's number each time."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers: dict[str, int] = {}

    def append(self, name: str) -> None:
        self._numbers.setdefault(name, len(self))
        super().append(name)

    def __contains__(self, name: object) -> bool:
        return name in self._numbers

    def index(self, name: str, *_: Any) -> int:
        return self._numbers[name]


class Footnotes(FootnoteExtension):
    def __init__(self, state: Conversion) -> None:
        super().__init__(BACKLINK_TEXT=BACK, BACKLINK_TITLE="{}", USE_DEFINITION_ORDER=False)
        self.state = state

    def reset(self) -> None:
        super().reset()
        self.footnote_order = Order()
        self._references: dict[str, int] = {}

    def unique_ref(self, reference: str, found: bool = False) -> str:  # noqa: FBT001, FBT002 - Python-Markdown's
        """The id of a reference. Python-Markdown counts up from two for each."""
        if not found:
            return reference
        self.found_refs[reference] = count = self.found_refs.get(reference, 0) + 1
        return reference if count == 1 else reference.replace("fnref", f"fnref{count}", 1)

    def setFootnote(self, id: str, text: str) -> None:  # noqa: A002, N802 - Python-Markdown's names
        if not text.strip():
            self.state.source.fault(
                f'the footnote "{id}" is empty', "write its text behind the colon", self.place(id), len(id) + 3
            )
            text = "?"
        super().setFootnote(id, text)

    def place(self, name: str) -> Position:
        """Where a footnote is written."""
        block = self.state.definitions.footnotes.get(name)
        return (block.line, block.column) if block else self.state.source.find(rf"\[\^{re.escape(name)}\]:")

    def findFootnotesPlaceholder(self, root: Element) -> tuple[Element, Element, bool] | None:  # noqa: N802
        # Looked for in the whole tree, which is worth it where somebody wrote one.
        is_written = self.getConfig("PLACE_MARKER").split()[0] in self.state.source.text
        return super().findFootnotesPlaceholder(root) if is_written else None

    def makeFootnotesDiv(self, root: Element) -> Element | None:  # noqa: N802
        """The footnotes, without their links back: these go behind what inline markup becomes."""
        del root
        if not self.footnotes:
            return None
        div = Element("div", {"class": "footnote"})
        notes = SubElement(div, "ol")
        for name, text in self.footnotes.items():
            note = SubElement(notes, "li", {"id": self.makeFootnoteId(name)})
            surrogate = Element("div")
            self.parser.parseChunk(surrogate, text)
            note.extend(surrogate)
        return div


class LinksBack(Treeprocessor):
    """Puts a link back at the end of each footnote."""

    def __init__(self, md: Markdown, footnotes: Footnotes) -> None:
        super().__init__(md)
        self.footnotes = footnotes

    def run(self, root: Element) -> None:
        if not self.footnotes.footnotes:
            return
        for div in root.iter("div"):
            if div.get("class") == "footnote":
                for number, note in enumerate(div.iterfind("ol/li"), 1):
                    _end(note, number)


def _end(note: Element, number: int) -> None:
    last = note[-1] if len(note) else None
    if last is None or last.tag != "p":
        last = SubElement(note, "p")
    elif len(last):
        last[-1].tail = (last[-1].tail or "") + _BLANK
    else:
        last.text = (last.text or "") + _BLANK
    name = note.get("id", "").replace("fn:", "fnref:", 1)
    link = SubElement(last, "a", {"class": "footnote-backref", "href": f"#{name}", "title": str(number)})
    link.text = BACK


class Roles(Treeprocessor):
    """Gives footnotes their roles, and tells of those that nothing refers to."""

    def __init__(self, md: Markdown, footnotes: Footnotes) -> None:
        super().__init__(md)
        self.footnotes = footnotes

    def run(self, root: Element) -> None:
        footnotes = self.footnotes
        if not footnotes.footnotes:
            return
        for element in root.iter("div"):
            if element.get("class") == "footnote":
                element.tag = "section"
                element.attrib.update({"class": "footnotes", "role": "doc-endnotes"})
        for element in root.iter("a"):
            if role := _ROLES.get(element.get("class", "")):
                element.attrib.update({"role": role, "href": "#" + _anchor(element.get("href", "")[1:])})
        for tag in ("li", "sup"):
            for element in root.iter(tag):
                if element.get("id", "").startswith(("fn:", "fnref")):
                    element.set("id", _anchor(element.get("id", "")))
        for name in footnotes.footnotes:
            if name not in footnotes.footnote_order:
                hint = f"write [^{name}] where it belongs, or remove it"
                footnotes.state.source.fault(
                    f'nothing refers to the footnote "{name}"', hint, footnotes.place(name), len(name) + 3
                )


def _anchor(name: str) -> str:
    return ANCHOR + re.sub(r"[^\w-]+", "-", name)
