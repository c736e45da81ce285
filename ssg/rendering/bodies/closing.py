"""What the converter left open in a body, closed.

body(queries, source)      a page's whole body
summary(queries, source)   what lists show of it
href(queries, source, …)   the address for what a link of a body names
"""

import html as entities
from collections.abc import Sequence

from ssg.content.links import To
from ssg.images.variants import Picture, Size, format_of
from ssg.markup.text.converted import ANCHOR, STX, resolve
from ssg.rendering.bodies import pictures
from ssg.rendering.queries.site_queries import SiteQueries


def body(queries: SiteQueries, source: str, *, absolute: bool = False) -> str:
    """A page's whole body. `absolute`: every link and image with the site's URL, for feeds."""
    own = queries.absolute_url(queries.path(source)) if absolute else ""
    return _closed(queries, source, queries.body_html(source), own, absolute=absolute, eager=1)


def summary(queries: SiteQueries, source: str, *, absolute: bool = False) -> str:
    """What lists show of a body, as HTML; `absolute` as in `body`. Links to a part of the page lead to the page."""
    shown = queries.summary_html(source)
    if STX not in shown:
        return resolve(shown, [])
    path = queries.path(source)
    own = queries.absolute_url(path) if absolute else queries.url(path)
    return _closed(queries, source, shown, own, absolute=absolute, eager=0)


def href(queries: SiteQueries, source: str, target: str, own: str = "", *, absolute: bool = False) -> str:
    """The address for what a link of a body names; the page's `own` for what isn't there."""
    url = queries.absolute_url if absolute else queries.url
    to = queries.destination(source, target)
    match to.to:
        case To.ITSELF:
            return (url(queries.path(source)) if to.query else own) + to.rest
        case To.PAGE:
            found = queries.linked(to.name, queries.language(source))
            path = queries.path(found) if found else ""
        case To.FILE:
            path = queries.asset_path(to.name) or ""
        case To.PATH:
            path = to.name
    return url(path) + to.rest if path else own


def _closed(queries: SiteQueries, source: str, html: str, own: str, *, absolute: bool, eager: int) -> str:
    """A body with its links filled in. `own` is what stands before an anchor of the page where the body stands
    elsewhere; `eager`, how many of its images a reader sees at once.
    """
    if own:
        html = html.replace(f'href="#{ANCHOR}', f'href="{entities.escape(own)}#{ANCHOR}')
    if STX not in html:
        return resolve(html, [])
    links = queries.links(source)
    if "<img " in html:
        html = _pictured(queries, source, html, links, absolute=absolute, eager=eager)
    return resolve(html, [href(queries, source, target, own, absolute=absolute) for target in links])


def _pictured(queries: SiteQueries, source: str, html: str, links: Sequence[str], *, absolute: bool, eager: int) -> str:
    """A body whose images know their size and their variants."""

    def file(number: int) -> str:
        to = queries.destination(source, links[number])
        return to.name if to.to is To.FILE and format_of(to.name) else ""

    def picture(number: int) -> Picture | None:
        return queries.image(name) if (name := file(number)) else None

    def size(number: int) -> Size | None:
        return queries.image_size(name) if (name := file(number)) else None

    if absolute:
        return pictures.measured(html, size)
    return pictures.fitted(html, picture, queries.url, queries.image_sizes(), eager)
