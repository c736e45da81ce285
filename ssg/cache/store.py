"""A content-addressed store on disk: results of dear work, by a digest of all that they depend on.

    FOLDER/ab/cdef…           a result behind its signature
    FOLDER/packs/0123….pack   many results that were made together: an index behind its signature, then the results
    FOLDER/.gitignore         keeps the whole of it out of every commit

Only what this user's own builds have signed as just this result is believed (sealpress/files/signing.py); what is
damaged or anybody else's is made again. Safe to delete at any time, to share between branches and, with the key, to
restore on another machine. Two builds at once write the same content under the same name, each by rename, so neither
can spoil the other's.
"""

import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sealpress.files import files, signing
from sealpress.frozen import frozen

NAME: Final = ".sealpress"
PACKS: Final = "packs"
LIMIT: Final = 512 << 20  # bytes
_INDEX: Final = "ssg pack"
_OURS: Final = re.compile(r"[0-9a-f]{62}|[0-9a-f]{64}\.pack|\.new-.{1,16}")
_SLACK: Final = 16  # the part of the limit that a process writes before it looks how much there is
_PACKED_FROM: Final = 8  # results that were made together: below that, a file for each


def folder_of(root: Path) -> Path:
    """Where the store of the site at `root` is."""
    return root / NAME / "cache"


@frozen
class _PackedEntry:
    """Where in which pack a result stands."""

    pack: Path
    offset: int
    size: int
    sha256: str


@dataclass(slots=True)
class _State:
    """What one process knows of the store: where in packs results are, and which folders there are for single ones.

    `batch` are results that wait for their pack, with their digests where these are known; None: none is being made.
    """

    packed: dict[str, _PackedEntry] | None = None
    batch: dict[str, tuple[bytes, str]] | None = None
    folders: set[str] | None = None
    used: set[Path] = field(default_factory=set)
    room: int = 0  # bytes that may be written before somebody looks how many there are


@frozen
class Store:
    """Keeps at most `limit` bytes, by dropping what was not used for longest before more is written. What other
    processes write meanwhile is seen after a sixteenth of that. A disk that refuses costs only time.
    """

    folder: Path
    limit: int = LIMIT
    _state: _State = field(default_factory=_State, compare=False, repr=False)

    def get(self, key: str) -> bytes | None:
        """The result under `key` (64 hex digits), or None where there is none that is whole."""
        if self._state.batch and key in self._state.batch:
            return self._state.batch[key][0]
        if not self._has_folder(key[:2]):
            return self._from_pack(key)
        file = self._file(key)
        try:
            found = _read(file)
        except OSError:
            return self._from_pack(key)
        data = signing.opened(_result(key), found)
        if data is None:
            with suppress(OSError):
                file.unlink()
            return None
        self._touch(file)
        return bytes(data)

    def put(self, key: str, data: bytes, *, sha256: str = "", alone: bool = False) -> None:
        """Keeps a result, whole or not at all. A large one goes `alone` into a file, whatever is kept together.

        `sha256`, in hex, is that of the data, where it is known.
        """
        if self._state.batch is not None and not alone:
            self._state.batch[key] = (data, sha256)
            return
        self._write(self._file(key), [signing.signature(_result(key), data), data])

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is put within the context is kept in one file."""
        batch: dict[str, tuple[bytes, str]] = {}
        self._state.batch = batch
        try:
            yield
        finally:
            self._state.batch = None
        if len(batch) < _PACKED_FROM:
            for key, (data, _) in batch.items():
                self.put(key, data)
            return
        places: dict[str, tuple[int, int, str]] = {}
        offset = 0
        for key, (data, sha256) in batch.items():
            places[key] = (offset, len(data), sha256 or _digest(data))
            offset += len(data)
        index = json.dumps(places, separators=(",", ":")).encode()
        name = hashlib.sha256(index).hexdigest()
        results = (data for data, _ in batch.values())
        pack, line = self.folder / PACKS / f"{name}.pack", _line(index)
        self._write(pack, [line, b"\n", index, b"\n", *results])
        if self._state.packed is not None:  # what this process packs, it need not look for
            self._state.packed.update(_entries(pack, len(line) + len(index) + 2, index))

    def refresh(self) -> None:
        """Looks anew for what other processes have kept."""
        self._state.packed = None
        self._state.folders = None

    def _has_folder(self, name: str) -> bool:
        """Whether there is a folder for single results: on a first build there is none, and thousands are asked for."""
        if self._state.folders is None:
            self._state.folders = set()
            with suppress(OSError):
                items = os.scandir(self.folder)
                self._state.folders = {item.name for item in items if item.is_dir(follow_symlinks=False)}
        return name in self._state.folders

    def trim(self, size: int = 0) -> None:
        """Drops what was not used for longest, until the rest and `size` bytes more are within the limit; also what a
        killed build left.
        """
        found: list[tuple[float, int, Path]] = []
        for folder in filter(files.is_folder, (*self.folder.glob("[0-9a-f][0-9a-f]"), self.folder / PACKS)):
            with suppress(OSError), os.scandir(folder) as items:
                for item in items:
                    # Only what this class can have written.
                    if _OURS.fullmatch(item.name) and item.is_file(follow_symlinks=False):
                        status = item.stat(follow_symlinks=False)
                        found.append((status.st_mtime, status.st_size, Path(item.path)))
        kept, seen = 0, 0
        newest = max((used for used, _, _ in found), default=0.0)
        for used, bytes_in, file in sorted(found, reverse=True):
            seen += bytes_in
            if seen + size <= self.limit and not files.is_left(file.name, used, newest):
                kept += bytes_in
                continue
            with suppress(OSError):
                file.unlink()
        self._state.room = min(self.limit - kept, self.limit // _SLACK + size)

    def _from_pack(self, key: str) -> bytes | None:
        place = self._place(key)
        if place is None:
            return None
        try:
            with files.opened(place.pack) as file:
                data = os.pread(file.fileno(), place.size, place.offset)
        except OSError:
            return None
        if _digest(data) != place.sha256:
            with suppress(OSError):
                place.pack.unlink()
            self.refresh()
            return None
        if place.pack not in self._state.used:
            self._state.used.add(place.pack)
            self._touch(place.pack)
        return data

    def _place(self, key: str) -> _PackedEntry | None:
        """Where a result stands."""
        if self._state.packed is None:
            self._state.packed = {name: place for one in self._indexes() for name, place in _entries(*one)}
        return self._state.packed.get(key)

    def _indexes(self) -> Iterator[tuple[Path, int, bytes]]:
        """Each pack, where its results begin, and its index. Those of others stay, and are told by nobody."""
        packs = self.folder / PACKS
        for pack in sorted(packs.glob("*.pack")) if files.is_folder(packs) else ():
            try:
                with files.opened(pack) as file:
                    digest, index = file.readline(), file.readline()
            except OSError:
                continue
            if hmac.compare_digest(digest[:-1], _line(index[:-1])):
                yield pack, len(digest) + len(index), index

    def _touch(self, file: Path) -> None:
        """The file's time says when it was last of use, see trim()."""
        with suppress(OSError):
            os.utime(file, follow_symlinks=False)

    def _write(self, file: Path, parts: Iterable[bytes]) -> None:
        parts = list(parts)
        if (size := sum(map(len, parts))) > self.limit:
            return
        if size > self._state.room:
            self.trim(max(size, self.limit // _SLACK))
        self._state.room -= size
        with suppress(OSError):
            if not files.is_folder(file.parent):
                self._make(file.parent)
            files.keep(file, parts)

    def _file(self, key: str) -> Path:
        return self.folder / key[:2] / key[2:]

    def _make(self, folder: Path) -> None:
        """Raises OSError, also where a link of the repository stands in its place."""
        files.make(self.folder, folder.name)
        self._state.folders = None
        files.hide(self.folder)


def _read(file: Path) -> bytes:
    with files.opened(file) as found:
        return found.read()


def _entries(pack: Path, start: int, index: bytes) -> Iterator[tuple[str, _PackedEntry]]:
    for key, (offset, size, sha256) in json.loads(index).items():
        yield key, _PackedEntry(pack, start + offset, size, sha256)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _line(index: bytes) -> bytes:
    return signing.signature(_INDEX, index).hex().encode()


def _result(key: str) -> str:
    return f"ssg result {key}"
