"""Another generator in the place of the engine: `[build] command` runs after each edit, and what it fills is served.

What is served is a copy. A command that fails, and one that is still at work, take nothing away from readers.

An edit is a file with other content, of all that git doesn't ignore but for the output. A file that the command itself
changes each time it runs counts only when it changes at another time: else it would run for ever.
"""

import datetime as dt
import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sealpress.commands import generator
from sealpress.commands.console import SILENT
from sealpress.config import sitefile
from sealpress.config.sitefile import SiteFile
from sealpress.files import files, scratch
from sealpress.git import repository as git
from sealpress.problems import MachineProblem, Problem
from sealpress.tree import tree
from ssg.build.engine import Interrupted, Turn, never
from ssg.build.inputs import Request
from ssg.build.overlay import NOTHING, Snapshot
from ssg.cache import stamps
from ssg.cache.stamps import Stamp
from ssg.content.sources import Options
from ssg.preview.maker import Whole

_OWN: Final = 3  # runs, one after the other, that change a file: then the command is taken for what writes it


@dataclass
class Generated(Whole):
    """`allowed` is the command that may run; another one only where that was said before."""

    request: Request
    allowed: Sequence[str]
    folder: Path
    is_over: Callable[[], bool]
    told: Callable[[str], None]
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    prepared: None = None
    snapshot: Snapshot = NOTHING
    _known: dict[str, tuple[Stamp, str]] = field(default_factory=dict)
    _before: Mapping[str, str] | None = None  # the sources as the last run found them
    _after: Mapping[str, str] = field(default_factory=dict)  # and as it left them
    _written: Counter[str] = field(default_factory=Counter)  # runs in a row that changed a source
    _held: dict[str, str] = field(default_factory=dict)  # sha256 of what is served, by path

    @classmethod
    @contextmanager
    def opened(
        cls, request: Request, allowed: Sequence[str], told: Callable[[str], None], is_over: Callable[[], bool]
    ) -> Iterator["Generated"]:
        """Raises Problem (exit 9)."""
        with scratch.folder("generated") as folder:
            yield cls(request, allowed, folder, is_over, told)

    def ask(self, options: Options, as_of: dt.datetime | None) -> None:
        self.request = replace(self.request, options=options, as_of=as_of)

    def turn(
        self,
        paths: Collection[str] | None = None,
        first: Iterable[str] = (),
        cut: Callable[[], bool] = never,
        shown: Callable[[Turn], None] = lambda _: None,
    ) -> Turn | None:
        """Runs the command where a source has changed, whichever path was seen to. Raises Interrupted at the end."""
        del paths, first, cut, shown
        try:
            now = self._sources()
            if not self._is_edited(now):
                return None
            taken = self._taken(self._made(now))
        except Problem as problem:
            if self.is_over():
                raise Interrupted from None
            self.problems = problem.each
            self.snapshot = replace(self.snapshot, problems=self.problems)
            return Turn(problems=self.problems, is_whole=True)
        self.problems = ()
        return taken

    def _is_edited(self, now: Mapping[str, str]) -> bool:
        if self._before is None:
            return True
        changed = {name for name in now.keys() | self._before.keys() if now.get(name) != self._before.get(name)}
        for name in changed:
            if now.get(name) != self._after.get(name):
                del self._written[name]  # by somebody else than the command
        return any(self._written[name] < _OWN for name in changed)

    def _made(self, now: Mapping[str, str]) -> tree.OutputTree:
        """Raises Problem or Problems, as the command and the tree have it."""
        root = self.request.site.root
        site = sitefile.load(root / self.request.site.name, self.request.site.name, is_tolerant=True)
        self._before = now
        if not site.settings.build.command:
            raise Problem(
                f"{site.name} names no [build] command any longer", hint="end the preview, and start it again"
            )
        self.request = replace(self.request, site=site)
        as_of = self.request.as_of or git.as_of(git.discover(root)) or git.NO_DATE
        is_allowed = tuple(site.settings.build.command) == tuple(self.allowed)
        try:
            output = generator.run(site, root, as_of, SILENT, allowed=is_allowed, asks=False, is_over=self.is_over)
        finally:
            self._after = self._sources()
            for name in now.keys() | self._after.keys():
                self._count(name, is_written=now.get(name) != self._after.get(name))
        return tree.scan(output, site.settings.build.keep)

    def _count(self, name: str, *, is_written: bool) -> None:
        if not is_written:
            del self._written[name]
            return
        self._written[name] += 1
        if self._written[name] == _OWN:
            self.told(f"each run of the command changes {name}: it should be in .gitignore")

    def _taken(self, made: tree.OutputTree) -> Turn:
        """Copies what is new. What was there before stays for one more turn, for who reads it just now.

        Raises Problem (exit 9).
        """
        held = {entry.path: entry.sha256 for entry in made.entries}
        try:
            for entry in made.entries:
                if not (self.folder / entry.sha256).exists():
                    new = self.folder / "new"
                    with files.opened(made.file(entry)) as source, new.open("wb") as out:
                        shutil.copyfileobj(source, out)
                    new.rename(self.folder / entry.sha256)
        except OSError as error:
            raise MachineProblem(f"{entry.path} can't be copied: {error.strerror}") from None
        keeps = {*held.values(), *self._held.values()}
        for copy in self.folder.iterdir():
            if copy.name not in keeps:
                copy.unlink()
        changed = tuple(path for path, digest in held.items() if self._held.get(path) != digest)
        gone = frozenset(self._held.keys() - held.keys())
        self._held = held
        copies = MappingProxyType({path: self.folder / digest for path, digest in held.items()})
        self.snapshot = Snapshot(self.folder, copies, copies, MappingProxyType({}))
        return Turn(changed, gone)

    def _sources(self) -> dict[str, str]:
        """What each source holds, as a digest. Raises Problem (exit 9) as git does."""
        now = stamps.now(self.folder)
        found: dict[str, tuple[Stamp, str]] = {}
        for name in names(self.request.site):
            path = self.request.site.root / name
            if (stamp := stamps.stamp(path)) is None:
                continue
            known = self._known.get(name)
            digest = known[1] if known and known[0] == stamp else _digest(path)
            found[name] = (stamp if stamps.is_settled(stamp, now) else (0, 0, 0, 0), digest)
        self._known = found
        return {name: digest for name, (_, digest) in found.items()}


def names(site: SiteFile) -> list[str]:
    """The files that a command may read, relative to the site's folder: those that git doesn't ignore, with those of
    its submodules, less what is built. Raises Problem (exit 9) as git does.
    """
    repository = git.discover(site.root)
    if repository is None:
        found = git.files_without_git(site.root)
    else:
        held, others = repository.listed(site.root)
        found = [*held, *others]
    built = f"{site.settings.build.output.strip('/')}/"
    more = (name for path in found if (site.root / path).is_dir() for name in _inside(site.root, path))
    return [name for name in (*found, *more) if not name.startswith(built) and (site.root / name).is_file()]


def watched(site: SiteFile) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The folders to watch, and the files besides. A folder without any file may get its first one."""
    try:
        found = names(site)
    except Problem:  # which a turn tells
        found = []
    tops = {name.partition("/")[0] for name in found if "/" in name}
    with suppress(OSError), os.scandir(site.root) as items:
        tops |= {item.name for item in items if item.is_dir(follow_symlinks=False) and _is_empty(item.path)}
    return tuple(sorted(tops - {".git"})), ("", site.name, *(name for name in found if "/" not in name))


def _inside(root: Path, folder: str) -> Iterator[str]:
    if not (root / folder).is_symlink():
        yield from (f"{folder}/{name}" for name, _ in stamps.below(str(root / folder), ".git"))


def _is_empty(folder: str) -> bool:
    return not any(names for _, _, names in os.walk(folder))


def _digest(path: Path) -> str:
    with suppress(OSError):
        if path.is_symlink():
            path = path.resolve()
        with files.opened(path) as file:
            found = hashlib.sha256()
            while piece := file.read(tree.CHUNK):
                found.update(piece)
            return found.hexdigest()
    return ""
