"""Tests that share a thing of the machine, such as a port, and so run one after the other, whichever worker has them.

pytest-xdist's groups hold within one run, and this between two, too.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(what: str) -> Iterator[None]:
    """Waits until no other test of this machine holds `what`."""
    with Path(tempfile.gettempdir(), f"sealpress-tests-{what}-{os.getuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
