"""Records as plain data and back: what a file can hold that is no code. Texts, numbers, None, and tuples of them."""

import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sealpress.problems import Exit, Place, Problem
from ssg.cache.table import Plain
from ssg.content.model import FrontMatter, Kind, Manuscript, Page
from ssg.markup.text.converted import Fault, Link

SHA256, HEAD, FRONT, LINE, KEY = range(5)
"""Where in a plain manuscript these stand."""

_MOMENT, _DAY, _TIME, _TABLE, _LIST = "moment", "day", "time", "table", "list"


def of_manuscript(one: Manuscript) -> Plain:
    links = tuple((link.target, link.kind, link.line, link.column, link.length) for link in one.links)
    faults, warnings = (
        tuple((fault.message, fault.hint, fault.line, fault.column, fault.length) for fault in found)
        for found in (one.faults, one.warnings)
    )
    return one.sha256, one.head, of_front_matter(one.front_matter), one.body_line, one.key, links, faults, warnings


def manuscript(plain: Plain) -> Manuscript:
    sha256, head, front, body_line, key, links, faults, warnings = plain
    return Manuscript(
        sha256,
        head,
        front_matter(front),
        body_line,
        key,
        tuple(Link(*link) for link in links),
        tuple(Fault(*fault) for fault in faults),
        tuple(Fault(*fault) for fault in warnings),
    )


def of_problem(one: Problem) -> Plain:
    """A warning, less what only a fault has."""
    place = one.place
    where = (place.file, place.line, place.column, place.text, place.length) if place else ()
    return one.message, where, one.hint, int(one.code), one.said, one.block


def problem(plain: Plain) -> Problem:
    message, where, hint, code, said, block = plain
    place = Place(*where) if where else None
    return Problem(message, place=place, hint=hint, code=Exit(code), said=said, block=block, is_warning=True)


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
        Kind(kind),
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
