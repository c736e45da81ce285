"""Reads a baked image back, from a hybrid archive or an OCI layout: what it is made of, and whether that is true.

Nothing that a file says of itself is believed: every blob must have the digest that it is called by, sizes are bounded,
and no path that a document names is followed out of the archive or folder.

Source: OCI image-spec v1.1, image-layout.md, manifest.md, config.md.
"""

import hashlib
import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Final, Protocol

from imagebake.image import oci
from sealpress.problems import Exit, Problem

_DOCUMENT_LIMIT: Final = 4 << 20
_LAYER_LIMIT: Final = 8 << 30
_MEMBER_LIMIT: Final = 512
_CHUNK: Final = 1 << 20
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class LayerReport:
    """One layer. `size` in bytes; `is_there` False: left out of the archive, for a host that has it."""

    name: str
    diff_id: str
    size: int
    is_there: bool


@dataclass(frozen=True, slots=True)
class ImageReport:
    """One image of an archive or layout. `digest` is its manifest's."""

    reference: str
    digest: str
    config_digest: str
    architecture: str
    created: str
    user: str
    ports: tuple[str, ...]
    labels: Mapping[str, str]
    layers: tuple[LayerReport, ...]

    @property
    def size(self) -> int:
        return sum(layer.size for layer in self.layers)


class Blobs(Protocol):
    """Named pieces of bytes: an archive's members, or a layout's files."""

    def open(self, name: str) -> AbstractContextManager[IO[bytes]] | None: ...


def inspect(path: Path) -> tuple[ImageReport, ...]:
    """The images in an archive, an OCI layout, or a folder that `imagebake bake` wrote.

    Raises Problem (exit 5) for what is none of these, or has other bytes than it says.
    """
    with opened(path) as blobs:
        try:
            return tuple(_images(blobs, str(path)))
        except (tarfile.TarError, OSError, EOFError) as error:
            raise _unknown(path, error) from None


def document(blobs: Blobs, digest: str, shown: str) -> bytes:
    """A small blob: a configuration or manifest. Raises Problem (exit 5) where it is missing or false."""
    return _document(blobs, digest, shown)


@contextmanager
def opened(path: Path) -> Iterator[Blobs]:
    """The blobs of an archive, an OCI layout, or a folder that `imagebake bake` wrote. Raises Problem (exit 5)."""
    if path.is_dir():
        yield _Folder(path / "oci" if (path / "oci" / oci.LAYOUT_FILE).is_file() else path)
        return
    try:
        tar = tarfile.open(path, "r:")  # noqa: SIM115 - closed below; what a reader does meanwhile is no fault of the file
    except FileNotFoundError:
        raise Problem(f"there is no {path}", code=Exit.TREE) from None
    except (tarfile.TarError, OSError, EOFError) as error:
        raise _unknown(path, error) from None
    with tar:
        try:
            members = _members(tar, path)
        except (tarfile.TarError, OSError, EOFError) as error:
            raise _unknown(path, error) from None
        yield _Archive(tar, members)


def _unknown(path: Path, error: Exception) -> Problem:
    return _refused(str(path), f"it is neither an archive nor an OCI layout ({error})")


def _members(tar: tarfile.TarFile, path: Path) -> dict[str, tarfile.TarInfo]:
    members: dict[str, tarfile.TarInfo] = {}
    for item in tar:
        parts = item.name.split("/")
        if item.name.startswith("/") or ".." in parts:
            raise _refused(str(path), f'the path "{item.name}" leads out of it')
        if not (item.isreg() or item.isdir()):
            raise _refused(str(path), f'"{item.name}" is neither a file nor a folder')
        if item.size > _LAYER_LIMIT or len(members) > _MEMBER_LIMIT:
            raise _refused(str(path), f'it is too large at "{item.name}"')
        if item.isreg():
            members[item.name] = item
    return members


@dataclass(frozen=True, slots=True)
class _Archive:
    tar: tarfile.TarFile
    members: Mapping[str, tarfile.TarInfo]

    def open(self, name: str) -> AbstractContextManager[IO[bytes]] | None:
        return self.tar.extractfile(self.members[name]) if name in self.members else None


@dataclass(frozen=True, slots=True)
class _Folder:
    root: Path

    def open(self, name: str) -> AbstractContextManager[IO[bytes]] | None:
        file = self.root / name
        if file.is_symlink() or not file.is_file():
            return None
        return file.open("rb")


def _images(blobs: Blobs, shown: str) -> Iterator[ImageReport]:
    index = _json(_read(blobs, "index.json", shown), "index.json", shown)
    yield from _indexed(blobs, index, "", shown, depth=0)


def _indexed(blobs: Blobs, index: Any, name: str, shown: str, depth: int) -> Iterator[ImageReport]:
    manifests = index.get("manifests") if isinstance(index, dict) else None
    if not isinstance(manifests, list) or depth > 1:
        raise _refused(shown, "its index lists no manifests")
    for descriptor in manifests:
        media_type, digest = _descriptor(descriptor, shown)
        annotations = descriptor.get("annotations")
        names = annotations if isinstance(annotations, dict) else {}
        called = str(names.get("io.containerd.image.name") or names.get("org.opencontainers.image.ref.name") or name)
        document = _json(_document(blobs, digest, shown), digest, shown)
        if media_type == oci.INDEX_TYPE:
            yield from _indexed(blobs, document, called, shown, depth + 1)
        else:
            yield _image(blobs, digest, document, called, shown)


def _image(blobs: Blobs, digest: str, manifest: Any, name: str, shown: str) -> ImageReport:
    if not isinstance(manifest, dict) or not isinstance(manifest.get("layers"), list):
        raise _refused(shown, f"the manifest {digest} lists no layers")
    _, config_digest = _descriptor(manifest.get("config"), shown)
    config = _json(_document(blobs, config_digest, shown), config_digest, shown)
    match config:
        case {"rootfs": {"diff_ids": list(diff_ids)}, "config": dict(settings)}:
            pass
        case _:
            raise _refused(shown, f"the configuration {config_digest} describes no layers")
    if diff_ids != [_descriptor(layer, shown)[1] for layer in manifest["layers"]]:
        raise _refused(shown, "its manifest and its configuration name different layers")
    labels, ports = settings.get("Labels") or {}, settings.get("ExposedPorts") or {}
    if not (isinstance(labels, dict) and isinstance(ports, dict)):
        raise _refused(shown, f"the configuration {config_digest} has labels or ports of another shape")
    names = _layer_names(config.get("history"), len(diff_ids))
    return ImageReport(
        reference=name,
        digest=digest,
        config_digest=config_digest,
        architecture=str(config.get("architecture", "")),
        created=str(config.get("created", "")),
        user=str(settings.get("User", "")),
        ports=tuple(sorted(map(str, ports))),
        labels=MappingProxyType({str(key): str(value) for key, value in labels.items()}),
        layers=tuple(
            LayerReport(called, diff_id, layer["size"], _check_blob(blobs, diff_id, layer["size"], shown))
            for called, diff_id, layer in zip(names, diff_ids, manifest["layers"], strict=True)
        ),
    )


def _layer_names(history: Any, count: int) -> list[str]:
    """What the history calls each layer; empty names where it doesn't tell."""
    entries = history if isinstance(history, list) else []
    names = [str(entry.get("comment", "")) for entry in entries if isinstance(entry, dict)]
    return names if len(names) == count else [""] * count


def _descriptor(found: Any, shown: str) -> tuple[str, str]:
    match found:
        case {"mediaType": str(media_type), "digest": str(digest), "size": int()} if _DIGEST.fullmatch(digest):
            return media_type, digest
        case _:
            raise _refused(shown, "one of its documents names a blob badly")


def _document(blobs: Blobs, digest: str, shown: str) -> bytes:
    data = _read(blobs, oci.blob_path(digest), shown)
    if "sha256:" + hashlib.sha256(data).hexdigest() != digest:
        raise _refused(shown, f"the blob {digest} has other bytes than its name says")
    return data


def _check_blob(blobs: Blobs, digest: str, size: int, shown: str) -> bool:
    """Whether the layer is there; if it is, it is the one that its name says."""
    opened = blobs.open(oci.blob_path(digest))
    if opened is None:
        return False
    sha = hashlib.sha256()
    left = size
    with opened as blob:
        while chunk := blob.read(_CHUNK):
            sha.update(chunk)
            left -= len(chunk)
    if left or "sha256:" + sha.hexdigest() != digest:
        raise _refused(shown, f"the layer {digest} has other bytes than its name says")
    return True


def _read(blobs: Blobs, name: str, shown: str) -> bytes:
    opened = blobs.open(name)
    if opened is None:
        raise _refused(shown, f"it has no {name}")
    with opened as blob:
        data = blob.read(_DOCUMENT_LIMIT + 1)
    if len(data) > _DOCUMENT_LIMIT:
        raise _refused(shown, f"its {name} is too large")
    return data


def _json(data: bytes, name: str, shown: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise _refused(shown, f"its {name} is not JSON") from None


def _refused(shown: str, why: str) -> Problem:
    return Problem(f"{shown} is no image that can be trusted: {why}", hint="bake it again", code=Exit.TREE)
