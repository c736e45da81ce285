"""The cache folder: what is costly to fetch or to work out, by the digest of what it is. Safe to delete at any time.

    packages/   .deb files by sha256 (imagebake/packages/mirror.py)
    indexes/    a mirror's package indexes by sha256, so that a lock is renewed without fetching them again
    pieces/     what layers are made of, by their digests (publish/deploy/splice.py)
    layers/     names and sizes of layers by their descriptions (imagebake/image/layers.py)
    compressed/ digests and sizes of layers as gzip, by what wrote them (imagebake/registry/compression.py)
    trials/     which configurations the sealed nginx has read, by their digest and its own (imagebake/nginx/trial.py)
    siblings/   compressed files by the sha256 of their wholes, packed by layers (imagebake/recipes/precompressed.py)
    policies/   what the pages of each site load, by their sha256 (imagebake/policy/needs.py)
    inventory/  what packages say of themselves, by their digests (imagebake/packages/inventory.py)
    trees/      the tree of each blog's last publish or push (publish/publishing/kept_tree.py)

What is fetched is hashed each time it is used. What was worked out here is believed only as signed by this user as just
that (sealpress/files/signing.py), since a cache may come from anywhere; else it is worked out anew.

Source: XDG Base Directory Specification 0.8, XDG_CACHE_HOME.
"""

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from sealpress.files import files, home, signing
from sealpress.frozen import frozen
from sealpress.problems import MachineProblem


def folder() -> Path:
    """`$SEALPRESS_CACHE`, else `$XDG_CACHE_HOME/sealpress`, else `~/.cache/sealpress`. It may not exist yet.

    Raises Problem (exit 9) where there is no home folder.
    """
    given = os.environ.get("SEALPRESS_CACHE")
    if given and not given.startswith("/"):
        given = str(Path(given).absolute())
    return _folder(given, os.environ.get("XDG_CACHE_HOME"), os.environ.get("HOME"))


@lru_cache(1)
def _folder(given: str | None, *_variables: str | None) -> Path:
    """Asked for once a file, and costly to work out: kept while the environment stays."""
    if given:
        return Path(given)
    if base := home.base("XDG_CACHE_HOME"):
        return base / "sealpress"
    if own := home.folder():
        return own / ".cache" / "sealpress"
    raise MachineProblem(
        "there is no home folder to keep a cache in", hint="set SEALPRESS_CACHE to a folder that may be written"
    )


@frozen
class Pinned:
    """Bytes that are known before they are there. `what` is what messages call them; `sha256` in hex."""

    what: str
    sha256: str
    size: int


def is_intact(file: Path, pinned: Pinned) -> bool:
    """Whether the file is there with this content."""
    try:
        with file.open("rb") as found:
            has_size = os.fstat(found.fileno()).st_size == pinned.size
            return has_size and hashlib.file_digest(found, "sha256").hexdigest() == pinned.sha256
    except OSError:
        return False


def keep(file: Path, parts: Iterable[bytes]) -> None:
    """Writes a file of the cache whole or not at all; folders are made. Two writers at once do no harm.

    Where one of the parts raises, no file is written. A cache that can't be written (a full disk, a foreign folder)
    costs time and nothing else: no error.
    """
    with suppress(OSError), fresh(file) as out:
        out.writelines(parts)


@contextmanager
def fresh(file: Path) -> Iterator[BinaryIO]:
    """As files.writing, in the cache: folders are made, and what was left half written in them goes, once a run.

    Raises OSError.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with files.writing(file) as out:
        if file.parent not in _swept:
            _swept.add(file.parent)
            files.sweep(file.parent, os.fstat(out.fileno()).st_mtime)
        yield out


_swept: set[Path] = set()


def remember(name: str, data: bytes, base: Path | None = None) -> None:
    """Keeps what was worked out under a path in the cache (`base`, else the user's), for later runs of this user."""
    if signing.is_lasting():
        keep((base or folder()) / name, [signing.seal(_what(name), data)])


def recalled(name: str, base: Path | None = None) -> bytes | None:
    """What was remembered under that path; None where there is nothing, or it is damaged or anybody else's."""
    try:
        sealed = ((base or folder()) / name).read_bytes()
    except OSError:
        return None
    data = signing.opened(_what(name), sealed)
    return None if data is None else bytes(data)


def remember_digest(kind: str, of: str, digest: str, size: int) -> None:
    """Keeps what some bytes are named by, "sha256:…", and how many they are, under all that they depend on."""
    remember(_place(kind, of), f"{digest} {size}\n".encode())


def recalled_digest(kind: str, of: str) -> tuple[str, int] | None:
    found = re.fullmatch(rb"(sha256:[0-9a-f]{64}) ([0-9]{1,15})\n", recalled(_place(kind, of)) or b"")
    return (found[1].decode(), int(found[2])) if found else None


def _place(kind: str, of: str) -> str:
    key = hashlib.sha256(of.encode()).hexdigest()
    return f"{kind}/{key[:2]}/{key}"


def _what(name: str) -> str:
    return f"imagebake {name}"
