"""The layers that a lock names: fetched where they aren't cached, unpacked, selected, and checked against the lock."""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field
from functools import partial
from pathlib import Path
from typing import Final

from imagebake.fetch import cache as cache_folder
from imagebake.image import tar
from imagebake.image.entries import Entry
from imagebake.packages import deb, mirror, selection
from imagebake.packages.lock import Lock, LockedPackage
from imagebake.packages.selection import Root
from sealpress.commands.console import SILENT, Progress
from sealpress.config.settings import Architecture, ImageSettings
from sealpress.frozen import frozen
from sealpress.problems import LockProblem, Problem

_WORKERS: Final = 2  # packages that are unpacked at a time: each may take 20 MB

PackageLayer = tuple[LockedPackage, tuple[Entry, ...]]


def layers_of(
    lock: Lock,
    architecture: Architecture,
    settings: ImageSettings,
    *,
    cache: Path | None = None,
    progress: Progress = SILENT,
) -> list[PackageLayer]:
    """Every locked package with the entries of its layer, in layer order. With a warm cache nothing is fetched.

    `cache` is the user's where it is None. Raises Problem (exit 4): a package is gone or not what the lock says, can't
    be unpacked, or gives another layer than the lock says.
    """
    folder = cache_folder.folder() if cache is None else cache
    locked = {package.name: package for package in lock.of(architecture)}
    mirrors = partial(mirror.find, settings)
    files = {
        name: mirror.fetched(package, folder, mirrors, date=lock.date, progress=progress)
        for name, package in locked.items()
    }
    # xz leaves Python's lock to the others. The largest first, so that none is waited for alone at the end.
    largest = sorted(locked.values(), key=lambda package: -package.size)
    with ThreadPoolExecutor(min(len(os.sched_getaffinity(0)), _WORKERS)) as workers:
        unpacking = workers.map(lambda one: unpack(files[one.name], one, lock.roots, architecture), largest)
        done = dict(zip((package.name for package in largest), unpacking, strict=True))
    entries = {name: done[name] for name in locked}
    selected = selection.select(lock.roots, architecture, Unpacked(entries))
    if [one.package for one in selected] != list(locked):
        raise _mismatch("its packages are not those that its roots need, in the order of layers")
    return [(locked[one.package], _checked(locked[one.package], one.entries)) for one in selected]


def unpack(
    file: Path, package: mirror.Package, roots: tuple[Root, ...], architecture: Architecture
) -> Mapping[str, Entry]:
    """What may be kept of a verified .deb.

    Raises Problem (exit 4), also where it is another package than it should be.
    """
    fields = deb.control(file)
    found = (fields["Package"], fields.get("Version", ""))
    if found != (package.name, package.version):
        raise LockProblem(
            f"the file of {package.name} {package.version} holds {' '.join(found)}",
            hint="renew the lock: imagebake lock",
        )
    return deb.read(file, selection.wanted(package.name, roots, architecture))


@frozen
class Unpacked:
    """A source of just these packages. Each is near to all, in their order."""

    packages: Mapping[str, Mapping[str, Entry]] = field(default_factory=dict)

    def entries(self, package: str) -> Mapping[str, Entry]:
        if package not in self.packages:
            raise _mismatch(f"it lacks {package}")
        return self.packages[package]

    def near(self, package: str) -> Iterator[str]:
        yield package
        yield from self.packages


def _checked(package: LockedPackage, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    if tar.digest(entries).diff_id != package.diff_id:
        raise _mismatch(f"the layer of {package.name} {package.version} comes out different from its diff_id")
    return entries


def _mismatch(what: str) -> Problem:
    return LockProblem(
        f"the lock does not fit: {what}",
        hint="another version of sealpress wrote it, or it was edited; renew it: imagebake lock",
    )
