"""Comparing finds every file that readers would not get byte for byte."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from publish.engines.protocol import Endpoint
from publish.probing.compare import compare, url_path
from sealpress.tree import tree


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
            return tree.media_type(str(path))

        def send_error(self, code, *_said) -> None:
            body = (root / "404.html").read_bytes() if (root / "404.html").exists() else b""
            self.send_response(code)
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
    with serving(site) as endpoint:
        assert [str(one) for one in compare(described, endpoint)] == [
            "/.well-known/sealpress-no-such-page: more than the 8 bytes of the tree's file",
            "/: other bytes than the tree's file",
            "/large.bin: more than the 2560000 bytes of the tree's file",
            "/posts/a/: status 404, expected 200",
            "/posts/%C3%A9t%C3%A9%201%25/: 1 bytes, expected 5",
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
    assert {one.reason for one in found} == {"nothing listens there"}
    assert len(found) == 7


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
