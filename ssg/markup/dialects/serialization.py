"""The tree as HTML in its parts: line breaks between blocks, HTML that was put away back in its place.

What Python-Markdown does in three walks and two searches (prettify, serializer, raw_html), and what would then cut its
result into tags again, is done here in one walk.
"""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import HTML_EMPTY, Element

from markdown.util import HTML_PLACEHOLDER

from ssg.markup.blocks.tree import RAW, SPAN
from ssg.markup.html.tags import Html, HtmlTag, cut, tag, unended
from ssg.markup.text.block import LinkTarget
from ssg.markup.text.converted import CODE_STUB, STX

if TYPE_CHECKING:
    from ssg.markup.dialects.conversion import Conversion

_OWN: Final = frozenset({RAW, SPAN})
_BOOLEAN: Final = frozenset({"checked", "disabled", "open", "readonly", "multiple", "selected"})
_PLACEHOLDER: Final = re.compile(HTML_PLACEHOLDER % "([0-9]+)")


def parts(root: Element, state: "Conversion") -> Html:
    """The HTML of what stands in `root`, less its own tags."""
    writing = _Writing(state)
    writing.children(root)
    return writing.html


class _Writing:
    def __init__(self, state: "Conversion") -> None:
        self.html = Html([""], [], is_paired=True)
        self._state = state
        self._stash = state.md.htmlStash.rawHtmlBlocks
        self._origins = state.origins
        self._blocks = frozenset({*state.md.block_level_elements, RAW})
        self._texts = self.html.texts
        self._tags = self.html.tags

    def children(self, element: Element) -> None:
        texts, tags, blocks = self._texts, self._tags, self._blocks
        for child in element:
            name, text, tail = child.tag, child.text, child.tail
            is_block = name in blocks
            if name in _OWN:
                if is_block and texts[-1] and not texts[-1].endswith("\n"):
                    texts[-1] += "\n"
                self._add(text or "")
                self.children(child)
                if is_block:
                    texts[-1] += "\n"
                self._add(tail or "")
                continue
            opening, closing = _pair(name)
            tags.append(_with(name, child) if child.attrib else opening)
            has_children = len(child) > 0
            if not text or text.isspace():
                # Between the tag of a block and that of one in it, as between any two blocks.
                texts.append("\n" if has_children and child[0].tag in blocks else text or "")
            elif STX in text:
                texts.append("")
                self._add(text)
            else:
                texts.append(_escaped(text))
            if has_children:
                self.children(child)
            if closing is not None:
                tags.append(closing)
                texts.append("")
            if is_block:
                texts[-1] += "\n"
                if tail and not tail.isspace():
                    self._add(tail)
            elif tail:
                self._add(tail)

    def _add(self, text: str) -> None:
        """Adds text, with HTML that was put away back in its place."""
        if STX not in text:
            self._texts[-1] += _escaped(text)
            return
        done = 0
        for found in _PLACEHOLDER.finditer(text):
            number = int(found[1])
            if number < len(self._stash):
                self._texts[-1] += _escaped(text[done : found.start()])
                self._put_back(number)
                done = found.end()
        self._texts[-1] += _escaped(text[done:])

    def _put_back(self, number: int) -> None:
        piece = cut(self._stash[number])
        self._texts[-1] += piece.texts[0]
        source, start = self._origins.get(number, (None, 0))
        if source is not None:
            for begins, sign in unended(piece):
                self._state.unended(source.place(start + begins), sign)
        at = start + len(piece.texts[0])
        self.html.is_paired &= self._stash[number].startswith(CODE_STUB)
        for one, text in zip(piece.tags, piece.texts[1:], strict=True):
            if source is not None:
                self.html.origins[len(self._tags)] = (source, at)
            self._tags.append(one)
            self._texts.append(text)
            at += len(one.raw) + len(text)


@lru_cache(1000)
def _pair(name: str) -> tuple[HtmlTag, HtmlTag | None]:
    """The tags of an element without attributes. A void one has no end."""
    return tag(f"<{name}>"), None if name.lower() in HTML_EMPTY else tag(f"</{name}>")


def _with(name: str, element: Element) -> HtmlTag:
    items = element.items() if len(element.attrib) == 1 else sorted(element.items())
    for _, value in items:
        if isinstance(value, LinkTarget):
            return HtmlTag("", name, attributes=dict(items))  # links.py writes it anew
    return _written(name, *items)


@lru_cache(1000)
def _written(name: str, *items: tuple[str, str | None]) -> HtmlTag:
    written = name
    attributes: dict[str, str | None] = {}
    for key, value in items:
        if value is None or (key == value and key in _BOOLEAN):
            attributes[key] = None
            written += f" {key}"
        else:
            attributes[key] = value
            written += f' {key}="{_escaped(value).replace(chr(34), "&quot;")}"'
    return HtmlTag(f"<{written}>", name, attributes=attributes)


def _escaped(text: str) -> str:
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text or ">" in text:
        text = text.replace("<", "&lt;").replace(">", "&gt;")
    return text
