"""What a layer is made of: files, folders and links, described first; their bytes are read late, when a tar is written.

Paths are relative to the image's root, with "/" between parts and no leading "/". The owner is 0:0, but for folders
that a recipe gives to a user of its own: volumes.
"""

import hashlib
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol

from sealpress.frozen import frozen

CHUNK: Final = 1 << 20


class FileContent(Protocol):
    """Bytes that can be read as often as needed."""

    @property
    def size(self) -> int: ...

    def chunks(self) -> Iterator[bytes]:
        """The bytes, `size` of them in all, in pieces of at most CHUNK."""
        ...


@frozen
class Bytes:
    """Content that is small enough to hold."""

    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    def chunks(self) -> Iterator[bytes]:
        for start in range(0, len(self.data), CHUNK):
            yield self.data[start : start + CHUNK]


@frozen
class FromFile:
    """Content that stays on disk until it is written. `size` in bytes, as it was when the file was described.

    `sha256` in hex, where it was taken then: what is written later must still have it.
    """

    path: Path
    size: int
    sha256: str = ""

    def chunks(self) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk


@frozen
class Produced:
    """Content that something else makes whenever it is needed, with its sha256 (in hex) known beforehand.

    `is_checked`: what makes it raises by itself where the bytes are others, so nobody else need hash them.
    """

    produce: Callable[[], Iterator[bytes]]
    size: int
    sha256: str
    is_checked: bool = False

    def chunks(self) -> Iterator[bytes]:
        return self.produce()


@frozen
class File:
    """A regular file. `mode` is 0o644 or 0o755."""

    path: str
    content: FileContent
    mode: int = 0o644


@frozen
class Directory:
    """A folder. `mode` is 0o755 or 0o1777, and any without further bits for an owner, `(UID, GID)`, that isn't root."""

    path: str
    mode: int = 0o755
    owner: tuple[int, int] = (0, 0)


@frozen
class Symlink:
    path: str
    target: str


Entry = File | Directory | Symlink


def parents(path: str) -> list[str]:
    """The folders that a path lies in, outermost first."""
    return [path[:at] for at, char in enumerate(path) if char == "/"]


def folded(path: str) -> str:
    """What is the same of two names that are one on a file system that folds case or accents."""
    return unicodedata.normalize("NFC", path).casefold()


def leads_out(path: str, target: str) -> bool:
    """Whether a link at `path` points above the image's root, on its way at least."""
    depth = 0 if target.startswith("/") else path.count("/")
    for part in target.split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0:
            return True
    return False


def sha256_of(content: FileContent) -> str:
    """In hex."""
    sha = hashlib.sha256()
    for chunk in content.chunks():
        sha.update(chunk)
    return sha.hexdigest()
