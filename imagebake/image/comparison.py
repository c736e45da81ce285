"""What differs between two images: packages, settings, files. Images are read back, and believed as little as ever.

Files are those that a container would see: the layers laid upon each other, with their whiteouts.
Source: OCI image-spec v1.1, layer.md, "Whiteouts".
"""

import difflib
import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from imagebake.image import inspection
from imagebake.image.documents import Config
from imagebake.image.entries import parents
from imagebake.image.inspection import Blobs, ImageReport, LayerReport
from imagebake.image.untar import Member
from sealpress.frozen import frozen
from sealpress.problems import TreeProblem

_WHITEOUT: Final = ".wh."
_OPAQUE: Final = ".wh..wh..opq"
_WHITEOUT_LIMIT: Final = 1000  # of one image: each is looked for among all files
_SHOWN_LIMIT: Final = 256 << 10  # bytes of a file whose lines are compared


@frozen
class Setting:
    """One value that differs; None where one of the images has none."""

    name: str
    before: str | None
    after: str | None


@frozen
class FileState:
    """A file, as one of the images has it. `size` in bytes; `sha256` in hex, "" for what is no file."""

    kind: str
    mode: int
    size: int
    sha256: str
    target: str


@frozen
class Change:
    """One file that differs; None where one of the images has none. `lines`: how."""

    path: str
    before: FileState | None
    after: FileState | None
    lines: tuple[str, ...] = ()


@frozen
class ImageDifference:
    """Between the images for one architecture. `before` and `after` are manifests' digests, "" where there is none."""

    architecture: str
    before: str
    after: str
    packages: tuple[Setting, ...] = ()
    settings: tuple[Setting, ...] = ()
    files: tuple[Change, ...] = ()

    @property
    def is_equal(self) -> bool:
        return self.before == self.after


def compare(
    before: Path, after: Path, architectures: Collection[str] = (), lines_in: str = ""
) -> tuple[ImageDifference, ...]:
    """By architecture, sorted: all that either has, or just `architectures`. `lines_in`: whose files' lines are told.

    Raises Problem (exit 5): a path that holds no image, or none for an architecture that was asked for.
    """
    with inspection.opened(before) as old, inspection.opened(after) as new:
        left = _by_architecture(inspection.read(old, str(before)), str(before))
        right = _by_architecture(inspection.read(new, str(after)), str(after))
        wanted = sorted(architectures or {*left, *right})
        for name in wanted:
            if name not in left and name not in right:
                raise TreeProblem(f"neither {before} nor {after} holds an image for {name}")
        return tuple(
            _difference(
                name,
                _Side(left[name], (old, new), str(before)) if name in left else None,
                _Side(right[name], (new, old), str(after)) if name in right else None,
                lines_in,
            )
            for name in wanted
        )


@frozen
class _Side:
    """One image. A layer that was left out of its archive may be had from the other one's."""

    report: ImageReport
    blobs: tuple[Blobs, Blobs]
    shown: str

    def holder(self, layer: LayerReport) -> Blobs | None:
        return next((blobs for blobs in self.blobs if inspection.has(blobs, layer)), None)


@frozen
class _Placed:
    """A file, and the layer that it comes from."""

    state: FileState
    layer: LayerReport
    member: Member


def _by_architecture(reports: Iterable[ImageReport], shown: str) -> dict[str, ImageReport]:
    found: dict[str, ImageReport] = {}
    for report in reports:
        if report.architecture in found:
            raise TreeProblem(f"{shown} holds two images for {report.architecture}")
        found[report.architecture] = report
    return found


def _difference(architecture: str, before: _Side | None, after: _Side | None, lines_in: str) -> ImageDifference:
    if before is None or after is None:
        return ImageDifference(
            architecture, before.report.digest if before else "", after.report.digest if after else ""
        )
    old, new = before.report, after.report
    if old.digest == new.digest:
        return ImageDifference(architecture, old.digest, new.digest)
    packages = tuple(_settings(old.packages, new.packages))
    files = tuple(_changes(before, after, lines_in))
    settings = tuple(_settings(_values(old.config), _values(new.config)))
    if not (packages or files or settings):
        # The same, cut into layers in another way: still another image.
        settings = (Setting("layers", _layers(old), _layers(new)),)
    return ImageDifference(architecture, old.digest, new.digest, packages, settings, files)


def _settings(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Setting]:
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield Setting(name, before.get(name), after.get(name))


def _values(config: Config) -> dict[str, str]:
    """Everything of a configuration but its layers, by names for people."""
    execution = config.execution
    found = {
        "platform": "/".join(filter(None, (config.os, config.architecture, config.variant))),
        "created": config.created,
        "user": execution.user,
        "ports": " ".join(execution.ports),
        "entrypoint": " ".join(execution.entrypoint),
        "arguments": " ".join(execution.arguments),
        "volumes": " ".join(execution.volumes),
        "working folder": execution.working_dir,
        "stop signal": execution.stop_signal,
    }
    variables = (variable.partition("=") for variable in execution.environment)
    found |= {f"variable {name}": value for name, _, value in variables}
    return found | {f"label {name}": value for name, value in execution.labels.items()}


def _layers(report: ImageReport) -> str:
    return " ".join(layer.diff_id.removeprefix("sha256:")[:12] for layer in report.layers)


def _changes(before: _Side, after: _Side, lines_in: str) -> Iterator[Change]:
    common = {layer.diff_id for layer in before.report.layers} & {layer.diff_id for layer in after.report.layers}
    old, new = _files(before, common), _files(after, common)
    for path in sorted({*old, *new}, key=str.encode):
        one, other = old.get(path), new.get(path)
        if one is None or other is None or one.state != other.state:
            is_told = lines_in and path.startswith(f"{lines_in}/")
            lines = tuple(_lines(before, one, after, other)) if is_told and one and other else ()
            yield Change(path, one.state if one else None, other.state if other else None, lines)


def _files(side: _Side, common: Collection[str]) -> dict[str, _Placed]:
    """What a container of the image would see: files and links, and folders that hold nothing."""
    found: dict[str, _Placed] = {}
    whiteouts = 0
    for layer in side.report.layers:
        blobs = side.holder(layer)
        if blobs is None and layer.diff_id in common:
            continue  # nobody has it, and it is the same in both
        here: dict[str, _Placed] = {}
        for member, sha256 in inspection.members(blobs or side.blobs[0], layer, side.shown):
            folder, _, name = member.path.rpartition("/")
            whiteouts += name.startswith(_WHITEOUT)
            if whiteouts > _WHITEOUT_LIMIT:
                raise TreeProblem(f"{side.shown} removes more than {_WHITEOUT_LIMIT} files by its layers")
            if name == _OPAQUE:
                _drop(found, folder, itself=False)
            elif name.startswith(_WHITEOUT):
                _drop(found, f"{folder}/{name.removeprefix(_WHITEOUT)}".lstrip("/"), itself=True)
            elif member.path:
                size = member.size if member.kind == "file" else 0
                state = FileState(member.kind, member.mode, size, sha256, member.target)
                here[member.path] = _Placed(state, layer, member)
        for path, one in here.items():
            if path in found and found[path].state.kind == "directory" != one.state.kind:
                _drop(found, path, itself=True)
        found |= here
    above = {parent for path in found for parent in parents(path)}
    return {path: one for path, one in found.items() if path not in above}


def _drop(found: dict[str, _Placed], path: str, *, itself: bool) -> None:
    below = f"{path}/" if path else ""
    for gone in [other for other in found if other.startswith(below) or (itself and other == path)]:
        del found[gone]


def _lines(before: _Side, old: _Placed, after: _Side, new: _Placed) -> Iterator[str]:
    """What was added and removed, as `diff -U0` has it."""
    left, right = _text(before, old), _text(after, new)
    if left is None or right is None:
        return
    for line in itertools.islice(difflib.unified_diff(left, right, n=0, lineterm=""), 2, None):
        if not line.startswith("@@"):
            yield line


def _text(side: _Side, found: _Placed) -> list[str] | None:
    blobs = side.holder(found.layer)
    if blobs is None or found.member.kind != "file" or found.member.size > _SHOWN_LIMIT:
        return None
    data = inspection.content(blobs, found.layer, found.member, side.shown)
    return data.decode("utf-8", "backslashreplace").splitlines()
