"""Pages that ssg makes of itself: lists of posts and terms, the archive, the page for what is not there.

All languages have the same lists, so that each has its twin; which page of a list has one depends on their lengths.

    home      "/" where a language has no content/index.md: the list of posts, by pages
    posts     "/posts/", "/posts/page/2/": the same beside a home page; content/posts/index.md is its introduction.
              Where the home page is the list, "/posts/" only repeats its first page, for those who shorten a URL
    taxonomy  "/tags/"; term: "/tags/python/", by pages
    archive   "/archive/" all years; year: "/archive/2026/"
    missing   "/404.html"
"""

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from enum import StrEnum
from operator import attrgetter
from typing import Final

from sealpress.config.settings import TAGS
from sealpress.frozen import frozen
from ssg.content.model import Page, Site, output_of, sources_of
from ssg.content.taxonomies import kinds
from ssg.rendering.queries import pagination


class ListKind(StrEnum):
    HOME = "home"
    POSTS = "posts"
    TAXONOMY = "taxonomy"
    TERM = "term"
    ARCHIVE = "archive"
    YEAR = "year"
    MISSING = "missing"


Identity = tuple[str, str, str, int]
"""Kind, taxonomy, name and number of a list's page."""


@frozen
class Listing:
    """One page of one list. `name` tells lists of a kind apart (a term's slug, a year), with the `taxonomy` of terms.

    `number` counts from 1 to `count`. `start` is the path of the first page. `posts` are sources, newest first, and
    `introduction` is the source of the page that stands above the list. `title` is a term's name.
    """

    kind: ListKind
    language: str
    path: str
    start: str
    taxonomy: str = ""
    name: str = ""
    number: int = 1
    count: int = 1
    posts: tuple[str, ...] = ()
    title: str = ""
    introduction: str = ""
    repeats: str = ""  # the path of the page that this one is a copy of

    @property
    def output(self) -> str:
        return output_of(self.path)

    @property
    def is_indexed(self) -> bool:
        """Whether search engines should know it."""
        return self.kind is not ListKind.MISSING and not self.repeats

    @property
    def identity(self) -> Identity:
        """The same in every language: who has it is the twin."""
        return (self.kind.value, self.taxonomy, self.name, self.number)

    @property
    def called(self) -> str:
        """What kind of page it is for templates: that of taxonomies and terms may have words of its own."""
        match self.kind:
            case ListKind.TAXONOMY:
                return kinds(self.taxonomy)[0]
            case ListKind.TERM:
                return kinds(self.taxonomy)[1]
            case kind:
                return kind.value

    @property
    def origin(self) -> str:
        """What messages call it."""
        if self.introduction:
            return self.introduction
        if self.kind is ListKind.TERM:
            of = "" if self.taxonomy == TAGS else f" of {self.taxonomy}"
            return f'the {self.called} "{self.title}"{of} ({self.language})'
        names = {
            ListKind.HOME: "the list of posts",
            ListKind.POSTS: "the list of posts",
            ListKind.TAXONOMY: f"the list of {self.taxonomy}",
            ListKind.ARCHIVE: "the archive",
            ListKind.YEAR: f"the archive of {self.name}",
            ListKind.MISSING: "the page for what is not there",
        }
        return f"{names[self.kind]} ({self.language})"


def listings(site: Site) -> tuple[Listing, ...]:
    """Every list of every language, page by page."""
    return tuple(listing for language in site.languages for listing in _of_language(site, language))


def posts_page(site: Site, language: str) -> Page | None:
    """content/posts/index.md, which stands above the list of posts."""
    page = site.index("posts", language)
    return page if page and page.kind == "page" else None


def posts_path(site: Site, language: str) -> str:
    """Where the newest posts begin."""
    has_own = site.home(language) or posts_page(site, language)
    return site.prefix(language) + (site.permalinks(language).posts if has_own else "/")


def year_path(site: Site, language: str, year: str) -> str:
    start = site.prefix(language) + site.permalinks(language).archive
    return f"{start.removesuffix('.html').rstrip('/')}/{year}/"


def has_posts(site: Site) -> bool:
    """Whether any language has: then all have lists and feeds, if only empty ones."""
    return any(site.posts_by_language.values())


def _of_language(site: Site, language: str) -> Iterator[Listing]:
    pages = site.posts_by_language[language]
    posts = tuple(page.source for page in pages)
    before = site.prefix(language)
    permalinks = site.permalinks(language)
    found = posts_page(site, language)
    introduction = found.source if found else ""
    if not site.home(language):
        home = list(_paged(site, Listing(ListKind.HOME, language, f"{before}/", f"{before}/"), posts))
        yield from home
        path = before + permalinks.posts
        if has_posts(site) and not introduction and path != home[0].path:
            yield replace(home[0], kind=ListKind.POSTS, path=path, repeats=home[0].path)
    if introduction or (site.home(language) and has_posts(site)):
        path = before + permalinks.posts
        yield from _paged(site, Listing(ListKind.POSTS, language, path, path, introduction=introduction), posts)
    for taxonomy, one in site.taxonomies(language).items():
        if taxonomy in site.terms_in:
            path = before + one.path
            yield Listing(ListKind.TAXONOMY, language, path, path, taxonomy)
            for term in site.terms_in[taxonomy][language]:
                listing = Listing(ListKind.TERM, language, term.path, term.path, taxonomy, term.slug, title=term.name)
                yield from _paged(site, listing, sources_of(term.posts))
    if has_posts(site):
        path = before + permalinks.archive
        yield Listing(ListKind.ARCHIVE, language, path, path, posts=posts)
        for year, members in by_year(pages):
            path = year_path(site, language, year)
            yield Listing(ListKind.YEAR, language, path, path, name=year, posts=tuple(page.source for page in members))
    path = f"{before}/404.html"
    if all(asset.path != path for asset in site.assets):
        yield Listing(ListKind.MISSING, language, path, path)


def _paged(site: Site, first: Listing, posts: Sequence[str]) -> Iterator[Listing]:
    pages = pagination.pages(first.start, posts, site.settings.lists.per_page)
    kind, language, _, start, taxonomy, name, _, _, _, title, introduction, repeats = FIELDS(first)
    for number, (path, shown) in enumerate(pages, 1):  # of which there are thousands
        yield Listing(
            kind, language, path, start, taxonomy, name, number, len(pages), shown, title, introduction, repeats
        )


def by_year(posts: Sequence[Page]) -> list[tuple[str, list[Page]]]:
    """Posts by the year of their date as it was written, newest first."""
    years: dict[int, list[Page]] = {}
    for page in posts:
        years.setdefault(page.date.year if page.date else 0, []).append(page)
    return [(f"{year:04}" if year else "", pages) for year, pages in sorted(years.items(), reverse=True)]


def by_month(posts: Sequence[Page]) -> list[tuple[int, list[Page]]]:
    """Posts of one year by month, 1 to 12, newest first."""
    months: dict[int, list[Page]] = {}
    for page in posts:
        months.setdefault(page.date.month if page.date else 1, []).append(page)
    return sorted(months.items(), reverse=True)


FIELDS: Final = attrgetter(*(one.name for one in fields(Listing)))

Version = tuple[str, str]
"""A language's tag, and the path of a page in it."""


Months = tuple[tuple[str, tuple[tuple[int, tuple[str, ...]], ...]], ...]
"""Years, each with its months, each with the sources of its posts."""
