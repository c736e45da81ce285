"""The hybrid archive: one tar that `docker load` takes with either image store, and `podman load` too.

    manifest.json           for Docker's classic store
    index.json, oci-layout  for the containerd store and Podman
    blobs/sha256/…          configuration, manifest, uncompressed layers

Layers that the host has may be left out. It is streamed: its size is known beforehand, and it is never held.

Sources: Docker Image Specification v1.2, "Combined Image JSON + Filesystem Changeset Format"; OCI image-spec v1.1,
image-layout.md; for the reference, containerd's annotation io.containerd.image.name.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from imagebake.image import tar
from imagebake.image.entries import Bytes, Entry, File, Produced
from imagebake.image.layers import Layer
from imagebake.image.oci import (
    INDEX_FILE,
    LAYOUT,
    LAYOUT_FILE,
    MANIFEST_TYPE,
    Descriptor,
    OciDocument,
    Sealed,
    blob_path,
    canonical,
    index,
)
from sealpress.config.settings import Architecture

DOCKER_FILE: Final = "manifest.json"
PARTS_FILE: Final = "parts"  # sorts behind all others

NOWHERE: Final[Mapping[str, str]] = MappingProxyType({})
NOTHING: Final[Mapping[str, bytes]] = MappingProxyType({})


def stream(
    image: Sealed,
    reference: str,
    omit: Collection[str] = frozenset(),
    beside: Mapping[str, str] = NOWHERE,
    more: Mapping[str, bytes] = NOTHING,
) -> Iterator[bytes]:
    """The archive, which names the image `reference`, without the layers whose diff_ids are in `omit`.

    `beside`: the paths at which an archive that it is unpacked into has some of these. Its last file, "parts", then
    lists what has to be packed again, one path a line; of the layers that are omitted, those that are beside it. `more`
    are other files for who unpacks it.

    In pieces of at most entries.CHUNK bytes. Raises Problem (exit 4, 5) where a layer can't be produced as named.
    """
    return tar.stream(_entries(image, reference, omit, beside, more))


def size(image: Sealed, reference: str, omit: Collection[str] = frozenset()) -> int:
    """How many bytes `stream` gives. Nothing is produced for it."""
    return tar.measure(_entries(image, reference, omit))


def documents(
    config: OciDocument,
    manifest: OciDocument,
    architecture: Architecture,
    diff_ids: Iterable[str],
    reference: str,
    beside: Mapping[str, str] = NOWHERE,
) -> dict[str, bytes]:
    """All of the archive but the layers, by path: every way in which an engine may read it. `beside` as in `stream`."""
    docker = {
        "Config": blob_path(config.digest),
        "RepoTags": [reference],
        "Layers": [beside.get(diff_id) or blob_path(diff_id) for diff_id in diff_ids],
    }
    described = Descriptor(MANIFEST_TYPE, manifest.digest, manifest.size, architecture, names(reference))
    return {
        DOCKER_FILE: canonical([docker]),
        INDEX_FILE: index([described]).data,
        LAYOUT_FILE: LAYOUT,
        blob_path(config.digest): config.data,
        blob_path(manifest.digest): manifest.data,
    }


def names(reference: str) -> dict[str, str]:
    """The annotations that name an image in an archive's index.json."""
    return {"io.containerd.image.name": reference, "org.opencontainers.image.ref.name": reference.rpartition(":")[2]}


def _entries(
    image: Sealed,
    reference: str,
    omit: Collection[str],
    beside: Mapping[str, str] = NOWHERE,
    more: Mapping[str, bytes] = NOTHING,
) -> list[Entry]:
    diff_ids = [layer.diff_id for layer in image.layers]
    found = documents(image.config, image.manifest, image.architecture, diff_ids, reference, beside)
    if beside:
        there = (beside.get(one) or ("" if one in omit else blob_path(one)) for one in diff_ids)
        found |= {**more, PARTS_FILE: "".join(f"{path}\n" for path in [*found, *filter(None, there)]).encode()}
    return [
        *(File(path, Bytes(data)) for path, data in found.items()),
        *(_blob(layer) for layer in image.layers if layer.diff_id not in omit),
    ]


def _blob(layer: Layer) -> File:
    content = Produced(layer.stream, layer.size, layer.diff_id.partition(":")[2], is_checked=True)
    return File(blob_path(layer.diff_id), content)
