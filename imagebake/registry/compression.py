"""The one gzip writer for layers that go to a registry, and the reader for those that come from one.

A layer is named by its uncompressed tar everywhere but in a registry, where compressed ones are expected. Python's zlib
at level 6 writes them. Its bytes may differ between versions of zlib, so the version is told in the manifest's
annotation, and an image stays known by its configuration, which names the uncompressed layers. A writer of our own in
Python was measured, too: the same everywhere, but 8 to 10 % larger and ten times as slow. Level 9 takes three times as
long as 6 and saves 0.4 %.

Source: RFC 1952 (gzip), RFC 1951 (deflate).
"""

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from imagebake.fetch import cache
from sealpress.frozen import frozen
from sealpress.problems import Problem, RegistryProblem

LEVEL: Final = 6
FORMAT: Final = 1
"""Changes with anything in this file that changes bytes."""

# No name, no time, no operating system (255: unknown).
_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_PIECE: Final = 1 << 20


@frozen
class Compressed:
    """The gzip form of a layer: its digest, "sha256:…", and its size in bytes."""

    digest: str
    size: int


def writer() -> str:
    """What determines the bytes: "gzip 1, zlib 1.3.1, level 6"."""
    return f"gzip {FORMAT}, zlib {zlib.ZLIB_RUNTIME_VERSION}, level {LEVEL}"


def compress(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """One gzip member with these bytes."""
    yield _HEADER
    deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, 8, zlib.Z_DEFAULT_STRATEGY)
    checksum = size = 0
    for piece in pieces:
        checksum = zlib.crc32(piece, checksum)
        size += len(piece)
        if packed := deflate.compress(piece):
            yield packed
    yield deflate.flush() + struct.pack("<II", checksum, size & 0xFFFFFFFF)


def write(pieces: Iterable[bytes], file: Path) -> Compressed:
    """Writes the gzip form to a file. Raises OSError."""
    sha = hashlib.sha256()
    size = 0
    with file.open("wb") as out:
        for piece in compress(pieces):
            out.write(piece)
            sha.update(piece)
            size += len(piece)
    return Compressed("sha256:" + sha.hexdigest(), size)


def expand(pieces: Iterable[bytes], limit: int, what: str) -> Iterator[bytes]:
    """The bytes of one gzip member, in pieces of at most 1 MiB; never more than `limit` in all.

    Raises Problem (exit 11) for what is no gzip, ends early, goes on after its end, or is larger.
    """
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
    left = limit
    for given in pieces:
        waiting = given
        while waiting:
            if inflate.eof:
                raise _refused(what, "goes on behind its end")
            try:
                piece = inflate.decompress(waiting, _PIECE)
            except zlib.error:
                raise _refused(what, "is no gzip") from None
            left -= len(piece)
            if left < 0:
                raise _refused(what, f"is larger than {limit} bytes")
            if piece:
                yield piece
            waiting = inflate.unconsumed_tail or inflate.unused_data
    if not inflate.eof:
        raise _refused(what, "ends early")


def recall(diff_id: str) -> Compressed | None:
    """What this writer made of a layer before, so that one that the registry has is not compressed again."""
    found = cache.recalled_digest("compressed", f"{writer()}\0{diff_id}")
    return Compressed(*found) if found else None


def remember(diff_id: str, compressed: Compressed) -> None:
    cache.remember_digest("compressed", f"{writer()}\0{diff_id}", compressed.digest, compressed.size)


def _refused(what: str, why: str) -> Problem:
    return RegistryProblem(f"{what} from the registry {why}")
