"""The lock of a site's image, and that of the edge, as `imagebake lock` and a first `publish` write them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from imagebake.packages import lock as locks
from imagebake.packages import resolve
from imagebake.packages.lock import Lock
from imagebake.packages.resolve import Outdated
from imagebake.packages.selection import Root
from imagebake.recipes.site import ROOTS
from sealpress.commands.console import Progress
from sealpress.config.settings import ImageSettings
from sealpress.files.files import check_way


def pin(
    settings: ImageSettings, file: Path, progress: Progress, roots: Sequence[Root] = (), *, upgrade: bool = False
) -> tuple[Lock, bool]:
    """Writes the lock, a site's where no `roots` are given, and says whether it is another one than before.

    Versions that it has are kept. Raises Problem (exit 4) for what mirrors don't have or didn't sign, (exit 9) where
    the file can't be written.
    """
    check_way(file.parent)
    existing = locks.load(file) if file.is_file() else None
    found = resolve.resolve(settings, roots or ROOTS, now=_now(), existing=existing, upgrade=upgrade, progress=progress)
    locks.save(found, file)
    return found, existing is None or existing.digest != found.digest


def outdated(settings: ImageSettings, lock: Lock, progress: Progress) -> Sequence[Outdated]:
    """The packages of a lock that mirrors have newer versions of. Raises Problem (exit 4)."""
    return resolve.outdated(settings, lock, now=_now(), progress=progress)


def _now() -> datetime:
    """The wall clock: it decides only whether a mirror's answer is too old to be believed."""
    return datetime.now(UTC)  # noqa: TID251 - no lock or image holds it
