"""The sealed nginx, run for real from the image's own files: what a reader asks for, and what comes."""

import gzip
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagebake.nginx import runners
from imagebake.packages.lock import Lock
from imagebake.recipes import site
from imagebake.recipes.recipe import Image
from sealpress.tree import tree
from tests.imagebake.conftest import CREATED, HERE, PAGES, SETTINGS, write_tree
from tests.imagebake.nginx.servers import NOT_AVAILABLE, WAYS, Server, Way, scratch_for, serving
from tests.needs import unavailable
from tests.ports import free_port

pytestmark = pytest.mark.network


@pytest.fixture(scope="module", params=WAYS, ids=lambda way: f"{way.runner}-{way.user or 'self'}")
def server(request: pytest.FixtureRequest, rootfs: Path) -> Iterator[Server]:
    with serving(rootfs, request.param) as found:
        yield found


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.runner}-{way.user or 'self'}")
def test_the_sealed_configuration_passes_nginx_t(way: Way, rootfs: Path) -> None:
    with scratch_for(way) as scratch:
        command = way.command(rootfs, 8080, scratch, "-t")
        with (scratch / "log").open("wb") as log:
            done = subprocess.run(command, stdout=log, stderr=log, timeout=30, check=False)
        if done.returncode == NOT_AVAILABLE:
            unavailable(f"{way.runner} can't run here as this user")
        said = (scratch / "log").read_text()
    assert done.returncode == 0, said
    assert "[emerg]" not in said
    assert "[alert]" not in said


REVALIDATE = "no-cache"
FOR_EVER = "public, max-age=31536000, immutable"
HTML = "text/html; charset=utf-8"

TABLE = [
    # path, status, content type, cache, body: None where nginx writes it
    ("/", 200, HTML, REVALIDATE, PAGES["index.html"]),
    ("/index.html", 200, HTML, REVALIDATE, PAGES["index.html"]),
    ("/?utm=1", 200, HTML, REVALIDATE, PAGES["index.html"]),
    ("/posts/cats/", 200, HTML, REVALIDATE, PAGES["posts/cats/index.html"]),
    ("/posts/cats", 301, "text/html", REVALIDATE, None),
    ("/about.html", 200, HTML, REVALIDATE, PAGES["about.html"]),
    ("/about", 200, HTML, REVALIDATE, PAGES["about.html"]),
    ("/404.html", 200, HTML, REVALIDATE, PAGES["404.html"]),
    ("/nowhere", 404, HTML, REVALIDATE, PAGES["404.html"]),
    ("/nowhere/", 404, HTML, REVALIDATE, PAGES["404.html"]),
    ("/fr/nulle-part", 404, HTML, REVALIDATE, PAGES["fr/404.html"]),
    ("/fr/nulle/part/", 404, HTML, REVALIDATE, PAGES["fr/404.html"]),
    ("/fro/nulle-part", 404, HTML, REVALIDATE, PAGES["404.html"]),
    ("/gone.0a1b2c3d.css", 404, HTML, REVALIDATE, PAGES["404.html"]),
    ("/empty/", 404, HTML, REVALIDATE, PAGES["404.html"]),
    ("/posts/", 404, HTML, REVALIDATE, PAGES["404.html"]),
    ("/../../etc/passwd", 400, HTML, None, None),
    ("/%2e%2e/etc/passwd", 400, HTML, None, None),
    ("/etc/passwd", 404, HTML, REVALIDATE, PAGES["404.html"]),
    ("/feed.xml", 200, "application/atom+xml", REVALIDATE, PAGES["feed.xml"]),
    ("/fr/rss.xml", 200, "application/rss+xml", REVALIDATE, PAGES["fr/rss.xml"]),
    ("/fr/feed.xml", 404, HTML, REVALIDATE, PAGES["fr/404.html"]),
    ("/data.xml", 200, "application/xml", REVALIDATE, PAGES["data.xml"]),
    ("/style.0a1b2c3d.css", 200, "text/css; charset=utf-8", FOR_EVER, PAGES["style.0a1b2c3d.css"]),
    ("/style.css", 200, "text/css; charset=utf-8", REVALIDATE, PAGES["style.css"]),
    ("/page.0a1b2c3d.html", 200, HTML, REVALIDATE, PAGES["page.0a1b2c3d.html"]),
    ("/big.js", 200, "text/javascript; charset=utf-8", REVALIDATE, PAGES["big.js"]),
    (
        "/images/p%C3%A9ch%C3%A9%20%2520%20$uri.svg",
        200,
        "image/svg+xml",
        REVALIDATE,
        PAGES["images/p\u00e9ch\u00e9 %20 $uri.svg"],
    ),
    ("/a.woff2", 200, "font/woff2", REVALIDATE, b"wOF2"),
    ("/b.avif", 200, "image/avif", REVALIDATE, b"avif"),
    ("/c.webmanifest", 200, "application/manifest+json", REVALIDATE, b"{}"),
    ("/d.mjs", 200, "text/javascript; charset=utf-8", REVALIDATE, b"export {}\n"),
    ("/e.wasm", 200, "application/wasm", REVALIDATE, b"\0asm"),
    ("/f.unknown", 200, "application/octet-stream", REVALIDATE, b"?"),
    (
        "/.well-known/security.txt",
        200,
        "text/plain; charset=utf-8",
        REVALIDATE,
        PAGES[".well-known/security.txt"],
    ),
    ("/healthz", 200, "text/plain; charset=utf-8", REVALIDATE, b"ok"),
]


@pytest.mark.parametrize(("path", "status", "kind", "cache", "body"), TABLE, ids=[row[0] for row in TABLE])
def test_every_request_has_its_answer(
    server: Server, path: str, status: int, kind: str, cache: str | None, body: bytes | None
) -> None:
    answer = server.get(path)
    assert (answer.status, answer.headers["Content-Type"]) == (status, kind)
    if body is not None:
        assert answer.body == body
    if cache is not None:
        assert answer.headers.get_all("Cache-Control") == [cache]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("HEAD", "/"), ("GET", "/nowhere"), ("GET", "/posts/cats"), ("GET", "/feed.xml"), ("POST", "/"),
     ("GET", "/healthz"), ("GET", "/.well-known/release"), ("GET", "/style.0a1b2c3d.css"), ("GET", "/fr/x"),
     ("GET", "/../x")],
)  # fmt: skip
def test_headers_are_on_every_answer_and_in_every_location(server: Server, method: str, path: str) -> None:
    headers = server.get(path, method=method).headers
    assert headers.get_all("X-Content-Type-Options") == ["nosniff"]
    assert headers.get_all("Referrer-Policy") == ["no-referrer"], "the site's own takes the place of the default"
    assert headers.get_all("X-Hostile") == [SETTINGS.headers["X-Hostile"]]
    assert headers.get_all("Content-Security-Policy") == [
        "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ]
    assert headers.get_all("X-Empty") is None
    assert headers.get_all("Last-Modified") is None
    assert headers.get_all("Server") == ["nginx"]


def test_release_answers_the_release(server: Server, image: Image) -> None:
    answer = server.get("/.well-known/release")
    assert (answer.body.decode(), answer.headers["Content-Type"]) == (f"{image.release}\n", "text/plain; charset=utf-8")


def test_a_redirect_names_no_host(server: Server) -> None:
    assert server.get("/posts/cats?a=b").headers["Location"] == "/posts/cats/?a=b"


def test_text_is_compressed_for_those_who_ask(server: Server) -> None:
    for path, file in (("/big.js", "big.js"), ("/style.0a1b2c3d.css", "style.0a1b2c3d.css")):
        answer = server.get(path, {"Accept-Encoding": "gzip"})
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert gzip.decompress(answer.body) == PAGES[file]
    assert server.get("/big.js").headers["Content-Encoding"] is None
    assert server.get("/a.woff2", {"Accept-Encoding": "gzip"}).headers["Content-Encoding"] is None


def test_a_brotli_sibling_is_served_in_place_of_its_file(server: Server) -> None:
    answer = server.get("/pre.js", {"Accept-Encoding": "br"})
    assert (answer.headers["Content-Encoding"], answer.body) == ("br", PAGES["pre.js.br"])
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert server.get("/pre.js").body == PAGES["pre.js"]


def test_a_known_page_costs_no_body(server: Server) -> None:
    etag = server.get("/").headers["ETag"]
    assert server.get("/", {"If-None-Match": etag}).status == 304
    packed = server.get("/big.js", {"Accept-Encoding": "gzip"}).headers["ETag"]
    assert server.get("/big.js", {"Accept-Encoding": "gzip", "If-None-Match": packed}).status == 304


def test_times_say_nothing(server: Server) -> None:
    assert server.get("/", {"If-Modified-Since": "Tue, 19 Jan 2038 03:14:07 GMT"}).status == 200


def test_a_part_of_a_file_can_be_had(server: Server) -> None:
    answer = server.get("/big.js", {"Range": "bytes=10-19"})
    assert (answer.status, answer.body) == (206, PAGES["big.js"][10:20])


def test_nothing_can_be_sent(server: Server) -> None:
    assert server.get("/", method="POST").status == 405
    assert server.get("/about.html", method="PUT").status == 405


def test_requests_are_logged_but_not_those_for_health(server: Server) -> None:
    server.get("/healthz?mark=health")
    server.get("/?mark=reader")
    server.logged("mark=reader")
    assert "mark=health" not in server.log.read_text()


@pytest.mark.parametrize("way", WAYS[:2], ids=lambda way: way.runner)
def test_an_edit_of_the_same_length_is_not_taken_for_the_old_page(
    way: Way, site_lock: Lock, tmp_path: Path, rootfs: Path
) -> None:
    """The trap: nginx's ETag is time and size. With one fixed time, the reader would be told 304 for ever."""
    with serving(rootfs, way) as old:
        etag = old.get("/posts/cats/").headers["ETag"]
    edited = tree.scan(write_tree(tmp_path / "tree", {**PAGES, "posts/cats/index.html": b"<p>dogs</p>\n"}))
    (changed,) = site.bake(edited, site_lock, SETTINGS, [HERE], CREATED, name="example")
    runners.unpack(changed.layers, tmp_path / "rootfs")
    with serving(tmp_path / "rootfs", way) as new:
        answer = new.get("/posts/cats/", {"If-None-Match": etag})
        unchanged = new.get("/about.html", {"If-None-Match": '"wrong"'})
    assert (answer.status, answer.body) == (200, b"<p>dogs</p>\n")
    assert unchanged.status == 200


def test_sigquit_ends_it_well(rootfs: Path) -> None:
    with scratch_for(way := Way("ld.so")) as scratch:
        port = free_port()
        process = subprocess.Popen(way.command(rootfs, port, scratch), stdout=subprocess.DEVNULL)
        try:
            until = time.monotonic() + 10
            while time.monotonic() < until:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.01)
            process.send_signal(signal.SIGQUIT)
            assert process.wait(10) == 0
        finally:
            process.kill()
            process.wait(5)


def test_a_site_without_a_404_page_still_answers_404(site_lock: Lock, open_folder: Path) -> None:
    scanned = tree.scan(write_tree(open_folder / "without-404", {"index.html": b"x", "folder/x.txt": b"y"}))
    (bare,) = site.bake(scanned, site_lock, SETTINGS, [HERE], CREATED, name="example")
    runners.unpack(bare.layers, open_folder / "without-404-rootfs")
    with serving(open_folder / "without-404-rootfs", Way("ld.so")) as found:
        for path in ("/nowhere", "/folder/"):
            answer = found.get(path)
            assert (answer.status, answer.headers["X-Content-Type-Options"]) == (404, "nosniff")


def test_it_listens_where_it_is_told(rootfs: Path) -> None:
    with scratch_for(way := Way("ld.so")) as scratch:
        command = way.command(rootfs, 8080, scratch, "-T", address="::1")
        shown = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout
    assert 'listen "[::1]:8080" default_server;' in shown
