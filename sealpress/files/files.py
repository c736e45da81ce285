"""Files that are there whole or not at all, and folders below a repository: none of its links leads elsewhere.

What is written has a name of its own until it is whole, which none can foresee, and then takes its place by rename(2).
What a killed writer leaves in a folder of sealpress's own is swept from there after a day; files beside which nothing
may stay behind, since their folders are other people's, are written by scratch.save.

What a disk refuses is an OSError here, as is a link where a folder has to be: callers say what could not be kept.
"""

import errno
import os
import re
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from sealpress.problems import MachineProblem

_LINKS: Final = 40  # on the way to one file: as many as Linux follows
_PATH: Final = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW: Final = ".new-"
_LEFT: Final = re.compile(re.escape(_NEW) + r"[a-z0-9_]{8,16}")  # shorter ones by earlier versions
_DAY: Final = 86_400  # seconds: no writer takes as long
_FRESH: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def is_folder(path: str | Path) -> bool:
    """Whether a folder stands there itself, not only a link to one."""
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def make(top: Path, *below: str) -> Path:
    """Makes the folders one in the other below `top`, unless they are there. Raises OSError, also for a link."""
    folder = top
    for name in below:
        folder /= name
        if is_folder(folder):
            continue
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if not is_folder(folder):  # made by another process in between
                raise OSError(errno.ELOOP, "it is no folder of its own, but a link or a file", str(folder)) from None
    return folder


def hide(folder: Path) -> None:
    """Keeps a folder, with all in it, out of every commit. Raises OSError."""
    with suppress(FileExistsError):
        handle = os.open(folder / ".gitignore", _FRESH, 0o644)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write("*\n")


def opened(file: Path) -> BinaryIO:
    """A plain file to read; nothing else, and not through a link in its place. Raises OSError."""
    handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is no plain file", str(file))
    return os.fdopen(handle, "rb")


@contextmanager
def writing(file: Path, *, mode: int = 0o600, sync: bool = False) -> Iterator[BinaryIO]:
    """A file to write that takes the place of `file` at the end; where that isn't reached, nothing of it stays.

    Its folder is there. `sync`: it is on the disk by then, so that even a machine that stops leaves the older file or
    the new one. Raises OSError.
    """
    temporary = file.with_name(f"{_NEW}{os.urandom(8).hex()}")
    handle = os.open(temporary, _FRESH, 0o600)
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
            finish(out, mode=mode, sync=sync)
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def finish(out: BinaryIO, *, mode: int, sync: bool) -> None:
    """Gives a file that is written what it needs before it takes its place. Raises OSError."""
    os.fchmod(out.fileno(), mode)
    if sync:
        out.flush()
        os.fsync(out.fileno())


def save(file: Path, data: bytes) -> None:
    """Puts a file for all to read in place for good, whole or not at all. Raises OSError."""
    with writing(file, mode=0o644, sync=True) as out:
        out.write(data)


def keep(file: Path, parts: Iterable[bytes]) -> None:
    """Puts a file of this user's in place that can be made anew: a disk that refuses costs time, and no error.

    Where one of the parts raises, no file is written.
    """
    with suppress(OSError), writing(file) as out:
        out.writelines(parts)


def is_left(name: str, written: float, now: float) -> bool:
    """Whether a file of that name and that last change is what a killed writer left. `now` is its file system's."""
    return written < now - _DAY and _LEFT.fullmatch(name) is not None


def sweep(folder: Path, now: float) -> None:
    """Removes what killed writers left in a folder of sealpress's own."""
    with suppress(OSError), os.scandir(folder) as found:
        for item in found:
            is_new = item.name.startswith(_NEW) and item.is_file(follow_symlinks=False)
            if is_new and is_left(item.name, item.stat().st_mtime, now):
                Path(item.path).unlink()


def repository(folder: Path) -> Path:
    """The real folder that whoever wrote what is in `folder` could put links into: the repository's, else itself."""
    real = Path(os.path.realpath(folder))
    return next((one for one in (real, *real.parents) if os.path.lexists(one / ".git")), real)


def is_git(name: str) -> bool:
    """Whether some file system takes a folder's name for ".git" (git-config(1), core.protectNTFS and protectHFS)."""
    plain = "".join(char for char in name if unicodedata.category(char) != "Cf")
    return plain.casefold().rstrip(". ") in {".git", "git~1"}


def check_way(path: Path) -> None:
    """Raises Problem (exit 9) where what a person names lies behind a link of a repository, or in git's own folder.

    Repositories are that of the current folder, and those that the path leads through.
    """
    whole = path.absolute()
    if any(map(is_git, whole.parts)):
        raise MachineProblem(f"{path} lies in what git keeps of a repository", hint="name another one")
    through = [Path(os.path.realpath(one)) for one in whole.parents if os.path.lexists(one / ".git")]
    for top in (repository(Path.cwd()), *through):
        real(path, top)


def real(path: Path, top: Path) -> Path:
    """The path with neither "." nor ".." nor a link in it; its end need not exist.

    Links of this machine's user are followed. One in the folder `top`, which is such a path itself, could have come
    with the repository: Problem (exit 9).
    """
    left = list(reversed(path.absolute().parts[1:]))
    here = Path(path.absolute().anchor)
    followed = 0
    while left:
        name = left.pop()
        if name == "..":
            here = here.parent
            continue
        there = here / name
        try:
            target = there.readlink()
        except OSError:  # no link, or nothing at all
            here = there
            continue
        followed += 1
        if there.is_relative_to(top) or followed > _LINKS:
            raise MachineProblem(
                f"{there} is a link on the way to {path}: what a repository links to could be anything",
                hint=f"name the folder itself: {os.path.realpath(there)}; or remove the link",
            )
        here = Path(target.anchor) if target.is_absolute() else here
        left += reversed(target.parts[1:] if target.is_absolute() else target.parts)
    return here


def above(path: Path) -> Iterator[Path]:
    """A path and all folders that it lies in, innermost first."""
    yield path
    yield from path.parents


def entered(folder: Path) -> tuple[int, list[Path]]:
    """A folder, opened with no link followed, even one that came a moment ago; and those that were made for it.

    The outermost of these comes first. Raises OSError.
    """
    made: list[Path] = []
    here = Path(folder.anchor)
    handle = os.open(here, _PATH)
    try:
        for name in folder.parts[1:]:
            here /= name
            with suppress(FileExistsError):
                if not os.path.lexists(here):
                    os.mkdir(name, 0o755, dir_fd=handle)
                    made.append(here)
            handle = _exchanged(handle, os.open(name, _READ if here == folder else _PATH, dir_fd=handle))
        return os.open(".", _READ, dir_fd=handle), made
    except BaseException:
        leave(made)
        raise
    finally:
        os.close(handle)


def leave(made: Iterable[Path]) -> None:
    """Takes folders away that were made and are empty still, the last one first."""
    with suppress(OSError):
        for folder in reversed(list(made)):
            folder.rmdir()


@contextmanager
def within(handle: int, folder: str) -> Iterator[int]:
    """A folder below one that is open, itself opened with no link followed. Raises OSError."""
    here = os.dup(handle)
    try:
        for name in folder.split("/") if folder else ():
            here = _exchanged(here, os.open(name, _READ, dir_fd=here))
        yield here
    finally:
        os.close(here)


def move(here: int, there: int) -> None:
    """Moves all in a folder into another of the same disk, over what stands there; a folder that is new, as a whole.

    Both are open; no link in either is followed. Raises OSError.
    """
    with os.scandir(here) as found:
        items = [(item.name, item.is_dir(follow_symlinks=False)) for item in found]
    for name, is_a_folder in items:
        if is_a_folder:
            try:
                target = os.open(name, _READ, dir_fd=there)
            except FileNotFoundError:
                os.rename(name, name, src_dir_fd=here, dst_dir_fd=there)
                continue
            try:
                with within(here, name) as inner:
                    move(inner, target)
            finally:
                os.close(target)
        else:
            os.replace(name, name, src_dir_fd=here, dst_dir_fd=there)


def _exchanged(old: int, new: int) -> int:
    os.close(old)
    return new
