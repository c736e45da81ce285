"""What a process writes, heard within a time and a size: what it reads may be anybody's."""

import os
import selectors
import subprocess
import time
from collections.abc import Callable
from typing import Final

OUTPUT_LIMIT: Final = 1 << 20
"""Bytes of one stream of a program that prints a few lines."""

_PIECE: Final = 1 << 16


def hear(
    process: "subprocess.Popen[bytes]",
    within: float,
    limit: int = OUTPUT_LIMIT,
    until: Callable[[bytes], object] | None = None,
) -> tuple[bytes, bytes]:
    """What a process wrote to its two pipes, until both end or `until` is true of the first.

    Raises TimeoutError after `within` seconds in all, ValueError past `limit` bytes of a stream.
    """
    deadline = time.monotonic() + within
    heard = {stream: bytearray() for stream in (process.stdout, process.stderr) if stream is not None}
    with selectors.DefaultSelector() as selector:
        for stream in heard:
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            if until and process.stdout and until(bytes(heard[process.stdout])):
                break
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if time.monotonic() >= deadline:
                raise TimeoutError
            for key, _ in ready:
                piece = os.read(key.fd, _PIECE)
                found = next(stream for stream in heard if stream is key.fileobj)
                heard[found] += piece
                if not piece:
                    selector.unregister(found)
                if len(heard[found]) > limit:
                    raise ValueError(limit)
    out, err = (bytes(heard[stream]) if stream is not None else b"" for stream in (process.stdout, process.stderr))
    return out, err
