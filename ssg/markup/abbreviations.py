"""Abbreviations in a text, found by their lengths: an expression of all of them would try each at each word."""

import re
from collections.abc import Iterator
from typing import Any, Final
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions.abbr import AbbrTreeprocessor

from ssg.markup.state import State

_EDGE: Final = re.compile(r"\b")


class _Names:
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
    """Python-Markdown's, less its expression, with what they write counted."""

    def __init__(self, md: Markdown, abbrs: dict[str, str], state: State) -> None:
        super().__init__(md, abbrs)
        self.state = state

    def create_element(self, title: str, text: str, tail: str) -> Element:
        return super().create_element(title if self.state.source.may_repeat(len(title)) else "", text, tail)

    def run(self, root: Element) -> None:
        if self.abbrs:
            self.RE: Any = _Names(self.abbrs)
            self.iter_element(root)
