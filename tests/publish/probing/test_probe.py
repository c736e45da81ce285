"""Probing has limits, and says what is wrong in one line."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from publish.engines.protocol import Endpoint
from publish.probing import probe
from sealpress.problems import Exit, Problem
from tests.publish.memory import MemoryClock


@contextmanager
def raw_server(*pieces: bytes, pause: float = 0.0) -> Iterator[Endpoint]:
    """Answers every connection with these pieces, whatever was asked, and closes it."""
    stop = threading.Event()

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(4096)
                    for piece in pieces:
                        connection.sendall(piece)
                        if stop.wait(pause):
                            return
                except OSError:
                    continue

    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=serve, args=(listener,))
    thread.start()
    try:
        yield Endpoint("127.0.0.1", listener.getsockname()[1])
    finally:
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_an_answer_comes_with_status_headers_and_body():
    with raw_server(b"HTTP/1.1 404 Not Found\r\nX-Y: z\r\nContent-Length: 2\r\n\r\nno") as endpoint:
        answer = probe.fetch(endpoint, "/x")
    assert (answer.status, answer.body, answer.headers["x-y"], answer.whole) == (404, b"no", "z", True)


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ((), "GET /: the connection was closed without an answer"),
        ((b"SSH-2.0-OpenSSH\r\n",), "GET /: not an HTTP answer (BadStatusLine)"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",), "GET /: the answer ends before its end"),
    ],
)
def test_what_is_no_answer_is_said_in_one_line(pieces, said):
    with raw_server(*pieces) as endpoint, pytest.raises(Problem) as caught:
        probe.fetch(endpoint, "/")
    assert caught.value.message == said
    assert caught.value.code == Exit.RELEASE


def test_nothing_there_is_said_in_one_line():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(Problem, match="GET /: nothing listens there"):
            probe.fetch(Endpoint("127.0.0.1", unused.getsockname()[1]), "/")


def test_a_server_that_drips_bytes_is_cut_off_in_time():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    with raw_server(head, *[b"x"] * 1000, pause=0.05) as endpoint:
        began = time.monotonic()
        with pytest.raises(Problem, match="no answer in time"):
            probe.fetch(endpoint, "/", seconds=0.3)
        assert time.monotonic() - began < 2


def test_a_body_is_read_up_to_its_limit():
    with raw_server(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200_000) as endpoint:
        answer = probe.fetch(endpoint, "/", limit=1000)
    assert (len(answer.body), answer.whole) == (1000, False)


@pytest.mark.parametrize(
    ("expected", "answer", "said"),
    [
        (probe.Expectation("/"), probe.SiteAnswer(200, b""), None),
        (probe.Expectation("/"), probe.SiteAnswer(500, b""), "GET /: status 500, expected 200"),
        (probe.Expectation("/", (200, 204)), probe.SiteAnswer(404, b""), "GET /: status 404, expected 200 or 204"),
        (probe.Expectation("/", body=b"a"), probe.SiteAnswer(200, b"a\n"), None),
        (
            probe.Expectation("/", body=b"a"),
            probe.SiteAnswer(200, b"\x1b[2J" + b"b" * 100),
            f'GET /: answered "\\x1b[2J{"b" * 73}…", expected "a"',
        ),
        (probe.Expectation("/", body=b"a"), probe.SiteAnswer(200, b"a", whole=False), "GET /: the body is over 1 B"),
        (
            probe.Expectation("/", sha256="00"),
            probe.SiteAnswer(200, b"a"),
            "GET /: other bytes (1 B) than the release holds",
        ),
    ],
)
def test_a_mismatch_tells_what_came_and_what_was_expected(expected, answer, said):
    assert probe.mismatch(expected, answer) == said


def test_waiting_asks_again_until_it_is_right_or_the_time_is_over():
    clock = MemoryClock()
    assert probe.wait(lambda: "not yet" if clock.now() < 3 else None, 10, clock) is None
    assert 3 <= clock.now() < 4
    clock = MemoryClock()
    assert probe.wait(lambda: "never", 10, clock) == "never"
    assert clock.now() == 10
    asked = []
    assert probe.wait(lambda: asked.append(1) or "wrong", 0, MemoryClock()) == "wrong"
    assert asked == [1]
