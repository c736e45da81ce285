"""What redirects, languages and headers are on the wire: a table of requests, over HTTP/1.1 and HTTP/2."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealpress.config.settings import ImageSettings
from tests.imagebake.nginx.servers import Server, Way, dressed, serving

pytestmark = pytest.mark.network

LIST = """\
# What was here before.
/old/ /about
/Ancien%20été /fr/ 302
/t307 /about 307     # the method stays
/t308 https://example.com/a?x=1#part 308
/gone/ 410
/fr/parti - 410
/deep/feed.xml /about
/dollar$uri${x} https://example.com/$uri
/fragment /about#part
/q"u'o\\te;{} /about
/old.0a1b2c3d.css /style.0a1b2c3d.css
/posts/ /about
/About.HTML /fr/
"""

PAGES = {
    "_redirects": LIST.encode(),
    "index.html": b"<p>home</p>\n",
    "fr/index.html": b"<p>accueil</p>\n",
    "pt-br/index.html": b"<p>in\xc3\xadcio</p>\n",
    "404.html": b"<p>not here</p>\n",
    "fr/404.html": b"<p>introuvable</p>\n",
    "about.html": b"<p>about</p>\n",
    "posts/a/index.html": b"<p>a</p>\n",
    "posts.html": b"<p>a page and a folder of one name</p>\n",
    "style.0a1b2c3d.css": b"p { }\n",
}

# Endings that are asked for over real sockets; test_configuration.py holds the whole list to the tree's.
TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "mjs": "text/javascript; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
    "json": "application/json",
    "geojson": "application/geo+json",
    "webmanifest": "application/manifest+json",
    "xml": "application/xml",
    "atom": "application/atom+xml",
    "rss": "application/rss+xml",
    "xsl": "application/xslt+xml",
    "svg": "image/svg+xml",
    "avif": "image/avif",
    "webp": "image/webp",
    "jxl": "image/jxl",
    "ico": "image/vnd.microsoft.icon",
    "woff2": "font/woff2",
    "wasm": "application/wasm",
    "pdf": "application/pdf",
    "mp4": "video/mp4",
    "opus": "audio/ogg",
    "what": "application/octet-stream",
}
PAGES |= {f"types/a.{ending}": b"" for ending in TYPES}

SETTINGS = ImageSettings(
    redirects={"/settings": "/about 302", "/settings-gone": "410"},
    negotiate_languages=("en", "fr", "pt-BR"),
    hsts=63_072_000,
    hsts_subdomains=True,
    hsts_preload=True,
    headers={"X-Own": "yes", "permissions-policy": "", "Cross-Origin-Opener-Policy": "unsafe-none"},
    trusted_proxies=("127.0.0.1", "10.0.0.0/8"),
    log="json",
)

FOR_EVER = "public, max-age=31536000, immutable"
VARY = "Accept-Language, Sec-Fetch-Site"
VERSIONS = ("--http1.1", "--http2-prior-knowledge")


@dataclass(frozen=True)
class Row:
    """`expected`: headers that the answer must have, None for those it must not have; `body` None: nginx's own."""

    path: str
    status: int
    expected: dict[str, str | None] = field(default_factory=dict)
    body: bytes | None = None
    asked: dict[str, str] = field(default_factory=dict)
    method: str = "GET"


def moved(path: str, status: int, to: str, **asked: str) -> Row:
    return Row(path, status, {"Location": to, "Cache-Control": "no-cache", "ETag": None}, None, asked)


def page(path: str, file: str, status: int = 200, **asked: str) -> Row:
    return Row(path, status, {"Location": None, "Cache-Control": "no-cache"}, PAGES[file], asked)


TABLE = [
    moved("/old/", 301, "/about"),
    moved("/old/?a=b&c", 301, "/about?a=b&c"),
    page("/old", "404.html", 404),
    page("/old/x", "404.html", 404),
    moved("/Ancien%20%C3%A9t%C3%A9", 302, "/fr/"),
    moved("/Ancien%20%c3%a9t%c3%a9?x", 302, "/fr/?x"),
    moved("/t307", 307, "/about"),
    moved("/x/../t307", 307, "/about"),
    moved("/t308?y=2", 308, "https://example.com/a?x=1#part"),
    moved("/deep/feed.xml", 301, "/about"),
    moved("/dollar$uri$%7Bx%7D", 301, "https://example.com/$uri"),
    moved("/fragment?a=b", 301, "/about?a=b#part"),
    moved("/q%22u'o%5Cte;%7B%7D", 301, "/about"),
    moved("/old.0a1b2c3d.css", 301, "/style.0a1b2c3d.css"),
    moved("/posts/", 301, "/about"),
    page("/posts", "posts.html"),
    page("/about.html", "about.html"),
    moved("/ABOUT.html", 301, "/fr/"),
    moved("/posts/a", 301, "/posts/a/"),
    moved("/settings", 302, "/about"),
    page("/settings-gone", "404.html", 410),
    page("/gone/", "404.html", 410),
    page("/fr/parti", "fr/404.html", 410),
    page("/_redirects", "404.html", 404),
    page("/fr/nulle-part", "fr/404.html", 404),
    page("/about", "about.html"),
    Row("/style.0a1b2c3d.css", 200, {"Cache-Control": FOR_EVER}, PAGES["style.0a1b2c3d.css"]),
    Row("/style.0a1b2c3d.css", 304, {"Cache-Control": FOR_EVER}, b"", {"If-None-Match": "*"}),
    Row("/style.0a1b2c3d.css", 206, {"Cache-Control": FOR_EVER}, b"p {", {"Range": "bytes=0-2"}),
    Row("/style.0a1b2c3d.css", 405, {"Cache-Control": "no-cache"}, None, {}, "POST"),
    Row("/gone.0a1b2c3d.css", 404, {"Cache-Control": "no-cache"}, PAGES["404.html"]),
    Row("/old/", 301, {"Location": "/about"}, b"", {}, "HEAD"),
    Row("/healthz", 200, {"Cache-Control": "no-cache"}, b"ok"),
    # "/", by language
    Row("/", 200, {"Vary": VARY, "Location": None}, PAGES["index.html"]),
    Row("/?a=b", 302, {"Vary": VARY, "Location": "/fr/?a=b"}, None, {"Accept-Language": "fr"}),
    Row("/", 302, {"Vary": VARY, "Cache-Control": "no-cache"}, b"", {"Accept-Language": "fr"}, "HEAD"),
    Row("/", 200, {"Vary": VARY}, PAGES["index.html"], {"Accept-Language": "fr", "Sec-Fetch-Site": "same-origin"}),
    Row("/", 302, {"Vary": VARY}, None, {"Accept-Language": "fr", "Sec-Fetch-Site": "cross-site"}),
    Row("/index.html", 200, {"Vary": None}, PAGES["index.html"], {"Accept-Language": "fr"}),
    Row("/fr/", 200, {"Vary": None}, PAGES["fr/index.html"], {"Accept-Language": "en"}),
    Row("/nowhere", 404, {"Vary": None}, PAGES["404.html"], {"Accept-Language": "fr"}),
]  # fmt: skip


TABLE += [
    Row(f"/types/a.{ending}", 200, {"Content-Type": kind}, b"") for ending, kind in TYPES.items() if ending != "html"
]


@pytest.fixture(scope="module")
def server(rootfs: Path, open_folder: Path) -> Iterator[Server]:
    with serving(dressed(rootfs, PAGES, SETTINGS, open_folder / "wire"), Way("ld.so")) as found:
        yield found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.method}{row.path}-{'-'.join(row.asked.values())}")
def test_every_request_has_its_answer(server: Server, row: Row, version: str) -> None:
    answer = server.curl(row.path, version, row.asked, row.method)
    assert answer.status == row.status
    for name, value in row.expected.items():
        assert answer.headers.get_all(name) == ([value] if value is not None else None), name
    if row.body is not None:
        assert answer.body == row.body
    # And whatever it is, it carries what every answer carries.
    assert answer.headers.get_all("X-Content-Type-Options") == ["nosniff"]
    assert answer.headers.get_all("Referrer-Policy") == ["strict-origin-when-cross-origin"]
    assert answer.headers.get_all("Strict-Transport-Security") == ["max-age=63072000; includeSubDomains; preload"]
    assert answer.headers.get_all("X-Own") == ["yes"]
    assert answer.headers.get_all("Permissions-Policy") is None, "an empty header takes the default out"
    assert answer.headers.get_all("Cross-Origin-Opener-Policy") == ["unsafe-none"]
    assert answer.headers.get_all("Last-Modified") is None


def test_a_part_that_is_not_there_has_the_headers_too(server: Server) -> None:
    """nginx finds that out when it has written them already, and then writes them once more."""
    answer = server.get("/style.0a1b2c3d.css", {"Range": "bytes=99-"})
    assert answer.status == 416
    assert set(answer.headers.get_all("X-Content-Type-Options") or []) == {"nosniff"}


def test_hsts_is_not_sent_to_whom_a_proxy_says_to_be_without_tls(server: Server) -> None:
    assert server.get("/about", {"X-Forwarded-Proto": "http"}).headers["Strict-Transport-Security"] is None
    assert server.get("/about", {"X-Forwarded-Proto": "https"}).headers["Strict-Transport-Security"] is not None


LANGUAGES = [
    ("", "/"),
    ("*", "/"),
    ("en", "/"),
    ("en-GB,en;q=0.5", "/"),
    ("fr", "/fr/"),
    ("FR", "/fr/"),
    ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "/fr/"),
    ("de-DE,de;q=0.9,en;q=0.8,fr;q=0.7", "/"),
    ("de", "/"),
    ("en;q=0.8,fr;q=0.9", "/fr/"),
    ("en;q=0.81,fr;q=0.82", "/fr/"),
    ("en;q=0.811,fr;q=0.812", "/fr/"),
    ("en;q=0.82,fr;q=0.812", "/"),
    ("en;q=0.8,fr;q=0.80,pt;q=0.800", "/"),
    ("fr;q=0.80,en;q=0.8", "/fr/"),
    ("en;q=0.8,fr;q=0.803", "/fr/"),
    ("fr;q=1.000,en", "/fr/"),
    ("fr;q=1.5,en;q=0.1", "/"),
    ("fr;q=0", "/"),
    ("fr;q=0.000,pt;q=0.001", "/pt-br/"),
    ("pt", "/pt-br/"),
    ("pt-BR", "/pt-br/"),
    ("pt-br-x-private", "/pt-br/"),
    ("pt-PT,fr;q=0.1", "/fr/"),
    ("fra,frr;q=0.9", "/"),
    ("*;q=0.5,fr;q=0.4", "/"),
    ("*;q=0.4,fr;q=0.5", "/fr/"),
    (" fr ; q=0.7 ,\ten\t;\tq=0.6", "/fr/"),
    ("fr;q=0.7;x=y,en;q=0.1", "/"),
    ('fr"; return 500; #', "/"),
    ("x y z", "/"),
]


def chosen(server: Server, header: str) -> str:
    answer = server.get("/", {"Accept-Language": header})
    return answer.headers["Location"] if answer.status == 302 else {200: "/"}.get(answer.status, f"{answer.status}")


@pytest.mark.parametrize(("header", "folder"), LANGUAGES)
def test_the_front_page_is_that_of_the_readers_language(server: Server, header: str, folder: str) -> None:
    assert chosen(server, header) == folder


def expected_folder(header: list[tuple[str, str]]) -> str:
    """RFC 9110, 12.5.4 and 12.4.2, in plain Python: the first of the ranges with the greatest weight."""

    def fitting(asked: str) -> str | None:
        for tag, folder in (("pt-br", "/pt-br/"), ("en", "/"), ("fr", "/fr/")):
            if asked == tag or asked.startswith(f"{tag}-"):
                return folder
        return {"*": "/", "pt": "/pt-br/"}.get(asked)

    weighted = [(float(q or 1), folder) for asked, q in header if (folder := fitting(asked.lower()))]
    best = max((weight for weight, _ in weighted), default=0)
    return next((folder for weight, folder in weighted if weight == best > 0), "/")


ranges = st.sampled_from(["en", "fr", "pt", "pt-BR", "fr-CH", "en-gb", "de", "*", "frr", "zh-Hant-TW", "pt-PT"])
weights = st.one_of(
    st.just(""), st.from_regex(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?", fullmatch=True), st.sampled_from(["0.8", "0.80"])
)
blanks = st.sampled_from(["", " ", "\t"])


@settings(max_examples=150)
@given(st.lists(st.tuples(ranges, weights, blanks), min_size=1, max_size=8))
def test_weights_count_to_the_third_decimal(server: Server, parts: list[tuple[str, str, str]]) -> None:
    header = ",".join(f"{blank}{asked}" + (f"{blank};{blank}q={q}" if q else "") for asked, q, blank in parts)
    assert chosen(server, header) == expected_folder([(asked, q) for asked, q, _ in parts])


@pytest.mark.parametrize(
    "header",
    [
        "fr" + " " * 7000 + "x",
        "fr" + "\t;" * 3500,
        ", " * 3500,
        "fr," * 2300 + "fr",
        "fr;q=0.9," * 700 + "x",
        "fr-" * 2300,
        "fr" + "-a" * 3500 + "_",
    ],
    ids=lambda header: header[:8],
)
def test_no_header_takes_long_to_read(server: Server, header: str) -> None:
    import time

    start = time.perf_counter()
    assert server.get("/", {"Accept-Language": header}).status in {200, 302}
    assert time.perf_counter() - start < 0.5


def test_only_a_trusted_proxy_is_believed(server: Server) -> None:
    """The server is reached from 127.0.0.1, which is trusted; so is what lies in 10.0.0.0/8."""
    for number, (forwarded, network) in enumerate(
        {
            "203.0.113.77": "203.0.113.0",
            "198.51.100.9, 203.0.113.77": "203.0.113.0",
            "198.51.100.9, 203.0.113.77, 10.1.2.3": "203.0.113.0",
            "10.9.9.9": "10.9.9.0",
            "2001:db8:1:2:3:4:5:6": "2001:db8:1::",
            "2001:db8:1::6": "2001:db8:1::",
            "2001:db8::6": "2001:db8::",
            "2001::6": "2001::",
            "2001:0:0:4:5:6:7:8": "2001::",
            "2001:db8:0:4:5:6:7:8": "2001:db8:0::",
            "::1": "::",
            "::ffff:192.0.2.99": "192.0.2.0",
            "nonsense": "127.0.0.0",
        }.items()
    ):
        mark = f"mark-{number}-end"
        server.get(f"/about?{mark}", {"X-Forwarded-For": forwarded})
        assert f'"network":"{network}"' in server.logged(mark), forwarded


def test_each_line_of_the_log_is_json(server: Server) -> None:
    import json

    agent = 'a "quoted" \\ agent \x7f {"x": 1}'
    server.get("/about?json-mark", {"User-Agent": agent, "Referer": "https://example.org/x?y"})
    line = json.loads(server.logged("json-mark"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", line.pop("time"))
    assert line.pop("seconds") >= 0
    assert line == {
        "network": "127.0.0.0",
        "method": "GET",
        "uri": "/about?json-mark",
        "protocol": "HTTP/1.1",
        "status": 200,
        "bytes": len(PAGES["about.html"]),
        "host": "127.0.0.1",
        "referrer": "https://example.org/x?y",
        "agent": agent,
    }


def test_no_line_of_the_log_holds_a_whole_address(server: Server) -> None:
    """Not even those about broken requests."""
    for path in ("/../x", "/posts/", "/nowhere", "/%00", "/fr/parti"):
        server.get(path, {"X-Forwarded-For": "203.0.113.77"})
    server.get("/about?last-mark", method="POST")
    server.logged("last-mark")
    text = server.log.read_text()
    assert "203.0.113.77" not in text
    assert "127.0.0.1" not in text.replace('"host":"127.0.0.1"', "")
