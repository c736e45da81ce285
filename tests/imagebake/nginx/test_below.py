"""A site whose address has a path is served below it, by the real nginx, and nowhere else."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from imagebake.recipes import site
from publish.engines.protocol import Endpoint
from publish.probing import answers
from publish.probing.compare import compare
from sealpress.config import sitefile, toml
from sealpress.config.settings import ImageSettings
from sealpress.problems import Problem
from sealpress.tree import tree
from tests.imagebake.conftest import write_tree
from tests.imagebake.nginx.servers import Server, Way, dressed, serving

PAGES = {
    "_redirects": b"/notes/old/ /notes/about 301\n/notes/gone 410\n/elsewhere /notes/fr/\n",
    "index.html": b"<p>home</p>\n",
    "404.html": b"<p>not here</p>\n",
    "fr/index.html": b"<p>accueil</p>\n",
    "fr/404.html": b"<p>introuvable</p>\n",
    "about.html": b"<p>about</p>\n" * 100,  # large enough for a sibling
    "posts/a/index.html": b"<p>a</p>\n",
    "feed.xml": b"<feed/>\n",
    "style.0a1b2c3d.css": b"p { }\n",
}
SETTINGS = ImageSettings(negotiate_languages=("en", "fr"), redirects={"/notes/settings": "/notes/about 302"})

TABLE = [  # path, status, Location or the file that answers
    ("/", 302, "/notes/"),
    ("/?a=b&c", 302, "/notes/?a=b&c"),
    ("/notes", 301, "/notes/"),
    ("/notes/", 200, "index.html"),
    ("/notes/fr/", 200, "fr/index.html"),
    ("/notes/about", 200, "about.html"),
    ("/notes/about.html", 200, "about.html"),
    ("/notes/posts/a", 301, "/notes/posts/a/"),
    ("/notes/posts/a/", 200, "posts/a/index.html"),
    ("/notes/feed.xml", 200, "feed.xml"),
    ("/notes/style.0a1b2c3d.css", 200, "style.0a1b2c3d.css"),
    ("/notes/old/", 301, "/notes/about"),
    ("/notes/settings", 302, "/notes/about"),
    ("/elsewhere", 301, "/notes/fr/"),
    ("/notes/gone", 410, "404.html"),
    ("/notes/nowhere", 404, "404.html"),
    ("/notes/fr/nulle-part", 404, "fr/404.html"),
    ("/notes/_redirects", 404, "404.html"),
    # Above it lies nothing: what is told there is the site's own page.
    ("/about", 404, "404.html"),
    ("/fr/", 404, "404.html"),
    ("/index.html", 404, "404.html"),
    ("/notesabout", 404, "404.html"),
    ("/notes/../about", 404, "404.html"),
    ("/healthz", 200, None),
    ("/.well-known/release", 200, None),
]


@pytest.fixture(scope="module")
def server(rootfs: Path, open_folder: Path) -> Iterator[Server]:
    with serving(dressed(rootfs, PAGES, SETTINGS, open_folder / "below", "notes/"), Way("ld.so")) as found:
        yield found


@pytest.mark.network
@pytest.mark.parametrize(("path", "status", "what"), TABLE, ids=[row[0] for row in TABLE])
def test_each_path_is_answered_below_the_site_s(server: Server, path: str, status: int, what: str | None) -> None:
    answer = server.curl(path, "--http1.1")
    assert answer.status == status
    if status in {301, 302}:
        assert answer.headers["Location"] == what
    elif what:
        assert answer.body == PAGES[what]


@pytest.mark.network
def test_the_front_page_is_still_that_of_the_reader_s_language(server: Server) -> None:
    asked = server.curl("/notes/", "--http1.1", {"Accept-Language": "fr-CH, en;q=0.5"})
    assert (asked.status, asked.headers["Location"]) == (302, "/notes/fr/")
    assert server.curl("/notes/", "--http1.1", {"Accept-Language": "de"}).status == 200


@pytest.mark.network
def test_siblings_are_found_below_it_too(server: Server) -> None:
    answer = server.get("/notes/about", {"Accept-Encoding": "br"})
    assert answer.headers["Content-Encoding"] == "br"


@pytest.mark.network
@pytest.mark.parametrize("below", ["notes/", "a/b/", "~ada's $1 (new)/", "été/"])
def test_verification_asks_as_readers_do(rootfs: Path, open_folder: Path, tmp_path: Path, below: str) -> None:
    """And it finds a site that is served elsewhere."""
    pages = {path: data for path, data in PAGES.items() if path != "_redirects"}
    made = dressed(rootfs, pages, ImageSettings(), open_folder / f"asked-{below.encode().hex()}", below)
    scanned = tree.scan(write_tree(tmp_path / "tree", pages))
    with serving(made, Way("ld.so")) as server:
        endpoint = Endpoint("127.0.0.1", server.port)
        policy = site.content_policy(scanned, ImageSettings(), "below")
        wanted = [answers.of(replace(scanned, below=one), ImageSettings(), (), policy) for one in (below, "")]
        assert compare(wanted[0], endpoint) == ()
        assert {one.file for one in compare(wanted[1], endpoint)} >= pages.keys()
        assert server.get("/").headers["Location"] == f"/{quote(below)}"


@pytest.mark.parametrize(
    ("url", "below"),
    [
        ("https://blog.example/", ""),
        ("https://blog.example", ""),
        ("https://blog.example/blog/", "blog/"),
        ("https://blog.example/a/b", "a/b/"),
        ("https://blog.example/%C3%A9t%C3%A9/", "été/"),
        ("http://127.0.0.1:8080/~ada/", "~ada/"),
    ],
)
def test_the_path_is_that_of_the_site_s_url(url: str, below: str) -> None:
    document = toml.parse(f'[site]\nurl = "{url}"\n', "site.toml")
    assert site.below(document) == sitefile.below(url) == below


@pytest.mark.parametrize(
    "path", ["/a//b/", "/%2e%2e/", "/a%00b/", "/%ff/", "/a%5Cb/", "/%0A/", "/a/%2F/", "/%3F/", "/a%23/"]
)
def test_a_path_that_is_no_folder_is_refused_at_its_line(path: str, tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text(f'[site]\ntitle = "T"\nurl = "https://blog.example{path}"\n')
    with pytest.raises(Problem, match="has a path that can't be a folder's name") as caught:
        sitefile.load(site)
    assert str(caught.value).startswith(f"{site}:3:7: [site] url")


@pytest.mark.parametrize("rule", ["/old/ /about", "/notes/old /about"])
def test_a_rule_that_forgets_the_path_is_told(tmp_path: Path, rule: str) -> None:
    pages = PAGES | {"_redirects": f"{rule}\n".encode()}
    scanned = replace(tree.scan(write_tree(tmp_path, pages)), below="notes/")
    with pytest.raises(Problem, match='nothing answers "/about" \\(did you mean "/notes/about"\\?\\)'):
        site.recipe(scanned, ImageSettings(), "x", "sha256:" + "0" * 64, "")


def test_each_layer_is_another_one_below_another_path(tmp_path: Path) -> None:
    """But for that with the name of the release, which is given."""
    scanned = tree.scan(write_tree(tmp_path, {"index.html": b"home"}))
    made = [
        site.recipe(replace(scanned, below=below), ImageSettings(), "x", "sha256:" + "0" * 64, "").parts
        for below in ("", "a/", "b/")
    ]
    told = [part.description for parts in made for part in parts if part.name != site.RELEASE]
    assert len(set(told)) == len(told) == 6
