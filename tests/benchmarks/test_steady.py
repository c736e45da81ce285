"""Requests at a constant rate: what a server keeps waiting counts, and what it doesn't answer is told."""

import http.server
import json
import threading
import time
from collections.abc import Iterator

import pytest

from benchmarks import steady


class Site(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    frozen = (0.0, 0.0)  # from when to when it answers nothing

    def do_GET(self) -> None:
        begin, end = self.frozen
        if begin < time.monotonic() < end:
            time.sleep(end - time.monotonic())
        self.send_response(200 if self.path == "/" else 404)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_arguments: object) -> None: ...


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_a_server_that_freezes_keeps_all_waiting_that_are_due(
    port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One who waits for each answer before the next request would find one slow one of a hundred and fifty."""
    now = time.monotonic()
    monkeypatch.setattr(Site, "frozen", (now + 1, now + 1.5))
    steady.main(port, "/", 100, 2)
    told = json.loads(capsys.readouterr().out)
    assert told["lost"] == 0
    assert told["p50"] < 0.2 < told["p99"] < 1
    assert told["connections"] > 10


def test_what_is_not_answered_rightly_is_lost(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    steady.main(port, "/nothing", 50, 1)
    told = json.loads(capsys.readouterr().out)
    assert told["lost"] == 50
    assert "p50" not in told
