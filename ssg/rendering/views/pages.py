"""A page with a body, and what it is grouped by, as templates see them."""

from collections.abc import Sequence
from typing import ClassVar

from markupsafe import Markup

from sealpress.config.settings import TAGS
from sealpress.frozen import frozen
from sealpress.problems import Problem, did_you_mean
from ssg.markup.text.converted import ContentsEntry, contents
from ssg.rendering.bodies import closing
from ssg.rendering.queries.lists import Version
from ssg.rendering.queries.site_queries import SiteQueries
from ssg.rendering.theme.fixed import View
from ssg.rendering.views.shared import (
    LanguageView,
    VersionView,
    alternates,
    asking,
    default_version,
    language_view,
    switcher,
)


@asking("page")
@frozen
class PageView(View):
    """A post, a page or a home page. In a template: `page`, and every page that it asks for."""

    _queries: SiteQueries
    source: str
    """The file it was written in, relative to site.toml."""
    kind: ClassVar[str]

    def __repr__(self) -> str:
        return f"<page {self.source}>"

    @property
    def url(self) -> str:
        """For an href."""
        return self._queries.url(self._queries.path(self.source))

    @property
    def absolute_url(self) -> str:
        return self._queries.absolute_url(self._queries.path(self.source))

    @property
    def language(self) -> LanguageView:
        return language_view(self._queries, self._queries.language(self.source))

    @property
    def summary(self) -> Markup:
        return Markup(closing.summary(self._queries, self.source))  # noqa: S704 - the converter's HTML

    @property
    def content(self) -> Markup:
        return Markup(closing.body(self._queries, self.source))  # noqa: S704 - the converter's HTML

    @property
    def contents(self) -> tuple[ContentsEntry, ...]:
        """The table of contents to [markdown] toc_depth: each entry has `heading` (id, title, html) and `children`."""
        return contents(self._queries.headings(self.source))

    @property
    def tags(self) -> tuple["TermView", ...]:
        return self._terms(TAGS)

    def terms(self, taxonomy: str) -> tuple["TermView", ...]:
        """A post's terms of a taxonomy. Raises Problem where there is no such taxonomy."""
        return self._terms(known_taxonomy(self._queries, taxonomy))

    def _terms(self, taxonomy: str) -> tuple["TermView", ...]:
        slugs = self._queries.terms_of(self.source, taxonomy)
        return term_views(self._queries, taxonomy, self._queries.language(self.source), slugs)

    @property
    def previous(self) -> "PageView | None":
        """The post written before; the page before in its section."""
        return _view(self._queries, self._queries.neighbours(self.source)[0])

    @property
    def next(self) -> "PageView | None":
        return _view(self._queries, self._queries.neighbours(self.source)[1])

    @property
    def section(self) -> "SectionView | None":
        """The tree of pages that it stands in, from its top; None for a post and for a page of its own."""
        top = self._queries.top(self.source)
        return SectionView(self._queries, top, self.source) if top and self._queries.children(top) else None

    @property
    def alternates(self) -> tuple[VersionView, ...]:
        """For hreflang: the page in every language that has it, or () where only this one has."""
        return alternates(self._queries, *self._versions)

    @property
    def default_version(self) -> VersionView | None:
        """For hreflang="x-default"."""
        return default_version(self._queries, *self._versions)

    @property
    def switcher(self) -> tuple[VersionView, ...]:
        """The way to every language of the site."""
        return switcher(self._queries, *self._versions)

    @property
    def _versions(self) -> tuple[tuple[Version, ...], str]:
        return self._queries.versions_of_page(self.source), self._queries.language(self.source)


@frozen
class SectionView(View):
    """A page of a section's tree, seen from the page that is being rendered."""

    _queries: SiteQueries
    _source: str
    _seen_from: str

    def __repr__(self) -> str:
        return f"<section {self._source}>"

    @property
    def title(self) -> str:
        return self._queries.title(self._source)

    @property
    def url(self) -> str:
        return self._queries.url(self._queries.path(self._source))

    @property
    def is_current(self) -> bool:
        return self._source == self._seen_from

    @property
    def is_open(self) -> bool:
        """Whether the page that is being rendered is this one or below it."""
        folder, is_index = self._queries.place_in_tree(self._source)
        inside = (self._queries.place_in_tree(self._seen_from)[0] + "/").startswith(folder + "/")
        return self.is_current or (is_index and inside)

    @property
    def children(self) -> tuple["SectionView", ...]:
        below = self._queries.children(self._source)
        return tuple(SectionView(self._queries, source, self._seen_from) for source in below)


@asking("term", PageView)
@frozen
class TermView(View):
    """A term of a taxonomy: a tag, say."""

    _queries: SiteQueries
    _taxonomy: str
    _language: str
    slug: str

    def __repr__(self) -> str:
        return f"<term {self.slug} of {self._taxonomy}>"

    @property
    def name(self) -> str:
        return self._queries.term(self._taxonomy, self._language, self.slug)[0]

    @property
    def url(self) -> str:
        return self._queries.url(self._queries.term(self._taxonomy, self._language, self.slug)[1])


@frozen
class TaxonomyView(View):
    """What posts are grouped by."""

    _queries: SiteQueries
    name: str
    _language: str

    def __repr__(self) -> str:
        return f"<taxonomy {self.name}>"

    @property
    def title(self) -> str:
        title, _ = self._queries.taxonomy(self.name, self._language)
        return self._queries.typeset(title, self._language) if title else self._queries.text(self.name, self._language)

    @property
    def url(self) -> str:
        """Of the list of its terms."""
        return self._queries.url(self._queries.taxonomy(self.name, self._language)[1])

    @property
    def terms(self) -> tuple[TermView, ...]:
        """In the language's alphabetical order."""
        return term_views(self._queries, self.name, self._language, self._queries.terms(self.name, self._language))


def known_taxonomy(queries: SiteQueries, name: str) -> str:
    """The name of a taxonomy, as a template calls it. Raises Problem where there is no such taxonomy."""
    known = queries.taxonomies()
    if name not in known:
        hint = f"taxonomies: {', '.join(known)}; site.toml declares others, as [taxonomies.NAME]"
        raise Problem(f'there is no taxonomy "{name}"{did_you_mean(str(name), known)}', hint=hint)
    return name


def term_views(queries: SiteQueries, taxonomy: str, language: str, slugs: Sequence[str]) -> tuple[TermView, ...]:
    return tuple(TermView(queries, taxonomy, language, slug) for slug in slugs)


def page_views(queries: SiteQueries, sources: Sequence[str]) -> tuple[PageView, ...]:
    return tuple(PageView(queries, source) for source in sources)


def _view(queries: SiteQueries, source: str | None) -> PageView | None:
    return PageView(queries, source) if source else None
