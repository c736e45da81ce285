"""The output tree on disk: each file appears whole, files that did not change are not touched, stale ones go.

Nothing that no build wrote is changed or removed. What builds wrote is on record (ssg.output.record), and nothing of
ours lies in the folder. A file with other bytes than a build put there stops the next one, unless that would write just
these.
"""

import hashlib
import os
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from sealpress.commands.console import Progress
from sealpress.files import files
from sealpress.frozen import frozen
from sealpress.problems import Exit, Problem
from sealpress.tree.tree import CHUNK, MARKER
from ssg.cache import stamps
from ssg.cache.codec import at
from ssg.cache.last_build import KeptFile, stamp_of
from ssg.cache.stamps import Stamp
from ssg.output import record as records
from ssg.output.record import Record
from ssg.output.scaffold import erected

_FILE: Final = 0o644
_FOLDER: Final = 0o755
# A worker that was killed can have left some of it.
_FRESH: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_SHOWN: Final = 5  # names in one message
_NEW: Final = "new"  # in the scaffold: what is on the stage

_NOTE: Final = b"ssg writes this folder: every file in it is replaced by the next build.\n"
_OLD: Final = frozenset(
    (path, hashlib.sha256(data).hexdigest())
    for path, data in ((MARKER, _NOTE), (f"{MARKER}/README", _NOTE), (f"{MARKER}/lock", b""))
)
"""What versions before this one left in the folder, to know it again."""
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})

_content_of = at(KeptFile, "sha256", "size")


@frozen
class FileDigest:
    """What a file holds: its sha256 in hex, and its size in bytes. `is_new`: it held something else before."""

    sha256: str
    size: int
    is_new: bool = True


@frozen
class Stage:
    """The output folder at the real path `root` while a build works in it. Any of its processes may put files on it.

    `folder` holds what is put on the stage, `scratch` what the build needs only while it works. `found` are the files
    that stood in the output folder when it began, and what they looked like; `left` what the last build knows of those
    that it left, plain (ssg.cache.last_build.KeptFile). `adopting`: what stands in the way of a file may be replaced by
    it. `looked`: the folders were gone through, and may have been closed by hand.
    """

    root: Path
    handle: int
    scaffold: Path
    found: Mapping[str, Stamp]
    record: Record
    left: Mapping[str, tuple[Any, ...]] = field(default_factory=lambda: _NOTHING)
    adopting: bool = False
    looked: bool = False
    _made: set[str] = field(default_factory=set, compare=False, repr=False)

    @property
    def folder(self) -> Path:
        return self.scaffold / _NEW

    @property
    def scratch(self) -> Path:
        return self.scaffold / "scratch"

    def put(self, path: str, content: bytes | Path) -> FileDigest:
        """Keeps the content of a file for `commit`, unless the file has it already.

        Raises Problem (exit 9) where the file has bytes that no build wrote.
        """
        new = describe(content)
        if path in self.found:
            had = self._had(path, new)
            if had == new:
                return replace(new, is_new=False)
            is_known = had and (had.sha256 == new.sha256 or self.record.holds(path, had.sha256, had.size))
            if not had or not (self.adopting or is_known):
                raise self._foreign([path])
        self._make(path.rpartition("/")[0])
        self._write(f"{self.scaffold}/{_NEW}/{path}", content)
        return new

    def parted(self, wanted: Collection[str]) -> tuple[list[str], list[str]]:
        """What stands there and is not `wanted`: the files that builds put there, and those that stay for good.

        Raises Problem (exit 9) for what is neither.
        """
        if self.found.keys() == wanted:
            return [], []
        rest = sorted(self.found.keys() - wanted)
        ours = [path for path in rest if self._is_ours(path)]
        theirs = sorted({*rest}.difference(ours))
        if foreign := [path for path in theirs if not (self.adopting or self.record.leaves(path))]:
            raise self._foreign(foreign)
        return ours, theirs

    def commit(
        self,
        wanted: Collection[str],
        written: Mapping[str, FileDigest],
        known: Mapping[str, tuple[Any, ...]] = _NOTHING,
    ) -> None:
        """Removes what is not `wanted`, and puts in place what was `written` to the stage.

        `known` are sha256 and size of what is in place already. Raises Problem (exit 9), and OSError where the disk
        refuses.
        """
        ours, theirs = self.parted(wanted)
        new = [path for path, content in written.items() if content.is_new]
        for path in new:
            self._look(path, ours)

        def files_on_record(*, besides: bool) -> Iterator[bytes]:
            for path, content in written.items():
                yield records.of_file(path, content.sha256, content.size)
            for path in wanted if besides else ():
                if path not in written:
                    yield records.of_file(path, *_content_of(known[path]))

        self.record.add(
            [*self._new_folders(new), *files_on_record(besides=self.record.is_empty), *map(records.of_guest, theirs)]
        )
        if self.looked:
            _open_folders(self.root, self.record, {folder for path in wanted for folder in folders(path)})
        self._remove(ours)
        here, _ = files.entered(self.folder)
        try:
            files.move(here, self.handle)
        finally:
            os.close(here)
        # Now, before anybody remembers that the build is done: a later one in which nothing changed looks no further.
        shutil.rmtree(self.scaffold, ignore_errors=True)
        self.record.tidy(len(wanted), files_on_record(besides=True))

    def _new_folders(self, paths: Iterable[str]) -> Iterator[bytes]:
        """The lines of the folders that are going to be made for these."""
        looked: set[str] = set()
        for path in paths:
            for folder in folders(path):
                if folder not in looked:
                    looked.add(folder)
                    if not files.is_folder(f"{self.root}/{folder}"):
                        yield records.of_folder(folder)

    def _look(self, path: str, gone: Collection[str]) -> None:
        """Raises Problem (exit 9) where something else stands in a file's place than the build has found."""
        if blocked := [folder for folder in folders(path) if folder in self.found and folder not in gone]:
            raise self._foreign(blocked)
        try:
            seen = os.stat(path, dir_fd=self.handle, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return
        if stat.S_ISDIR(seen.st_mode):
            self._look_into(path)
        elif not _is_alike(seen, self.found.get(path)):
            raise self._foreign([path])

    def _look_into(self, folder: str) -> None:
        """Raises Problem (exit 9) where a folder in a file's place is not ours, or one in it: it would not go."""
        for here, _, _ in os.walk(self.root / folder):
            inside = Path(here).relative_to(self.root).as_posix()
            if not self.record.made(inside):
                raise self._foreign([inside])

    def _remove(self, paths: Sequence[str]) -> None:
        """Removes files that look as they did when they were looked into, and folders of ours that are empty then."""
        left = sorted({folder for path in paths for folder in folders(path)})
        for path in paths:
            folder, _, name = path.rpartition("/")
            with files.within(self.handle, folder) as here:
                if not _is_alike(os.stat(name, dir_fd=here, follow_symlinks=False), self.found[path]):
                    raise self._foreign([path])
                os.unlink(name, dir_fd=here)
        for path in reversed(left):
            if self.record.made(path) or path == MARKER:
                folder, _, name = path.rpartition("/")
                with suppress(OSError), files.within(self.handle, folder) as here:
                    os.rmdir(name, dir_fd=here)

    def _is_ours(self, path: str) -> bool:
        had = self._had(path)
        return had is not None and ((path, had.sha256) in _OLD or self.record.holds(path, had.sha256, had.size))

    def _had(self, path: str, expected: FileDigest | None = None) -> FileDigest | None:
        """What a file held that was found; None where it is a link or a device, or is another one by now.

        One that holds what is `expected` can be read by everybody then. Its time stays, and nothing that watches it
        wakes. Where it has another name elsewhere, its rights stay as they are, and it is none that may stay.
        """
        seen, known = self.found[path], self.left.get(path)
        if known and stamp_of(known) == seen:
            return FileDigest(*_content_of(known))
        try:
            handle = self._opened(path)
        except OSError:
            return None
        with os.fdopen(handle, "rb", buffering=0) as file:
            now = os.fstat(handle)
            if not stat.S_ISREG(now.st_mode) or not _is_alike(now, seen):
                return None
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            if expected and expected.sha256 == sha256 and stat.S_IMODE(now.st_mode) & 0o777 != _FILE:
                if now.st_nlink > 1:
                    return FileDigest(sha256, now.st_size, is_new=False)
                os.fchmod(handle, now.st_mode & 0o7000 | _FILE)
            return FileDigest(sha256, now.st_size)

    def _opened(self, path: str) -> int:
        """A file to read, though its owner has closed it; nothing that a link leads to. Raises OSError."""
        try:
            return os.open(path, _READ, dir_fd=self.handle)
        except PermissionError:
            mode = os.stat(path, dir_fd=self.handle, follow_symlinks=False).st_mode
            if not stat.S_ISREG(mode):
                raise
            os.chmod(path, stat.S_IMODE(mode) | stat.S_IRUSR, dir_fd=self.handle)
            handle = os.open(path, _READ, dir_fd=self.handle)
            os.fchmod(handle, stat.S_IMODE(mode))
            return handle

    def _foreign(self, paths: Sequence[str]) -> Problem:
        """What to say of what no build put there."""
        shown = ", ".join(paths[:_SHOWN]) + (f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else "")
        is_edited = all(map(self.record.names, paths))
        what = "since a build wrote it, somebody changed" if is_edited else "no build wrote"
        way = "move it away" if len(paths) == 1 else "move them away"
        adopt = (
            "" if self.adopting else ", or ssg build --adopt, which replaces what the site has files for, and no more"
        )
        return Problem(f"{what} {shown} in {self.root}", hint=way + adopt, code=Exit.MACHINE)

    def _make(self, folder: str) -> None:
        """A folder on the stage, with those above it; each is made once, since there are as many as pages."""
        if folder in self._made:
            return
        self._made.add(folder)
        if folder:
            self._make(folder.rpartition("/")[0])
            with suppress(FileExistsError):
                os.mkdir(f"{self.scaffold}/{_NEW}/{folder}")  # noqa: PTH102

    def _write(self, target: str, content: bytes | Path) -> None:
        handle = os.open(target, _FRESH, _FILE)
        try:
            for chunk in _chunks(content):
                _write_all(handle, chunk)
        finally:
            os.close(handle)


@contextmanager
def staged(
    root: Path,
    found: Mapping[str, Stamp] | None,
    last: Stamp | None,
    progress: Progress,
    *,
    left: Mapping[str, tuple[Any, ...]] = _NOTHING,
    adopting: bool = False,
    lasting: bool = True,
) -> Iterator[Stage]:
    """The folder with the real path `root`, for one build alone; another that is at work there is waited for.

    `found`, `left` and `adopting` as in Stage; None: not known yet. `last` is what ssg.output.record.mark_of the folder
    was before that. What was built is on record afterwards if that is `lasting`.

    Raises Problem (exit 9) for a folder that holds a repository, and where the disk refuses.
    """
    mask = os.umask(0o022)  # files and folders of the tree are for everybody to read, whoever builds it
    try:
        with ExitStack() as stack:
            with refusals(root):
                record = stack.enter_context(records.opened(root, progress, lasting=lasting))
                handle, made = files.entered(root)
                stack.callback(os.close, handle)
                stack.push(lambda kind, *_: files.leave(made) if kind else None)
                scaffold = stack.enter_context(erected(root, handle, record))
                looked = found is None or record.before != last or record.is_empty or record.leaves_any
                if found is None or looked:
                    _open_folders(root, record)
                    found = files_of(root, scaffold.name)
            yield Stage(root, handle, scaffold, found, record, left, adopting, looked)
    finally:
        os.umask(mask)


@contextmanager
def refusals(root: Path) -> Iterator[None]:
    """Turns what the disk says into a Problem (exit 9)."""
    try:
        yield
    except OSError as error:
        raise Problem(f"can't write {error.filename or root}: {error.strerror}", code=Exit.MACHINE) from None


def describe(content: bytes | Path) -> FileDigest:
    """What a file with this content would be."""
    if isinstance(content, bytes):
        return FileDigest(hashlib.sha256(content).hexdigest(), len(content))
    sha256 = hashlib.sha256()
    size = 0
    for chunk in _chunks(content):
        sha256.update(chunk)
        size += len(chunk)
    return FileDigest(sha256.hexdigest(), size)


def folders(path: str) -> list[str]:
    """The folders that a path lies in, outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def files_of(root: Path, besides: str = "") -> dict[str, Stamp]:
    """All files that stand there, sorted, and what they look like; without those in the folder `besides`.

    Raises Problem (exit 9) where git keeps some of them.
    """
    found = dict(sorted(stamps.below(str(root), besides)))
    for path in found:
        if ".git" in path.casefold().split("/"):
            raise Problem(
                f"{root} can't be the output folder: it holds {path}",
                hint="build into a folder of its own, and copy the files from there",
                code=Exit.MACHINE,
            )
    return found


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _is_alike(now: os.stat_result, seen: Stamp | None) -> bool:
    """Whether a file is the one that was seen, and nobody wrote to it since; whoever may read it."""
    return seen is not None and (now.st_size, now.st_mtime_ns, now.st_ino) == (seen[0], seen[1], seen[3])


def _open_folders(root: Path, record: Record, shown: Collection[str] | None = None) -> None:
    """Folders of builds that were closed by hand can be looked into again; those with pages, which are `shown`, by all.

    Whose they are by now is known only when all in them was looked at.
    """
    for here, names, _ in os.walk(root):
        for name in names:
            path = Path(here, name)
            folder = path.relative_to(root).as_posix()
            if record.made(folder) and (shown is None or folder in shown):
                with suppress(OSError):  # another user's
                    mode = path.lstat().st_mode
                    wanted = mode | stat.S_IRWXU if shown is None else mode & 0o7000 | _FOLDER
                    if stat.S_ISDIR(mode) and stat.S_IMODE(mode) != stat.S_IMODE(wanted):
                        path.chmod(stat.S_IMODE(wanted))


def _chunks(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield from (content[start : start + CHUNK] for start in range(0, len(content), CHUNK))
        return
    with content.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
