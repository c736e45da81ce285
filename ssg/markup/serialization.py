"""Python-Markdown's last steps at less cost: walks that a text has no use for, the tree as HTML, raw HTML put back."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import HTML_EMPTY, Element

from markdown.extensions.attr_list import AttrListTreeprocessor
from markdown.extensions.md_in_html import HtmlBlockPreprocessor as MarkdownWithinHtml
from markdown.postprocessors import RawHtmlPostprocessor
from markdown.preprocessors import HtmlBlockPreprocessor, Preprocessor
from markdown.serializers import (  # type: ignore[attr-defined]
    BOOLEAN_ATTRIBUTES,
    RE_AMP,
    to_html_string,
)
from markdown.treeprocessors import PrettifyTreeprocessor, Treeprocessor, UnescapeTreeprocessor
from markdown.util import HTML_PLACEHOLDER

if TYPE_CHECKING:
    from markdown import Markdown

_NEEDED: Final[Mapping[type[Treeprocessor], str]] = MappingProxyType(
    {AttrListTreeprocessor: "{", UnescapeTreeprocessor: "\\"}
)
"""What a text must hold for a walk through its whole tree to change anything."""

_BOOLEAN: Final = BOOLEAN_ATTRIBUTES["html"]
_UNESCAPED: Final = frozenset({"script", "style"})
_PLACEHOLDER: Final = re.compile(HTML_PLACEHOLDER % "([0-9]+)")


def accelerate(markdown: "Markdown") -> None:
    """Puts these steps into an instance. All its processors must be registered by now."""
    for one in markdown.preprocessors:
        if isinstance(one, (HtmlBlockPreprocessor, MarkdownWithinHtml)):
            one.run = _if_html(one.run)  # type: ignore[method-assign, assignment]
    texts = _Texts(markdown)
    markdown.preprocessors.register(texts, "texts", -1)
    for walk in markdown.treeprocessors:
        if isinstance(walk, PrettifyTreeprocessor):
            walk._prettifyETree = _prettifying(markdown)  # type: ignore[attr-defined] # noqa: SLF001
        for kind, sign in _NEEDED.items():
            if isinstance(walk, kind):
                walk.run = _if_needed(walk.run, sign, texts)  # type: ignore[method-assign, assignment]
    for last in markdown.postprocessors:
        if isinstance(last, RawHtmlPostprocessor):
            last.run = _restoring(last)  # type: ignore[method-assign, assignment]
    markdown.serializer = serialized


def _if_html(run: Callable[[list[str]], list[str]]) -> Callable[[list[str]], list[str]]:
    """The search for raw HTML, less texts that have no sign of it."""

    def gated(lines: list[str]) -> list[str]:
        text = "\n".join(lines)
        return run(lines) if "<" in text or "&" in text else lines

    return gated


class _Texts(Preprocessor):
    """Keeps what all other preprocessors left of a text."""

    def run(self, lines: list[str]) -> list[str]:
        self.text = "\n".join(lines)
        # Markdown within HTML is parsed by now, and no longer in the lines.
        self.is_all = all(isinstance(block, str) for block in self.md.htmlStash.rawHtmlBlocks)
        return lines

    def may_hold(self, sign: str) -> bool:
        return not self.is_all or sign in self.text


def _if_needed(run: Callable[[Element], Any], sign: str, texts: _Texts) -> Callable[[Element], Any]:
    return lambda root: run(root) if texts.may_hold(sign) else None


def _prettifying(markdown: "Markdown") -> Callable[[Element], None]:
    """PrettifyTreeprocessor's line breaks, with each child's kind asked for once."""
    is_block = markdown.is_block_level

    def prettify(element: Element) -> None:
        if element.tag not in {"code", "pre"}:
            blocks = [child for child in element if is_block(child.tag)]
            if blocks and blocks[0] is element[0] and not (element.text and element.text.strip()):
                element.text = "\n"
            for child in blocks:
                if len(child):
                    prettify(child)
                elif not (child.tail and child.tail.strip()):
                    child.tail = "\n"
        if not (element.tail and element.tail.strip()):
            element.tail = "\n"

    return prettify


def serialized(root: Element) -> str:
    """As Python-Markdown's to_html_string()."""
    parts: list[str] = []
    _serialize(root, parts)
    return "".join(parts)


def _serialize(element: Element, into: list[str]) -> None:
    tag: object = element.tag
    if not isinstance(tag, str):
        into.append(to_html_string(element))  # a comment or the like
        return
    start, end, is_escaped = _around(tag)
    if element.attrib:
        start = f"<{tag}{_attributes(element)}>"
    if text := element.text:
        start += _escaped(text) if is_escaped and not text.isalnum() else text
    tail = element.tail
    behind = end if not tail else end + "\n" if tail == "\n" else end + _escaped(tail)
    if not len(element):
        into.append(start + behind)
        return
    into.append(start)
    for child in element:
        _serialize(child, into)
    into.append(behind)


def _attributes(element: Element) -> str:
    written = ""
    for name, value in sorted(element.items()):
        if value is None or (name == value and name in _BOOLEAN):
            written += f" {name}"
        else:
            written += f' {name}="{_escaped(value).replace(chr(34), "&quot;")}"'
    return written


def _escaped(text: str) -> str:
    if "&" in text:
        text = RE_AMP.sub("&amp;", text)
    if "<" in text or ">" in text:
        text = text.replace("<", "&lt;").replace(">", "&gt;")
    return text


@lru_cache(1000)
def _around(tag: str) -> tuple[str, str, bool]:
    """Its start and end tag, and whether the text between them is escaped."""
    return f"<{tag}>", "" if tag.lower() in HTML_EMPTY else f"</{tag}>", tag.lower() not in _UNESCAPED


def _restoring(processor: RawHtmlPostprocessor) -> Callable[[str], str]:
    """RawHtmlPostprocessor.run(), which looks at the placeholders only."""
    stash = processor.md.htmlStash

    def run(text: str) -> str:
        parts: list[str] = []
        done = 0
        for found in _PLACEHOLDER.finditer(text):
            number, start, end = int(found[1]), found.start(), found.end()
            if number >= stash.html_counter:
                continue
            html = processor.stash_to_string(stash.rawHtmlBlocks[number])  # type: ignore[arg-type]
            if start - 3 >= done and text.startswith("<p>", start - 3) and text.startswith("</p>", end):
                start, end = start - 3, end + 4
                html = html if processor.isblocklevel(html) else f"<p>{html}</p>"
            parts += [text[done:start], run(html)]
            done = end
        return "".join([*parts, text[done:]]) if done else text

    return run
