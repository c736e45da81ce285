"""Where pages show an image: what is wrong with it is told there, since that is what an author looks at."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

from sealpress.problems import Place, Problem
from ssg.build.convert import KeptBodies
from ssg.content.links import To
from ssg.content.model import Page
from ssg.content.places import in_body, in_front_matter, lines_of
from ssg.rendering.queries.site_queries import SiteQueries

Keys = tuple[str | int, ...]


def at_pictures(
    problems: Iterable[Problem], queries: SiteQueries, pages: Mapping[str, Page], bodies: KeptBodies
) -> list[Problem]:
    """The same `problems`. One of an image, which stands at its file, is told at the first place where a page shows it.

    An image that no page shows keeps its own place. A page's front matter can name one, too.
    """
    found = list(problems)
    wanted = {one.place.file for one in found if one.place and queries.asset_path(one.place.file)}
    places: dict[str, Place] = {}
    for source in sorted(pages) if wanted else ():
        for image, place in _shown(queries, pages[source], bodies, wanted - places.keys()):
            places.setdefault(image, place)
        if len(places) == len(wanted):
            break
    return [_moved(one, places[one.place.file]) if one.place and one.place.file in places else one for one in found]


def _moved(problem: Problem, place: Place) -> Problem:
    line = problem.place.text if problem.place else None  # of a drawing, which is text
    message, said = f'{problem.message}: "{problem.place}"', [line] if line else []
    return Problem(message, place=place, hint=problem.hint, code=problem.code, said=said)


def _shown(queries: SiteQueries, page: Page, bodies: KeptBodies, wanted: Iterable[str]) -> Iterator[tuple[str, Place]]:
    """Those of the `wanted` images that a page shows, in the order in which it names them."""
    left = {image: queries.asset_path(image) for image in wanted}
    root, content = queries.site.root, queries.site.settings.build.content
    for keys, text in _texts(page.front_matter.params, ("params",)):
        if image := next((one for one in left if text in _names(queries, content, page, one)), None):
            del left[image]
            yield image, in_front_matter(root, page.source, *keys)
    links = sorted(bodies.converted(page).links, key=lambda link: (link.line, link.column))
    lines: list[str] | None = None
    for link in links:
        to = queries.destination(page.source, link.target)
        names = (one for one, path in left.items() if to.name == (path if to.to is To.PATH else one))
        if image := next(names, None):
            del left[image]
            lines = lines_of(root, page) if lines is None else lines
            yield image, in_body(page, lines, link)


def _names(queries: SiteQueries, content: str, page: Page, image: str) -> set[str]:
    """How a page's front matter may call an image: as seen from the page, from the content folder, from the site."""
    path = queries.asset_path(image) or ""
    seen = posixpath.relpath(image, posixpath.dirname(page.source))
    return {seen, f"./{seen}", image.removeprefix(content), image, path, queries.url(path), queries.absolute_url(path)}


def _texts(value: object, keys: Keys) -> Iterator[tuple[Keys, str]]:
    match value:
        case str():
            yield keys, unquote(value)
        case Mapping():
            for key, item in value.items():
                yield from _texts(item, (*keys, key))
        case tuple() | list():
            for number, item in enumerate(value):
                yield from _texts(item, (*keys, number))
