"""The output tree on disk: each file appears whole, files that did not change are not touched, stale ones go.

    ROOT/.sealpress/lock    held while a build works in the folder: two builds into it wait for each other
    ROOT/.sealpress/new/    what the build has made, until all of it is there; then each file goes to its place

`.sealpress` also marks the folder as one that ssg may clear. It is no part of the tree (sealpress.tree.MARKER).
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sealpress.console import Progress
from sealpress.problems import Exit, Problem
from sealpress.tree import CHUNK, MARKER
from ssg import stamps
from ssg.stamps import Stamp

_NOTE: Final = "ssg writes this folder: every file in it is replaced by the next build.\n"
_NEW: Final = "new"


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds: its sha256 in hex, and its size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Stage:
    """The output folder at `root` while a build works in it. Any process of the build may put files on it.

    `found` are the files that stood there when it began, and what they looked like.
    """

    root: Path
    found: Mapping[str, Stamp]

    @property
    def folder(self) -> Path:
        return self.root / MARKER / _NEW

    def put(self, path: str, content: bytes | Path) -> Content:
        """Keeps the content of a file for `commit`, unless the file has it already."""
        target = self.root / path
        found = describe(content)
        # What was not found there can still be seen there, through a link that `commit` takes away.
        if path not in self.found or not _holds(target, content, found.size):
            self._write(self.folder / _name(path), content)
        return found

    def commit(self, paths: Iterable[str], wanted: Mapping[str, object]) -> list[str]:
        """Removes what is not `wanted`, and puts those of `paths` in place that are on the stage. Returns these."""
        if self.found.keys() != wanted.keys():
            _clear(self.root, "", wanted, frozenset(folder for path in wanted for folder in folders(path)))
        placed = []
        made: set[str] = set()
        with os.scandir(self.folder) as items:
            staged = {item.name for item in items}
        for path in paths:
            if (name := _name(path)) in staged:
                parent = path.rpartition("/")[0]
                if parent not in made:
                    (self.root / parent).mkdir(parents=True, exist_ok=True)
                    made.add(parent)
                os.replace(self.folder / name, self.root / path)  # noqa: PTH105 - thousands of them: no Path for each
                placed.append(path)
        return placed

    def _write(self, target: Path, content: bytes | Path) -> None:
        # A worker that was killed can have left some of it.
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, 0o644)  # whatever the umask
            for chunk in _chunks(content):
                file.write(chunk)


@contextmanager
def staged(root: Path, found: Mapping[str, Stamp], progress: Progress) -> Iterator[Stage]:
    """The folder `root`, for one build alone; another that is at work there is waited for. `found`: as in Stage.

    Raises Problem (exit 9) for a folder that holds files ssg did not write, and where the disk refuses.
    """
    with refusals(root):
        lock, above, waited = _enter(root, progress)
    try:
        with refusals(root):
            stage = Stage(root, files_of(root) if waited else found)
            _empty(stage.folder)
        try:
            yield stage
        except BaseException:
            if above:  # there was no such folder before
                _unmake(root, above)
            raise
        finally:
            shutil.rmtree(stage.folder, ignore_errors=True)
    finally:
        os.close(lock)


def _enter(root: Path, progress: Progress) -> tuple[int, Path | None, bool]:
    """The lock, held; the outermost folder that was made for it; and whether there was somebody to wait for."""
    waited = False
    while True:
        above = _missing(root)
        file = _claim(root) / "lock"
        lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            waited = _wait(lock, root, progress) or waited
            held, there = os.fstat(lock), stamps.stamp(file)
            if there and there == stamps.of(held):
                return lock, above, waited
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)  # a build that failed has taken its new folder away, and with it the lock


def _unmake(root: Path, above: Path) -> None:
    """Takes the folder away, and those that were made for it unless somebody else uses them."""
    shutil.rmtree(root, ignore_errors=True)
    with suppress(OSError):
        for folder in root.parents if root != above else ():
            folder.rmdir()
            if folder == above:
                break


def _missing(root: Path) -> Path | None:
    """The outermost folder on the way to `root` that is not there."""
    found = None
    for folder in (root, *root.parents):
        if folder.exists():
            break
        found = folder
    return found


@contextmanager
def refusals(root: Path) -> Iterator[None]:
    """Turns what the disk says into a Problem (exit 9)."""
    try:
        yield
    except OSError as error:
        raise Problem(f"can't write {error.filename or root}: {error.strerror}", code=Exit.MACHINE) from None


def describe(content: bytes | Path) -> Content:
    """What a file with this content would be."""
    if isinstance(content, bytes):
        return Content(hashlib.sha256(content).hexdigest(), len(content))
    sha256 = hashlib.sha256()
    size = 0
    for chunk in _chunks(content):
        sha256.update(chunk)
        size += len(chunk)
    return Content(sha256.hexdigest(), size)


def folders(path: str) -> list[str]:
    """The folders that a path lies in, outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _claim(root: Path) -> Path:
    """Marks the folder as one that ssg may clear; never one in which somebody else's files stand."""
    marker = root / MARKER
    if marker.is_file():  # as versions before 0.2 left it
        marker.unlink()
    elif root.is_dir() and not marker.is_dir() and any(root.iterdir()):
        raise Problem(
            f"{root} holds files that ssg did not write, and a build would remove them",
            hint="choose an empty folder, or empty this one yourself",
            code=Exit.MACHINE,
        )
    marker.mkdir(parents=True, exist_ok=True)
    note = marker / "README"
    if not note.exists():
        note.write_text(_NOTE, encoding="utf-8")
    return marker


def files_of(root: Path) -> dict[str, Stamp]:
    """All files of the tree that stand there, sorted, and what they look like."""
    return dict(sorted(stamps.below(str(root), MARKER))) if root.is_dir() else {}


def _wait(lock: int, root: Path, progress: Progress) -> bool:
    """Whether there was somebody to wait for."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        progress.note(f"another build is at work in {root}: waiting for it")
        fcntl.flock(lock, fcntl.LOCK_EX)
        return True
    return False


def _empty(folder: Path) -> None:
    """What a build that was killed has left is of no use."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()


def _name(path: str) -> str:
    """A file's name on the stage, where no folders are needed."""
    return hashlib.sha256(path.encode()).hexdigest()


def _clear(folder: Path, prefix: str, wanted: Mapping[str, object], needed: frozenset[str]) -> None:
    """Removes what no output needs, and what stands in an output's way: a link, a folder in place of a file."""
    with os.scandir(folder) as found:
        items = list(found)
    for item in items:
        path = prefix + item.name
        if path == MARKER:
            continue
        if item.is_dir(follow_symlinks=False):
            if path in needed:
                _clear(Path(item.path), path + "/", wanted, needed)
            else:
                shutil.rmtree(item.path)
        elif item.is_symlink() or path not in wanted:
            Path(item.path).unlink()


def _holds(target: Path, content: bytes | Path, size: int) -> bool:
    """Whether the file is there already, with these bytes: then its time stays, and nothing that watches it wakes."""
    try:
        found = os.lstat(target)
        if found.st_size != size or not os.path.isfile(target) or os.path.islink(target):  # noqa: PTH113, PTH114
            return False
        return all(old == new for old, new in zip(_chunks(target), _chunks(content), strict=True))
    except (FileNotFoundError, NotADirectoryError):
        return False


def _chunks(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield from (content[start : start + CHUNK] for start in range(0, len(content), CHUNK))
        return
    with content.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
