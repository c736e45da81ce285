"""What all pages of one rendering share, with the answers that would be dear to find anew for each page.

Templates never see a Scene; the views ask it for them.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from sealpress.problems import Problem, did_you_mean
from ssg.markup.typography import typeset
from ssg.model import Kind, Page, Site, Tag
from ssg.rendering.assets import Assets
from ssg.rendering.bodies import Bodies
from ssg.rendering.listings import Listing, has_posts, listings, posts_page
from ssg.rendering.reading_time import minutes
from ssg.rendering.theme import Theme

Version = tuple[str, str]
"""A language's tag, and the path of a page in it."""


@dataclass(frozen=True)
class Scene:
    """One rendering of one site."""

    site: Site
    bodies: Bodies
    theme: Theme
    assets: Assets

    @cached_property
    def listings(self) -> tuple[Listing, ...]:
        return listings(self.site)

    @cached_property
    def pages(self) -> tuple[Page, ...]:
        """The pages that are rendered with a body: all but the introductions of lists."""
        found = (posts_page(self.site, language) for language in self.site.languages)
        introductions = {page.source for page in found if page}
        return tuple(page for page in self.site.pages if page.source not in introductions)

    @cached_property
    def _twins(self) -> Mapping[tuple[str, str, int], tuple[Version, ...]]:
        """Lists and home pages of all languages that are one another's translation, in the site's order."""
        found: dict[tuple[str, str, int], dict[str, str]] = {}
        for listing in self.listings:
            if not listing.repeats:
                found.setdefault(listing.identity, {})[listing.language] = listing.path
        homes = found.setdefault(("home", "", 1), {})
        homes |= {page.language: page.path for language in self.site.languages if (page := self.site.home(language))}
        order = self.site.languages
        return {
            identity: tuple((language, paths[language]) for language in order if language in paths)
            for identity, paths in found.items()
        }

    def versions(self, subject: Page | Listing) -> tuple[Version, ...]:
        """The page in every language that has it, itself among them; the same for each of them."""
        if isinstance(subject, Listing) and not subject.repeats:
            return self._twins[subject.identity]
        if isinstance(subject, Listing) or subject.is_home:
            return self._twins[("home", "", 1)]
        return tuple((page.language, page.path) for page in self.site.translations(subject))

    @cached_property
    def _tags(self) -> Mapping[str, tuple[Tag, ...]]:
        found: dict[str, list[Tag]] = {}
        for tag in self.site.tags:
            for post in tag.posts:
                found.setdefault(post.source, []).append(tag)
        return MappingProxyType({source: tuple(tags) for source, tags in found.items()})

    def tags(self, page: Page) -> tuple[Tag, ...]:
        return self._tags.get(page.source, ())

    @cached_property
    def _reading_order(self) -> Mapping[str, tuple[Page | None, Page | None]]:
        """Of every page that has neighbours: the one before it and the one after it."""
        rows: list[Sequence[Page]] = [posts[::-1] for posts in self.site.posts_by_language.values()]
        for language in self.site.languages:
            for top in self.site.below("", language):
                row: list[Page] = []
                self._flatten(top, row)
                rows.append(row)
        return {
            page.source: (row[at - 1] if at else None, row[at + 1] if at + 1 < len(row) else None)
            for row in rows
            for at, page in enumerate(row)
        }

    def _flatten(self, page: Page, row: list[Page]) -> None:
        row.append(page)
        for child in self.site.children(page):
            self._flatten(child, row)

    def neighbours(self, page: Page) -> tuple[Page | None, Page | None]:
        """Posts: the one written before and the one after. Pages: as one reads through a section from its start."""
        return self._reading_order.get(page.source, (None, None))

    def ancestors(self, page: Page) -> tuple[Page, ...]:
        """The index pages above a page, outermost first, without the home page."""
        found: list[Page] = []
        above = self.site.parent(page)
        while above and not above.is_home:
            found.append(above)
            above = self.site.parent(above)
        return tuple(reversed(found))

    def top(self, page: Page) -> Page | None:
        """The index page of the section that a page is in, or None for a post and for a page of its own."""
        if page.kind is not Kind.PAGE or page.is_home:
            return None
        found = self.site.index(page.section, page.language) if page.section else None
        return found if found and found.kind is Kind.PAGE else None

    @cached_property
    def has_feeds(self) -> bool:
        return self.site.settings.feeds.enabled and has_posts(self.site)

    def feed_path(self, language: str) -> str:
        return f"{self.site.prefix(language)}/feed.xml"

    def typeset(self, text: str, language: str) -> str:
        """A title as the language prints it, with its quotes and spaces, as bodies have them."""
        if not self.site.settings.markdown.typography:
            return text
        key = (text, language)
        if key not in self._typeset:
            parts = typeset([html.escape(text, quote=False)], self.theme.languages[language])
            self._typeset[key] = html.unescape("".join(parts))
        return self._typeset[key]

    @cached_property
    def _typeset(self) -> dict[tuple[str, str], str]:
        return {}

    def title(self, page: Page) -> str:
        return self.typeset(page.title, page.language)

    def site_title(self, language: str) -> str:
        return self.typeset(self.site.title(language), language)

    def site_description(self, language: str) -> str:
        return self.typeset(self.site.description(language), language)

    def reading_minutes(self, page: Page) -> int:
        """Its own page and every list that it is in ask for them."""
        if page.source not in self._minutes:
            self._minutes[page.source] = minutes(self.bodies.text(page))
        return self._minutes[page.source]

    @cached_property
    def _minutes(self) -> dict[str, int]:
        return {}

    def find(self, target: str, language: str) -> Page:
        """The page at a source path below the content folder, in `language` where it is translated.

        `docs/index.md` is found as content/docs/index.md, content/en/docs/index.md and content/docs/index.en.md.
        Raises Problem where there is none.
        """
        content = self.site.settings.build.content
        stem = target.removesuffix(".md")
        languages = [language, *(tag for tag in self.site.languages if tag != language)]
        candidates = [f"{content}/{target}"]
        for tag in languages:
            candidates += [f"{content}/{tag}/{target}", f"{content}/{stem}.{tag}.md"]
        for source in candidates:
            if page := self.site.by_source.get(source):
                return self.site.translation(page, language) or page
        near = did_you_mean(f"{content}/{target}", self.site.by_source)
        raise Problem(f'there is no page "{content}/{target}"{near}')

    def target(self, target: str, language: str) -> str:
        """The href for what menus and templates name: a source path, a path of the site, a whole URL, an anchor."""
        path, mark, anchor = target.partition("#")
        if path.endswith(".md") and "://" not in path:
            return self.site.url(self.find(path.removeprefix("/"), language).path) + mark + anchor
        return self.site.url(path) + mark + anchor if path.startswith("/") else target
