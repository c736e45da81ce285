"""Compressed siblings: `index.html.br` beside `index.html`, made when the image is baked and served as they are.

They belong to the image, not to the tree: a sibling is a function of its file's bytes and of the encoder, which is
pinned exactly. Results are kept in the cache by the file's sha256, so an edit costs one page.

Quality 5 was chosen by measurement (`python -m benchmarks.compression`; the figures are in the docs, explanation/
on-the-wire): above 8 a page takes 20 to 40 times as long, 5 to 8 differ by less than 1 %, and 11, 11 % smaller on
pages, would alone take a bake of 1,000 posts over its limit. Gzip is left to nginx, for the few that take no Brotli:
so no byte of an image depends on a zlib.

Source: RFC 7932; nginx's ngx_http_brotli_static_module, which looks for the suffix.
"""

import hashlib
import os
import unicodedata
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import brotli  # type: ignore[import-untyped]  # it brings no types

from imagebake import cache
from imagebake.image.entries import CHUNK, File, Produced
from sealpress.problems import Exit, Place, Problem
from sealpress.tree import Entry, OutputTree

SUFFIX: Final = ".br"
QUALITY: Final = 5
WINDOW: Final = 20  # bits: 1 MiB. 22 wins nothing on files of a site, and takes twice the memory

SMALLEST: Final = 1024
"""Bytes. A smaller file goes out in one packet either way, and its sibling takes as much in the tar as it saves.

The module sends no gzip to those who take Brotli: what has no sibling goes to them as it is.
"""

WORTH: Final = 0.9
"""A sibling is kept where it has at most this part of its file's bytes."""

ENCODER: Final = f"brotli {brotli.__version__}"

RULES: Final = f"{ENCODER}, quality {QUALITY}, window {WINDOW}, from {SMALLEST} bytes, at most {WORTH}"
"""All that siblings depend on besides the files."""

_NAME_LIMIT: Final = 255  # bytes of one name, on every file system that an engine unpacks to
_WORKERS: Final = 8  # more would wait for one another in Python; each may take 7 MB
_MANY: Final = 8  # missing siblings that threads pay for
_DIGEST: Final = hashlib.sha256().digest_size


@dataclass(frozen=True, slots=True)
class _Packed:
    """The result of one file: its size in bytes and its sha256 in hex."""

    size: int
    sha256: str


def is_compressible(media_type: str) -> bool:
    """Whether files of this type have anything to gain: text, and the few formats that do not compress themselves."""
    return media_type.startswith("text/") or media_type.endswith(
        ("xml", "json", "/wasm", "/ttf", "/otf", "/bmp", ".icon")
    )


def candidates(tree: OutputTree) -> frozenset[str]:
    """The paths of the files that get a sibling where it pays, by their types, sizes and names alone.

    A tree that brings its own `x.br` keeps it, also where the two names differ in case or accents only.
    """
    taken: set[str] = set()
    for entry in tree.entries:
        path = entry.path
        taken.add(_folded(path))
        # A folder may be called `x.br`, too.
        while SUFFIX in (path := path.rpartition("/")[0]).lower():
            taken.add(_folded(path))
    return frozenset(
        entry.path
        for entry in tree.entries
        if entry.size >= SMALLEST
        and is_compressible(entry.media_type)
        and len(entry.path.rpartition("/")[2].encode()) + len(SUFFIX) <= _NAME_LIMIT
        and _folded(entry.path + SUFFIX) not in taken
    )


def of(tree: OutputTree, entries: Iterable[Entry], prefix: str = "") -> list[File]:
    """The siblings of these files of the tree that pay, in the files' order; their paths begin with `prefix`.

    What is missing in the cache is made on all cores. Memory holds descriptions, never the results. Raises Problem
    (exit 5) for a file that is not what the tree says.
    """
    found: dict[str, _Packed] = {}
    small: list[Entry] = []
    large: list[Entry] = []
    wanted = list(entries)
    for entry in wanted:
        if known := _recall(_blob(entry)):
            found[entry.path] = known
        elif entry.size <= CHUNK:
            small.append(entry)
        else:
            large.append(entry)
    make = partial(_make, tree)
    if len(small) < _MANY:
        made = list(map(make, small))
    else:
        # The encoder works without Python's lock, so threads share out the cores; the results come in their order.
        with ThreadPoolExecutor(min(len(os.sched_getaffinity(0)), _WORKERS)) as pool:
            made = list(pool.map(make, small))
    found |= {entry.path: packed for entry, packed in zip(small, made, strict=True)}
    found |= {entry.path: make(entry) for entry in large}  # one by one: memory
    return [
        _sibling(tree, entry, packed, prefix)
        for entry in wanted
        if (packed := found[entry.path]).size <= entry.size * WORTH
    ]


def _sibling(tree: OutputTree, entry: Entry, packed: _Packed, prefix: str) -> File:
    content = Produced(partial(_content, tree, entry, packed), packed.size, packed.sha256)
    return File(f"{prefix}{entry.path}{SUFFIX}", content)


def _content(tree: OutputTree, entry: Entry, packed: _Packed) -> Iterator[bytes]:
    """The sibling's bytes, from the cache or, where that can't be kept, made again. The tar checks their digest."""
    try:
        file = _blob(entry).open("rb")
    except OSError:
        yield from _compressed(tree, entry)
        return
    with file:
        left = packed.size
        while left > 0 and (chunk := file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk


def _blob(entry: Entry) -> Path:
    """Where the cache keeps a result: the compressed bytes, and behind them their sha256, so that damage shows."""
    version = f"{brotli.__version__}-{QUALITY}-{WINDOW}"
    return Path(f"{cache.folder()}/siblings/{version}/{entry.sha256[:2]}/{entry.sha256}")


def _recall(blob: Path) -> _Packed | None:
    """What the cache has; None for nothing, or for a damaged file."""
    sha = hashlib.sha256()
    try:
        with blob.open("rb") as file:
            size = left = os.fstat(file.fileno()).st_size - _DIGEST
            while left > 0 and (chunk := file.read(min(CHUNK, left))):
                sha.update(chunk)
                left -= len(chunk)
            is_whole = left == 0 and file.read() == sha.digest()
    except OSError:
        return None
    return _Packed(size, sha.hexdigest()) if is_whole else None


def _make(tree: OutputTree, entry: Entry) -> _Packed:
    sha = hashlib.sha256()
    size = 0

    def pieces() -> Iterator[bytes]:
        nonlocal size
        for piece in _compressed(tree, entry):
            sha.update(piece)
            size += len(piece)
            yield piece
        yield sha.digest()

    stream = pieces()
    cache.keep(_blob(entry), stream)
    for _ in stream:
        pass  # what a cache that can't be written has left
    return _Packed(size, sha.hexdigest())


def _compressed(tree: OutputTree, entry: Entry) -> Iterator[bytes]:
    # The bytes depend on how the encoder is fed: always in pieces of CHUNK.
    encoder = brotli.Compressor(quality=QUALITY, lgwin=WINDOW)
    sha = hashlib.sha256()
    try:
        with tree.file(entry).open("rb") as file:
            while chunk := file.read(CHUNK):
                sha.update(chunk)
                if piece := encoder.process(chunk):
                    yield piece
    except OSError as error:
        # Not to be taken for a fault of the cache, which would be passed over.
        raise Problem(
            f'can\'t read "{entry.path}": {error.strerror}', place=Place(entry.path), code=Exit.TREE
        ) from None
    if sha.hexdigest() != entry.sha256:
        raise Problem(
            f'"{entry.path}" changed while it was read',
            place=Place(entry.path),
            hint="let nothing write into the tree, and bake again",
            code=Exit.TREE,
        )
    yield encoder.finish()


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()
