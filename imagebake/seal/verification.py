"""Verifies a sealed image: who signed, that the image is the one that was sealed, that its files are the tree's.

Read is what is there, never what it says of itself: every blob is hashed, the tree's digest is worked out from the
files in the layers, and a compressed sibling must hold what its file holds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import brotli  # type: ignore[import-untyped]  # it brings no types

from imagebake import inspection, nginx, siblings
from imagebake.image.untar import Member
from imagebake.inspection import Blobs, ImageReport, LayerReport
from imagebake.seal import signing
from imagebake.seal.envelope import Seal
from imagebake.seal.statement import LIMIT, Statement, digest, read, refused
from sealpress import labels, tree
from sealpress.console import Progress
from sealpress.problems import Exit, Problem
from sealpress.tree import Entry

_PREFIX = f"{nginx.ROOT}/"
_MARKS = frozenset({nginx.RELEASE_PATH, nginx.SEAL_PATH})


@dataclass(frozen=True, slots=True)
class Signer:
    """`principal` is the name in the file of allowed signers, `fingerprint` the key's, "SHA256:…"."""

    principal: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Verified:
    """An image that is as its seal says. `digest` is its manifest's, as it was baked."""

    architecture: str
    digest: str
    files: int
    siblings: int


@dataclass(frozen=True, slots=True)
class _Served:
    """One file that the image serves, and where its bytes stand."""

    layer: LayerReport
    member: Member
    sha256: str


def signers(seal: Seal, allowed: Path) -> tuple[Signer, ...]:
    """Who signed the seal. All signatures must be good. Raises Problem (exit 10): nobody did, or see signing.verify."""
    if not seal.signatures:
        raise Problem(
            "the seal is not signed",
            hint="imagebake sign signs it; --unsigned checks all but the signature",
            code=Exit.SEAL,
        )
    found = []
    for _, signature in seal.signatures:
        principal = signing.verify(seal.signed_bytes, signature, allowed)
        found.append(Signer(principal, signing.describe(signature).fingerprint))
    return tuple(found)


def images(path: Path, seal: Seal, progress: Progress) -> tuple[Verified, ...]:
    """Checks every image at `path` against the seal.

    Raises Problem: (exit 5) what is there is no whole image, (exit 10) it is not the one that was sealed.
    """
    shown = str(path)
    with inspection.opened(path) as blobs:
        reports = inspection.read(blobs, shown)
        if not reports:
            raise Problem(f"{shown} holds no image", code=Exit.TREE)
        known: dict[str, dict[str, _Served]] = {}
        with progress.track("verifying layers", sum(len(report.layers) for report in reports)) as advance:
            found = []
            for report in reports:
                _check_identity(report, seal, shown)
                served: dict[str, _Served] = {}
                for layer in report.layers:
                    if layer.diff_id not in known:
                        known[layer.diff_id] = dict(_served(blobs, layer, shown))
                    served |= known[layer.diff_id]
                    advance(1)
                found.append(_verified(blobs, report, served, seal.statement, shown))
    return tuple(found)


def _check_identity(report: ImageReport, seal: Seal, shown: str) -> None:
    told = seal.statement
    for what, value in (("image", report.digest), ("configuration", report.config_digest)):
        if not seal.has(value):
            raise refused(f"{shown} ({report.architecture})", f"its {what} is {value}, which the seal does not name")
    expected = {
        labels.SITE: told.site,
        labels.RELEASE: told.release,
        labels.COMMIT: told.held_by,
        labels.SEAL: told.digest,
    }
    for name, value in expected.items():
        if report.labels.get(name) != value:
            raise refused(f"{shown} ({report.architecture})", f"its label {name} is not what the seal says")


def _served(blobs: Blobs, layer: LayerReport, shown: str) -> Iterator[tuple[str, _Served]]:
    """The files below the root of what is served. sealpress writes no links there, and removes nothing by a layer."""
    for member, sha256 in inspection.members(blobs, layer, shown):
        if not member.path.startswith(_PREFIX) or member.kind == "directory":
            continue
        if member.kind != "file" or member.path.rpartition("/")[2].startswith(".wh."):
            raise refused(shown, f'"{member.path}" is no plain file')
        yield member.path.removeprefix(_PREFIX), _Served(layer, member, sha256)


def _verified(blobs: Blobs, report: ImageReport, served: dict[str, _Served], told: Statement, shown: str) -> Verified:
    def content(path: str) -> bytes:
        if (found := served.get(path)) is None or found.member.size > LIMIT:
            raise refused(shown, f"it has no {path}, or a far too large one")
        return inspection.content(blobs, found.layer, found.member, shown)

    inside = content(nginx.SEAL_PATH)
    if digest(inside) != told.digest or read(inside, f"{shown}: {nginx.SEAL_PATH}") != told:
        raise refused(shown, f"its {nginx.SEAL_PATH} is not the statement that was sealed")
    if content(nginx.RELEASE_PATH) != f"{told.release}\n".encode():
        raise refused(shown, f"its {nginx.RELEASE_PATH} is not the release that was sealed")
    packed = _siblings(served, told)
    for path in sorted(packed):
        base = served[path.removesuffix(siblings.SUFFIX)]
        if _unpacked_digest(content(path), base.member.size) != base.sha256:
            raise refused(shown, f'"{path}" does not hold what the file beside it holds')
    rest = {path: one for path, one in served.items() if path not in packed and path not in _MARKS}
    if outside := next((path for path in rest if not path.startswith(told.below)), None):
        raise refused(shown, f'"{outside}" does not lie below the site\'s path')
    entries = [_entry(path.removeprefix(told.below), one.sha256, one.member.size) for path, one in rest.items()]
    entries += [_entry(path, sha256, size) for path, sha256, size in told.unserved]
    worked_out = tree.digest(tuple(sorted(entries, key=lambda entry: entry.path.encode())))
    if worked_out != told.tree:
        raise refused(shown, f"its files make the tree {worked_out}, and the seal says {told.tree}")
    return Verified(report.architecture, report.digest, len(rest), len(packed))


def _siblings(served: dict[str, _Served], told: Statement) -> set[str]:
    """The paths that the bake added."""
    own = {told.below + path for path in told.own_siblings}
    return {
        path
        for path in served
        if path.endswith(siblings.SUFFIX) and path not in own and path.removesuffix(siblings.SUFFIX) in served
    }


def _unpacked_digest(data: bytes, size: int) -> str:
    """The sha256, in hex, of what a sibling holds; "" for what is no Brotli or holds more than `size` bytes."""
    decoder = brotli.Decompressor()
    try:
        found = decoder.process(data, output_buffer_limit=size + 1)
        while not decoder.is_finished() and len(found) <= size:
            if not (more := decoder.process(b"", output_buffer_limit=size + 1)):
                return ""
            found += more
    except brotli.error:
        return ""
    return digest(found).removeprefix("sha256:") if len(found) == size else ""


def _entry(path: str, sha256: str, size: int) -> Entry:
    return Entry(path, sha256, size, tree.media_type(path), tree.cache_class(path))
