"""What stands on a disk, held against an image that was verified: every way in which an engine may read an archive or a
layout names just that image, and nothing else lies in it.

An archive is read by manifest.json, by index.json, or by both; a reader may take the first or the last of two members
of one name, follow links, know other headers, or go on behind the end. So an archive must be the one that sealpress
writes, or the one that Docker's containerd store gives back: member by member, header by header, to the last byte.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final

from imagebake.image import archive, documents, inspection, oci, tar
from imagebake.image.inspection import Blobs, Folder, ImageReport, TarArchive
from imagebake.image.oci import OciDocument, blob_path
from imagebake.recipes.statement import refused
from sealpress.config.settings import Architecture
from sealpress.frozen import frozen
from sealpress.problems import SealProblem

_SHOWN: Final = 3
_SLACK: Final = 4096  # bytes that Docker's documents may be longer than ours
_PACKED: Final = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")  # gzip, bzip2, xz, zstd: engines take all


@frozen
class Held:
    """An image as it was verified. `layers` are diff_ids with the sizes of their tars, lowest first."""

    architecture: Architecture
    config: OciDocument
    manifest: OciDocument
    layers: tuple[tuple[str, int], ...]

    @property
    def diff_ids(self) -> list[str]:
        return [diff_id for diff_id, _ in self.layers]


def of(blobs: Blobs, report: ImageReport, shown: str) -> Held:
    """The image of a report, whose digests were verified. Raises Problem (exit 10) for a machine that isn't known."""
    if (architecture := documents.architecture(report.architecture)) is None:
        raise refused(shown, f"it is for {report.architecture[:40]!a}, which is not known here")
    return Held(
        architecture,
        OciDocument(oci.CONFIG_TYPE, inspection.document(blobs, report.config_digest, shown)),
        OciDocument(oci.MANIFEST_TYPE, inspection.document(blobs, report.digest, shown)),
        tuple((layer.diff_id, layer.size) for layer in report.layers),
    )


def check_packing(path: Path) -> None:
    """Raises Problem (exit 10) for an archive that was compressed: engines unpack it each in its own way."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        start = file.read(max(map(len, _PACKED)))
    if start.startswith(_PACKED):
        raise SealProblem(
            f"{path} is compressed, and a seal speaks of the archive in it",
            hint="unpack it into a file, verify that, and load what was verified",
        )


def check_archive(found: TarArchive, image: Held, reference: str, shown: str) -> None:
    """Raises Problem (exit 10) where the archive holds anything but this image under this name."""
    texts = archive.documents(image.config, image.manifest, image.architecture, image.diff_ids, reference)
    blobs = {blob_path(diff_id): size for diff_id, size in image.layers}
    _check_names(found.members, {*texts, *blobs}, shown)
    own = {path: inspection.content_of(found, path, len(text) + _SLACK) for path, text in texts.items()}
    is_ours = own == texts
    for path, text in sorted(own.items(), key=lambda one: one[1] == texts[one[0]]):  # what was altered is blamed first
        if not is_ours and text not in _as_docker_says(path, image, reference, texts[path]):
            raise refused(shown, f"its {path} is not that of the image that was sealed, alone and by its name")
    sizes = blobs | {path: len(text) for path, text in own.items()}
    times = {path: tar.mtime(path.rpartition("/")[2]) for path in blobs}
    times |= {path: tar.mtime(hashlib.sha256(text).hexdigest()) for path, text in own.items()}
    _check_frame(found.file, sizes, times if is_ours else {}, shown)


def _as_docker_says(path: str, image: Held, reference: str, ours: bytes) -> list[bytes]:
    """A document as `docker save` may write it, to the letter: readers differ in what they make of any other."""
    match path:
        case archive.DOCKER_FILE:
            diff_ids = [blob_path(diff_id) for diff_id in image.diff_ids]
            return [_plain([{"Config": blob_path(image.config.digest), "RepoTags": [reference], "Layers": diff_ids}])]
        case oci.INDEX_FILE:
            manifest = {"mediaType": oci.MANIFEST_TYPE, "digest": image.manifest.digest, "size": image.manifest.size}
            manifest |= {"annotations": archive.names(reference)}
            return [
                _plain({"schemaVersion": 2, **kind, "manifests": [manifest | platform]})
                for kind in ({}, {"mediaType": oci.INDEX_TYPE})
                for platform in ({}, {"platform": oci.platform(image.architecture)})
            ]
        case _:
            return [ours]


def _plain(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _check_frame(file: BinaryIO, sizes: Mapping[str, int], times: Mapping[str, int], shown: str) -> None:
    """All that is no content: headers, padding, the end. With `times` as we write it, without as Docker does."""
    end = file.seek(0, os.SEEK_END)
    at = 0

    def read(size: int) -> bytes:
        nonlocal at
        file.seek(at)
        at += size
        return file.read(size)

    for path in sorted({*sizes, *_FOLDERS}, key=str.encode):
        size = sizes.get(path, 0)
        if read(tar.BLOCK) != _header(path, size, times):
            raise refused(shown, f'what stands before "{path}" is not what sealpress or Docker writes there')
        at += size
        if any(read(-size % tar.BLOCK)):
            raise refused(shown, f'something stands behind "{path}"')
    if end != at + len(_END) or read(len(_END)) != _END:
        raise refused(shown, "it does not end where it should")


_FOLDERS: Final = ("blobs/", "blobs/sha256/")
_END: Final = bytes(2 * tar.BLOCK)


def _header(path: str, size: int, times: Mapping[str, int]) -> bytes:
    if path in _FOLDERS:
        return tar.header(path, b"5", mode=0o755)
    mode = 0o644 if times or path in {archive.DOCKER_FILE, oci.INDEX_FILE} else 0o444
    return tar.header(path, b"0", mode=mode, size=size, mtime=times.get(path, 0))


def check_layout(
    found: Folder, images: list[Held], reference: str, shown: str, seal: Path | None = None
) -> OciDocument:
    """The index over all architectures. Raises Problem (exit 10) where the layout holds anything but these images.

    `seal` is the file that they are verified by: it may lie in the layout, too.
    """
    everything = oci.over({image.architecture: image.manifest for image in images})
    texts = {oci.INDEX_FILE: oci.top(everything, reference).data, oci.LAYOUT_FILE: oci.LAYOUT}
    texts |= {blob_path(one.digest): one.data for image in images for one in (image.config, image.manifest)}
    texts[blob_path(everything.digest)] = everything.data
    blobs = {blob_path(diff_id) for image in images for diff_id in image.diff_ids}
    there = dict.fromkeys(_files(found.root, shown))
    if seal and seal.parent.resolve() == found.root.resolve():
        there.pop(seal.name, None)
    _check_names(there, {*texts, *blobs}, shown)
    for path, text in texts.items():
        if inspection.content_of(found, path, len(text) + 1) != text:
            raise refused(shown, f"its {path} names another image, or more than one, or another name than {reference}")
    return everything


def _files(root: Path, shown: str) -> Iterator[str]:
    """Every file of a layout. Raises Problem (exit 10) for a link or a folder that no layout has."""
    for folder, folders, names in os.walk(root, onerror=_unreadable):
        here = Path(folder)
        for name in (*folders, *names):
            path = (here / name).relative_to(root).as_posix()
            if (here / name).is_symlink() or (name in folders and f"{path}/" not in _FOLDERS):
                raise refused(shown, f"{path!a} is no part of an OCI layout")
        yield from ((here / name).relative_to(root).as_posix() for name in sorted(names))


def _unreadable(error: OSError) -> None:
    raise error


def _check_names(there: Mapping[str, object], wanted: set[str], shown: str) -> None:
    for what, names in (("holds", there.keys() - wanted), ("lacks", wanted - there.keys())):
        if names:
            listed = ", ".join(f"{name!a}" for name in sorted(names)[:_SHOWN])
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            raise refused(shown, f"it {what} {listed}{more}" + (", which the seal does not name" * (what == "holds")))
