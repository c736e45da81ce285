"""The kinds of files that templates make: pages, and the pages of lists."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sealpress.problems import Problem, did_you_mean
from ssg.content.places import in_front_matter
from ssg.rendering.output_kind import OutputFile, OutputKind, Rendering, Subject
from ssg.rendering.queries.lists import ListKind
from ssg.rendering.queries.site_queries import SiteQueries
from ssg.rendering.theme.theme import OWN
from ssg.rendering.views.lists import ListView
from ssg.rendering.views.pages import PageView

TEMPLATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        ListKind.HOME: "list.html",
        ListKind.POSTS: "list.html",
        ListKind.YEAR: "archive.html",
        ListKind.MISSING: "404.html",
    }
)
"""The templates of lists that are not called as their kind. A page's is that of its front matter, else by its kind."""


def _page(rendering: Rendering, file: OutputFile) -> bytes:
    queries = rendering.queries
    view = PageView(queries, file.subject)
    return rendering.rendered(_page_template(queries, file), queries.language(file.subject), view, file.origin)


def _page_template(queries: SiteQueries, file: OutputFile) -> str:
    wanted = _wanted(queries, file.subject)
    return wanted or _known(queries, f"{queries.kind(file.subject)}.html", file.origin)


PAGE: Final[OutputKind] = OutputKind(
    name="page",
    files=lambda queries: (OutputFile(one.output, PAGE, one.source, one.source) for one in queries.pages),
    make=_page,
    subject=Subject.PAGE,
    words=lambda _origin, _source: "a page",
    template=_page_template,
    body=lambda _queries, file: file.subject,
)


def _list(rendering: Rendering, file: OutputFile) -> bytes:
    queries = rendering.queries
    listing = queries.list_at(file.subject)
    view = ListView(queries, listing)
    return rendering.rendered(_list_template(queries, file), listing.language, view, file.origin)


def _list_template(queries: SiteQueries, file: OutputFile) -> str:
    listing = queries.list_at(file.subject)
    wanted = _wanted(queries, listing.introduction) if listing.introduction else ""
    return wanted or _known(queries, TEMPLATES.get(listing.kind, f"{listing.called}.html"), file.origin)


LIST: Final[OutputKind] = OutputKind(
    name="list",
    files=lambda queries: (OutputFile(one.output, LIST, one.path, one.origin) for one in queries.lists),
    make=_list,
    words=lambda origin, _source: f"a list, introduced by {origin}" if origin.endswith(".md") else origin,
    template=_list_template,
    body=lambda queries, file: queries.list_at(file.subject).introduction or "",
)


def _wanted(queries: SiteQueries, source: str) -> str:
    """The template that a page's front matter names, or ""."""
    wanted = queries.wanted_template(source)
    if not wanted or queries.template(wanted) is not None:
        return wanted
    known = sorted(name for name in queries.theme.templates if not name.startswith(OWN))
    place = in_front_matter(queries.site.root, source, "template")
    if absent := queries.absent_below("templates", wanted):
        raise absent[1].problem(f'there is no template "{wanted}"', absent[0], place)
    raise Problem(
        f'there is no template "{wanted}"{did_you_mean(wanted, known)}',
        place=place,
        hint=f"templates: {', '.join(known)}",
    )


def _known(queries: SiteQueries, name: str, subject: str) -> str:
    if queries.template(name) is not None:
        return name
    if absent := queries.absent_below("templates", name):
        raise absent[1].problem(f'there is no template "{name}", which {subject} needs', absent[0])
    raise Problem(
        f'the theme "{queries.theme.name}" has no template "{name}", which {subject} needs',
        hint=f"write templates/{name}, in the theme or in the site's own templates",
    )
