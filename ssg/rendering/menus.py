"""Checks the menus of site.toml before anything is rendered: each of their links leads somewhere."""

from collections.abc import Collection, Iterator, Sequence
from urllib.parse import unquote

from sealpress.config.settings import MenuItem
from sealpress.html import active_content
from sealpress.problems import Place, Problem, did_you_mean
from ssg.content.links import Doubts
from ssg.content.model import output_of
from ssg.rendering.queries.site_queries import SiteQueries


def check(queries: SiteQueries, known: Collection[str], doubts: Doubts) -> Iterator[Problem]:
    """A Problem at the `url` of each menu item that leads to none of the outputs `known`."""
    seen: set[tuple[str, Place | None]] = set()
    for language in queries.site.languages:
        for name, items in (queries.site.language_settings(language).menus or {}).items():
            for number, item in enumerate(items):
                place = _place(queries, language, name, number)
                # A menu that languages share is looked at in each of them, and complained of once.
                problem = _problem(queries, language, item, known, place, doubts)
                if problem and (item.url, place) not in seen:
                    seen.add((item.url, place))
                    yield problem


def _problem(
    queries: SiteQueries, language: str, item: MenuItem, known: Collection[str], place: Place | None, doubts: Doubts
) -> Problem | None:
    if scheme := active_content.active_scheme(item.url):
        hint = "name a page by its source, a path of the site, or a whole https:// URL"
        return Problem(f'a menu can\'t lead to "{scheme}"', place=place, hint=hint)
    path = unquote(item.url.partition("#")[0].partition("?")[0])
    if path.endswith(".md") and "://" not in path:
        try:
            queries.find(path.removeprefix("/"), language)
        except Problem as problem:
            if not doubts.source(f"{queries.site.settings.build.content}/{path.removeprefix('/')}"):
                message, _, reason = problem.message.partition(": ")
                reason = f": {reason}" if reason else ""
                return Problem(f"{message} for a menu to lead to{reason}", place=place, hint=problem.hint)
        return None
    if not path.startswith("/") or output_of(queries.site.spelled(path)) in known or doubts.path(path):
        return None
    if found := queries.absent_at(path):
        return found[1].problem(f'nothing on the site is at "{path}"', found[0], place)
    return Problem(
        f'nothing on the site is at "{path}"{_meant(path, sorted(known))}',
        place=place,
        hint="a page is best named by its source: docs/index.md",
    )


def _meant(path: str, known: Sequence[str]) -> str:
    return did_you_mean(path, ["/" + output.removesuffix("index.html") for output in known])


def _place(queries: SiteQueries, language: str, name: str, number: int) -> Place | None:
    document = queries.theme.document
    table = document.at("language", language, "menus", name) or document.at("menus", name)
    item = (table.at(number, "url") or table.at(number)) if table else None
    return item.place if item else None
