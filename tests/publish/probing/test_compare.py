"""Comparing finds every file that readers would not get byte for byte."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from imagebake.nginx import headers
from publish.engines.protocol import Endpoint
from publish.probing import answers
from publish.probing.answers import url_path
from publish.probing.compare import Difference
from publish.probing.compare import compare as compare_answers
from sealpress.config.serving import DEFAULTS
from sealpress.config.settings import ImageSettings
from sealpress.policy.source_lists import NO_POLICY
from sealpress.tree import tree
from sealpress.tree.tree import OutputTree

HEADERS = {"X-Content-Type-Options": "nosniff"}
SETTINGS = ImageSettings(headers=dict.fromkeys(DEFAULTS, "") | HEADERS)


def compare(described: OutputTree, endpoint: Endpoint) -> tuple[Difference, ...]:
    return compare_answers(answers.of(described, SETTINGS, (), NO_POLICY), endpoint)


def digest(data: bytes) -> str:
    return f"{hashlib.sha256(data).hexdigest()[:12]}…"


@contextmanager
def serving(root: Path, protocol: str = "HTTP/1.1") -> Iterator[Endpoint]:
    """A server as a sealed image is one: 404.html for what isn't there, the tree's media types."""

    class Site(http.server.SimpleHTTPRequestHandler):
        protocol_version = protocol

        def __init__(self, *arguments) -> None:
            super().__init__(*arguments, directory=str(root))

        def log_message(self, *arguments) -> None:
            pass

        def guess_type(self, path) -> str:
            return tree.content_type(tree.media_type(str(path)))

        def do_GET(self) -> None:
            if not self.path.endswith("/") and (root / self.path[1:]).is_dir():  # it would ask for itself
                self.send_error(301, location=f"{self.path}/")
            else:
                super().do_GET()

        def end_headers(self) -> None:
            is_kept = self.path.endswith(".0a1b2c3d.css")
            self.send_header("Cache-Control", headers.KEPT if is_kept else headers.ASKED_ANEW)
            for name, value in HEADERS.items():
                self.send_header(name, value)
            super().end_headers()

        def send_error(self, code, *_said, location="") -> None:
            body = (root / "404.html").read_bytes() if (root / "404.html").exists() else b""
            self.send_response(code)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield Endpoint("127.0.0.1", server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def site(tmp_path):
    root = tmp_path / "site"
    files = {
        "index.html": b"<h1>home</h1>",
        "404.html": b"not here",
        "posts/a/index.html": b"a",
        "posts/été 1%/index.html": "été".encode(),
        "style.0a1b2c3d.css": b"x{}",
        "q?&#.txt": b"",
        "large.bin": bytes(range(256)) * 10_000,
    }
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return root


@pytest.mark.parametrize("protocol", ["HTTP/1.0", "HTTP/1.1"])
def test_a_site_that_is_the_tree_has_no_differences(site, protocol):
    with serving(site, protocol) as endpoint:
        assert compare(tree.scan(site), endpoint) == ()


def test_every_kind_of_difference_is_found_and_named(site):
    described = tree.scan(site)
    (site / "index.html").write_bytes(b"<h1>hOme</h1>")
    (site / "404.html").write_bytes(b"not there")
    (site / "posts/a/index.html").unlink()
    (site / "posts/a").rmdir()
    with (site / "large.bin").open("ab") as file:
        file.write(b"!")
    (site / "posts/été 1%/index.html").write_bytes(b"e")
    summer, large = "posts/été 1%/index.html", (site / "large.bin").read_bytes()
    held = {entry.path: entry for entry in described.entries}

    def expected(path: str) -> str:
        return f"expected {held[path].size} bytes, sha256 {held[path].sha256[:12]}…"

    not_here = f"body: {expected('404.html')}, got 9 bytes, sha256 {digest(b'not there')}"
    with serving(site) as endpoint:
        assert [str(one) for one in compare(described, endpoint)] == [
            f"/404.html: {not_here}",
            f"/: body: {expected('index.html')}, got 13 bytes, sha256 {digest(b'<h1>hOme</h1>')}",
            f"/large.bin: body: {expected('large.bin')}, got 2560001 bytes, sha256 {digest(large)}",
            "/posts/a/: status: expected 200, got 404",
            f"/posts/%C3%A9t%C3%A9%201%25/: body: {expected(summer)}, got 1 bytes, sha256 {digest(b'e')}",
            f"/.well-known/sealpress-no-such-page: {not_here}",
            "/posts/a: status: expected 301, got 404",
        ]


def test_the_list_of_redirects_is_not_asked_for(site):
    """It is part of the tree, but readers can't have it."""
    with serving(site) as endpoint:
        (site / "_redirects").write_text("/old/ /posts/a/\n", encoding="utf-8")
        described = tree.scan(site)
        (site / "_redirects").unlink()
        assert compare(described, endpoint) == ()
        assert "_redirects" in [entry.path for entry in described.entries]


def test_a_server_that_is_gone_differs_in_everything(site):
    with serving(site) as endpoint:
        pass
    found = compare(tree.scan(site), endpoint)
    assert {one.got for one in found} == {"nothing listens there"}
    assert len(found) == 9


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("index.html", "/"),
        ("a/index.html", "/a/"),
        ("a/my-index.html", "/a/my-index.html"),
        ("a.html", "/a.html"),
        ("fr/404.html", "/fr/404.html"),
        ("日本/ä b.txt", "/%E6%97%A5%E6%9C%AC/%C3%A4%20b.txt"),
    ],
)
def test_files_are_asked_for_as_readers_reach_them(path, url):
    assert url_path(path) == url
