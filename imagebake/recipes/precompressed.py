"""Compressed siblings: `index.html.br` beside `index.html`, made when the image is baked and served as they are.

They belong to the image, not to the tree: a sibling is a function of its file's bytes and of the encoder, which is
pinned exactly. Results are kept in the cache by the file's sha256, so an edit costs one page.

Those of small files are kept together, one pack for each layer: a file system takes longer to make a file than the
encoder to compress a page. A pack is rewritten where a page changed, and holds what was wanted last:

    sha256 of the file | size of its sibling, 8 bytes | signature | the sibling      … again and again

A large file's result is a file of its own: the sibling, and behind it its signature. What is signed
(sealpress/files/signing.py) is the sibling's sha256, as that of the file: so damage shows, and what anybody else put
there.

Quality 5 was chosen by measurement (`python -m benchmarks.compression`; the figures are in the docs, explanation/
on-the-wire): above 8 a page takes 20 to 40 times as long, 5 to 8 differ by less than 1 %, and 11, 11 % smaller on
pages, would alone take a bake of 1,000 posts over its limit. Gzip is left to nginx, for the few that take no Brotli,
and the same page says why: so no byte of an image depends on a zlib.

Source: RFC 7932; nginx's ngx_http_brotli_static_module, which looks for the suffix.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import brotli  # type: ignore[import-untyped]  # it brings no types

from imagebake.fetch import cache
from imagebake.image.entries import CHUNK, File, Produced, folded
from sealpress.files import signing
from sealpress.frozen import frozen
from sealpress.tree.tree import NAME_LIMIT, OutputTree, TreeFile, changed, unreadable

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

_DIGEST: Final = hashlib.sha256().digest_size
_HEAD: Final = _DIGEST + 8 + signing.SIZE


@frozen
class _SiblingBytes:
    """The result of one file: its size in bytes, its sha256 in hex, and where the cache has it, if it does.

    `data`: the bytes, where they were made or read just now and are few.
    """

    size: int
    sha256: str
    file: Path
    start: int = 0
    data: bytes = b""


def is_compressible(media_type: str) -> bool:
    """Whether files of this type have anything to gain: text, and the few formats that do not compress themselves."""
    return media_type.startswith("text/") or media_type.endswith(
        ("xml", "json", "/wasm", "/ttf", "/otf", "/bmp", ".icon")
    )


def unpacked(data: bytes, most: int) -> bytes | None:
    """What Brotli holds, but no more than `most` bytes and little besides; None for what is none, or ends too early."""
    decoder = brotli.Decompressor()
    try:
        found: bytes = decoder.process(data, output_buffer_limit=most)
        while not decoder.is_finished() and len(found) < most:
            if not (more := decoder.process(b"", output_buffer_limit=most)):
                return None
            found += more
    except brotli.error:
        return None
    return found


def candidates(tree: OutputTree) -> frozenset[str]:
    """The paths of the files that get a sibling where it pays, by their types, sizes and names alone.

    A tree that brings its own `x.br` keeps it, also where the two names differ in case or accents only.
    """
    taken: set[str] = set()
    for entry in tree.entries:
        path = entry.path
        taken.add(folded(path))
        # A folder may be called `x.br`, too.
        while SUFFIX in (path := path.rpartition("/")[0]).lower():
            taken.add(folded(path))
    return frozenset(
        entry.path
        for entry in tree.entries
        if entry.size >= SMALLEST
        and is_compressible(entry.media_type)
        and len(entry.path.rpartition("/")[2].encode()) + len(SUFFIX) <= NAME_LIMIT
        and folded(entry.path + SUFFIX) not in taken
    )


def of(tree: OutputTree, entries: Iterable[TreeFile], prefix: str = "", pack: str = "") -> list[File]:
    """The siblings of these files of the tree that pay, in the files' order; their paths begin with `prefix`.

    `pack` names what is asked for together, whatever is in it today: a layer of a site. Memory holds CHUNK of the
    results, and descriptions of the others. Raises Problem (exit 5) for a file that is not what the tree says.
    """
    wanted = list(entries)
    found = _small(tree, [entry for entry in wanted if entry.size <= CHUNK], pack)
    for entry in wanted:  # one by one: memory
        if entry.size > CHUNK and entry.sha256 not in found:
            found[entry.sha256] = _recall(_blob(entry)) or _make(tree, entry)
    return [
        _sibling(tree, entry, packed, prefix)
        for entry in wanted
        if (packed := found[entry.sha256]).size <= entry.size * WORTH
    ]


def _sibling(tree: OutputTree, entry: TreeFile, packed: _SiblingBytes, prefix: str) -> File:
    content = Produced(partial(_content, tree, entry, packed), packed.size, packed.sha256)
    return File(f"{prefix}{entry.path}{SUFFIX}", content)


def _content(tree: OutputTree, entry: TreeFile, packed: _SiblingBytes) -> Iterator[bytes]:
    """The sibling's bytes, from the cache or, where it doesn't have them any more, made again."""
    if packed.data:
        yield packed.data
        return
    try:
        file = packed.file.open("rb")
    except OSError:
        yield from _compressed(tree, entry)
        return
    with file:
        file.seek(packed.start)
        if packed.size <= CHUNK:
            # Another bake may have rewritten the pack since.
            data = file.read(packed.size)
            if hashlib.sha256(data).hexdigest() == packed.sha256:
                yield data
            else:
                yield from _compressed(tree, entry)
            return
        left = packed.size
        while left > 0 and (chunk := file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk


_NAME: Final = f"siblings/{brotli.__version__}-{QUALITY}-{WINDOW}"


def _folder() -> Path:
    return cache.folder() / _NAME


def _what(of_file: str) -> str:
    return f"imagebake {_NAME} {of_file}"


def _blob(entry: TreeFile) -> Path:
    """Where the cache keeps the result of a large file."""
    return _folder() / entry.sha256[:2] / entry.sha256


def _recall(blob: Path) -> _SiblingBytes | None:
    """What the cache has of a large file; None for nothing, or for what this user hasn't signed as it stands."""
    sha = hashlib.sha256()
    try:
        with blob.open("rb") as file:
            size = left = os.fstat(file.fileno()).st_size - signing.SIZE
            while left > 0 and (chunk := file.read(min(CHUNK, left))):
                sha.update(chunk)
                left -= len(chunk)
            is_own = left == 0 and signing.is_signed(_what(blob.name), sha.digest(), file.read())
    except OSError:
        return None
    return _SiblingBytes(size, sha.hexdigest(), blob) if is_own else None


def _small(tree: OutputTree, entries: Iterable[TreeFile], pack: str) -> dict[str, _SiblingBytes]:
    """The results of small files, by the files' sha256. The pack is written anew where it lacks one."""
    file = _folder() / "packs" / hashlib.sha256(pack.encode()).hexdigest()
    wanted = {entry.sha256: entry for entry in entries}
    found: dict[str, _SiblingBytes] = {}

    def placed(records: Iterable[tuple[str, bytes]], start: int = 0) -> Iterator[bytes]:
        for of_file, data in records:
            sha = hashlib.sha256(data)
            start += _HEAD
            # Those at the start stay in memory until the layer is written: in a usual layer all of them.
            held = data if start + len(data) <= CHUNK else b""
            found[of_file] = _SiblingBytes(len(data), sha.hexdigest(), file, start, held)
            start += len(data)
            signed = signing.signature(_what(of_file), sha.digest())
            yield b"".join((bytes.fromhex(of_file), len(data).to_bytes(8, "big"), signed, data))

    def anew() -> Iterator[bytes]:
        found.clear()
        start = 0
        for record in placed(one for one in _records(file) if one[0] in wanted):
            start += len(record)
            yield record
        missing = [entry for of_file, entry in wanted.items() if of_file not in found]
        yield from placed(_made(tree, missing), start)

    for _ in placed(_records(file)):
        pass
    if not wanted.keys() <= found.keys():
        stream = anew()
        cache.keep(file, stream)
        for _ in stream:
            pass  # what a cache that can't be written has left
    return found


def _records(pack: Path) -> Iterator[tuple[str, bytes]]:
    """What a pack holds, by the files' sha256; it ends where the pack is damaged."""
    with suppress(OSError), pack.open("rb") as file:
        while len(head := file.read(_HEAD)) == _HEAD:
            of_file = head[:_DIGEST].hex()
            data = file.read(min(int.from_bytes(head[_DIGEST : -signing.SIZE], "big"), 2 * CHUNK))
            if not signing.is_signed(_what(of_file), hashlib.sha256(data).digest(), head[-signing.SIZE :]):
                return
            yield of_file, data


def _made(tree: OutputTree, entries: Iterable[TreeFile]) -> Iterator[tuple[str, bytes]]:
    """The siblings of small files, in their order, by the files' sha256."""
    for entry in entries:
        encoder = brotli.Compressor(quality=QUALITY, lgwin=WINDOW)
        yield entry.sha256, encoder.process(tree.read(entry)) + encoder.finish()


def _make(tree: OutputTree, entry: TreeFile) -> _SiblingBytes:
    """The sibling of a large file, of which memory holds pieces, kept in the cache."""
    sha = hashlib.sha256()
    size = 0

    def pieces() -> Iterator[bytes]:
        nonlocal size
        for piece in _compressed(tree, entry):
            sha.update(piece)
            size += len(piece)
            yield piece
        yield signing.signature(_what(entry.sha256), sha.digest())

    stream = pieces()
    cache.keep(_blob(entry), stream)
    for _ in stream:
        pass  # what a cache that can't be written has left
    return _SiblingBytes(size, sha.hexdigest(), _blob(entry))


def _compressed(tree: OutputTree, entry: TreeFile) -> Iterator[bytes]:
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
        raise unreadable(entry.path, error) from None
    if sha.hexdigest() != entry.sha256:
        raise changed(entry.path)
    yield encoder.finish()
