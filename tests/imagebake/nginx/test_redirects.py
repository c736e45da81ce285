"""Redirects fit their tree, or the bake stops at the line that doesn't; what fits becomes exact maps."""

import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from imagebake.nginx import answers, configuration, redirects
from imagebake.packages import lock as locks
from imagebake.packages.lock import Lock
from imagebake.recipes import site
from sealpress.config import redirects as rules
from sealpress.config import toml
from sealpress.config.settings import ImageSettings
from sealpress.problems import Exit, Problem
from sealpress.tree import tree
from tests.imagebake.conftest import write_tree
from tests.imagebake.nginx.servers import Way, dressed, serving

PLAIN = ImageSettings()
WAY = Way("ld.so")

PATHS = [
    "index.html",
    "404.html",
    "about.html",
    "new/index.html",
    "posts/a/index.html",
    "style.css",
    "blog/2026/cats/index.html",
    "été/index.html",
]

REFUSED = [
    # the list, the place, the message, the hint
    ("/new/ /about", "1:1", '"/new/" is answered by the file "new/index.html"', "a file always comes first: take"),
    ("/about.html /new/", "1:1", '"/about.html" is answered by the file "about.html"', None),
    ("/about /new/", "1:1", '"/about" is answered by the file "about.html"', None),
    ("/%C3%A9t%C3%A9/ /new/", "1:1", '"/été/" is answered by the file "été/index.html"', None),
    ("/ /new/", "1:1", '"/" is answered by the file "index.html"', None),
    ("/new 410", "1:1", '"/new" is a folder of the tree, so it leads to "/new/"', "write the rule for /new/"),
    ("/posts /new/", "1:1", '"/posts" is a folder of the tree, so it leads to "/posts/"', "write the rule for /posts/"),
    ("/healthz /new/", "1:1", '"/healthz" is answered by the image itself', "take the rule out"),
    ("/.well-known/release 410", "1:1", '"/.well-known/release" is answered by the image itself', None),
    ("/x /nowhere", "1:4", 'nothing answers "/nowhere"', "write a path that the tree has"),
    ("/x /posts/2026/cats/", "1:4", 'nothing answers "/posts/2026/cats/" (did you mean "/blog/2026/cats/"?)', None),
    ("/x /New/", "1:4", 'nothing answers "/New/"', None),
    ("/x /_redirects", "1:4", 'nothing answers "/_redirects"', None),
    ("/x /posts/", "1:4", 'nothing answers "/posts/"', None),
    ("/x /new", "1:4", '"/new" is led on to "/new/"', "write /new/"),
    ("/x /x", "1:4", "a loop: /x → /x", "let one of them lead to a page"),
    ("/x /X", "1:4", "a loop: /x → /x", None),
    ("/x /y 302\n/y /x", "1:4", "a loop: /x → /y → /x", None),
    ("/w /x\n/x /y\n/y /x", "1:4", "a loop: /x → /y → /x", None),
    ("/x /y\n/y /new/", "1:4", "a chain: /x → /y → /new/", "lead there at once: /x /new/"),
    ("/x /Y\n/y https://x.org/", "1:4", "a chain: /x → /y → https://x.org/", None),
    ("/x /y\n/y 410", "1:4", "/x → /y is gone, in _redirects:2:1", "write /x 410"),
    ("/x /new/\n\n/x /about", "3:1", '"/x" has a rule already, in _redirects:1:1', "keep one of them"),
    ("/x /new/\n/%78 410", "2:1", '"/x" has a rule already, in _redirects:1:1', None),
    ("/x /new/\n/X /new/", "2:1", '"/X" differs from "/x" in _redirects:1:1 by case alone', None),
]


@pytest.mark.parametrize(("text", "at", "message", "hint"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_rule_that_does_not_fit_the_tree_is_refused(text: str, at: str, message: str, hint: str | None) -> None:
    with pytest.raises(Problem) as caught:
        redirects.check(rules.parse(text), PATHS)
    first = caught.value.each[0]
    assert str(first.place) == f"_redirects:{at}"
    assert first.message.startswith(message)
    assert first.code is Exit.TREE
    assert (first.hint or "").startswith(hint or "")
    assert "^" in str(first)


def test_rules_that_fit_are_taken() -> None:
    text = "/a /new/\n/b /about?x#y\n/c /style.css 302\n/d / 307\n/e https://x.org/\n/posts/ /new/\n/É /été/\n/é 410\n"
    redirects.check(rules.parse(text), PATHS)


def test_a_rule_for_a_path_that_differs_from_a_file_by_case_is_fine() -> None:
    """The file comes first, so there is no loop."""
    redirects.check(rules.parse("/About /about\n/NEW/ /new/\n"), PATHS)


@given(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=7).flatmap(
    lambda names: st.tuples(*(st.tuples(st.just(name), st.sampled_from("abcdefgxy")) for name in names))
))  # fmt: skip
def test_what_is_taken_leads_to_an_answer_in_one_step(pairs: tuple[tuple[str, str], ...]) -> None:
    """Whatever the rules: those that pass have no chain and no loop, and all others are refused."""
    found = rules.parse("".join(f"/{start} /{end}\n" for start, end in pairs))
    starts = [start for start, _ in pairs]
    fits = len(set(starts)) == len(starts) and all(end in "xy" for _, end in pairs)
    try:
        redirects.check(found, ["x", "y"])
    except Problem:
        assert not fits
    else:
        assert fits


def test_the_list_and_the_settings_are_one_list(tmp_path: Path) -> None:
    scanned = tree.scan(write_tree(tmp_path, {"index.html": b"", "_redirects": b"/a / 302\n"}))
    text = '[image.redirects]\n"/b" = "/"\n'
    found = redirects.read(scanned, ImageSettings(redirects={"/b": "/"}), toml.parse(text, "site.toml"))
    assert [(rule.path, rule.status) for rule in found] == [("/a", 302), ("/b", 301)]

    text = '[image.redirects]\n"/c" = "/a"\n"/a" = "410"\n'
    image = ImageSettings(redirects={"/c": "/a", "/a": "410"})
    with pytest.raises(Problem) as caught:
        redirects.read(scanned, image, toml.parse(text, "site.toml"))
    assert [str(one).splitlines()[0] for one in caught.value.each] == [
        'site.toml:3:1: "/a" has a rule already, in _redirects:1:1',
        "site.toml:2:8: a chain: /c → /a → /",
    ]


def test_a_list_that_is_not_utf8_is_refused_at_the_byte(tmp_path: Path) -> None:
    scanned = tree.scan(write_tree(tmp_path, {"index.html": b"", "_redirects": b"/a /\n/\xe9 /\n"}))
    with pytest.raises(Problem) as caught:
        redirects.read(scanned, ImageSettings())
    assert (str(caught.value.place), caught.value.code) == ("_redirects:2:2", Exit.TREE)


def test_only_the_list_at_the_top_is_one(tmp_path: Path) -> None:
    scanned = tree.scan(write_tree(tmp_path, {"index.html": b"", "docs/_redirects": b"not a rule\n"}))
    assert redirects.read(scanned, ImageSettings()) == ()
    assert [entry.path for entry in scanned.served] == ["docs/_redirects", "index.html"]


def test_the_list_is_no_file_of_the_image(tmp_path: Path) -> None:
    scanned = tree.scan(write_tree(tmp_path, {"index.html": b"", "_redirects": b"/a /\n"}))
    parts = site.recipe(scanned, ImageSettings(), "x", "sha256:0", "").parts
    paths = [entry.path for part in parts for entry in part.entries()]
    assert "srv/www/index.html" in paths
    assert not [path for path in paths if "_redirects" in path]


def test_what_a_tree_answers_is_known_from_its_names() -> None:
    known = answers.of(["index.html", "a.html", "a/index.html", "b/c", "b/c.html", "html", ".html"])
    assert known.files == {
        "/": "index.html",
        "/index.html": "index.html",
        "/index": "index.html",
        "/a": "a.html",
        "/a.html": "a.html",
        "/a/": "a/index.html",
        "/a/index.html": "a/index.html",
        "/a/index": "a/index.html",
        "/b/c": "b/c",
        "/b/c.html": "b/c.html",
        "/html": "html",
        "/.html": ".html",
    }
    assert known.folders == {"/b"}


@pytest.mark.network
def test_the_command_shows_the_line_and_ends_with_5(site_lock: Lock, tmp_path: Path) -> None:
    locks.save(site_lock, tmp_path / "imagebake.lock")
    write_tree(tmp_path / "public", {"index.html": b"", "_redirects": b"/a /b\n"})
    site = '[site]\ntitle = "T"\nurl = "https://example.org/"\n\n[image]\nnegotiate_languages = ["en", "fr"]\n'

    def bake(text: str) -> tuple[int, str]:
        (tmp_path / "site.toml").write_text(text, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "imagebake.cli", "bake", "public"],
            cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, done.stderr

    code, said = bake(site + '\n[image.redirects]\n"/c" = "/nowhere"\n')
    assert code == 5
    assert said == (
        'error: _redirects:1:4: nothing answers "/b"\n'
        "1 | /a /b\n"
        "       ^^\n"
        "hint: write a path that the tree has\n"
        'error: site.toml:9:8: nothing answers "/nowhere"\n'
        '9 | "/c" = "/nowhere"\n'
        "           ^^^^^^^^^^\n"
        "hint: write a path that the tree has\n"
        "2 errors\n"
    )
    (tmp_path / "public/_redirects").unlink()
    code, said = bake(site)
    assert code == 5
    assert said.startswith('error: site.toml:6:30: [image] negotiate_languages names "fr", and the tree has no fr/')
    assert not (tmp_path / "image").exists()


@pytest.mark.network
def test_nginx_answers_what_is_known_and_nothing_else(rootfs: Path, open_folder: Path) -> None:
    """The table above is nginx's own behaviour, so that a check against it is right."""
    paths = ["index.html", "a.html", "a/index.html", "b/c", "b/c.html", "html", "x/404.html"]
    pages = {path: path.encode() for path in paths}
    known = answers.of(paths)
    tried = {f"/{path}{end}" for path in ["", *paths, "a", "b", "x", "index", "b/index"] for end in ("", "/", ".html")}
    with serving(dressed(rootfs, pages, PLAIN, open_folder / "answers"), WAY) as server:
        for path in sorted(path for path in tried | known.files.keys() if "//" not in path):
            answer = server.get(path)
            if file := known.files.get(path):
                assert (path, answer.status, answer.body) == (path, 200, file.encode())
            elif path in known.folders:
                assert (path, answer.status, answer.headers["Location"]) == (path, 301, f"{path}/")
            else:
                assert (path, answer.status) == (path, 404)


@pytest.mark.network
def test_many_and_long_redirects_are_looked_up(rootfs: Path, open_folder: Path) -> None:
    long = "/" + "é" * 1000
    lines = [f"/posts/{number}/a-title-of-usual-length/ /new-{number % 7}" for number in range(5000)]
    pages = {f"new-{number}": b"" for number in range(7)}
    pages["_redirects"] = "\n".join([*lines, f"{long} /new-1 308"]).encode()
    with serving(dressed(rootfs, pages, PLAIN, open_folder / "many"), WAY) as server:
        for number in (0, 1, 2500, 4999):
            answer = server.get(f"/posts/{number}/a-title-of-usual-length/")
            assert (answer.status, answer.headers["Location"]) == (301, f"/new-{number % 7}")
        assert server.get("/posts/5000/a-title-of-usual-length/").status == 404
        assert server.get("/" + "%C3%A9" * 1000).status == 308


@pytest.mark.network
def test_what_is_gone_answers_410_in_a_tree_without_a_404_page(rootfs: Path, open_folder: Path) -> None:
    pages = {"index.html": b"", "_redirects": b"/gone 410\n/moved /\n"}
    for name, more in (("bare", {}), ("partly", {"fr/404.html": b"fr"})):
        with serving(dressed(rootfs, pages | more, PLAIN, open_folder / name), WAY) as server:
            found = {path: server.get(path).status for path in ("/gone", "/moved", "/nowhere", "/gone.0a1b2c3d.css")}
            cached = server.get("/gone.0a1b2c3d.css").headers["Cache-Control"]
        assert found == {"/gone": 410, "/moved": 301, "/nowhere": 404, "/gone.0a1b2c3d.css": 404}
        assert cached == "no-cache"


def test_the_order_of_the_list_changes_no_byte() -> None:
    one, two = ("/a /x\n/b /x 302\n/c /x\n", "/c /x\n/a /x\n/b /x 302\n")
    assert configuration.nginx_conf(ImageSettings(), ["x"], rules.parse(one)) == configuration.nginx_conf(
        ImageSettings(), ["x"], rules.parse(two)
    )


segments = st.text(
    st.characters(exclude_categories=("C", "Z"), include_characters="$\"'{}\\;#~%*:?&=|^`<>[]()"),
    min_size=1,
    max_size=12,
).filter(lambda text: text not in {".", ".."} and "/" not in text)


@pytest.mark.network
@settings(
    max_examples=6,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each example starts a server: shrinking would take minutes
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(st.tuples(segments, segments, segments), min_size=40, max_size=80))
def test_whatever_stands_in_an_address_it_is_looked_up_and_told_as_it_is(
    rootfs: Path, open_folder: Path, found: list[tuple[str, str, str]]
) -> None:
    """Nothing in a path, a target or a file's name becomes a variable, a quote, a directive or another path."""
    pairs = {f"/x{_folded(start)}/{_folded(start)}": (quote(end), quote(query)) for start, end, query in found}
    lines = [f"{quote(path)} https://e.org/{end}?{query}" for path, (end, query) in pairs.items()]
    folder = Path(tempfile.mkdtemp(dir=open_folder))
    folder.chmod(0o755)
    with serving(dressed(rootfs, {"_redirects": "\n".join(lines).encode()}, PLAIN, folder / "x"), WAY) as server:
        for path, (end, query) in pairs.items():
            answer = server.get(quote(path))
            assert (path, answer.status, answer.headers["Location"]) == (path, 301, f"https://e.org/{end}?{query}")


def _folded(text: str) -> str:
    return "".join(char.lower() if char.isascii() else char for char in text)
