"""The output tree on disk: each file appears whole, files that did not change are not touched, stale ones go.

    ROOT/.sealpress/lock    held while a build works in the folder: two builds into it wait for each other
    ROOT/.sealpress/new/    what the build has made, until all of it is there; then each file goes to its place

`.sealpress` also marks the folder as one that ssg may clear. It is no part of the tree (sealpress.tree.MARKER).
"""

import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from sealpress.console import Progress
from sealpress.problems import Exit, Problem
from sealpress.tree import CHUNK, MARKER
from ssg import stamps
from ssg.stamps import Stamp

_NOTE: Final = "ssg writes this folder: every file in it is replaced by the next build.\n"
_NEW: Final = "new"
_SCRATCH: Final = "scratch"
_FILE: Final = 0o644
_FOLDER: Final = 0o755
# A worker that was killed can have left some of it.
_FRESH: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds: its sha256 in hex, and its size in bytes. `is_new`: it held something else before."""

    sha256: str
    size: int
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class Stage:
    """The output folder at `root` while a build works in it. Any process of the build may put files on it.

    `found` are the files that stood there when it began, and what they looked like.
    """

    root: Path
    found: Mapping[str, Stamp]
    _made: set[str] = field(default_factory=set, compare=False, repr=False)

    @property
    def folder(self) -> Path:
        return self.root / MARKER / _NEW

    @property
    def _new(self) -> str:
        return f"{self.root}/{MARKER}/{_NEW}"

    def put(self, path: str, content: bytes | Path) -> Content:
        """Keeps the content of a file for `commit`, unless the file has it already."""
        found = describe(content)
        target = self.root / path
        # What was not found there can still be seen there, through a link that `commit` takes away.
        if path in self.found and _is_open(target, _FILE) and _holds(target, content, found.size):
            return replace(found, is_new=False)
        self._make(path.rpartition("/")[0])
        self._write(f"{self._new}/{path}", content)
        return found

    @property
    def scratch(self) -> Path:
        """A place for what the build needs only while it works."""
        return self.root / MARKER / _SCRATCH

    def commit(self, wanted: Mapping[str, object]) -> None:
        """Removes what is not `wanted`, and puts in place what is on the stage."""
        if self.found.keys() != wanted.keys():
            _clear(self.root, "", wanted, frozenset(folder for path in wanted for folder in folders(path)))
        _move(str(self.folder), str(self.root))
        # Now, before anybody remembers that the build is done: a later one in which nothing changed looks no further.
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make(self, folder: str) -> None:
        """A folder on the stage, with those above it; each is made once, since there are as many as pages."""
        if folder in self._made:
            return
        self._made.add(folder)
        if folder:
            self._make(folder.rpartition("/")[0])
            with suppress(FileExistsError):
                os.mkdir(f"{self._new}/{folder}")  # noqa: PTH102

    def _write(self, target: str, content: bytes | Path) -> None:
        handle = os.open(target, _FRESH, _FILE)
        try:
            for chunk in _chunks(content):
                _write_all(handle, chunk)
        finally:
            os.close(handle)


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _move(stage: str, root: str) -> None:
    """Each file to its place; a folder that is not there yet, as a whole."""
    with os.scandir(stage) as found:
        items = list(found)
    for item in items:
        target = f"{root}/{item.name}"
        if item.is_dir() and os.path.isdir(target):  # noqa: PTH112 - thousands of them: no Path for each
            _move(item.path, target)
        else:
            os.replace(item.path, target)  # noqa: PTH105


@contextmanager
def staged(root: Path, found: Mapping[str, Stamp] | None, last: Stamp | None, progress: Progress) -> Iterator[Stage]:
    """The folder `root`, for one build alone; another that is at work there is waited for.

    `found` as in Stage; None: not known yet. `last` is what `mark_of` the folder was before that.

    Raises Problem (exit 9) for a folder that holds files ssg did not write, and where the disk refuses.
    """
    with refusals(root):
        lock, above, before = _enter(root, progress)
    mask = os.umask(0o022)  # files and folders of the tree are for everybody to read, whoever builds it
    try:
        with refusals(root):
            if found is None or before != last:
                _open_folders(root)
                found = files_of(root)
            stage = Stage(root, found)
            # What a build that was killed has left is of no use.
            _empty(stage)
            stage.folder.mkdir()
        try:
            yield stage
        except BaseException:
            if above:  # there was no such folder before
                _unmake(root, above)
            raise
        finally:
            _empty(stage)
    finally:
        os.umask(mask)
        os.close(lock)


def mark_of(root: Path) -> Stamp | None:
    """Another one after each build that has worked in the folder."""
    return stamps.stamp(root / MARKER / "lock")


def _enter(root: Path, progress: Progress) -> tuple[int, Path | None, Stamp | None]:
    """The lock, held; the outermost folder that was made for it; and what `mark_of` the folder was until now."""
    while True:
        above = _missing(root)
        file = _claim(root) / "lock"
        lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            _wait(lock, root, progress)
            before = mark_of(root)
            if before == stamps.of(os.fstat(lock)):
                os.utime(lock)
                return lock, above, before
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


def _wait(lock: int, root: Path, progress: Progress) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        progress.note(f"another build is at work in {root}: waiting for it")
        fcntl.flock(lock, fcntl.LOCK_EX)


def _empty(stage: Stage) -> None:
    for folder in (stage.folder, stage.scratch):
        shutil.rmtree(folder, ignore_errors=True)


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


def _is_open(target: Path, mode: int) -> bool:
    """Whether everybody can read a file or folder of the tree, at the latest now; not through a link."""
    try:
        found = os.lstat(target)
        if not stat.S_ISLNK(found.st_mode) and found.st_mode & 0o777 != mode:
            target.chmod(found.st_mode & 0o7000 | mode)
    except OSError:  # it is gone, or another user's
        return False
    return True


def _open_folders(root: Path) -> None:
    """Folders that were closed by hand are open again, before somebody looks into them. The root is its owner's."""
    for folder, names, _ in os.walk(root):
        for name in names:
            if folder != str(root) or name != MARKER:
                _is_open(Path(folder, name), _FOLDER)


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
