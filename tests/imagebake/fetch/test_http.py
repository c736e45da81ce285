"""The one HTTP client: proxies as the environment names them, and none for what is secret."""

import base64
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from imagebake.fetch import http
from imagebake.fetch.http import Client, ConnectionFailed, NoAddress, Refused


@dataclass
class Server:
    """What it was asked, and with which proxy's login; `moved` are the paths that it sends elsewhere."""

    port: int = 0
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on loopback, which may be a proxy, too."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            state.asked.append((self.path, self.headers["Proxy-Authorization"]))
            to = state.moved.get(self.path)
            self.send_response(302 if to else 200)
            if to:
                self.send_header("Location", to)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def do_CONNECT(self) -> None:
            state.asked.append((self.path, self.headers["Proxy-Authorization"]))
            self.send_error(403)

        def log_message(self, *_args: object) -> None:
            pass

    daemon = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.port = daemon.server_port
    thread = threading.Thread(target=daemon.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    daemon.shutdown()
    thread.join(10)
    daemon.server_close()


def ask(url: str, *, is_secret: bool = False) -> bytes:
    checked: list[str] = []
    with (
        closing(Client(5, 5, checked.append, is_secret=is_secret)) as client,
        client.answered("GET", url, {}) as response,
    ):
        assert checked[0] == url
        return b"".join(http.pieces(response, url))


def test_a_proxy_of_the_environment_is_asked_with_its_login(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://ada:p%40ss@127.0.0.1:{server.port}/")
    assert ask("http://mirror.example.org/debian/x?y") == b"ok"
    login = base64.b64encode(b"ada:p@ss").decode()
    assert server.asked == [("http://mirror.example.org/debian/x?y", f"Basic {login}")]


def test_over_tls_a_proxy_is_asked_for_a_way_and_hears_no_more(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", f"127.0.0.1:{server.port}")
    with pytest.raises(ConnectionFailed, match="403"):
        ask("https://mirror.example.org/debian/x")
    assert server.asked == [("mirror.example.org:443", None)]


def test_hosts_that_want_no_proxy_are_asked_themselves(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with pytest.raises(ConnectionFailed):
        ask(f"{server.url}/x")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert ask(f"{server.url}/x") == b"ok"


def test_no_proxy_hears_what_is_secret(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert ask(f"{server.url}/x", is_secret=True) == b"ok"
    assert server.asked == [("/x", None)]


def test_redirects_are_followed_to_an_end(server: Server) -> None:
    server.moved = {"/a": "b", "/b": f"{server.url}/c", "/round": "/round", "/out": "ftp://127.0.0.1/x"}
    assert ask(f"{server.url}/a") == b"ok"
    assert [path for path, _ in server.asked] == ["/a", "/b", "/c"]
    with pytest.raises(Refused, match="redirects without end"):
        ask(f"{server.url}/round")
    with pytest.raises(NoAddress, match="ftp:"):
        ask(f"{server.url}/out")


@pytest.mark.parametrize("url", ["", "x", "http://", "http://a:b/", "http://u@a/", "file:///x", "http://[a"])
def test_a_url_that_names_nobody_is_refused(url: str) -> None:
    with pytest.raises(NoAddress):
        http.origin(url)
