"""Stale files are made and put on the stage: on all cores, each by whoever comes to it, none twice.

What was rendered before with the answers of today is taken from the store (ssg.build.reuse), where much is stale.
"""

import time
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Protocol

from sealpress.commands.console import Progress
from sealpress.files import given
from sealpress.frozen import frozen
from sealpress.problems import Exit, Place, Problem
from sealpress.processes import workers as pool
from ssg.build.reuse import ReusableFiles
from ssg.build.stale import Stale
from ssg.build.timing import Timings
from ssg.cache.answers import KnownAnswers
from ssg.cache.tracing import Answers, Trace
from ssg.checks.addresses import SHEETS, Looked, Reach
from ssg.output.stage import FileDigest, refusals
from ssg.rendering.output_kind import OutputFile
from ssg.rendering.plan import Renderer
from ssg.rendering.theme.limits import TOO_MUCH
from ssg.rendering.theme.stopwatch import Stopwatch


@frozen
class Staged:
    """A file on the stage: its number among the stale ones, what it holds, what was asked for it; or what went wrong.

    `kept`: it was rendered in an earlier build. `looked` is what was seen of addresses in it, if it was.
    `warnings` are those of its rendering.
    """

    number: int
    content: FileDigest | None
    trace: Trace
    seconds: float = 0.0
    kept: bool = False
    problem: Problem | None = None
    looked: Looked | None = None
    warnings: tuple[Problem, ...] = ()


class FileSink(Protocol):
    """Where files are put: onto the stage of an output folder, or in memory."""

    @property
    def root(self) -> Path: ...

    def put(self, path: str, content: bytes | Path) -> FileDigest: ...


@frozen
class SharedRendering:
    """Where files are made. `root` is the site's folder, `known` gets the answers that are new; nothing is kept of what
    is rendered where `rendered` is None. Without a `stage`, files are made to be looked at, and go nowhere.
    """

    root: Path
    stage: FileSink | None
    renderer: Renderer
    rendered: ReusableFiles | None
    known: KnownAnswers
    workers: int
    reach: Reach
    stopwatch: Stopwatch | None = None

    def make(self, stale: Sequence[Stale], *, much: bool, timings: Timings, progress: Progress) -> list[Staged]:
        """All stale files, in their order; `much` where they are a large part of the tree.

        Some may be left out where making one takes too long: then there is a `problem`.
        """
        is_shared = len(stale) >= pool.ALONE
        kept = self.rendered if is_shared else None
        if kept and much:
            kept.prepare()

        def work(part: Sequence[tuple[int, Stale]]) -> tuple[list[Staged], Answers, dict[str, float]]:
            done: list[Staged] = []
            with kept.store.together() if kept else nullcontext():
                for number, one in part:
                    done.append(self._made(number, one, kept, look=much))
                    if (problem := done[-1].problem) and problem.message.startswith(TOO_MUCH):
                        break  # which would take as long for each file of that template
            return done, self.renderer.queries.learned(), self.stopwatch.taken() if self.stopwatch else {}

        done: list[Staged] = []
        # The longest work first: what is begun last is waited for by all.
        numbered = sorted(enumerate(stale), key=lambda one: -one[1].file.kind.weight)
        alone = 2 if any(one.file.kind.is_heavy for one in stale) else None
        refusing = refusals(self.stage.root) if self.stage else nullcontext()
        with refusing, progress.track("Rendering pages", len(stale)) as advance:
            for part, (finished, learned, seconds) in pool.shared(work, numbered, self.workers, alone):
                done += finished
                self.known.learn(learned)
                for name, taken in seconds.items():
                    timings.template(name, taken)
                advance(len(part))
        self.known.learn(self.renderer.queries.learned())
        return sorted(done, key=lambda one: one.number)

    def one(self, stale: Stale, *, learns: bool = True) -> Staged:
        """One file, by itself, in this process. Unless it `learns`, answers that are new wait to be learned."""
        try:
            done = self._made(0, stale, None, look=False)
        except OSError as error:
            problem = Problem(f"can't read {error.filename or self.root}: {error.strerror}", code=Exit.MACHINE)
            done = Staged(0, None, frozenset(), problem=problem)
        if learns:
            self.known.learn(self.renderer.queries.learned())
        return done

    def _made(self, number: int, one: Stale, kept: ReusableFiles | None, *, look: bool) -> Staged:
        began = self._clock()
        file = one.file
        try:
            if file.kind.is_copy:
                looked = self._look_at_copy(file)
                return Staged(number, self._put(file, self.root / file.subject), frozenset(), looked=looked)
            found = kept.find(file) if kept and look else None
            content, trace, warnings = (*found, ()) if found else self.renderer.make(file)
            written = self._put(file, content)
            looked = self.reach.look(file.path, content) if file.kind.has_addresses else None
        except Problem as problem:
            return Staged(number, None, frozenset(), problem=problem)
        if kept and written and not found and not warnings:  # or nobody would tell these again
            kept.keep(file, trace, content, written.sha256)
        seconds = self._clock() - began
        return Staged(number, written, trace, seconds, kept=bool(found), looked=looked, warnings=warnings)

    def _put(self, file: OutputFile, content: bytes | Path) -> FileDigest | None:
        return self.stage.put(file.path, content) if self.stage else None

    def _look_at_copy(self, file: OutputFile) -> Looked | None:
        """At a style sheet; what other copies lead to is their author's business."""
        if not file.path.endswith(SHEETS):
            return None
        return self.reach.look(file.path, given.read(self.root / file.subject, given.TEXT))

    def _clock(self) -> float:
        return time.perf_counter() - (self.stopwatch.compiling if self.stopwatch else 0.0)


def once(problems: Iterable[Problem]) -> list[Problem]:
    """A template that many pages use is at fault for each of them, and mended once."""
    found: dict[Place | str, Problem] = {}
    for problem in problems:
        for one in problem.each:
            found.setdefault(one.place or one.message, one)
    return list(found.values())
