"""The locked packages of an image as layers: what a recipe's own parts stand upon, and what tells of them.

A layer that was baked before is known from the lock and the cache alone: then no package is fetched or unpacked.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from imagebake.fetch import cache
from imagebake.image.entries import Entry
from imagebake.image.layers import Layer, is_remembered, remembered
from imagebake.packages.lock import Lock, LockedPackage
from sealpress.commands.console import SILENT, Progress
from sealpress.config.settings import Architecture, ImageSettings

if TYPE_CHECKING:
    from imagebake.recipes.sbom import Component


class PackageFiles:
    """One architecture's packages, unpacked all at once when one's files are asked for, or begun beforehand."""

    def __init__(self, lock: Lock, architecture: Architecture, settings: ImageSettings, progress: Progress) -> None:
        self.lock, self.architecture = lock, architecture
        self.packages = lock.of(architecture)
        self._settings, self._progress = settings, progress
        self._entries: dict[str, tuple[Entry, ...]] = {}
        self._begun: Future[dict[str, tuple[Entry, ...]]] | None = None

    @property
    def will_be_asked(self) -> bool:
        """Whether packages have to be unpacked, and nothing fetched for it."""
        return not all(is_remembered(_description(one)) for one in self.packages) and self.is_at_hand

    @property
    def is_at_hand(self) -> bool:
        """Whether nothing would have to be fetched."""
        folder = cache.folder() / "packages"
        return all((folder / one.sha256).is_file() for one in self.packages)

    def begin(self, pool: Executor) -> None:
        """Unpacks in another thread, which xz leaves Python's lock to. What goes wrong is raised by `entries`."""
        self._begun = pool.submit(self._unpack, SILENT)

    def entries(self, package: str) -> tuple[Entry, ...]:
        if not self._entries:
            self._entries = self._begun.result() if self._begun else self._unpack(self._progress)
        return self._entries[package]

    def layer(self, package: LockedPackage, blobs: Path | None) -> Layer:
        """Known from the lock and the cache alone where the package was baked before: then nothing is unpacked."""
        name = f"{package.name} {package.version}"
        entries = partial(self.entries, package.name)
        return remembered(name, _description(package), entries, f"imagebake: {package.path}", blobs)

    def _unpack(self, progress: Progress) -> dict[str, tuple[Entry, ...]]:
        from imagebake.packages import contents  # noqa: PLC0415 - fetching and unpacking, which few bakes need

        layers = contents.layers_of(self.lock, self.architecture, self._settings, progress=progress)
        return {locked.name: entries for locked, entries in layers}


def files_of(
    lock: Lock, settings: ImageSettings, architectures: Iterable[Architecture], progress: Progress
) -> dict[Architecture, PackageFiles]:
    """The packages of each architecture. Raises Problem (exit 4) for one that the lock has none for."""
    return {architecture: PackageFiles(lock, architecture, settings, progress) for architecture in architectures}


def begin(files: Mapping[Architecture, PackageFiles]) -> None:
    """Sets those on their way that must be unpacked."""
    if wanted := [one for one in files.values() if one.will_be_asked]:
        pool = ThreadPoolExecutor(1)  # one architecture after the other: memory
        for one in wanted:
            one.begin(pool)
        pool.shutdown(wait=False)


def _description(package: LockedPackage) -> str:
    return f"package {package.diff_id}"


def inventory_layer(files: PackageFiles, name: str, more: "Sequence[Component]", blobs: Path | None) -> Layer:
    """What the image called `name` is made of, for scanners: the packages, and `more`.

    It is a function of the lock, so it stays where a page changes.
    """
    lock = files.lock

    def entries() -> Iterable[Entry]:
        from imagebake.packages import inventory  # noqa: PLC0415 - known from the cache but for a new lock
        from imagebake.recipes import sbom  # noqa: PLC0415

        found = inventory.of(lock, files.architecture, files.entries)
        return sbom.entries(name, found, own, lock.suite, lock.date)

    packages = "".join(f"{one.sha256} {one.diff_id}\n" for one in files.packages)
    own = _of(more, files.architecture)
    description = f"inventory {name} {lock.suite} {lock.date.isoformat()}\n{packages}{own!r}"
    return remembered("inventory", description, entries, "imagebake: inventory", blobs)


def components(files: PackageFiles, more: "Sequence[Component]") -> "tuple[Component, ...]":
    """What stands in the bill of materials: the packages, and of `more` what this architecture has."""
    from imagebake.packages import inventory  # noqa: PLC0415
    from imagebake.recipes import sbom  # noqa: PLC0415

    found = inventory.of(files.lock, files.architecture, files.entries)
    return (*sbom.of_packages(found, files.lock.suite), *_of(more, files.architecture))


def _of(more: "Sequence[Component]", architecture: Architecture) -> "list[Component]":
    return [one for one in more if one.architecture in {"", architecture}]
