"""Pulls an image as the OCI layout that it was baked as: layers uncompressed, and manifests that name them so.

What the registry sends is checked twice: each blob against its digest there, each layer against its diff_id.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from imagebake.image import documents, oci
from imagebake.image.layers import LIMIT, Layer
from imagebake.registry import compression
from imagebake.registry.client import Altered, ImageRepository
from imagebake.registry.reference import Reference
from sealpress.commands.console import Progress
from sealpress.config.settings import Architecture
from sealpress.files import scratch
from sealpress.problems import Exit, MachineProblem, Problem, RegistryProblem, TreeProblem

_CONFIG_LIMIT: Final = 4 << 20
_TOTAL_LIMIT: Final = 8 << 30  # bytes of all layers together, unpacked
_IMAGES: Final = 16
_Record = TypeVar("_Record")


def pull(repository: ImageRepository, reference: Reference, folder: Path, progress: Progress) -> str:
    """Writes the image to `folder` as an OCI layout; gives the digest of its index or manifest in the registry.

    Raises Problem: (exit 5) it is no image that sealpress bakes, (exit 9) no room, (exit 11) the registry.
    """
    named = reference.digest or reference.tag
    found = repository.manifest(named)
    if found is None:
        raise RegistryProblem(f"{reference.registry.address} has no image {reference}")
    top = found.digest
    if reference.digest and top != reference.digest:
        raise Altered(f"{reference.registry.address} answered with another image", code=Exit.REGISTRY)
    with scratch.folder("pull") as own:
        work = _Pull(repository, str(reference), own, progress)
        images = [work.image(manifest) for manifest in work.manifests(found)]
        release = named if reference.tag else "pulled"
        oci.write_layout(images, f"{reference.name}:{release}", folder, progress)
    return top


class _Pull:
    """One pull: layers that images share are fetched once, and all together are bounded."""

    def __init__(self, repository: ImageRepository, shown: str, scratch: Path, progress: Progress) -> None:
        self._repository, self._shown, self._scratch, self._progress = repository, shown, scratch, progress
        self._left = _TOTAL_LIMIT
        self._layers: dict[str, Layer] = {}

    def manifests(self, found: oci.OciDocument) -> list[oci.OciDocument]:
        """The images' manifests: those that an index lists, or the one that was named."""
        if found.media_type != oci.INDEX_TYPE:
            return [found]
        listed = self._read(documents.index, found.data).manifests
        if len(listed) > _IMAGES:
            raise self._refused(f"it has more than {_IMAGES} images")
        return [self._manifest(one.digest) for one in listed]

    def _manifest(self, digest: str) -> oci.OciDocument:
        found = self._repository.manifest(digest)
        if found is None:
            raise Altered(f"{self._shown} names the image {digest}, which is not there", code=Exit.REGISTRY)
        return found

    def image(self, manifest: oci.OciDocument) -> oci.Sealed:
        described = self._read(documents.manifest, manifest.data)
        data = self._repository.small_blob(described.config.digest, _CONFIG_LIMIT)
        config = self._read(documents.config, data)
        if len(config.diff_ids) != len(described.layers) or len(config.diff_ids) > LIMIT:
            raise self._refused("its manifest and its configuration name different layers")
        layers = [self._layer(diff_id, blob) for diff_id, blob in zip(config.diff_ids, described.layers, strict=True)]
        document = oci.OciDocument(oci.CONFIG_TYPE, data)
        named = [oci.Descriptor(oci.LAYER_TYPE, layer.diff_id, layer.size) for layer in layers]
        return oci.Sealed(
            self._architecture(config.architecture), document, oci.manifest(document, named), tuple(layers)
        )

    def _architecture(self, name: str) -> Architecture:
        if found := documents.architecture(name):
            return found
        raise self._refused(f'it is for "{name}", which is not known here')

    def _layer(self, diff_id: str, blob: documents.Blob) -> Layer:
        if diff_id in self._layers:
            return self._layers[diff_id]
        what = f"the layer {blob.digest[:19]}"
        pieces = self._repository.blob(blob.digest, blob.size)
        if blob.media_type == oci.GZIP_LAYER_TYPE:
            pieces = compression.expand(pieces, self._left, what)
        elif blob.media_type != oci.LAYER_TYPE:
            raise self._refused(f"{what} has the type {blob.media_type[:80]!a}")
        file = self._scratch / diff_id.removeprefix("sha256:")
        sha = hashlib.sha256()
        size = 0
        try:
            with self._progress.track(what, None, "bytes") as advance, file.open("wb") as out:
                for piece in pieces:
                    size += len(piece)
                    if size > self._left:
                        raise self._refused(f"it is larger than {_TOTAL_LIMIT} bytes")
                    sha.update(piece)
                    out.write(piece)
                    advance(len(piece))
        except OSError as error:
            raise MachineProblem(f"can't write {file}: {error.strerror}") from None
        if "sha256:" + sha.hexdigest() != diff_id:
            raise self._refused(f"{what} does not hold the {diff_id} that its configuration names")
        self._left -= size
        self._layers[diff_id] = Layer(what, diff_id, size, "", tuple, file)
        return self._layers[diff_id]

    def _read(self, reading: Callable[[bytes, str], _Record], data: bytes) -> _Record:
        try:
            return reading(data, "it")
        except Problem as problem:
            raise self._refused(problem.message) from None

    def _refused(self, why: str) -> Problem:
        return TreeProblem(f"{self._shown} is no image that can be trusted: {why}")
