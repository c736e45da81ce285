"""What style sheets load, through comments, strings and escapes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealpress.html import stylesheets as styles


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a{background:url(x.png)}", [("img-src", "x.png")]),
        ("a{background:URL( 'x y.png' )}", [("img-src", "x y.png")]),
        ('a{background:url("x\\"y.png")}', [("img-src", 'x"y.png')]),
        ("color: red; background: url(x.png)", [("img-src", "x.png")]),
        ("a{background:url(\\68ttps://e.example/x)}", [("img-src", "https://e.example/x")]),
        ("@import 'a.css';", [("style-src", "a.css")]),
        ("@IMPORT url(a.css) screen;", [("style-src", "a.css")]),
        ("@import 'a.css' layer(x); a{b:url(c)}", [("style-src", "a.css"), ("img-src", "c")]),
        ("@font-face{font-family:'x';src:url(a.woff2) format('woff2'),url(b.woff)}", [("font-src", "a.woff2"),
         ("font-src", "b.woff")]),
        ("@media print{@font-face{src:url(a)} b{c:url(d)}} e{f:url(g)}", [("font-src", "a"), ("img-src", "d"),
         ("img-src", "g")]),
        ("@namespace svg url(http://www.w3.org/2000/svg);", []),
        ("/* url(a) @import 'b' */ c{d:url(e)}", [("img-src", "e")]),
        ("/* never closed url(a)", []),
        ("a{content:'url(b)'}", []),
        ("a{content:\"it's\"; b:url(c)}", [("img-src", "c")]),
        ("@charset 'utf-8'; a{b:url(c)}", [("img-src", "c")]),
        ("a{b:image-set('x.png' 1x, url(y.png) 2x); c:'d'}", [("img-src", "x.png"), ("img-src", "y.png")]),
        ("a{b:url()}", [("img-src", "")]),
        ("}}}a{b:url(c)}", [("img-src", "c")]),
        ("a{b:url(c", [("img-src", "c")]),
    ],
)  # fmt: skip
def test_every_url_is_found_with_what_it_is_for(text: str, found: list[tuple[str, str]]) -> None:
    assert [(directive, url) for directive, url, _ in styles.loads(text)] == found


def test_places_are_those_of_the_urls() -> None:
    ((_, _, at),) = styles.loads("a { background: url(x.png) }")
    assert at == 16


@given(st.text(st.sampled_from("@import url('\"){};/*\\ab\n"), max_size=60))
def test_any_text_is_read(text: str) -> None:
    for _, url, at in styles.loads(text):
        assert len(url) <= len(text)
        assert 0 <= at < len(text)
