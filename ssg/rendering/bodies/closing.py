"""The slots of a body, closed: in one pass over its HTML, each as its kind says.

body(queries, source)      a page's whole body
summary(queries, source)   what lists show of it
contents(queries, source)  what its slots give that may have anchors
href(queries, source, …)   the address for what a link of a body names
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from sealpress.frozen import frozen
from sealpress.problems import Problem
from ssg.content.links import To
from ssg.content.places import in_body, lines_of
from ssg.images.variants import format_of
from ssg.markup.text.converted import LINK, PICTURE, STX, Argument, Slot, closed
from ssg.rendering.bodies import pictures
from ssg.rendering.queries.site_queries import SiteQueries


@dataclass(slots=True)
class Closing:
    """One closing of a body. `own` is what stands before an anchor of the page where the body stands elsewhere.

    `absolute`: every link and image with the site's URL, for feeds. `eager` is how many of the images a reader sees at
    once, `images` how many there were so far.
    """

    queries: SiteQueries
    source: str
    own: str = ""
    absolute: bool = False
    eager: int = 1
    images: int = 0

    def html(self, html: str) -> str:
        """A body, or a part of one, with its slots closed."""
        if STX not in html:
            return html
        slots = self.queries.slots(self.source)

        def give(number: int) -> str:
            kind, target, given = slots[number]
            try:
                return KINDS[kind].give(self, target, given)
            except Problem as problem:
                if problem.place:
                    raise
                raise self._at(number, problem) from None

        return closed(html, give, self.own)

    def _at(self, number: int, problem: Problem) -> Problem:
        """A Problem of a slot, at its place in the source."""
        page = self.queries.site.by_source[self.source]
        place = in_body(page, lines_of(self.queries.site.root, page), self.queries.converted(self.source).slots[number])
        return Problem(problem.message, place=place, hint=problem.hint)


@frozen
class SlotKind:
    """What closes slots of a kind, from their target and what they were given; and whether that may have anchors.

    A Problem without a place is told at the slot's.
    """

    give: Callable[[Closing, str, tuple[Argument, ...]], str]
    has_anchors: bool = True


def body(queries: SiteQueries, source: str, *, absolute: bool = False) -> str:
    """A page's whole body. `absolute`: every link and image with the site's URL, for feeds."""
    own = queries.absolute_url(queries.path(source)) if absolute else ""
    return Closing(queries, source, own, absolute).html(queries.body_html(source))


def summary(queries: SiteQueries, source: str, *, absolute: bool = False) -> str:
    """What lists show of a body, as HTML; `absolute` as in `body`. Links to a part of the page lead to the page."""
    html = queries.summary_html(source)
    if STX not in html:
        return html
    path = queries.path(source)
    own = queries.absolute_url(path) if absolute else queries.url(path)
    return Closing(queries, source, own, absolute, eager=0).html(html)


def contents(queries: SiteQueries, source: str) -> Iterator[tuple[Slot, str]]:
    """The slots of a body whose kind says that they may have anchors, and the HTML that each gives.

    Whoever looks for the addresses of a body finds them once, and with their places, in its `slots` and `externals`
    (ssg.markup.text.converted); what other kinds of slots bring is in here. One at fault gives "": it is told where
    the body is shown.
    """
    for slot in queries.converted(source).slots:
        if KINDS[slot.kind].has_anchors:
            html = ""
            with suppress(Problem):
                html = KINDS[slot.kind].give(Closing(queries, source), slot.target, slot.given)
            yield slot, html


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


def _link(closing: Closing, target: str, _given: tuple[Argument, ...]) -> str:
    return href(closing.queries, closing.source, target, closing.own, absolute=closing.absolute)


def _picture(closing: Closing, target: str, given: tuple[Argument, ...]) -> str:
    queries = closing.queries
    closing.images += 1
    own = {one.name: one.value for one in given}
    to = queries.destination(closing.source, target)
    name = to.name if to.to is To.FILE and format_of(to.name) else ""
    if closing.absolute:
        return pictures.measured(own, queries.image_size(name) if name else None)
    shown = queries.image(name) if name else None
    is_late = closing.images > closing.eager
    return pictures.fitted(own, shown, queries.url, queries.image_sizes(), is_late=is_late)


KINDS: Final = {LINK: SlotKind(_link, has_anchors=False), PICTURE: SlotKind(_picture, has_anchors=False)}
"""By the name that the converter gives them."""
