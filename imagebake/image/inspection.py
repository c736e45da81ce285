"""Reads a baked image back, from a hybrid archive or an OCI layout: what it is made of, and whether that is true.

Nothing that a file says of itself is believed: every blob must have the digest that it is called by, sizes are bounded,
and no path that a document names is followed out of the archive or folder.

Source: OCI image-spec v1.1, image-layout.md, manifest.md, config.md.
"""

import hashlib
import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Protocol, TypeVar

from imagebake.image import documents, oci, untar
from sealpress.frozen import frozen
from sealpress.problems import MachineProblem, Problem, TreeProblem

_DOCUMENT_LIMIT: Final = 4 << 20
_MEMBER_LIMIT: Final = 512
_IMAGE_LIMIT: Final = 64  # of one archive or layout
_CHUNK: Final = 1 << 20
_Record = TypeVar("_Record")
_PACKAGE: Final = re.compile(r"imagebake: (pool/[^\0-\x20]+\.deb)")


@frozen
class LayerReport:
    """One layer. `size` in bytes; `is_there` False: left out of the archive, for a host that has it."""

    name: str
    diff_id: str
    size: int
    is_there: bool
    created_by: str

    @property
    def package(self) -> tuple[str, str] | None:
        """Name and version of the Debian package that the layer is made of; None for another layer."""
        name, _, version = self.name.partition(" ")
        return (name, version) if version and _PACKAGE.fullmatch(self.created_by) else None


@frozen
class ImageReport:
    """One image of an archive or layout. `digest` is its manifest's."""

    reference: str
    digest: str
    config_digest: str
    config: documents.Config
    layers: tuple[LayerReport, ...]

    @property
    def architecture(self) -> str:
        return self.config.architecture

    @property
    def created(self) -> str:
        return self.config.created

    @property
    def labels(self) -> Mapping[str, str]:
        return self.config.execution.labels

    @property
    def size(self) -> int:
        return sum(layer.size for layer in self.layers)

    @property
    def packages(self) -> Mapping[str, str]:
        """Versions by names."""
        return dict(layer.package for layer in self.layers if layer.package)


class Blobs(Protocol):
    """Named pieces of bytes: an archive's members, or a layout's files."""

    def open(self, name: str) -> AbstractContextManager[BinaryIO] | None: ...


def inspect(path: Path) -> tuple[ImageReport, ...]:
    """The images in an archive, an OCI layout, or a folder that `imagebake bake` wrote.

    Raises Problem (exit 5) for what is none of these, or has other bytes than it says.
    """
    with opened(path) as blobs:
        return read(blobs, str(path))


def read(blobs: Blobs, shown: str) -> tuple[ImageReport, ...]:
    """As `inspect`. `shown` is how messages call the archive or layout."""
    try:
        return tuple(_images(blobs, shown))
    except OSError as error:
        raise _unknown(shown, error) from None


def document(blobs: Blobs, digest: str, shown: str) -> bytes:
    """A small blob: a configuration or manifest. Raises Problem (exit 5) where it is missing or false."""
    data = _read(blobs, oci.blob_path(digest), shown)
    if "sha256:" + hashlib.sha256(data).hexdigest() != digest:
        raise _refused(shown, f"the blob {digest} has other bytes than its name says")
    return data


def members(blobs: Blobs, layer: LayerReport, shown: str) -> Iterator[tuple[untar.Member, str]]:
    """What is in a layer that is there, with the sha256 (in hex) of each file; "" for all else.

    Raises Problem (exit 5) for a layer that is no tar.
    """
    opened = blobs.open(oci.blob_path(layer.diff_id))
    if opened is None:
        raise _refused(shown, f'the layer "{layer.name}" was left out, so its files can\'t be told')
    with opened as blob:
        try:
            for member in untar.members(blob):
                yield member, _sha256(blob, member) if member.kind == "file" else ""
        except Problem as problem:
            raise _refused(shown, f'the layer "{layer.name}" is no tar that can be read: {problem.message}') from None


def has(blobs: Blobs, layer: LayerReport) -> bool:
    """Whether the layer's bytes are there."""
    opened = blobs.open(oci.blob_path(layer.diff_id))
    if opened:
        with opened:
            return True
    return False


def content(blobs: Blobs, layer: LayerReport, member: untar.Member, shown: str) -> bytes:
    """The bytes of a small file in a layer that `members` has read."""
    opened = blobs.open(oci.blob_path(layer.diff_id))
    if opened is None:
        raise _refused(shown, f'the layer "{layer.name}" is gone')
    with opened as blob:
        blob.seek(member.start)
        return blob.read(member.size)


def content_of(blobs: Blobs, name: str, limit: int) -> bytes:
    """At most `limit` bytes of a small file; b"" where it isn't there."""
    opened = blobs.open(name)
    if opened is None:
        return b""
    with opened as blob:
        return blob.read(limit)


@contextmanager
def opened(path: Path) -> Iterator[Blobs]:
    """The blobs of an archive, an OCI layout, or a folder that `imagebake bake` wrote. Raises Problem (exit 5)."""
    if path.is_dir():
        yield Folder(path / "oci" if (path / "oci" / oci.LAYOUT_FILE).is_file() else path)
        return
    try:
        # Not a pipe or a device, which might never end.
        archive = path.open("rb") if path.is_file() or not path.exists() else None
    except FileNotFoundError:
        raise TreeProblem(f"there is no {path}") from None
    except OSError as error:
        raise _unknown(str(path), error) from None
    if archive is None:
        raise _unknown(str(path), "it is no file")
    with archive:
        try:
            found = _members(archive, str(path))
        except OSError as error:
            raise _unknown(str(path), error) from None
        yield TarArchive(archive, found)


def _members(archive: BinaryIO, shown: str) -> dict[str, untar.Member]:
    found: dict[str, untar.Member] = {}
    try:
        for member in untar.members(archive, _MEMBER_LIMIT):
            if member.kind not in {"file", "directory"}:
                raise _refused(shown, f'"{member.path}" is neither a file nor a folder')
            if member.path in found:
                raise _refused(shown, f'"{member.path}" stands in it twice')
            if member.kind == "file":
                found[member.path] = member
    except Problem as problem:
        raise problem if problem.hint else _refused(shown, problem.message) from None
    return found


@frozen
class TarArchive:
    """The members of a tar; each stands in it once, and is a plain file."""

    file: BinaryIO
    members: Mapping[str, untar.Member]

    def open(self, name: str) -> AbstractContextManager[BinaryIO] | None:
        if member := self.members.get(name):
            return io.BufferedReader(untar.Window(self.file.fileno(), member.start, member.size))
        return None


@frozen
class Folder:
    """The files of an OCI layout. Links are not followed."""

    root: Path

    def open(self, name: str) -> AbstractContextManager[BinaryIO] | None:
        file = self.root / name
        if file.is_symlink() or not file.is_file():
            return None
        return file.open("rb")


def _images(blobs: Blobs, shown: str) -> Iterator[ImageReport]:
    index = _typed(documents.index, _read(blobs, oci.INDEX_FILE, shown), oci.INDEX_FILE, shown)
    for count, report in enumerate(_indexed(blobs, index, "", shown, depth=0), 1):
        if count > _IMAGE_LIMIT:
            raise _refused(shown, f"it holds more than {_IMAGE_LIMIT} images")
        yield report


def _indexed(blobs: Blobs, index: documents.ImageIndex, name: str, shown: str, depth: int) -> Iterator[ImageReport]:
    for found in index.manifests:
        names = found.annotations
        called = names.get("io.containerd.image.name") or names.get("org.opencontainers.image.ref.name") or name
        data = document(blobs, found.digest, shown)
        if found.media_type == oci.INDEX_TYPE:
            if depth:
                raise _refused(shown, "its index lists no manifests, only further indexes")
            inner = _typed(documents.index, data, f"the index {found.digest}", shown)
            yield from _indexed(blobs, inner, called, shown, depth + 1)
        else:
            yield _image(blobs, found.digest, data, called, shown)


def _image(blobs: Blobs, digest: str, data: bytes, name: str, shown: str) -> ImageReport:
    manifest = _typed(documents.manifest, data, f"the manifest {digest}", shown)
    config_digest = manifest.config.digest
    config = _typed(
        documents.config, document(blobs, config_digest, shown), f"the configuration {config_digest}", shown
    )
    if config.diff_ids != tuple(layer.digest for layer in manifest.layers):
        raise _refused(shown, "its manifest and its configuration name different layers")
    steps = [step for step in config.history if not step.is_empty]
    if len(steps) != len(manifest.layers):
        steps = [documents.HistoryStep("", "", "", is_empty=False)] * len(manifest.layers)
    layers = tuple(
        LayerReport(step.comment, layer.digest, layer.size, _check_blob(blobs, layer, shown), step.created_by)
        for step, layer in zip(steps, manifest.layers, strict=True)
    )
    return ImageReport(name, digest, config_digest, config, layers)


def _check_blob(blobs: Blobs, layer: documents.Blob, shown: str) -> bool:
    """Whether the layer is there; if it is, it is the one that its name says."""
    opened = blobs.open(oci.blob_path(layer.digest))
    if opened is None:
        return False
    sha = hashlib.sha256()
    left = layer.size
    with opened as blob:
        while left >= 0 and (chunk := blob.read(_CHUNK)):
            sha.update(chunk)
            left -= len(chunk)
    if left or "sha256:" + sha.hexdigest() != layer.digest:
        raise _refused(shown, f"the layer {layer.digest} has other bytes than its name says")
    return True


def _sha256(blob: BinaryIO, member: untar.Member) -> str:
    sha = hashlib.sha256()
    blob.seek(member.start)
    left = member.size
    while left and (chunk := blob.read(min(left, _CHUNK))):
        sha.update(chunk)
        left -= len(chunk)
    return sha.hexdigest()


def _read(blobs: Blobs, name: str, shown: str) -> bytes:
    opened = blobs.open(name)
    if opened is None:
        raise _refused(shown, f"it has no {name}")
    with opened as blob:
        data = blob.read(_DOCUMENT_LIMIT + 1)
    if len(data) > _DOCUMENT_LIMIT:
        raise _refused(shown, f"its {name} is too large")
    return data


def _typed(reading: Callable[[bytes, str], _Record], data: bytes, name: str, shown: str) -> _Record:
    try:
        return reading(data, name)
    except Problem as problem:
        raise _refused(shown, problem.message) from None


def _unknown(shown: str, error: object) -> Problem:
    if isinstance(error, PermissionError):
        return MachineProblem(f"can't read {error.filename or shown}: {error.strerror}")
    return _refused(shown, f"it is neither an archive nor an OCI layout ({error})")


def _refused(shown: str, why: str) -> Problem:
    return TreeProblem(f"{shown} is no image that can be trusted: {why}", hint="bake it again")
