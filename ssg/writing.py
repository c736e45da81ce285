"""The output tree on disk: each file appears whole, files that did not change are not touched, stale ones go."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from sealpress.console import Progress
from sealpress.problems import Exit, Problem
from sealpress.tree import CHUNK, MARKER, OutputTree, check_names, describe
from ssg.model import Output

_NOTE: Final = "ssg writes this folder: every file in it is replaced by the next build.\n"


def write(root: Path, outputs: Mapping[str, Output], progress: Progress) -> OutputTree:
    """Makes the folder `root` hold just `outputs`, which are by path and sorted.

    Raises Problem (exit 9) for a folder that holds files ssg did not write, and where the disk refuses.
    """
    check_names(list(outputs))
    try:
        _claim(root)
        _clear(root, "", outputs, frozenset(folder for path in outputs for folder in folders(path)))
        with progress.track("Writing files", len(outputs)) as advance:
            for path, output in outputs.items():
                _put(root / path, output.content)
                advance(1)
    except OSError as error:
        where = error.filename or root
        raise Problem(f"can't write {where}: {error.strerror}", code=Exit.MACHINE) from None
    return describe(root, list(outputs))


def _claim(root: Path) -> None:
    """Marks the folder as one that ssg may clear; never one in which somebody else's files stand."""
    marker = root / MARKER
    if root.is_dir() and not marker.exists() and any(root.iterdir()):
        raise Problem(
            f"{root} holds files that ssg did not write, and a build would remove them",
            hint="choose an empty folder, or empty this one yourself",
            code=Exit.MACHINE,
        )
    root.mkdir(parents=True, exist_ok=True)
    if not marker.exists():
        marker.write_text(_NOTE, encoding="utf-8")


def folders(path: str) -> list[str]:
    """The folders that a path lies in, outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _clear(folder: Path, prefix: str, outputs: Mapping[str, Output], needed: frozenset[str]) -> None:
    """Removes what no output needs, and what stands in an output's way: a link, a folder in place of a file."""
    with os.scandir(folder) as found:
        items = list(found)
    for item in items:
        path = prefix + item.name
        if item.is_dir(follow_symlinks=False):
            if path in needed:
                _clear(Path(item.path), path + "/", outputs, needed)
            else:
                shutil.rmtree(item.path)
        elif (item.is_symlink() or path not in outputs) and path != MARKER:
            Path(item.path).unlink()


def _put(target: Path, content: bytes | Path) -> None:
    if _is_same(target, content):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".sealpress-")
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in _chunks(content):
                file.write(chunk)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _is_same(target: Path, content: bytes | Path) -> bool:
    """Whether the file is there already, with these bytes: then its time stays, and nothing that watches it wakes."""
    size = len(content) if isinstance(content, bytes) else content.stat().st_size
    if not target.is_file() or target.stat().st_size != size:
        return False
    return all(old == new for old, new in zip(_chunks(target), _chunks(content), strict=True))


def _chunks(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield from (content[start : start + CHUNK] for start in range(0, len(content), CHUNK))
        return
    with content.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
