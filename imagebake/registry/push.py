"""Pushes a baked image to a registry: what it lacks, then one index over all architectures, the tags last.

The registry's image has gzip layers, so its manifests differ from those that were baked; its configurations, which name
the uncompressed layers, are the same bytes. Until the last request a tag still names what it named before.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Final

from imagebake.image import documents, oci
from imagebake.image.entries import CHUNK, Bytes, FromFile
from imagebake.image.inspection import Blobs, ImageReport, LayerReport, document, inspect, opened
from imagebake.registry import compression
from imagebake.registry.client import ImageRepository
from sealpress.commands.console import Progress
from sealpress.config.settings import Architecture
from sealpress.files import scratch
from sealpress.frozen import frozen
from sealpress.problems import MachineProblem, RegistryProblem, TreeProblem

WRITER: Final = "org.sealpress.gzip"
"""The annotation of a manifest that tells what its layers' bytes depend on."""


@frozen
class Pushed:
    """What a push came to. `digest` is the index's in the registry; `manifests` those of each architecture there.

    `sent` counts the bytes of blobs that the registry lacked; `kept` the layers that it had.
    """

    digest: str
    size: int
    manifests: tuple[tuple[Architecture, str], ...]
    sent: int
    kept: int


@dataclass(slots=True)
class _Push:
    repository: ImageRepository
    blobs: Blobs
    shown: str
    scratch: Path
    progress: Progress
    sent: int = 0
    kept: int = 0
    done: dict[str, oci.Descriptor] = field(default_factory=dict)


def push(path: Path, repository: ImageRepository, tags: Callable[[str], Sequence[str]], progress: Progress) -> Pushed:
    """Pushes what `imagebake bake` wrote at `path`, or one of its archives, and gives it the tags.

    `tags` is given the tag that the image has here. Raises Problem: (exit 5) what is there is no whole image, (exit 11)
    the registry can't be reached, or refuses.
    """
    reports = inspect(path)
    _check(reports, path)
    with opened(path) as blobs, scratch.folder("push") as folder:
        work = _Push(repository, blobs, str(path), folder, progress)
        manifests = [(_architecture(report), _image(work, report)) for report in reports]
        index = oci.index(
            oci.Descriptor(manifest.media_type, manifest.digest, manifest.size, architecture)
            for architecture, manifest in sorted(manifests, key=lambda found: found[0])
        )
        for _, manifest in manifests:
            repository.put_manifest(manifest)
        repository.put_manifest(index)
        for tag in tags(reports[0].reference.rpartition(":")[2]):
            repository.put_manifest(index, tag)
            _check_tag(repository, tag, index)
    found = tuple((architecture, manifest.digest) for architecture, manifest in manifests)
    return Pushed(index.digest, index.size, found, work.sent, work.kept)


def _check(reports: Sequence[ImageReport], path: Path) -> None:
    missing = [layer for report in reports for layer in report.layers if not layer.is_there]
    if missing:
        raise TreeProblem(
            f"{path} lacks the layer {missing[0].diff_id}: it was written for a host that has it",
            hint="push the folder that imagebake bake wrote",
        )
    if not reports or len({report.architecture for report in reports}) != len(reports):
        raise TreeProblem(f"{path} holds no image, or two for one architecture", hint="bake it again")


def _architecture(report: ImageReport) -> Architecture:
    if found := documents.architecture(report.architecture):
        return found
    raise TreeProblem(f'the image is for "{report.architecture}", which is not known here')


def _image(work: _Push, report: ImageReport) -> oci.OciDocument:
    """Sends what the registry lacks of one architecture; gives its manifest there."""
    layers = [_layer(work, report, layer) for layer in report.layers]
    config = oci.OciDocument(oci.CONFIG_TYPE, document(work.blobs, report.config_digest, work.shown))
    if not work.repository.has_blob(config.digest, config.size):
        work.repository.upload(config.digest, Bytes(config.data))
        work.sent += config.size
    return oci.manifest(config, layers, {WRITER: compression.writer()})


def _layer(work: _Push, report: ImageReport, layer: LayerReport) -> oci.Descriptor:
    if known := work.done.get(layer.diff_id):
        return known
    told = f"{layer.name} ({report.architecture})"
    compressed = compression.recall(layer.diff_id)
    if compressed and work.repository.has_blob(compressed.digest, compressed.size):
        work.kept += 1
    else:
        file = work.scratch / "layer"
        try:
            compressed = compression.write(_pieces(work.blobs, layer.diff_id), file)
        except OSError as error:
            raise MachineProblem(f"can't write {file}: {error.strerror}") from None
        compression.remember(layer.diff_id, compressed)
        _send(work, told, compressed, file)
        file.unlink()
    described = oci.Descriptor(oci.GZIP_LAYER_TYPE, compressed.digest, compressed.size)
    work.done[layer.diff_id] = described
    return described


def _send(work: _Push, told: str, compressed: compression.Compressed, file: Path) -> None:
    if work.repository.has_blob(compressed.digest, compressed.size):
        work.kept += 1
        return
    with work.progress.track(told, compressed.size, "bytes") as advance:
        work.repository.upload(compressed.digest, FromFile(file, compressed.size), advance)
    work.sent += compressed.size


def _pieces(blobs: Blobs, digest: str) -> Iterator[bytes]:
    """The layer, which `inspect` has checked."""
    blob: IO[bytes]
    found = blobs.open(oci.blob_path(digest))
    if found is None:
        raise TreeProblem(f"the layer {digest} is gone", hint="bake it again")
    with found as blob:
        yield from iter(partial(blob.read, CHUNK), b"")


def _check_tag(repository: ImageRepository, tag: str, index: oci.OciDocument) -> None:
    stored = repository.manifest(tag)
    if stored is None or stored.digest != index.digest:
        raise RegistryProblem(
            f'the registry took the tag "{tag}" and now answers with another image',
            hint="somebody else may be pushing; push again",
        )
