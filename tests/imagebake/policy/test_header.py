"""The policy of a whole tree: what is allowed, what is refused and where, and that the cache changes nothing."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from imagebake.policy import header, needs, pages
from imagebake.policy.header import Policies
from imagebake.policy.pages import digest
from sealpress.config.settings import ImageSettings
from sealpress.problems import Exit, Problem, Problems
from sealpress.tree import tree
from tests.imagebake.conftest import write_tree

NOTHING = "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEALPRESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def policy(folder: Path, files: dict[str, str], settings: ImageSettings | None = None, url: str = "") -> str:
    return policies(folder, files, settings, url).pages


def policies(folder: Path, files: dict[str, str], settings: ImageSettings | None = None, url: str = "") -> Policies:
    write_tree(folder / "tree", {path: text.encode() for path, text in files.items()})
    return header.compute(tree.scan(folder / "tree"), settings or ImageSettings(), url=url)


def directives(text: str) -> dict[str, list[str]]:
    return {words[0]: words[1:] for part in text.split("; ") if (words := part.split())}


def refused(folder: Path, files: dict[str, str], settings: ImageSettings | None = None) -> Problem:
    with pytest.raises(Problem) as caught:
        policy(folder, files, settings)
    assert caught.value.code is Exit.TREE
    return caught.value


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


DRAWING = "<svg xmlns='http://www.w3.org/2000/svg'>{}</svg>"


def test_drawings_count_for_themselves_and_no_page_needs_more_for_them(tmp_path: Path) -> None:
    styled = DRAWING.format("<style>a{b:c}</style>" + "".join(f"<g style='x:{number}'/>" for number in range(1545)))
    found = policies(tmp_path, {"index.html": "<img src=a.svg>", "a.svg": styled})
    assert found.pages == NOTHING.replace("object", "img-src 'self'; object")
    assert found.drawings == NOTHING.replace("object", "style-src 'unsafe-inline'; object")


def test_a_drawing_may_load_what_it_names_and_run_just_its_own_scripts(tmp_path: Path) -> None:
    files = {
        "index.html": "<p>",
        "a.svg": DRAWING.format("<script>a()</script><image href='b.png'/><g onclick='c()'/>"),
        "b.svg": '<?xml-stylesheet href="d.css"?>' + DRAWING.format(""),
        "d.css": "@font-face{src:url(e.woff2)}",
        "b.png": "",
        "e.woff2": "",
    }
    found = policies(tmp_path, files)
    assert "script" not in found.pages
    drawn = directives(found.drawings)
    assert drawn["script-src"] == ["'self'", digest("a()")] or drawn["script-src"] == [digest("a()")]
    assert drawn["script-src-attr"] == ["'unsafe-hashes'", digest("c()")]
    assert (drawn["img-src"], drawn["font-src"], drawn["style-src"]) == (["'self'"], ["'self'"], ["'self'"])
    assert "unsafe-inline" not in found.drawings


def test_what_is_listed_for_a_drawing_runs_in_no_page(tmp_path: Path) -> None:
    font = "<style>@font-face{src:url(https://fonts.example/a.woff2)}</style>"
    files = {"index.html": "<script>a()</script><img src=a.svg>", "a.svg": DRAWING.format(font)}
    found = policies(tmp_path, files, ImageSettings(third_parties=("https://fonts.example",)))
    assert "fonts.example" not in found.pages
    assert directives(found.drawings)["font-src"] == ["https://fonts.example"]


@pytest.mark.parametrize(
    ("drawing", "asks"),
    [
        ("<image href='https://e.example/a.png'/>", "loads an image from https://e.example"),
        ("<style>@import url(https://e.example/a.css)</style>", "loads a style sheet from https://e.example"),
        ("<image href='//e.example/a.png'/>", "loads an image from e.example"),
        ("<style>@font-face { src: url(https://e.example/f) }</style>", "https://e.example"),
    ],
)
def test_what_a_drawing_asks_of_others_is_withheld_and_told(tmp_path: Path, drawing: str, asks: str) -> None:
    """An `img` loads none of it, listed or not."""
    found = policies(tmp_path, {"index.html": "<img src=a.svg>", "a.svg": DRAWING.format(drawing)})
    assert "e.example" not in found.pages + found.drawings
    (line,) = found.withheld
    assert line.startswith("a.svg:1:")
    assert asks in line
    assert 'third_parties = ["https://e.example"]' in line


def test_of_many_drawings_the_first_few_are_told(tmp_path: Path) -> None:
    files = {f"{n}.svg": DRAWING.format(f"<image href='https://e{n}.example/a.png'/>") for n in range(9)}
    assert [line.partition(":")[0] for line in policies(tmp_path, files).withheld] == [
        "0.svg",
        "1.svg",
        "2.svg",
        "6 more of the kind, in other drawings",
    ]


@pytest.mark.parametrize("drawing", ["<a href='javascript:x()'>a</a>", "<image href='https://[::1/'/>"])
def test_what_no_policy_allows_is_refused_in_drawings_too(tmp_path: Path, drawing: str) -> None:
    assert refused(tmp_path, {"a.svg": DRAWING.format(drawing)}).place.file == "a.svg"


def test_without_drawings_there_is_one_policy(tmp_path: Path) -> None:
    assert policies(tmp_path, {"index.html": "<p style='a:b'>"}).drawings == ""


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
    monkeypatch.setattr(pages, "LONGEST", 3 << 20)
    problem = refused(tmp_path, {"index.html": "<script>" + "a()\n" * (2 << 20) + "</script>"})
    assert "one part of the document, such as a script or an attribute, has more than" in problem.message


def test_a_document_that_changes_after_it_was_described_is_refused(tmp_path: Path) -> None:
    found = tree.scan(write_tree(tmp_path / "tree", {"index.html": b"<p>one</p>"}))
    (tmp_path / "tree/index.html").write_bytes(b"<p>two</p>")
    with pytest.raises(Problem, match="changed while it was read"):
        header.compute(found, ImageSettings())


PAGES = {
    "index.html": "<script>a()</script>",
    "b.html": "<img src=i>",
    "c.css": "a{b:url(d)}",
    "e.svg": "<svg onload='f()'/>",
}


def test_a_second_time_no_page_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = policy(tmp_path, PAGES)
    monkeypatch.setattr(needs, "_loads", None)
    assert policy(tmp_path, PAGES) == first


def test_what_was_read_beforehand_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = tree.scan(write_tree(tmp_path / "tree", {path: text.encode() for path, text in PAGES.items()}))
    documents = header.unread(found, ImageSettings(), "site")
    assert [one.path for one in documents] == sorted(PAGES)
    known = needs.read(found, documents)
    expected = header.compute(found, ImageSettings(), name="other")
    monkeypatch.setattr(needs, "_loads", None)
    assert header.compute(found, ImageSettings(), known=known) == expected
    assert header.unread(found, ImageSettings(), "site") == [], "and it is kept"
    assert header.unread(found, replace(ImageSettings(), policy="off"), "third") == []
    assert header.unread(found, replace(ImageSettings(), policy="default-src *"), "third") == []


def test_what_cannot_be_read_beforehand_is_told_in_its_turn(tmp_path: Path) -> None:
    found = tree.scan(write_tree(tmp_path / "tree", {"a.html": b"<p>one</p>", "b.html": b"<p>", "c.html": b"<i>"}))
    (tmp_path / "tree/a.html").write_bytes(b"<p>two</p>")
    (tmp_path / "tree/b.html").unlink()
    known = needs.read(found, found.entries)
    assert len(known) == 1
    with pytest.raises(Problems) as caught:
        header.compute(found, ImageSettings(), known=known)
    assert [one.message for one in caught.value.each] == [
        '"a.html" changed while it was read',
        'can\'t read "b.html": No such file or directory',
    ]


def test_the_cache_holds_no_more_than_the_tree(tmp_path: Path, own_cache: Path) -> None:
    policy(tmp_path, PAGES)
    (index,) = (own_cache / "policies").iterdir()
    before = index.stat().st_size
    for number in range(5):
        policy(tmp_path, {"index.html": f"<script>a({number})</script>"})
    assert index.stat().st_size == before


@pytest.mark.parametrize("damage", ["", "{}", "0" * 64 + "\n{}", "\xff\n\n"])
def test_a_damaged_cache_is_made_again(tmp_path: Path, own_cache: Path, damage: str) -> None:
    first = policy(tmp_path, PAGES)
    (index,) = (own_cache / "policies").iterdir()
    good = index.read_bytes()
    index.write_bytes(damage.encode("latin-1"))
    assert policy(tmp_path, PAGES) == first
    assert index.read_bytes() == good


def test_other_rules_read_everything_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy(tmp_path, PAGES)
    monkeypatch.setattr(needs, "_RULES", needs._RULES + 1)
    monkeypatch.setattr(pages, "READERS", dict.fromkeys(pages.READERS, lambda _text: []))
    assert policy(tmp_path, PAGES) == NOTHING


def test_without_a_cache_it_takes_longer_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = policy(tmp_path, PAGES)
    (tmp_path / "file").touch()
    monkeypatch.setenv("SEALPRESS_CACHE", str(tmp_path / "file"))
    assert policy(tmp_path, PAGES) == first


def test_settings_that_say_the_same_give_the_same_policy(tmp_path: Path) -> None:
    one = ImageSettings(third_parties=("https://a.example", "https://b.example"))
    page = {"index.html": "<img src=https://b.example/><img src=https://a.example/>"}
    other = replace(one, third_parties=one.third_parties[::-1])
    assert policy(tmp_path, page, one) == policy(tmp_path, page, other)
