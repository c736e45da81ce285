"""The policy of a whole tree: what is allowed, and what is refused and where."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from imagebake.policy import header
from sealpress.config.settings import ImageSettings
from sealpress.policy import pages
from sealpress.policy.pages import digest
from sealpress.problems import Problem
from sealpress.tree import tree
from tests.imagebake.conftest import write_tree
from tests.imagebake.policy.conftest import NOTHING, directives, policy, refused


def test_a_page_that_needs_nothing_is_allowed_nothing(tmp_path: Path) -> None:
    assert policy(tmp_path, {"index.html": "<p>text</p>", "photo.jpg": "x", "a.js": "x"}) == NOTHING


def test_a_policy_names_all_that_was_found_in_one_order(tmp_path: Path) -> None:
    page = (
        "<link rel=stylesheet href=a.css><script src=b.js></script><script>c()</script><style>d{}</style>"
        "<p style='e:f' onclick='g()'><img src='data:,'><form action=/h></form>"
    )
    assert policy(tmp_path, {"index.html": page, "a.css": "@font-face{src:url(x.woff2)}"}) == (
        f"default-src 'none'; script-src 'self' {digest('c()')}; script-src-attr 'unsafe-hashes' {digest('g()')};"
        f" style-src 'self' {digest('d{}')}; style-src-attr 'unsafe-hashes' {digest('e:f')}; img-src data:;"
        " font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self';"
        " frame-ancestors 'self'"
    )


def test_scripts_may_load_what_kinds_of_files_the_site_has(tmp_path: Path) -> None:
    files = {"index.html": "<script>a()</script>", "b.js": "", "c.css": "", "d.png": "", "e.wasm": "", "f.mp4": ""}
    found = directives(policy(tmp_path, files))
    assert found["script-src"] == ["'self'", "'wasm-unsafe-eval'", digest("a()")]
    assert [found[name] for name in ("connect-src", "worker-src", "style-src", "img-src", "media-src")] == [
        ["'self'"]
    ] * 5
    assert "font-src" not in found


def test_a_favicon_is_asked_for_by_no_page(tmp_path: Path) -> None:
    assert directives(policy(tmp_path, {"index.html": "", "favicon.ico": "x"}))["img-src"] == ["'self'"]


def test_sound_and_video_can_be_opened_by_themselves(tmp_path: Path) -> None:
    for path in ("talk.mp3", "film.webm"):
        found = directives(policy(tmp_path / path, {"index.html": f"<a href={path}>", path: "x"}))
        assert found["media-src"] == ["'self'"]


def test_a_third_party_is_refused_at_its_place(tmp_path: Path) -> None:
    problem = refused(
        tmp_path,
        {
            "a.html": "<p>\n<p><img\n  src='https://cdn.example/i.png'>",
            "b.html": "<img src=https://cdn.example/j.png>",
            "c.html": "<img src=//cdn.example/j.png>",
        },
    )
    assert str(problem) == (
        "a.html:3:8: the page loads an image from https://cdn.example, which is not among the third parties of this"
        " site (and 1 more file)\n"
        "3 |   src='https://cdn.example/i.png'>\n"
        "           ^\n"
        'hint: copy it into your site; or list it: third_parties = ["https://cdn.example"] under [image]\n'
        "c.html:1:10: the page loads an image from cdn.example, which is not among the third parties of this site\n"
        "1 | <img src=//cdn.example/j.png>\n"
        "             ^\n"
        'hint: copy it into your site; or list it: third_parties = ["https://cdn.example"] under [image]'
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<script src=https://e.example/a.js></script>", "the page loads a script from https://e.example,"),
        ("<link rel=stylesheet href=//e.example/a.css>", "the page loads a style sheet from e.example,"),
        ("<iframe src=https://e.example/></iframe>", "the page has a frame with a page of https://e.example,"),
        ("<form action=https://e.example/>", "the page has a form that sends to https://e.example,"),
        ("<base href=https://e.example/>", "the page takes its links relative to https://e.example,"),
        ("<script src=data:,a()></script>", "the page loads a script from data:,"),
        ("<object data=a.pdf>", "the page has an object or an embed from the site itself,"),
        ("<a href='javascript:a()'>", "a javascript: URL, which no policy can allow in every browser"),
        ("<img src='https://[::1]/'>", "this is not a URL that a browser would load"),
    ],
)
def test_what_is_refused_says_why_and_what_to_do(tmp_path: Path, text: str, message: str) -> None:
    problem = refused(tmp_path, {"index.html": text})
    assert problem.message.startswith(message)
    assert problem.place is not None
    assert (problem.place.line, problem.place.text) == (1, text)
    assert problem.hint


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (ImageSettings(third_parties=("https://e.example",)), "<img src=https://e.example/a.png>"),
        (ImageSettings(third_parties=("https://*.example",)), "<img src=https://e.example/a.png>"),
        (ImageSettings(third_parties=("https://e.example",)), "<img src=//e.example/a.png>"),
        (ImageSettings(policy_sources={"img-src": ("https://e.example",)}), "<img src=//e.example/a.png>"),
    ],
)
def test_a_listed_third_party_is_allowed_for_what_it_is_used_for(
    tmp_path: Path, settings: ImageSettings, text: str
) -> None:
    found = directives(policy(tmp_path, {"index.html": text}, settings))
    assert [one.removeprefix("https://") for one in found["img-src"]] == ["e.example"]
    assert not [name for name, sources in found.items() if name != "img-src" and "e.example" in " ".join(sources)]


def having(text: str, party: str) -> set[str]:
    return {name for name, sources in directives(text).items() if party in sources}


SHEET = {"style-src", "img-src", "font-src"}
SCRIPT = SHEET | {"script-src", "connect-src", "frame-src", "media-src"}


def test_a_third_party_gets_what_its_script_or_its_style_sheet_asks(tmp_path: Path) -> None:
    """A comments host answers its own script; fonts come from where the sheet is, or from a party that none names."""
    comments, fonts, files = "https://comments.example", "https://fonts.example", "https://files.example"
    settings = ImageSettings(third_parties=(comments, fonts, files))
    script = f"<script src={comments}/embed.js></script>"
    sheet = f"<link rel=stylesheet href={fonts}/a.css>"
    image = f"<img src={files}/a.png>"
    found = policy(tmp_path, {"index.html": sheet + image}, settings)
    assert (having(found, fonts), having(found, files)) == (SHEET, {"img-src"})
    assert having(found, comments) == SHEET, "which the sheet may name: nothing else could"
    found = policy(tmp_path, {"index.html": script + image}, settings)
    assert (having(found, comments), having(found, fonts)) == (SCRIPT, SCRIPT)
    assert having(found, files) == {"img-src", "connect-src"}


def test_what_a_script_of_the_sites_own_asks_may_be_any_party_that_is_listed(tmp_path: Path) -> None:
    page = "<script>load('//c.example/a.js')</script>"
    found = policy(tmp_path, {"index.html": page}, ImageSettings(third_parties=("https://c.example",)))
    assert having(found, "https://c.example") == SCRIPT


def test_who_is_connected_to_beforehand_is_missed_before_a_reader_misses_a_font(tmp_path: Path) -> None:
    """The usual lines for a font service: its style sheet is asked of one host, its fonts of another."""
    page = (
        "<link rel=preconnect href=https://files.example crossorigin><link rel=preconnect href=/>"
        "<link rel=stylesheet href=https://fonts.example/css2>"
    )
    one = ImageSettings(third_parties=("https://fonts.example",))
    problem = refused(tmp_path, {"index.html": page}, one)
    assert problem.message.startswith("the page connects beforehand to https://files.example, which is not among")
    assert problem.hint == (
        'copy it into your site; or list it: third_parties = ["https://files.example"] under [image]'
    )
    both = replace(one, third_parties=(*one.third_parties, "https://files.example"))
    found = policy(tmp_path, {"index.html": page}, both)
    assert having(found, "https://files.example") == SHEET
    assert "preconnect" not in found
    by_hand = replace(one, policy_sources={"font-src": ("https://files.example",)})
    assert having(policy(tmp_path, {"index.html": page}, by_hand), "https://files.example") == {"font-src"}


def test_a_wildcard_is_given_whole(tmp_path: Path) -> None:
    page = "<script src=https://a.b.example/a.js></script>"
    found = directives(policy(tmp_path, {"index.html": page}, ImageSettings(third_parties=("https://*.b.example",))))
    assert found["connect-src"] == ["'self'", "https://*.b.example"]
    assert found["script-src"] == ["https://a.b.example"]


def test_a_listed_third_party_that_nobody_uses_is_not_allowed(tmp_path: Path) -> None:
    assert policy(tmp_path, {"index.html": ""}, ImageSettings(third_parties=("https://e.example",))) == NOTHING


def test_the_sites_own_address_is_no_third_party(tmp_path: Path) -> None:
    files = {"index.html": "<img src=https://blog.example/i.png>"}
    found = policy(tmp_path, files, url="https://Blog.example:443/blog/")
    assert directives(found)["img-src"] == ["https://blog.example"]
    assert "https://blog.example," in refused(tmp_path, files).message


def test_sources_can_be_added_by_directive(tmp_path: Path) -> None:
    settings = ImageSettings(
        policy_sources={
            "connect-src": ("https://api.example",),
            "style-src-attr": ("'unsafe-inline'",),
            "frame-ancestors": ("'none'",),
            "object-src": ("'self'",),
        }
    )
    files = {"index.html": "<p style='a:b'><object data=a.pdf></object><img src=i.png>"}
    assert policy(tmp_path, files, settings) == (
        "default-src 'none'; style-src-attr 'unsafe-inline'; img-src 'self'; frame-src 'self'; connect-src"
        " https://api.example; object-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def test_insecure_requests_are_upgraded_only_where_the_site_promises_tls(tmp_path: Path) -> None:
    assert policy(tmp_path, {"index.html": ""}, ImageSettings(hsts=3600)) == f"{NOTHING}; upgrade-insecure-requests"


def test_a_policy_of_the_users_own_is_sent_as_it_is(tmp_path: Path) -> None:
    files = {"index.html": "<script src=https://e.example/a.js></script><a href=javascript:a()>"}
    assert (
        policy(tmp_path, files, ImageSettings(policy="default-src 'self';\n  img-src *"))
        == "default-src 'self'; img-src *"
    )
    assert policy(tmp_path, files, ImageSettings(policy="off")) == ""
    assert policy(tmp_path, files, ImageSettings(headers={"content-security-policy": "x"})) == ""


def test_a_policy_that_no_proxy_would_take_is_refused(tmp_path: Path) -> None:
    page = "".join(f"<p style='width:{number}px'>" for number in range(100))
    problem = refused(tmp_path, {"index.html": page})
    assert "most of them for the 100 sources of style-src-attr" in problem.message
    allowed = ImageSettings(policy_sources={"style-src-attr": ("'unsafe-inline'",)})
    assert "style-src-attr 'unsafe-inline';" in policy(tmp_path, {"index.html": page}, allowed)


def test_what_site_toml_mended_is_not_blamed(tmp_path: Path) -> None:
    page = "".join(f"<p style='width:{number}px'><script>a({number % 60})</script>" for number in range(100))
    allowed = ImageSettings(policy_sources={"style-src-attr": ("'unsafe-inline'",)})
    problem = refused(tmp_path, {"index.html": page}, allowed)
    assert "the policy of pages would have" in problem.message
    assert "most of them for the 60 sources of script-src;" in problem.message


@pytest.mark.parametrize(("above", "attribute"), [("style-src", "style"), ("script-src", "onclick")])
def test_attributes_get_what_site_toml_gives_to_all_of_their_kind(tmp_path: Path, above: str, attribute: str) -> None:
    """Without a directive of their own, they are judged by that one. Source: CSP 3, 6.8.3 "Get fallback list"."""
    page = "".join(f"<p {attribute}='a{number}'>" for number in range(100))
    found = policy(tmp_path, {"index.html": page}, ImageSettings(policy_sources={above: ("'unsafe-inline'",)}))
    assert f"{above} 'unsafe-inline';" in found
    assert f"{above}-attr" not in found


def test_the_site_itself_is_no_third_party_whatever_the_scheme(tmp_path: Path) -> None:
    found = policy(tmp_path, {"index.html": "<img src=//b.example/a.png>"}, url="https://b.example/")
    assert directives(found)["img-src"] == ["b.example"]
    write_tree(tmp_path / "plain", {"index.html": b"<img src=http://b.example/a.png>"})
    with pytest.raises(Problem) as caught:
        header.compute(tree.scan(tmp_path / "plain"), ImageSettings(), url="https://b.example/")
    assert caught.value.hint == "that is the site itself, without TLS: write the path alone"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("\ufeff<p>".encode("utf-16-le"), "the document is UTF-16"),
    ],
)
def test_a_document_that_cannot_be_read_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    write_tree(tmp_path / "tree", {"index.html": data})
    with pytest.raises(Problem, match=message) as caught:
        header.compute(tree.scan(tmp_path / "tree"), ImageSettings())
    assert str(caught.value.place) == "index.html"


@pytest.mark.parametrize("path", ["index.html", "sitemap.xml", "map.svg"])
def test_memory_stays_bounded_however_long_a_document_is(tmp_path: Path, path: str) -> None:
    """A handbook on one page, a sitemap of 5,300 pages in 17 languages, a map."""
    write_tree(tmp_path / "tree", {path: b"<p style='a:url(b)'>\r\n" * 500_000 + "😀".encode()})
    code = (
        "import sys; from imagebake.policy import header\n"
        "from sealpress.tree import tree; from sealpress.config.settings import ImageSettings\n"
        "from pathlib import Path\n"
        "header.compute(tree.scan(Path(sys.argv[1])), ImageSettings())\n"
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "tree")], capture_output=True, text=True, timeout=60, check=True
    )
    assert int(done.stdout) < 120_000, "kB"


def test_a_place_far_down_is_shown_as_any_other(tmp_path: Path) -> None:
    page = "<p>text</p>\n" * 300_000 + "<p><img src='https://e.example/i.png'></p>\n"
    problem = refused(tmp_path, {"index.html": page})
    assert problem.place is not None
    assert str(problem.place) == "index.html:300001:14"
    assert problem.place.text == "<p><img src='https://e.example/i.png'></p>"


def test_a_part_that_no_memory_holds_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A bound on memory that no caller may widen.
    monkeypatch.setattr(pages, "LONGEST", 3 << 20)
    problem = refused(tmp_path, {"index.html": "<script>" + "a()\n" * (2 << 20) + "</script>"})
    assert "one part of the document, such as a script or an attribute, has more than" in problem.message


def test_a_document_that_changes_after_it_was_described_is_refused(tmp_path: Path) -> None:
    found = tree.scan(write_tree(tmp_path / "tree", {"index.html": b"<p>one</p>"}))
    (tmp_path / "tree/index.html").write_bytes(b"<p>two</p>")
    with pytest.raises(Problem, match="changed while it was read"):
        header.compute(found, ImageSettings())
