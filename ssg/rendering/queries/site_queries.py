"""What templates may ask of the site as a whole: the façade that the views stand on. Every question is recorded.

A query depends on which pages and assets there are and on their front matter, never on a body. Pages are named by their
sources, lists by the paths of their first or further pages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType

from sealpress.config.settings import TAGS
from sealpress.html import active_content
from sealpress.problems import Problem, did_you_mean
from ssg.cache.tracing import query
from ssg.content import taxonomies
from ssg.content.formats import dates
from ssg.content.links import Destination, destination
from ssg.content.model import Page, PageKind, Site, Term, source_of, sources_of
from ssg.content.translations import translation, translations
from ssg.l10n import language as languages
from ssg.markup.text.converted import plain_anchor
from ssg.rendering.queries import lists as listings
from ssg.rendering.queries.lists import FIELDS, Identity, Listing, ListKind, Months, Version
from ssg.rendering.queries.page_queries import PageQueries


class SiteQueries(PageQueries):
    """One rendering of one site."""

    @cached_property
    def site(self) -> Site:
        return self._basis.site()

    @cached_property
    def pages(self) -> tuple[Page, ...]:
        """The pages that are rendered with a body: all but the introductions of lists."""
        found = (listings.posts_page(self.site, language) for language in self.site.languages)
        introductions = {page.source for page in found if page}
        return tuple(page for page in self.site.pages if page.source not in introductions)

    @query("all pages and lists")
    def subjects(self) -> tuple[tuple[str, bool], ...]:
        """What search engines are told of, by path: the source of each page, the path of each list; True for a page."""
        # A list's further pages hold nothing that isn't found from its first one.
        lists = [(one.path, one.path, False) for one in self.listings.values() if one.number == 1 and one.is_indexed]
        every = sorted([*((page.path, page.source, True) for page in self.pages), *lists])
        return tuple((name, is_page) for _, name, is_page in every)

    # Lists.

    @cached_property
    def lists(self) -> tuple[Listing, ...]:
        """Every page of every list. Two may be for one path: who writes them sees that."""
        return listings.listings(self.site)

    @cached_property
    def listings(self) -> Mapping[str, Listing]:
        """The same by path."""
        return MappingProxyType({listing.path: listing for listing in self.lists})

    @query("the list at", "{path}")
    def listing(self, path: str) -> tuple[object, ...]:
        """The Listing at a path, as its fields."""
        kind, *rest = FIELDS(self.listings[path])
        return (kind.value, *rest)

    def list_at(self, path: str) -> Listing:
        kind, *rest = self.listing(path)
        return Listing(ListKind(str(kind)), *rest)  # type: ignore[arg-type]

    @query("posts by month of", "{path}")
    def months(self, path: str) -> Months:
        """The posts of a list by year and month, the newest first."""
        posts = [self.site.by_source[source] for source in self.listings[path].posts]
        return tuple(
            (year, tuple((month, sources_of(pages)) for month, pages in listings.by_month(of_year)))
            for year, of_year in listings.by_year(posts)
        )

    @query("newest change of", "{path}")
    def newest_change(self, path: str) -> str:
        """When a post of the list was last written or changed; "" for a list without."""
        posts = (self.site.by_source[source] for source in self.listings[path].posts)
        moments = [moment for post in posts if (moment := post.last_change)]
        return dates.rfc3339(max(moments)) if moments else ""

    @query("the archive of", "{year}")
    def year_path(self, language: str, year: str) -> str:
        return listings.year_path(self.site, language, year)

    @query("whether there are posts", asked_as="site.has_posts")
    def has_posts(self) -> bool:
        return listings.has_posts(self.site)

    @query("where posts begin")
    def posts_path(self, language: str) -> str:
        """Where the newest posts begin."""
        return listings.posts_path(self.site, language)

    @query("the page above the posts")
    def posts_page(self, language: str) -> str | None:
        """The page that stands above the list of posts."""
        return source_of(listings.posts_page(self.site, language))

    @query("posts", lambda _language, limit, tag: _which(limit, tag))
    def posts(self, language: str, limit: int | None, tag: str | None) -> tuple[str, ...]:
        """The newest first; `tag` is a tag's name or slug."""
        found = self.site.posts_by_language[language]
        if tag is not None:
            tags = self._terms_in(TAGS, language)
            found = next((one.posts for one in tags if tag in {one.name, one.slug}), ())
        return sources_of(found[:limit])

    @query("number of posts", asked_as="site.post_count")
    def post_count(self, language: str) -> int:
        return len(self.site.posts_by_language[language])

    def has_feeds(self) -> bool:
        return self.wants_feeds() and self.has_posts()

    # Taxonomies.

    @query("whether there are", "{taxonomy}")
    def has_terms(self, taxonomy: str) -> bool:
        """Whether posts of any language have one: then all languages have a list of them."""
        return taxonomy in self.site.terms_in

    @query("all", "{taxonomy}")
    def terms(self, taxonomy: str, language: str) -> tuple[str, ...]:
        """Slugs, in the language's alphabetical order."""
        return tuple(term.slug for term in self._terms_in(taxonomy, language))

    def _terms_in(self, taxonomy: str, language: str) -> Sequence[Term]:
        return self.site.terms_in.get(taxonomy, {}).get(language, ())

    @query("{taxonomy} of", "{source}")
    def terms_of(self, source: str, taxonomy: str) -> tuple[str, ...]:
        """The slugs of a page's terms."""
        page = self.site.by_source.get(source)
        if not page or page.kind is not PageKind.POST:
            return ()
        own = languages.language(page.language)
        slugs = {taxonomies.slug_of(name, own) for name in page.terms_of(taxonomy)}
        return tuple(sorted(slugs, key=lambda slug: self._places[taxonomy, page.language, slug]))

    @query("name and path of", "{taxonomy}/{slug}")
    def term(self, taxonomy: str, language: str, slug: str) -> tuple[str, str]:
        """A term's name and path."""
        found = self._terms[taxonomy, language, slug]
        return found.name, found.path

    @query("number of posts of", "{taxonomy}/{slug}", asked_as="term.count")
    def term_count(self, taxonomy: str, language: str, slug: str) -> int:
        """How many posts have it."""
        return len(self._terms[taxonomy, language, slug].posts)

    @query("posts of", "{taxonomy}/{slug}", asked_as="term.posts", are_pages=True)
    def term_posts(self, taxonomy: str, language: str, slug: str) -> tuple[str, ...]:
        """Those that have it, the newest first."""
        return sources_of(self._terms[taxonomy, language, slug].posts)

    @cached_property
    def _terms(self) -> Mapping[tuple[str, str, str], Term]:
        return {(term.taxonomy, term.language, term.slug): term for term in self.site.terms}

    @cached_property
    def _places(self) -> Mapping[tuple[str, str, str], int]:
        """The order of terms."""
        return {name: number for number, name in enumerate(self._terms)}

    # Pages among pages.

    @query("neighbours of", "{source}")
    def neighbours(self, source: str) -> tuple[str | None, str | None]:
        """Posts: the one written before and the one after. Pages: as one reads through a section from its start."""
        return self._reading_order.get(source, (None, None))

    @query("the page above", "{source}", asked_as="page.parent", are_pages=True)
    def parent(self, source: str) -> str | None:
        """The nearest index page above."""
        return source_of(self.site.parent(self.site.by_source[source]))

    @query("the pages above", "{source}", asked_as="page.ancestors", are_pages=True)
    def ancestors(self, source: str) -> tuple[str, ...]:
        """The index pages above, outermost first, the home page not among them."""
        found: list[Page] = []
        above = self.site.parent(self.site.by_source[source])
        while above and not above.is_home:
            found.append(above)
            above = self.site.parent(above)
        return sources_of(reversed(found))

    @query("the pages below", "{source}", asked_as="page.children", are_pages=True)
    def children(self, source: str) -> tuple[str, ...]:
        """The pages right below an index page, in their order."""
        return sources_of(self.site.children(self.site.by_source[source]))

    @query("the pages in folder", "{folder}/")
    def pages_below(self, folder: str, language: str) -> tuple[str, ...]:
        """The pages right below a folder, in their order."""
        return sources_of(self.site.below(folder, language))

    @query("the section of", "{source}")
    def top(self, source: str) -> str | None:
        """The index page of the section that a page is in, or None for a post and for a page of its own."""
        page = self.site.by_source[source]
        if page.kind is not PageKind.PAGE or page.is_home:
            return None
        found = self.site.index(page.section, page.language) if page.section else None
        return found.source if found and found.kind is PageKind.PAGE else None

    @cached_property
    def _reading_order(self) -> Mapping[str, tuple[str | None, str | None]]:
        """Of every page that has neighbours: the one before it and the one after it."""
        rows = [[page.source for page in posts[::-1]] for posts in self.site.posts_by_language.values()]
        tops = (top for language in self.site.languages for top in self.site.below("", language))
        rows += [[page.source for page in self.site.branch(top)] for top in tops]
        return {
            source: (row[at - 1] if at else None, row[at + 1] if at + 1 < len(row) else None)
            for row in rows
            for at, source in enumerate(row)
        }

    # Languages.

    @query("languages of", "{source}")
    def versions_of_page(self, source: str) -> tuple[Version, ...]:
        """The page in every language that has it, itself among them; the same for each of them."""
        page = self.site.by_source[source]
        if page.is_home:
            return self._twins["home", "", "", 1]
        return tuple((other.language, other.path) for other in translations(self.site, page))

    @query("languages of", "{path}")
    def versions_of_list(self, path: str) -> tuple[Version, ...]:
        """The same of a list's page."""
        listing = self.listings[path]
        return self._twins["home", "", "", 1] if listing.repeats else self._twins[listing.identity]

    @cached_property
    def _twins(self) -> Mapping[Identity, tuple[Version, ...]]:
        """Lists and home pages of all languages that are one another's translation, in the site's order."""
        found: dict[Identity, dict[str, str]] = {}
        for listing in self.listings.values():
            if not listing.repeats:
                found.setdefault(listing.identity, {})[listing.language] = listing.path
        homes = found.setdefault(("home", "", "", 1), {})
        homes |= {page.language: page.path for language in self.site.languages if (page := self.site.home(language))}
        order = self.site.languages
        return {
            identity: tuple((language, paths[language]) for language in order if language in paths)
            for identity, paths in found.items()
        }

    # Data files.

    @query("the data named", lambda name: name.replace("/", "."))
    def data_named(self, name: str) -> str | None:
        """The source of the data that is called so ("team/people"), "" for a folder; None where there is none."""
        return self._basis.data.names.get(name)

    @query("all data in folder", "{folder}/")
    def data_names(self, folder: str) -> tuple[str, ...]:
        """What is right in a folder of data, "" for the outermost, in alphabetical order."""
        return self._basis.data.within(folder)

    # Links.

    def destination(self, source: str, target: str) -> Destination:
        """What a link of the body at `source` names, called as it is on the site."""
        to = destination(self._settings.build.content, source, target)
        return to if to.name.isascii() else replace(to, name=self.spelled(to.name))

    @query("the page named", "{target}")
    def found(self, target: str, language: str) -> str | None:
        """The source of the page at a path below the content folder, in `language` where it is translated.

        `docs/index.md` is found as content/docs/index.md, content/en/docs/index.md and content/docs/index.en.md.
        """
        content = self.site.settings.build.content
        stem = target.removesuffix(".md")
        languages = [language, *(tag for tag in self.site.languages if tag != language)]
        candidates = [f"{content}/{target}"]
        for tag in languages:
            candidates += [f"{content}/{tag}/{target}", f"{content}/{stem}.{tag}.md"]
        named = map(self._as_spelled, candidates)
        return next((found for source in named if (found := self.linked(source, language))), None)

    def find(self, target: str, language: str) -> str:
        """As `found`. Raises Problem where there is none."""
        if found := self.found(target, language):
            return found
        source = f"{self.site.settings.build.content}/{target}"
        if absence := self.absence(source):
            raise absence.problem(f'there is no page "{source}"', source)
        raise Problem(f'there is no page "{source}"{did_you_mean(source, self.site.by_source)}')

    def target(self, target: str, language: str) -> str:
        """The href for what menus and templates name: a source path, a path of the site, a whole URL, an anchor."""
        if scheme := active_content.active_scheme(target, is_image=True):
            hint = "name a page by its source, a path of the site, or a whole https:// URL"
            raise Problem(f'a link can\'t lead to "{scheme}"', hint=hint)
        path, mark, anchor = target.partition("#")
        if path.endswith(".md") and "://" not in path:
            if self.dialect() == "commonmark":
                _, _, anchor = plain_anchor(target).partition("#")
            return self.url(self.path(self.find(path.removeprefix("/"), language))) + mark + anchor
        return self.url(self._as_spelled(path)) + mark + anchor if path.startswith("/") else target

    def _as_spelled(self, name: str) -> str:
        return name if name.isascii() else self.spelled(name)

    @query("link to", "{source}")
    def linked(self, source: str, language: str) -> str | None:
        """The source of the page that a link to `source` leads to: in the language, where it is translated."""
        named = self.site.by_source.get(source)
        return (translation(self.site, named, language) or named).source if named else None

    @query("spelling of", "{name}")
    def spelled(self, name: str) -> str:
        """What a source, or the path of an asset, is called on the site, where a link has another normal form."""
        return self.site.spelled(name)

    @query("address of", "{source}")
    def asset_path(self, source: str) -> str | None:
        """Where a file beside a page is served."""
        return self.site.asset_paths.get(source)

    def variant(self, source: str, output: str) -> bytes:
        """The content of a smaller image. Raises Problem for an image that is damaged."""
        return self.gallery.content(source, output, self.image_quality())


def _which(limit: int | None, tag: str | None) -> str:
    """Which posts a question is about: all of them, the newest, those of a tag."""
    words = "all" if limit is None else f"the newest {limit}"
    return words if tag is None else f"{words} of tag {tag}"
