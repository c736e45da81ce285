"""Tar, read strictly: from hostile bytes too comes a Problem or the content, and memory stays bounded.

Python's tarfile accepts more than an image or a package may hold, trusts the lengths that an archive claims, and holds
an extended header of any size.

Sources: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Header Block"; GNU tar manual, "Basic Tar Format" (types
L and K for long names).
"""

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import BinaryIO, Final, Literal

from imagebake.image.entries import CHUNK
from imagebake.image.tar import BLOCK
from sealpress.frozen import frozen
from sealpress.problems import Problem, TreeProblem

# Bounds far above anything that an image is made of, and far below what would hurt a machine.
FILE_LIMIT: Final = 256 << 20  # bytes of one file that is held
TOTAL_LIMIT: Final = 1 << 30  # bytes of one stream
ITEM_LIMIT: Final = 100_000
_NAME_LIMIT: Final = 64 << 10  # bytes of an extended header: names, and nothing else that is read
_EXTENDED_LIMIT: Final = 16  # headers for one member

MemberKind = Literal["file", "hard link", "symlink", "directory", "device"]

_KINDS: Final[dict[bytes, MemberKind]] = {
    b"0": "file",
    b"\0": "file",
    b"1": "hard link",
    b"2": "symlink",
    b"3": "device",
    b"4": "device",
    b"6": "device",
    b"5": "directory",
}
_ROOT: Final = frozenset({"", "."})


@frozen
class Member:
    """One member, of which nothing is checked but the form. `size` is a file's, in bytes; `target` a link's.

    `start`: where a file's bytes begin, in a tar that can be sought in. `data`: the bytes, where they were wanted.
    """

    path: str
    kind: MemberKind
    mode: int
    size: int
    target: str
    start: int = 0
    data: bytes | None = None


def members(file: BinaryIO, limit: int = ITEM_LIMIT) -> Iterator[Member]:
    """The members of a tar that can be sought in, from its beginning; contents are passed over.

    Paths are without "./" before and "/" behind them, and modes without the file's type. The file's position may be
    moved between two members. Raises Problem (exit 5): bytes that are no tar, a path that leads out of it, more members
    than `limit`.
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

    for _ in range(limit):
        if (found := _next(read)) is None:
            return
        if at + found.size > end:
            raise _refused(f'it is cut short at "{found.path}", or too large')
        yield replace(found, path=_inside(found.path), mode=found.mode & 0o7777, start=at)
        at += found.size + -found.size % BLOCK
    raise _refused(f"it is too large: more than {limit} members")


def streamed(pieces: Iterator[bytes], wanted: Callable[[str], bool]) -> Iterator[Member]:
    """The members of a tar that comes in pieces, with the content of those files whose path is `wanted`.

    Raises Problem (exit 5) for bytes that are no tar, and beyond the bounds above.
    """
    reader = _Stream(pieces)
    for _ in range(ITEM_LIMIT):
        if (found := _next(reader.read)) is None:
            return
        if found.size > FILE_LIMIT:
            raise _refused(f'"{found.path}" has {found.size} bytes, more than the {FILE_LIMIT} that are allowed')
        if found.kind == "file" and wanted(found.path):
            yield replace(found, data=reader.read(found.size))
            reader.read(-found.size % BLOCK)
        else:
            reader.skip(found.size + -found.size % BLOCK)
            yield found
    raise _refused(f"it holds more than {ITEM_LIMIT} files")


def _next(read: Callable[[int], bytes]) -> Member | None:
    """The next member, without its content, by its header and the extended ones before it; None at the tar's end.

    `read` gives exactly as many bytes as it is asked for.
    """
    path = target = None
    for _ in range(_EXTENDED_LIMIT):
        header = read(BLOCK)
        if header == bytes(BLOCK):
            return None
        _check_sum(header)
        flag, size = header[156:157], _number(header[124:136])
        if flag not in {b"L", b"K", b"x", b"g"}:
            path = _path(header) if path is None else path
            if (kind := _KINDS.get(flag)) is None:
                raise _refused(f'"{path}" is of a type that no package has')
            link = (_text(header[157:257]) if target is None else target) if "link" in kind else ""
            return Member(path, kind, _number(header[100:108]), size if kind == "file" else 0, link)
        if size > _NAME_LIMIT:
            raise _refused(f"an extended header has {size} bytes, more than the {_NAME_LIMIT} that are allowed")
        extended = read(size)
        read(-size % BLOCK)
        match flag:
            case b"L":
                path = _text(extended)
            case b"K":
                target = _text(extended)
            case b"x":
                records = _records(extended)
                path = records.get("path", path)
                target = records.get("linkpath", target)
    raise _refused("it has extended headers without end")


class _Stream:
    """Exact reads from pieces, with a bound on all of them together."""

    __slots__ = ("_buffer", "_left", "_pieces")

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._buffer = bytearray()
        self._left = TOTAL_LIMIT

    def read(self, size: int) -> bytes:
        if size > len(self._buffer) + CHUNK:
            return self._read_large(size)
        while len(self._buffer) < size:
            self._buffer += self._piece()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _read_large(self, size: int) -> bytes:
        """As `read`, without a second copy of a large file on the way."""
        pieces = [bytes(self._buffer)]
        self._buffer.clear()
        left = size - len(pieces[0])
        while left:
            piece = self._piece()
            pieces.append(piece[:left])
            self._buffer += piece[left:]
            left -= len(pieces[-1])
        return b"".join(pieces)

    def skip(self, size: int) -> None:
        while size:
            if not self._buffer:
                self._buffer += self._piece()
            step = min(size, len(self._buffer))
            del self._buffer[:step]
            size -= step

    def _piece(self) -> bytes:
        piece = next(self._pieces, None)
        if piece is None:
            raise _refused("it is cut short")
        self._left -= len(piece)
        if self._left < 0:
            raise _refused(f"it unpacks to more than the {TOTAL_LIMIT} bytes that are allowed")
        return piece


def _check_sum(header: bytes) -> None:
    # The sum is taken with its own eight bytes as spaces.
    if sum(header[:148]) + 8 * 0x20 + sum(header[156:]) != _number(header[148:156]):
        raise _refused("a tar header is broken")


def _number(field: bytes) -> int:
    digits = field.strip(b" \0")
    if not digits:
        return 0
    if not digits.isdigit() or b"8" in digits or b"9" in digits:
        # GNU's form for numbers that eight octal digits can't say: no package needs it.
        raise _refused("a tar header has a number that can't be read")
    return int(digits, 8)


def _path(header: bytes) -> str:
    name = _text(header[:100])
    prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _text(field: bytes) -> str:
    text = field.split(b"\0", 1)[0]
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise _refused(f'the name "{text.decode("utf-8", "backslashreplace")}" is not UTF-8') from None


def _records(data: bytes) -> dict[str, str]:
    """Pax records: "LENGTH KEY=VALUE" and a line feed, where LENGTH counts the whole record."""
    records = {}
    while data:
        digits, space, _ = data[:20].partition(b" ")
        if not (space and digits.isdigit()) or int(digits) > len(data) or data[int(digits) - 1 : int(digits)] != b"\n":
            raise _refused("a pax header is broken")
        key, equals, value = data[len(digits) + 1 : int(digits) - 1].partition(b"=")
        if not equals:
            raise _refused("a pax header is broken")
        if key in {b"path", b"linkpath"}:
            records[key.decode()] = _text(value)
        elif key in {b"size", b"GNU.sparse.major", b"GNU.sparse.map"}:
            raise _refused("it holds a sparse or oversized file")
        data = data[int(digits) :]
    return records


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


def _inside(path: str) -> str:
    """The path from the archive's root; "" is the root itself."""
    bare = path.removeprefix("./").removesuffix("/")
    if bare in _ROOT:
        return ""
    if bare.startswith("/") or {"", ".", ".."} & {*bare.split("/")}:
        raise _refused(f'the path "{path}" leads out of it')
    return bare


def _refused(why: str) -> Problem:
    return TreeProblem(why)
