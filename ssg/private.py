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
from functools import cache
from pathlib import Path
from typing import Final

_SIZE: Final = 32  # bytes: of the key, and of the digest before the data


def seal(data: bytes) -> bytes | None:
    """The data behind its signature; None where this user has no place for a key."""
    key = _key()
    return hmac.digest(key, data, "sha256") + data if key else None


def opened(sealed: bytes | mmap.mmap) -> memoryview | None:
    """What `seal` was given, by this user; else None."""
    key = _key()
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


@cache
def _key() -> bytes | None:
    """Made once, in the folder for programs' state (XDG Base Directory). It never reaches an output."""
    try:
        base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        file = Path(base) / "sealpress" / "cache-key"
        if not file.exists():
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write(file, secrets.token_bytes(_SIZE))
        owner = file.stat()
        key = file.read_bytes()
    except (OSError, RuntimeError):
        return None
    return key if len(key) == _SIZE and owner.st_uid == os.getuid() and not owner.st_mode & 0o077 else None
