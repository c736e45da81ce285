"""A mirror's .deb files, each known by its sha256: from the cache, the mirror, or where old ones are kept."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from imagebake.fetch import cache
from imagebake.fetch.cache import Pinned
from imagebake.packages.mirror import Mirrors
from sealpress.commands.console import SILENT, Progress
from sealpress.problems import LockProblem


class Package(Protocol):
    """What must be known of a package to fetch it: a line of a lock, or of an index."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def path(self) -> str: ...
    @property
    def archive(self) -> str: ...


def fetched(
    wanted: Package,
    folder: Path,
    mirrors: Callable[[], Mirrors],
    *,
    date: datetime | None = None,
    progress: Progress = SILENT,
) -> Path:
    """The .deb in the cache `folder`, fetched where it isn't there; sha256 and size are right. `date`: the lock's.

    `mirrors` is only asked where something has to be fetched. Raises Problem (exit 4): the package is gone from the
    mirror, is not what was named, or the mirror can't be reached.
    """
    pinned = Pinned(f"{wanted.name} {wanted.version}", wanted.sha256, wanted.size)
    file = folder / "packages" / pinned.sha256
    if cache.is_intact(file, pinned):
        return file
    from imagebake.fetch import download  # noqa: PLC0415 - http and ssl, which a warm cache has no use for

    known = mirrors()
    base = known.security if wanted.archive == "security" else known.main
    urls = [f"{base}/{quote(wanted.path)}", *_snapshots(known.snapshot, wanted, date)]
    try:
        with progress.track(pinned.what, pinned.size, "bytes") as advance:
            download.store(file, pinned, urls, advance)
    except download.Gone:
        raise LockProblem(
            f"the mirror no longer has {pinned.what}: mirrors drop a package as soon as a newer one is out",
            hint="renew the lock: imagebake lock --upgrade; or set snapshot_mirror under [image] in site.toml"
            " to a mirror that keeps old packages",
        ) from None
    return file


def _snapshots(base: str, wanted: Package, date: datetime | None) -> list[str]:
    archive = "debian-security" if wanted.archive == "security" else "debian"
    base = base.replace("{archive}", archive)
    if not base or ("{date}" in base and date is None):
        return []
    if date is None or "{date}" not in base:
        return [f"{base}/{quote(wanted.path)}"]
    # A snapshot is taken some hours after a release, and answers for the time before it.
    dates = (date + timedelta(hours=hours) for hours in (0, 12, 24))
    return [f"{base.replace('{date}', f'{moment:%Y%m%dT%H%M%SZ}')}/{quote(wanted.path)}" for moment in dates]
