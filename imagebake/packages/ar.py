"""What a .deb is packed in: ar, and in that xz or gzip. From hostile bytes too comes a Problem or the content, and
memory stays bounded.

Source: deb(5).
"""

import lzma
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from imagebake.image.entries import CHUNK
from sealpress.problems import LockProblem, Problem

_XZ_MEMORY: Final = 96 << 20  # `xz -9` needs 65 MB to unpack


def members(file: BinaryIO) -> Iterator[tuple[str, Iterator[bytes]]]:
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


def refused(why: str) -> Problem:
    """Says only what is wrong; who reads the archive adds its name."""
    return LockProblem(why)
