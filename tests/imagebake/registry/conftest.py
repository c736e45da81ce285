"""A registry of a few lines that answers over real sockets, and lies where a test wants it to; and a small image."""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from imagebake.image import oci
from imagebake.image.entries import Bytes, File
from imagebake.image.layers import described
from imagebake.registry.client import ImageRepository
from imagebake.registry.credentials import Login
from imagebake.registry.reference import parse
from imagebake.registry.transport import Transport

CREATED = datetime(2026, 6, 1, 12, 30, 15, tzinfo=UTC)

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class FakeRegistry:
    """`said` are the requests in their order: method, path, headers, body. `lie` may answer in the registry's place."""

    address: str = ""
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    said: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    lie: Callable[[str, str, dict[str, str]], Answer | None] = lambda *_: None

    def count(self, method: str, pattern: str = "") -> int:
        return sum(1 for said in self.said if said[0] == method and re.search(pattern, said[1]))

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        self.said.append((method, path, headers, body))
        if lied := self.lie(method, path, headers):
            return lied
        bare, _, query = path.partition("?")
        kind, _, name = bare.removeprefix("/v2/").removeprefix("ada/blog/").partition("/")
        if kind == "blobs" and name.startswith("uploads/"):
            return self._upload(method, bare, query, body)
        if kind == "blobs" and name in self.blobs:
            return 200, {"Content-Length": str(len(self.blobs[name]))}, self.blobs[name]
        if kind == "manifests" and method == "PUT":
            digest = "sha256:" + hashlib.sha256(body).hexdigest()
            for key in (name, digest):
                self.manifests[key] = body
                self.types[key] = headers["content-type"]
            return 201, {"Docker-Content-Digest": digest}, b""
        if kind == "manifests" and name in self.manifests:
            return 200, {"Content-Type": self.types[name]}, self.manifests[name]
        return 404, {}, b'{"errors":[{"code":"UNKNOWN","message":"not here"}]}'

    def _upload(self, method: str, bare: str, query: str, body: bytes) -> Answer:
        if method == "POST":
            place = f"{bare}{len(self.uploads)}"
            self.uploads[place] = b""
            return 202, {"Location": f"{place}?_state=a%3D"}, b""
        self.uploads[bare] += body
        if method == "PATCH":
            return 202, {"Location": f"{bare}?_state=a%3D"}, b""
        state, digest = query.split("&")
        assert state == "_state=a%3D"
        digest = digest.removeprefix("digest=").replace("%3A", ":")
        if digest != "sha256:" + hashlib.sha256(self.uploads[bare]).hexdigest():
            return 400, {}, b'{"errors":[{"message":"digest invalid"}]}'
        self.blobs[digest] = self.uploads[bare]
        return 201, {}, b""


def serve(fake: FakeRegistry) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except OSError:
                self.close_connection = True

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, told, data = fake.answer(self.command, self.path, headers, body)
            if status == 0:  # hangs up
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(data))} | told).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = _any  # noqa: N815 - http.server's names

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.address = f"127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    found = FakeRegistry()
    server = serve(found)
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def elsewhere() -> Iterator[FakeRegistry]:
    """Somebody else's server."""
    found = FakeRegistry()
    server = serve(found)
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def open_repository() -> Iterator[Callable[..., ImageRepository]]:
    """Opens ada/blog in a registry, with a login or without; pauses take no time."""
    opened: list[Transport] = []

    def open_it(fake: FakeRegistry, login: Login | None = None) -> ImageRepository:
        reference = parse(f"{fake.address}/ada/blog")
        opened.append(Transport(reference.registry, pause=lambda _seconds: None))
        return ImageRepository(reference, opened[-1], lambda: login)

    yield open_it
    for transport in opened:
        transport.close()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALPRESS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """A small image for two architectures that share a layer, as `imagebake bake` writes it."""
    runtime = oci.Runtime(entrypoint=("/bin/x",), user="101:101", port=8080, stop_signal="SIGQUIT")
    shared = described("pages", lambda: [File("srv/www/index.html", Bytes(b"<p>hello</p>\n" * 2000))], "test: pages")
    images = []
    for architecture in ("amd64", "arm64"):
        program = File("bin/x", Bytes(architecture.encode() * 5000), 0o755)
        own = described("program", lambda program=program: [program], "test: program")
        images.append(oci.seal(runtime, [own, shared], architecture, CREATED))
    folder = tmp_path / "image"
    oci.write_layout(images, "localhost/site/blog:0123456789abcdef", folder / "oci")
    return folder


def challenge(realm: str) -> Answer:
    header = f'Bearer realm="{realm}",service="registry, of \\"ours\\"",scope="repository:ada/blog:pull,push"'
    return 401, {"WWW-Authenticate": header}, json.dumps({"errors": [{"message": "log in"}]}).encode()
