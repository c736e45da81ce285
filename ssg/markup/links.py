"""The URLs of a body: taken out of its tags as Links, with markers in their place."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ssg.markup.converted import ANCHOR, ETX, STX, Kind, Link, link_marker
from ssg.markup.positions import MARK, Source, without_marks
from ssg.markup.tags import Html

_URLS: Final = frozenset({"href", "src", "srcset", "poster", "data", "xlink:href"})
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_SCRIPTS: Final = frozenset({"javascript:", "vbscript:", "livescript:", "data:"})
_CANDIDATE: Final = re.compile(r"[\s,]*(\S+?)(?=,?(?:\s|$))[^,]*")


@dataclass(slots=True)
class _Links:
    source: Source
    links: list[Link] = field(default_factory=list)
    externals: dict[Link, None] = field(default_factory=dict)  # each once, in their order
    numbers: dict[tuple[int, int], int] = field(default_factory=dict)  # of a link by mark and offset in its attribute

    def add(self, target: str, mark: int | None, offset: int, kind: Kind) -> str:
        """What stands in the HTML for `target`: a marker, or itself where it is external."""
        if mark is None:
            line, column = self.source.find(re.escape(target)) if target else (1, 1)
        else:
            line, column = self.source.place(mark)
        link = Link(target, kind, line, column + offset, max(1, len(target)))
        scheme = _SCHEME.match(re.sub(r"[\s\x00-\x20]", "", target))
        if not target:
            self.source.fault("this link has no target", "write where it leads, or take the link away", (line, column))
        elif (
            scheme
            and scheme[0].lower() in _SCRIPTS
            and not (kind == "image" and re.match(r"data:image/", target, re.IGNORECASE))
        ):
            self.source.fault(
                f'a link can\'t lead to "{scheme[0]}"',
                "a page's links lead to pages and files; scripts belong to the theme",
                (link.line, link.column),
                link.length,
            )
        elif scheme or target.startswith("//"):
            self.externals[link] = None
            return target
        else:
            return self._internal(link, mark, offset)
        return "#"

    def _internal(self, link: Link, mark: int | None, offset: int) -> str:
        number = None if mark is None else self.numbers.get((mark, offset))
        if number is None:
            number = len(self.links)
            self.links.append(link)
            if mark is not None:
                self.numbers[mark, offset] = number
        return link_marker(number)


def take_links(html: Html, source: Source, numbers: Sequence[int]) -> tuple[list[Link], list[Link]]:
    """Takes the targets out of tags, of which `numbers` have attributes, and puts markers in."""
    found = _Links(source)
    for number in numbers:
        tag = html.tags[number]
        changed: dict[str, str | None] = {}
        for name, value in tag.attributes.items():
            if value is None:
                continue
            known = name.lower()
            if known in _URLS and ANCHOR not in value and (known != "data" or tag.name == "object"):
                changed[name] = _replaced(value, known, _kind(tag.name, known), found)
            elif STX in value and MARK.search(value):
                changed[name] = without_marks(value)
        if changed:
            html.tags[number] = tag.having({**tag.attributes, **changed})
    return found.links, list(found.externals)


def _kind(tag: str, name: str) -> Kind:
    if tag in {"a", "area"}:
        return "link"
    is_image = tag in {"img", "image", "picture"} or name in {"srcset", "poster"}
    return "image" if is_image else "asset"


_HALF_MARK: Final = re.compile(f"{STX}[^{ETX}]*{ETX}?|{ETX}")


def _replaced(value: str, name: str, kind: Kind, found: _Links) -> str:
    mark = MARK.search(value)
    number = int(mark[1]) if mark else None
    # Of a link that is broken enough, Python-Markdown may take half a mark.
    plain = _HALF_MARK.sub("", without_marks(value))
    if name != "srcset":
        return found.add(plain.strip(), number, 0, kind)
    # HTML, 4.8.4.2.1: candidates are URLs with a width or density, between commas.
    candidates = [(match[1], match) for match in _CANDIDATE.finditer(plain) if match[1].strip(",")]
    return ", ".join(
        found.add(url, number, match.start(1), kind) + match[0][match.end(1) - match.start() :].rstrip()
        for url, match in candidates
    )
