"""The whole of a finished build, found again when nothing at all has changed since.

Written beside the store after a build: what every input and every output looked like (size, times, inode), and what the
build gave. A later build that sees just the same gives just the same, and needs to read no file to know it.

A file that was changed so shortly before the build that its time could not tell a second change from the first makes
the snapshot worthless, so none is kept then: git's index has the same rule ("racy git").
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Final

from sealpress.tree import MARKER, CacheClass, Entry, OutputTree, digest

NAME: Final = "last.json"
_TICK: Final = 50_000_000  # ns; file systems stamp times by a clock that stands still for up to a tenth of it


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a build depends on: `facts` that are no files (versions, options, the clock), and files."""

    facts: tuple[str, ...]
    files: tuple[Path, ...]

    def fingerprint(self) -> str:
        """Over the facts and what the files look like, not what they hold."""
        return _fingerprint(self.facts, _stamps(self.files))


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The snapshot of the site's last build, in `folder`."""

    folder: Path

    def recall(self, inputs: Inputs, output: Path) -> tuple[OutputTree, dict[str, Any]] | None:
        """The tree and the report of the last build into `output`, if nothing was touched on either side of it."""
        try:
            kept = json.loads((self.folder / NAME).read_bytes())
            body = kept["body"]
            whole = kept["digest"] == hashlib.sha256(_canonical(body)).hexdigest()
            if not whole or body["inputs"] != inputs.fingerprint() or body["outputs"] != _outputs(output):
                return None
            entries = tuple(
                Entry(path, sha256, size, kind, CacheClass(cache)) for path, sha256, size, kind, cache in body["tree"]
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return OutputTree(output, entries, digest(entries)), body["report"]

    def keep(self, inputs: Inputs, seen: str, began: int, tree: OutputTree, report: dict[str, Any]) -> None:
        """Keeps a finished build, if its inputs still look as they did when it began.

        `seen` is their fingerprint from before they were read, `began` the file system's time then (see `now`).
        """
        newest = max((stamp[3] for stamp in _stamps(inputs.files) if stamp), default=0)
        if newest > began - _TICK or inputs.fingerprint() != seen:
            self.forget()
            return
        body = {
            "inputs": seen,
            "outputs": _outputs(tree.root),
            "tree": [astuple(entry) for entry in tree.entries],
            "report": report,
        }
        data = _canonical({"digest": hashlib.sha256(_canonical(body)).hexdigest(), "body": body})
        with suppress(OSError):
            handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".last-")
            with os.fdopen(handle, "wb") as out:
                out.write(data)
            Path(temporary).replace(self.folder / NAME)

    def forget(self) -> None:
        with suppress(OSError):
            (self.folder / NAME).unlink()

    def now(self) -> int:
        """The time by the clock that stamps files, in ns."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder) as file:
                return os.fstat(file.fileno()).st_ctime_ns
        except OSError:
            return 0  # older than every file: nothing is kept


Stamp = tuple[str, int, int, int, int]
"""Path, size, time of the content, time of the inode (both in ns), inode."""


def _stamps(files: Iterable[Path]) -> list[Stamp | None]:
    return [_stamp(file) for file in files]


def _stamp(file: Path) -> Stamp | None:
    try:
        found = file.lstat()
    except OSError:
        return None
    return (str(file), found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def _outputs(root: Path) -> str:
    return _fingerprint((), sorted(_walk(str(root), "")))


def _walk(folder: str, prefix: str) -> Iterator[Stamp]:
    with os.scandir(folder) as items:
        for item in items:
            if item.is_dir(follow_symlinks=False):
                yield from _walk(item.path, f"{prefix}{item.name}/")
            elif prefix + item.name != MARKER:
                found = item.stat(follow_symlinks=False)
                path = prefix + item.name
                yield (path, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def _fingerprint(facts: Iterable[str], stamps: Iterable[Stamp | None]) -> str:
    return hashlib.sha256(_canonical([list(facts), list(stamps)])).hexdigest()


def _canonical(data: object) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode()
