"""An image's own documents, configuration, manifest and index: records that become canonical JSON; and the OCI layout.

Source: OCI image-spec v1.1: config.md, manifest.md, image-index.md, descriptor.md, annotations.md, image-layout.md.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from imagebake.image import documents
from imagebake.image.layers import Layer, from_blob
from sealpress.commands.console import SILENT, Progress
from sealpress.config.settings import Architecture
from sealpress.files import scratch
from sealpress.files.files import is_folder
from sealpress.frozen import frozen
from sealpress.problems import MachineProblem, Problem, raise_all

INDEX_TYPE: Final = "application/vnd.oci.image.index.v1+json"
MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE: Final = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE: Final = "application/vnd.oci.image.layer.v1.tar"
GZIP_LAYER_TYPE: Final = LAYER_TYPE + "+gzip"
INDEX_FILE: Final = "index.json"
LAYOUT_FILE: Final = "oci-layout"
LAYOUT: Final = b'{"imageLayoutVersion":"1.0.0"}'
_OWN: Final = re.compile(r"oci-layout|index\.json|blobs(/sha256(/[0-9a-f]{64})?)?")  # all that a layout of ours holds

# config.md, "variant": what containerd and Docker call 64-bit Arm.
_VARIANTS: Final[Mapping[str, str]] = {"arm64": "v8"}


@frozen
class Runtime:
    """What an engine runs, and how. `user` is "UID:GID", `port` a TCP port (None: it listens on none).

    `volumes` are absolute paths of folders whose content outlives the container.
    """

    entrypoint: tuple[str, ...]
    user: str
    port: int | None
    stop_signal: str
    working_dir: str = "/"
    environment: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@frozen
class OciDocument:
    """A JSON document as a blob: named by its digest. `size` in bytes."""

    media_type: str
    data: bytes

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.data).hexdigest()

    @property
    def size(self) -> int:
        return len(self.data)


@frozen
class Descriptor:
    """What names a blob in another document (descriptor.md, "Properties")."""

    media_type: str
    digest: str
    size: int
    architecture: Architecture | None = None
    annotations: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def as_json(self) -> dict[str, object]:
        described: dict[str, object] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        if self.architecture:
            described["platform"] = platform(self.architecture)
        if self.annotations:
            described["annotations"] = dict(self.annotations)
        return described


@frozen
class Sealed:
    """One image of one architecture: its documents, and its layers from the lowest up."""

    architecture: Architecture
    config: OciDocument
    manifest: OciDocument
    layers: tuple[Layer, ...]

    @property
    def size(self) -> int:
        """All blobs together, in bytes."""
        return self.config.size + self.manifest.size + sum(layer.size for layer in self.layers)


def seal(runtime: Runtime, layers: Sequence[Layer], architecture: Architecture, created: datetime) -> Sealed:
    """The image that these layers make. `created`, with a time zone, stands in it to the second.

    Raises Problem (exit 3, 5) for a value of the configuration that engines would read otherwise, or not at all.
    """
    config = OciDocument(CONFIG_TYPE, canonical(_config(runtime, layers, architecture, created)))
    # Read as others will read it: an unknown key, or a value of another shape, ends here.
    documents.config(config.data, "the image's configuration", strict=True)
    raise_all(list(_wrong(runtime)))
    described = [Descriptor(LAYER_TYPE, layer.diff_id, layer.size) for layer in layers]
    return Sealed(architecture, config, manifest(config, described), tuple(layers))


def manifest(
    config: OciDocument, layers: Iterable[Descriptor], annotations: Mapping[str, str] = MappingProxyType({})
) -> OciDocument:
    """manifest.md: an image with this configuration and these layers, lowest first."""
    document: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": Descriptor(CONFIG_TYPE, config.digest, config.size).as_json(),
        "layers": [layer.as_json() for layer in layers],
    }
    if annotations:
        document["annotations"] = dict(annotations)
    return OciDocument(MANIFEST_TYPE, canonical(document))


def index(manifests: Iterable[Descriptor]) -> OciDocument:
    """image-index.md: these manifests, in the order given."""
    document = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [one.as_json() for one in manifests]}
    return OciDocument(INDEX_TYPE, canonical(document))


def across(images: Sequence[Sealed]) -> OciDocument:
    """One index over all architectures, sorted by their names: what a multi-platform image is called by."""
    return over({image.architecture: image.manifest for image in images})


def over(manifests: Mapping[Architecture, OciDocument]) -> OciDocument:
    """As `across`, from the manifests alone."""
    return index(
        Descriptor(MANIFEST_TYPE, manifest.digest, manifest.size, architecture)
        for architecture, manifest in sorted(manifests.items())
    )


def top(everything: OciDocument, reference: str) -> OciDocument:
    """A layout's index.json: it names the index over all architectures by the reference's tag."""
    tag = {"org.opencontainers.image.ref.name": reference.rpartition(":")[2]}
    return index([Descriptor(INDEX_TYPE, everything.digest, everything.size, annotations=tag)])


def platform(architecture: Architecture) -> dict[str, object]:
    found: dict[str, object] = {"architecture": architecture, "os": "linux"}
    if variant := _VARIANTS.get(architecture):
        found["variant"] = variant
    return found


def canonical(document: object) -> bytes:
    """UTF-8, keys sorted, no white space: equal documents are equal bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def blob_path(digest: str) -> str:
    """image-layout.md, "Blobs": where a blob stands in a layout or archive."""
    return "blobs/" + digest.replace(":", "/")


@contextmanager
def blobs_for(folder: Path) -> Iterator[Path]:
    """A folder beside a layout to be, for the tars of layers (layers.described): the layout takes them from there.

    Raises Problem (exit 9) where it can't be made, or the layout could not take the place of what is there.
    """
    _check_place(folder)
    was_there = folder.parent.exists()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        opened = ExitStack()
        made = opened.enter_context(scratch.beside(folder, "blobs"))
    except OSError as error:
        raise _unwritable(folder, error) from None
    try:
        with opened:
            yield made
    finally:
        if not was_there:
            with suppress(OSError):  # it stays where there is something in it
                folder.parent.rmdir()


def write_layout(
    images: Sequence[Sealed], reference: str, folder: Path, progress: Progress = SILENT, made: Path | None = None
) -> list[Sealed]:
    """Writes an OCI layout that holds these images, whole or not at all, in the place of an older one.

    Its index.json names one index over all architectures by the reference's tag. Blobs that the older layout has are
    taken from it, each hashed again; blobs in `made` (see `blobs_for`) are moved. Gives the same images with their
    layers' bytes read from the layout.

    Raises Problem (exit 5, 9): `folder` is something else than a layout, or can't be written.
    """
    _check_place(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with scratch.beside(folder, "new") as around:
            new = around / folder.name
            new.mkdir()
            _fill(images, reference, new, folder, made, progress)
            _swap(new, folder)
    except OSError as error:
        raise _unwritable(folder, error) from None
    return [
        replace(
            image,
            layers=tuple(from_blob(one, folder / blob_path(one.diff_id), is_checked=True) for one in image.layers),
        )
        for image in images
    ]


def _check_place(folder: Path) -> None:
    """Raises Problem (exit 9) where anything stands that no bake wrote: it would go with the older layout."""
    if not os.path.lexists(folder):
        return
    inside = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    if is_folder(folder) and LAYOUT_FILE in inside:
        theirs = [name for name, path in inside.items() if not _OWN.fullmatch(name) or path.is_symlink()]
        if not theirs:
            return
        what = f"holds {min(theirs)}, which is no part of an OCI layout"
    else:
        what = "is there already and is no OCI layout"
    raise MachineProblem(f"{folder} {what}", hint="name another folder for the output, or move it away")


def _wrong(runtime: Runtime) -> Iterator[Problem]:
    """What has another shape than config.md, "Properties", wants. Engines take most of it without a word."""
    for text in (*runtime.environment, *runtime.volumes, runtime.working_dir, runtime.stop_signal):
        if any(ord(char) < 0x20 for char in text):
            yield Problem(f'"{text}" in the image\'s configuration has a control character')
    if any("\0" in text for text in runtime.entrypoint):
        yield Problem("the image's entrypoint has a NUL in an argument")
    if not runtime.entrypoint or not runtime.entrypoint[0].startswith("/"):
        yield Problem("the image's entrypoint must be a program by its whole path: there is no shell to look for it")
    if not re.fullmatch(r"[0-9]{1,5}:[0-9]{1,5}", runtime.user):
        yield Problem(f'the image\'s user must be "UID:GID", not "{runtime.user}"')
    if runtime.port is not None and not 0 < runtime.port < 1 << 16:
        yield Problem(f"the image can't listen on the port {runtime.port}")
    for variable in runtime.environment:
        if not re.match(r"[A-Za-z_][A-Za-z0-9_]*=", variable):
            yield Problem(f'a variable of the image\'s environment must be "NAME=value", not "{variable}"')
    for path in (*runtime.volumes, runtime.working_dir):
        if not path.startswith("/") or {"..", "."} & {*path.split("/")}:
            yield Problem(f'"{path}" in the image\'s configuration must be an absolute path')


def _config(
    runtime: Runtime, layers: Sequence[Layer], architecture: Architecture, created: datetime
) -> dict[str, object]:
    moment = f"{created.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return platform(architecture) | {
        "created": moment,
        "config": {
            "User": runtime.user,
            **({"ExposedPorts": {f"{runtime.port}/tcp": {}}} if runtime.port else {}),
            **({"Volumes": {path: {} for path in runtime.volumes}} if runtime.volumes else {}),
            "Env": list(runtime.environment),
            "Entrypoint": list(runtime.entrypoint),
            "WorkingDir": runtime.working_dir,
            "Labels": dict(runtime.labels),
            "StopSignal": runtime.stop_signal,
        },
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        # `comment` is the layer's name: a layer has no other place to say what it holds.
        "history": [{"created": moment, "created_by": layer.created_by, "comment": layer.name} for layer in layers],
    }


def _fill(
    images: Sequence[Sealed], reference: str, new: Path, old: Path, made: Path | None, progress: Progress
) -> None:
    (new / "blobs/sha256").mkdir(parents=True)
    layers = {layer.diff_id: layer for image in images for layer in image.layers}
    total = sum(layer.size for layer in layers.values())
    with progress.track("writing layers", total, "bytes") as advance:
        for layer in layers.values():
            target = new / blob_path(layer.diff_id)
            if not (_moved(made, target, layer) or _taken(old / blob_path(layer.diff_id), target, layer)):
                with target.open("wb") as file:
                    for piece in layer.stream():
                        file.write(piece)
            advance(layer.size)
    everything = across(images)
    documents = [everything, *(document for image in images for document in (image.config, image.manifest))]
    for document in documents:
        (new / blob_path(document.digest)).write_bytes(document.data)
    (new / INDEX_FILE).write_bytes(top(everything, reference).data)
    (new / LAYOUT_FILE).write_bytes(LAYOUT)


def _moved(made: Path | None, new: Path, layer: Layer) -> bool:
    """Whether the layer's tar was left in `made`, and now stands in the layout."""
    if not made or not layer.blob or layer.blob.parent != made:
        return False
    try:
        if layer.is_untouched:
            layer.blob.replace(new)
            return True
    except OSError:
        pass
    return False


def _taken(old: Path, new: Path, layer: Layer) -> bool:
    """Whether the older layout's blob is whole and now stands in the new one, too."""
    try:
        if old.is_symlink() or old.stat().st_size != layer.size:
            return False
        for _ in from_blob(layer, old).stream():
            pass
        os.link(old, new)
    except (OSError, Problem):
        return False
    return True


def _swap(new: Path, folder: Path) -> None:
    if folder.exists():
        with scratch.beside(folder, "old", back=True) as gone:
            folder.replace(gone / folder.name)
            new.replace(folder)
    else:
        new.replace(folder)


def _unwritable(folder: Path, error: OSError) -> Problem:
    return MachineProblem(f"{folder} can't be written: {error.strerror}")
