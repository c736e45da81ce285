"""The site in one language, as templates see it."""

from collections.abc import Iterator, Mapping

from sealpress.config.settings import TAGS
from sealpress.frozen import frozen
from ssg.rendering.queries.site_queries import SiteQueries
from ssg.rendering.theme.fixed import View
from ssg.rendering.views.data import DataView
from ssg.rendering.views.lists import ListView
from ssg.rendering.views.pages import PageView, TaxonomyView, TermView, known_taxonomy, page_views
from ssg.rendering.views.shared import LanguageView, asking, language_view

_NOT_OF_POSTS = frozenset({"home", "page", "missing"})
"""Kinds of pages that a reader has not come to by way of the posts."""


@asking("site", PageView)
@frozen
class SiteView(View):
    """In a template: `site`, in the language of the page that is being rendered."""

    _queries: SiteQueries
    _language: str

    def __repr__(self) -> str:
        return f"<site in {self._language}>"

    @property
    def url(self) -> str:
        """The home page's href."""
        return self._queries.url(self._queries.home_path(self._language))

    @property
    def language(self) -> LanguageView:
        return language_view(self._queries, self._language)

    @property
    def languages(self) -> tuple[LanguageView, ...]:
        return tuple(language_view(self._queries, tag) for tag in self._queries.languages())

    @property
    def data(self) -> DataView:
        """The data files; the same in all languages."""
        return DataView(self._queries, "")

    def posts(self, limit: int | None = None, tag: str | None = None) -> tuple[PageView, ...]:
        """The newest first; `tag` is a tag's name or slug."""
        return page_views(self._queries, self._queries.posts(self._language, limit, tag))

    @property
    def taxonomies(self) -> tuple[TaxonomyView, ...]:
        """What posts are grouped by: of those that site.toml declares, the ones that a post has a term of."""
        found = (name for name in self._queries.taxonomies() if self._queries.has_terms(name))
        return tuple(TaxonomyView(self._queries, name, self._language) for name in found)

    def terms(self, taxonomy: str) -> tuple[TermView, ...]:
        """In the language's alphabetical order. Raises Problem where there is no such taxonomy."""
        return TaxonomyView(self._queries, known_taxonomy(self._queries, taxonomy), self._language).terms

    @property
    def tags(self) -> tuple[TermView, ...]:
        """In the language's alphabetical order."""
        return TaxonomyView(self._queries, TAGS, self._language).terms

    def pages(self, folder: str = "") -> tuple[PageView, ...]:
        """The pages right below a folder of the content ("docs"), in their order."""
        return page_views(self._queries, self._queries.pages_below(folder, self._language))

    def page(self, source: str) -> PageView:
        """The page at a source path below the content folder, in this language where it is translated."""
        return PageView(self._queries, self._queries.find(source, self._language))

    @property
    def posts_url(self) -> str | None:
        """Where the list of posts begins; None on a site without posts."""
        return self._queries.url(self._queries.posts_path(self._language)) if self._queries.has_posts() else None

    @property
    def tags_url(self) -> str | None:
        return TaxonomyView(self._queries, TAGS, self._language).url if self._queries.has_terms(TAGS) else None

    @property
    def archive_url(self) -> str | None:
        return self._queries.url(self._queries.archive_path(self._language)) if self._queries.has_posts() else None

    @property
    def feed_url(self) -> str | None:
        """None where feeds are off, and on a site without posts."""
        return self._queries.url(self._queries.feed_path(self._language)) if self._queries.has_feeds() else None

    def menu(self, name: str = "main") -> tuple["MenuView", ...]:
        """A menu of site.toml. Where it has no "main": the posts, and the pages at the top of the content."""
        items = self._queries.menu(self._language, name)
        if items is not None:
            return tuple(
                MenuView(
                    self._queries.typeset(title, self._language), self._queries.target(target, self._language), self
                )
                for title, target in items
            )
        return tuple(self._default_menu()) if name == "main" else ()

    def _default_menu(self) -> list["MenuView"]:
        queries = self._queries
        introduction = queries.posts_page(self._language)
        found = [
            MenuView(queries.title(source), queries.url(queries.path(source)), self)
            for source in queries.pages_below("", self._language)
            if source != introduction
        ]
        posts = self.posts_url
        if posts and posts != self.url:
            title = queries.title(introduction) if introduction else queries.text("posts", self._language)
            found.insert(0, MenuView(title, posts, self))
        return found


@frozen
class MenuView(View):
    """One link of a menu."""

    title: str
    url: str
    _site: SiteView

    def current(self, page: PageView | ListView) -> str:
        """For aria-current: "page" where it leads to this page, "true" where the page is below it, else ""."""
        if self.url == page.url:
            return "page"
        of_posts = page.kind not in _NOT_OF_POSTS and self.url == self._site.posts_url
        below = self.url.endswith("/") and self.url != self._site.url and page.url.startswith(self.url)
        return "true" if of_posts or below else ""


@frozen
class OptionsView(View, Mapping[str, object]):
    """In a template: `theme`. Translated options are in the language of the page that is being rendered."""

    _queries: SiteQueries
    _language: str

    def __getitem__(self, name: str) -> object:
        if name not in self._queries.option_names():
            raise KeyError(name)
        return self._queries.option(name, self._language)

    def __iter__(self) -> Iterator[str]:
        return iter(self._queries.option_names())

    def __len__(self) -> int:
        return len(self._queries.option_names())
