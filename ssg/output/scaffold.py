"""Where a build works until all of it is there: on the disk of the output folder, and beside it where that can be.

    FOLDER/new        what has been made
    FOLDER/scratch    what is needed only meanwhile

FOLDER lies with the record of the output folder (ssg.output.record). Where that is on another disk, it lies beside the
output folder; and in that itself where it is a mount point, or its own folder can't be written. It is gone after the
build, or with the next one where it was killed.
"""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from sealpress.files import files
from ssg.output.record import Record

_NAME: Final = re.compile(r"\.sealpress-[0-9a-f]{16}")


@contextmanager
def erected(root: Path, handle: int, record: Record) -> Iterator[Path]:
    """A scaffold for a build into the folder `root`, which is open as `handle`. Raises OSError."""
    told = record.folder / "stage"
    _sweep(told)
    folder = _made(root, handle, record, told)
    try:
        files.hide(folder)
        for name in ("new", "scratch"):
            (folder / name).mkdir()
        yield folder
    finally:
        _sweep(told)


def _made(root: Path, handle: int, record: Record, told: Path) -> Path:
    """The name is told before there is such a folder, so that what a killed build left is known for ours."""
    mount = _mount(handle)
    *others, last = dict.fromkeys((record.folder, root.parent, root))
    for place in (*others, last):
        folder = place / f".sealpress-{secrets.token_hex(8)}"
        told.write_bytes(os.fsencode(folder))
        try:
            if place == last or _mount_of(place) == mount:
                folder.mkdir(mode=0o700)
                return folder
        except OSError:
            if place == last:
                raise
    raise AssertionError(root)


def _sweep(told: Path) -> None:
    with suppress(OSError):
        folder = Path(os.fsdecode(told.read_bytes()))
        if _NAME.fullmatch(folder.name) and files.is_folder(folder):
            shutil.rmtree(folder, ignore_errors=True)
        told.unlink()


def _mount_of(folder: Path) -> str:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return _mount(handle)
    finally:
        os.close(handle)


def _mount(handle: int) -> str:
    """Files can be renamed within one: the same disk can be mounted twice. Source: proc(5), /proc/PID/fdinfo."""
    with suppress(OSError):
        for line in Path(f"/proc/self/fdinfo/{handle}").read_text("ascii").splitlines():
            if line.startswith("mnt_id:"):
                return line
    return str(os.fstat(handle).st_dev)
