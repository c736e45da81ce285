"""Kept results that only this user's own runs are believed about.

What a run keeps for the next ones is signed with a key of this user's, together with what it is: so what came with
somebody's repository, or from another machine, is passed over and made anew, and one result can't stand in another's
place. Machines that are to believe each other are given one key: `$SEALPRESS_CACHE_KEY`.
"""

import hmac
import os
import re
import secrets
from functools import cache
from pathlib import Path
from typing import Final

from sealpress.files import files, home
from sealpress.frozen import frozen
from sealpress.problems import Problem, UsageProblem

VARIABLE: Final = "SEALPRESS_CACHE_KEY"

SIZE: Final = 32
"""Bytes of the key, and of a signature."""


def signature(what: str, data: bytes | memoryview) -> bytes:
    """The signature of `data` as what it is: a kind and a name. Raises Problem (exit 2) for a malformed key."""
    # Of all digests the one that processors have instructions for.
    return hmac.digest(_key_of(what), data, "sha256")


def is_signed(what: str, data: bytes | memoryview, found: bytes | memoryview) -> bool:
    """Whether this user has signed `data` as `what`."""
    return hmac.compare_digest(signature(what, data), found)


def seal(what: str, data: bytes) -> bytes:
    """The data behind its signature."""
    return signature(what, data) + data


def opened(what: str, sealed: bytes) -> memoryview | None:
    """What `seal` was given, by this user; else None."""
    view = memoryview(sealed)
    return view[SIZE:] if is_signed(what, view[SIZE:], view[:SIZE]) else None


def is_lasting() -> bool:
    """Whether later runs will believe what is signed now. Else it is believed until this process ends."""
    return _key().is_lasting


def complaint() -> str:
    """Why nothing that was sealed before can be opened, with what to do about it; "" where all is well."""
    return _key().complaint


@frozen
class _Key:
    """A user's key; for want of a place for it, one of this process and its children."""

    data: bytes
    complaint: str = ""
    is_lasting: bool = True


def _key_of(what: str) -> bytes:
    """A key for each thing that is signed, so that the data need not be copied behind its name."""
    return hmac.digest(_key().data, what.encode("utf-8", "surrogateescape"), "sha256")


@cache
def _key() -> _Key:
    """The one that the environment gives, else the one in the state folder, made once. It never reaches an output.

    One that others could read or write, or that is damaged, is replaced: what it has signed could be anybody's.
    """
    if given := os.environ.get(VARIABLE, "").strip():
        return _Key(_given(given))
    try:
        file = home.state_folder() / "cache-key"
    except Problem:  # a user without a home
        return _passing("nothing is remembered from build to build: set SEALPRESS_STATE to a folder of yours")
    try:
        found = _read(file)
        if found is None:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.keep(file, [secrets.token_bytes(SIZE)])
            found = _read(file)
        if found is None:
            return _hopeless(file, "can't be written")
        data, status = found
        if status.st_uid != os.getuid():
            return _hopeless(file, "is another user's")
        if len(data) == SIZE and not status.st_mode & 0o077:
            return _Key(data)
        why = "could be read by others" if status.st_mode & 0o077 else "was damaged"
        files.keep(file, [secrets.token_bytes(SIZE)])
        found = _read(file)
    except OSError as error:
        return _hopeless(file, f"can't be read or written ({error.strerror})")
    if found is None or len(found[0]) != SIZE or found[1].st_mode & 0o077:
        return _hopeless(file, why)
    return _Key(found[0], f"the key {file} {why}: there is a new one, and this build makes everything anew")


def _given(text: str) -> bytes:
    if not re.fullmatch(f"[0-9a-fA-F]{{{2 * SIZE}}}", text):
        raise UsageProblem(
            f"{VARIABLE} is no key: it must be {2 * SIZE} hexadecimal digits, and has {len(text)} characters",
            hint="make one, and keep it secret: openssl rand -hex 32",
        )
    return bytes.fromhex(text)


def _read(file: Path) -> tuple[bytes, os.stat_result] | None:
    """A key with what it looks like, both of the same file; None where there is none."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(handle, "rb") as opened:
        return opened.read(SIZE + 1), os.fstat(opened.fileno())


def _hopeless(file: Path, why: str) -> _Key:
    return _passing(
        f"nothing is remembered from build to build, since the key {file} {why}: "
        "remove it, or set SEALPRESS_STATE to a folder of yours"
    )


def _passing(complaint: str) -> _Key:
    return _Key(secrets.token_bytes(SIZE), complaint, is_lasting=False)
