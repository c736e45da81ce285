"""A preview of the sealed image: after each edit the whole site is made, baked and run, and readers are answered by it.

Who bakes and runs is no business of ssg: it is looked up by its entry point, and gets a folder with the tree.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Final, Protocol

from sealpress.commands.console import Progress
from sealpress.config.settings import LOCK_NAME, Settings
from sealpress.config.sitefile import SiteFile
from sealpress.files import scratch
from sealpress.problems import MachineProblem, Problem
from ssg.build.engine import Interrupted, Turn, never
from ssg.build.inputs import Request
from ssg.build.overlay import NOTHING, Snapshot
from ssg.build.prepare import Prepared
from ssg.cache import stamps
from ssg.content.sources import Options
from ssg.preview.maker import Maker, Opened, Whole

GROUP: Final = "sealpress.preview"
NAME: Final = "sealed"


class ImageServer(Protocol):
    """What the entry point opens."""

    def take(self, site: SiteFile, folder: Path) -> tuple[str, int]:
        """Bakes the tree in a folder, and answers by it from now on, at an address and a port of this machine.

        Raises Problem or Problems: then all stays as it was.
        """
        ...


@dataclass
class SealedSite(Whole):
    """What is made by `maker`, as the image has it. `folder` is for the tree."""

    maker: Maker
    server: ImageServer
    folder: Path
    snapshot: Snapshot = NOTHING
    problems: tuple[Problem, ...] = ()
    _held: dict[str, bytes] = field(default_factory=dict)  # digests of what is in the folder, by path
    _served: dict[str, bytes] = field(default_factory=dict)  # and of what is in the image
    _by: tuple[Settings, stamps.Stamp | None] | None = None  # by which it was baked
    _is_due: bool = False  # something may have changed since the image was baked

    @property
    def request(self) -> Request:
        return self.maker.request

    @property
    def prepared(self) -> Prepared | None:
        return self.maker.prepared

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return self.maker.warnings

    def ask(self, options: Options, as_of: dt.datetime | None) -> None:
        self.maker.ask(options, as_of)

    def turn(
        self,
        paths: Collection[str] | None = None,
        first: Iterable[str] = (),
        cut: Callable[[], bool] = never,
        shown: Callable[[Turn], None] = lambda _: None,
    ) -> Turn | None:
        """Raises Interrupted. Of a site that is at fault, nothing is baked."""
        del first, shown
        turn = self.maker.turn(paths, (), cut)
        if turn is None and not self._is_due:
            return None
        self._is_due = True
        for _ in self.maker.rest(cut):
            pass
        if cut():
            raise Interrupted
        self.problems = self.maker.problems
        changed: tuple[str, ...] = ()
        gone: frozenset[str] = frozenset()
        if not self.problems:
            try:
                changed, gone = self._baked()
                self._is_due = False
            except Problem as problem:
                self.problems = problem.each
        self.snapshot = replace(self.snapshot, problems=self.problems, warnings=self.warnings)
        return Turn(changed, gone, problems=self.problems)

    def _baked(self) -> tuple[tuple[str, ...], frozenset[str]]:
        """What readers see change. Raises Problem or Problems."""
        made = self.maker.snapshot
        for path in self._held.keys() - made.files.keys():
            self._remove(path)
        for path in made.files:
            if (content := made.read(path)) is None:
                raise MachineProblem(f"{path} can't be read")
            digest = hashlib.sha256(content).digest()
            if self._held.get(path) != digest:
                try:
                    (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
                    (self.folder / path).write_bytes(content)
                except OSError as error:
                    raise MachineProblem(f"{path} can't be copied: {error.strerror}") from None
                self._held[path] = digest
        site = self.request.site
        if (site.settings, stamps.stamp(site.root / LOCK_NAME)) == self._by and self._held == self._served:
            address = self.snapshot.address  # as it is
        else:
            address = self.server.take(site, self.folder)
            self._by = (site.settings, stamps.stamp(site.root / LOCK_NAME))
        changed = tuple(path for path, digest in self._held.items() if self._served.get(path) != digest)
        gone = frozenset(self._served.keys() - self._held.keys())
        self._served = dict(self._held)
        self.snapshot = replace(made, address=address)
        return changed, gone

    def _remove(self, path: str) -> None:
        """With the folders that are empty then: a file may be there next."""
        del self._held[path]
        file = self.folder / path
        file.unlink(missing_ok=True)
        for parent in file.parents:
            if parent == self.folder or any(parent.iterdir()):
                return
            parent.rmdir()


@contextmanager
def sealed(opened: Opened, server: ImageServer, is_over: Callable[[], bool]) -> Iterator[SealedSite]:
    """Raises Problem (exit 9)."""
    with scratch.folder("tree") as folder, opened(is_over) as inner:
        yield SealedSite(inner, server, folder)


def served(site: SiteFile, progress: Progress) -> AbstractContextManager[ImageServer]:
    """What bakes and runs, with all that it has to get before it can. Raises Problem (exit 9) where there is nobody."""
    found = tuple(metadata.entry_points(group=GROUP, name=NAME))
    if not found:
        raise MachineProblem("publish is not installed beside this ssg: a sealed preview needs it")
    opened: Callable[[SiteFile, Progress], AbstractContextManager[ImageServer]] = found[0].load()
    return opened(site, progress)
