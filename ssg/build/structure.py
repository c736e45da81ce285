"""The site's structure: its pages, lists and assets, as they are arranged anew or as the last build left them.

It stands where nothing changed that it hangs on: no file came or went, no front matter and no setting is another one,
and the clock has not reached a scheduled page. Then pages are those of the last build, made only when asked for.
"""

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import Final

from sealpress import given, strays, tools
from sealpress.clock import NO_DATE
from sealpress.problems import Place, Problem
from sealpress.sitefile import NAME, SiteFile
from sealpress.tree import NAME_LIMIT, PATH_LIMIT, REDIRECTS, unfit
from ssg.build.bodies import KeptBodies
from ssg.build.build import Situation
from ssg.build.convert import Desk
from ssg.build.read import Intake, sha256_of
from ssg.build.records import of_page
from ssg.build.stale import LazyPages
from ssg.cache.last_build import LastBuild
from ssg.cache.store import Store
from ssg.cache.table import Table, since
from ssg.content import absence
from ssg.content.absence import LEFTOVER, Absences
from ssg.content.assets import content_assets, static_assets
from ssg.content.findings import THEME, Findings
from ssg.content.links import Checker, Doubts
from ssg.content.model import Kind, Page, Site
from ssg.content.pages import Content, moment, read_content
from ssg.content.places import in_body, lines_of
from ssg.content.taxonomies import tags_of
from ssg.l10n.language import Language, language
from ssg.l10n.timezones import timezone
from ssg.markup.text.converted import Link, MarkdownOptions
from ssg.output.stage import folders
from ssg.rendering.plan import Job, Make
from ssg.rendering.queries.site_queries import Scene
from ssg.rendering.theme import theme as themes
from ssg.rendering.theme.assets import FOLDER

_HEAD: Final = 40
"""The lines of a page that can't be read that may tell what it is called by."""


@dataclass(frozen=True)
class Structure:
    """`stands` where the last build's structure is this one's."""

    situation: Situation
    languages: Mapping[str, Language]
    intake: Intake
    last: LastBuild
    findings: Findings

    @cached_property
    def stands(self) -> bool:
        known = self.last.scope == self.situation.scope and bool(self.last.pages)
        return known and self.intake.same_structure and self._same_are_published()

    @cached_property
    def pages(self) -> Mapping[str, Page]:
        if self.stands:
            return LazyPages(self.last.pages, self.intake.manuscripts)
        return self.site.by_source

    @cached_property
    def plain_pages(self) -> Table:
        """The pages by source, as ssg.build.records has them."""
        return self.last.pages if self.stands else Table({page.source: of_page(page) for page in self.site.pages})

    @cached_property
    def as_of(self) -> dt.datetime:
        if self.stands:
            newest = self.last.published[0]
            return self.situation.clock or (dt.datetime.fromisoformat(newest) if newest else NO_DATE)
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
        situation, content = self.situation, self._content
        settings = situation.request.site.settings
        assets = content_assets(settings, situation.sources, content.pages) + static_assets(settings, situation.sources)
        site = Site(situation.request.site.root, settings, content.pages, (), assets, content.as_of)
        return replace(site, tags=tags_of(settings, site.posts_by_language, self.languages))

    @property
    def may_redirect_elsewhere(self) -> bool:
        """Whether rules of redirects may be others than in the last build."""
        rules = f"{self.situation.request.site.settings.build.static}/{REDIRECTS}"
        return self.last.scope != self.situation.scope or rules in self.intake.changed_files

    def changed_pages(self, images: frozenset[str]) -> frozenset[str] | None:
        """The pages of which a fact may be another one now, with the `images` that changed; None: all."""
        changed = self.intake.changed | images
        if self.stands:
            return changed
        if self.last.scope != self.situation.scope:
            return None
        now, before = self.plain_pages, self.last.pages
        fronts = since(self.intake.manuscripts.table(now), self.last.manuscripts)
        return changed | since(now, before).keys() | (before.keys() - now.keys()) | fronts.keys()

    @cached_property
    def counts(self) -> tuple[Mapping[str, int], int]:
        """How many pages there are in each language, and how many of all are posts."""
        if self.stands:
            return self.last.counts
        of_language = Counter(page.language for page in self.site.pages)
        posts = sum(page.kind is Kind.POST for page in self.site.pages)
        return MappingProxyType({tag: of_language[tag] for tag in self.languages}), posts

    @property
    def left_out(self) -> Mapping[str, str]:
        """Why a source that a link may name is not on the site."""
        return (
            dict.fromkeys(self.situation.sources.left_out, "not tracked by git")
            | dict.fromkeys(self.situation.sources.leftovers, LEFTOVER)
            | dict.fromkeys(self.drafts, "a draft")
            | dict.fromkeys(self.scheduled, "dated after this commit")
        )

    @cached_property
    def doubts(self) -> Doubts:
        """What can't be told of the site, since something is at fault that says it."""
        heads = {source: self._head(source) for source in (*self._unsure, *self.intake.unread)}
        prefixes = (FOLDER,) if self.findings.is_at_fault(THEME) else ()
        files = self.situation.sources
        return Doubts(self.intake.unread, self._unsure, tuple(heads.values()), files.stamps, prefixes, files.refuses)

    def _head(self, source: str) -> str:
        """What a page may be called by: its name, and what stands above its body."""
        try:
            data = given.read(self.situation.sources.root / source, given.TEXT)
        except OSError:
            data = b""
        line = self.intake.manuscripts[source].body_line if source not in self.intake.unread else _HEAD
        return " ".join([source, *data.decode("utf-8", "replace").split("\n")[:line]]).casefold()

    @cached_property
    def _unsure(self) -> frozenset[str]:
        """The pages that may have another path than it seems."""
        if not self.stands:
            _ = self._content
        return frozenset(self._faulty)

    @cached_property
    def _faulty(self) -> set[str]:
        return {source for source in self.intake.problems if source in self.intake.manuscripts} - self.intake.unread

    @cached_property
    def absences(self) -> Absences:
        """Why what is named somewhere is not on the site."""
        return Absences(self.situation.sources, self.drafts, self.due)

    @property
    def due(self) -> Mapping[str, dt.datetime]:
        """When each of the scheduled pages is due, the next one first."""
        zone = self._zone
        found = ((moment(self.intake.manuscripts[one].front_matter.date, zone), one) for one in self.scheduled)
        return MappingProxyType({source: when for when, source in sorted((when, one) for when, one in found if when)})

    @cached_property
    def _zone(self) -> dt.tzinfo:
        site = self.situation.request.site
        zone: dt.tzinfo = dt.UTC
        with self.findings.collecting(NAME):
            zone = timezone(site.settings.site.timezone, site.place("site", "timezone"))
        return zone  # noqa: RET504 - where it is none, UTC

    @cached_property
    def _content(self) -> Content:
        request = self.situation.request

        def clock(dates: Iterable[dt.datetime]) -> dt.datetime:
            return self.situation.clock or max(dates, default=NO_DATE)

        return read_content(
            request.site.settings,
            self.situation.sources,
            self.intake.heads(),
            self.languages,
            self._zone,
            clock,
            request.options,
            self.findings,
            self._faulty,
        )

    def _same_are_published(self) -> bool:
        newest, following = (dt.datetime.fromisoformat(one) if one else None for one in self.last.published)
        clock = self.situation.clock
        if self.situation.request.options.future:
            return True
        if clock is None:
            return following is None
        return (newest is None or newest <= clock) and (following is None or clock < following)


def desk_of(situation: Situation, store: Store, last: LastBuild, findings: Findings) -> tuple[themes.Theme, Desk]:
    """The theme, and where manuscripts are read with it. Raises Problem (exit 3) for a language that there isn't."""
    site = situation.request.site
    tags = site.settings.site.languages
    languages = {tag: language(tag, site.place("site", "languages", number)) for number, tag in enumerate(tags)}
    sources = situation.sources
    is_submodule = partial(absence.is_submodule, sources)
    theme = themes.load(site.root, site.settings, site.document, sources.files, findings, is_submodule)
    options = {tag: _markdown_options(site, theme, tag) for tag in languages}
    drafts = situation.request.options.drafts
    return theme, Desk(site.root, site.settings, languages, options, store, tools.of_tree(), drafts, last.manuscripts)


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


def clashes(jobs: Iterable[Job], doubts: Doubts) -> list[Problem]:
    """Where two files want one path, or one is a folder of another."""
    problems: list[Problem] = []
    found: dict[str, Job] = {}
    for job in jobs:
        if job.subject in doubts.unsure:
            continue
        other = found.setdefault(job.path, job)
        if other is not job:
            problems.append(_clash(job, other, f'both become "{job.path}"'))
    problems += [
        _clash(job, found[folder], f'"{folder}" would be a file and a folder')
        for path, job in found.items()
        for folder in folders(path)
        if folder in found
    ]
    return problems


def _clash(one: Job, other: Job, why: str) -> Problem:
    return Problem(
        f'"{one.origin}" and "{other.origin}": {why}',
        place=Place(one.origin) if "/" in one.origin else None,
        hint="give one of them another slug or name",
    )


def astray(jobs: Sequence[Job], keep: Sequence[str]) -> Iterator[Problem]:
    """What a bake of the tree would leave out or refuse: a page whose path is one of an editor's copies, say."""
    for job in jobs:
        if too_long := _too_long(job.path):
            hint = "shorten its slug or name, the tag, or the pattern in [permalinks]"
            yield Problem(f"its path has {too_long}", place=Place(job.origin), hint=hint)
    if not strays.may_stray([job.path for job in jobs]):
        return
    for job in jobs:
        is_odd = job.make is not Make.COPY and (strays.stray_at(job.path, keep) or unfit(job.path))
        if is_odd and not _too_long(job.path):
            yield Problem(
                f'the path "{job.path}" is one that no site publishes: it looks hidden, left over or secret',
                place=Place(job.origin),
                hint="give it another slug or permalink",
            )


def shape_of(structure: Structure, jobs: Mapping[str, Job]) -> str:
    """A digest of all that links can lead to."""
    site = structure.site
    pages = [(page.source, page.path, page.language, page.key) for page in site.pages]
    found = (pages, sorted(site.asset_paths.items()), sorted(jobs), sorted(structure.left_out.items()))
    return hashlib.blake2b(repr(found).encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


def inputs_of(structure: Structure, theme: themes.Theme) -> dict[str, str]:
    """The sha256 of every file that the tree was made from."""
    own = {file: sha256 for file, (_, sha256) in structure.intake.sources.items()}
    theirs = {file.shown: file.path for file in (*theme.templates.values(), *theme.static.values())}
    found = own | {shown: sha256_of(path) for shown, path in theirs.items() if shown not in own}
    return dict(sorted(found.items()))


def _too_long(path: str) -> str:
    """What is longer than a file system or an engine takes it, in bytes; "" where nothing is."""
    if len(path) <= NAME_LIMIT // 4:  # characters, of at most four bytes
        return ""
    longest = max(path.split("/"), key=lambda name: len(name.encode()))
    if (size := len(longest.encode())) > NAME_LIMIT:
        return f'a part of {size} bytes, and a file\'s name holds {NAME_LIMIT}: "{longest}"'
    size = len(path.encode())
    return f"{size} bytes, and at most {PATH_LIMIT} can be unpacked" if size > PATH_LIMIT else ""


def check_links(
    structure: Structure, scene: Scene, bodies: KeptBodies, pages: Iterable[Page], outputs: Collection[str]
) -> tuple[dict[str, tuple[str, ...]], list[tuple[str, str]]]:
    """Looks at the bodies of `pages`: their faults and warnings, and whether their links lead to one of the `outputs`.

    Gives, for each page, the sources of those pages whose anchors it links to; and the links that lead nowhere, each
    as a page's source and what it names there.
    """
    site = structure.situation.request.site
    manuscripts = structure.intake.manuscripts

    def place(page: Page, link: Link) -> Place:
        return in_body(page, lines_of(site.root, page), link)

    def ids(source: str) -> frozenset[str]:
        return bodies.converted(structure.pages[source]).ids

    pages = tuple(pages)
    checker = Checker(scene, site.settings.build.content, ids, outputs, place, structure.doubts)
    findings = structure.findings
    for page in pages:
        of_page = manuscripts[page.source]
        found = [(one, False) for one in of_page.faults] + [(one, True) for one in of_page.warnings]
        lines = lines_of(site.root, page) if found else []
        findings.tell(page.source, [one.problem(in_body(page, lines, one), is_warning=warns) for one, warns in found])
    links = [(page, link) for page in pages for link in manuscripts[page.source].links]
    dead: list[tuple[str, str]] = []
    for page, link in links:
        if problem := checker.sources(page, link) or checker.paths(page, link):
            findings.tell(page.source, [problem])
            dead.append((page.source, link.target))
        else:
            findings.tell(page.source)
    anchored: dict[str, set[str]] = {}
    for page, link in links:
        if target := checker.anchored(page, link):
            anchored.setdefault(page.source, set()).add(target)
    return {source: tuple(sorted(targets)) for source, targets in anchored.items()}, dead
