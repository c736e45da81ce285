"""`publish verify` of the real sealed nginx: what it answers is as it was worked out, and whatever is not is told."""

import dataclasses
import gzip
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import brotli
import pytest

from publish.engines.protocol import Endpoint
from publish.probing import answers as sealed
from publish.probing import compare as comparing
from publish.probing.answers import SealedAnswer
from publish.probing.compare import Difference, compare
from sealpress.config import sitefile
from sealpress.tree import tree
from sealpress.tree.tree import OutputTree
from tests import answers
from tests.imagebake.nginx.servers import Way, dressed, serving
from tests.publish.fronts import Lie, Passing, front

pytestmark = pytest.mark.network

FILES = {
    "static/long.html": "<!doctype html><html lang=en><title>Long</title>" + "<p>Mail a@blog.example.org</p>\n" * 60,
    "static/drawn.svg": "<svg xmlns='http://www.w3.org/2000/svg'><style>a { fill: red }</style><a/></svg>\n",
    "static/kept.0a1b2c3d.css": "p { color: red }\n",
    "static/photo.png": "not really",
    "static/robots.txt": "User-agent: *\n",
}


@dataclasses.dataclass(frozen=True)
class Sealed:
    port: int
    tree: OutputTree
    wanted: tuple[SealedAnswer, ...]

    def compared(self, port: int = 0, **more: int) -> tuple[Difference, ...]:
        return compare(self.wanted, Endpoint("127.0.0.1", port or self.port), originals=self.tree.read, **more)

    def through(self, lie: Lie, path: str = "") -> tuple[Difference, ...]:
        """`path`: of all that is asked, this alone."""
        some = dataclasses.replace(self, wanted=tuple(one for one in self.wanted if path in {one.path, ""}))
        with front(self.port, lie) as address:
            return some.compared(urlsplit(address).port or 0)


@pytest.fixture(scope="module")
def sites(rootfs: Path, open_folder: Path) -> Iterator[Mapping[str, Sealed]]:
    found = {}
    with ExitStack() as stack:
        for number, below in enumerate(answers.PATHS):
            folder = answers.written(open_folder / f"verified-{number}", below)
            for name, text in FILES.items():
                (folder / name).write_text(text)
            with (folder / "site.toml").open("a") as file:
                file.write("\n[image.redirects]\n")
                file.write(f'"/{below}moved.svg" = "/{below}plain.html 302"\n')
            answers.built(folder)
            site = sitefile.load(folder / "site.toml")
            described = dataclasses.replace(tree.scan(folder / "public"), below=below)
            files = {entry.path: described.read(entry) for entry in described.entries}
            root = dressed(rootfs, files, site.settings.image, open_folder / f"verified-{number}-image", below)
            server = stack.enter_context(serving(root, Way("ld.so")))
            found[below] = Sealed(server.port, described, sealed.of_site(described, site))
        yield found


@pytest.mark.parametrize("below", answers.PATHS)
def test_all_that_the_sealed_nginx_answers_is_as_it_was_worked_out(sites: Mapping[str, Sealed], below: str) -> None:
    site = sites[below]
    assert site.compared() == ()
    statuses = {one.status for one in site.wanted}
    assert statuses == ({200, 301, 302, 404, 410} if below else {200, 301, 302, 307, 308, 404, 410})
    assert {one.file.path for one in site.wanted if one.file} >= {entry.path for entry in site.tree.served}
    gone = {one.file.path for one in site.wanted if one.status == 404 and one.file}
    assert gone == {"404.html", "fr/404.html", "kept/404.html"}
    assert any(one.asks.get("Accept-Encoding") for one in site.wanted)
    assert {one.asks["Accept-Language"]: one.location for one in site.wanted if "Accept-Language" in one.asks} == {
        "en": "",
        "fr": f"/{below}fr/",
        "pt": f"/{below}pt/",
        "pt-BR": f"/{below}pt-br/",
    }
    policies = {one.file.path: one.headers["content-security-policy"] for one in site.wanted if one.file}
    assert policies["drawn.svg"] != policies["index.html"]
    assert {one.headers["cache-control"] for one in site.wanted} == {"no-cache", "public, max-age=31536000, immutable"}


def on_its_way(passing: Passing) -> None:
    """All that a CDN and a proxy may do."""
    for name in (
        "Server",
        "Date",
        "Via",
        "Age",
        "CF-Ray",
        "CF-Cache-Status",
        "Alt-Svc",
        "NEL",
        "X-Cache",
        "X-Served-By",
    ):
        passing.set(name, "whatever")
    passing.set("ETag", f"W/{passing.header('etag')}")
    passing.set("Strict-Transport-Security", "max-age=60")
    if location := passing.header("location"):
        host = passing.asked["Host"]
        passing.set("Location", f"http://{host}{location}" if location.startswith("/") else location)
    if passing.header("content-type").startswith("text/html"):
        passing.set("Content-Type", "text/html;charset=UTF-8")
    if "br" in passing.asked["Accept-Encoding"] and not passing.header("content-encoding"):
        passing.body = gzip.compress(passing.body)
        passing.set("Content-Encoding", "gzip")
        passing.set("Vary", "Accept-Encoding, Origin")


def test_what_may_change_on_the_way_is_no_difference(sites: Mapping[str, Sealed]) -> None:
    for site in sites.values():
        assert site.through(on_its_way) == ()


def with_header(name: str, *values: str) -> Lie:
    return lambda passing: passing.set(name, *values)


def with_body(change: Callable[[bytes], bytes]) -> Lie:
    def lie(passing: Passing) -> None:
        packed = passing.header("content-encoding") == "br"
        body = change(brotli.decompress(passing.body) if packed else passing.body)
        passing.body = brotli.compress(body) if packed else body

    return lie


def with_status(status: int, location: str = "") -> Lie:
    def lie(passing: Passing) -> None:
        passing.status = status
        if location:
            passing.set("Location", location)

    return lie


def cut(passing: Passing) -> None:
    passing.length, passing.body = len(passing.body), passing.body[:-1]


def endless(passing: Passing) -> None:
    passing.length, passing.pieces = 1 << 40, itertools.repeat(b"x" * 65536)


def packed(passing: Passing) -> None:
    passing.body = gzip.compress(b"\0" * (50 << 20))
    passing.set("Content-Encoding", "gzip")
    passing.set("Vary", "Accept-Encoding")


def packed_badly(passing: Passing) -> None:
    if passing.header("content-encoding") == "br":
        passing.body = passing.body[:-3]


POLICY = "Content-Security-Policy"
LIES = [
    ("/", with_header(POLICY), "/: Content-Security-Policy: expected \"default-src 'none'; ", ", got none"),
    ("/", with_header(POLICY, "default-src *"), "", ', got "default-src *"'),
    ("/", with_header(POLICY, answers.POLICY, "default-src 'self'"), POLICY, ""),
    ("/", with_header("X-Content-Type-Options"), 'X-Content-Type-Options: expected "nosniff", got none', ""),
    ("/", with_header("X-Mine", "b a"), 'X-Mine: expected "a b", got "b a"', ""),
    ("/", with_header("Cross-Origin-Opener-Policy", "same-origin"), "expected none, got", ""),
    ("/", with_header("X-Robots-Tag", "noindex"), 'X-Robots-Tag: expected none, got "noindex"', ""),
    ("/", with_header("Set-Cookie", "__cf_bm=\x1b[2J"), "Set-Cookie: expected none", '\\x1b[2J"'),
    ("/", with_header("Content-Type", "text/html"), 'expected "text/html; charset=utf-8", got "text/html"', ""),
    ("/", with_header("Vary"), "Vary: expected accept-language, sec-fetch-site, got none", ""),
    ("/kept.0a1b2c3d.css", with_header("Cache-Control", "max-age=14400"), 'Cache-Control: expected "public, ', ""),
    ("/plain.html", with_header("Cache-Control", "public, max-age=31536000, immutable"), 'expected "no-cache"', ""),
    ("/plain.html", with_body(lambda body: body[:-1] + b"?"), "body: expected 49 bytes, sha256 ", ""),
    ("/plain.html", with_body(lambda body: body[:-1]), "got 48 bytes, sha256 ", ""),
    ("/plain.html", with_body(lambda body: body + b"x" * 100_000), "got more than 65.58 kB", ""),
    ("/plain.html", cut, "status: expected 200, got the answer ends before its end", ""),
    ("/plain.html", endless, "got more than 65.58 kB", ""),
    ("/plain.html", packed, 'Content-Encoding: expected none, since none was asked for, got "gzip"', ""),
    ("/long.html", packed_badly, "/long.html (Accept-Encoding: gzip, br): body: ", " bytes that are not br"),
    ("/plain.html", with_status(302, "https://evil.example/"), '200, got 302 to "https://evil.example/"', ""),
    ("/plain.html", with_status(503), "status: expected 200, got 503", ""),
    ("/old", with_header("Location", "http://10.0.0.1:8080/kept/"), 'expected "/kept/", got "http://10.0.0.1:8080', ""),
    ("/old", with_header("Location"), 'Location: expected "/kept/", got none', ""),
    ("/old", with_status(302), "status: expected 301, got 302", ""),
    ("/gone", with_status(404), "status: expected 410, got 404", ""),
    ("/fr/.well-known/sealpress-no-such-page", with_status(200), "status: expected 404, got 200", ""),
    ("/fr/.well-known/sealpress-no-such-page", with_body(lambda _: b"Not Found"), "body: expected ", ""),
]


@pytest.mark.parametrize(("path", "change", "told", "end"), LIES, ids=[f"{n}{row[0]}" for n, row in enumerate(LIES)])
def test_what_is_wrong_is_told_with_what_was_expected(
    sites: Mapping[str, Sealed], path: str, change: Lie, told: str, end: str
) -> None:
    differences = sites[""].through(change, path)
    assert {one.path.partition(" ")[0] for one in differences} == {path}
    assert any(told in str(one) and str(one).endswith(end) for one in differences), [*map(str, differences)]
    assert all("\x1b" not in str(one) for one in differences)


def test_what_is_packed_a_million_times_is_not_unpacked(sites: Mapping[str, Sealed]) -> None:
    differences = sites[""].through(packed, "/long.html")
    assert [one.got for one in differences] == ['"gzip"', "more than 67.44 kB"]


def hidden_mail(body: bytes) -> bytes:
    return body.replace(b"a@blog.example.org", b'<a href="/cdn-cgi/l/email-protection" data-cfemail="0a">[email]</a>')


@pytest.mark.parametrize(
    ("path", "change", "hint"),
    [
        ("/long.html", with_body(hidden_mail), "Email Address Obfuscation"),
        (
            "/long.html",
            with_body(lambda one: one + b"<script src=/cdn-cgi/scripts/7d0/rocket-loader.min.js>"),
            "Rocket",
        ),
        ("/long.html", with_body(lambda one: one + b"<script src=//static.cloudflareinsights.com/b.js>"), "Analytics"),
        ("/long.html", with_body(lambda one: one.replace(b"</p>\n", b"</p>")), "only blanks and comments differ"),
        ("/robots.txt", with_body(lambda one: b"# BEGIN Cloudflare Managed content\n" + one), "Managed robots.txt"),
        ("/photo.png", with_body(lambda _: b"smaller"), "Polish"),
        ("/kept.0a1b2c3d.css", with_header("Cache-Control", "public, max-age=14400"), "Browser Cache TTL"),
        ("/", with_header("Set-Cookie", "__cf_bm=1"), "__cf_bm"),
        ("/", with_status(429), "fewer requests"),
        ("/plain.html", with_body(lambda _: b"hacked"), ""),
    ],
)
def test_the_habit_of_a_cdn_is_named(sites: Mapping[str, Sealed], path: str, change: Lie, hint: str) -> None:
    differences = sites[""].through(change, path)
    assert differences
    assert all(hint in one.hint and bool(one.hint) == bool(hint) for one in differences), differences


def test_a_slow_answer_is_told_soon(sites: Mapping[str, Sealed], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "ANSWER_SECONDS", 0.3)

    def slow(passing: Passing) -> None:
        passing.length, passing.pieces = 100, (time.sleep(0.05) or b"x" for _ in range(100))

    began = time.monotonic()
    differences = sites[""].through(slow, "/plain.html")
    assert [one.got for one in differences] == ["no answer in time"]
    assert time.monotonic() - began < 5


def test_after_the_first_few_differences_no_more_is_asked_for(sites: Mapping[str, Sealed]) -> None:
    asked = []

    def lie(passing: Passing) -> None:
        asked.append(passing.path)
        passing.status = 500

    with front(sites[""].port, lie) as address:
        found = sites[""].compared(urlsplit(address).port or 0, most=10)
    assert 10 <= len(found) <= 10 + comparing.CONNECTIONS
    assert len(asked) <= 10 + comparing.CONNECTIONS < len(sites[""].wanted)
