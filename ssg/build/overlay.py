"""Files of the tree in memory, over those that the last build left in the output folder: nothing is written there."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from sealpress.files import files
from sealpress.frozen import frozen
from sealpress.problems import Problem
from ssg.cache import stamps
from ssg.cache.last_build import KeptFile
from ssg.cache.table import Plain
from ssg.output.stage import FileDigest, describe


@frozen
class Snapshot:
    """The site as it is after a turn, for any thread to read. `files` are all that it has, by path.

    `made` holds the content of those that are others than in the output folder, or the source that they are a copy of;
    `left` are still to be made: what `read` gives of them is older than what they are made of. `problems` are what is
    wrong, and `warnings` what was warned of. `address` is where a server answers by these files, for a preview of the
    sealed image.
    """

    root: Path
    files: Mapping[str, object]
    made: Mapping[str, bytes | Path]
    standing: Mapping[str, Plain]
    left: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    address: tuple[str, int] | None = None

    def read(self, path: str) -> bytes | None:
        """What a file of the site holds; None for one that is nowhere, and has to be made first. Raises KeyError."""
        self.files[path]
        found = self.made.get(path)
        if isinstance(found, bytes):
            return found
        try:
            if found is not None:
                with files.opened(found) as file:
                    return file.read()
            if path not in self.standing:
                return None
            with files.opened(self.root / path) as file:
                is_left = stamps.of(os.fstat(file.fileno())) == KeptFile._make(self.standing[path]).stamp
                return file.read() if is_left else None
        except OSError:
            return None


NOTHING = Snapshot(Path(), MappingProxyType({}), MappingProxyType({}), MappingProxyType({}))
"""Before the first turn."""


@dataclass(slots=True)
class Overlay:
    """What was made, over the files in the output folder `root` that `standing` tells of (KeptFile, plain, by path)."""

    root: Path
    standing: dict[str, Plain]
    made: dict[str, bytes | Path] = field(default_factory=dict)
    sha256: dict[str, str] = field(default_factory=dict)

    def put(self, path: str, content: bytes | Path) -> FileDigest:
        """Keeps the content of a file, unless it stands in the output folder."""
        new = describe(content)
        before = self.sha256.get(path) or (KeptFile._make(self.standing[path]).sha256 if path in self.standing else "")
        if path in self.standing and KeptFile._make(self.standing[path]).sha256 == new.sha256:
            self.made.pop(path, None)
            self.sha256.pop(path, None)
        else:
            self.made[path] = content
            self.sha256[path] = new.sha256
        return FileDigest(new.sha256, new.size, is_new=before != new.sha256)

    def forget(self, paths: Iterable[str]) -> None:
        """What is kept of files that the site no longer has."""
        for path in paths:
            self.made.pop(path, None)
            self.sha256.pop(path, None)
