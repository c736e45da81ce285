"""Requests at a constant rate on connections that are kept, each timed from when it was due, so that waiting counts:
`python -m benchmarks.steady PORT PATH RATE SECONDS` prints quantiles in seconds as JSON.

One that is due is sent whether those before it were answered or not, on a connection that is free, or else on a new
one. wrk and hey wait for answers instead: what a server keeps waiting, they don't send.
"""

import asyncio
import gc
import json
import re
import selectors
import sys
from typing import Final

ADDRESS: Final = "127.0.0.1"
_SHARE: Final = 0.1  # of all requests, in the beginning, whose times don't count
_LAST: Final = 2.0  # seconds for the last answers

_LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class Steady:
    """One run. `times`: from when each was due until all of its answer was there, in seconds."""

    def __init__(self, port: int, path: str) -> None:
        self.port = port
        self.request = f"GET {path} HTTP/1.1\r\nHost: {ADDRESS}\r\nAccept-Encoding: identity\r\n\r\n".encode()
        self.free: list[_Connection] = []
        self.times: list[float] = []
        self.lost = 0
        self.opened: list[_Connection] = []

    async def run(self, rate: int, seconds: int) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time() + 0.1
        tasks = set()
        for number in range(rate * seconds):
            due = began + number / rate
            if (left := due - loop.time()) > 0:
                await asyncio.sleep(left)
            if self.free:
                self.free.pop().ask(due)
            else:
                tasks.add(asyncio.create_task(self._open(due)))
        await asyncio.sleep(_LAST)
        self.lost = rate * seconds - len(self.times)
        for one in self.opened:
            one.transport.abort()
        await asyncio.sleep(0.1)

    async def _open(self, due: float) -> None:
        _, made = await asyncio.get_running_loop().create_connection(lambda: _Connection(self), ADDRESS, self.port)
        self.opened.append(made)
        made.ask(due)


class _Connection(asyncio.Protocol):
    def __init__(self, run: Steady) -> None:
        self.run = run
        self.due = 0.0
        self.got = bytearray()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def ask(self, due: float) -> None:
        self.due = due
        self.transport.write(self.run.request)

    def connection_lost(self, _error: Exception | None) -> None:
        if self in self.run.free:  # nginx closes one after so many requests
            self.run.free.remove(self)

    def data_received(self, data: bytes) -> None:
        self.got += data
        head, found, body = self.got.partition(b"\r\n\r\n")
        length = _LENGTH.search(head + b"\r\n") if found else None
        if length and len(body) >= int(length[1]):
            if head.startswith(b"HTTP/1.1 200"):
                self.run.times.append(asyncio.get_running_loop().time() - self.due)
            self.got.clear()
            self.run.free.append(self)


def main(port: int, path: str, rate: int, seconds: int) -> None:
    run = Steady(port, path)
    gc.disable()  # its pauses are not the server's
    # epoll's shortest wait is a millisecond.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(run.run(rate, seconds))
    gc.enable()
    times = sorted(run.times[int(len(run.times) * _SHARE) :])
    told = {f"p{share}": times[len(times) * share // 100] for share in (50, 99)} if times else {}
    print(json.dumps({**told, "lost": run.lost, "connections": len(run.opened)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
