"""A page with a body, as templates see it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ssg.markup.converted import Entry, contents
from ssg.model import Page
from ssg.rendering.scene import Scene
from ssg.rendering.views.shared import (
    LanguageView,
    TagView,
    VersionView,
    alternates,
    default_version,
    language_view,
    switcher,
    tag_view,
)


@dataclass(frozen=True, slots=True, repr=False)
class PageView:
    """A post, a page or a home page. In a template: `page`, and every page that it asks for."""

    _scene: Scene
    _page: Page

    def __repr__(self) -> str:
        return f"<page {self._page.source}>"

    @property
    def kind(self) -> str:
        """Either "post", "page" or "home"."""
        return "home" if self._page.is_home else self._page.kind.value

    @property
    def title(self) -> str:
        return self._scene.title(self._page)

    @property
    def url(self) -> str:
        """For an href."""
        return self._scene.site.url(self._page.path)

    @property
    def absolute_url(self) -> str:
        return self._scene.site.absolute_url(self._page.path)

    @property
    def source(self) -> str:
        """The file it was written in, relative to site.toml."""
        return self._page.source

    @property
    def language(self) -> LanguageView:
        return language_view(self._scene, self._page.language)

    @property
    def description(self) -> str:
        """Plain text for search engines and previews; may be ""."""
        return self._scene.bodies.description(self._page)

    @property
    def summary(self) -> Markup:
        return Markup(self._scene.bodies.summary(self._page))  # noqa: S704 - the converter's HTML

    @property
    def content(self) -> Markup:
        return Markup(self._scene.bodies.html(self._page))  # noqa: S704 - the converter's HTML

    @property
    def has_code(self) -> bool:
        """Whether the style sheet for code is needed."""
        return self._scene.bodies.has_code(self._page)

    @property
    def contents(self) -> tuple[Entry, ...]:
        """The table of contents to [markdown] toc_depth: each entry has `heading` (id, title, html) and `children`."""
        return contents(self._scene.bodies.headings(self._page), self._scene.site.settings.markdown.toc_depth)

    @property
    def wants_contents(self) -> bool | None:
        """What the front matter says of a table of contents; None: nothing, so the theme decides."""
        return self._page.front_matter.toc

    @property
    def heading_count(self) -> int:
        """How many headings the table of contents has."""
        depth = self._scene.site.settings.markdown.toc_depth
        return sum(heading.level <= depth for heading in self._scene.bodies.headings(self._page))

    @property
    def reading_minutes(self) -> int:
        """At least 1."""
        return self._scene.reading_minutes(self._page)

    @property
    def date(self) -> dt.datetime | None:
        return self._page.date

    @property
    def updated(self) -> dt.datetime | None:
        """When it was last changed, where that is known and was on a later day than `date`."""
        updated, date = self._page.updated, self._page.date
        return updated if updated and not (date and updated.date() <= date.date()) else None

    @property
    def author(self) -> str:
        return self._page.author

    @property
    def tags(self) -> tuple[TagView, ...]:
        return tuple(tag_view(self._scene, tag) for tag in self._scene.tags(self._page))

    @property
    def params(self) -> Mapping[str, object]:
        """The free keys of the front matter; `page.params.get("x")` for one that may be absent."""
        return self._page.front_matter.params

    @property
    def previous(self) -> "PageView | None":
        """The post written before; the page before in its section."""
        return self._view(self._scene.neighbours(self._page)[0])

    @property
    def next(self) -> "PageView | None":
        return self._view(self._scene.neighbours(self._page)[1])

    @property
    def parent(self) -> "PageView | None":
        """The nearest index page above."""
        return self._view(self._scene.site.parent(self._page))

    @property
    def ancestors(self) -> tuple["PageView", ...]:
        """The index pages above, outermost first, the home page not among them."""
        return page_views(self._scene, self._scene.ancestors(self._page))

    @property
    def children(self) -> tuple["PageView", ...]:
        """The pages right below an index page, in their order."""
        return page_views(self._scene, self._scene.site.children(self._page))

    @property
    def section(self) -> "SectionView | None":
        """The tree of pages that it stands in, from its top; None for a post and for a page of its own."""
        top = self._scene.top(self._page)
        return SectionView(self._scene, top, self._page) if top and self._scene.site.children(top) else None

    @property
    def alternates(self) -> tuple[VersionView, ...]:
        """For hreflang: the page in every language that has it, or () where only this one has."""
        return alternates(self._scene, self._page)

    @property
    def default_version(self) -> VersionView | None:
        """For hreflang="x-default"."""
        return default_version(self._scene, self._page)

    @property
    def switcher(self) -> tuple[VersionView, ...]:
        """The way to every language of the site."""
        return switcher(self._scene, self._page)

    def _view(self, page: Page | None) -> "PageView | None":
        return PageView(self._scene, page) if page else None


@dataclass(frozen=True, slots=True, repr=False)
class SectionView:
    """A page of a section's tree, seen from the page that is being rendered."""

    _scene: Scene
    _page: Page
    _seen_from: Page

    def __repr__(self) -> str:
        return f"<section {self._page.source}>"

    @property
    def title(self) -> str:
        return self._scene.title(self._page)

    @property
    def url(self) -> str:
        return self._scene.site.url(self._page.path)

    @property
    def is_current(self) -> bool:
        return self._page is self._seen_from

    @property
    def is_open(self) -> bool:
        """Whether the page that is being rendered is this one or below it."""
        folder = self._page.folder
        inside = (self._seen_from.folder + "/").startswith(folder + "/")
        return self.is_current or (self._page.is_index and inside)

    @property
    def children(self) -> tuple["SectionView", ...]:
        below = self._scene.site.children(self._page)
        return tuple(SectionView(self._scene, page, self._seen_from) for page in below)


def page_views(scene: Scene, pages: Sequence[Page]) -> tuple[PageView, ...]:
    return tuple(PageView(scene, page) for page in pages)
