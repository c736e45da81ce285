"""What is said of images that don't show: their text, less its markup (CommonMark 6.4)."""

import re
from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element

from markdown.util import HTML_PLACEHOLDER

from ssg.markup.text.converted import ETX, STX

Rope = list["str | Rope"]

_KEPT: Final = re.compile(f"{STX}([0-9]{{1,3}}){ETX}|{HTML_PLACEHOLDER % '([0-9]+)'}")


class Alternatives:
    """The texts of images, which may stand in each other. Only the outer ones are put together: that of each inner one
    would be put together again for each.
    """

    def __init__(self, stash: Sequence[object]) -> None:
        self._stash = stash
        self._ropes: dict[int, tuple[Element, Rope]] = {}

    def add(self, image: Element, nodes: list[object]) -> None:
        rope: Rope = []
        for node in nodes:
            if isinstance(node, Element):
                self._read(node, rope)
            else:
                rope.append(str(node))
        self._ropes[id(image)] = (image, rope)

    def _read(self, element: Element, rope: Rope) -> None:
        if element.tag == "img":
            rope.append(self._ropes.pop(id(element))[1])
        else:
            rope.append(element.text or "")
            for child in element:
                self._read(child, rope)
        rope.append(element.tail or "")

    def write(self) -> None:
        for image, rope in self._ropes.values():
            image.set("alt", _KEPT.sub(self._kept, _joined(rope)))

    def _kept(self, found: re.Match[str]) -> str:
        """A character that was marked, or HTML that was put away, as it was written."""
        if found[1]:
            return chr(int(found[1]))
        return str(self._stash[int(found[2])]) if int(found[2]) < len(self._stash) else ""


def _joined(rope: Rope) -> str:
    parts: list[str] = []
    rest: list[str | Rope] = [rope]
    while rest:
        part = rest.pop()
        if isinstance(part, str):
            parts.append(part)
        else:
            rest.extend(reversed(part))
    return "".join(parts)
