"""Records as plain data and back: what a file can hold that is no code. Texts, numbers, None, and tuples of them."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from ssg.cache.table import Plain, Table
from ssg.content.model import FrontMatter, Page, PageKind, ParsedPage
from ssg.markup.text.converted import Fault, Link

SHA256, HEAD, FRONT, LINE, KEY = range(5)
"""Where in a plain manuscript these stand."""

_MOMENT, _DAY, _TIME, _TABLE, _LIST = "moment", "day", "time", "table", "list"


def of_parsed_page(one: ParsedPage) -> Plain:
    links = tuple((link.target, link.kind, link.line, link.column, link.length) for link in one.links)
    faults, warnings = (
        tuple((fault.message, fault.hint, fault.line, fault.column, fault.length) for fault in found)
        for found in (one.faults, one.warnings)
    )
    return one.sha256, one.head, of_front_matter(one.front_matter), one.body_line, one.key, links, faults, warnings


def parsed_page(plain: Plain) -> ParsedPage:
    sha256, head, front, body_line, key, links, faults, warnings = plain
    return ParsedPage(
        sha256,
        head,
        front_matter(front),
        body_line,
        key,
        tuple(Link(*link) for link in links),
        tuple(Fault(*fault) for fault in faults),
        tuple(Fault(*fault) for fault in warnings),
    )


def of_front_matter(front: FrontMatter) -> Plain:
    return (
        front.title,
        _plain(front.date),
        _plain(front.updated),
        front.slug,
        front.key,
        front.tags,
        front.description,
        front.summary,
        front.author,
        front.draft,
        front.order,
        front.template,
        front.toc,
        _plain(front.params) if front.params else (),
    )


def front_matter(plain: Plain) -> FrontMatter:
    title, date, updated, slug, key, tags, description, summary, author, draft, order, template, toc, params = plain
    return FrontMatter(
        title,
        _value(date),
        _value(updated),
        slug,
        key,
        tags,
        description,
        summary,
        author,
        draft,
        order,
        template,
        toc,
        _value(params) if params else MappingProxyType({}),
    )


def of_page(page: Page) -> Plain:
    """Without its front matter, which is its manuscript's."""
    return (
        page.kind.value,
        page.language,
        page.key,
        page.title,
        page.slug,
        page.path,
        page.output,
        page.body_line,
        page.folder,
        page.is_index,
        page.date.isoformat() if page.date else "",
        page.updated.isoformat() if page.updated else "",
        page.tags,
        page.author,
    )


def page(source: str, plain: Plain, front: FrontMatter) -> Page:
    kind, language, key, title, slug, path, output, body_line, folder, is_index, date, updated, tags, author = plain
    return Page(
        source,
        PageKind(kind),
        language,
        key,
        title,
        slug,
        path,
        output,
        body_line,
        front,
        folder,
        is_index,
        dt.datetime.fromisoformat(date) if date else None,
        dt.datetime.fromisoformat(updated) if updated else None,
        tags,
        author,
    )


def _plain(value: object) -> Plain:
    """Every tuple begins with what it is, so that no text of an author's can be taken for a mark."""
    match value:
        case dt.datetime():
            return (_MOMENT, value.isoformat())
        case dt.date():
            return (_DAY, value.isoformat())
        case dt.time():
            return (_TIME, value.isoformat())
        case Mapping():
            return (_TABLE, *((key, _plain(item)) for key, item in value.items()))
        case tuple():
            return (_LIST, *(_plain(item) for item in value))
        case _:
            return value


def _value(plain: Plain) -> Any:
    if not isinstance(plain, tuple):
        return plain
    mark, *items = plain
    match mark:
        case "moment":
            return dt.datetime.fromisoformat(items[0])
        case "day":
            return dt.date.fromisoformat(items[0])
        case "time":
            return dt.time.fromisoformat(items[0])
        case "table":
            return MappingProxyType({key: _value(item) for key, item in items})
        case _:
            return tuple(_value(item) for item in items)


class LazyPages(Mapping[str, Page]):
    """The pages of the last build, each made when it is asked for."""

    def __init__(self, pages: Mapping[str, object], parsed_pages: Mapping[str, ParsedPage]) -> None:
        self._plain = pages
        self._parsed_pages = parsed_pages
        self._made: dict[str, Page] = {}

    def __getitem__(self, source: str) -> Page:
        if source not in self._made:
            front = self._parsed_pages[source].front_matter
            self._made[source] = page(source, self._plain[source], front)
        return self._made[source]

    def __iter__(self) -> Iterator[str]:
        return iter(self._plain)

    def __len__(self) -> int:
        return len(self._plain)


class ParsedPages(Mapping[str, ParsedPage]):
    """All manuscripts, each made when it is asked for: those of the last build, and over them those that were read."""

    def __init__(self, last: Table) -> None:
        self._last = last
        self._read: dict[str, Plain] = {}
        self._made: dict[str, ParsedPage] = {}

    def add(self, source: str, parsed_page: Plain) -> None:
        self._made.pop(source, None)
        self._read[source] = parsed_page

    def plain(self, source: str) -> Plain:
        """As ssg.build.records has it; None for one that isn't there."""
        return self._read.get(source) or self._last.get(source)

    def table(self, sources: Iterable[str]) -> Table:
        """Those of some sources, plain, in their order."""
        return (self._last | self._read).only(sources)

    def __getitem__(self, source: str) -> ParsedPage:
        if source not in self._made:
            self._made[source] = parsed_page(self._read.get(source) or self._last[source])
        return self._made[source]

    def __iter__(self) -> Iterator[str]:
        return iter(self._last | self._read)

    def __len__(self) -> int:
        return len(self._last | self._read)
