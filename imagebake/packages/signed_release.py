"""A Debian archive's signed Release files: the one thing of a mirror that is trusted, and only by its signature.

InRelease is signed by a key in keys/ and names every index of packages by size and sha256; those name every package.
Source: Debian wiki, "DebianRepository/Format".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import TYPE_CHECKING, Final

from imagebake.fetch import download
from imagebake.packages.control import ARCHIVES, Archive, is_sha256, paragraphs
from imagebake.packages.mirror import Mirrors
from sealpress.frozen import frozen
from sealpress.problems import LockProblem

if TYPE_CHECKING:
    from pysequoia import Cert

_RELEASE_LIMIT: Final = 8 << 20
_CLOCK_SLACK: Final = timedelta(days=1)


@frozen
class ArchiveRelease:
    """A verified Release file. `date` and `valid_until` in UTC; `files`: size and sha256 by path below `url`."""

    url: str  # of the folder it stands in
    date: datetime
    valid_until: datetime | None
    by_hash: bool
    architectures: frozenset[str]
    files: Mapping[str, tuple[int, str]]


def keyring() -> tuple["Cert", ...]:
    """The Debian archive's keys that travel with sealpress."""
    from pysequoia import Cert  # noqa: PLC0415 - a native library: only where something is verified

    folder = resources.files("imagebake.packages") / "keys"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".gpg")), key=lambda file: file.name)
    return tuple(cert for file in files for cert in Cert.split_bytes(file.read_bytes()))


def releases(mirrors: Mirrors, suite: str, now: datetime, keys: Sequence["Cert"]) -> dict[Archive, ArchiveRelease]:
    """The Release of each archive of `suite`, verified. `now` only decides what has expired.

    Raises Problem (exit 4): no such suite, a wrong signature, a Release of another suite, an expired one.
    """
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,63}", suite):
        raise LockProblem(f'"{suite}" is no suite of Debian', hint='write suite = "trixie" under [image]')
    return {archive: _release(mirrors, suite, archive, now, keys) for archive in ARCHIVES}


def _release(mirrors: Mirrors, suite: str, archive: Archive, now: datetime, keys: Sequence["Cert"]) -> ArchiveRelease:
    name = suite if archive == "main" else f"{suite}-{archive}"
    url = f"{mirrors.security if archive == 'security' else mirrors.main}/dists/{name}"
    try:
        signed = download.small(f"{url}/InRelease", _RELEASE_LIMIT, f"the Release file of {name}")
    except download.Gone:
        raise LockProblem(
            f'the mirror has no suite "{name}": {url}/InRelease is not there',
            hint="check suite under [image] in site.toml, and the mirror's URL",
        ) from None
    release = parse_release(verified(signed, keys, f"{url}/InRelease"), name, url)
    if release.date > now + _CLOCK_SLACK:
        raise LockProblem(
            f"the Release file at {url} is of {release.date:%Y-%m-%d}, but this machine's clock says {now:%Y-%m-%d}",
            hint="set the clock",
        )
    if release.valid_until and release.valid_until < now:
        raise LockProblem(
            f"the Release file at {url} was valid until {release.valid_until:%Y-%m-%d %H:%M} UTC: the mirror is out"
            " of date, or somebody keeps updates from you",
            hint="use another mirror; if this machine's clock is wrong, set it",
        )
    return release


def verified(signed: bytes, keys: Sequence["Cert"], what: str) -> str:
    """The text that one of `keys` signed, and nothing that stands around it. Raises Problem (exit 4)."""
    from pysequoia import verify  # noqa: PLC0415

    try:
        text = verify(signed, lambda _ids: list(keys)).bytes
    except Exception as error:  # noqa: BLE001 - the library raises RuntimeError and others, with a backtrace as text
        reason = (str(error).strip() or "unreadable").splitlines()[0].rstrip(".")
        raise LockProblem(
            f"no trusted key signed {what}: {reason}",
            hint="use a mirror of Debian itself; if Debian has new keys, a newer sealpress has them too",
        ) from None
    return (text or b"").decode("utf-8", "replace")


def parse_release(text: str, name: str, url: str) -> ArchiveRelease:
    """A Release file that must be of the suite `name`. Raises Problem (exit 4) for another, or a broken one."""
    try:
        found = paragraphs(text)
        fields = found[0] if len(found) == 1 else {}
        names = {fields.get("Suite"), fields.get("Codename")}
        if name not in names:
            of = fields.get("Codename") or fields.get("Suite") or "no suite"
            raise LockProblem(f'the Release file at {url} is of "{of}", not of "{name}"', hint="use another mirror")
        return ArchiveRelease(
            url,
            _moment(fields["Date"]),
            _moment(fields["Valid-Until"]) if "Valid-Until" in fields else None,
            fields.get("Acquire-By-Hash", "no") == "yes",
            frozenset(fields.get("Architectures", "").split()),
            dict(_files(fields["SHA256"])),
        )
    except (KeyError, ValueError, OverflowError) as error:
        why = f"its field {error}" if isinstance(error, KeyError) else str(error)
        raise LockProblem(f"the Release file at {url} is broken: {why}", hint="use another mirror") from None


def _moment(text: str) -> datetime:
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - only where a Release is read

    moment = parsedate_to_datetime(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _files(listed: str) -> Iterator[tuple[str, tuple[int, str]]]:
    for line in listed.split("\n"):
        if line:
            sha256, size, path = line.split()
            if not is_sha256(sha256) or ".." in path:
                raise ValueError(f'the line "{line}" is broken')
            yield path, (int(size), sha256)
