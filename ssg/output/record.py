"""What builds have put into an output folder: kept in the state folder, where no repository can bring it along.

    STATE/outputs/NAME/lock     held while a build works in the folder: two builds into it wait for each other
    STATE/outputs/NAME/folder   which one it is: NAME is a digest of its real path
    STATE/outputs/NAME/written  what builds have put there: a line for each file, with its bytes, and for each folder
    STATE/outputs/NAME/stage    where a build is at work, or was when it was killed (ssg/staging)

A line is written before anything is put in place. So a build that is killed leaves nothing that the next one takes for
somebody else's, and what has other bytes than each line says was changed by hand.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import field
from pathlib import Path
from typing import Final

from sealpress.commands.console import Progress
from sealpress.files import files, home, scratch
from sealpress.frozen import frozen
from sealpress.problems import Problem
from ssg.cache import stamps
from ssg.cache.stamps import Stamp

_FOLDER: Final = "outputs"
_END: Final = b"\0\n"  # of a line: no path has it
_ROOMY: Final = 250  # bytes for each file, twice what a line takes, before lines of old are dropped
_SLACK: Final = 500
_LIMIT: Final = 64  # folders that are gone, of which the record stays: a disk may only be away


@frozen
class Record:
    """The record in `folder`, whose lock is held. `is_lasting`: the next build finds it.

    `before` is what `mark_of` was before this build; None: no build was at work there.
    """

    folder: Path
    is_lasting: bool
    before: Stamp | None
    _lines: set[bytes] = field(default_factory=set, compare=False, repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known of any build."""
        return not self._lines

    def holds(self, path: str, sha256: str, size: int) -> bool:
        """Whether a build wrote these bytes there."""
        return of_file(path, sha256, size) in self._lines

    def made(self, folder: str) -> bool:
        """Whether a build made that folder."""
        return of_folder(folder) in self._lines

    @property
    def leaves_any(self) -> bool:
        """Whether there are such files as `leaves` tells."""
        return any(line.startswith(_GUEST) for line in self._lines)

    def leaves(self, path: str) -> bool:
        """Whether it is a file that no build wrote, and that was to stay when the folder was adopted."""
        return of_guest(path) in self._lines

    def names(self, path: str) -> bool:
        """Whether a build wrote anything there."""
        name = os.fsencode(path)
        return any(line.split(b" ", 2)[2:] == [name] for line in self._lines)

    def add(self, lines: Iterable[bytes]) -> None:
        """Adds what is going to be in place, and comes back when it is on the disk. Raises OSError."""
        new = [line for line in dict.fromkeys(lines) if line not in self._lines]
        if not new:
            return
        handle = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "ab") as file:
            # What a build that was killed has written half ends here.
            file.write((_END if file.tell() else b"") + _END.join(new) + _END)
            file.flush()
            os.fsync(file.fileno())
        self._lines.update(new)

    def tidy(self, count: int, lines: Iterable[bytes]) -> None:
        """Keeps only these `lines` of files, of which there are `count`, once there are many of older builds."""
        with suppress(OSError):
            if self._file.stat().st_size > _ROOMY * (count + _SLACK):
                kept = {*lines, *(line for line in self._lines if line.startswith((_GUEST, _MADE)))}
                files.save(self._file, _END.join(sorted(kept)) + _END)
                self._lines.clear()
                self._lines.update(kept)

    def read(self) -> None:
        """Raises OSError, but not for want of a record."""
        with suppress(FileNotFoundError), files.opened(self._file) as file:
            self._lines.update(line for line in file.read().split(_END) if line)

    @property
    def _file(self) -> Path:
        return self.folder / "written"


_MADE: Final = b"folder "
_GUEST: Final = b"stays "


def of_file(path: str, sha256: str, size: int) -> bytes:
    """The line of a file."""
    return os.fsencode(f"{sha256} {size} {path}")


def of_folder(path: str) -> bytes:
    """The line of a folder that a build makes."""
    return _MADE + os.fsencode(path)


def of_guest(path: str) -> bytes:
    """The line of a file that no build wrote, and that stays."""
    return _GUEST + os.fsencode(path)


def mark_of(root: Path) -> Stamp | None:
    """What changes with each build that works in the folder with this real path; None while one is at work there.

    That one has changed the mark already, and will change the folder.
    """
    try:
        with (_place(root) / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return stamps.of(os.fstat(lock.fileno()))
    except (OSError, Problem):
        return None


@contextmanager
def opened(root: Path, progress: Progress, *, lasting: bool = True) -> Iterator[Record]:
    """The record of the folder with this real path, for one build alone; another that is at work there is waited for.

    One that is not `lasting`, or for which this user has no place, is gone afterwards: it knows of no build.
    Raises OSError.
    """
    found = _entered(root, progress) if lasting else None
    if lasting and not found:
        progress.note(
            f"nothing can be put on record in {_shown_state()}, so the next build will stop at what this one writes: "
            "set SEALPRESS_STATE to a folder of yours"
        )
    if not found:
        with scratch.folder("output") as folder:
            yield Record(folder, is_lasting=False, before=None)
        return
    record, lock = found
    try:
        record.read()
        if record.is_empty:
            _trim(record.folder)
        yield record
    finally:
        os.close(lock)


def _entered(root: Path, progress: Progress) -> tuple[Record, int] | None:
    """The record, and its lock; None where there is no place for them."""
    try:
        folder = _place(root)
        while True:
            for one in (folder.parents[1], folder.parent, folder):
                one.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = folder / "lock"
            lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                _wait(lock, root, progress)
                before = stamps.stamp(file)
                if before == stamps.of(os.fstat(lock)):
                    break
            except BaseException:
                os.close(lock)
                raise
            os.close(lock)  # dropped since, see _trim
    except (OSError, Problem):
        return None
    is_known = (folder / "folder").exists()
    os.utime(lock)
    if not is_known:
        files.save(folder / "folder", os.fsencode(root))
    return Record(folder, is_lasting=True, before=before if is_known else None), lock


def _wait(lock: int, root: Path, progress: Progress) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        progress.note(f"another build is at work in {root}: waiting for it")
        fcntl.flock(lock, fcntl.LOCK_EX)


def _place(root: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()
    return home.state_folder() / _FOLDER / digest[:24]


def _shown_state() -> str:
    try:
        return str(home.state_folder())
    except Problem:
        return "a home folder"


def _trim(ours: Path) -> None:
    """Drops the records of folders that are gone, but for those that were built into last."""
    with suppress(OSError):
        gone: list[tuple[float, Path]] = []
        for folder in ours.parent.iterdir():
            with suppress(OSError):
                if folder != ours and not os.path.lexists((folder / "folder").read_bytes()):
                    gone.append(((folder / "lock").stat().st_mtime, folder))
        for _, folder in sorted(gone, reverse=True)[_LIMIT:]:
            with suppress(OSError), (folder / "lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
