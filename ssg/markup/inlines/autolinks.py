"""Addresses that are links as they stand: www.example.org, https://example.org, name@example.org (GFM 6.9)."""

import re
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element

from markdown.inlinepatterns import InlineProcessor
from markdown.util import AtomicString

from ssg.markup.text.block import LinkTarget, Position, Text

if TYPE_CHECKING:
    from markdown import Markdown

# With the marks behind its domain, and not to its end: where that is no domain, another address may begin right there,
# and all that follows would be read again for each.
_ADDRESS: Final = (
    r"(?<![^\s*_~(])(?:https?://|ftp://|www\.)[\w.-]++"
    r"(?=(?P<marks>(?:[?!.,:*_~'\")]|&[A-Za-z0-9]+;)*))(?P=marks)(?P<goes_on>(?=[^\s<]))?"
)
_REST: Final = re.compile(r"[^\s<]*")
_MAIL: Final = r"(?<![A-Za-z0-9._+/-])[A-Za-z0-9._+-]++@[A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]++)+"
_DOMAIN: Final = re.compile(r"(?:https?://|ftp://)?((?:[\w-]+\.)+[\w-]+)")
_REFERENCE_AT_END: Final = re.compile(r"&[A-Za-z0-9]+;$")


class _Bare(LinkTarget):
    """A target that is also its link's text."""

    __slots__ = ()


def unlinked(node: object) -> object:
    """The text of a link that was made here, for no link stands in another."""
    return node.text if isinstance(node, Element) and isinstance(node.get("href"), _Bare) else node


class Addresses(InlineProcessor):
    def __init__(self, md: "Markdown") -> None:
        super().__init__(_ADDRESS, md)

    def handleMatch(  # type: ignore[override]  # noqa: N802 - Python-Markdown's name
        self, m: re.Match[str], data: str
    ) -> tuple[Element | None, int | None, int | None]:
        goes_on = m["goes_on"] is not None
        shown = m[0] if goes_on else _without_end(m[0])
        found = _DOMAIN.match(shown)
        if found is None or any("_" in part for part in found[1].split(".")[-2:]):
            return None, None, None
        if goes_on and (rest := _REST.match(data, m.end())):
            shown = _without_end(m[0] + rest[0])
        target = "http://" + shown if shown.startswith("www.") else shown
        return _link(target, shown, _place(data, m.start())), m.start(), m.start() + len(shown)


class Mails(InlineProcessor):
    def __init__(self, md: "Markdown") -> None:
        super().__init__(_MAIL, md)

    def handleMatch(  # type: ignore[override]  # noqa: N802 - Python-Markdown's name
        self, m: re.Match[str], data: str
    ) -> tuple[Element | None, int | None, int | None]:
        if m[0][-1] in "-_":
            return None, None, None
        return _link("mailto:" + m[0], m[0], _place(data, m.start())), m.start(), m.end()


def _link(target: str, shown: str, place: Position) -> Element:
    link = Element("a", {"href": _Bare.of(target, place)})
    link.text = AtomicString(shown)
    return link


def _place(data: str, at: int) -> Position:
    return data.place(at) if isinstance(data, Text) else (1, 1)


def _without_end(address: str) -> str:
    """Less what belongs to the sentence around it: its marks, and parentheses that don't open in it."""
    end = len(address)
    surplus = address.count(")") - address.count("(")
    while end:
        char = address[end - 1]
        if char in "?!.,:*_~'\"":
            end -= 1
        elif char == ")" and surplus > 0:
            end -= 1
            surplus -= 1
        elif char == ";" and (found := _REFERENCE_AT_END.search(address, address.rfind("&", 0, end), end)):
            end = found.start()
        else:
            break
    return address[:end]
