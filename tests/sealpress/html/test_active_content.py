"""One list of what runs: every way to write a URL that runs something, and nothing that readers need."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealpress.html import active_content
from sealpress.html.active_content import Url, active_scheme, attribute_value, candidates, is_handler, refresh, urls_of

RUNNING = [
    "javascript:a()",
    "JaVaScRiPt:a()",
    " javascript:a()",
    "\x01\x1f javascript:a()",
    "java\tscript:a()",
    "java\r\nscript\n:a()",
    "\x00javascript:a()",
    "javascript:",
    "javascript://%0aa()",
    "vbscript:a",
    "livescript:a",
    "data:text/html,<script>a()</script>",
    "data:,a",
    "DATA:text/html;base64,x",
    "data:application/xhtml+xml,x",
    "blob:https://e.example/x",
    "filesystem:https://e.example/x",
    "view-source:javascript:a()",
    "jar:https://e.example/x!/",
    "feed:javascript:a()",
]


@pytest.mark.parametrize("url", RUNNING)
def test_a_url_that_runs_something_is_known_however_it_is_written(url: str) -> None:
    assert active_scheme(url)
    assert active_scheme(url, is_image=True)


@given(st.data())
def test_no_blank_hides_a_script(data: st.DataObject) -> None:
    """The URL Standard takes tabs and line ends out everywhere, and controls and blanks off both ends."""
    inside = st.text("\t\n\r", max_size=2)
    outside = st.text("".join(map(chr, range(0x21))), max_size=3)
    word = "".join(
        data.draw(inside) + data.draw(st.sampled_from([char, char.upper()])) + data.draw(inside)
        for char in "javascript:"
    )
    url = data.draw(outside) + word + "a()"
    assert active_content.is_script(url)
    assert active_scheme(url).lower() == "javascript:"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "#javascript:a",
        "/javascript:a",
        "?javascript:a",
        "x.md",
        "https://e.example/javascript:a",
        "mailto:a@e.example",
        "tel:+33",
        "xmpp:a@e.example",
        "java script:a()",  # a blank inside makes it a path
        "\u00a0javascript:a()",  # no blank to a browser
        "javascript",
        "1javascript:a",
    ],
)
def test_what_readers_follow_is_let_through(url: str) -> None:
    assert not active_scheme(url)


def test_an_image_may_stand_in_its_own_url_and_only_where_it_is_shown() -> None:
    for url in ("data:image/png;base64,x", "data:image/svg+xml,x", " DATA:\nimage/gif,x"):
        assert not active_scheme(url, is_image=True)
        assert active_scheme(url) == url.strip()[:5]


@pytest.mark.parametrize(
    ("element", "attribute", "kind"),
    [
        ("a", "href", Url.ONE),
        ("a", "xlink:href", Url.ONE),
        ("a", "any:href", Url.ONE),
        ("form", "action", Url.ONE),
        ("button", "formaction", Url.ONE),
        ("video", "poster", Url.ONE),
        ("object", "data", Url.ONE),
        ("body", "background", Url.ONE),
        ("q", "cite", Url.ONE),
        ("img", "srcset", Url.SET),
        ("link", "imagesrcset", Url.SET),
        ("a", "ping", Url.LIST),
        ("meta", "content", Url.REFRESH),
        ("set", "to", Url.VALUES),
        ("animate", "values", Url.VALUES),
        ("iframe", "srcdoc", Url.DOCUMENT),
        ("p", "data", None),
        ("p", "content", None),
        ("p", "to", None),
        ("p", "class", None),
        ("a", "hreflang", None),
    ],
)
def test_each_attribute_is_known_by_how_it_holds_urls(element: str, attribute: str, kind: Url | None) -> None:
    assert urls_of(element, attribute) is kind


@pytest.mark.parametrize(
    ("content", "url"),
    [
        ("0; url=x", "x"),
        ("0;URL='x'", "x"),
        ('5, url = "x" y', "x"),
        ("5 url=x", "x"),
        ("0;x", "x"),
        (".5; url=x", "x"),
        ("  1.5\t;\nuRl=x y", "x y"),
        ("5", None),
        ("5;", None),
        ("5; url=", None),
        ("x; url=y", None),
        ("", None),
    ],
)
def test_where_a_refresh_leads(content: str, url: str | None) -> None:
    """HTML, "shared declarative refresh steps"."""
    at = refresh(content)
    assert (content[slice(*at)] if at else None) == url


def test_candidates_of_a_srcset_are_cut_at_their_commas() -> None:
    assert list(candidates("a 1x, b,c 2x , data:x,y 3x,d,")) == [("a", 0), ("b,c", 6), ("data:x,y", 15), ("d", 27)]


def test_handlers_are_known_by_their_names() -> None:
    assert all(map(is_handler, ["onclick", "onload", "oncut", "onend", "onbegin", "onwebkitfullscreenchange"]))
    assert not any(map(is_handler, ["on", "one", "class", "x-on:click", "aria-on"]))
    assert not any(map(is_handler, active_content.PLAIN))


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("javascript&colon;a", "javascript:a"),
        ("javascript&#58a", "javascript:a"),
        ("javascript&#x3A;a", "javascript:a"),
        ("java&Tab;script:a", "java\tscript:a"),
        ("&#0000106;avascript:a", "javascript:a"),
        ("?a=1&copy=2", "?a=1&copy=2"),
        ("&copy;", "©"),
    ],
)
def test_references_are_replaced_as_browsers_do(written: str, value: str) -> None:
    assert attribute_value(written) == value
