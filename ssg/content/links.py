"""Links between pages: written as source paths, resolved to where readers find the target, and checked with anchors.

[x](../post.md#part)   a page, by its source: the reader's language where it is translated, else as it is
[x](/docs/index.md)    the same, from the content folder
![x](photo.png)        a file beside the page, by its source
[x](/tags/)            a path of the site
[x](#part)             an anchor of the page itself
"""

import posixpath
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import field
from enum import StrEnum
from functools import lru_cache
from typing import Final, Protocol
from urllib.parse import quote, unquote, urlsplit

from sealpress.frozen import frozen
from sealpress.problems import Place, Problem, did_you_mean
from ssg.content.absence import Absence
from ssg.content.model import Page, Site, output_of
from ssg.markup.text.converted import Slot

PAGE_ENDING: Final = ".md"

_GUESSES: Final = 50  # of what was meant, in one build


class To(StrEnum):
    """What a link names."""

    ITSELF = "itself"  # the page that it stands on
    PAGE = "page"
    FILE = "file"
    PATH = "path"  # of the site


@frozen
class Destination:
    """A link's target, taken apart. `name` is a source, or a path of the site; `fragment` is as written."""

    to: To
    name: str
    query: str
    fragment: str

    @property
    def rest(self) -> str:
        """What stands behind the path, made fit for a URL; what is percent-encoded already stays."""
        whole = (f"?{self.query}" if self.query else "") + (f"#{self.fragment}" if self.fragment else "")
        if self.to is To.ITSELF and not whole:
            return "#"  # its top; nothing at all would load it again
        return quote(whole, safe="%#?&=/:@!$'()*+,;~-._")

    @property
    def anchor(self) -> str:
        """The id that must be there; "" where any page will do: "#" and "#top" lead to its top (HTML, 7.4.6.3)."""
        anchor = unquote(self.fragment)
        return "" if anchor.lower() == "top" else anchor


@lru_cache(maxsize=4096)
def destination(content: str, source: str, target: str) -> Destination:
    """What `target` names on the page at `source`. `content` is the content folder."""
    parts = urlsplit(target)
    path = unquote(parts.path)
    if not path:
        return Destination(To.ITSELF, source, parts.query, parts.fragment)
    if path.startswith("/") and not path.endswith(PAGE_ENDING):
        return Destination(To.PATH, path, parts.query, parts.fragment)
    seen_from_page = posixpath.join(posixpath.dirname(source), path)
    found = posixpath.normpath(content + path if path.startswith("/") else seen_from_page)
    to = To.PAGE if path.endswith(PAGE_ENDING) else To.FILE
    return Destination(to, found, parts.query, parts.fragment)


def alike(path: str, outputs: Iterable[str]) -> str | None:
    """What there is at a path that looks the same: with letters of another case, or in another of Unicode's forms."""
    wanted = _plain(output_of(path))
    near = next((output for output in outputs if _plain(output) == wanted), None)
    return None if near is None else "/" + near.removesuffix("index.html")


def _plain(name: str) -> str:
    return name.casefold() if name.isascii() else unicodedata.normalize("NFC", name).casefold()


class Map(Protocol):
    """Who knows what is where: a SiteQueries."""

    @property
    def site(self) -> Site: ...

    def destination(self, source: str, target: str) -> Destination: ...

    def linked(self, source: str, language: str) -> str | None: ...

    def asset_path(self, source: str) -> str | None: ...

    def absence(self, source: str) -> Absence | None: ...

    def absent_at(self, path: str) -> tuple[str, Absence] | None: ...


@frozen
class Doubts:
    """What a build can't know, since what would say it is at fault: of that, nothing is told a second time.

    `unread` are pages of which nothing is known, `unsure` those that may have another path than it seems; `heads` are
    the texts that would tell, in lower case. `files` are all sources. Paths that begin with `prefixes` are a theme's.
    It `refuses` a source whose name is at fault.
    """

    unread: Collection[str] = ()
    unsure: Collection[str] = ()
    heads: Sequence[str] = ()
    files: Collection[str] = ()
    prefixes: tuple[str, ...] = ()
    refuses: Callable[[str], bool] = lambda _: False

    def source(self, name: str) -> bool:
        """Whether a page may be at a source, or a file stand beside a page that can't be read."""
        beside = tuple(f"{posixpath.dirname(source)}/" for source in self.unread)
        return name in self.unread or (name in self.files and name.startswith(beside)) or self.refuses(name)

    def path(self, path: str) -> bool:
        """Whether a page with a fault may be what stands at a path, or make the list that does."""
        if self.prefixes and path.startswith(self.prefixes):
            return True
        last = path.casefold().removesuffix(".html").rstrip("/").rpartition("/")[2]
        words = re.findall(r"\w+", last)
        return any(all(word in head for word in words) for head in self.heads)


@frozen
class Checker:
    """Looks whether links lead somewhere.

    `ids` gives the anchors of the body at a source; `outputs` are all files of the
    tree.
    """

    map: Map
    ids: Callable[[str], Collection[str]]
    outputs: Collection[str]
    place: Callable[[Page, Slot], Place]
    doubts: Doubts = field(default_factory=Doubts)
    _guessed: list[str] = field(default_factory=list)

    def sources(self, page: Page, link: Slot) -> Problem | None:
        """The Problem of a link to a page, file or anchor that isn't there."""
        to = self._destination(page, link)
        match to.to:
            case To.ITSELF:
                return self._anchor(page, link, page.source, to.anchor)
            case To.PAGE:
                found = self.map.linked(to.name, page.language)
                if not found and self.doubts.source(to.name):
                    return None
                return self._anchor(page, link, found, to.anchor) if found else self._dead_page(page, link, to.name)
            case To.FILE:
                is_there = self.map.asset_path(to.name) or self.doubts.source(to.name)
                return None if is_there else self._dead_file(page, link, to.name)
            case To.PATH:
                return None

    def paths(self, page: Page, link: Slot) -> Problem | None:
        """The Problem of a link to a path of the site that no output is at."""
        to = self._destination(page, link)
        if to.to is not To.PATH or output_of(to.name) in self.outputs or self.doubts.path(to.name):
            return None
        if to.name.startswith(self.map.site.settings.build.elsewhere):
            return None
        place = self.place(page, link)
        message = f'nothing on the site is at "{to.name}"'
        folder = to.name + "/"
        if output_of(folder) in self.outputs:
            return Problem(message, place=place, hint=f'write "{folder}"')
        if found := self.map.absent_at(to.name):
            return found[1].problem(message, found[0], place)
        if near := alike(to.name, self.outputs):
            return Problem(message, place=place, hint=f'write "{near}": A and a are two letters')
        return Problem(message, place=place, hint="link to a page by its source: [x](/docs/x.md)")

    def anchored(self, page: Page, link: Slot) -> str | None:
        """The source of the page whose anchor a link needs; None for a link that needs none."""
        to = self._destination(page, link)
        if not to.anchor or to.to not in {To.ITSELF, To.PAGE}:
            return None
        return self.map.linked(to.name, page.language)

    def _meant(self, word: str, known: Iterable[str]) -> str:
        """did_you_mean, which looks at all names of the site: for the first of many only."""
        self._guessed.append(word)
        return did_you_mean(word, known) if len(self._guessed) <= _GUESSES else ""

    def _destination(self, page: Page, link: Slot) -> Destination:
        return self.map.destination(page.source, link.target)

    def _dead_page(self, page: Page, link: Slot, source: str) -> Problem:
        place = self.place(page, link)
        if absence := self.map.absence(source):
            return Problem(f'this links to "{source}", which is {absence.reason}', place=place, hint=absence.hint)
        meant = self._meant(source, self.map.site.by_source)
        hint = None if meant else "a page is named as seen from the one that links to it, or from content/: /docs/x.md"
        return Problem(f'this links to "{source}", which is not there{meant}', place=place, hint=hint)

    def _dead_file(self, page: Page, link: Slot, source: str) -> Problem:
        place = self.place(page, link)
        if absence := self.map.absence(source):
            return Problem(f'"{source}" is {absence.reason}', place=place, hint=absence.hint)
        if any(other.startswith(source + "/") for other in self.map.site.by_source):
            index = posixpath.join(posixpath.relpath(source, posixpath.dirname(page.source)), "index.md")
            return Problem(f'"{source}" is a folder', place=place, hint=f'link to a page by its source: "{index}"')
        if f"{source}{PAGE_ENDING}" in self.map.site.by_source:
            hint = f'link to a page by its source: "{link.target}{PAGE_ENDING}"'
            return Problem(f'there is no file "{source}"', place=place, hint=hint)
        build = self.map.site.settings.build
        if not source.startswith(build.content + "/"):
            return Problem(
                f'"{source}" is not in the content folder',
                place=place,
                hint=f"put it beside the page, or into {build.static}/ and link to it as /x.pdf",
            )
        return Problem(
            f'there is no file "{source}"{self._meant(source, self.map.site.asset_paths)}',
            place=place,
            hint="a file is named as seen from the page; a page by its source, which ends in .md",
        )

    def _anchor(self, page: Page, link: Slot, target: str, anchor: str) -> Problem | None:
        if not anchor or anchor in (ids := self.ids(target)):
            return None
        where = "on this page" if target == page.source else f'in "{target}"'
        listed = ", ".join(f"#{known}" for known in sorted(ids)[:12])
        return Problem(
            f'there is no anchor "#{anchor}" {where}{self._meant(anchor, ids)}',
            place=self.place(page, link),
            hint=f"anchors there: {listed}" if listed else "that page has no anchors",
        )
