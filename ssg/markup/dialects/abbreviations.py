"""Abbreviations in a text, found by their lengths: an expression of all of them would try each at each word."""

import re
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions.abbr import AbbrTreeprocessor
from markdown.util import AtomicString

from ssg.markup.dialects.conversion import Conversion

_EDGE: Final = re.compile(r"\b")


class _AbbreviationTree:
    """In the place of a compiled expression. The longest of several that begin at one place is found."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names
        sizes = sorted({len(name) for name in names}, reverse=True)
        self._expressions = [re.compile(rf"(?s:.{{{size}}})\b") for size in sizes]

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        done = 0
        for edge in _EDGE.finditer(text):
            if edge.start() < done:
                continue
            for expression in self._expressions:
                found = expression.match(text, edge.start())
                if found and found[0] in self._names:
                    done = found.end()
                    yield found
                    break


class Abbreviations(AbbrTreeprocessor):
    """In the place of Python-Markdown's, which for each one copies the text behind it and its parent's children."""

    def __init__(self, md: Markdown, abbrs: dict[str, str], state: Conversion) -> None:
        super().__init__(md, abbrs)
        self.state = state

    def run(self, root: Element) -> None:
        if not self.abbrs:
            return
        names = _AbbreviationTree(self.abbrs)
        for element in list(root.iter()):
            element.text, children = self._marked(element.text, names)
            is_same = not children
            for child in element:
                child.tail, behind = self._marked(child.tail, names)
                is_same = is_same and not behind
                children += [child, *behind]
            if not is_same:
                element[:] = children

    def _marked(self, text: str | None, names: _AbbreviationTree) -> tuple[str | None, list[Element]]:
        """The text up to its first abbreviation; and an element for each, with the text behind it."""
        if not text or isinstance(text, AtomicString):
            return text, []
        found = list(names.finditer(text))
        if not found:
            return text, []
        ends = [*(one.start() for one in found[1:]), len(text)]
        return text[: found[0].start()], [
            self._element(one[0], text[one.end() : end]) for one, end in zip(found, ends, strict=True)
        ]

    def _element(self, name: str, behind: str) -> Element:
        title = self.abbrs[name]
        return self.create_element(title if self.state.source.may_repeat(len(title)) else "", name, behind)
