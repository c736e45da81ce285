"""A content-addressed store on disk: results of dear work, by a digest of all that they depend on.

    FOLDER/ab/cdef…    the result behind its own sha256, so that a damaged one is found out and made again
    FOLDER/.gitignore  keeps the whole of it out of every commit

Safe to delete at any time, to share between branches and to restore on another machine. Two builds at once write the
same content under the same name, each by rename, so neither can spoil the other's.
"""

import hashlib
import os
import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

NAME: Final = ".sealpress"
LIMIT: Final = 512 << 20  # bytes
_DIGEST_LENGTH: Final = 65  # 64 hex digits and a line feed
_DAY: Final = 86_400
_OURS: Final = re.compile(r"[0-9a-f]{62}|\.new-.{1,16}")


def folder_of(root: Path) -> Path:
    """Where the store of the site at `root` is."""
    return root / NAME / "cache"


@dataclass(frozen=True, slots=True)
class Store:
    """Keeps at most `limit` bytes, by dropping what was not used for longest. A disk that refuses costs only time."""

    folder: Path
    limit: int = LIMIT

    def get(self, key: str) -> bytes | None:
        """The result under `key` (64 hex digits), or None where there is none that is whole."""
        file = self._file(key)
        try:
            found = file.read_bytes()
        except OSError:
            return None
        data = found[_DIGEST_LENGTH:]
        if found[:_DIGEST_LENGTH] != _digest(data):
            with suppress(OSError):
                file.unlink()
            return None
        # The file's time says when it was last of use, see trim().
        with suppress(OSError):
            os.utime(file)
        return data

    def put(self, key: str, data: bytes) -> None:
        """Keeps a result, whole or not at all."""
        file = self._file(key)
        with suppress(OSError):
            if not file.parent.is_dir():
                self._make(file.parent)
            handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".new-")
            try:
                with os.fdopen(handle, "wb") as out:
                    out.write(_digest(data) + data)
                Path(temporary).replace(file)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise

    def trim(self) -> None:
        """Drops what was not used for longest, until the rest is within the limit; also what a killed build left."""
        found: list[tuple[float, int, Path]] = []
        for folder in self.folder.glob("[0-9a-f][0-9a-f]"):
            with suppress(OSError), os.scandir(folder) as items:
                for item in items:
                    # Only what this class can have written: the folder could be somebody else's by a link.
                    if _OURS.fullmatch(item.name) and item.is_file(follow_symlinks=False):
                        status = item.stat(follow_symlinks=False)
                        found.append((status.st_mtime, status.st_size, Path(item.path)))
        kept = 0
        newest = max((used for used, _, _ in found), default=0.0)
        for used, size, file in sorted(found, reverse=True):
            kept += size
            is_leftover = file.name.startswith(".new-") and used < newest - _DAY
            if kept > self.limit or is_leftover:
                with suppress(OSError):
                    file.unlink()

    def _file(self, key: str) -> Path:
        return self.folder / key[:2] / key[2:]

    def _make(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        ignore = self.folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode() + b"\n"
