"""Layers: named by the digest of their tar, described first, and turned into bytes only where somebody needs them.

A host that has a layer already is never sent it, so most layers of most releases are never produced at all.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Final, Self

from imagebake.fetch import cache
from imagebake.image import tar
from imagebake.image.entries import CHUNK, Entry
from sealpress import VERSION
from sealpress.frozen import frozen
from sealpress.problems import TreeProblem

LIMIT: Final = 125
"""As many layers as every engine takes (overlayfs mounts 128 at most, less what the engine itself needs)."""

Produce = Callable[[], Iterable[Entry]]
"""Gives the entries of a layer; called as often as the bytes are needed, and gives the same each time."""


@frozen
class Layer:
    """One layer. `diff_id` is "sha256:" and 64 hex digits over the uncompressed tar, `size` the tar's bytes.

    `name` is for people ("libc6 2.41-12+deb13u2"), `created_by` stands in the image's history. `blob`: a file that
    holds the tar already, and saves producing it again; `seen`: what the file system said of it when it was checked.
    """

    name: str
    diff_id: str
    size: int
    created_by: str
    entries: Produce
    blob: Path | None = None
    seen: tuple[int, ...] = ()

    @property
    def is_untouched(self) -> bool:
        """Whether its blob was checked, and nobody has touched it since."""
        return bool(self.blob and self.seen and _mark(self.blob) == self.seen)

    def stream(self) -> Iterator[bytes]:
        """The tar, in pieces of at most CHUNK bytes, checked against `diff_id` at its end.

        Raises Problem (exit 5) where the bytes are not the ones that the layer is named by.
        """
        if self.blob and self.is_untouched:
            yield from _pieces(self.blob)
            return
        sha = hashlib.sha256()
        for piece in _pieces(self.blob) if self.blob else tar.stream(self.entries()):
            sha.update(piece)
            yield piece
        if "sha256:" + sha.hexdigest() != self.diff_id:
            raise TreeProblem(
                f'the layer "{self.name}" has other bytes than its name says',
                hint=f"delete {self.blob or cache.folder() / 'layers'} and bake again",
            )


def described(name: str, entries: Produce, created_by: str, blobs: Path | None = None) -> Layer:
    """A layer whose name is worked out now, by producing its tar once. Raises as `tar.stream` does.

    `blobs`: a folder in which that tar is left, so that it isn't produced again. Where it can't be written, it is.
    """
    if blobs is None:
        found = tar.digest(entries())
        return Layer(name, found.diff_id, found.size, created_by, entries)
    sha = hashlib.sha256()
    size = 0
    with _Attempt(blobs / f"new-{os.getpid()}") as attempt:
        for piece in tar.stream(entries()):
            sha.update(piece)
            size += len(piece)
            attempt.write(piece)
    layer = Layer(name, "sha256:" + sha.hexdigest(), size, created_by, entries)
    blob = attempt.named(blobs / sha.hexdigest())
    return from_blob(layer, blob, is_checked=True) if blob else layer


def remembered(name: str, description: str, entries: Produce, created_by: str, blobs: Path | None = None) -> Layer:
    """As `described`, but found in the cache where a layer of this `description` was named before.

    `description` must tell all that the entries depend on: a package's sha256 and the rules it is unpacked by, a
    tree's digest and where it goes. `blobs` as in `described`: another process of this bake may have left a tar there.
    """
    if known := _recalled(description):
        return _found_in(blobs, Layer(name, *known, created_by, entries))
    layer = described(name, entries, created_by, blobs)
    cache.remember_digest("layers", f"{VERSION}\0{description}", layer.diff_id, layer.size)
    return layer


def _found_in(blobs: Path | None, layer: Layer) -> Layer:
    """The layer, with its tar where this bake has it already. Whoever wrote it there has hashed it."""
    if blobs:
        with suppress(OSError):
            return from_blob(layer, blobs / layer.diff_id.removeprefix("sha256:"), is_checked=True)
    return layer


def is_remembered(description: str) -> bool:
    """Whether `remembered` would find it."""
    return _recalled(description) is not None


def _recalled(description: str) -> tuple[str, int] | None:
    return cache.recalled_digest("layers", f"{VERSION}\0{description}")


class _Attempt:
    """A file that is written if it can be."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._out: BinaryIO | None = None

    def __enter__(self) -> Self:
        with suppress(OSError):
            self._out = self._file.open("wb", buffering=CHUNK >> 2)
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def write(self, piece: bytes) -> None:
        if self._out:
            try:
                self._out.write(piece)
            except OSError:
                self._fail()

    def named(self, file: Path) -> Path | None:
        """Its name from now on; None where it could not be written."""
        if self._out is None:
            return None
        try:
            return self._file.replace(file)
        except OSError:
            return None

    def _end(self) -> None:
        if self._out:
            try:
                self._out.close()
            except OSError:
                self._fail()

    def _fail(self) -> None:
        out, self._out = self._out, None
        with suppress(OSError):
            if out:
                out.close()


def stack(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """The layers as an image holds them: each content once, at its first place, and none that is empty.

    Raises Problem (exit 5) for more than LIMIT.
    """
    empty = tar.digest([]).diff_id
    kept: dict[str, Layer] = {}
    for layer in layers:
        if layer.diff_id != empty:
            kept.setdefault(layer.diff_id, layer)
    if len(kept) > LIMIT:
        raise TreeProblem(f"the image would have {len(kept)} layers; engines take {LIMIT}")
    return tuple(kept.values())


def from_blob(layer: Layer, blob: Path, *, is_checked: bool = False) -> Layer:
    """The same layer, with its bytes read from a file that holds its tar.

    `is_checked`: they were hashed just now, and are hashed again only where the file was touched since.
    """
    return replace(layer, blob=blob, seen=_mark(blob) if is_checked else ())


def _mark(file: Path) -> tuple[int, ...]:
    found = file.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as blob:
        while piece := blob.read(CHUNK):
            yield piece
