"""Which files a rendering makes, and how each is made: the one entry to rendering.

    files(queries)              every file that is rendered, in the site's order
    Renderer(queries).make     one of them

What is made depends on the site's structure alone; how it looks, on what its template asks.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

from jinja2 import TemplateError

from sealpress.problems import Problem, did_you_mean
from ssg.cache.tracing import Trace
from ssg.content.model import Site, output_of
from ssg.content.places import in_front_matter
from ssg.images.variants import format_of
from ssg.rendering import unsafe_values
from ssg.rendering.functions import functions
from ssg.rendering.queries.lists import ListKind
from ssg.rendering.queries.site_queries import SiteQueries
from ssg.rendering.theme.stopwatch import Stopwatch, watch
from ssg.rendering.theme.templates import Templates, environments
from ssg.rendering.theme.theme import OWN, ThemeFile
from ssg.rendering.views.lists import ListView
from ssg.rendering.views.pages import PageView
from ssg.rendering.views.shared import language_view
from ssg.rendering.views.sites import OptionsView, SiteView

TEMPLATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        ListKind.HOME: "list.html",
        ListKind.POSTS: "list.html",
        ListKind.TAG: "tag.html",
        ListKind.TAGS: "tags.html",
        ListKind.ARCHIVE: "archive.html",
        ListKind.YEAR: "archive.html",
        ListKind.MISSING: "404.html",
    }
)
"""The template of each kind of list. A page's is that of its front matter, else by its kind."""


class OutputKind(StrEnum):
    COPY = "copy"  # of a source, as it is
    IMAGE = "image"  # a smaller one of a source
    THEME = "theme"  # a file of the theme's own
    PAGE = "page"
    LIST = "list"
    FEED = "feed"
    SITEMAP = "sitemap"
    ROBOTS = "robots"


@dataclass(frozen=True, slots=True)
class OutputFile:
    """One file to make. `path` is where in the tree, `origin` what messages call it.

    `subject` is a page's, a copy's or an image's source, a list's path, a feed's language, a sitemap's name.
    """

    path: str
    kind: OutputKind
    subject: str
    origin: str


def files(queries: SiteQueries) -> Iterator[OutputFile]:
    """Every file of the tree. Two may be for one path: who writes them sees that."""
    from ssg.rendering import sitemap  # noqa: PLC0415 - with all of XML; an edit of one body needs none of it

    for asset in queries.site.assets:
        yield OutputFile(asset.output, OutputKind.COPY, asset.source, asset.source)
    for file in queries.assets.files:
        yield OutputFile(file.path, OutputKind.THEME, file.name, file.origin)
    yield from _variants(queries)
    for page in queries.pages:
        yield OutputFile(page.output, OutputKind.PAGE, page.source, page.source)
    for listing in queries.listings.values():
        yield OutputFile(listing.output, OutputKind.LIST, listing.path, listing.origin)
    if queries.has_feeds():
        for language in queries.languages():
            yield OutputFile(
                output_of(queries.feed_path(language)), OutputKind.FEED, language, f"the feed ({language})"
            )
    for name in sitemap.names(queries):
        yield OutputFile(name, OutputKind.SITEMAP, name, "the sitemap")
    # The site's own static/robots.txt comes before this one.
    if all(asset.output != "robots.txt" for asset in queries.site.assets):
        yield OutputFile("robots.txt", OutputKind.ROBOTS, "", "robots.txt")


def images(site: Site) -> tuple[str, ...]:
    """The sources of images that are looked at: those below the content folder."""
    folder = f"{site.settings.build.content}/"
    return tuple(one.source for one in site.assets if one.source.startswith(folder) and format_of(one.source))


def _variants(queries: SiteQueries) -> Iterator[OutputFile]:
    """Each once: of two images with the same content and name, the variants are the same too."""
    found: set[str] = set()
    for source in images(queries.site):
        shown = queries.image(source)
        for variant in shown.variants if shown else ():
            if variant.output not in found:
                found.add(variant.output)
                yield OutputFile(variant.output, OutputKind.IMAGE, source, f"{source}, {variant.width} px wide")


class Renderer:
    """Makes files of one scene. Templates are compiled when the first of them is needed, and measured if wanted."""

    def __init__(self, queries: SiteQueries, stopwatch: Stopwatch | None = None) -> None:
        self.queries = queries
        self._stopwatch = stopwatch
        self._warned: list[Problem] = []

    def prepare(self) -> None:
        """Compiles every template once, before the work is shared among processes that would each do it.

        A fault in one is told by whoever renders with it.
        """
        for name in self.queries.theme.templates:
            if not name.startswith(OWN):
                with suppress(Problem, TemplateError):
                    self._templates[self.queries.default_language()].environment.get_template(name)

    def faults(self, files: Iterable[OutputFile]) -> Iterator[Problem]:
        """What can be known of the templates that these files need before one is rendered."""
        wanted: dict[str, None] = {}
        for file in files:
            try:
                if file.kind is OutputKind.PAGE:
                    wanted[self._page_template(file)] = None
                elif file.kind is OutputKind.LIST:
                    wanted[self._list_template(file)] = None
            except Problem as problem:
                yield problem
        yield from self._templates[self.queries.default_language()].faults(wanted)

    def templates(self, file: OutputFile) -> list[ThemeFile]:
        """What a page or a list is rendered with: its template, and those that this names."""
        name = self._page_template(file) if file.kind is OutputKind.PAGE else self._list_template(file)
        return self._templates[self.queries.default_language()].named(name)

    def make(self, file: OutputFile) -> tuple[bytes, Trace, tuple[Problem, ...]]:
        """A file's content, the questions that were asked for it, and what its author should know of it: warnings.

        Raises Problem (exit 3) at a template's line, or at the front matter that names a template which isn't there.
        """
        self._warned.clear()
        with self.queries.traced() as trace:
            content = self._made(file)
        return content, frozenset(trace), tuple(self._warned)

    def _made(self, file: OutputFile) -> bytes:
        match file.kind:
            case OutputKind.PAGE:
                return self._page(file)
            case OutputKind.LIST:
                return self._list(file)
            case OutputKind.FEED:
                from ssg.rendering import feeds  # noqa: PLC0415

                return feeds.feed(self.queries, file.subject)
            case OutputKind.SITEMAP | OutputKind.ROBOTS:
                from ssg.rendering import sitemap  # noqa: PLC0415

                return sitemap.sitemap(self.queries, file.subject) if file.subject else sitemap.robots(self.queries)
            case OutputKind.THEME:
                return self.queries.assets.content(file.subject)
            case OutputKind.IMAGE:
                return self.queries.variant(file.subject, file.path)
            case OutputKind.COPY:
                raise ValueError("a copy is not rendered")

    def _page(self, file: OutputFile) -> bytes:
        view = PageView(self.queries, file.subject)
        return self._rendered(self._page_template(file), self.queries.language(file.subject), view, file.origin)

    def _page_template(self, file: OutputFile) -> str:
        return self._wanted(file.subject) or self._known(f"{self.queries.kind(file.subject)}.html", file.origin)

    def _list(self, file: OutputFile) -> bytes:
        listing = self.queries.list_at(file.subject)
        return self._rendered(self._list_template(file), listing.language, ListView(self.queries, listing), file.origin)

    def _list_template(self, file: OutputFile) -> str:
        listing = self.queries.list_at(file.subject)
        wanted = self._wanted(listing.introduction) if listing.introduction else ""
        return wanted or self._known(TEMPLATES[listing.kind], file.origin)

    def _rendered(self, name: str, language: str, page: PageView | ListView, origin: str) -> bytes:
        text = self._templates[language].render(name, {"page": page}, origin).encode()
        if name.endswith(".html"):
            shown = self.queries.theme.templates[name].shown
            unsafe_values.check(text, origin, shown)
            self._warned += unsafe_values.doubts(text, shown)
        return text

    def _wanted(self, source: str) -> str:
        """The template that a page's front matter names, or ""."""
        wanted = self.queries.wanted_template(source)
        if not wanted or self.queries.template(wanted) is not None:
            return wanted
        known = sorted(name for name in self.queries.theme.templates if not name.startswith(OWN))
        place = in_front_matter(self.queries.site.root, source, "template")
        if absent := self.queries.absent_below("templates", wanted):
            raise absent[1].problem(f'there is no template "{wanted}"', absent[0], place)
        raise Problem(
            f'there is no template "{wanted}"{did_you_mean(wanted, known)}',
            place=place,
            hint=f"templates: {', '.join(known)}",
        )

    def _known(self, name: str, subject: str) -> str:
        if self.queries.template(name) is not None:
            return name
        if absent := self.queries.absent_below("templates", name):
            raise absent[1].problem(f'there is no template "{name}", which {subject} needs', absent[0])
        raise Problem(
            f'the theme "{self.queries.theme.name}" has no template "{name}", which {subject} needs',
            hint=f"write templates/{name}, in the theme or in the site's own templates",
        )

    @cached_property
    def _templates(self) -> Mapping[str, Templates]:
        queries = self.queries
        values: dict[str, Mapping[str, Any]] = {
            language: {
                "site": SiteView(queries, language),
                "lang": language_view(queries, language),
                "theme": OptionsView(queries, language),
            }
            for language in queries.languages()
        }
        templates = environments(queries.theme.templates, functions(queries), values, queries)
        if self._stopwatch:
            watch(templates.values(), self._stopwatch)
        return templates
