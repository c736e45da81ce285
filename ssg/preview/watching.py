"""What changes on the disk, by path: watchfiles where the system tells, else a look at everything.

`settled` waits until all that was saved before it is on its way: it makes a file of its own in a folder that is
watched, and the system tells of that one last. site.toml, git's index and which folders there are it looks at besides.
"""

import re
import threading
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from watchfiles import Change
from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from ssg.cache import stamps

_QUIET: Final = 5  # milliseconds without a change after which a burst is over
_SOON: Final = 2  # the same while somebody is at work, which costs a thirtieth of a core
_WORK: Final = 60.0  # seconds after a change, or after somebody waited for one
_BURST: Final = 50  # milliseconds that a burst may take
_POLL: Final = 300  # milliseconds between two looks at everything
_PATIENCE: Final = 2.0  # seconds to wait for a file of our own to be told


@dataclass
class Watcher:
    """Tells `changed` of paths below `root`, relative to it; of None where everything may have changed.

    `folders` are what is watched, and may be others from now on; `single` the files besides, all relative to `root`;
    `mark` is a folder of ours. `ready` is set when nothing that is saved from then on is missed.
    """

    root: Path
    folders: Collection[str]
    single: Collection[str]
    mark: Path
    changed: Callable[[frozenset[str] | None], None]
    told: Callable[[str], None]
    polls: bool = False
    ready: threading.Event = field(default_factory=threading.Event)
    looks_after: int = 100  # milliseconds between two looks at what isn't watched
    _known: dict[str, object] = field(default_factory=dict)  # the last look of who watches
    _told: dict[str, object] = field(
        default_factory=dict
    )  # the last that somebody was told of: a folder may come and go
    _stop: threading.Event = field(default_factory=threading.Event)
    _seen: dict[str, threading.Event] = field(default_factory=dict)
    _worked: float = 0.0
    _count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        """Until `stop`."""
        self._known = self._told = self._looks()
        while not self._stop.is_set():
            with self._lock:
                waiting = list(self._seen)  # whose file may have been made while nobody watched
            notify = self._notify()
            if notify is None:
                continue
            if self.ready.is_set():
                self.changed(None)  # what was saved into a folder before it was watched
                self._release(waiting)
            self.ready.set()
            with notify:
                while not self._stop.is_set():
                    is_quiet = time.monotonic() - self._worked > _WORK
                    try:
                        found = notify.watch(_BURST, _QUIET if is_quiet else _SOON, self.looks_after, self._stop)
                    except WatchfilesRustInternalError as error:
                        self._give_up(error)
                        break
                    if isinstance(found, set):
                        self._worked = time.monotonic()
                        self._tell({path for _, path in found})
                        if not self.polls and any(
                            change == Change.added and Path(path).is_dir() for change, path in found
                        ):
                            break  # whether all below it is watched, or too much for this system, nobody says later
                    now = self._looks()
                    while now != self._known and not self._stop.wait(_QUIET / 1000) and now != (new := self._looks()):
                        now = new  # still being written
                    if now != self._known:
                        before, self._known, self._told = self._known, now, now
                        self.changed(None)
                        if any(
                            now.get(one) != before.get(one) for one in (now.keys() | before.keys()) - {*self.single}
                        ):
                            break  # a folder came, went, or is another one of that name

    def stop(self) -> None:
        self._stop.set()

    def settled(self) -> None:
        """Returns when all that was saved before is told."""
        now = self._looks()
        if self.polls or now != self._known or now != self._told:
            self._told = now
            self.changed(None)
            return
        with self._lock:
            self._count += 1
            name = str(self.mark / str(self._count))
            event = self._seen[name] = threading.Event()
        try:
            Path(name).touch()
            if not event.wait(_PATIENCE):
                self.changed(None)
        except OSError:
            self.changed(None)
        finally:
            with self._lock:
                self._seen.pop(name, None)
            with suppress(OSError):
                Path(name).unlink()

    def _notify(self) -> RustNotify | None:
        there = [str(self.root / one) for one in self.folders if (self.root / one).is_dir()]
        try:
            return RustNotify([*there, str(self.mark)], False, self.polls, _POLL, True, False)
        except (OSError, WatchfilesRustInternalError) as error:
            if self.polls:
                self._stop.wait(_POLL / 1000)
                return None
            self._give_up(error)
            return None

    def _give_up(self, error: Exception) -> None:
        is_limit = re.search("limit reached|MaxFilesWatch|[Tt]oo many open files", str(error))
        why = "it watches no more of them (fs.inotify.max_user_watches, max_user_instances)" if is_limit else error
        self.told(f"this system can't watch the folders: {why}; they are looked at every {_POLL} ms instead")
        self.polls = True

    def _tell(self, paths: set[str]) -> None:
        own = {path for path in paths if path.startswith(f"{self.mark}/")}
        start = f"{self.root}/"
        others = frozenset(path.removeprefix(start) for path in paths - own if path.startswith(start))
        if others:
            self.changed(others)
        self._release(own)

    def _release(self, own: Iterable[str]) -> None:
        """Those who wait until a file of ours is told."""
        with self._lock:
            for event in [self._seen[path] for path in own if path in self._seen]:
                event.set()

    def _looks(self) -> dict[str, object]:
        found: dict[str, object] = {name: stamps.stamp(self.root / name) for name in self.single}
        for name in self.folders:
            with suppress(OSError):
                status = (self.root / name).stat()
                found[name] = (status.st_dev, status.st_ino)
        return found
