"""Files that only this user's own builds are believed from.

What a build keeps as data (JSON, HTML) may come from anywhere. What it keeps in a form that a hostile file could
misuse, such as Python's marshal, is signed with a key of this user's, so that a cache which came with somebody's
repository, or from another machine, is passed over and made anew.
"""

import hmac
import mmap
import os
import secrets
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from sealpress import state
from sealpress.problems import Problem

_SIZE: Final = 32  # bytes: of the key, and of the digest before the data


def seal(data: bytes) -> bytes | None:
    """The data behind its signature; None where this user has no place for a key."""
    key = _key().data
    return hmac.digest(key, data, "sha256") + data if key else None


def opened(sealed: bytes | mmap.mmap) -> memoryview | None:
    """What `seal` was given, by this user; else None."""
    key = _key().data
    if not key:
        return None
    view = memoryview(sealed)
    # Of all digests the one that processors have instructions for.
    expected = hmac.digest(key, view[_SIZE:], "sha256")
    return view[_SIZE:] if hmac.compare_digest(expected, view[:_SIZE]) else None


def write(file: Path, data: bytes) -> None:
    """Puts a file in place whole or not at all. A disk that refuses costs only time."""
    with suppress(OSError):
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(data)
            Path(temporary).replace(file)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def complaint() -> str:
    """Why nothing that was sealed before can be opened, with what to do about it; "" where all is well."""
    return _key().complaint


@dataclass(frozen=True, slots=True)
class _Key:
    """A user's key, or None for want of a place for it."""

    data: bytes | None
    complaint: str = ""


@cache
def _key() -> _Key:
    """Made once, in the state folder. It never reaches an output.

    One that others could read or write, or that is damaged, is replaced: what it has signed could be anybody's.
    """
    try:
        file = state.folder() / "cache-key"
    except Problem:  # a user without a home
        return _Key(None, "nothing is remembered from build to build: set SEALPRESS_STATE to a folder of yours")
    try:
        found = _read(file)
        if found is None:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write(file, secrets.token_bytes(_SIZE))
            found = _read(file)
        if found is None:
            return _Key(None, _hopeless(file, "can't be written"))
        data, status = found
        if status.st_uid != os.getuid():
            return _Key(None, _hopeless(file, "is another user's"))
        if len(data) == _SIZE and not status.st_mode & 0o077:
            return _Key(data)
        why = "could be read by others" if status.st_mode & 0o077 else "was damaged"
        write(file, secrets.token_bytes(_SIZE))
        found = _read(file)
    except OSError as error:
        return _Key(None, _hopeless(file, f"can't be read or written ({error.strerror})"))
    if found is None or len(found[0]) != _SIZE or found[1].st_mode & 0o077:
        return _Key(None, _hopeless(file, why))
    return _Key(found[0], f"the key {file} {why}: there is a new one, and this build makes everything anew")


def _read(file: Path) -> tuple[bytes, os.stat_result] | None:
    """A key with what it looks like, both of the same file; None where there is none."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as opened:
        return opened.read(_SIZE + 1), os.fstat(opened.fileno())


def _hopeless(file: Path, why: str) -> str:
    return (
        f"nothing is remembered from build to build, since the key {file} {why}: "
        "remove it, or set SEALPRESS_STATE to a folder of yours"
    )
