"""A build that stays in memory: after an edit it makes what is looked at first, and the rest when there is time.

    turn    what changed is prepared as for any build (ssg.build.prepare), the files that are wanted `first` are made
    make    one of the files that are left
    rest    all of them, one after the other, until something else is to be done

Nothing is written into the output folder: what is made lies over it in memory (ssg.build.overlay), with the same bytes
that `ssg build` would put there. A fault is a value. What is wrong with one page keeps no other from being made: of
that page all stays as it was. What is wrong with the site as a whole leaves everything as it was.

All of it belongs to one thread; others read a Snapshot. No process is forked.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from sealpress.commands.console import SILENT
from sealpress.config import output_folder, sitefile
from sealpress.files import scratch
from sealpress.frozen import frozen
from sealpress.problems import Problem
from ssg.build.build import believed
from ssg.build.inputs import Inputs, Request, inputs_of, named
from ssg.build.overlay import Overlay, Snapshot
from ssg.build.prepare import Prepared, Residence, prepare
from ssg.build.render import SharedRendering, Staged, once
from ssg.build.stale import TOUCHED, KnownFiles, Stale
from ssg.build.survey import Survey
from ssg.build.timing import Timings
from ssg.build.work import Work
from ssg.cache import stamps
from ssg.cache.last_build import UNSEEN, LastBuild, Memory, stamp_of, without_collector
from ssg.cache.store import Store
from ssg.checks.addresses import SHEETS
from ssg.content.findings import IMAGES
from ssg.content.sources import Options
from ssg.rendering.output_kind import OutputFile
from ssg.rendering.plan import Renderer
from ssg.rendering.theme.limits import TOO_MUCH


class Interrupted(Exception):  # noqa: N818 - it is no error
    """Something else is to be done. All is as it was before the turn; the next one looks at the same paths, too."""


@frozen
class Turn:
    """What a turn has changed so far. `changed` are files with other bytes than before it, `gone` those that the site
    no longer has; `left` are still to be made.

    `problems` are what is wrong; `is_whole` where that is the site as a whole, of which all stays as it was.
    """

    changed: tuple[str, ...] = ()
    gone: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    is_whole: bool = False


def never() -> bool:
    """Nothing else is to be done."""
    return False


_FEW = 8  # files that are made before it is kept in mind how


@dataclass
class Engine:
    """Of the site and the output folder that a Request names: see `Engine.opened`."""

    request: Request
    store: Store
    overlay: Overlay
    last: LastBuild
    scratch: Path
    touched: set[str] = field(default_factory=set)  # what the output folder doesn't hold as the last build left it
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    _wanted: frozenset[str] | None = None  # paths to look at; None: everything
    _files: Mapping[str, OutputFile] = field(default_factory=dict)
    _left: dict[str, Stale] = field(default_factory=dict)
    _failed: dict[str, Problem] = field(default_factory=dict)  # of these, what can't be made
    _before: Prepared | None = None  # the last turn
    _past: Prepared | None = None  # the one before it, which takes its time to be taken apart
    _work: Work | None = None  # its files, as long as it is not settled what the next one should know
    _seen: dict[str, Staged] = field(default_factory=dict)  # made, and not surveyed
    _everywhere: bool = False
    _again: frozenset[str] = frozenset()
    _aside: dict[str, Problem] = field(default_factory=dict)  # pages that can't be arranged, as they are
    _cut: Callable[[], bool] = never

    @classmethod
    @contextmanager
    def opened(cls, request: Request) -> Iterator["Engine"]:
        """An engine that begins where the last build into the output folder left off, if there was one.

        What the Request says of workers, of placing files and of profiles is not for it. Raises Problem (exit 9).
        """
        with scratch.folder("engine") as folder:
            request = replace(believed(request, SILENT), workers=1, profile=False)
            output = output_folder.found(request.output, request.site.root, request.site.settings)
            memory = Memory.of(request.store, output) if request.store else None
            last = (memory.recall(memory.tree()) if memory else None) or LastBuild()
            touched = {path for path, file in last.files.items() if stamps.stamp(output / path) != stamp_of(file)}
            standing = {path: file for path, file in last.files.items() if path not in touched}
            yield cls(request, Store(request.store or folder), Overlay(output, standing), last, folder, touched)

    def turn(
        self,
        paths: Collection[str] | None = None,
        first: Iterable[str] = (),
        cut: Callable[[], bool] = never,
        shown: Callable[[Turn], None] = lambda _: None,
    ) -> Turn:
        """Looks at what changed. `paths` are those that somebody saw change, relative to the site's folder, files and
        folders alike; None: at everything. Of the files that have to be made, those that are wanted `first` are: they
        are `shown`, if it takes longer to tell what else has to be made, before that is told.

        Raises Interrupted where `cut` tells that something else is to be done.
        """
        self._wanted = None if paths is None or self._wanted is None else self._wanted | frozenset(paths)
        with without_collector():
            self._settle()
            self._cut = cut
            try:
                prepared = self._prepared(self._looked())
            except Problem as problem:
                self.problems = problem.each
                return Turn(left=self.left, problems=self.problems, is_whole=True)
            finally:
                self._cut = never  # what somebody waits for is made
            gone, work = self._take(prepared)
            wanted = tuple(dict.fromkeys(first))
            ahead = self._ahead(work, wanted) if _may_reach_pages(prepared.inputs) else {}
            new = tuple(path for path, done in ahead.items() if done.content and done.content.is_new)
            if new or gone:
                shown(Turn(new, gone, problems=self.problems))
            self._spread(work, ahead)
            changed = tuple(path for path in wanted if path in new or (path not in ahead and self.make(path)))
        return Turn(changed, gone, self.left, self.problems)

    def ask(self, options: Options, as_of: dt.datetime | None) -> None:
        """From the next turn on for other drafts, or as of another moment."""
        if (options, as_of) != (self.request.options, self.request.as_of):
            self.request = replace(self.request, options=options, as_of=as_of)
            self._wanted = None

    def make(self, path: str) -> bool:
        """Makes a file that is left, or is no more in the output folder as a build left it; whether its bytes changed.

        Where that fails, it is among the `problems`, and the file stays as it was.
        """
        if path not in self._files or path in self._failed:
            return False
        if path not in self._left:
            if self._read(path) is not None:
                return False
            self.touched.add(path)
            self.overlay.standing.pop(path, None)
            self._left[path] = Stale(self._files[path], (TOUCHED,))
        if self._work is None and self.turn(()).is_whole:
            return False
        assert self._work is not None  # noqa: S101 - the turn began it
        stale = self._left.get(path)
        return stale is not None and self._made(self._work, stale)

    def rest(self, cut: Callable[[], bool] = never) -> Iterator[str]:
        """Makes what is left, and gives the paths of the files with other bytes than before, until `cut`."""
        self._past = None
        for path in list(self._left) if self._work else ():
            if self._work and (self._work.last is None or len(self._work.new) >= _FEW):
                self._work.remember()
            if cut():
                return
            with self._until(cut):
                if self.make(path):
                    yield path
            if path in self._failed and self._failed[path].message.startswith(TOO_MUCH):
                return  # which would take as long for each file of that template
        if self._work and not cut():
            with self._until(cut), without_collector():
                self._survey(self._work)
                self._cut = never
                self._settle()
                self.last, files = self.last.compact(), self.last.files
                self.last.files = files

    @contextmanager
    def _until(self, cut: Callable[[], bool]) -> Iterator[None]:
        self._cut = cut
        with suppress(Interrupted):
            yield
        self._cut = never

    @property
    def left(self) -> frozenset[str]:
        """The files that are still to be made, without those that can't be."""
        return frozenset(self._left.keys() - self._failed.keys())

    @property
    def prepared(self) -> Prepared | None:
        """What files are made of since the last turn that came to its end."""
        return self._before

    @property
    def snapshot(self) -> Snapshot:
        """For other threads."""
        overlay = self.overlay
        made, standing = MappingProxyType(dict(overlay.made)), MappingProxyType(dict(overlay.standing))
        left = frozenset(self._left if not self._work or self._work.is_spread else self._files)
        return Snapshot(overlay.root, self._files, made, standing, left, self.problems, self.warnings)

    def _looked(self) -> Inputs:
        """Raises Problem or Problems (exit 3)."""
        before = self._before.inputs if self._before else None
        if before and self._wanted is not None and (found := named(before, self._wanted, self.store.folder)):
            return found
        site = self.request.site
        found_site = sitefile.load(site.root / site.name, site.name, is_tolerant=True)
        site = site if found_site == site else found_site
        found = inputs_of(replace(self.request, site=site))
        if not found.sources.has_cache or not self.request.store:
            return found
        # What stands there is committed, and anybody's: as ssg.build.build has it.
        self.request, self.store, self.last = replace(self.request, store=None), Store(self.scratch), LastBuild()
        self.overlay.standing.clear()
        return inputs_of(replace(self.request, site=site))

    def _prepared(self, inputs: Inputs) -> Prepared:
        """Raises Problem or Problems (exit 3) where the site as a whole is at fault."""
        before = self._before if self._before and inputs.have_theme_of(self._before.inputs) else None
        looked = self._aside if inputs.looked is None else inputs.looked
        aside, self._aside = self._aside if self._aside.keys().isdisjoint(looked) else {}, {}
        is_guess = bool(aside)
        while True:
            turn = Residence(before, self._again, aside, self._pause)
            found = prepare(inputs, self.last, self.store, Timings(), SILENT, turn)
            if is_guess and not found.structure.stands:  # another page may have mended them
                aside, is_guess = {}, False
                continue
            pages = frozenset(found.reading.pages)
            problems = found.findings.faults_of(found.findings.at_fault - pages - {IMAGES})
            guilty = {one.place.file: one for one in problems if one.place and one.place.file in pages}
            if not problems:
                self._aside = aside
                return found
            if guilty.keys() <= aside.keys() or any(not one.place or one.place.file not in pages for one in problems):
                found.findings.check()
            aside |= {source: guilty[source] for source in guilty.keys() - aside.keys()}

    def _pause(self) -> None:
        if self._cut():
            raise Interrupted

    def _take(self, prepared: Prepared) -> tuple[frozenset[str], Work]:
        """From now on files are made of this, and all are taken for stale until `_spread`. Gives the paths of those
        that the site no longer has.
        """
        self._wanted = frozenset()
        self.request = prepared.inputs.request
        gone: frozenset[str] = frozenset()
        if not self._files or not isinstance(prepared.files, KnownFiles):  # or all are those of the turn before
            gone = frozenset(self._files.keys() - prepared.files.keys())
            self._files = prepared.files
        self._failed = {}
        self.overlay.forget(gone)
        self._before, self._past = prepared, self._before
        self._work = work = Work(
            prepared,
            SharedRendering(
                prepared.inputs.request.site.root,
                self.overlay,
                Renderer(prepared.queries),
                None,
                prepared.known,
                1,
                prepared.reach,
            ),
        )
        self._tell(prepared)
        return gone, work

    def _ahead(self, work: Work, wanted: Iterable[str]) -> dict[str, Staged]:
        """Files that are wanted, made before it is known whether they have to be: what was asked for them is learned
        after that, or nobody would see that it has another answer.
        """
        files = (self._files[path] for path in wanted if path in self._files)
        done = {one.path: work.rendering.one(Stale(one, ()), learns=False) for one in files if not one.kind.is_copy}
        return {path: one for path, one in done.items() if one.content}

    def _spread(self, work: Work, ahead: Mapping[str, Staged]) -> None:
        """Finds what has to be made anew. What was made `ahead` is done."""
        prepared, files = work.prepared, self._files
        new = {one.file.path: one for one in prepared.stale(self.touched.difference(self._left))}
        old = self._left
        if files is prepared.files:
            old = {path: Stale(files[path], one.because) for path, one in old.items() if path in files}
        for path in [path for path in old.keys() & new.keys() if old[path].because != new[path].because]:
            new[path] = Stale(new[path].file, tuple(dict.fromkeys((*new[path].because, *old[path].because))))
        self._left = new | old | new  # the new ones first
        self._seen = {path: seen for path, seen in self._seen.items() if path in files}
        self._everywhere = self._everywhere or prepared.has_lost_files
        work.is_spread = True
        prepared.known.learn(prepared.queries.learned())
        for path, done in ahead.items():
            if stale := self._left.get(path):
                self._keep(work, stale, done)

    def _made(self, work: Work, stale: Stale) -> bool:
        path = stale.file.path
        done = work.rendering.one(stale)
        if done.problem or not done.content:
            if done.problem:
                self._failed[path] = done.problem
                self._tell(work.prepared)
            return False
        self._keep(work, stale, done)
        return done.content.is_new

    def _keep(self, work: Work, stale: Stale, done: Staged) -> None:
        work.keep(stale, done)
        del self._left[stale.file.path]
        self.touched.discard(stale.file.path)

    def _tell(self, prepared: Prepared) -> None:
        """What is known by now of what is wrong."""
        self.problems = (*prepared.findings.faults, *once(self._failed.values()))
        self.warnings = prepared.findings.warnings

    def _survey(self, work: Work) -> None:
        """Looks where addresses in all that was made lead to. Raises Interrupted."""
        prepared = work.prepared
        survey = Survey(prepared, self._standing)
        seen = self._seen | work.done
        for path in self._seen.keys() - work.done.keys():  # as it was seen when there were other files
            content = self._standing(path)
            looked = prepared.reach.look(path, content) if content is not None else None
            seen[path] = replace(seen[path], looked=looked)
        done = [replace(one, number=number) for number, one in enumerate(seen.values())]
        stale = [Stale(prepared.files[path], ()) for path in seen]
        survey.tell(stale, done, everywhere=self._everywhere)
        self._tell(prepared)
        is_fine = prepared.findings.at_fault <= frozenset(prepared.reading.pages)
        self._seen = {} if is_fine else seen
        work.is_surveyed = is_fine
        self._everywhere = self._everywhere and not is_fine

    def _standing(self, path: str) -> bytes | None:
        self._pause()
        return self._read(path)

    def _read(self, path: str) -> bytes | None:
        """As a snapshot reads, which takes its time to be made."""
        return Snapshot(self.overlay.root, self._files, self.overlay.made, self.overlay.standing).read(path)

    def _settle(self) -> None:
        """What the next turn should know of this one."""
        if not self._work:
            return
        work, self._work = self._work, None
        work.rendering.renderer.close()
        prepared, last = work.prepared, work.prepared.last
        if not work.is_surveyed:
            self._seen |= work.done
            made = work.done.keys()
            warned = prepared.findings.last
            prepared.findings.keep(path for path in warned if path in prepared.files and path not in made)
        last = work.remember()
        last.warnings = {subject: found for subject, found in prepared.findings.plain().items() if found}
        pages = frozenset(prepared.reading.pages)
        self._again = prepared.findings.at_fault & pages
        for one in prepared.findings.faults:  # of an image, say: it is looked at again
            if one.place and one.place.file in last.sources and one.place.file not in pages:
                last.sources[one.place.file] = UNSEEN
        self.last = last


def _may_reach_pages(inputs: Inputs) -> bool:
    """Whether what was looked at is more than style sheets, which no page holds."""
    return inputs.looked is None or not all(path.endswith(SHEETS) for path in inputs.looked)
