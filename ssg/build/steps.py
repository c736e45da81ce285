"""One build from sources to tree: what changed is prepared, made anew, put in place, and remembered.

prepare   what there is to make (ssg.build.prepare)
render    the files that are not what they would be now, on all cores, each onto the stage
place     all of them into the output folder, what is stale out of it
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from sealpress.commands.console import Progress
from sealpress.files import files
from sealpress.frozen import frozen
from sealpress.tree.tree import cache_class, digest_of, media_type
from ssg.build import stale as staleness
from ssg.build.inputs import Inputs
from ssg.build.prepare import Prepared, codes_of, prepare
from ssg.build.records import ROWS
from ssg.build.render import SharedRendering, Staged
from ssg.build.result import Built, Finished
from ssg.build.reuse import ReusableFiles
from ssg.build.stale import Stale
from ssg.build.structure import input_digests
from ssg.build.survey import Survey
from ssg.build.timing import Timings
from ssg.cache import stamps
from ssg.cache.answers import KnownAnswers
from ssg.cache.codec import at
from ssg.cache.last_build import KeptAsset, KeptFile, KeptOutput, LastBuild, stamp_of
from ssg.cache.settings import stated
from ssg.cache.store import Store
from ssg.cache.tracing import Scope, scope_of
from ssg.output.stage import Stage, refusals
from ssg.rendering.output_kind import OutputFile
from ssg.rendering.plan import Renderer
from ssg.rendering.queries.site_queries import SiteQueries
from ssg.rendering.theme.stopwatch import Stopwatch

_described = at(KeptFile, "sha256", "size", "media_type", "cache")
_MUCH: Final = 0.25  # of the tree: what was rendered before is looked for


@frozen
class Placed:
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
    prepared = prepare(inputs, last, store, timings, progress)
    return _Steps(prepared, stage, store, timings, progress).run()


def remembered(
    prepared: Prepared, survey: Survey, stale: Sequence[Stale], done: Sequence[Staged], placed: Placed
) -> LastBuild:
    """What the next build should know, once these `stale` files are `done` and placed."""
    last, inputs, reading, structure = prepared.last, prepared.inputs, prepared.reading, prepared.structure
    known = prepared.known
    sources = {file: reading.sources[file] for file in inputs.sources.stamps}
    return LastBuild(
        id=last.id,
        world=inputs.world,
        rows=ROWS,
        scope=inputs.scope,
        conversion=prepared.conversion,
        sources=sources,
        parsed_pages=reading.parsed_pages.table(reading.pages),
        pages=structure.plain_pages,
        published=structure.published,
        left_out=(structure.drafts, structure.scheduled),
        anchored=prepared.links.anchored,
        brought=prepared.links.brought,
        aims=survey.aims(stale, done),
        shape=prepared.shape(),
        theme_key=prepared.theme_key,
        kinds=codes_of(prepared.kinds),
        theme_files=tuple(
            tuple(KeptAsset(file.name, file.path, file.origin)) for file in prepared.queries.assets.files
        ),
        questions=known.table(),
        count=known.count,
        parts=last.parts + tuple(key for key in known.added if scope_of(SiteQueries, key) is Scope.PART),
        outputs=placed.outputs,
        traces=placed.traces,
        counts=(dict(structure.counts[0]), structure.counts[1]),
        settings=stated(inputs.request.site),
        used=last.used,
        images={source: found for source, found in prepared.gallery.seen.items() if source in sources},
        warnings=prepared.findings.plain(),
    )


@dataclass
class _Steps:
    prepared: Prepared
    stage: Stage
    store: Store
    timings: Timings
    progress: Progress

    def run(self) -> Finished:
        prepared, findings = self.prepared, self.prepared.findings
        with self.timings.phase("checking links"):
            is_ahead = bool(findings.faults)
            survey = Survey(prepared, self._standing, is_ahead)
            if is_ahead:
                survey.look_ahead(prepared.inputs.request.workers, self.progress)
        with self.timings.phase("comparing answers"):
            found, left = self.stage.found, prepared.last.files
            touched = {path for path, file in left.items() if found.get(path) != stamp_of(file)}
            stale = survey.wanted(prepared.stale(touched))
            if not is_ahead and (stay := self.stage.parted(prepared.files.keys())[1]):
                shown = ", ".join(stay[:3]) + (", …" if len(stay) > 3 else "")
                self.progress.note(
                    f"no build wrote {shown} in {self.stage.root}: this stays, and is no part of the site"
                )
        with self.timings.phase("rendering"):
            done = self._render(stale, is_ahead=is_ahead)
            survey.tell(stale, done, everywhere=prepared.has_lost_files)
            findings.check()
        with self.timings.phase("placing files"):
            placed = self._place(prepared.files, stale, done, prepared.known)
        with self.timings.phase("describing the tree"):
            built = self._built(placed, made=len(stale) - placed.kept)
        build = remembered(prepared, survey, stale, done, placed)
        with self.timings.phase("remembering"):
            changes = prepared.last.changed_to(build)
            encoded = sum(one.file.kind.is_heavy for one in stale)
            converted = len(prepared.reading.changed) + encoded
            return Finished(built, build if changes else build.compact(), changes, converted)

    def _standing(self, path: str) -> bytes | None:
        """What stands in the output folder since an earlier build."""
        with suppress(OSError), files.opened(self.stage.root / path) as file:
            return file.read()
        return None

    def _render(self, stale: Sequence[Stale], *, is_ahead: bool) -> list[Staged]:
        prepared, request = self.prepared, self.prepared.inputs.request
        stopwatch = Stopwatch() if request.profile else None
        versions = tuple(f"{name} {version}" for name, version in sorted(prepared.converter.tools.items()))
        queries, known = prepared.queries, prepared.known
        keeps = request.store and not is_ahead
        staging = SharedRendering(
            request.site.root,
            None if is_ahead else self.stage,
            Renderer(queries, stopwatch),
            ReusableFiles(self.store, queries, prepared.last, known, versions) if keeps else None,
            known,
            request.workers,
            prepared.reach,
            stopwatch,
        )
        much = len(stale) > _MUCH * len(prepared.files)
        return staging.make(stale, much=much, timings=self.timings, progress=self.progress)

    def _place(
        self, wanted: Mapping[str, OutputFile], stale: Sequence[Stale], done: Sequence[Staged], known: KnownAnswers
    ) -> Placed:
        """Puts what is on the stage in its place."""
        with refusals(self.stage.root):
            contents = {
                one.file.path: result.content for one, result in zip(stale, done, strict=True) if result.content
            }
            self.stage.commit(wanted.keys(), contents, self.prepared.last.files)
            outputs: dict[str, tuple[Any, ...]] = {}
            files: dict[str, tuple[Any, ...]] = {}
            traces: dict[str, bytes] = {}
            written = sum(one.content.is_new for one in done if one.content)
            kept = sum(one.kept for one in done)
            for one, result in zip(stale, done, strict=True):
                file, content = one.file, result.content
                stamp = stamps.stamp(f"{self.stage.root}/{file.path}")
                assert stamp is not None  # noqa: S101 - it was put there just now
                assert content is not None  # noqa: S101 - or there was a problem
                outputs[file.path] = tuple(KeptOutput(file.kind.name, file.subject, file.origin, one.because))
                files[file.path] = tuple(
                    KeptFile(content.sha256, content.size, media_type(file.path), cache_class(file.path).value, stamp)
                )
                traces[file.path] = known.asked(result.trace)
                self.timings.page(file.origin, result.seconds)
        last = self.prepared.last
        if isinstance(wanted, staleness.KnownFiles) and not last.elsewhere:
            return Placed(last.outputs | outputs, last.traces | traces, {**last.files, **files}, written, kept)
        # In the order of the jobs, so that the first fault of the next build is the one that a clean build finds.
        return Placed(
            {path: outputs.get(path) or last.outputs[path] for path in wanted},
            {path: traces[path] if path in traces else last.traces[path] for path in wanted},
            {path: files.get(path) or last.files[path] for path in sorted(wanted, key=str.encode)},
            written,
            kept,
        )

    def _built(self, placed: Placed, made: int) -> Built:
        structure, inputs = self.prepared.structure, self.prepared.inputs
        pages, posts = structure.counts
        return Built(
            inputs.request.output,
            files=placed.files,
            digest=digest_of((path, *_described(file)) for path, file in placed.files.items()),
            pages=pages,
            posts=posts,
            drafts=structure.drafts,
            scheduled={source: when.isoformat() for source, when in structure.due.items()},
            untracked=inputs.sources.left_out,
            leftovers=inputs.sources.leftovers,
            as_of=structure.as_of,
            inputs=MappingProxyType(input_digests(structure, self.prepared.theme)),
            made=made,
            written=placed.written,
            kept=placed.kept,
            warnings=structure.findings.warnings,
            timings=self.timings,
        )
