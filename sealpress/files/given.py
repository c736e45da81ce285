"""Files that somebody else gives: the one door by which a repository's own come in.

A repository can commit links to devices, and a folder can hold a pipe; neither ever ends. So a file is opened without
waiting, looked at, and read up to a limit. What is wrong with it is an OSError like those of a disk.
"""

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO, Final

from sealpress.files import files
from sealpress.problems import Exit, Place, Problem

SETTINGS: Final = 1 << 20
"""Bytes of site.toml, theme.toml, a file of strings, a template: a thousand times what people write."""

TEXT: Final = 16 << 20
"""Bytes of a page, a list of redirects, a data file."""

ASSET: Final = 256 << 20
"""Bytes of what is read whole to be published as it is: the files of a theme, a wheel."""


def read(file: str | Path, limit: int, *, inside: bool = False) -> bytes:
    """The content of a plain file of at most `limit` bytes. `inside`: a link may not lead out of the repository.

    Raises OSError, whose `strerror` says for a person what is wrong.
    """
    if inside and (path := Path(file)).is_symlink():
        real = Path(os.path.realpath(path))
        if not real.is_relative_to(files.repository(path.parent)):
            raise OSError(errno.ELOOP, f"it is a link out of the repository, to {real}", str(file))
    with opened(file) as found:
        size = os.fstat(found.fileno()).st_size
        # To ask for `limit` bytes at once would take that much memory first: 0.2 ms for each page.
        data = found.read(min(size, limit) + 1)
        if len(data) > size:  # it grows, or is one of those that say nothing of their size
            data += found.read(max(0, limit + 1 - len(data)))
        if size > limit or len(data) > limit:
            raise OSError(errno.EFBIG, f"it has more than {limit >> 20} MiB", str(file))
        return data


def parsed(data: bytes) -> Any:
    """The JSON document that somebody else's bytes are; None where they are none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def opened(file: str | Path) -> BinaryIO:
    """A plain file to read, also through links. Raises OSError as `read` does."""
    handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        raise OSError(errno.EINVAL, f"it is {_KINDS.get(stat.S_IFMT(mode), 'a device')}, and no file", str(file))
    return os.fdopen(handle, "rb")


def content(file: Path, limit: int, shown: str, code: Exit = Exit.SITE) -> bytes:
    """As `read`; raises Problem with `code`, which calls the file what is `shown`."""
    try:
        return read(file, limit)
    except OSError as error:
        raise Problem(f"can't be read: {error.strerror}", place=Place(shown), code=code) from None


_KINDS: Final = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
