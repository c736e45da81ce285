"""What there is to make: what changed is read, arranged and checked, and the answers are compared.

    read      sources that look different are read and converted, on all cores (ssg.build.read)
    arrange   pages, lists, links: the site's structure, or that of the last build where it stands
    check     links of bodies, files that want one path (ssg.build.check)
    compare   which questions of the last build have another answer now (ssg.build.stale)

Nothing is written anywhere but into the store.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial
from typing import Final

from sealpress.commands.console import Progress
from sealpress.config.sitefile import NAME
from sealpress.frozen import frozen
from sealpress.problems import Problem
from sealpress.processes import workers
from sealpress.tree.tree import check_names
from ssg.build import stale as staleness
from ssg.build.check import CheckedLinks, astray, check_links, clashes, shape_of
from ssg.build.convert import Converter, KeptBodies
from ssg.build.inputs import Inputs
from ssg.build.read import ReadSources, read_sources
from ssg.build.records import ROWS
from ssg.build.stale import Stale
from ssg.build.structure import Structure, converter_of
from ssg.build.timing import Timings
from ssg.cache.answers import KnownAnswers
from ssg.cache.codec import at
from ssg.cache.last_build import KeptAsset, LastBuild, sha256_of
from ssg.cache.store import Store
from ssg.checks.addresses import Reach
from ssg.checks.whereabouts import slot_anchors
from ssg.content import passed_over
from ssg.content.data import DataFiles
from ssg.content.findings import IMAGES, PAGES, THEME, TREE, Findings
from ssg.content.links import Doubts
from ssg.content.pages import NOWHERE
from ssg.images.gallery import Gallery
from ssg.images.variants import format_of, images_among
from ssg.output.stage import folders
from ssg.rendering import assets as asset_files
from ssg.rendering import menus, plan
from ssg.rendering.output_kind import OutputFile, OutputKind
from ssg.rendering.queries.excerpts import Excerpt
from ssg.rendering.queries.page_queries import Basis
from ssg.rendering.queries.site_queries import SiteQueries
from ssg.rendering.theme import assets as theme_assets
from ssg.rendering.theme import theme as themes

_served_asset = at(KeptAsset, "name", "path")
_FEW: Final = 64  # new files, up to which these alone are held against the others


@frozen
class Prepared:
    """All that files are made with, and which `files` of the tree there are.

    `shape` gives what LastBuild has; `links` are those of all pages, but the dead ones of those alone that were looked
    at.
    """

    inputs: Inputs
    last: LastBuild
    theme: themes.Theme
    theme_key: str
    converter: Converter
    conversion: str
    reading: ReadSources
    structure: Structure
    bodies: KeptBodies
    data: DataFiles
    gallery: Gallery
    known: KnownAnswers
    queries: SiteQueries
    files: Mapping[str, OutputFile]
    reach: Reach
    findings: Findings
    links: CheckedLinks
    shape: Callable[[], str]
    kinds: Mapping[str, OutputKind]

    def stale(self, touched: Collection[str]) -> list[Stale]:
        """What has to be made anew. Forgets in `known` what is true no more.

        `touched` are files that are not as the last build left them.
        """
        reading, structure, last = self.reading, self.structure, self.last
        sources = structure.changed_pages(images_among(reading.changed_files))
        if sources is not None:
            gone = () if structure.stands else last.sources.keys() - self.inputs.sources.stamps.keys()
            sources |= frozenset(filter(self.data.holds, {*reading.changed_files, *gone}))
        changed = staleness.changed_questions(
            self.queries, self.known, last.parts, sources, structure=not structure.stands
        )
        self.known.forget(changed)
        hits = self.known.hits(last.traces, changed)
        if self.theme_key != last.theme_key:
            touched = {*touched, *self._same_named()}
        return list(staleness.stale(self.files, last, hits, touched, reading))

    def _same_named(self) -> Iterator[str]:
        """The theme's own files that hold something else under the name that they had."""
        assets, known = self.queries.assets, self.last.files
        for file in assets.files:
            if file.path in known:
                content = assets.content(file.name)
                if hashlib.sha256(content).hexdigest() != sha256_of(known[file.path]):
                    yield file.path

    @property
    def has_lost_files(self) -> bool:
        """Whether something is gone that files could lead to which are not made anew."""
        is_known = isinstance(self.files, staleness.KnownFiles)
        is_less = not is_known and bool(self.last.outputs.keys() - self.files.keys())
        return is_less or self.structure.may_redirect_elsewhere


def prepare(
    inputs: Inputs,
    last: LastBuild,
    store: Store,
    timings: Timings,
    progress: Progress,
    turn: "Residence | None" = None,
) -> Prepared:
    """What is wrong so far is told to its `findings`. Raises Problem (exit 3) for a language that there isn't."""
    last = last if (last.world, last.rows) == (inputs.world, ROWS) else LastBuild(world=last.world and inputs.world)
    return _Preparation(inputs, last, store, timings, progress, turn).run()


@frozen
class Residence:
    """What an engine that stays knows besides (ssg.build.engine).

    `before` is a turn whose theme still stands. The pages `again` are looked at whether or not they changed, and those
    `aside` stay as they were (ssg.build.read). `pause` is called now and then, and raises what is to end it all.
    """

    before: Prepared | None = None
    again: frozenset[str] = frozenset()
    aside: Mapping[str, Problem] = field(default_factory=dict)
    pause: Callable[[], None] = workers.go_on


def codes_of(kinds: Mapping[str, OutputKind]) -> dict[str, str]:
    """The code of each kind of output, by its name."""
    return {name: kind.code for name, kind in kinds.items()}


@dataclass
class _Preparation:
    inputs: Inputs
    last: LastBuild
    store: Store
    timings: Timings
    progress: Progress
    turn: Residence | None
    findings: Findings = field(init=False)
    before: Prepared | None = field(init=False)

    @cached_property
    def kinds(self) -> Mapping[str, OutputKind]:
        return plan.kinds(self.inputs.request.kinds)

    def run(self) -> Prepared:
        self.before = self.turn.before if self.turn else None
        self.findings = findings = Findings(self.last.warnings, self.inputs.request.is_strict)
        with self.timings.phase("reading and converting"):
            theme, converter = self._theme()
            conversion = self.before.conversion if self.before else converter.conversion()
            reading = self._take_in(converter, conversion)
            findings.tell(NAME, self.inputs.request.site.problems)
            findings.tell(TREE, self.inputs.sources.problems)
            findings.tell(TREE, self._passed_over(theme, reading))
            for subject, problem in reading.problems.items():
                findings.tell(subject, [problem])
            placed = self.turn.before.structure.placed if self.turn and self.turn.before else NOWHERE
            structure = Structure(self.inputs, converter.languages, reading, self.last, findings, placed)
            if structure.stands:
                findings.keep([PAGES])
            data = self._data(structure)
        bodies = KeptBodies(converter, reading.parsed_pages, self._excerpts(reading))
        with self.timings.phase("arranging pages and lists"):
            stable = self.inputs.request.stable
            theme_key = self.before.theme_key if self.before else theme_assets.key(theme, stable=stable)
            assets = self._assets(theme, theme_key)
            gallery = self._gallery(reading, converter)
            known = self.last.known()
            queries = self._queries(structure, bodies, theme, assets, gallery, data, known)
            same_files = self._same_files(structure, assets)
            files = self._files(structure, queries, same=same_files)
        with self.timings.phase("checking links"):
            links, shape = self._check(structure, queries, files, same=same_files)
            reach = self.before.reach if self.before and same_files else Reach(self.inputs.request.site, files.keys())
        return Prepared(
            self.inputs,
            self.last,
            theme,
            theme_key,
            converter,
            conversion,
            reading,
            structure,
            bodies,
            data,
            gallery,
            known,
            queries,
            files,
            reach,
            findings,
            links,
            shape,
            self.kinds,
        )

    def _theme(self) -> tuple[themes.Theme, Converter]:
        if self.before:
            self.findings.keep([THEME])
            theme, converter = self.before.theme, self.before.converter
        else:
            theme, converter = converter_of(self.inputs, self.store, self.findings)
        return theme, replace(converter, pause=self.turn.pause) if self.turn else converter

    def _take_in(self, converter: Converter, conversion: str) -> ReadSources:
        return read_sources(
            converter,
            self.inputs,
            self.last,
            self.inputs.request.workers,
            self.timings,
            self.progress,
            converted_alike=conversion == self.last.conversion,
            same_settings=self.last.scope == self.inputs.scope,
            aside=self.turn.aside if self.turn else None,
        )

    def _excerpts(self, reading: ReadSources) -> dict[str, Excerpt]:
        """Those that the turn before knows: a list's page shows ten, and reads no body for them."""
        known = self.before.bodies.excerpts if self.before else {}
        for source in reading.changed:
            known.pop(source, None)
        known |= reading.excerpts
        return known

    def _passed_over(self, theme: themes.Theme, reading: ReadSources) -> Iterable[Problem]:
        settings, sources = self.inputs.request.site.settings, self.inputs.sources
        return passed_over.warnings(settings, sources, theme.own_templates, reading.wanted_templates)

    def _data(self, structure: Structure) -> DataFiles:
        """The data files: those that changed are looked at whether or not somebody asks for them, so that a fault in
        one is told.
        """
        data = DataFiles(self.inputs.request.site.settings.build.data, self.inputs.sources)
        if not structure.stands:
            with structure.findings.collecting(TREE):
                data.names  # noqa: B018 - which finds their faults
        is_all = self.last.scope != self.inputs.scope  # the folder may be another one
        with structure.findings.collecting(TREE):
            data.check(self.inputs.sources.files if is_all else sorted(structure.reading.changed_files))
        return data

    def _assets(self, theme: themes.Theme, key: str) -> theme_assets.Assets:
        """Those of the last build, where the theme's files are the same: made only if one is lost."""
        if key != self.last.theme_key:
            try:
                return theme_assets.make(theme, stable=self.inputs.request.stable)
            except Problem as problem:
                self.findings.tell(THEME, [problem])
                return theme_assets.Assets((), lambda _: b"")
        files = tuple(theme_assets.ThemeAsset(**KeptAsset._make(file)._asdict()) for file in self.last.theme_files)
        return theme_assets.Assets(files, self._again_made(theme))

    def _again_made(self, theme: themes.Theme) -> Callable[[str], bytes]:
        stable = self.inputs.request.stable  # and not `self`, which holds the turn before, which holds the one before
        return lambda name: theme_assets.make(theme, stable=stable).content(name)

    def _gallery(self, reading: ReadSources, converter: Converter) -> Gallery:
        settings = converter.settings.images
        return Gallery(
            converter.root, settings, self.store, reading.sources, converter.tools["pillow"], dict(self.last.images)
        )

    def _queries(
        self,
        structure: Structure,
        bodies: KeptBodies,
        theme: themes.Theme,
        assets: theme_assets.Assets,
        gallery: Gallery,
        data: DataFiles,
        known: KnownAnswers,
    ) -> SiteQueries:
        basis = Basis(
            settings=self.inputs.request.site.settings,
            pages=structure.pages,
            site=lambda: structure.site,
            bodies=bodies,
            theme=theme,
            assets=assets,
            gallery=gallery,
            as_of=structure.as_of,
            data=data,
            absences=lambda: structure.absences,
            pause=self.turn.pause if self.turn else workers.go_on,
        )
        return SiteQueries(basis, known.answer if structure.stands else None)

    def _files(self, structure: Structure, queries: SiteQueries, *, same: bool) -> Mapping[str, OutputFile]:
        """All files of the tree by path: where they are the `same`, those of the last build."""
        if same:
            structure.findings.keep(filter(format_of, self.last.warnings))
            return staleness.KnownFiles(self.last.outputs, self.kinds)
        findings = structure.findings
        with findings.collecting(IMAGES):
            queries.gallery.learn(asset_files.images(queries.site), self.inputs.request.workers, self.progress)
        for image in asset_files.images(queries.site):
            findings.tell(image, queries.gallery.warnings(image))
        files = list(plan.files(queries, self.kinds))
        found = {file.path: file for file in files}
        doubts = structure.doubts
        if list(found) != list(self.last.outputs) or len(found) < len(files):  # these were looked at
            new = self._not_looked_at(files, found, doubts)
            clashing = clashes(new, doubts)
            findings.tell(TREE, clashing)
            if not clashing:
                with findings.collecting(TREE):
                    check_names([path for path, file in found.items() if file.subject not in doubts.unsure])
            findings.tell(TREE, astray(new, self.inputs.request.site.settings.build.keep))
        findings.tell(TREE, menus.check(queries, found.keys(), doubts))
        return found

    def _not_looked_at(
        self, files: Sequence[OutputFile], found: Mapping[str, OutputFile], doubts: Doubts
    ) -> Sequence[OutputFile]:
        """The files whose paths no build has looked at yet, and what lies above and below them: all, where these are
        many, or where something is at fault that says what there is.
        """
        new = found.keys() - self.last.outputs.keys()
        is_known = self.last.scope == self.inputs.scope and len(found) == len(files) and len(new) <= _FEW
        if not is_known or doubts.unsure or (self.turn and (self.turn.aside or self.turn.again)):
            return files
        above = {folder for path in new for folder in folders(path)}
        below = tuple(f"{path}/" for path in new)
        beside = (new | above) & found.keys() | {path for path in found if path.startswith(below)}
        return [found[path] for path in found if path in beside]

    def _same_files(self, structure: Structure, assets: theme_assets.Assets) -> bool:
        """Whether the tree has the files that it had: other code may give others, and the theme's own and images have
        other names for other content.
        """
        return (
            structure.stands
            and codes_of(self.kinds) == self.last.kinds
            and [(file.name, file.path) for file in assets.files] == list(map(_served_asset, self.last.theme_files))
            and not images_among(structure.reading.changed_files)
        )

    def _check(
        self,
        structure: Structure,
        queries: SiteQueries,
        files: Mapping[str, OutputFile],
        *,
        same: bool,
    ) -> tuple[CheckedLinks, Callable[[], str]]:
        """Looks at the links of pages that changed, and of those that lead into them; of all, where more changed.

        A page changed, too, whose slots bring other anchors than before.
        """
        pages = structure.pages
        shape: Callable[[], str] = cache(partial(shape_of, structure, files))
        # What has other files has another one, and nobody need wait for it.
        is_alike = same or (files.keys() == self.last.outputs.keys() and shape() == self.last.shape)
        if same:
            shape = partial(str, self.last.shape)
        changed = structure.reading.changed
        anchored, brought = self.last.anchored, self.last.brought
        sources: Iterable[str] = pages
        if is_alike:
            others = {one for one, found in brought.items() if one in pages and slot_anchors(queries, one) != found}
            moved = changed | others
            leading = {source for source, targets in anchored.items() if not moved.isdisjoint(targets)}
            again = self.turn.again if self.turn else frozenset()
            sources = sorted((changed | leading | again) & pages.keys())
        checked = {source: pages[source] for source in sources}
        new = check_links(structure, queries, checked.values(), files)
        left = {source: found for source, found in anchored.items() if source in pages and source not in checked}
        aims = {target for targets in left.values() for target in targets} if brought else set()
        still = {source: found for source, found in brought.items() if source in aims}
        structure.findings.keep(subject for subject in self.last.warnings if subject in pages)
        return CheckedLinks(left | new.anchored, still | new.brought, new.dead), shape
