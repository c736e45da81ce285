"""What a file looks like from outside, so that one that didn't change need not be read.

A file that was changed so shortly before it was looked at that its time could not tell a second change from the first
is not believed: git's index has the same rule ("racy git").
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

Stamp = tuple[int, int, int, int]
"""Size, time of the content, time of the inode (both in ns), inode."""

_TICK: Final = 50_000_000  # ns; file systems stamp times by a clock that stands still for up to a tenth of it


def stamp(file: str | Path) -> Stamp | None:
    """None for what is not there."""
    try:
        return of(os.lstat(file))
    except OSError:
        return None


def of(found: os.stat_result) -> Stamp:
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def is_settled(seen: Stamp, now: int) -> bool:
    """Whether a later change would show, for a file that was looked at when the file system's clock was at `now`."""
    return max(seen[1], seen[2]) <= now - _TICK


def below(folder: str, besides: str = "", nowhere: str = "") -> Iterator[tuple[str, Stamp]]:
    """Every file below a folder by its relative path, without the entry `besides` at its top, and without the folders
    that are called `nowhere`, wherever they are. Links are files here.
    """
    yield from _walk(folder, "", besides, nowhere)


def _walk(folder: str, prefix: str, besides: str, nowhere: str) -> Iterator[tuple[str, Stamp]]:
    with os.scandir(folder) as items:
        for item in items:
            if item.is_dir(follow_symlinks=False):
                if item.name != nowhere and (prefix or item.name != besides):
                    yield from _walk(item.path, f"{prefix}{item.name}/", besides, nowhere)
            elif prefix or item.name != besides:
                with suppress(FileNotFoundError):  # it is gone since it was listed
                    yield prefix + item.name, of(item.stat(follow_symlinks=False))


def now(folder: Path) -> int:
    """The time by the clock that stamps files in `folder`, in ns; 0 where that can't be told, so nothing is settled."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            return os.fstat(file.fileno()).st_ctime_ns
    except OSError:
        return 0
