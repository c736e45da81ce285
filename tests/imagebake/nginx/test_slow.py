"""Clients that send or take slowly take nothing from anybody else, and are sent away."""

import resource
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from sealpress.config.settings import ImageSettings
from tests.imagebake.nginx.servers import Server, Way, dressed, serving

pytestmark = [pytest.mark.network, pytest.mark.xdist_group("slow")]

CLIENTS = 2300
LARGE = bytes(range(256)) * (64 << 10)  # 16 MiB: more than any socket's buffer
STARTS = {
    "nothing": b"",
    "half a line": b"GET / HT",
    "half a head": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ",
    "a head as large as they may be": b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 7000,
    "half of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM",
}


@pytest.fixture(scope="module")
def server(rootfs: Path, open_folder: Path) -> Iterator[Server]:
    pages = {"index.html": b"<p>home</p>\n", "large.bin": LARGE}
    with serving(dressed(rootfs, pages, ImageSettings(), open_folder / "slow"), Way("ld.so")) as found:
        yield found


@contextmanager
def clients(server: Server, count: int, start: bytes) -> Iterator[list[socket.socket]]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, count + 500)), hard))
    try:
        with ExitStack() as stack:
            found = []
            for _ in range(count):
                one = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
                one.sendall(start)
                found.append(one)
            yield found
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def sent_away(those: list[socket.socket], seconds: float) -> int:
    """How many of them the server has ended by then; what it sends them is taken."""
    ended = 0
    until = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for one in those:
            selector.register(one, selectors.EVENT_READ)
        while ended < len(those) and (left := until - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                assert isinstance(key.fileobj, socket.socket)
                try:
                    data = key.fileobj.recv(4096)
                except ConnectionResetError:
                    data = b""
                if not data:
                    ended += 1
                    selector.unregister(key.fileobj)
    return ended


@pytest.mark.parametrize("start", STARTS)
def test_many_half_open_requests_of_one_client_keep_nobody_out(server: Server, start: str) -> None:
    with clients(server, CLIENTS, STARTS[start]) as those:
        for _ in range(5):
            began = time.monotonic()
            assert server.get("/healthz").status == 200
            assert time.monotonic() - began < 5
        # A whole request head must have come ten seconds after the connection.
        assert sent_away(those, 20) == CLIENTS


def test_who_drips_a_head_is_sent_away_all_the_same(server: Server) -> None:
    with clients(server, 1, b"GET / HTTP/1.1\r\nHost: x\r\n") as those:
        (one,) = those
        began = time.monotonic()
        with suppress(OSError):
            while time.monotonic() - began < 25:
                one.sendall(b"X-A: a\r\n")
                time.sleep(0.5)
        assert 8 < time.monotonic() - began < 20


def test_who_takes_nothing_of_an_answer_is_sent_away(server: Server) -> None:
    with clients(server, 1, b"GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n") as those:
        (one,) = those
        time.sleep(23)
        got = 0
        with suppress(ConnectionResetError):
            while data := one.recv(1 << 20):
                got += len(data)
        assert got < len(LARGE)
