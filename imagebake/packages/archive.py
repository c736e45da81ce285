"""ar and tar, read strictly: what a .deb is made of. From hostile bytes too comes a Problem or the content, and memory
stays bounded.

Python's tarfile accepts more than a package may hold, and trusts lengths that the archive claims.
Sources: deb(5); POSIX.1-2017, pax, "ustar Interchange Format" and "pax Header Block"; GNU tar manual, "Basic
Tar Format" (types L and K for long names).
"""

import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Final, Literal

from sealpress.problems import Exit, Problem

CHUNK: Final = 1 << 20
BLOCK: Final = 512

# Bounds far above any package that an image is made of, and far below what would hurt a machine.
FILE_LIMIT: Final = 256 << 20  # bytes of one file
TOTAL_LIMIT: Final = 1 << 30  # bytes of one archive, unpacked
ITEM_LIMIT: Final = 100_000
_NAME_LIMIT: Final = 64 << 10  # bytes of an extended header: names, and nothing else that is read
_EXTENDED_LIMIT: Final = 16  # headers for one member
_XZ_MEMORY: Final = 96 << 20  # `xz -9` needs 65 MB to unpack

Kind = Literal["file", "hard link", "symlink", "directory", "device"]


@dataclass(frozen=True, slots=True)
class Item:
    """One member of a tar, as the archive says it: nothing is checked but the form. `data` is None where not wanted."""

    path: str
    kind: Kind
    mode: int
    size: int
    target: str
    data: bytes | None


def ar_members(file: BinaryIO) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Name and content of each member. A content not read is skipped. Raises Problem (exit 4)."""
    if file.read(8) != b"!<arch>\n":
        raise refused("it is no ar archive")
    end = file.seek(0, 2)
    at = 8
    while at < end:
        file.seek(at)
        header = file.read(60)
        if len(header) < 60 or header[58:] != b"`\n":
            raise refused("a member's header is broken")
        name = header[:16].rstrip(b" ").removesuffix(b"/")
        digits = header[48:58].rstrip(b" ")
        if not name.isascii() or not digits.isdigit():
            raise refused("a member's header is broken")
        size = int(digits)
        at += 60
        if at + size > end:
            raise refused("it is cut short")
        yield name.decode(), _slice(file, at, size)
        at += size + size % 2


def _slice(file: BinaryIO, start: int, size: int) -> Iterator[bytes]:
    file.seek(start)
    while size and (chunk := file.read(min(size, CHUNK))):
        size -= len(chunk)
        yield chunk


def unpacked(name: str, packed: Iterator[bytes]) -> Iterator[bytes]:
    """The content of `x.tar`, `x.tar.gz` or `x.tar.xz`, in pieces of at most CHUNK. Raises Problem (exit 4)."""
    match name.rpartition(".tar")[2]:
        case "":
            return packed
        case ".xz":
            return unxz(packed)
        case ".gz":
            return _ungzip(packed)
        case other:
            raise refused(f'"{name}" is packed with "{other}"; xz and gz are understood')


def unxz(packed: Iterator[bytes]) -> Iterator[bytes]:
    """One xz stream, in pieces of at most CHUNK. Raises Problem (exit 4), also where it wants too much memory."""
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
    try:
        for chunk in packed:
            yield unpacker.decompress(chunk, CHUNK)
            while not (unpacker.needs_input or unpacker.eof):
                yield unpacker.decompress(b"", CHUNK)
            if unpacker.eof:
                return
    except lzma.LZMAError as error:
        raise refused(f"its xz data is broken ({error})") from None
    raise refused("its xz data is cut short")


def _ungzip(packed: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        for chunk in packed:
            yield unpacker.decompress(chunk, CHUNK)
            while unpacker.unconsumed_tail and not unpacker.eof:
                yield unpacker.decompress(unpacker.unconsumed_tail, CHUNK)
            if unpacker.eof:
                return
    except zlib.error as error:
        raise refused(f"its gzip data is broken ({error})") from None
    raise refused("its gzip data is cut short")


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before a member of a tar: names of any length, and its type as ustar has it."""

    path: str
    target: str
    kind: bytes
    mode: int
    size: int


def next_header(read: Callable[[int], bytes]) -> Header | None:
    """The next member's header, with the extended ones before it; None at the tar's end.

    `read` gives exactly as many bytes as it is asked for. Raises Problem (exit 4).
    """
    long_path = long_target = None
    for _ in range(_EXTENDED_LIMIT):
        header = read(BLOCK)
        if header == bytes(BLOCK):
            return None
        _check_sum(header)
        kind = header[156:157]
        size = _number(header[124:136])
        if kind not in {b"L", b"K", b"x", b"g"}:
            path = _path(header) if long_path is None else long_path
            target = _text(header[157:257]) if long_target is None else long_target
            return Header(path, target, kind, _number(header[100:108]), size)
        if size > _NAME_LIMIT:
            raise refused(f"an extended header has {size} bytes, more than the {_NAME_LIMIT} that are allowed")
        extended = read(size)
        read(-size % BLOCK)
        match kind:
            case b"L":
                long_path = _text(extended)
            case b"K":
                long_target = _text(extended)
            case b"x":
                records = _records(extended)
                long_path = records.get("path", long_path)
                long_target = records.get("linkpath", long_target)
    raise refused("it has extended headers without end")


def tar_items(pieces: Iterator[bytes], wanted: Callable[[str], bool]) -> Iterator[Item]:
    """The members of a tar in its order; the content of those files whose path is `wanted`, which sees the raw path.

    Raises Problem (exit 4) for bytes that are no tar, and beyond the bounds above.
    """
    reader = _Reader(pieces)
    for _ in range(ITEM_LIMIT):
        header = next_header(reader.read)
        if header is None:
            return
        item = item_of(header)
        if item.kind == "file" and wanted(item.path):
            yield replace(item, data=reader.padded(item.size, FILE_LIMIT, f'"{item.path}"'))
        else:
            reader.skip(item.size, f'"{item.path}"')
            yield item
    raise refused(f"it holds more than {ITEM_LIMIT} files")


def item_of(header: Header) -> Item:
    """The member without its content. Raises Problem (exit 4) for a type that nothing here should hold."""
    path, target, mode, size = header.path, header.target, header.mode, header.size
    match header.kind:
        case b"0" | b"\0":
            return Item(path, "file", mode, size, "", None)
        case b"1":
            return Item(path, "hard link", mode, 0, target, None)
        case b"2":
            return Item(path, "symlink", mode, 0, target, None)
        case b"3" | b"4" | b"6":
            return Item(path, "device", mode, 0, "", None)
        case b"5":
            return Item(path, "directory", mode, 0, "", None)
        case _:
            raise refused(f'"{path}" is of a type that no package has')


class _Reader:
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

    def padded(self, size: int, limit: int, what: str) -> bytes:
        if size > limit:
            raise refused(f"{what} has {size} bytes, more than the {limit} that are allowed")
        data = self.read(size)
        self.read(-size % BLOCK)
        return data

    def skip(self, size: int, what: str) -> None:
        if size > FILE_LIMIT:
            raise refused(f"{what} has {size} bytes, more than the {FILE_LIMIT} that are allowed")
        left = size + -size % BLOCK
        while left:
            if not self._buffer:
                self._buffer += self._piece()
            step = min(left, len(self._buffer))
            del self._buffer[:step]
            left -= step

    def _piece(self) -> bytes:
        piece = next(self._pieces, None)
        if piece is None:
            raise refused("it is cut short")
        self._left -= len(piece)
        if self._left < 0:
            raise refused(f"it unpacks to more than the {TOTAL_LIMIT} bytes that are allowed")
        return piece


def _check_sum(header: bytes) -> None:
    # The sum is taken with its own eight bytes as spaces.
    if sum(header[:148]) + 8 * 0x20 + sum(header[156:]) != _number(header[148:156]):
        raise refused("a tar header is broken")


def _number(field: bytes) -> int:
    digits = field.strip(b" \0")
    if not digits:
        return 0
    if not digits.isdigit() or b"8" in digits or b"9" in digits:
        # GNU's form for numbers that eight octal digits can't say: no package needs it.
        raise refused("a tar header has a number that can't be read")
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
        raise refused(f'the name "{text.decode("utf-8", "backslashreplace")}" is not UTF-8') from None


def _records(data: bytes) -> dict[str, str]:
    """Pax records: "LENGTH KEY=VALUE" and a line feed, where LENGTH counts the whole record."""
    records = {}
    while data:
        digits, space, _ = data[:20].partition(b" ")
        if not (space and digits.isdigit()) or int(digits) > len(data) or data[int(digits) - 1 : int(digits)] != b"\n":
            raise refused("a pax header is broken")
        key, equals, value = data[len(digits) + 1 : int(digits) - 1].partition(b"=")
        if not equals:
            raise refused("a pax header is broken")
        if key in {b"path", b"linkpath"}:
            records[key.decode()] = _text(value)
        elif key in {b"size", b"GNU.sparse.major", b"GNU.sparse.map"}:
            raise refused("it holds a sparse or oversized file")
        data = data[int(digits) :]
    return records


def refused(why: str) -> Problem:
    """Says only what is wrong; who reads the archive adds its name."""
    return Problem(why, code=Exit.LOCK)
