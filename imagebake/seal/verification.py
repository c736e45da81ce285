"""Verifies a sealed image: who signed, that the image is the one that was sealed, that its files are the tree's, and
that engines can read nothing else from what holds it (standing.py).

Read is what is there, never what it says of itself: every blob is hashed, the tree's digest is worked out from the
files in the layers, and a compressed sibling must hold what its file holds.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from imagebake.image import inspection
from imagebake.image.inspection import Blobs, ImageReport, LayerReport
from imagebake.image.untar import Member
from imagebake.nginx import answers, configuration
from imagebake.recipes import precompressed, sbom
from imagebake.recipes.statement import LIMIT, Statement, digest, read, refused
from imagebake.seal import signing, standing
from imagebake.seal.envelope import Seal
from imagebake.seal.standing import Held
from sealpress import labels
from sealpress.commands.console import Progress
from sealpress.config.settings import Architecture
from sealpress.frozen import frozen
from sealpress.git import repository as git
from sealpress.problems import Exit, MachineProblem, Problem, SealProblem, UsageProblem
from sealpress.tree import tree
from sealpress.tree.tree import TreeFile

_PREFIX = f"{configuration.ROOT}/"
_MARKS = frozenset({answers.RELEASE_PATH, answers.SEAL_PATH})


@frozen
class Signer:
    """`principal` is the name in the file of allowed signers, `fingerprint` the key's, "SHA256:…"."""

    principal: str
    fingerprint: str


@frozen
class Verified:
    """An image that is as its seal says. `created` is its date; `bill` the bill of materials that belongs beside it."""

    held: Held
    created: datetime
    bill: bytes
    files: int
    siblings: int

    @property
    def architecture(self) -> Architecture:
        return self.held.architecture

    @property
    def digest(self) -> str:
        """Its manifest's, as it was baked."""
        return self.held.manifest.digest


@frozen
class _Served:
    """One file that the image serves, and where its bytes stand."""

    layer: LayerReport
    member: Member
    sha256: str


def signers(seal: Seal, allowed: Path, revoked: Path | None = None) -> tuple[Signer, ...]:
    """Who signed the seal. All signatures must be good. Raises Problem (exit 10): nobody did, or see signing.verify."""
    if not seal.signatures:
        raise SealProblem(
            "the seal is not signed", hint="imagebake sign signs it; --unsigned checks all but the signature"
        )
    found = []
    for keyid, signature in seal.signatures:
        principal = signing.verify(seal.signed_bytes, signature, allowed, revoked)
        fingerprint = signing.describe(signature).fingerprint
        if keyid != fingerprint:
            raise refused("the seal", f"it names the key {keyid[:60]!a}, and the signature is by {fingerprint}")
        found.append(Signer(principal, fingerprint))
    return tuple(found)


def images(
    path: Path, seal: Seal, progress: Progress, *, file: Path | None = None, is_pulled: bool = False
) -> tuple[Verified, ...]:
    """Checks every image at `path` against the seal, and that nothing else is there: in an archive, or in a layout.

    `file` is the seal's own, which may lie in a layout. `is_pulled`: the layout was written just now, of what a
    registry sent. Raises Problem (exit 10).
    """
    shown = str(path)
    try:
        standing.check_packing(path)
        with inspection.opened(path) as blobs:
            found = tuple(_images(blobs, seal, shown, progress))
            if len({one.architecture for one in found}) != len(found):
                raise refused(shown, "it holds two images of one architecture")
            if not is_pulled:
                _check_standing(blobs, [one.held for one in found], seal, shown, file)
    except Problem as problem:
        raise altered(problem) from None
    except OSError as error:
        raise MachineProblem(f"can't read {error.filename or shown}: {error.strerror}") from None
    return found


def check_site(told: Statement, site: str) -> None:
    """Raises Problem (exit 10) where the seal is that of another site than `site`, a good one by the same key."""
    if told.site != site:
        raise SealProblem(
            f"the seal is that of the site {told.site[:80]!a}, and this one is called {site!a}",
            hint="if you mean that site, name its site file: --site; or what it was baked as: --name",
        )


def altered(problem: Problem) -> Problem:
    """The same problem, which is the seal's where it was the image's."""
    if problem.code is not Exit.TREE:
        return problem
    return SealProblem(problem.message, place=problem.place, hint=problem.hint)


def _images(blobs: Blobs, seal: Seal, shown: str, progress: Progress) -> Iterator[Verified]:
    reports = inspection.read(blobs, shown)
    if not reports:
        raise refused(shown, "it holds no image")
    known: dict[str, dict[str, _Served]] = {}
    with progress.track("verifying layers", sum(len(report.layers) for report in reports)) as advance:
        for report in reports:
            _check_identity(report, seal, shown)
            served: dict[str, _Served] = {}
            for layer in report.layers:
                if layer.diff_id not in known:
                    known[layer.diff_id] = dict(_served(blobs, layer, shown))
                served |= known[layer.diff_id]
                advance(1)
            yield _verified(blobs, report, served, seal.statement, shown)


def _check_standing(blobs: Blobs, held: list[Held], seal: Seal, shown: str, file: Path | None) -> None:
    reference = seal.statement.reference
    match blobs:
        case inspection.TarArchive():
            if len(held) != 1:
                raise refused(shown, "it holds more than one image")
            standing.check_archive(blobs, held[0], reference, shown)
        case inspection.Folder():
            everything = standing.check_layout(blobs, held, reference, shown, file)
            if not seal.has(everything.digest):
                raise refused(shown, "it holds other architectures than the seal names")


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
    """The files below the root of what is served, and the bill of materials, which is not below it.

    sealpress writes no links there, and removes nothing by a layer.
    """
    for member, sha256 in inspection.members(blobs, layer, shown):
        if member.path == sbom.PATH and member.kind == "file":
            yield member.path, _Served(layer, member, sha256)
        if not member.path.startswith(_PREFIX) or member.kind == "directory":
            continue
        if member.kind != "file" or member.path.rpartition("/")[2].startswith(".wh."):
            raise refused(shown, f'"{member.path}" is no plain file')
        yield member.path, _Served(layer, member, sha256)


def _verified(blobs: Blobs, report: ImageReport, found: dict[str, _Served], told: Statement, shown: str) -> Verified:
    bill = found.get(sbom.PATH)
    served = {path.removeprefix(_PREFIX): one for path, one in found.items() if one is not bill}

    def content(path: str) -> bytes:
        if (one := served.get(path)) is None:
            raise refused(shown, f"it has no {path}")
        return _held_content(blobs, one, shown)

    statement = content(answers.SEAL_PATH)
    if digest(statement) != told.digest or read(statement, f"{shown}: {answers.SEAL_PATH}") != told:
        raise refused(shown, f"its {answers.SEAL_PATH} is not the statement that was sealed")
    if content(answers.RELEASE_PATH) != f"{told.release}\n".encode():
        raise refused(shown, f"its {answers.RELEASE_PATH} is not the release that was sealed")
    packed = _siblings(served, told)
    for path in sorted(packed):
        base = served[path.removesuffix(precompressed.SUFFIX)]
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
    held = standing.of(blobs, report, shown)
    created = _moment(report, shown)
    inside = _held_content(blobs, bill, shown) if bill else b""
    return Verified(held, created, _bill(inside, report, held, told), len(rest), len(packed))


def _bill(inside: bytes, report: ImageReport, held: Held, told: Statement) -> bytes:
    """The bill of materials beside the image; b"" where the image has none."""
    if not inside:
        return b""
    subject = sbom.BillSubject(report.digest, held.architecture, report.labels)
    return sbom.beside(inside, told.site, report.created, subject)


def _moment(report: ImageReport, shown: str) -> datetime:
    try:
        found = datetime.fromisoformat(report.created)
    except ValueError:
        raise refused(shown, f"it has no date: {report.created[:40]!a}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _held_content(blobs: Blobs, found: _Served, shown: str) -> bytes:
    if found.member.size > LIMIT:
        raise refused(shown, f"its {found.member.path} is too large")
    return inspection.content(blobs, found.layer, found.member, shown)


def _siblings(served: dict[str, _Served], told: Statement) -> set[str]:
    """The paths that the bake added."""
    own = {told.below + path for path in told.own_siblings}
    return {
        path
        for path in served
        if path.endswith(precompressed.SUFFIX) and path not in own and path.removesuffix(precompressed.SUFFIX) in served
    }


def _unpacked_digest(data: bytes, size: int) -> str:
    """The sha256, in hex, of what a sibling holds; "" for what is no Brotli or holds more than `size` bytes."""
    found = precompressed.unpacked(data, size + 1)
    return digest(found).removeprefix("sha256:") if found is not None and len(found) == size else ""


def _entry(path: str, sha256: str, size: int) -> TreeFile:
    return TreeFile(path, sha256, size, tree.media_type(path), tree.cache_class(path))


def check_newer(told: Statement, created: datetime, than: str, home: Path) -> None:
    """Raises Problem (exit 10) where the release is not newer than `than`: a date, or a commit of the repository here.

    A signature holds no time. What is known is the commit, whose ancestors the repository knows, and the image's date,
    which the seal covers.

    Also where that can't be told; (exit 2) for a `than` that is neither.
    """
    if day := _day(than):
        if created <= day:
            raise _older(told, f"its date is {created:%Y-%m-%d %H:%M:%S %Z}", than)
        return
    repository = git.discover(home)
    if repository is None:
        raise UsageProblem(
            f'"{than}" is no date, and {home} is in no git repository',
            hint="run it in the site's repository, name its site file: --site, or write a date: 2026-05-04",
        )
    try:
        known = repository.commit(than)
    except Problem as problem:
        raise Problem(
            problem.message, hint="name a commit or a tag of it, or write a date: 2026-05-04", code=problem.code
        ) from None
    if not told.commit:
        raise _older(told, "it names no commit", than)
    try:
        commit = repository.commit(told.commit)
    except Problem:
        raise SealProblem(
            f"the seal is of the commit {told.commit[:12]}, which is not in this repository",
            hint="git fetch, if it should be; else don't run the image",
        ) from None
    if commit.id == known.id or not repository.is_ancestor(known, commit):
        if commit.id != known.id and repository.is_shallow:
            raise SealProblem(
                f"this clone is shallow: it can't tell whether {commit.id[:12]} follows {than}",
                hint="git fetch --unshallow (in CI: fetch the whole history)",
            )
        raise _older(told, f"its commit {commit.id[:12]} does not follow {known.id[:12]}", than)


def _day(text: str) -> datetime | None:
    """A day or a moment, in UTC where it says nothing else; None for what is no date."""
    try:
        found = datetime.fromisoformat(text) if "-" in text else None
    except ValueError:
        return None
    return found and (found if found.tzinfo else found.replace(tzinfo=UTC))


def _older(told: Statement, why: str, than: str) -> Problem:
    return SealProblem(
        f"the release {told.release[:19]} of {told.site} is not newer than {than}: {why}",
        hint="an old release may have been put in the place of a newer one",
    )
