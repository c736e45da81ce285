"""Compressed answers of the sealed nginx: Brotli from siblings, gzip on the way, each with an ETag of its own."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import brotli
import pytest

from sealpress.config.settings import ImageSettings
from tests.imagebake.nginx.servers import Answer, Server, Way, dressed, serving

pytestmark = pytest.mark.network

PAGE = b"<p>the same again, and again</p>\n" * 100
EDITED = b"<p>the same again, and AGAIN</p>\n" * 100

PAGES = {
    "index.html": PAGE,
    "about.html": PAGE + b"about",
    "404.html": PAGE + b"not here",
    "posts/cats/index.html": PAGE + b"cats",
    "feed.xml": PAGE + b"feed",
    "style.0a1b2c3d.css": b"a { color: red }\n" * 100,
    "data.json": b"[1, 2]\n" * 300,
    "small.html": b"<p>small</p>\n" * 40,
    "font.woff2": b"wOF2" * 500,
}


@pytest.fixture(scope="module")
def server(rootfs: Path, open_folder: Path) -> Iterator[Server]:
    with serving(dressed(rootfs, PAGES, ImageSettings(), open_folder / "encodings"), Way("ld.so")) as found:
        yield found


def body(answer: Answer) -> bytes:
    match answer.headers["Content-Encoding"]:
        case "br":
            return bytes(brotli.decompress(answer.body))
        case "gzip":
            return gzip.decompress(answer.body)
        case None:
            return answer.body
        case other:
            raise AssertionError(other)


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        (None, None),
        ("", None),
        ("identity", None),
        ("br", "br"),
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip;q=1.0, br;q=0.5", "br"),
        ("gzip, br;q=0", "gzip"),
        ("brotli, xbr", None),
        ("deflate, zstd", None),
    ],
)
@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("/", "index.html"),
        ("/about.html", "about.html"),
        ("/about", "about.html"),
        ("/posts/cats/", "posts/cats/index.html"),
        ("/feed.xml", "feed.xml"),
        ("/style.0a1b2c3d.css", "style.0a1b2c3d.css"),
        ("/data.json", "data.json"),
        ("/nowhere", "404.html"),
    ],
)
def test_each_reader_gets_what_it_takes(
    server: Server, path: str, file: str, accepted: str | None, encoding: str | None
) -> None:
    asked = {} if accepted is None else {"Accept-Encoding": accepted}
    plain, answer = server.get(path), server.get(path, asked)
    assert answer.headers["Content-Encoding"] == encoding
    assert body(answer) == PAGES[file]
    assert answer.headers["Vary"] == "Accept-Encoding", "also where it is sent plain: a cache must not mix them up"
    for name in ("Content-Type", "Cache-Control", "X-Content-Type-Options"):
        assert answer.headers[name] == plain.headers[name]
    assert answer.status == plain.status
    assert server.get(path, asked, method="HEAD").headers["Content-Encoding"] == encoding


def test_what_is_small_or_packed_already_is_sent_as_it_is(server: Server) -> None:
    """The module sends gzip to nobody who takes Brotli: so nothing but what fits one packet may lack a sibling."""
    assert server.get("/small.html", {"Accept-Encoding": "br, gzip"}).headers["Content-Encoding"] is None
    assert server.get("/small.html", {"Accept-Encoding": "gzip"}).headers["Content-Encoding"] == "gzip"
    assert server.get("/font.woff2", {"Accept-Encoding": "br, gzip"}).headers["Content-Encoding"] is None


def test_a_sibling_is_whole(server: Server) -> None:
    whole = server.get("/", {"Accept-Encoding": "br"})
    assert whole.headers["Content-Length"] == str(len(whole.body))
    part = server.get("/", {"Accept-Encoding": "br", "Range": "bytes=0-9"})
    assert (part.status, part.body) == (200, whole.body), "a server may send all where a part was asked for"


def test_each_form_of_a_page_has_its_own_etag(server: Server) -> None:
    etags = {}
    for encoding in ("br", "gzip", "identity"):
        etags[encoding] = server.get("/", {"Accept-Encoding": encoding}).headers["ETag"]
        again = server.get("/", {"Accept-Encoding": encoding, "If-None-Match": etags[encoding]})
        assert (again.status, again.body) == (304, b"")
    assert len(set(etags.values())) == 3
    assert server.get("/", {"Accept-Encoding": "br", "If-None-Match": etags["identity"]}).status == 200
    assert server.get("/", {"Accept-Encoding": "identity", "If-None-Match": etags["br"]}).status == 200


@pytest.mark.parametrize("encoding", ["br", "gzip", "identity"])
def test_an_edit_of_the_same_length_is_seen_in_every_form(
    server: Server, rootfs: Path, open_folder: Path, encoding: str
) -> None:
    """The trap of nginx's ETag, which is time and size: siblings of two versions may well be of one size, too."""
    etag = server.get("/", {"Accept-Encoding": encoding}).headers["ETag"]
    edited = dressed(rootfs, {**PAGES, "index.html": EDITED}, ImageSettings(), open_folder / f"edited-{encoding}")
    with serving(edited, Way("ld.so")) as new:
        answer = new.get("/", {"Accept-Encoding": encoding, "If-None-Match": etag})
    assert (answer.status, body(answer)) == (200, EDITED)


def test_http_2_has_siblings_too(server: Server) -> None:
    answer = server.curl("/", "--http2-prior-knowledge", {"Accept-Encoding": "br"})
    assert (answer.headers["content-encoding"], body(Answer(200, answer.headers, answer.body))) == ("br", PAGE)
