"""One table of requests, each with its answer: the sealed nginx and the preview are both asked by it, and agree.

`written` makes the blog that they serve. Whatever a row says of a body is the file of the tree that it is.
"""

import gzip
import http.client
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest

from sealpress.config import sitefile
from sealpress.config.sitefile import SiteFile
from ssg.authoring.starter import begin
from ssg.build.build import build
from ssg.build.inputs import Request as BuildRequest
from tests.ssg.authoring.test_starter import DAY

_PAGE: Final = """{% import "macros.html" as m %}
<!doctype html><html lang="{{ lang.tag }}"><head><title>{{ page.title }}</title></head>
<body>{% block main %}{% endblock %}</body></html>
"""
_ODD: Final = "it's (1) & $2;=+,!@:~\"<>[]^`{|} %#?*"
_PLAIN: Final = "/!$&'()*+,;=:@~[]"  # besides letters, digits and "-._"
_STATIC: Final = {
    "_redirects": """\
/old /kept/
/Temp https://a.example/x?own=1 302
/part /kept/#part 307
/away https://a.example/ 308
/gone 410
/fr/gone 410
/été/vieux /plain
""",
    "kept/index.html": "<!doctype html><html lang=en><title>Kept</title><p>Kept: " + "0123456789" * 40,
    "plain.html": "<!doctype html><html lang=en><title>Plain</title>",
    "a.html": "<!doctype html><html lang=en><title>a, a file</title>",
    "a/index.html": "<!doctype html><html lang=en><title>a, a folder</title>",
    "pt/index.html": "<!doctype html><html lang=pt><title>pt</title>",
    "pt-br/index.html": "<!doctype html><html lang=pt-br><title>pt-br</title>",
    "fr/notes/été/index.html": "<!doctype html><html lang=fr><title>été</title>",
    "été/404.html": "<!doctype html><html lang=fr><title>no language's folder</title>",
    "kept/404.html": "<!doctype html><html lang=en><title>not here, of what is kept</title>",
    "files/it's (1) & $2;=+,!@:~ x.txt": "odd name\n",
    f"odd/{_ODD}/index.html": "<!doctype html><html lang=en><title>odd</title>",
    "files/50% #1?.txt": "odd name, too\n",
    "files/LOUD.TXT": "loud\n",
    "files/none": "no ending\n",
    "files/odd.xyz": "no type\n",
    "files/empty.txt": "",
    "files/rss.xml": "<rss version='2.0'/>",
    "files/data.xml": "<data/>",
    "files/data.json": "{}\n",
    "files/app.webmanifest": "{}",
    "files/app.js": "let x = 1;\n",
    "files/app.mjs": "export {}\n",
    "files/drawing.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>\n",
    "files/style.css": "p { color: red }\n",
    "files/note.md": "*as it is*\n",
}

HTML: Final = "text/html; charset=utf-8"
TEXT: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """`file` is the tree's whose content is the body; "" where the server writes one, or none."""

    status: int
    file: str = ""
    kind: str | None = HTML  # None: of what nobody reads
    location: str = ""
    body: bytes | None = None  # of a part of a file
    more: Mapping[str, str] = field(default_factory=dict)  # headers besides


@dataclass(frozen=True)
class Request:
    """`path` as it stands in the request. "{etag}" in a header is that of the whole file."""

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        path = self.path if len(self.path) < 50 else f"{self.path[:20]}…{len(self.path)}"
        return " ".join([self.method, path, *(f"{name}: {value[:30]}" for name, value in self.headers.items())])


def get(path: str, **headers: str) -> Request:
    return Request(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def send(method: str, path: str, **headers: str) -> Request:
    return Request(path, method, {name.replace("_", "-"): value for name, value in headers.items()})


def led(status: int, location: str) -> Answer:
    return Answer(status, kind=None, location=location)


KEPT: Final = Answer(200, "kept/index.html")
FRONT: Final = Answer(200, "index.html")
NOWHERE: Final = Answer(404, "404.html")
PARTS: Final = _STATIC["kept/index.html"].encode()

# What is asked of a site at "/".
TABLE: Final = [
    # Files, pages without their ending, folders.
    (get("/"), FRONT),
    (get("/index.html"), FRONT),
    (get("/index"), FRONT),
    (get("/about/"), Answer(200, "about/index.html")),
    (get("/about"), led(301, "/about/")),
    (get("/about/index.html"), Answer(200, "about/index.html")),
    (get("/about/index"), Answer(200, "about/index.html")),
    (get("/about/index.html/"), NOWHERE),
    (get("/plain"), Answer(200, "plain.html")),
    (get("/plain.html"), Answer(200, "plain.html")),
    (get("/plain/"), NOWHERE),
    (get("/plain.htm"), NOWHERE),
    (get("/a"), Answer(200, "a.html")),
    (get("/a/"), Answer(200, "a/index.html")),
    (get("/404"), Answer(200, "404.html")),
    (get("/files"), led(301, "/files/")),
    (get("/files/"), NOWHERE),
    (get("/fr"), led(301, "/fr/")),
    (get("/fr/"), Answer(200, "fr/index.html")),
    (get("/_redirects"), NOWHERE),
    # Queries.
    (get("/?x=1"), FRONT),
    (get("/plain?"), Answer(200, "plain.html")),
    (get("/about?x=1&y"), led(301, "/about/?x=1&y")),
    (get("/about?"), led(301, "/about/")),
    (get("/about?/../x"), led(301, "/about/?/../x")),
    (get("/about/?x=%00"), Answer(200, "about/index.html")),
    # As to a proxy.
    (get("http://localhost/about/"), Answer(200, "about/index.html")),
    (get("http://localhost:1/about?x"), led(301, "/about/?x")),
    (get("HTTP://[::1]:80/old"), led(301, "/kept/")),
    (get("http://[/"), Answer(400)),
    (get("http:///about/"), Answer(400)),
    (get("about/"), Answer(400)),
    (send("OPTIONS", "*"), Answer(400)),
    # Odd ways to write a path.
    (get("//"), FRONT),
    (get("//about/"), Answer(200, "about/index.html")),
    (get("//about"), led(301, "/about/")),
    (get("/about//"), Answer(200, "about/index.html")),
    (get("/kept/../about/"), Answer(200, "about/index.html")),
    (get("/./about/."), Answer(200, "about/index.html")),
    (get("/about/.."), FRONT),
    (get("/kept/%2e%2e/about/"), Answer(200, "about/index.html")),
    (get("/about%2f"), Answer(200, "about/index.html")),
    (get("/%61bout/"), Answer(200, "about/index.html")),
    (get("/about/index%2Ehtml"), Answer(200, "about/index.html")),
    (get("/%2561bout/"), NOWHERE),
    (get("/../etc/passwd"), Answer(400)),
    (get("/%2e%2e/etc/passwd"), Answer(400)),
    (get("/..%2fetc/passwd"), Answer(400)),
    (get("/about/../../x"), Answer(400)),
    (get("/...//x"), NOWHERE),
    (get("/%00"), Answer(400)),
    (get("/about/%00x"), Answer(400)),
    (get("/%zz"), Answer(400)),
    (get("/%"), Answer(400)),
    (get("/%ff"), NOWHERE),
    (get("/about\\"), NOWHERE),
    (get("/about;x"), NOWHERE),
    (get("/about/#part"), Answer(200, "about/index.html")),
    (get("/ABOUT/"), NOWHERE),
    (get("/About"), NOWHERE),
    (get("/FR/"), NOWHERE),
    (get("/files/it's%20(1)%20&%20$2;=+,!@:~%20x.txt"), Answer(200, "files/it's (1) & $2;=+,!@:~ x.txt", TEXT)),
    (get("/files/50%25%20%231%3F.txt"), Answer(200, "files/50% #1?.txt", TEXT)),
    (get("/files/50%25%20%231?.txt"), NOWHERE),
    (get(f"/odd/{quote(_ODD)}/"), Answer(200, f"odd/{_ODD}/index.html")),
    (get(f"/odd/{quote(_ODD)}"), led(301, f"/odd/{quote(_ODD, safe=_PLAIN)}/")),
    # Unicode's normal forms are two names.
    (get("/fr/notes/%C3%A9t%C3%A9/"), Answer(200, "fr/notes/été/index.html")),
    (get("/fr/notes/%c3%a9t%c3%a9"), led(301, "/fr/notes/%C3%A9t%C3%A9/")),
    (get("/fr/notes/e%CC%81te%CC%81/"), Answer(404, "fr/404.html")),
    (get("/fr/notes/été/"), Answer(200, "fr/notes/été/index.html")),
    # Long ones.
    (get("/" + "x" * 300), NOWHERE),
    (get("/" + "x/" * 3000), NOWHERE),
    (get("/about?" + "x" * 7000), led(301, "/about/?" + "x" * 7000)),
    (get("/" + "x" * 9000), Answer(414)),
    (get("/about/", X_Long="x" * 9000), Answer(400)),
    # What has moved, and what is gone.
    (get("/old"), led(301, "/kept/")),
    (get("/OLD"), led(301, "/kept/")),
    (get("/old/"), NOWHERE),
    (get("/old?x=1"), led(301, "/kept/?x=1")),
    (get("//old"), led(301, "/kept/")),
    (get("/temp"), led(302, "https://a.example/x?own=1")),
    (get("/temp?x=1"), led(302, "https://a.example/x?own=1")),
    (get("/part"), led(307, "/kept/#part")),
    (get("/part?x=1"), led(307, "/kept/?x=1#part")),
    (get("/away?x=1"), led(308, "https://a.example/?x=1")),
    (get("/%C3%A9t%C3%A9/vieux"), led(301, "/plain")),
    (get("/%C3%89t%C3%A9/vieux"), NOWHERE),
    (get("/gone"), Answer(410, "404.html")),
    (get("/gone?x"), Answer(410, "404.html")),
    (get("/fr/gone"), Answer(410, "fr/404.html")),
    # The nearest page for what isn't there.
    (get("/nothing"), NOWHERE),
    (get("/fr/nothing"), Answer(404, "fr/404.html")),
    (get("/fr/nothing/at/all/"), Answer(404, "fr/404.html")),
    (get("/fr/nothing.css"), Answer(404, "fr/404.html")),
    (get("/fr/nothing/feed.xml"), Answer(404, "fr/404.html")),
    (get("/frnothing"), NOWHERE),
    (get("/kept/x"), Answer(404, "kept/404.html")),
    (get("/%C3%A9t%C3%A9/x"), NOWHERE),
    # Types.
    (get("/feed.xml"), Answer(200, "feed.xml", "application/atom+xml")),
    (get("/files/rss.xml"), Answer(200, "files/rss.xml", "application/rss+xml")),
    (get("/files/data.xml"), Answer(200, "files/data.xml", "application/xml")),
    (get("/files/data.json"), Answer(200, "files/data.json", "application/json")),
    (get("/files/app.webmanifest"), Answer(200, "files/app.webmanifest", "application/manifest+json")),
    (get("/files/app.js"), Answer(200, "files/app.js", "text/javascript; charset=utf-8")),
    (get("/files/app.mjs"), Answer(200, "files/app.mjs", "text/javascript; charset=utf-8")),
    (get("/files/style.css"), Answer(200, "files/style.css", "text/css; charset=utf-8")),
    (get("/files/drawing.svg"), Answer(200, "files/drawing.svg", "image/svg+xml")),
    (get("/files/LOUD.TXT"), Answer(200, "files/LOUD.TXT", TEXT)),
    (get("/files/note.md"), Answer(200, "files/note.md", "text/markdown; charset=utf-8")),
    (get("/files/none"), Answer(200, "files/none", "application/octet-stream")),
    (get("/files/odd.xyz"), Answer(200, "files/odd.xyz", "application/octet-stream")),
    (get("/files/empty.txt"), Answer(200, "files/empty.txt", TEXT)),
    # The language of "/".
    (get("/", Accept_Language="en"), FRONT),
    (get("/", Accept_Language="fr"), led(302, "/fr/")),
    (get("/?x=1", Accept_Language="fr"), led(302, "/fr/?x=1")),
    (get("//", Accept_Language="fr"), led(302, "/fr/")),
    (get("/index.html", Accept_Language="fr"), FRONT),
    (get("/", Accept_Language="fr-CH, en;q=0.5"), led(302, "/fr/")),
    (get("/", Accept_Language="de, fr;q=0.3"), led(302, "/fr/")),
    (get("/", Accept_Language="de, fr;Q=0.3"), led(302, "/fr/")),
    (get("/", Accept_Language="en, fr"), FRONT),
    (get("/", Accept_Language="fr;q=0.8, en;q=0.9"), FRONT),
    (get("/", Accept_Language="fr;q=0.801,en;q=0.8"), led(302, "/fr/")),
    (get("/", Accept_Language="fr;q=0, en"), FRONT),
    (get("/", Accept_Language="fr;q=0.000"), FRONT),
    (get("/", Accept_Language="pt"), led(302, "/pt/")),
    (get("/", Accept_Language="PT-BR;q=0.2, xx"), led(302, "/pt-br/")),
    (get("/", Accept_Language="pt-BR-x-a"), led(302, "/pt-br/")),
    (get("/", Accept_Language="pt-PT"), led(302, "/pt/")),
    (get("/", Accept_Language="*, fr;q=0.5"), FRONT),
    (get("/", Accept_Language="*;q=0.1, fr;q=0.5"), led(302, "/fr/")),
    (get("/", Accept_Language="fr;q=2"), FRONT),
    (get("/", Accept_Language="french"), FRONT),
    (get("/", Accept_Language=" , ;q=1,, fr ; q=0.4 ,"), led(302, "/fr/")),
    (get("/", Accept_Language="fr", Sec_Fetch_Site="same-origin"), FRONT),
    (get("/", Accept_Language="fr", Sec_Fetch_Site="cross-site"), led(302, "/fr/")),
    (get("/about/", Accept_Language="fr"), Answer(200, "about/index.html")),
    # What else is negotiated is the same page.
    (get("/kept/", Accept="application/json"), KEPT),
    (get("/kept/", Accept_Encoding="gzip, br, zstd"), KEPT),
    (get("/kept/", Accept_Encoding="identity;q=0"), KEPT),
    (get("/kept/", Accept_Charset="latin1"), KEPT),
    # Heads.
    (send("HEAD", "/kept/"), KEPT),
    (send("HEAD", "/about"), led(301, "/about/")),
    (send("HEAD", "/fr/nothing"), Answer(404, "fr/404.html")),
    (send("HEAD", "/gone"), Answer(410, "404.html")),
    # Parts.
    (get("/kept/", Range="bytes=0-9"), Answer(206, body=PARTS[:10], more={"Content-Range": f"bytes 0-9/{len(PARTS)}"})),
    (
        get("/kept/", Range="bytes=100-"),
        Answer(206, body=PARTS[100:], more={"Content-Range": f"bytes 100-{len(PARTS) - 1}/{len(PARTS)}"}),
    ),
    (
        get("/kept/", Range="bytes=-5"),
        Answer(206, body=PARTS[-5:], more={"Content-Range": f"bytes {len(PARTS) - 5}-{len(PARTS) - 1}/{len(PARTS)}"}),
    ),
    (
        get("/kept/", Range="bytes=5-99999"),
        Answer(206, body=PARTS[5:], more={"Content-Range": f"bytes 5-{len(PARTS) - 1}/{len(PARTS)}"}),
    ),
    (get("/kept/", Range="bytes=99999-"), Answer(416, more={"Content-Range": f"bytes */{len(PARTS)}"})),
    (get("/kept/", Range="bytes=9-5"), Answer(416, more={"Content-Range": f"bytes */{len(PARTS)}"})),
    (get("/kept/", Range="bytes=x"), Answer(416, more={"Content-Range": f"bytes */{len(PARTS)}"})),
    (get("/kept/", Range="lines=0-9"), KEPT),
    (
        get("/kept/", Range="bytes=0-9", If_Range="{etag}"),
        Answer(206, body=PARTS[:10], more={"Content-Range": f"bytes 0-9/{len(PARTS)}"}),
    ),
    (get("/kept/", Range="bytes=0-9", If_Range='"other"'), KEPT),
    (
        send("HEAD", "/kept/", Range="bytes=0-9"),
        Answer(206, body=PARTS[:10], more={"Content-Range": f"bytes 0-9/{len(PARTS)}"}),
    ),
    (get("/nothing", Range="bytes=0-9"), NOWHERE),
    (get("/about", Range="bytes=0-9"), led(301, "/about/")),
    # What a reader has already.
    (get("/kept/", If_None_Match="{etag}"), Answer(304, kind="")),
    (get("/kept/", If_None_Match="W/{etag}"), Answer(304, kind="")),
    (get("/kept/", If_None_Match='"a", {etag} ,"b"'), Answer(304, kind="")),
    (get("/kept/", If_None_Match="*"), Answer(304, kind="")),
    (get("/kept/", If_None_Match='"other"'), KEPT),
    (get("/kept/", If_None_Match="{etag}", Range="bytes=0-9"), Answer(304, kind="")),
    (send("HEAD", "/kept/", If_None_Match="{etag}"), Answer(304, kind="")),
    (get("/kept/", If_Match="{etag}"), KEPT),
    (get("/kept/", If_Match='"other"'), Answer(412)),
    (get("/kept/", If_Match="*"), KEPT),
    (get("/kept/", If_Modified_Since="Tue, 19 Jan 2038 03:14:07 GMT"), KEPT),
    (get("/nothing", If_None_Match="*"), NOWHERE),
    # Methods that would change something.
    (send("POST", "/"), Answer(405)),
    (send("POST", "/about/"), Answer(405)),
    (send("POST", "/about"), led(301, "/about/")),
    (send("POST", "/files/style.css"), Answer(405)),
    (send("POST", "/", Accept_Language="fr"), led(302, "/fr/")),
    (send("POST", "/nothing"), NOWHERE),
    (send("POST", "/fr/gone"), Answer(410, "fr/404.html")),
    (send("POST", "/old"), led(301, "/kept/")),
    (send("PUT", "/kept/"), Answer(405)),
    (send("DELETE", "/kept/"), Answer(405)),
    (send("PATCH", "/kept/"), Answer(405)),
    (send("OPTIONS", "/kept/"), Answer(405)),
    (send("PUT", "/new"), NOWHERE),
    (send("PROPFIND", "/"), Answer(405)),
    (send("TRACE", "/"), Answer(405)),
    (send("BREW", "/"), Answer(405)),
]

# And of one whose URL has a path.
BELOW: Final = [
    (get("/"), led(302, "/blog/")),
    (get("/?x=1"), led(302, "/blog/?x=1")),
    (get("//"), led(302, "/blog/")),
    (get("/blog"), led(301, "/blog/")),
    (get("/blog?x=1"), led(301, "/blog/?x=1")),
    (get("/blog/"), FRONT),
    (get("//blog//"), FRONT),
    (get("/blog/", Accept_Language="fr"), led(302, "/blog/fr/")),
    (get("/blog/?x=1", Accept_Language="fr"), led(302, "/blog/fr/?x=1")),
    (get("/", Accept_Language="fr"), led(302, "/blog/")),
    (get("/blog/about"), led(301, "/blog/about/")),
    (get("/blog/fr/x"), Answer(404, "fr/404.html")),
    (get("/blog/x"), NOWHERE),
    (get("/blog/../blog/plain"), Answer(200, "plain.html")),
    (get("/blog/.."), led(302, "/blog/")),
    (get("/about/"), NOWHERE),
    (get("/fr/"), NOWHERE),
    (get("/blogs/about/"), NOWHERE),
    (get("/Blog/"), NOWHERE),
    (get("/blog/old"), led(301, "/blog/kept/")),
    (get("/elsewhere"), led(301, "/blog/fr/")),
    (get("/blog/gone"), Answer(410, "404.html")),
    (get("/blog/_redirects"), NOWHERE),
    (send("POST", "/"), led(302, "/blog/")),
    (send("POST", "/blog"), led(301, "/blog/")),
    (send("POST", "/blog/"), Answer(405)),
]
_BELOW_RULES: Final = "/blog/old /blog/kept/\n/elsewhere /blog/fr/\n/blog/gone 410\n"

_HEADERS: Final = """
[image.headers]
X-Mine = "a b"
referrer-policy = "no-referrer"
Cross-Origin-Opener-Policy = ""
"""
ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Mine": "a b",
    "Cross-Origin-Opener-Policy": None,
    "Strict-Transport-Security": None,
}
"""Headers of every answer."""
POLICY: Final = "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
"""Of every page. Each of this site's needs what all of them need; of others, a preview allows what that page needs."""

PATHS: Final = {"": TABLE, "blog/": BELOW}
"""By the path of the site's URL."""

ROWS: Final = [pytest.param(below, *row, id=below + str(row[0])) for below, table in PATHS.items() for row in table]


def written(folder: Path, below: str) -> Path:
    """Makes the blog."""
    begin(folder, ["en", "fr"], DAY)
    static = _STATIC | ({"_redirects": _BELOW_RULES} if below else {})
    for name, text in (
        {f"static/{name}": text for name, text in static.items()} | {"templates/base.html": _PAGE}
    ).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    settings = (folder / "site.toml").read_text().replace("blog.example.org/", f"blog.example.org/{below}")
    languages = json.dumps(["en", "fr", "pt", "pt-BR"])
    (folder / "site.toml").write_text(f"{settings}\n[image]\nnegotiate_languages = {languages}\n{_HEADERS}")
    return folder


def built(folder: Path) -> tuple[SiteFile, Mapping[str, bytes]]:
    """The blog's settings, and the files of its tree."""
    site = sitefile.load(folder / "site.toml")
    tree = build(BuildRequest(site, folder / "public", dirty=True)).tree
    return site, {entry.path: tree.read(entry) for entry in tree.entries}


def asked(port: int, request: Request) -> http.client.HTTPResponse:
    """What is answered there, read to its end; `X-Sealpress-Raw` asks a preview for the site's own bytes."""
    etag = ""
    if any("{etag}" in value for value in request.headers.values()):
        etag = asked(port, Request(request.path)).headers["ETag"]
    lines = [f"{request.method} {request.path} HTTP/1.1", f"Host: localhost:{port}", "Connection: close"]
    lines += [f"{name}: {value.replace('{etag}', etag)}" for name, value in request.headers.items()]
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall("\r\n".join([*lines, "X-Sealpress-Raw: 1", "", ""]).encode())
        answer = http.client.HTTPResponse(connection, method=request.method)
        answer.begin()
        vars(answer)["body"] = answer.read()
        return answer


def check(port: int, tree: Mapping[str, bytes], request: Request, wanted: Answer) -> None:
    """Whether a server of the tree's files answers as the table says."""
    answer = asked(port, request)
    body: bytes = vars(answer)["body"]
    if answer.headers["Content-Encoding"] == "gzip":
        body = gzip.decompress(body)
    found = (answer.status, answer.headers["Location"] or "")
    assert found == (wanted.status, wanted.location), found
    if wanted.kind is not None:
        assert (answer.headers["Content-Type"] or "") == wanted.kind, answer.headers["Content-Type"]
    content = wanted.body if wanted.body is not None else tree[wanted.file] if wanted.file else None
    if content is not None:
        assert body == (b"" if request.method == "HEAD" else content), body[:200]
        if not answer.headers["Content-Encoding"]:
            assert answer.headers["Content-Length"] == str(len(content))
    for name, text in {**ALWAYS, **wanted.more}.items():
        # Of a part that there isn't, nginx tells them twice.
        assert {*answer.headers.get_all(name, [])} == ({text} if text is not None else set()), answer.headers
    if wanted.kind == HTML and wanted.file:
        assert answer.headers["Content-Security-Policy"] == POLICY, answer.headers
