"""The site's structure: its pages, lists and assets, as they are arranged anew or as the last build left them.

It stands where nothing changed that it hangs on: no file came or went, front matter and settings say the same of where
pages are, and the clock has not reached a scheduled page. Then pages are those of the last build, made only when asked
for; of a post with another title it has that.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import Final

from sealpress import tools
from sealpress.config.sitefile import NAME, SiteFile
from sealpress.files import given
from sealpress.git.repository import NO_DATE
from sealpress.tree.tree import REDIRECTS
from ssg.build.convert import Converter
from ssg.build.inputs import Inputs
from ssg.build.read import ReadSources, sha256_of
from ssg.build.records import PAGES, PARSED_PAGES, LazyPages
from ssg.cache.last_build import LastBuild, seen_sha256
from ssg.cache.store import Store
from ssg.cache.table import Plain, Table, since
from ssg.content import absence, taxonomies
from ssg.content.absence import LEFTOVER, Absences
from ssg.content.assets import FOLDER, content_assets, static_assets
from ssg.content.findings import THEME, Findings
from ssg.content.links import Doubts
from ssg.content.model import Page, PageKind, Site
from ssg.content.pages import NOWHERE, PlacedPages, PublishedPages, moment, read_content
from ssg.l10n.language import Language, language
from ssg.l10n.timezones import timezone
from ssg.markup.text.converted import MarkdownOptions
from ssg.rendering.theme import theme as themes

_head_of = PARSED_PAGES.at("front_matter", "body_line")
_HEAD: Final = 40
"""The lines of a page that can't be read that may tell what it is called by."""


@dataclass(frozen=True)
class Structure:
    """`stands` where the last build's structure is this one's. `before` are pages as the last build placed them, as far
    as that is known.
    """

    inputs: Inputs
    languages: Mapping[str, Language]
    reading: ReadSources
    last: LastBuild
    findings: Findings
    before: PlacedPages = NOWHERE

    @cached_property
    def stands(self) -> bool:
        known = self.last.scope == self.inputs.scope and bool(self.last.pages)
        return known and self.reading.same_structure and self._same_are_published()

    @cached_property
    def pages(self) -> Mapping[str, Page]:
        if self.stands:
            return LazyPages(self.plain_pages, self.reading.parsed_pages)
        return self.site.by_source

    @cached_property
    def plain_pages(self) -> Table:
        """The pages by source, as ssg.build.records has them."""
        if not self.stands:
            sources = [page.source for page in self.site.pages]
            stays = self._as_before.pages.keys() & self.last.pages.keys()
            rows = {page.source: PAGES.pack(page) for page in self.site.pages if page.source not in stays}
            return (self.last.pages | rows).only(sources)
        before, parsed = self.last.pages, self.reading.parsed_pages
        new: dict[str, Plain] = {}
        for source in self.reading.changed & before.keys():
            if _head_of(parsed.plain(source)) != _head_of(self.last.parsed_pages[source]):
                page = replace(LazyPages(before, parsed)[source], body_line=parsed[source].body_line)
                new[source] = PAGES.pack(replace(page, title=page.front_matter.title))
        return before | new if new else before

    @cached_property
    def as_of(self) -> dt.datetime:
        if self.stands:
            newest = self.last.published[0]
            return self.inputs.clock or (dt.datetime.fromisoformat(newest) if newest else NO_DATE)
        return self._content.as_of

    @property
    def drafts(self) -> tuple[str, ...]:
        return self.last.left_out[0] if self.stands else self._content.drafts

    @property
    def scheduled(self) -> tuple[str, ...]:
        return self.last.left_out[1] if self.stands else self._content.scheduled

    @property
    def published(self) -> tuple[str, str]:
        """The moments of the newest published page, and of the first scheduled one; "" for none."""
        if self.stands:
            return self.last.published
        newest = max((page.date for page in self.site.pages if page.date), default=None)
        return newest.isoformat() if newest else "", self._content.next.isoformat() if self._content.next else ""

    @cached_property
    def site(self) -> Site:
        """The whole of it, arranged anew."""
        inputs, content = self.inputs, self._content
        settings = inputs.request.site.settings
        assets = content_assets(settings, inputs.sources, content.pages) + static_assets(settings, inputs.sources)
        site = Site(inputs.request.site.root, settings, content.pages, (), assets, content.as_of)
        return replace(site, terms=taxonomies.terms_of(settings, site.posts_by_language, self.languages))

    @property
    def may_redirect_elsewhere(self) -> bool:
        """Whether rules of redirects may be others than in the last build."""
        rules = f"{self.inputs.request.site.settings.build.static}/{REDIRECTS}"
        return self.last.scope != self.inputs.scope or rules in self.reading.changed_files

    def changed_pages(self, images: frozenset[str]) -> frozenset[str] | None:
        """The pages of which a fact may be another one now, with the `images` that changed; None: all."""
        changed = self.reading.changed | images
        if self.stands:
            return changed
        if self.last.scope != self.inputs.scope:
            return None
        now, before = self.plain_pages, self.last.pages
        fronts = since(self.reading.parsed_pages.table(now), self.last.parsed_pages)
        return changed | since(now, before).keys() | (before.keys() - now.keys()) | fronts.keys()

    @cached_property
    def counts(self) -> tuple[Mapping[str, int], int]:
        """How many pages there are in each language, and how many of all are posts."""
        if self.stands:
            return self.last.counts
        of_language = Counter(page.language for page in self.site.pages)
        posts = sum(page.kind is PageKind.POST for page in self.site.pages)
        return MappingProxyType({tag: of_language[tag] for tag in self.languages}), posts

    @property
    def left_out(self) -> Mapping[str, str]:
        """Why a source that a link may name is not on the site."""
        return (
            dict.fromkeys(self.inputs.sources.left_out, "not tracked by git")
            | dict.fromkeys(self.inputs.sources.leftovers, LEFTOVER)
            | dict.fromkeys(self.drafts, "a draft")
            | dict.fromkeys(self.scheduled, "dated after this commit")
        )

    @cached_property
    def doubts(self) -> Doubts:
        """What can't be told of the site, since something is at fault that says it."""
        heads = {source: self._head(source) for source in (*self._unsure, *self.reading.unread)}
        prefixes = (FOLDER,) if self.findings.is_at_fault(THEME) else ()
        files = self.inputs.sources
        return Doubts(self.reading.unread, self._unsure, tuple(heads.values()), files.stamps, prefixes, files.refuses)

    def _head(self, source: str) -> str:
        """What a page may be called by: its name, and what stands above its body."""
        try:
            data = given.read(self.inputs.sources.root / source, given.TEXT)
        except OSError:
            data = b""
        line = self.reading.parsed_pages[source].body_line if source not in self.reading.unread else _HEAD
        return " ".join([source, *data.decode("utf-8", "replace").split("\n")[:line]]).casefold()

    @cached_property
    def _unsure(self) -> frozenset[str]:
        """The pages that may have another path than it seems."""
        if not self.stands:
            _ = self._content
        return frozenset(self._faulty)

    @cached_property
    def _faulty(self) -> set[str]:
        return {source for source in self.reading.problems if source in self.reading.parsed_pages} - self.reading.unread

    @cached_property
    def absences(self) -> Absences:
        """Why what is named somewhere is not on the site."""
        return Absences(self.inputs.sources, self.drafts, self.due)

    @property
    def due(self) -> Mapping[str, dt.datetime]:
        """When each of the scheduled pages is due, the next one first."""
        zone = self._zone
        found = ((moment(self.reading.parsed_pages[one].front_matter.date, zone), one) for one in self.scheduled)
        return MappingProxyType({source: when for when, source in sorted((when, one) for when, one in found if when)})

    @cached_property
    def _zone(self) -> dt.tzinfo:
        site = self.inputs.request.site
        zone: dt.tzinfo = dt.UTC
        with self.findings.collecting(NAME):
            zone = timezone(site.settings.site.timezone, site.place("site", "timezone"))
        return zone  # noqa: RET504 - where it is none, UTC

    @cached_property
    def _content(self) -> PublishedPages:
        request = self.inputs.request

        def clock(dates: Iterable[dt.datetime]) -> dt.datetime:
            return self.inputs.clock or max(dates, default=NO_DATE)

        return read_content(
            request.site.settings,
            self.inputs.sources,
            self.reading.heads(),
            self.languages,
            self._zone,
            clock,
            request.options,
            self.findings,
            self._faulty,
            self._as_before,
        )

    @property
    def placed(self) -> PlacedPages:
        """For the structure after this one."""
        return self._as_before if self.stands else self._content.placed

    @cached_property
    def _as_before(self) -> PlacedPages:
        if not self.before.pages or self.last.scope != self.inputs.scope:
            return NOWHERE
        changed = self.reading.changed | self.reading.problems.keys() | self.reading.unread
        return self.before.only(frozenset(self.reading.pages) - changed)

    def _same_are_published(self) -> bool:
        newest, following = (dt.datetime.fromisoformat(one) if one else None for one in self.last.published)
        clock = self.inputs.clock
        if self.inputs.request.options.future:
            return True
        if clock is None:
            return following is None
        return (newest is None or newest <= clock) and (following is None or clock < following)


def converter_of(inputs: Inputs, store: Store, findings: Findings) -> tuple[themes.Theme, Converter]:
    """The theme, and where manuscripts are read with it. Raises Problem (exit 3) for a language that there isn't,
    and for a taxonomy that there can't be.
    """
    site = inputs.request.site
    taxonomies.keys(site)
    tags = site.settings.site.languages
    languages = {tag: language(tag, site.place("site", "languages", number)) for number, tag in enumerate(tags)}
    sources = inputs.sources
    is_submodule = partial(absence.is_submodule, sources)
    theme = themes.load(site.root, site.settings, site.document, sources.files, findings, is_submodule)
    options = {tag: _markdown_options(site, theme, tag) for tag in languages}
    drafts = inputs.request.options.drafts
    return theme, Converter(site.root, site.settings, languages, options, store, tools.of_tree(), drafts)


def _markdown_options(site: SiteFile, theme: themes.Theme, tag: str) -> MarkdownOptions:
    if tag not in theme.strings:  # they are at fault
        return MarkdownOptions.of(site.settings.markdown)
    strings = theme.strings[tag]
    return MarkdownOptions.of(
        site.settings.markdown,
        permalink_label=strings.text("heading_link", title="{title}"),
        footnote_label=strings.text("footnote_back", number="{number}"),
        titles=strings.below("admonition_"),
    )


def input_digests(structure: Structure, theme: themes.Theme) -> dict[str, str]:
    """The sha256 of every file that the tree was made from."""
    own = {file: seen_sha256(seen) for file, seen in structure.reading.sources.items()}
    theirs = {file.shown: file.path for file in (*theme.templates.values(), *theme.static.values())}
    found = own | {shown: sha256_of(path) for shown, path in theirs.items() if shown not in own}
    return dict(sorted(found.items()))
