"""A sealed image baked again from its commit: the same digest, or the first difference.

The commit is built in a clone of its own, by ssg as a command or by the site's own generator: imagebake knows neither.
"""

import itertools
import os
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final, get_args

from imagebake.image import comparison, inspection, oci
from imagebake.image.comparison import Change, ImageDifference
from imagebake.packages import lock as locks
from imagebake.recipes import precompressed
from imagebake.recipes.site import bake
from imagebake.recipes.statement import Statement
from imagebake.seal.envelope import Seal
from sealpress import tools
from sealpress.commands import generator
from sealpress.commands.console import Progress
from sealpress.config import sitefile
from sealpress.config.settings import LOCK_NAME, Architecture
from sealpress.config.sitefile import SiteFile
from sealpress.files import scratch
from sealpress.frozen import frozen
from sealpress.git import repository as git
from sealpress.problems import Exit, Problem, SealProblem, UsageProblem
from sealpress.tree import provenance, tree

_SECONDS: Final = 1800
_SHOWN_LINES: Final = 20
_PIECE: Final = 1 << 16


@frozen
class Rebuilt:
    """`digests` by architecture. `packed` are compressed siblings with other bytes and the same content."""

    commit: str
    digests: tuple[tuple[str, str], ...]
    packed: tuple[str, ...] = ()


def rebuild(path: Path, seal: Seal, home: Path, progress: Progress, *, allow_command: bool = False) -> Rebuilt:
    """Builds and bakes the seal's commit, and compares each image at `path`. `home` is the site's folder here.

    `allow_command`: [build] command may run (sealpress/commands/generator.py).

    Raises Problem: (exit 1) an image differs: the first file and byte; (exit 10) the seal names no commit that could be
    built, or one with another lock; and as the build and the bake do.
    """
    told = seal.statement
    if not told.commit or told.clean is not True:
        raise SealProblem(
            "the seal names no commit that holds all that the release was made from",
            hint="only a release of a commit, with nothing changed beside it, can be built again",
        )
    repository = git.discover(home)
    if repository is None:
        raise UsageProblem(
            f"{home} is in no git repository, and the image is of the commit {told.commit[:12]}",
            hint="run it in the site's repository, or name its site file: --site",
        )
    commit = repository.commit(told.commit)
    wanted = _architectures(path)
    with repository.clone(commit) as clone, scratch.folder("rebuild") as folder:
        root = clone / home.resolve().relative_to(repository.root.resolve())
        site, lock = _parts(root, told)
        progress.note(f"building commit {commit.id[:12]} again")
        names = [name for name, _ in told.inputs or ()]
        versions = _versions(told)
        source = provenance.of_files(root, names, commit=commit.id, clean=True, tools=versions)
        built = _built(site, home, commit, folder / "tree", progress, allowed=allow_command)
        scanned = tree.scan(built, site.settings.build.keep)
        images = bake(
            scanned,
            lock,
            site.settings.image,
            wanted,
            commit.time,
            name=told.site,
            source=source,
            document=site.document,
            progress=progress,
        )
        layout = folder / "oci"
        oci.write_layout([image.sealed for image in images], images[0].reference, layout, progress)
        differences = comparison.compare(path, layout, wanted)
        packed = tuple(dict.fromkeys(itertools.chain.from_iterable(map(_packed_alone, differences))))
        for difference in differences:
            if not difference.is_equal and not _packed_alone(difference):
                raise _different(path, layout, difference, told, versions)
    return Rebuilt(commit.id, tuple((image.architecture, image.digest) for image in images), packed)


def _architectures(path: Path) -> list[Architecture]:
    found = {report.architecture for report in inspection.inspect(path)}
    return [known for known in get_args(Architecture) if known in found]


def _parts(root: Path, told: Statement) -> tuple[SiteFile, locks.Lock]:
    """The site file and the lock, as the commit has them."""
    if not (root / sitefile.NAME).is_file():
        raise SealProblem(f"the commit {told.commit[:12]} has no {sitefile.NAME} in this folder")
    site = sitefile.load(root / sitefile.NAME, sitefile.NAME)
    lock = locks.load(root / LOCK_NAME)
    if lock.digest != told.lock:
        raise SealProblem(
            f"the commit {told.commit[:12]} has the lock {lock.digest}, and the image was baked with {told.lock}",
            hint="it was baked with --lock, or with a lock that was not committed",
        )
    return site, lock


def _versions(told: Statement) -> dict[str, str]:
    """Of the tools that the seal names, what is installed here."""
    here = {**provenance.tools(), **tools.of_image()}
    return {name: here.get(name, "") for name in told.tools}


def _built(site: SiteFile, home: Path, commit: git.Commit, to: Path, progress: Progress, *, allowed: bool) -> Path:
    """The output tree's folder."""
    if site.settings.build.command:
        return generator.run(site, home, commit.time, progress, allowed=allowed)
    # -P: the clone's own files are no modules.
    command = [sys.executable, "-P", "-m", "ssg.cli", "build", "--quiet", "--no-cache"]
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    try:
        done = subprocess.run(
            [*command, "--site", str(site.root / sitefile.NAME), "--output", str(to)],
            cwd=site.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Problem(f"ssg build did not end in {_SECONDS} s", code=Exit.SITE) from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-_SHOWN_LINES:]
        known = done.returncode if done.returncode in {*Exit} else Exit.SITE
        raise Problem(f"the commit {commit.id[:12]} can't be built", code=Exit(known), said=said)
    return to


def _packed_alone(difference: ImageDifference) -> list[str]:
    """The compressed siblings that differ, where nothing else does. What they hold was verified before."""
    changed = {change.path for change in difference.files}
    packed = [
        change.path
        for change in difference.files
        if change.path.endswith(precompressed.SUFFIX)
        and change.before
        and change.after
        and change.path.removesuffix(precompressed.SUFFIX) not in changed
    ]
    return packed if len(packed) == len(changed) and not (difference.packages or difference.settings) else []


def _different(
    path: Path, layout: Path, difference: ImageDifference, told: Statement, versions: dict[str, str]
) -> Problem:
    other = [f"{name} {told.tools[name]}, here {versions[name] or 'none'}" for name in told.tools]
    other = [text for name, text in zip(told.tools, other, strict=True) if told.tools[name] != versions[name]]
    hint = f"the image was made with {'; '.join(other)}" if other else None
    found = [*difference.packages, *difference.settings]
    if difference.files:
        what = _first(path, layout, difference.architecture, difference.files)
    elif found:
        what = f"{found[0].name} is {found[0].before!a} in the image, and {found[0].after!a} in the rebuild"
    else:
        what = "its layers are cut in another way"
    return Problem(
        f"the commit {told.commit[:12]} gives another image for {difference.architecture}: {what}",
        hint=hint,
        code=Exit.DIFFERENT,
    )


def _first(path: Path, layout: Path, architecture: str, changes: Collection[Change]) -> str:
    """The first difference in words. A statement in the image differs whenever anything does: it comes last."""
    change = min(changes, key=lambda one: (one.path.endswith((".well-known/seal.json", "/release")), one.path))
    if change.before is None or change.after is None:
        return f"{change.path} is only in the {'rebuild' if change.before is None else 'image'}"
    if change.before.kind != change.after.kind or change.before.kind != "file":
        return f"{change.path} is a {change.before.kind} in the image, and a {change.after.kind} in the rebuild"
    pairs = zip(_pieces(path, architecture, change.path), _pieces(layout, architecture, change.path), strict=False)
    at = 0
    for left, right in pairs:
        if left != right:
            same = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), None)
            if same is not None:
                return f"{change.path}, byte {at + same}: 0x{left[same]:02x} in the image, 0x{right[same]:02x} rebuilt"
        at += min(len(left), len(right))
    if change.before.size != change.after.size:
        sizes = f"{change.before.size} bytes in the image, {change.after.size} rebuilt"
        return f"{change.path}, byte {min(change.before.size, change.after.size)}: it ends there, {sizes}"
    return f"{change.path} has the mode {change.before.mode:o} in the image, and {change.after.mode:o} in the rebuild"


def _pieces(path: Path, architecture: str, name: str) -> Iterator[bytes]:
    """A file of an image, from the uppermost layer that has it."""
    with inspection.opened(path) as blobs:
        reports = inspection.read(blobs, str(path))
        report = next(one for one in reports if one.architecture == architecture)
        for layer in reversed(report.layers):
            for member, _ in inspection.members(blobs, layer, str(path)):
                if member.path == name:
                    data = inspection.content(blobs, layer, member, str(path))
                    yield from (data[at : at + _PIECE] for at in range(0, len(data), _PIECE))
                    return
