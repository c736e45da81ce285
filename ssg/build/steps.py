"""One build from sources to tree: read what changed, see what that changes, make that anew, and remember it all.

The steps, of which each needs only what the one before it gave:

    read      sources that look different are read and converted, on all cores (ssg.build.read)
    arrange   pages, lists, links: the site's structure, or that of the last build where it stands
    compare   which questions of the last build have another answer now (ssg.build.stale)
    render    the files for which one of these was asked, on all cores, each onto the stage
    place     all of them into the output folder, what is stale out of it
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

from sealpress.commands.console import Progress
from sealpress.config.sitefile import NAME
from sealpress.problems import Problem
from sealpress.tree.tree import cache_class, check_names, digest_of, media_type
from ssg.build import stale as staleness
from ssg.build.check import astray, check_links, clashes, shape_of
from ssg.build.convert import Converter, KeptBodies
from ssg.build.inputs import Inputs
from ssg.build.read import ReadSources, read_sources
from ssg.build.records import ROWS
from ssg.build.render import SharedRendering, Staged
from ssg.build.result import Built, Finished
from ssg.build.reuse import ReusableFiles
from ssg.build.stale import Stale
from ssg.build.structure import Structure, converter_of, input_digests
from ssg.build.survey import Survey
from ssg.build.timing import Timings
from ssg.cache import stamps
from ssg.cache.answers import KnownAnswers
from ssg.cache.codec import at
from ssg.cache.last_build import KeptAsset, KeptFile, KeptOutput, LastBuild
from ssg.cache.settings import stated
from ssg.cache.store import Store
from ssg.cache.tracing import Scope, scope_of
from ssg.checks.addresses import Reach
from ssg.content import passed_over
from ssg.content.data import DataFiles
from ssg.content.findings import IMAGES, PAGES, THEME, TREE, Findings
from ssg.images.gallery import Gallery
from ssg.images.variants import format_of, images_among
from ssg.output.stage import Stage, refusals
from ssg.rendering import assets, menus, plan
from ssg.rendering.output_kind import OutputFile, OutputKind
from ssg.rendering.plan import Renderer
from ssg.rendering.queries.page_queries import Basis
from ssg.rendering.queries.site_queries import SiteQueries
from ssg.rendering.theme import assets as theme_assets
from ssg.rendering.theme import theme as themes
from ssg.rendering.theme.stopwatch import Stopwatch

_described = at(KeptFile, "sha256", "size", "media_type", "cache")
_MUCH: Final = 0.25  # of the tree: what was rendered before is looked for


@dataclass(frozen=True, slots=True)
class _Placed:
    """The tree as it stands: its files, plain, how each is made and what was asked for it. `written` have other bytes
    than before, `kept` were rendered in an earlier build.
    """

    outputs: dict[str, tuple[Any, ...]]
    traces: dict[str, bytes]
    files: dict[str, tuple[Any, ...]]
    written: int
    kept: int


def make(
    inputs: Inputs,
    last: LastBuild,
    stage: Stage,
    store: Store,
    timings: Timings,
    progress: Progress,
) -> Finished:
    """Raises Problem or Problems (exit 3, 9)."""
    if (last.world, last.rows) != (inputs.world, ROWS):
        last = LastBuild(world=last.world and inputs.world)  # with no outputs: ssg.build.stale tells why all are made
    return _Steps(inputs, last, stage, store, timings, progress).run()


@dataclass
class _Steps:
    inputs: Inputs
    last: LastBuild
    stage: Stage
    store: Store
    timings: Timings
    progress: Progress

    @cached_property
    def kinds(self) -> Mapping[str, OutputKind]:
        return plan.kinds(self.inputs.request.kinds)

    @property
    def _codes(self) -> dict[str, str]:
        """The code of each kind of output, by its name."""
        return {name: kind.code for name, kind in self.kinds.items()}

    def run(self) -> Finished:
        findings = Findings(self.last.warnings, self.inputs.request.is_strict)
        with self.timings.phase("reading and converting"):
            theme, converter = converter_of(self.inputs, self.store, self.last, findings)
            conversion = converter.conversion()
            reading = self._take_in(converter, conversion)
            findings.tell(NAME, self.inputs.request.site.problems)
            findings.tell(TREE, self.inputs.sources.problems)
            findings.tell(TREE, self._passed_over(theme, reading))
            for subject, problem in reading.problems.items():
                findings.tell(subject, [problem])
            structure = Structure(self.inputs, converter.languages, reading, self.last, findings)
            if structure.stands:
                findings.keep([PAGES])
            data = self._data(structure)
        bodies = KeptBodies(converter, reading.parsed_pages, reading.excerpts)
        with self.timings.phase("arranging pages and lists"):
            assets = self._assets(theme, findings)
            gallery = self._gallery(reading, converter)
            known = self.last.known()
            queries = self._queries(structure, bodies, theme, assets, gallery, data, known)
            files = self._files(structure, queries)
        with self.timings.phase("checking links"):
            anchored, shape, dead = self._check(structure, queries, bodies, files)
            reach = Reach(self.inputs.request.site, files.keys())
            is_ahead = bool(findings.faults)
            survey = Survey(structure, queries, bodies, files, reach, self.last, self.stage, dead, is_ahead)
            if is_ahead:
                survey.look_ahead(self.inputs.request.workers, self.progress)
        with self.timings.phase("comparing answers"):
            stale = survey.wanted(self._compare(structure, queries, data, files, known))
            if not is_ahead and (stay := self.stage.parted(files.keys())[1]):
                shown = ", ".join(stay[:3]) + (", …" if len(stay) > 3 else "")
                self.progress.note(
                    f"no build wrote {shown} in {self.stage.root}: this stays, and is no part of the site"
                )
        with self.timings.phase("rendering"):
            done = self._render(queries, files, stale, known, reach, converter.tools, is_ahead=is_ahead)
            may_be_dead = self.last.outputs.keys() - files.keys() or structure.may_redirect_elsewhere
            survey.tell(stale, done, everywhere=bool(may_be_dead))
            findings.check()
        with self.timings.phase("placing files"):
            placed = self._place(files, stale, done, known)
        with self.timings.phase("describing the tree"):
            built = self._built(structure, theme, placed, made=len(stale) - placed.kept)
        sources = {file: reading.sources[file] for file in self.inputs.sources.stamps}
        build = LastBuild(
            id=self.last.id,
            world=self.inputs.world,
            rows=ROWS,
            scope=self.inputs.scope,
            conversion=conversion,
            sources=sources,
            parsed_pages=reading.parsed_pages.table(reading.pages),
            pages=structure.plain_pages,
            published=structure.published,
            left_out=(structure.drafts, structure.scheduled),
            anchored=anchored,
            aims=survey.aims(stale, done),
            shape=shape,
            theme_key=theme_assets.key(theme),
            kinds=self._codes,
            theme_files=tuple(tuple(KeptAsset(file.name, file.path, file.origin)) for file in assets.files),
            questions=known.table(),
            count=known.count,
            parts=self.last.parts + tuple(key for key in known.added if scope_of(SiteQueries, key) is Scope.PART),
            outputs=placed.outputs,
            traces=placed.traces,
            counts=(dict(structure.counts[0]), structure.counts[1]),
            settings=stated(self.inputs.request.site),
            used=self.last.used,
            images={source: found for source, found in gallery.seen.items() if source in sources},
            warnings=findings.plain(),
        )
        with self.timings.phase("remembering"):
            changes = self.last.changed_to(build)
            encoded = sum(one.file.kind.is_heavy for one in stale)
            return Finished(built, build if changes else build.compact(), changes, len(reading.changed) + encoded)

    def _take_in(self, converter: Converter, conversion: str) -> ReadSources:
        return read_sources(
            converter,
            self.inputs.sources.stamps,
            self.inputs.began,
            self.last,
            self.inputs.request.workers,
            self.timings,
            self.progress,
            converted_alike=conversion == self.last.conversion,
            same_settings=self.last.scope == self.inputs.scope,
        )

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

    def _assets(self, theme: themes.Theme, findings: Findings) -> theme_assets.Assets:
        """Those of the last build, where the theme's files are the same: made only if one is lost."""
        if theme_assets.key(theme) != self.last.theme_key:
            try:
                return theme_assets.make(theme)
            except Problem as problem:
                findings.tell(THEME, [problem])
                return theme_assets.Assets((), lambda _: b"")
        files = tuple(theme_assets.ThemeAsset(**KeptAsset._make(file)._asdict()) for file in self.last.theme_files)
        return theme_assets.Assets(files, lambda name: theme_assets.make(theme).content(name))

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
        )
        return SiteQueries(basis, known.answer if structure.stands else None)

    def _files(self, structure: Structure, queries: SiteQueries) -> Mapping[str, OutputFile]:
        """All files of the tree by path. Where the structure stands they are those of the last build."""
        if self._same_files(structure, queries):
            structure.findings.keep(filter(format_of, self.last.warnings))
            return staleness.KnownFiles(self.last.outputs, self.kinds)
        findings = structure.findings
        with findings.collecting(IMAGES):
            queries.gallery.learn(assets.images(queries.site), self.inputs.request.workers, self.progress)
        for image in assets.images(queries.site):
            findings.tell(image, queries.gallery.warnings(image))
        files = list(plan.files(queries, self.kinds))
        doubts = structure.doubts
        if [file.path for file in files] != list(self.last.outputs):  # these were looked at
            clashing = clashes(files, doubts)
            findings.tell(TREE, clashing)
            if not clashing:
                with findings.collecting(TREE):
                    check_names([file.path for file in files if file.subject not in doubts.unsure])
            findings.tell(TREE, astray(files, self.inputs.request.site.settings.build.keep))
        findings.tell(TREE, menus.check(queries, frozenset(file.path for file in files), doubts))
        return {file.path: file for file in files}

    def _same_files(self, structure: Structure, queries: SiteQueries) -> bool:
        """Whether the tree has the files that it had: other code may give others, and the theme's own and images have
        other names for other content.
        """
        return (
            structure.stands
            and self._codes == self.last.kinds
            and theme_assets.key(queries.theme) == self.last.theme_key
            and not images_among(structure.reading.changed_files)
        )

    def _check(
        self, structure: Structure, queries: SiteQueries, bodies: KeptBodies, files: Mapping[str, OutputFile]
    ) -> tuple[dict[str, tuple[str, ...]], str, list[tuple[str, str]]]:
        """Looks at the links of pages that changed, and of those that lead into them; of all, where more changed."""
        shape = self.last.shape if self._same_files(structure, queries) else shape_of(structure, files)
        pages = structure.pages
        changed = structure.reading.changed
        anchored = self.last.anchored
        sources: Iterable[str] = pages
        if shape == self.last.shape:
            leading = {source for source, targets in anchored.items() if not changed.isdisjoint(targets)}
            sources = sorted((changed | leading) & pages.keys())
        checked = {source: pages[source] for source in sources}
        found, dead = check_links(structure, queries, bodies, checked.values(), files)
        left = {source: found for source, found in anchored.items() if source in pages and source not in checked}
        structure.findings.keep(subject for subject in self.last.warnings if subject in pages)
        return left | found, shape, dead

    def _compare(
        self,
        structure: Structure,
        queries: SiteQueries,
        data: DataFiles,
        files: Mapping[str, OutputFile],
        known: KnownAnswers,
    ) -> list[Stale]:
        """What has to be made anew. Forgets in `known` what is true no more."""
        sources = structure.changed_pages(images_among(structure.reading.changed_files))
        if sources is not None:
            gone = () if structure.stands else self.last.sources.keys() - self.inputs.sources.stamps.keys()
            sources |= frozenset(filter(data.holds, {*structure.reading.changed_files, *gone}))
        changed = staleness.changed_questions(queries, known, self.last.parts, sources, structure=not structure.stands)
        known.forget(changed)
        hits = known.hits(self.last.traces, changed)
        return list(staleness.stale(files, self.last, hits, self.stage.found, structure.reading.sources))

    def _render(
        self,
        queries: SiteQueries,
        files: Mapping[str, OutputFile],
        stale: Sequence[Stale],
        known: KnownAnswers,
        reach: Reach,
        tools: Mapping[str, str],
        *,
        is_ahead: bool,
    ) -> list[Staged]:
        request = self.inputs.request
        stopwatch = Stopwatch() if request.profile else None
        versions = tuple(f"{name} {version}" for name, version in sorted(tools.items()))
        staging = SharedRendering(
            request.site.root,
            None if is_ahead else self.stage,
            Renderer(queries, stopwatch),
            ReusableFiles(self.store, queries, self.last, known, versions) if request.store and not is_ahead else None,
            known,
            request.workers,
            reach,
            stopwatch,
        )
        much = len(stale) > _MUCH * len(files)
        return staging.make(stale, much=much, timings=self.timings, progress=self.progress)

    def _place(
        self, wanted: Mapping[str, OutputFile], stale: Sequence[Stale], done: Sequence[Staged], known: KnownAnswers
    ) -> _Placed:
        """Puts what is on the stage in its place."""
        with refusals(self.stage.root):
            contents = {
                one.file.path: result.content for one, result in zip(stale, done, strict=True) if result.content
            }
            self.stage.commit(wanted.keys(), contents, self.last.files)
            outputs: dict[str, tuple[Any, ...]] = {}
            files: dict[str, tuple[Any, ...]] = {}
            traces: dict[str, bytes] = {}
            written = sum(one.content.is_new for one in done if one.content)
            kept = sum(one.kept for one in done)
            for one, result in zip(stale, done, strict=True):
                file, content = one.file, result.content
                stamp = stamps.stamp(self.stage.root / file.path)
                assert stamp is not None  # noqa: S101 - it was put there just now
                assert content is not None  # noqa: S101 - or there was a problem
                outputs[file.path] = tuple(KeptOutput(file.kind.name, file.subject, file.origin, one.because))
                files[file.path] = tuple(
                    KeptFile(content.sha256, content.size, media_type(file.path), cache_class(file.path).value, stamp)
                )
                traces[file.path] = known.asked(result.trace)
                self.timings.page(file.origin, result.seconds)
        last = self.last
        if isinstance(wanted, staleness.KnownFiles) and not last.elsewhere:
            return _Placed(last.outputs | outputs, last.traces | traces, {**last.files, **files}, written, kept)
        # In the order of the jobs, so that the first fault of the next build is the one that a clean build finds.
        return _Placed(
            {path: outputs.get(path) or last.outputs[path] for path in wanted},
            {path: traces[path] if path in traces else last.traces[path] for path in wanted},
            {path: files.get(path) or last.files[path] for path in sorted(wanted, key=str.encode)},
            written,
            kept,
        )

    def _built(self, structure: Structure, theme: themes.Theme, placed: _Placed, made: int) -> Built:
        pages, posts = structure.counts
        return Built(
            self.inputs.request.output,
            files=placed.files,
            digest=digest_of((path, *_described(file)) for path, file in placed.files.items()),
            pages=pages,
            posts=posts,
            drafts=structure.drafts,
            scheduled={source: when.isoformat() for source, when in structure.due.items()},
            untracked=self.inputs.sources.left_out,
            leftovers=self.inputs.sources.leftovers,
            as_of=structure.as_of,
            inputs=MappingProxyType(input_digests(structure, theme)),
            made=made,
            written=placed.written,
            kept=placed.kept,
            warnings=structure.findings.warnings,
            timings=self.timings,
        )
