"""Which files a rendering makes, and how each is made: the one entry to rendering.

    jobs(scene)              every file that is rendered, in the site's order
    Renderer(scene).make     one of them

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
    make: OutputKind
    subject: str
    origin: str


def jobs(scene: SiteQueries) -> Iterator[OutputFile]:
    """Every file of the tree. Two may be for one path: who writes them sees that."""
    from ssg.rendering import sitemap  # noqa: PLC0415 - with all of XML; an edit of one body needs none of it

    for asset in scene.site.assets:
        yield OutputFile(asset.output, OutputKind.COPY, asset.source, asset.source)
    for file in scene.assets.files:
        yield OutputFile(file.path, OutputKind.THEME, file.name, file.origin)
    yield from _variants(scene)
    for page in scene.pages:
        yield OutputFile(page.output, OutputKind.PAGE, page.source, page.source)
    for listing in scene.listings.values():
        yield OutputFile(listing.output, OutputKind.LIST, listing.path, listing.origin)
    if scene.has_feeds():
        for language in scene.languages():
            yield OutputFile(output_of(scene.feed_path(language)), OutputKind.FEED, language, f"the feed ({language})")
    for name in sitemap.names(scene):
        yield OutputFile(name, OutputKind.SITEMAP, name, "the sitemap")
    # The site's own static/robots.txt comes before this one.
    if all(asset.output != "robots.txt" for asset in scene.site.assets):
        yield OutputFile("robots.txt", OutputKind.ROBOTS, "", "robots.txt")


def images(site: Site) -> tuple[str, ...]:
    """The sources of images that are looked at: those below the content folder."""
    folder = f"{site.settings.build.content}/"
    return tuple(one.source for one in site.assets if one.source.startswith(folder) and format_of(one.source))


def _variants(scene: SiteQueries) -> Iterator[OutputFile]:
    """Each once: of two images with the same content and name, the variants are the same too."""
    found: set[str] = set()
    for source in images(scene.site):
        shown = scene.image(source)
        for variant in shown.variants if shown else ():
            if variant.output not in found:
                found.add(variant.output)
                yield OutputFile(variant.output, OutputKind.IMAGE, source, f"{source}, {variant.width} px wide")


class Renderer:
    """Makes files of one scene. Templates are compiled when the first of them is needed, and measured if wanted."""

    def __init__(self, scene: SiteQueries, stopwatch: Stopwatch | None = None) -> None:
        self.scene = scene
        self._stopwatch = stopwatch
        self._warned: list[Problem] = []

    def prepare(self) -> None:
        """Compiles every template once, before the work is shared among processes that would each do it.

        A fault in one is told by whoever renders with it.
        """
        for name in self.scene.theme.templates:
            if not name.startswith(OWN):
                with suppress(Problem, TemplateError):
                    self._templates[self.scene.default_language()].environment.get_template(name)

    def faults(self, jobs: Iterable[OutputFile]) -> Iterator[Problem]:
        """What can be known of the templates that these files need before one is rendered."""
        wanted: dict[str, None] = {}
        for job in jobs:
            try:
                if job.make is OutputKind.PAGE:
                    wanted[self._page_template(job)] = None
                elif job.make is OutputKind.LIST:
                    wanted[self._list_template(job)] = None
            except Problem as problem:
                yield problem
        yield from self._templates[self.scene.default_language()].faults(wanted)

    def templates(self, job: OutputFile) -> list[ThemeFile]:
        """What a page or a list is rendered with: its template, and those that this names."""
        name = self._page_template(job) if job.make is OutputKind.PAGE else self._list_template(job)
        return self._templates[self.scene.default_language()].named(name)

    def make(self, job: OutputFile) -> tuple[bytes, Trace, tuple[Problem, ...]]:
        """A file's content, the questions that were asked for it, and what its author should know of it: warnings.

        Raises Problem (exit 3) at a template's line, or at the front matter that names a template which isn't there.
        """
        self._warned.clear()
        with self.scene.traced() as trace:
            content = self._made(job)
        return content, frozenset(trace), tuple(self._warned)

    def _made(self, job: OutputFile) -> bytes:
        match job.make:
            case OutputKind.PAGE:
                return self._page(job)
            case OutputKind.LIST:
                return self._list(job)
            case OutputKind.FEED:
                from ssg.rendering import feeds  # noqa: PLC0415

                return feeds.feed(self.scene, job.subject)
            case OutputKind.SITEMAP | OutputKind.ROBOTS:
                from ssg.rendering import sitemap  # noqa: PLC0415

                return sitemap.sitemap(self.scene, job.subject) if job.subject else sitemap.robots(self.scene)
            case OutputKind.THEME:
                return self.scene.assets.content(job.subject)
            case OutputKind.IMAGE:
                return self.scene.variant(job.subject, job.path)
            case OutputKind.COPY:
                raise ValueError("a copy is not rendered")

    def _page(self, job: OutputFile) -> bytes:
        view = PageView(self.scene, job.subject)
        return self._rendered(self._page_template(job), self.scene.language(job.subject), view, job.origin)

    def _page_template(self, job: OutputFile) -> str:
        return self._wanted(job.subject) or self._known(f"{self.scene.kind(job.subject)}.html", job.origin)

    def _list(self, job: OutputFile) -> bytes:
        listing = self.scene.list_at(job.subject)
        return self._rendered(self._list_template(job), listing.language, ListView(self.scene, listing), job.origin)

    def _list_template(self, job: OutputFile) -> str:
        listing = self.scene.list_at(job.subject)
        wanted = self._wanted(listing.introduction) if listing.introduction else ""
        return wanted or self._known(TEMPLATES[listing.kind], job.origin)

    def _rendered(self, name: str, language: str, page: PageView | ListView, origin: str) -> bytes:
        text = self._templates[language].render(name, {"page": page}, origin).encode()
        if name.endswith(".html"):
            shown = self.scene.theme.templates[name].shown
            unsafe_values.check(text, origin, shown)
            self._warned += unsafe_values.doubts(text, shown)
        return text

    def _wanted(self, source: str) -> str:
        """The template that a page's front matter names, or ""."""
        wanted = self.scene.wanted_template(source)
        if not wanted or self.scene.template(wanted) is not None:
            return wanted
        known = sorted(name for name in self.scene.theme.templates if not name.startswith(OWN))
        place = in_front_matter(self.scene.site.root, source, "template")
        if absent := self.scene.absent_below("templates", wanted):
            raise absent[1].problem(f'there is no template "{wanted}"', absent[0], place)
        raise Problem(
            f'there is no template "{wanted}"{did_you_mean(wanted, known)}',
            place=place,
            hint=f"templates: {', '.join(known)}",
        )

    def _known(self, name: str, subject: str) -> str:
        if self.scene.template(name) is not None:
            return name
        if absent := self.scene.absent_below("templates", name):
            raise absent[1].problem(f'there is no template "{name}", which {subject} needs', absent[0])
        raise Problem(
            f'the theme "{self.scene.theme.name}" has no template "{name}", which {subject} needs',
            hint=f"write templates/{name}, in the theme or in the site's own templates",
        )

    @cached_property
    def _templates(self) -> Mapping[str, Templates]:
        scene = self.scene
        values: dict[str, Mapping[str, Any]] = {
            language: {
                "site": SiteView(scene, language),
                "lang": language_view(scene, language),
                "theme": OptionsView(scene, language),
            }
            for language in scene.languages()
        }
        templates = environments(scene.theme.templates, functions(scene), values, scene)
        if self._stopwatch:
            watch(templates.values(), self._stopwatch)
        return templates
