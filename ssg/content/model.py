"""The site as ssg knows it after reading: pages, terms, assets. Frozen; everything else is asked of it.

    Site ── languages ── pages (posts among them) ── terms of taxonomies
                     └── assets (files beside pages, static files)

Paths: a *source* is a file's path relative to site.toml, with "/" ("content/posts/x.fr.md"). A *path* is where a reader
finds something, from the site's root, with a leading "/" ("/fr/posts/x/"). An *output* is the file for it in the output
tree, without one ("fr/posts/x/index.html").
"""

import datetime as dt
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, cached_property
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from sealpress.config.settings import LanguageSettings, PermalinkSettings, Settings, TaxonomySettings
from sealpress.frozen import frozen
from ssg.markup.text.converted import Fault, Slot

Terms = tuple[tuple[str, tuple[str, ...]], ...]
"""The names of a page's terms, by the name of their taxonomy; of those taxonomies that it has terms of."""


class PageKind(StrEnum):
    POST = "post"  # below content/posts/: dated, listed, in the feed
    PAGE = "page"  # everything else


@frozen
class FrontMatter:
    """What a page says of itself. An unknown key is a Problem; free keys go below `params`."""

    title: str
    date: dt.datetime | dt.date | None = None  # posts need it; without a time zone it is in [site] timezone
    updated: dt.datetime | dt.date | None = None
    slug: str = ""  # "": from the file's name
    key: str = ""  # pages of several languages with one key are translations of each other; "": from the file's path
    terms: Terms = ()  # in the file, a key for each taxonomy: tags: [one, two]
    description: str = ""  # for search engines and previews; "": the summary's text
    summary: str = ""  # for lists; "": up to <!-- more -->, or the first paragraph
    author: str = ""  # "": the language's or site's
    draft: bool = False
    order: int = 0  # of pages among their siblings; then by title
    template: str = ""  # "": by kind
    toc: bool | None = None  # None: the theme decides
    params: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))


@frozen
class ParsedPage:
    """What was read of one source. `key` is what its converted body is kept under."""

    sha256: str
    front_matter: FrontMatter
    body_line: int
    key: str = ""
    links: tuple[Slot, ...] = ()
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()


@frozen
class Page:
    """One page in one language, without its body.

    The Markdown begins at line `body_line` of the source. `folder` is the page's folder in the content, without the
    language's own one; an index page's folder is its own, so its parent's is one above. Moments have a fixed offset
    from UTC.
    """

    source: str
    kind: PageKind
    language: str
    key: str
    title: str
    slug: str
    path: str
    output: str
    body_line: int
    front_matter: FrontMatter
    folder: str
    is_index: bool
    date: dt.datetime | None
    updated: dt.datetime | None
    terms: Terms
    author: str

    def terms_of(self, taxonomy: str) -> tuple[str, ...]:
        for name, names in self.terms:
            if name == taxonomy:
                return names
        return ()

    @property
    def section(self) -> str:
        """The first folder below the content: "docs" for content/docs/how-to/x.md; "" at the top."""
        return self.folder.partition("/")[0]

    @property
    def is_home(self) -> bool:
        return self.is_index and not self.folder

    @property
    def last_change(self) -> dt.datetime | None:
        """When it was last written or changed."""
        return max((moment for moment in (self.date, self.updated) if moment), default=None)


@frozen
class Term:
    """What posts of one language have in common: a tag, say. `name` is as its first post wrote it; the newest post is
    first.
    """

    taxonomy: str
    language: str
    name: str
    slug: str
    path: str
    posts: tuple[Page, ...]


@frozen
class Asset:
    """A file that goes into the tree as it is. `file` is where it is read from."""

    source: str
    path: str
    output: str
    file: Path


@dataclass(frozen=True)
class Site:
    """All that was read. `pages` and `assets` are sorted by source; drafts and scheduled posts are already left out.

    `as_of` is the one clock: the commit's time.
    """

    root: Path
    settings: Settings
    pages: tuple[Page, ...]
    terms: tuple[Term, ...]
    assets: tuple[Asset, ...]
    as_of: dt.datetime

    @property
    def languages(self) -> tuple[str, ...]:
        return self.settings.site.languages

    def language_settings(self, language: str) -> LanguageSettings:
        return self.settings.language[language]

    def taxonomies(self, language: str) -> Mapping[str, TaxonomySettings]:
        return self.settings.language[language].taxonomies

    def permalinks(self, language: str) -> PermalinkSettings:
        return self.settings.language[language].permalinks or self.settings.permalinks

    def title(self, language: str) -> str:
        return self.settings.language[language].title or self.settings.site.title

    def description(self, language: str) -> str:
        own = self.settings.language[language].description
        return self.settings.site.description if own is None else own

    def prefix(self, language: str) -> str:
        """What stands before every path of a language: "" for the default one, "/fr" for another."""
        return prefix(self.settings, language)

    @cached_property
    def terms_in(self) -> Mapping[str, Mapping[str, tuple[Term, ...]]]:
        """The terms by taxonomy and language; only of taxonomies that have any, if in another language."""
        found: dict[str, dict[str, list[Term]]] = {}
        for term in self.terms:
            of_taxonomy = found.setdefault(term.taxonomy, {language: [] for language in self.languages})
            of_taxonomy[term.language].append(term)
        return MappingProxyType(
            {name: {language: tuple(terms) for language, terms in one.items()} for name, one in found.items()}
        )

    @cached_property
    def by_source(self) -> Mapping[str, Page]:
        return MappingProxyType({page.source: page for page in self.pages})

    @cached_property
    def asset_paths(self) -> Mapping[str, str]:
        """The path of each asset, by its source."""
        return MappingProxyType({asset.source: asset.path for asset in self.assets})

    @cached_property
    def posts_by_language(self) -> Mapping[str, tuple[Page, ...]]:
        """Posts, newest first; of one moment, by path."""
        found: dict[str, list[Page]] = {language: [] for language in self.languages}
        for page in sorted(self.pages, key=attrgetter("path")):
            if page.kind is PageKind.POST and page.language in found:
                found[page.language].append(page)
        for posts in found.values():
            posts.sort(key=lambda page: (page.date or self.as_of).timestamp(), reverse=True)
        return MappingProxyType({language: tuple(posts) for language, posts in found.items()})

    @cached_property
    def by_key(self) -> Mapping[tuple[str, str], Page]:
        """The pages by key and language (ssg.content.translations)."""
        return MappingProxyType({(page.key, page.language): page for page in self.pages})

    @cached_property
    def _indexes(self) -> Mapping[tuple[str, str], Page]:
        return MappingProxyType({(page.folder, page.language): page for page in self.pages if page.is_index})

    def spelled(self, name: str) -> str:
        """The source, or the path of an asset, that is called so, whichever of Unicode's normal forms either has."""
        return name if name.isascii() else self._spellings.get(unicodedata.normalize("NFC", name), name)

    @cached_property
    def _spellings(self) -> Mapping[str, str]:
        paths = [*(page.path for page in self.pages), *(term.path for term in self.terms), *self.asset_paths.values()]
        names = (*self.by_source, *self.asset_paths, *paths)
        return MappingProxyType({unicodedata.normalize("NFC", name): name for name in names if not name.isascii()})

    @cached_property
    def _by_folder(self) -> Mapping[tuple[str, str], tuple[Page, ...]]:
        """Pages (no posts) by the folder of their parent and language, in their order."""
        found: dict[tuple[str, str], list[Page]] = {}
        for page in self.pages:
            if page.kind is PageKind.PAGE and not page.is_home:
                parent = page.folder.rpartition("/")[0] if page.is_index else page.folder
                found.setdefault((parent, page.language), []).append(page)
        return MappingProxyType(
            {
                place: tuple(sorted(pages, key=lambda page: (page.front_matter.order, page.title, page.path)))
                for place, pages in found.items()
            }
        )

    def home(self, language: str) -> Page | None:
        """The page at content/index.md, or None where the newest posts are the home page."""
        return self._indexes.get(("", language))

    def index(self, folder: str, language: str) -> Page | None:
        """The index page of a folder, or None."""
        return self._indexes.get((folder, language))

    def children(self, page: Page) -> tuple[Page, ...]:
        """The pages right below an index page, in their order."""
        return self.below(page.folder, page.language) if page.is_index else ()

    def branch(self, page: Page) -> Iterator[Page]:
        """A page and all below it, as one reads them."""
        yield page
        for child in self.children(page):
            yield from self.branch(child)

    def below(self, folder: str, language: str) -> tuple[Page, ...]:
        """The pages right below a folder, with or without an index page, in their order."""
        return self._by_folder.get((folder, language), ())

    def parent(self, page: Page) -> Page | None:
        """The nearest index page above; the home page last; None for the home page itself."""
        folder = page.folder.rpartition("/")[0] if page.is_index else page.folder
        while not page.is_home:
            if found := self.index(folder, page.language):
                return found if found is not page else None
            if not folder:
                return None
            folder = folder.rpartition("/")[0]
        return None


@cache
def encoded(path: str) -> str:
    """RFC 3986, section 3.3: what a path may hold stays, all else is percent-encoded; "?" and "#" too."""
    return quote(path, safe="/-._~!$&'()*+,;=:@")


def prefix(settings: Settings, language: str) -> str:
    return "" if language == settings.site.default_language else f"/{language}"


def output_of(path: str) -> str:
    """The file for a path: "/fr/x/" → "fr/x/index.html", "/a.html" → "a.html"."""
    return (path + "index.html" if path.endswith("/") else path).removeprefix("/")


def source_of(page: Page | None) -> str | None:
    return page.source if page else None


def sources_of(pages: Iterable[Page]) -> tuple[str, ...]:
    return tuple([page.source for page in pages])
