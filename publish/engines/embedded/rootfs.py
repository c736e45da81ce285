"""From a hybrid archive to a root file system in a folder, for a machine without an engine.

Nothing that an archive says is believed: every layer must have the digest that the configuration names it by, no path
leaves the folder or goes through a link, and only files, folders and links are made.

Sources: Docker Image Specification v1.2, "Combined Image JSON + Filesystem Changeset Format" (manifest.json); OCI Image
Specification 1.1, "Image Layer Filesystem Changeset".
"""

import hashlib
import json
import os
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from sealpress.frozen import frozen
from sealpress.problems import MachineProblem, Problem, TreeProblem

CHUNK: Final = 1 << 20
ARCHIVE_LIMIT: Final = 8 << 30  # bytes, unpacked
_DOCUMENT_LIMIT: Final = 4 << 20  # bytes of manifest.json and of a configuration
_LAYER_LIMIT: Final = 256
_WHITEOUT: Final = ".wh."


@frozen
class Contents:
    """What an archive holds: one image. `id` is its configuration's digest, "sha256:…"."""

    id: str
    references: tuple[str, ...]
    diff_ids: tuple[str, ...]
    labels: Mapping[str, str]
    architecture: str
    layers: tuple[str, ...]  # members of the archive, lowest first


def spool(archive: Iterable[bytes], to: Path) -> None:
    """Writes an archive to a file, unpacked where it comes as gzip. Raises Problem (exit 5, 9)."""
    written = 0
    try:
        with to.open("xb") as file:
            for piece in _plain(archive):
                written += len(piece)
                if written > ARCHIVE_LIMIT:
                    raise _refused("it is larger than 8 GiB")
                file.write(piece)
    except zlib.error as error:
        raise _refused(f"its gzip data is broken ({error})") from None
    except OSError as error:
        raise MachineProblem(f"the image can't be stored in {to.parent}: {error.strerror}") from None


def contents(archive: Path) -> Contents:
    """Reads what an archive says of itself. Raises Problem (exit 5)."""
    with _opened(archive) as tar:
        match _json(_read(tar, "manifest.json"), "manifest.json"):
            case [{"Config": str(config), "Layers": list(layers), "RepoTags": list() | None as tags}]:
                pass
            case _:
                raise _refused("its manifest.json does not describe one image")
        data = _read(tar, config)
        document = _json(data, config)
    rootfs = document.get("rootfs") if isinstance(document, dict) else None
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(diff_ids, list) or len(diff_ids) != len(layers) or len(layers) > _LAYER_LIMIT:
        raise _refused("its configuration names other layers than its manifest")
    settings = document.get("config") or {}
    labels = settings.get("Labels") or {} if isinstance(settings, dict) else {}
    return Contents(
        id="sha256:" + hashlib.sha256(data).hexdigest(),
        references=_texts(tags or []),
        diff_ids=_texts(diff_ids),
        labels=MappingProxyType(dict(zip(_texts(labels), _texts(labels.values()), strict=True))),
        architecture=str(document.get("architecture", "")),
        layers=_texts(layers),
    )


def unpack(archive: Path, found: Contents, folder: Path) -> None:
    """Makes the root file system in `folder`, which must be new. Raises Problem (exit 5, 9)."""
    folder.mkdir()
    with _opened(archive) as tar:
        for name, diff_id in zip(found.layers, found.diff_ids, strict=True):
            member = _member(tar, name)
            _check_digest(tar, member, diff_id)
            stream = tar.extractfile(member)
            try:
                with tarfile.open(fileobj=stream, mode="r:") as layer:
                    _apply(layer, folder)
            except tarfile.TarError as error:
                raise _refused(f"the layer {diff_id} is no tar ({error})") from None
            except OSError as error:
                raise MachineProblem(f"the image can't be unpacked in {folder}: {error}") from None


def _apply(layer: tarfile.TarFile, folder: Path) -> None:
    for item in layer:
        name = item.name.removeprefix("./").rstrip("/")
        if name in {"", "."}:
            continue
        target = _inside(folder, name)
        if target.name.startswith(_WHITEOUT):
            raise _refused(f'"{name}" is a whiteout; an image that sealpress baked has none')
        mode = 0o755 if item.mode & 0o111 else 0o644
        if item.isdir():
            if not _is_folder(target):
                _clear(target, name)
                target.mkdir()
            target.chmod(0o755)
        elif item.isreg():
            _clear(target, name)
            _write(layer, item, target, mode)
        elif item.issym():
            _clear(target, name)
            target.symlink_to(item.linkname)
        else:
            raise _refused(f'"{name}" is neither a file, a folder nor a symbolic link')


def _inside(folder: Path, name: str) -> Path:
    """Where a member goes; every folder above it must be there, as a folder and not as a link to one."""
    parts = name.split("/")
    if name.startswith("/") or any(part in {"", ".", ".."} for part in parts) or "\0" in name:
        raise _refused(f'the path "{name}" leaves the image')
    at = folder
    for part in parts[:-1]:
        at /= part
        if not os.path.lexists(at):
            at.mkdir(mode=0o755)
        elif not _is_folder(at):
            raise _refused(f'the path "{name}" goes through a link')
    return at / parts[-1]


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _clear(target: Path, name: str) -> None:
    """A later layer may replace a file or a link; a folder with something in it may not become one."""
    if _is_folder(target):
        raise _refused(f'"{name}" takes the place of a folder')
    target.unlink(missing_ok=True)


def _write(layer: tarfile.TarFile, item: tarfile.TarInfo, target: Path, mode: int) -> None:
    source = layer.extractfile(item)
    # O_EXCL and O_NOFOLLOW: never onto something that is there, whatever came in between.
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        while source and (chunk := source.read(CHUNK)):
            file.write(chunk)
        os.fchmod(descriptor, mode)
        file.flush()
        # nginx makes its ETag of it, and it comes from the content.
        os.utime(descriptor, (item.mtime, item.mtime))


def _check_digest(tar: tarfile.TarFile, member: tarfile.TarInfo, diff_id: str) -> None:
    sha = hashlib.sha256()
    source = tar.extractfile(member)
    while source and (chunk := source.read(CHUNK)):
        sha.update(chunk)
    if "sha256:" + sha.hexdigest() != diff_id:
        raise _refused(f"the layer {diff_id} has other bytes than its name says")


def _opened(archive: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(archive, "r:")
    except (tarfile.TarError, OSError) as error:
        raise _refused(f"it is no tar ({error})") from None


def _member(tar: tarfile.TarFile, name: str) -> tarfile.TarInfo:
    try:
        member = tar.getmember(name)
    except (KeyError, tarfile.TarError):
        raise _refused(f'it lacks "{name}"') from None
    if not member.isreg():
        raise _refused(f'"{name}" in it is no file')
    return member


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    member = _member(tar, name)
    if member.size > _DOCUMENT_LIMIT:
        raise _refused(f'"{name}" in it is too large')
    source = tar.extractfile(member)
    return source.read() if source else b""


def _json(data: bytes, name: str) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _refused(f'"{name}" in it is not JSON ({error})') from None


def _texts(values: Iterable[object]) -> tuple[str, ...]:
    found = tuple(values)
    if not all(isinstance(value, str) for value in found):
        raise _refused("it has something else where a text must stand")
    return tuple(str(value) for value in found)


def _plain(archive: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces, unpacked where the first two bytes are gzip's."""
    pieces = iter(archive)
    head = b""
    while len(head) < 2 and (piece := next(pieces, None)) is not None:
        head += piece
    if head[:2] != b"\x1f\x8b":
        yield head
        yield from pieces
        return
    unpacker = zlib.decompressobj(wbits=31)
    yield unpacker.decompress(head, CHUNK)
    for piece in pieces:
        waiting = unpacker.unconsumed_tail + piece
        while waiting and not unpacker.eof:
            yield unpacker.decompress(waiting, CHUNK)
            waiting = unpacker.unconsumed_tail
    while unpacker.unconsumed_tail and not unpacker.eof:
        yield unpacker.decompress(unpacker.unconsumed_tail, CHUNK)
    yield unpacker.flush()


def _refused(reason: str) -> Problem:
    return TreeProblem(f"the archive is refused: {reason}")
