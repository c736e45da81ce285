"""Ports for servers of tests: below those that the system gives away, and none twice while tests run side by side."""

import fcntl
import os
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

_FIRST: Final = 20000
_COUNT: Final = 12000  # Linux gives away those from 32768 on (ip_local_port_range)


def free_port() -> int:
    """One on which nobody listens, and that no other test is given, whichever process it runs in."""
    with Path(tempfile.gettempdir(), f"sealpress-tests-port-{os.getuid()}").open("a+") as last:
        fcntl.flock(last, fcntl.LOCK_EX)
        last.seek(0)
        number = int(last.read() or 0)
        for _ in range(_COUNT):
            number = (number + 1) % _COUNT
            if _is_free(_FIRST + number):
                break
        last.truncate(0)
        last.write(str(number))
        return _FIRST + number


def _is_free(port: int) -> bool:
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with suppress(OSError), socket.socket(family) as probe:
            probe.connect((address, port))
            return False
    return True
