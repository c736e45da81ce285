"""What makes our dialect of Python-Markdown: the parsers of commonmark/ in their places, footnotes, abbreviations,
addresses that are links as they stand.
"""

import re
from typing import Any
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions import Extension
from markdown.extensions.attr_list import AttrListTreeprocessor
from markdown.treeprocessors import Treeprocessor

from ssg.markup.blocks.tree import LineParser, footnote_key
from ssg.markup.dialects.abbreviations import Abbreviations
from ssg.markup.dialects.conversion import Conversion
from ssg.markup.dialects.footnotes import Footnotes, LinksBack, Roles
from ssg.markup.inlines.autolinks import Addresses, Mails
from ssg.markup.inlines.parser import InlineParser
from ssg.markup.text.block import Text


class Dialect(Extension):
    """Registers all of it. `extended` False: CommonMark and no more, as its specification's tests want it."""

    def __init__(self, state: Conversion, *, extended: bool = True) -> None:
        super().__init__()
        self.state = state
        self.extended = extended
        self.footnotes = Footnotes(state)
        self.abbreviations: dict[str, str] = {}

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - Python-Markdown's name
        state = self.state
        state.md = md
        for name in ("html_block", "normalize_whitespace"):
            md.preprocessors.deregister(name)
        for name in ("prettify", "unescape"):
            md.treeprocessors.deregister(name)
        if self.extended:
            self.footnotes.extendMarkdown(md)
            md.treeprocessors.register(Abbreviations(md, self.abbreviations, state), "abbr", 7)
            md.inlinePatterns.register(Addresses(md), "addresses", 173)
            md.inlinePatterns.register(Mails(md), "mails", 172)
            md.treeprocessors.register(_AttributeLists(md, state), "attr_list", 8)
            md.treeprocessors.register(LinksBack(md, self.footnotes), "links_back", 19.5)
            md.treeprocessors.register(Roles(md, self.footnotes), "footnote_roles", 3)
        md.parser = LineParser(md, state, extended=self.extended)
        self.footnotes.parser = md.parser
        md.treeprocessors.register(_Definitions(md, self), "definitions", 60)
        md.treeprocessors.register(_Inline(md, state, extended=self.extended), "inline", 20)


class _Definitions(Treeprocessor):
    """Gives footnotes and abbreviations to the extensions that own them."""

    def __init__(self, md: Markdown, dialect: Dialect) -> None:
        super().__init__(md)
        self.dialect = dialect

    def run(self, root: Element) -> None:
        del root
        definitions = self.dialect.state.definitions
        for name, block in definitions.footnotes.items():
            self.dialect.footnotes.setFootnote(name, footnote_key(name) if block.children else "")
        self.dialect.abbreviations.clear()
        self.dialect.abbreviations.update(definitions.abbreviations)


class _Inline(Treeprocessor):
    """In the place of the tree processor that applies inline patterns: reads each Text of the tree, in its order."""

    def __init__(self, md: Markdown, state: Conversion, *, extended: bool) -> None:
        super().__init__(md)
        self.state = state
        self.extended = extended
        self._parser: InlineParser | None = None

    def run(self, root: Element) -> None:
        # All patterns are registered by now.
        parser = self._parser = self._parser or InlineParser(self.md, self.state, extended=self.extended)
        for element, text in [(one, one.text) for one in root.iter() if type(one.text) is Text]:
            element.text = None
            if not len(element):
                parser.into(element, text)
                continue
            inner = Element(element.tag)
            parser.into(inner, text)
            element.text = inner.text
            element[0:0] = list(inner)


class _AtEnd:
    """In the place of a compiled expression for what ends a text: nothing is looked for before its last line."""

    def __init__(self, pattern: str) -> None:
        self._expression = re.compile(pattern)

    def search(self, text: str) -> re.Match[str] | None:
        line = text.removesuffix("\n").rstrip(" ")
        return self._expression.search(text, max(0, line.rfind("\n"))) if line.endswith("}") else None


class _AttributeLists(AttrListTreeprocessor):
    # Both as Python-Markdown's. Its own are tried at each brace, and at each blank before one.
    HEADER_RE: Any = _AtEnd(rf"(?<![ ])[ ]++{AttrListTreeprocessor.BASE_RE}[ ]*$")  # type: ignore[misc]
    BLOCK_RE: Any = _AtEnd(rf"\n[ ]*{AttrListTreeprocessor.BASE_RE}[ ]*$")  # type: ignore[misc]

    def __init__(self, md: Markdown, state: Conversion) -> None:
        super().__init__(md)
        self.state = state

    def run(self, doc: Element) -> None:
        if self.state.has_attributes:  # else a walk through the whole tree changes nothing
            super().run(doc)
