"""What may stand before a site, and what it may do to answers on their way."""

import contextlib
import http.client
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

_HOP: frozenset[str] = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


@dataclass
class Passing:
    """One answer on its way. `body` as it stands on the wire; `length` None: that of the body."""

    path: str
    asked: dict[str, str]
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    length: int | None = None
    pieces: Iterable[bytes] = field(default=())  # what follows the body

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def set(self, name: str, *values: str) -> None:
        kept = [(key, value) for key, value in self.headers if key.lower() != name.lower()]
        self.headers = [*kept, *((name, value) for value in values)]


Lie = Callable[[Passing], None]


def honest(_: Passing) -> None:
    """Hands on what it gets."""


@contextmanager
def front(port: int, lie: Lie = honest, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Its address. It changes nothing that `lie` doesn't."""

    class Front(BaseHTTPRequestHandler):
        protocol_version: ClassVar[str] = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            behind = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            try:
                asked = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
                behind.request("GET", self.path, headers=asked)
                answer = behind.getresponse()
                headers = [(key, value) for key, value in answer.getheaders() if key.lower() not in _HOP]
                passing = Passing(self.path, asked, answer.status, headers, answer.read())
            finally:
                behind.close()
            lie(passing)
            self.send_response_only(passing.status)
            for name, value in passing.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(passing.body) if passing.length is None else passing.length))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(passing.body)
                for piece in passing.pieces:
                    self.wfile.write(piece)
            self.close_connection |= passing.length is not None

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Who asks may go away."""

    with Server(("127.0.0.1", 0), Front) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
