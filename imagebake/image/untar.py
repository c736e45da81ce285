"""A tar read back: its members one after the other, each with where its bytes stand. Strict, and in bounded memory.

Python's tarfile trusts the lengths that an archive claims, and holds an extended header of any size.
Source: POSIX.1-2017, pax, "ustar Interchange Format"; the form itself is read by imagebake/packages/archive.py.
"""

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from imagebake.packages.archive import BLOCK, ITEM_LIMIT, Kind, item_of, next_header
from sealpress.problems import Exit, Problem


@dataclass(frozen=True, slots=True)
class Member:
    """`path` as the archive says it, without "./" before and "/" behind it. A file's `size` bytes begin at `start`."""

    path: str
    kind: Kind
    mode: int
    target: str
    start: int
    size: int


def members(file: BinaryIO, limit: int = ITEM_LIMIT) -> Iterator[Member]:
    """The members of a tar that can be sought in, from its beginning; contents are passed over.

    The file's position may be moved between two members. Raises Problem (exit 5): bytes that are no tar, a path that
    leads out of it, more members than `limit`.
    """
    end = file.seek(0, os.SEEK_END)
    at = 0

    def read(size: int) -> bytes:
        nonlocal at
        file.seek(at)
        data = file.read(size)
        at += size
        if len(data) != size:
            raise _refused("it is cut short")
        return data

    try:
        for _ in range(limit):
            header = next_header(read)
            if header is None:
                return
            item = item_of(header)
            if at + item.size > end:
                raise _refused(f'it is cut short at "{item.path}", or too large')
            yield Member(_inside(item.path), item.kind, item.mode & 0o7777, item.target, at, item.size)
            at += item.size + -item.size % BLOCK
    except Problem as problem:
        raise Problem(problem.message, hint=problem.hint, code=Exit.TREE) from None
    raise _refused(f"it is too large: more than {limit} members")


class Window(io.RawIOBase):
    """A part of a file as a file of its own: any number of them may be read at once, and none moves another."""

    def __init__(self, handle: int, start: int, size: int) -> None:
        super().__init__()
        self._handle, self._start, self._size, self._at = handle, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, into: "memoryview | bytearray") -> int:  # type: ignore[override]
        wanted = max(0, min(len(into), self._size - self._at))
        data = os.pread(self._handle, wanted, self._start + self._at)
        into[: len(data)] = data
        self._at += len(data)
        return len(data)


_ROOT: Final = frozenset({"", "."})


def _inside(path: str) -> str:
    """The path from the archive's root; "" is the root itself."""
    bare = path.removeprefix("./").removesuffix("/")
    if bare in _ROOT:
        return ""
    if bare.startswith("/") or {"", ".", ".."} & {*bare.split("/")}:
        raise _refused(f'the path "{path}" leads out of it')
    return bare


def _refused(why: str) -> Problem:
    return Problem(why, code=Exit.TREE)
