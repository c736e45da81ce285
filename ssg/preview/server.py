"""HTTP for a preview: the site's files, and the events of the pages that are open.

Only who asks for this machine by its name gets an answer, so that no page of the web can read what is being written
(DNS rebinding): the Host header, and Origin where there is one.
"""

import errno
import html
import ipaddress
import queue
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from sealpress.problems import MachineProblem, shown
from sealpress.tree.tree import media_type
from ssg.preview.session import Session

OWN: Final = "/_sealpress/"
RAW: Final = "X-Sealpress-Raw"
"""A header of the script's own requests: their answers are as the site has them."""

_HEARTBEAT: Final = 15.0  # seconds
_GONE: Final = (ConnectionError, TimeoutError)
_TEXT: Final = "text/plain; charset=utf-8"
_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@contextmanager
def listening(
    host: str, ports: Iterable[int], session: Session, settled: Callable[[], None], told: Callable[[str], None]
) -> "Iterator[PreviewServer]":
    """A server on the first port that is free. Raises Problem (exit 9) where none is, or there is no such host."""
    for port in ports:
        try:
            server = PreviewServer(host, port, session, settled, told)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                continue
            raise MachineProblem(f"can't listen on {host}: {error.strerror}", hint="--host, --port") from None
        with server:
            yield server
        return
    raise MachineProblem(f"no port from {ports} on is free", hint="name another one: --port")


class PreviewServer(ThreadingHTTPServer):
    """Listens on `host` at `port`. What goes wrong with an answer, and is nobody's mistake, is `told` in a line."""

    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False

    def __init__(
        self, host: str, port: int, session: Session, settled: Callable[[], None], told: Callable[[str], None]
    ) -> None:
        self.session, self.settled, self.told = session, settled, told
        self.names = _NAMES | {host}
        self.is_open = not is_loopback(host)
        self.script = resources.files("ssg.preview").joinpath("client.js").read_bytes()
        super().__init__((host, port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away is nobody's fault."""
        del request, client_address
        error = sys.exception()
        if not isinstance(error, _GONE):
            self.told(shown(f"a fault of the preview: {type(error).__name__}: {error}"))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: PreviewServer

    def do_GET(self) -> None:
        self.is_begun = False
        try:
            self._answer()
        except Exception as error:
            if not self.is_begun and not isinstance(error, _GONE):
                self.close_connection = True
                self._send(500, b"a fault of the preview: see the terminal\n", _TEXT)
            raise

    do_HEAD = do_GET  # noqa: N815 - as http.server calls it

    def _answer(self) -> None:
        if not self._is_allowed():
            self._send(403, b"this preview answers only to its own address\n", _TEXT)
            return
        try:
            url = urlsplit(self.path)
        except ValueError:
            self._send(400, b"no address\n", _TEXT)
            return
        path = unquote(url.path, errors="surrogateescape")
        if path == f"{OWN}client.js":
            self._send(200, self.server.script, "text/javascript; charset=utf-8")
        elif path == f"{OWN}events":
            self._events({name: values[0] for name, values in parse_qs(url.query).items()})
        else:
            self._page(path, url.query)

    def _page(self, path: str, query: str) -> None:
        session = self.server.session
        self.server.settled()
        session.read("")  # everything that was noted is done
        from_site = self.headers.get("Sec-Fetch-Site") == "same-origin"
        answer = session.answers.to(path, self.headers.get("Accept-Language", ""), from_site=from_site)
        if answer.location:
            more = f"?{query}" if query and answer.location.startswith("/") and "?" not in answer.location else ""
            self._send(answer.status, b"", "text/html; charset=utf-8", Location=answer.location + more)
            return
        content, version = session.versioned(answer.file)
        if content is None:
            content = b"<!doctype html><html lang=en><title>Nothing yet</title><body><p>There is no page here yet.</p>"
            self._send(404, self._with_script(content, "", version), "text/html; charset=utf-8")
            return
        kind = media_type(answer.file)
        if kind == "text/html" and self.headers.get(RAW) is None:
            content = self._with_script(content, answer.file, version)
        charset = "; charset=utf-8" if kind.startswith("text/") or kind.endswith(("xml", "json", "javascript")) else ""
        self._send(answer.status, content, kind + charset)

    def _with_script(self, content: bytes, file: str, version: str) -> bytes:
        data = f'data-page="{html.escape(file)}" data-version="{version}"'
        tag = f'<script src="{OWN}client.js" {data}></script>'.encode()
        at = content.rfind(b"</body>")
        return content[:at] + tag + content[at:] if at >= 0 else content + tag

    def _events(self, asked: Mapping[str, str]) -> None:
        self.close_connection = self.is_begun = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command == "HEAD":
            return
        session = self.server.session
        address = unquote(asked.get("address", ""), errors="surrogateescape")
        listener = session.listen(asked.get("page", ""), address, asked.get("version", ""))
        try:
            while True:
                try:
                    message = listener.messages.get(timeout=_HEARTBEAT)
                except queue.Empty:
                    message = ""
                if message is None:
                    return
                self.wfile.write(f"data: {message}\n\n".encode() if message else b": still here\n\n")
                self.wfile.flush()
        except OSError:
            return
        finally:
            session.forget(listener)

    def _is_allowed(self) -> bool:
        try:
            names = [urlsplit(f"//{self.headers.get('Host', '')}").hostname or ""]
            if origin := self.headers.get("Origin"):
                names.append(urlsplit(origin).hostname or "")
        except ValueError:
            return False
        return all(name in self.server.names or (self.server.is_open and _is_address(name)) for name in names)

    def _send(self, status: int, content: bytes, kind: str, **headers: str) -> None:
        self.is_begun = True
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as http.server calls it
        """Says nothing: the terminal is for edits."""


def _is_address(name: str) -> bool:
    with suppress(ValueError):
        return bool(ipaddress.ip_address(name))
    return False


def is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
