"""From what a recipe wants to a lock: the newest packages of a suite, and of their dependencies just those that are
needed to run.

Packages are fetched as the walk along DT_NEEDED asks for them, in the order of dependencies, so most of what a package
manager would install is never fetched.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from imagebake.fetch import cache as cache_folder
from imagebake.image import tar
from imagebake.image.entries import Entry
from imagebake.packages import contents, index, mirror, selection, signed_release, version
from imagebake.packages.control import Archive
from imagebake.packages.index import Candidate, Dependency, PackageIndex
from imagebake.packages.lock import Lock, LockedPackage
from imagebake.packages.selection import Root, Selected
from imagebake.packages.signed_release import ArchiveRelease
from sealpress.commands.console import SILENT, Progress
from sealpress.config.settings import Architecture, ImageSettings
from sealpress.frozen import frozen
from sealpress.problems import LockProblem, Problem, raise_all

if TYPE_CHECKING:
    from pysequoia import Cert


def resolve(
    settings: ImageSettings,
    roots: Sequence[Root],
    *,
    now: datetime,
    existing: Lock | None = None,
    upgrade: bool = False,
    cache: Path | None = None,
    keys: Sequence["Cert"] | None = None,
    progress: Progress = SILENT,
) -> Lock:
    """A lock for `roots` on every architecture of the settings.

    `existing`: its versions are kept as long as the mirror has them; with `upgrade`, the newest are taken. It is
    returned itself where nothing changes. `now`, with a time zone, only decides whether a signature has expired: no
    output depends on it. `cache` is the user's where it is None; `keys` are Debian's.

    Raises Problem (exit 4): no mirror, a wrong or expired signature, a package or a library that isn't there; a mirror
    that is older than `existing`, as a whole or in one of its packages.
    """
    folder = cache_folder.folder() if cache is None else cache
    mirrors = mirror.find(settings)
    known = existing if existing and existing.suite == settings.suite else None
    releases = _releases(mirrors, settings.suite, known, now, keys)
    date = max(release.date for release in releases.values())
    packages: list[LockedPackage] = []
    for architecture in sorted(set(settings.architectures)):
        pins = {} if upgrade or not known else {p.name: p for p in known.packages if p.architecture == architecture}
        packages += _locked(_Resolving(architecture, tuple(roots), folder, mirrors, progress), releases, pins)
    if known:
        raise_all(list(_steps_back(known, packages)))
    lock = Lock(settings.suite, date, tuple(roots), tuple(packages))
    if known and (known.roots, known.packages) == (lock.roots, lock.packages):
        return known
    return lock


@frozen
class Outdated:
    """A locked package that the mirror has a newer version of. `is_security`: one of the newer ones is in the suite's
    security archive.
    """

    name: str
    architecture: Architecture
    locked: str
    newest: str
    is_security: bool

    def as_data(self) -> dict[str, object]:
        told = {"name": self.name, "architecture": self.architecture, "locked": self.locked, "newest": self.newest}
        return told | {"security": self.is_security}


def outdated(
    settings: ImageSettings,
    lock: Lock,
    *,
    now: datetime,
    cache: Path | None = None,
    keys: Sequence["Cert"] | None = None,
    progress: Progress = SILENT,
) -> tuple[Outdated, ...]:
    """What a lock lags behind in, for the architectures that it has, in its own order. Nothing but indexes is fetched.

    The arguments are those of `resolve`. Raises Problem (exit 4), also for a mirror that is older than the lock: it
    would call everything new. `settings.suite` is not asked for: a lock lags behind in its own suite.
    """
    folder = cache_folder.folder() if cache is None else cache
    mirrors = mirror.find(settings)
    releases = _releases(mirrors, lock.suite, lock, now, keys)
    found: list[Outdated] = []
    for architecture in lock.architectures:
        indexes = [index.load(archive, one, architecture, folder, progress) for archive, one in releases.items()]
        for package in lock.of(architecture):
            known = [candidate for one in indexes for candidate in one.candidates(package.name)]
            newer = [one for one in known if version.compare(one.version, package.version) > 0]
            if newer:
                newest = max((one.version for one in newer), key=version.key)
                is_security = any(one.archive == "security" for one in newer)
                found.append(Outdated(package.name, architecture, package.version, newest, is_security))
    return tuple(found)


def _releases(
    mirrors: mirror.Mirrors, suite: str, known: Lock | None, now: datetime, keys: Sequence["Cert"] | None
) -> dict[Archive, ArchiveRelease]:
    """The archives' Release files. Raises Problem (exit 4), also where the newest is older than a lock from there."""
    releases = signed_release.releases(mirrors, suite, now, signed_release.keyring() if keys is None else keys)
    date = max(release.date for release in releases.values())
    if known and date < known.date:
        raise LockProblem(
            f"the mirror is older than the lock: {date:%Y-%m-%d %H:%M}, before {known.date:%Y-%m-%d %H:%M} UTC",
            hint="use another mirror, or wait until this one is updated; to go back on purpose, delete the lock",
        )
    return releases


def _steps_back(known: Lock, packages: Sequence[LockedPackage]) -> Iterator[Problem]:
    """A mirror whose archives are not equally fresh would give an older package than the lock has: with its holes."""
    locked = {(package.name, package.architecture): package.version for package in known.packages}
    for package in packages:
        before = locked.get((package.name, package.architecture), package.version)
        if version.compare(package.version, before) < 0:
            yield LockProblem(
                f"the mirror has only {package.name} {package.version} for {package.architecture}: older than"
                f" {before}, which the lock has",
                hint="use another mirror, or wait until this one is updated; to go back on purpose, delete the lock",
            )


@frozen
class _Resolving:
    architecture: Architecture
    roots: tuple[Root, ...]
    cache: Path
    mirrors: mirror.Mirrors
    progress: Progress


def _locked(
    work: _Resolving, releases: Mapping[Archive, ArchiveRelease], pins: Mapping[str, LockedPackage]
) -> tuple[LockedPackage, ...]:
    """The packages of one architecture. A pin that stands against a needed dependency is dropped."""
    indexes = tuple(
        index.load(archive, release, work.architecture, work.cache, work.progress)
        for archive, release in releases.items()
    )
    pins = dict(pins)
    while True:
        choices = _Choices(indexes, pins)
        source = _MirrorPackages(work, choices)
        selected = _settled(work, source)
        conflict = next(_conflicts(selected, choices), None)
        if conflict is None:
            break
        names = [name for name in conflict.names if pins.pop(name, None)]
        if not names:
            raise LockProblem(
                f"{conflict.package} needs {conflict.wanted}, which the mirror does not have: it is being updated",
                hint="try again in some minutes, or use another mirror",
            )
        work.progress.note(f"{conflict.package} needs {conflict.wanted}: taking newer {', '.join(names)}")
    return tuple(
        _line(choices.known(one.package), work.architecture, tar.digest(one.entries).diff_id) for one in selected
    )


def _line(candidate: Candidate, architecture: Architecture, diff_id: str) -> LockedPackage:
    return LockedPackage(
        candidate.name,
        candidate.version,
        architecture,
        candidate.archive,
        candidate.path,
        candidate.sha256,
        candidate.size,
        diff_id,
    )


def _settled(work: _Resolving, source: "_MirrorPackages") -> tuple[Selected, ...]:
    """The selection from just the packages that it takes, as a bake from the lock will make it."""
    selected = selection.select(work.roots, work.architecture, source)
    while True:
        names = [one.package for one in selected]
        selected = selection.select(
            work.roots, work.architecture, contents.Unpacked({name: source.entries(name) for name in names})
        )
        if [one.package for one in selected] == names:
            return selected


@frozen
class _Conflict:
    package: str
    wanted: str
    names: tuple[str, ...]


def _conflicts(selected: Sequence[Selected], choices: "_Choices") -> Iterator[_Conflict]:
    for one in selected:
        for group in choices.known(one.package).depends:
            if choices.satisfying(group) is None:
                names = (*(alternative.name for alternative in group), one.package)
                yield _Conflict(one.package, " | ".join(map(str, group)), names)


@dataclass(slots=True)
class _Choices:
    """One version of each package: the pinned one while the archive has it, else the newest."""

    indexes: tuple[PackageIndex, ...]
    pins: Mapping[str, LockedPackage]
    chosen: dict[str, Candidate | None] = field(default_factory=dict)

    def choose(self, name: str) -> Candidate | None:
        if name not in self.chosen:
            found = [candidate for one in self.indexes for candidate in one.candidates(name)]
            pin = self.pins.get(name)
            pinned = [one for one in found if pin and (one.version, one.sha256) == (pin.version, pin.sha256)]
            # max keeps the first of equals: main before security.
            self.chosen[name] = max(pinned or found, key=lambda one: version.key(one.version), default=None)
        return self.chosen[name]

    def known(self, name: str) -> Candidate:
        if candidate := self.choose(name):
            return candidate
        raise LockProblem(f"the mirror has no package {name}", hint="check suite under [image] in site.toml")

    def satisfying(self, group: Sequence[Dependency]) -> Candidate | None:
        """The first package that satisfies one of the alternatives, in their order."""
        return next((found for one in group for found in self._satisfying(one)), None)

    def first(self, group: Sequence[Dependency]) -> Candidate | None:
        """The first of the alternatives that the mirror has in any version."""
        return next((found for one in group if (found := self.choose(one.name))), None)

    def _satisfying(self, wanted: Dependency) -> Iterator[Candidate]:
        candidate = self.choose(wanted.name)
        if candidate and _fits(candidate.version, wanted):
            yield candidate
        for name in sorted({name for one in self.indexes for name in one.providers(wanted.name)}):
            if (provider := self.choose(name)) and any(
                one.name == wanted.name and _fits(one.version, wanted) for one in provider.provides
            ):
                yield provider


def _fits(given: str, wanted: Dependency) -> bool:
    """A versioned dependency is not met by a provider that gives no version."""
    return wanted.relation is None or (given != "" and version.holds(given, wanted.relation, wanted.version))


@frozen
class _MirrorPackages:
    """Packages of a mirror, fetched and unpacked when the walk asks for them."""

    work: _Resolving
    choices: _Choices
    unpacked: dict[str, Mapping[str, Entry]] = field(default_factory=dict)

    def entries(self, package: str) -> Mapping[str, Entry]:
        if package not in self.unpacked:
            work = self.work
            candidate = self.choices.known(package)
            file = mirror.fetched(candidate, work.cache, lambda: work.mirrors, progress=work.progress)
            self.unpacked[package] = contents.unpack(file, candidate, work.roots, work.architecture)
        return self.unpacked[package]

    def near(self, package: str) -> Iterator[str]:
        """Breadth first: a library's package is nearly always a direct dependency."""
        seen = {package}
        queue = [package]
        for name in queue:
            yield name
            for group in self.choices.known(name).depends:
                # Of the wrong version, it is still where the library is; the conflict is seen afterwards.
                found = self.choices.satisfying(group) or self.choices.first(group)
                if found and found.name not in seen:
                    seen.add(found.name)
                    queue.append(found.name)
