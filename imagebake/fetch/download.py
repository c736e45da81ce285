"""Bytes from a mirror, named by their sha256 beforehand and checked before anybody sees them, through a cache.

    <cache>/packages/SHA256    .deb files
    <cache>/indexes/SHA256     package indexes, packed

A cached file is hashed again on every use: one that is damaged is fetched anew. A file appears under its name only
when it is whole, so that any number of processes may share the cache.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol, TypeVar
from urllib.parse import quote, unquote, urlsplit

from imagebake.fetch.cache import fresh
from imagebake.packages.mirror import Mirrors
from sealpress import given
from sealpress.console import SILENT, Advance, Progress
from sealpress.problems import Exit, Problem

if TYPE_CHECKING:
    from sealpress.bounded import Misbehaviour

CHUNK: Final = 1 << 18
TIMEOUT: Final = 30.0  # seconds without a byte
Result = TypeVar("Result")

_PAUSES: Final = (0.3, 1.5)  # seconds before the second and the third attempt


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


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes that are known before they are there. `what` is how messages call them; `size` in bytes."""

    what: str
    sha256: str
    size: int


class Gone(Exception):  # noqa: N818 - an answer, not an error
    """The mirror is there and does not have the file."""


def package(
    wanted: Package,
    cache: Path,
    mirrors: Callable[[], Mirrors],
    *,
    date: datetime | None = None,
    progress: Progress = SILENT,
) -> Path:
    """The .deb in the cache, fetched where it isn't there; sha256 and size are right. `date`: the lock's.

    `mirrors` is only asked where something has to be fetched. Raises Problem (exit 4): the package is gone from the
    mirror, is not what was named, or the mirror can't be reached.
    """
    blob = Blob(f"{wanted.name} {wanted.version}", wanted.sha256, wanted.size)
    file = cache / "packages" / blob.sha256
    if is_intact(file, blob):
        return file
    known = mirrors()
    base = known.security if wanted.archive == "security" else known.main
    urls = [f"{base}/{quote(wanted.path)}", *_snapshots(known.snapshot, wanted, date)]
    try:
        with progress.track(blob.what, blob.size, "bytes") as advance:
            store(file, blob, urls, advance)
    except Gone:
        raise Problem(
            f"the mirror no longer has {blob.what}: mirrors drop a package as soon as a newer one is out",
            hint="renew the lock: imagebake lock --upgrade; or set snapshot_mirror under [image] in site.toml"
            " to a mirror that keeps old packages",
            code=Exit.LOCK,
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


def is_intact(file: Path, blob: Blob) -> bool:
    """Whether the file is there with this content."""
    try:
        with file.open("rb") as found:
            has_size = os.fstat(found.fileno()).st_size == blob.size
            return has_size and hashlib.file_digest(found, "sha256").hexdigest() == blob.sha256
    except OSError:
        return False


def store(file: Path, blob: Blob, urls: Sequence[str], advance: Advance = lambda _done: None) -> None:
    """Fetches from the first URL that has it, checks, and puts it whole at `file`.

    Raises Problem (exit 4; 9 for a cache that can't be written), and Gone where no URL has it.
    """
    for url in urls:
        try:
            _store(file, blob, url, advance)
        except Gone:
            continue
        return
    raise Gone


def _store(file: Path, blob: Blob, url: str, advance: Advance) -> None:
    try:
        with fresh(file) as out:
            _write(out, blob, url, advance)
    except OSError as error:
        raise Problem(
            f"can't write the cache at {file.parent}: {error.strerror or error}",
            hint="make room there, or set SEALPRESS_CACHE to another folder",
            code=Exit.MACHINE,
        ) from None


def _write(out: BinaryIO, blob: Blob, url: str, advance: Advance) -> None:
    """Writes the blob, and nothing that is larger. Raises Problem where it isn't the blob."""

    def attempt() -> str:
        out.seek(0)
        out.truncate()
        sha = hashlib.sha256()
        done = 0
        try:
            for chunk in _exactly(blob, url):
                done += len(chunk)
                sha.update(chunk)
                out.write(chunk)
                advance(len(chunk))
        except _Interrupted:
            advance(-done)
            raise
        return sha.hexdigest()

    found = _persistent(attempt, blob.what, url)
    if found != blob.sha256:
        raise _wrong(blob, url, f"has the sha256 {found}, not {blob.sha256}: it was damaged or changed on the way")


def _exactly(blob: Blob, url: str) -> Iterator[bytes]:
    left = blob.size
    for chunk in _pieces(url):
        left -= len(chunk)
        if left < 0:
            raise _wrong(blob, url, f"is larger than the {blob.size} bytes that it should have")
        yield chunk
    if left:
        raise _Interrupted(f"it ended {left} bytes early, of {blob.size}")


def _wrong(blob: Blob, url: str, how: str) -> Problem:
    return Problem(
        f"{blob.what} from {url} {how}",
        hint="nothing was unpacked; try again, or set another mirror under [image] in site.toml",
        code=Exit.LOCK,
    )


def small(url: str, limit: int, what: str) -> bytes:
    """A small file whose content isn't known beforehand. Raises Problem (exit 4), Gone."""

    def attempt() -> bytes:
        data = b""
        for chunk in _pieces(url):
            data += chunk
            if len(data) > limit:
                raise Problem(f"{what} from {url} is larger than {limit} bytes", code=Exit.LOCK)
        return data

    return _persistent(attempt, what, url)


def _persistent(attempt: Callable[[], Result], what: str, url: str) -> Result:
    """The result of the first attempt that isn't interrupted. Raises Problem after the last."""
    for pause in _PAUSES:
        try:
            return attempt()
        except _Interrupted:
            time.sleep(pause)
    try:
        return attempt()
    except _Interrupted as error:
        raise Problem(
            f"can't fetch {what} from {url}: {error}",
            hint="check the network, or set another mirror under [image] in site.toml",
            code=Exit.LOCK,
        ) from None


class _Interrupted(Exception):  # noqa: N818 - worth another attempt
    pass


def _pieces(url: str) -> Iterator[bytes]:
    """The content of an http, https or file URL. Raises Gone, or _Interrupted where another attempt may help."""
    with _opened(url) as source:
        while chunk := _piece(source, url):
            yield chunk
        if early := getattr(source, "length", 0):
            raise _Interrupted(f"it ended {early} bytes early")


def _piece(source: BinaryIO, url: str) -> bytes:
    # http.client and ssl cost 9 ms to import: only when something is read from a mirror.
    from http.client import HTTPException  # noqa: PLC0415

    from sealpress.bounded import Misbehaviour  # noqa: PLC0415

    try:
        return source.read(CHUNK)
    except (OSError, HTTPException) as error:
        raise _Interrupted(str(error) or type(error).__name__) from None
    except Misbehaviour as error:
        raise _misbehaves(url, error) from None


def _misbehaves(url: str, error: "Misbehaviour") -> Problem:
    return Problem(f"{url} {error}", hint="set another mirror under [image] in site.toml", code=Exit.LOCK)


def _opened(url: str) -> BinaryIO:
    if not url.startswith("file:"):
        return _answered(url)
    try:
        return given.opened(unquote(urlsplit(url).path))
    except (FileNotFoundError, NotADirectoryError):
        raise Gone from None
    except (OSError, ValueError) as error:
        raise _Interrupted(str(getattr(error, "strerror", None) or error)) from None


def _answered(url: str) -> BinaryIO:
    # urllib costs 40 ms to import: only when something has to be fetched.
    from http.client import HTTPException  # noqa: PLC0415
    from urllib.error import HTTPError  # noqa: PLC0415

    from imagebake.fetch import asking  # noqa: PLC0415
    from sealpress.bounded import Misbehaviour, Silence  # noqa: PLC0415

    try:
        return asking.answer(url, TIMEOUT)
    except Silence as error:
        raise _Interrupted(f"it {error}") from None
    except Misbehaviour as error:
        raise _misbehaves(url, error) from None
    except HTTPError as error:
        error.close()
        if error.code in {404, 410}:
            raise Gone from None
        raise _Interrupted(f"HTTP {error.code} {error.reason}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise _Interrupted(str(getattr(error, "reason", error)) or type(error).__name__) from None
