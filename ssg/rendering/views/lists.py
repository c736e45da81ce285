"""Lists, the archive and the page for what is not there, as templates see them. They have what every page has."""

from collections.abc import Mapping

from markupsafe import Markup

from sealpress.config.settings import TAGS
from sealpress.frozen import frozen
from ssg.rendering.queries.lists import Listing, ListKind, Version
from ssg.rendering.queries.site_queries import SiteQueries
from ssg.rendering.theme.fixed import View
from ssg.rendering.views.pages import PageView, TaxonomyView, TermView, page_views, term_views
from ssg.rendering.views.pagination import PaginationView
from ssg.rendering.views.shared import (
    LanguageView,
    VersionView,
    alternates,
    default_version,
    language_view,
    switcher,
)

TITLES: Mapping[ListKind, str] = {
    ListKind.POSTS: "posts",
    ListKind.ARCHIVE: "archive",
    ListKind.MISSING: "not_found",
}
"""The interface string that is a list's title, where it has no title of its own."""

WHOLE_ARCHIVE = 500
"""Posts up to which the archive's first page has them all; from there on only its years and months."""


@frozen
class ListView(View):
    """In a template: `page` wherever the page has no source of its own."""

    _queries: SiteQueries
    _listing: Listing

    def __repr__(self) -> str:
        return f"<list {self._listing.path}>"

    @property
    def kind(self) -> str:
        """One of "home", "posts", "tags", "tag", "taxonomy", "term", "archive", "year" and "missing"."""
        return self._listing.called

    @property
    def title(self) -> str:
        listing = self._listing
        if listing.introduction:
            return self._queries.title(listing.introduction)
        match listing.kind:
            case ListKind.HOME:
                return self._queries.site_title(listing.language)
            case ListKind.TAXONOMY:
                return TaxonomyView(self._queries, listing.taxonomy, listing.language).title
            case ListKind.TERM:
                return listing.title
            case ListKind.YEAR:
                return listing.name
            case kind:
                return self._queries.text(TITLES[kind], listing.language)

    @property
    def url(self) -> str:
        return self._queries.url(self._listing.path)

    @property
    def absolute_url(self) -> str:
        """The one that search engines should keep: of the home page, where this list repeats it."""
        return self._queries.absolute_url(self._listing.repeats or self._listing.path)

    @property
    def language(self) -> LanguageView:
        return language_view(self._queries, self._listing.language)

    @property
    def description(self) -> str:
        """Plain text; may be ""."""
        if self._listing.introduction:
            return self._queries.description(self._listing.introduction)
        is_home = self._listing.kind is ListKind.HOME
        return self._queries.site_description(self._listing.language) if is_home else ""

    @property
    def introduction(self) -> PageView | None:
        """The page that stands above the list (content/posts/index.md), on the list's first page only."""
        page = self._listing.introduction
        return PageView(self._queries, page) if page and self._listing.number == 1 else None

    @property
    def content(self) -> Markup:
        """The introduction's body."""
        introduction = self.introduction
        return introduction.content if introduction else Markup()

    @property
    def has_code(self) -> bool:
        """Whether the style sheet for code is needed: for the introduction, or a summary with code in it."""
        shown = () if self._listing.kind in {ListKind.ARCHIVE, ListKind.YEAR} else self._listing.posts
        introduction = self.introduction
        return any(self._queries.summary_has_code(source) for source in shown) or bool(
            introduction and self._queries.has_code(introduction.source)
        )

    @property
    def posts(self) -> tuple[PageView, ...]:
        """Those of this page of the list, newest first."""
        return page_views(self._queries, self._listing.posts)

    @property
    def taxonomy(self) -> TaxonomyView | None:
        """Of the list of a taxonomy's terms, and of a term's list."""
        name = self._listing.taxonomy
        return TaxonomyView(self._queries, name, self._listing.language) if name else None

    @property
    def term(self) -> TermView | None:
        one = self._listing
        found = (one.name,) if one.kind is ListKind.TERM else ()
        return next(iter(term_views(self._queries, one.taxonomy, one.language, found)), None)

    @property
    def tag(self) -> TermView | None:
        return self.term if self._listing.taxonomy == TAGS else None

    @property
    def pagination(self) -> PaginationView | None:
        """None where the list has one page."""
        return PaginationView(self._queries, self._listing) if self._listing.count > 1 else None

    @property
    def years(self) -> tuple["YearView", ...]:
        """Of the archive: its posts by year and month."""
        return tuple(
            YearView(self._queries, self._listing.language, year, months)
            for year, months in self._queries.months(self._listing.path)
        )

    @property
    def is_whole(self) -> bool:
        """Whether the archive names its posts, or only counts them and leads to the pages of its years."""
        return self._listing.kind is ListKind.YEAR or len(self._listing.posts) <= WHOLE_ARCHIVE

    @property
    def alternates(self) -> tuple[VersionView, ...]:
        """For hreflang; none of the page for what is not there, and of a repetition, which have no URL of their own."""
        return alternates(self._queries, *self._versions) if self._listing.is_indexed else ()

    @property
    def default_version(self) -> VersionView | None:
        return default_version(self._queries, *self._versions) if self._listing.is_indexed else None

    @property
    def switcher(self) -> tuple[VersionView, ...]:
        """The way to every language of the site; from a page for what is not there, to the home pages."""
        has_own = self._listing.kind is not ListKind.MISSING
        versions, current = self._versions
        return switcher(self._queries, versions if has_own else (), current)

    @property
    def _versions(self) -> tuple[tuple[Version, ...], str]:
        return self._queries.versions_of_list(self._listing.path), self._listing.language


@frozen
class YearView(View):
    """A year of the archive. `url` is its own page."""

    _queries: SiteQueries
    _language: str
    year: str
    _months: tuple[tuple[int, tuple[str, ...]], ...]

    def __repr__(self) -> str:
        return f"<year {self.year}>"

    @property
    def url(self) -> str:
        return self._queries.url(self._queries.year_path(self._language, self.year))

    @property
    def count(self) -> int:
        return sum(len(posts) for _, posts in self._months)

    @property
    def months(self) -> tuple["MonthView", ...]:
        """Those with posts, the last one first."""
        return tuple(MonthView(self._queries, self._language, self.year, month, posts) for month, posts in self._months)


@frozen
class MonthView(View):
    """A month of the archive. `number` is 1 to 12; `id` is its anchor on the year's page."""

    _queries: SiteQueries
    _language: str
    year: str
    number: int
    _posts: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<month {self.id}>"

    @property
    def id(self) -> str:
        return f"{self.year}-{self.number:02}"

    @property
    def name(self) -> str:
        """As the language calls it, standing alone."""
        return self._queries.theme.languages[self._language].month(self.number)

    @property
    def count(self) -> int:
        return len(self._posts)

    @property
    def posts(self) -> tuple[PageView, ...]:
        return page_views(self._queries, self._posts)
