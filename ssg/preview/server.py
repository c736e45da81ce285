"""HTTP for a preview: the site's files, and the events of the pages that are open.

Only who asks for this machine by its name gets an answer, so that no page of the web can read what is being written
(DNS rebinding): the Host header, and Origin where there is one.
"""

import errno
import html
import ipaddress
import queue
import re
import secrets
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from itertools import chain
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from sealpress.config import serving
from sealpress.problems import MachineProblem, shown
from sealpress.tree.tree import content_type, media_type
from ssg.preview import editor
from ssg.preview.answers import Answer, requested
from ssg.preview.conditions import sent
from ssg.preview.headers import named, with_script
from ssg.preview.session import Session

OWN: Final = "/_sealpress/"
RAW: Final = "X-Sealpress-Raw"
"""A header of the script's own requests: their answers are as the site has them."""
POLICY: Final = "X-Sealpress-Policy"
"""A header that names the site's own policy of a page."""
VERSION: Final = "preview"
"""The part of an address that names the version of which a page was just told: its answer waits for nothing more, since
the page is told of what is saved after that, too.
"""
ASKS: Final = "X-Sealpress-Token"
"""The header of who may open an editor."""

_HTML: Final = "text/html; charset=utf-8"
_LONGEST: Final = 8192  # bytes of a request's first line, and of its headers: as nginx.conf has it
_BODY: Final = 1 << 20  # bytes of a request's body that are read
_BODY_SECONDS: Final = 10.0
_HEARTBEAT: Final = 15.0  # seconds
_GONE: Final = (ConnectionError, TimeoutError)
_TEXT: Final = "text/plain; charset=utf-8"
_HOST: Final = re.compile(
    r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253}))(?::[0-9]{1,5})?"
)  # nothing else is in it
_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@contextmanager
def listening(
    host: str,
    ports: Iterable[int],
    session: Session,
    settled: Callable[[], None],
    told: Callable[[str], None],
    command: Sequence[str] = (),
) -> "Iterator[PreviewServer]":
    """A server on the first port that is free. Raises Problem (exit 9) where none is, or there is no such host."""
    for port in ports:
        try:
            server = PreviewServer(host, port, session, settled, told, command)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                continue
            raise MachineProblem(f"can't listen on {host}: {error.strerror}", hint="--host, --port") from None
        with server:
            yield server
        return
    raise MachineProblem(f"no port from {ports} on is free", hint="name another one: --port")


class PreviewServer(ThreadingHTTPServer):
    """Listens on `host` at `port`. What goes wrong with an answer, and is nobody's mistake, is `told` in a line. The
    program `command` opens sources in an editor, () for none.
    """

    daemon_threads = True
    allow_reuse_address = True
    block_on_close = False

    def __init__(
        self,
        host: str,
        port: int,
        session: Session,
        settled: Callable[[], None],
        told: Callable[[str], None],
        command: Sequence[str] = (),
    ) -> None:
        self.session, self.settled, self.told, self.command = session, settled, told, command
        self.token = secrets.token_urlsafe()
        self.names = _NAMES | {host}
        self.is_open = not is_loopback(host)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
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
    disable_nagle_algorithm = True  # or what follows the head of an answer waits for the browser's word on that
    server: PreviewServer

    def __getattr__(self, name: str) -> Any:
        """http.server asks for do_GET and its like: of what is no reading, an answer says so."""
        if name.startswith("do_"):
            return self._guarded
        raise AttributeError(name)

    def _guarded(self) -> None:
        self.is_begun = False
        self.policy = self.name = ""
        try:
            self._answer()
        except Exception as error:
            if not self.is_begun and not isinstance(error, _GONE):
                self.close_connection = True
                self._send(500, b"a fault of the preview: see the terminal\n", _TEXT)
            raise

    def _answer(self) -> None:
        body = self._body()
        path, query = requested(self.path)
        if not self._is_allowed():
            self._send(403, b"this preview answers only to its own address\n", _TEXT)
        elif path == f"{OWN}client.js":
            self._send(200, self.server.script, "text/javascript; charset=utf-8")
        elif path == f"{OWN}events":
            self._events({name: values[0] for name, values in parse_qs(query).items()})
        elif path == f"{OWN}open" and self.command == "POST":
            self._open(body.decode("utf-8", "replace"))
        else:
            # As the script asks: a policy may let it ask for nothing else.
            path = path.removeprefix(f"{OWN}page") if path and path.startswith(f"{OWN}page/") else path
            if waits := parse_qs(query).get(VERSION) != [self.server.session.version]:
                self.server.settled()
                self.server.session.read("")  # everything that was noted is done
            if self.server.session.snapshot.address:
                self._sealed(path, query)
            elif len(self.raw_requestline) > _LONGEST:
                self._refuse(414)
            elif path is None or sum(map(len, chain(*self.headers.items()))) > _LONGEST:
                self._refuse(400)
            else:
                self._page(path, query, waits=waits)

    def _found(self, path: str, query: str) -> Answer:
        return self.server.session.answers.to(
            path,
            ", ".join(self.headers.get_all("Accept-Language", [])),
            query=query,
            from_site=self.headers.get("Sec-Fetch-Site") == "same-origin",
            reads=self.command in {"GET", "HEAD"},
        )

    def _sealed(self, path: str | None, query: str) -> None:
        """As the image answers. A page that is shown gets the script, and is kept by nobody."""
        session = self.server.session
        file = self._found(path, query).file if path is not None else ""
        is_shown = self.command == "GET" and self.headers.get(RAW) is None and media_type(file) == "text/html"
        version = session.versioned("")[1]
        target = self.path.removeprefix(f"{OWN}page")
        answered = session.sealed(
            f"{self.command} {target} {self.request_version}".encode("latin-1"),
            self.headers.items(),
            {"accept-encoding", "if-none-match", "if-match", "range"} if is_shown else (),
        )
        policy, content, unkept = answered.header(serving.CSP), answered.body, {serving.CSP.lower()}
        self.name = named(policy)
        if is_shown and answered.header("Content-Type").startswith("text/html"):
            content = self._with_script(content, file, version)
            policy = self._with_own(policy)
            unkept |= {"etag", "accept-ranges", "cache-control"}
        self.is_begun = True
        self.send_response_only(answered.status)
        for name, value in answered.headers:
            if name.lower() not in unkept:
                self.send_header(name, value)
        if "cache-control" in unkept:
            self.send_header("Cache-Control", "no-store")
        if policy:
            self.send_header(serving.CSP, policy)
        self.send_header(POLICY, self.name)
        if answered.status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(content) if self.command != "HEAD" else answered.size))
        self.end_headers()
        self.wfile.write(content)

    def _page(self, path: str, query: str, *, waits: bool) -> None:
        session, answer = self.server.session, self._found(path, query)
        if answer.location:
            self._send(answer.status, b"", _HTML, Location=answer.location)
            return
        if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
            self._refuse(answer.status)
            return
        content, version = session.versioned(answer.file, waits=waits)
        if content is None:
            content = b"<!doctype html><html lang=en><title>Nothing yet</title><body><p>There is no page here yet.</p>"
            self._send(404, self._with_script(content, "", version), _HTML)
            return
        kind = media_type(answer.file)
        if session.headers:
            with suppress(LookupError):  # a style sheet that can't be made
                self.policy = session.headers.policy(answer.file, content, session.beside)
        self.name = named(self.policy)
        if kind == "text/html" and self.headers.get(RAW) is None:
            content = self._with_script(content, answer.file, version)
            self.policy = self._with_own(self.policy)
        kind = content_type(kind)
        if answer.status != HTTPStatus.OK:
            self._send(answer.status, content, kind)
            return
        found = sent(content, self.headers)
        if found.status in {200, 206, 304}:
            self._send(found.status, found.content, kind, **found.headers)
        else:
            self._refuse(found.status, **found.headers)

    def _with_own(self, policy: str) -> str:
        host = self.headers["Host"]
        # No policy names an address of IPv6, and behind a proxy nobody knows the one that the browser has.
        if "[" in host or self.headers.get("X-Forwarded-Host"):
            return with_script(policy, "'self'", "'self'", self.server.token)
        return with_script(policy, f"http://{host}{OWN}client.js", f"http://{host}{OWN}", self.server.token)

    def _with_script(self, content: bytes, file: str, version: str) -> bytes:
        token = self.server.token
        data = (
            f'data-page="{html.escape(file)}" data-version="{version}" data-policy="{self.name}" data-token="{token}"'
        )
        tag = f'<script src="{OWN}client.js" nonce="{token}" {data}></script>'.encode()
        at = content.rfind(b"</body>")
        return content[:at] + tag + content[at:] if at >= 0 else content + tag

    def _open(self, source: str) -> None:
        """In the editor, asked by a page of this preview, which knows what nobody else does."""
        server = self.server
        is_ours = self.headers.get("Origin") == f"http://{self.headers['Host']}"
        token = self.headers.get(ASKS, "").encode("utf-8", "replace")
        if not (server.command and is_ours and secrets.compare_digest(token, server.token.encode())):
            self._send(403, b"this preview answers only to its own pages\n", _TEXT)
        elif (file := server.session.source(source)) is None:
            self._send(404, b"no source of this site\n", _TEXT)
        else:
            editor.start(server.command, file, server.told)
            self._send(200, b"", _TEXT)

    def _events(self, asked: Mapping[str, str]) -> None:
        self.close_connection = self.is_begun = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command == "HEAD":
            return
        session = self.server.session
        address = requested(asked.get("address", ""))[0] or ""
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
            if not (host := _HOST.fullmatch(self.headers.get("Host", ""))):
                return False
            names = [(host[1] or host[2]).lower()]
            if origin := self.headers.get("Origin"):
                names.append(urlsplit(origin).hostname or "")
        except ValueError:
            return False
        return all(name in self.server.names or (self.server.is_open and _is_address(name)) for name in names)

    def _body(self) -> bytes:
        """What comes with a request that would change something; it is no next request."""
        length = self.headers.get("Content-Length", "0")
        if length != "0" or self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            self.connection.settimeout(_BODY_SECONDS)
            with suppress(OSError):
                return self.rfile.read(min(int(length), _BODY) if re.fullmatch("[0-9]{1,18}", length) else 0)
        return b""

    def _refuse(self, status: int, **headers: str) -> None:
        self._send(status, f"<!doctype html><html lang=en><title>{status}</title>\n".encode(), _HTML, **headers)

    def _send(self, status: int, content: bytes, kind: str, **headers: str) -> None:
        self.is_begun = True
        self.send_response(status)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
        own = self.server.session.headers
        always = own.headers(self.policy) if own else serving.headers({}, "")
        for name, value in (always | {"Cache-Control": "no-store", POLICY: self.name} | headers).items():
            if value:
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
