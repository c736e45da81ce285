"""The index of a Debian archive: name, version, path, sha256 and dependencies of every package of one architecture.

Sources: Debian wiki, "DebianRepository/Format"; Debian Policy 4.7, chapter 7 (dependencies).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final, cast

from imagebake.fetch import cache as cache_folder
from imagebake.fetch import download
from imagebake.fetch.cache import Pinned
from imagebake.image.entries import CHUNK
from imagebake.packages import version
from imagebake.packages.control import Archive, Fields, is_pool_path, is_sha256, paragraphs
from imagebake.packages.deb import unxz
from imagebake.packages.signed_release import ArchiveRelease
from sealpress.commands.console import SILENT, Progress
from sealpress.config.settings import Architecture
from sealpress.frozen import frozen
from sealpress.problems import LockProblem, Problem

_UNPACKED_LIMIT: Final = 256 << 20  # bytes; main has 57 MB


@frozen
class Dependency:
    """One alternative: a name, and a relation to a version where the package asks for one."""

    name: str
    relation: version.Relation | None = None
    version: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.relation} {self.version})" if self.relation else self.name


@frozen
class Candidate:
    """One package of an index. `depends`: all of these, each by one of its alternatives; Pre-Depends come first."""

    name: str
    version: str
    archive: Archive
    path: str
    sha256: str
    size: int
    depends: tuple[tuple[Dependency, ...], ...]
    provides: tuple[Dependency, ...]


@dataclass(frozen=True)
class PackageIndex:
    """The packages of one archive and architecture. Paragraphs are parsed when they are asked for: main has 69,000."""

    archive: Archive
    data: bytearray

    @cached_property
    def _places(self) -> Mapping[bytes, list[int]]:
        places: dict[bytes, list[int]] = {}
        for found in _PACKAGE.finditer(self.data):
            places.setdefault(bytes(found[1]), []).append(found.start())
        return places

    @cached_property
    def _providers(self) -> Mapping[str, list[str]]:
        providers: dict[str, list[str]] = {}
        for found in _PROVIDES.finditer(self.data):
            start = self.data.rfind(b"\n\n", 0, found.start()) + 1
            if owner := _PACKAGE.search(self.data, start, found.start()):
                for one in parse_dependencies(found[1].decode("utf-8", "replace")):
                    providers.setdefault(one[0].name, []).append(owner[1].decode("ascii", "replace"))
        return providers

    def candidates(self, name: str) -> list[Candidate]:
        """Every version that the archive has of a package. Raises Problem (exit 4) for a broken paragraph."""
        found = []
        for start in self._places.get(name.encode(), ()):
            end = self.data.find(b"\n\n", start)
            text = self.data[start : end if end >= 0 else len(self.data)].decode("utf-8", "replace")
            found.append(_candidate(self.archive, paragraphs(text)[0]))
        return found

    def providers(self, name: str) -> list[str]:
        """Names of packages that provide a virtual one, sorted."""
        return sorted(set(self._providers.get(name, ())))


_PACKAGE: Final = re.compile(rb"^Package: ([a-z0-9][a-z0-9+.-]+)$", re.MULTILINE)
_PROVIDES: Final = re.compile(rb"^Provides: (.+)$", re.MULTILINE)
_ALTERNATIVE: Final = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9+.-]+)(?::[a-z0-9-]+)?(?:\s*\((?P<relation><<|<=|=|>=|>>)\s*(?P<version>[^\s()]+)\))?"
)


def _candidate(archive: Archive, fields: Fields) -> Candidate:
    name = fields["Package"]
    try:
        candidate = Candidate(
            name,
            fields["Version"],
            archive,
            fields["Filename"],
            fields["SHA256"],
            int(fields["Size"]),
            (*parse_dependencies(fields.get("Pre-Depends", "")), *parse_dependencies(fields.get("Depends", ""))),
            tuple(one[0] for one in parse_dependencies(fields.get("Provides", ""))),
        )
    except (KeyError, ValueError):
        raise _broken_entry(name) from None
    if not (version.is_version(candidate.version) and is_sha256(candidate.sha256) and is_pool_path(candidate.path)):
        raise _broken_entry(name)
    return candidate


def _broken_entry(name: str) -> Problem:
    return LockProblem(f'the index of packages has a broken entry for "{name}"', hint="use another mirror")


@cache
def parse_dependencies(text: str) -> tuple[tuple[Dependency, ...], ...]:
    """`a (>= 1) | b, c` as alternatives in order. What can't be read is left out: it can provide nothing then."""
    groups = []
    for group in text.replace("\n", " ").split(","):
        found = (_ALTERNATIVE.fullmatch(one.strip()) for one in group.split("|"))
        alternatives = tuple(
            Dependency(one["name"], cast("version.Relation | None", one["relation"]), one["version"] or "")
            for one in found
            if one and (not one["version"] or version.is_version(one["version"]))
        )
        if alternatives:
            groups.append(alternatives)
    return tuple(groups)


def load(
    archive: Archive, release: ArchiveRelease, architecture: Architecture, folder: Path, progress: Progress = SILENT
) -> PackageIndex:
    """The index of one architecture, from the cache or the mirror. Raises Problem (exit 4)."""
    path = f"main/binary-{architecture}/Packages.xz"
    if path not in release.files or architecture not in release.architectures:
        raise LockProblem(
            f"the mirror has no packages for {architecture} at {release.url}",
            hint="check architectures under [image] in site.toml",
        )
    size, sha256 = release.files[path]
    blob = Pinned(f"the index of packages ({archive}, {architecture})", sha256, size)
    file = folder / "indexes" / sha256
    if not cache_folder.is_intact(file, blob):
        where = f"main/binary-{architecture}/by-hash/SHA256/{sha256}" if release.by_hash else path
        try:
            with progress.track(blob.what, size, "bytes") as advance:
                download.store(file, blob, [f"{release.url}/{where}"], advance)
        except download.Gone:
            raise LockProblem(
                f"the mirror names {blob.what} but does not have it: it is being updated",
                hint="try again in some minutes, or use another mirror",
            ) from None
    return PackageIndex(archive, _unpacked(file, blob.what))


def _unpacked(file: Path, what: str) -> bytearray:
    data = bytearray()
    with file.open("rb") as packed:
        try:
            for piece in unxz(iter(lambda: packed.read(CHUNK), b"")):
                data += piece
                _check_size(len(data))
        except Problem as problem:
            raise LockProblem(f"{what} can't be unpacked: {problem.message}") from None
    return data


def _check_size(size: int) -> None:
    if size > _UNPACKED_LIMIT:
        raise LockProblem(f"it unpacks to more than {_UNPACKED_LIMIT} bytes")
