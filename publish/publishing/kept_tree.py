"""The folder with the files of the last commit that was published or pushed of a blog, and the tree that was made of
them, in the cache: from them the next ones are made, and only what is another file then is written.

While a run uses it, it is nobody else's: what is baked is read from there until it was sent.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from imagebake.fetch import cache
from sealpress.files import scratch
from sealpress.problems import Problem


@contextmanager
def held(blog: Path) -> Iterator[Path]:
    """The folder, as long as the context lasts. Where another run has it, or there is no room for a cache: an empty
    one, which is gone afterwards.
    """
    with ExitStack() as stack:
        yield _taken(blog, stack) or stack.enter_context(scratch.folder("publish"))


def forget(blog: Path) -> None:
    """Removes the folder."""
    with suppress(Problem):
        shutil.rmtree(_folder(blog), ignore_errors=True)


def _taken(blog: Path, stack: ExitStack) -> Path | None:
    try:
        folder = _folder(blog)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / "in-use", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        stack.callback(os.close, descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Said, not left to the closing: a process that is being started may still hold the descriptor, too.
        stack.callback(fcntl.flock, descriptor, fcntl.LOCK_UN)
    except (OSError, Problem):
        return None
    return folder


def _folder(blog: Path) -> Path:
    return cache.folder() / "trees" / hashlib.sha256(os.fsencode(blog)).hexdigest()[:16]
