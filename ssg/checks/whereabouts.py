"""Where what stands in a page of the tree is written: in site.toml, in a body, in a template or a style sheet.

All of it is looked for when something is at fault alone, and each file is read once.
"""

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from sealpress.config.document import Node
from sealpress.config.sitefile import SiteFile
from sealpress.files import given
from sealpress.problems import Place, Problem
from ssg.checks.hypertext import marks
from ssg.content.model import Page, encoded
from ssg.content.places import front_matter, in_body, lines_of
from ssg.rendering.bodies.closing import contents
from ssg.rendering.queries.site_queries import SiteQueries
from ssg.rendering.theme.theme import ThemeFile

_LOOKED_AT: Final = 20  # sources of pages, for what is in all of them
_WORDS: Final = re.compile(r"\w+")
_ATTRIBUTES: Final = re.compile(r"\s\{[^{}]*\}\s*$")  # of a heading


class Written(NamedTuple):
    """Where something stands first: in site.toml, as a link of a body, in what else a source says, in a template or
    another file of the theme.
    """

    settings: Place | None = None
    link: Place | None = None
    source: Place | None = None
    theme: Place | None = None


@dataclass(frozen=True)
class Whereabouts:
    """`pages` are those of the site by source."""

    site: SiteFile
    queries: SiteQueries
    pages: Mapping[str, Page]
    _read: dict[Path, str] = field(default_factory=dict)

    def of_address(self, address: str, origins: Sequence[str]) -> Written:
        """Where an address is written that stands in what was made of `origins`."""
        names = spellings(address, self.site.settings.site.url)
        own = [origin for origin in origins[:_LOOKED_AT] if (self.site.root / origin).is_file()]
        exact = _whole(names)
        part = _whole([f"#{fragment}"]) if (fragment := urlsplit(address).fragment) else None
        bodies = (self._link(self.pages[one], names) for one in own if one in self.pages)
        found = Written(
            _in_settings(self.site.document, names),
            next(filter(None, bodies), None),
            self._first([(one, self.site.root / one) for one in own], exact),
            self._first(self._theirs, exact),
        )
        if part and not any(found):  # what stands before it is none of the template's literal text
            return found._replace(theme=self._first(self._theirs, part))
        return found

    def of_id(self, name: str, source: str, templates: Iterable[ThemeFile]) -> list[Place]:
        """Where an id is given that a page made of `source` has: by its body, its slots, and the `templates`."""
        found: list[Place] = []
        if source in self.pages:
            page = self.pages[source]
            if name in self.queries.converted(source).ids:
                found.append(self._in_body(page, name) or Place(source))
            giving = (slot for slot, html in contents(self.queries, source) if name in marks(html).anchors)
            found += [in_body(page, lines_of(self.site.root, page), slot) for slot in giving]
        pattern = re.compile(rf"(?<=\s(?i:id)=)[\"']?{re.escape(name)}(?=[\"'\s/>])")
        return found + [place for one in templates for place in self._all(one.shown, one.path, pattern)]

    def of_images(self, images: Iterable[str]) -> dict[str, Place]:
        """Where pages name each of these images first, by source: in their front matter, or in their bodies."""
        left = {image: path for image in images if (path := self.queries.asset_path(image))}
        found: dict[str, Place] = {}
        for source in sorted(self.pages):
            if not left:
                break
            for image, place in self._images(self.pages[source], left):
                found.setdefault(image, place)
            left = {image: path for image, path in left.items() if image not in found}
        return found

    def _images(self, page: Page, paths: Mapping[str, str]) -> Iterator[tuple[str, Place]]:
        """Those images that a page names, which have these `paths`."""
        root, queries = self.site.root, self.queries
        if page.front_matter.params and (params := front_matter(root, page.source, "params")):
            for image, path in paths.items():
                seen = posixpath.relpath(image, posixpath.dirname(page.source))
                names = {seen, f"./{seen}", image.removeprefix(queries.site.settings.build.content), image, path}
                urls = {queries.url(path), queries.absolute_url(path), *map(encoded, names)}
                if place := _in_settings(params, names | urls):
                    yield image, place
        at = {name: image for image, path in paths.items() for name in (image, path)}
        slots = sorted(queries.converted(page.source).slots, key=lambda slot: (slot.line, slot.column))
        for slot in slots:
            if shown := at.get(queries.destination(page.source, slot.target).name):
                yield shown, in_body(page, lines_of(root, page), slot)

    def _link(self, page: Page, names: Collection[str]) -> Place | None:
        body = self.queries.converted(page.source)
        for link in (*body.links, *body.externals):
            if link.target in names:
                return in_body(page, lines_of(self.site.root, page), link)
        return None

    def _in_body(self, page: Page, name: str) -> Place | None:
        """Where the body gives the id: by the words of a heading, or as such."""
        lines = lines_of(self.site.root, page)
        titles = (one.title for one in self.queries.converted(page.source).headings if one.id == name)
        words = next((_WORDS.findall(title) for title in titles), None)
        as_such = re.compile(rf"(?<=[{{ ]#){re.escape(name)}(?=[\s}}])|(?<=id=[\"']){re.escape(name)}(?=[\"'])")
        for number, line in enumerate(lines):
            under = lines[number + 1].strip() if number + 1 < len(lines) else ""
            is_heading = line.lstrip("> ").startswith("#") or (under and not under.strip("=-"))
            if words and is_heading and _WORDS.findall(_ATTRIBUTES.sub("", line)) == words:
                start = line.find(words[0])
                return Place(page.source, page.body_line + number, start + 1, line, len(line.rstrip()) - start)
            if words is None and (found := as_such.search(line)):
                return Place(page.source, page.body_line + number, found.start() + 1, line, len(name))
        return None

    @cached_property
    def _theirs(self) -> list[tuple[str, Path]]:
        theme = self.queries.theme
        return [(one.shown, one.path) for one in (*theme.templates.values(), *theme.static.values())]

    def _first(self, files: Iterable[tuple[str, Path]], pattern: re.Pattern[str]) -> Place | None:
        return next((place for file in files for place in self._all(*file, pattern)), None)

    def _all(self, shown: str, path: Path, pattern: re.Pattern[str]) -> Iterator[Place]:
        text = self._text(path)
        for found in pattern.finditer(text):
            start = text.rfind("\n", 0, found.start()) + 1
            line = text[start:].partition("\n")[0]
            quote = found[0][:1] in {'"', "'"}
            column = found.start() - start + 1 + quote
            yield Place(shown, text.count("\n", 0, start) + 1, column, line, len(found[0]) - quote)

    def _text(self, path: Path) -> str:
        if path not in self._read:
            self._read[path] = ""
            with suppress(OSError, Problem):
                self._read[path] = given.read(path, given.TEXT).decode("utf-8", "replace")
        return self._read[path]


def slot_anchors(queries: SiteQueries, source: str) -> tuple[str, ...] | None:
    """The anchors that the slots of a page's body bring, in their order; None where it has no slots that may.

    They can be others although the page's source is the same: a slot's content may come from anywhere on the site.
    """
    found = [marks(html).anchors for _, html in contents(queries, source)]
    return tuple(sorted(frozenset().union(*found))) if found else None


def spellings(address: str, url: str) -> list[str]:
    """An address as it may be written in a source: whole, without the site's own URL, and below its path."""
    base = urlsplit(url)
    path = address.removeprefix(f"{base.scheme}://{base.netloc}").removeprefix(f"//{base.netloc}")
    return list(dict.fromkeys([address, path, path.removeprefix(base.path.rstrip("/"))]))


def _whole(names: Iterable[str]) -> re.Pattern[str]:
    """One of these, and not as a part of something longer."""
    return re.compile(rf"(?<![\w/.-])(?:{'|'.join(map(re.escape, filter(None, names)))})(?![\w/-])")


def _in_settings(node: Node, names: Collection[str]) -> Place | None:
    match node.value:
        case Mapping() as table:
            parts: Iterable[Node] = table.values()
        case tuple() as items:
            parts = items
        case str() as text:
            return node.place if text in names or f"/{text}" in names else None
        case _:
            return None
    return next((place for part in parts if (place := _in_settings(part, names))), None)
