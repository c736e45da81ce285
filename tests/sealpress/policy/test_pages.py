"""Pages are cut into tokens as browsers cut them: what runs there is found, what doesn't is not."""

import re
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealpress.policy import pages
from sealpress.policy.pages import digest
from sealpress.policy.source import TextSource, texts

SELF = "'self'"


def needs(text: str) -> set[tuple[str, str]]:
    return {(load.directive, load.source) for load in pages.page(TextSource(texts([text.encode()])))}


def script(text: str) -> tuple[str, str]:
    return "script-src", digest(text)


def style(text: str) -> tuple[str, str]:
    return "style-src", digest(text)


def test_a_hash_is_what_browsers_work_out() -> None:
    """The example of the specification (CSP Level 3, 2.3.1 and 8.4)."""
    assert digest("alert('Hello, world.');") == "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"


# A page, and what it needs. tests/browser holds the same pages to what Chromium says.
SNIPPETS: list[tuple[str, set[tuple[str, str]]]] = [
    # scripts
    ("<script>a()</script>", {script("a()")}),
    ("<SCRIPT >a()</Script\n>", {script("a()")}),
    ("<script></script>", set()),
    ("<script>a()\r\nb()\rc()</script>", {script("a()\nb()\nc()")}),
    ("<script>a('\0')</script>", {script("a('\ufffd')")}),
    ("<script>a('</p><b>&amp;')</script>", {script("a('</p><b>&amp;')")}),
    ("<script>a('</scripts>')</script>", {script("a('</scripts>')")}),
    ("<script><!-- a() //--></script>", {script("<!-- a() //-->")}),
    ("<script><!-- <script> a() </script> b() --></script>", {script("<!-- <script> a() </script> b() -->")}),
    ("<script><!--> <script> </script><script>b()</script>", {script("<!--> <script> "), script("b()")}),
    ("<script>a()", set()),
    ("<script src=a.js></script>", {("script-src", SELF)}),
    ("<script src=a.js>a()</script>", {("script-src", SELF)}),
    ('<script src="https://e.example/a.js" async></script>', {("script-src", "https://e.example")}),
    ("<script type=module>a()</script>", {script("a()")}),
    ("<script type='text/javascript'>a()</script>", {script("a()")}),
    ("<script type=' Application/ECMAScript '>a()</script>", {script("a()")}),
    ("<script type=''>a()</script>", {script("a()")}),
    ("<script language=JavaScript>a()</script>", {script("a()")}),
    ("<script language=vbscript>a()</script>", set()),
    ("<script type=importmap>{}</script>", {script("{}")}),
    ("<script type=speculationrules>{}</script>", {script("{}")}),
    ("<script type=application/ld+json>{}</script>", set()),
    ("<script type=text/template><b></script>", set()),
    ("<script type=text/template src=a.js></script>", set()),
    ("<script type='text/javascript; charset=utf-8'>a()</script>", set()),
    # styles
    ("<style>a{}</style>", {style("a{}")}),
    ("<style media=print>a{background:url(//e.example/i)}</style>",
     {style("a{background:url(//e.example/i)}"), ("img-src", "e.example")}),
    ("<style>a{}", {style("a{}")}),
    ("<style type=text/less>@import 'a';</style>", {style("@import 'a';")}),
    ("<style>@import 'a.css';</style>", {style("@import 'a.css';"), ("style-src", SELF)}),
    ("<p style='color:red'>", {("style-src-attr", digest("color:red"))}),
    ("<p style='a:&quot;b&quot;'>", {("style-src-attr", digest('a:"b"'))}),
    ("<p style=''>", {("style-src-attr", digest(""))}),
    ("<p style='background:url(x)'>", {("style-src-attr", digest("background:url(x)")), ("img-src", SELF)}),
    # handlers
    ("<p onclick='a()'>", {("script-src-attr", digest("a()"))}),
    ("<p ONCLICK=a()>", {("script-src-attr", digest("a()"))}),
    ("<p onclick='f(\"?a=1&copy=2\")'>", {("script-src-attr", digest('f("?a=1&copy=2")'))}),
    ("<p onclick='f(1 &lt 2 &amp;&amp; &notit;)'>", {("script-src-attr", digest("f(1 < 2 && &notit;)"))}),
    ("<p one=a two=b x-on:click=c @click=d>", set()),
    ("<p onclick=a() onclick=b()>", {("script-src-attr", digest("a()"))}),
    # URLs that run
    ("<a href='javascript:a()'>", {("javascript:", "javascript:")}),
    ("<a href='java&#10;script&colon;a()'>", {("javascript:", "javascript:")}),
    ("<form action=javascript:a()>", {("javascript:", "javascript:")}),
    ("<iframe src='javascript:a()'></iframe>", {("javascript:", "javascript:")}),
    ("<svg><a xlink:href='javascript:a()'></svg>", {("javascript:", "javascript:")}),
    *(
        (text, {("javascript:", "javascript:")})
        for text in (
            "<a href=' java\tscript&#58a()'>",
            "<svg><a any:href='vbscript:a()'></svg>",
            "<svg><set attributeName=href to='javascript:a()'></svg>",
            "<svg><animate attributeName=href values='b;javascript:a()'></svg>",
            "<meta http-equiv=refresh content='0; url=javascript:a()'>",
        )
    ),
    ("<meta name=description content='0; url=javascript:a()'>", set()),
    ("<a href='/javascript:a'>", set()),
    ("<a href='https://e.example/'>", set()),
    # what is not there
    ("<!-- <script>a()</script> -->", set()),
    ("<!--><script>a()</script>-->", {script("a()")}),
    ("<!---><script>a()</script>-->", {script("a()")}),
    ("<!-- --!><script>a()</script>-->", {script("a()")}),
    ("<!-- <script>a()</script>", set()),
    ("<!doctype html><script>a()</script>", {script("a()")}),
    ("<![CDATA[<script>a()</script>]]>", set()),
    ("<![CDATA[><script>a()</script>]]>", {script("a()")}),
    ("<?php <script>a()</script> ?>", set()),
    ("<?php ?><script>a()</script>", {script("a()")}),
    ("<title><script>a()</script></title>", set()),
    ("<textarea><script>a()</script></textarea>", set()),
    ("<xmp><script>a()</script></xmp>", set()),
    ("<iframe><script>a()</script></iframe>", set()),
    ("<noembed><img src=a></noembed>", set()),
    ("<plaintext><script>a()</script>", set()),
    ("<noscript><style>a{}</style></noscript>", {style("a{}")}),
    ("<template><script>a()</script></template>", {script("a()")}),
    ("<p title='<script>a()</script>'>", set()),
    ("<p title=<script>a()</script>", set()),
    ("<p title='never closed <script>a()</script>", set()),
    ("<b/<script>a()</script>", set()),
    ("</p title='><script>a()</script>'>", set()),
    ("</ <script>a()</script>", set()),
    ("</><script>a()</script>", {script("a()")}),
    ("< script>a()</script>", set()),
    ("a < b <script>a()</script>", {script("a()")}),
    ("<script", set()),
    ("<", set()),
    ("</", set()),
    ("<!", set()),
    # other elements
    ("<link rel=stylesheet href=a.css>", {("style-src", SELF)}),
    ("<link rel='alternate StyleSheet' href=a.css>", {("style-src", SELF)}),
    ("<link rel=icon href=//e.example/i>", {("img-src", "e.example")}),
    ("<link rel=manifest href=m>", {("manifest-src", SELF)}),
    ("<link rel=preload as=font href=f>", {("font-src", SELF)}),
    ("<link rel=preload as=image imagesrcset='a 1x'>", {("img-src", SELF)}),
    ("<link rel=modulepreload href=m>", {("script-src", SELF)}),
    ("<link rel=canonical href=https://e.example/>", set()),
    ("<link rel=preconnect href=https://e.example/>", {("preconnect", "https://e.example")}),
    ("<img src=a.png>", {("img-src", SELF)}),
    ("<IMG SRC=data:image/png,>", {("img-src", "data:")}),
    ("<image src=a.png>", {("img-src", SELF)}),
    ("<img src='' alt=x>", set()),
    ("<img srcset='https://a.example/1 1x, https://b.example/2,3 2x,data:x,y 3x'>",
     {("img-src", "https://a.example"), ("img-src", "https://b.example"), ("img-src", "data:")}),
    ("<picture><source srcset='a.avif'></picture>", {("img-src", SELF)}),
    ("<video src=a poster=https://e.example/p><track src=t></video>",
     {("media-src", SELF), ("img-src", "https://e.example")}),
    ("<audio><source src=https://e.example/a></audio>", {("media-src", "https://e.example")}),
    ("<iframe src=https://e.example/></iframe>", {("frame-src", "https://e.example")}),
    ("<iframe src=about:blank></iframe>", set()),
    ("<iframe srcdoc='<script>a(&amp;quot;x&amp;quot;)</script>'></iframe>", {script("a(&quot;x&quot;)")}),
    ("<object data=a.pdf></object>", {("object-src", SELF)}),
    ("<embed src=a.swf>", {("object-src", SELF)}),
    ("<form>", {("form-action", SELF)}),
    ("<form action=''>", {("form-action", SELF)}),
    ("<form action=https://e.example/>", {("form-action", "https://e.example")}),
    ("<button formaction=https://e.example/>", {("form-action", "https://e.example")}),
    ("<table background=a.png>", {("img-src", SELF)}),
    ("<a ping='https://e.example/ /p' href=/>", {("connect-src", "https://e.example"), ("connect-src", SELF)}),
    ("<base target=_blank><img src=a>", {("img-src", SELF)}),
    ("<base href=https://e.example/b/><img src=a><base href=https://f.example/>",
     {("base-uri", "https://e.example"), ("img-src", "https://e.example")}),
    # SVG and MathML
    ("<svg><style>a{}</style></svg>", {style("a{}")}),
    ("<svg><style>a&gt;b{}<![CDATA[c>d{}]]></style></svg>", {style("a>b{}c>d{}")}),
    ("<svg><script>a()</script></svg>", {script("a()")}),
    ("<svg><script href=a.js /><script>a()</script></svg>", {("script-src", SELF), script("a()")}),
    ("<svg><title><script>a()</script></title></svg>", {script("a()")}),
    ("<svg><![CDATA[<script>a()</script>]]></svg>", set()),
    ("<svg><desc><![CDATA[<script>a()</script>]]></desc></svg>", set()),
    ("<svg/><title><script>a()</script></title>", set()),
    ("<svg><p><title><script>a()</script></title>", set()),
    ("<math><mi><title><script>a()</script></title></mi></math>", set()),
    ("<svg><use href=#a /><use href='s.svg#a'/></svg>", {("img-src", SELF)}),
    ("<svg><path fill='url(#a)'/><path filter='url(//e.example/f#a)'/></svg>", {("img-src", "e.example")}),
    ("<svg><foreignObject><style>a{}</style></foreignObject></svg>", {style("a{}")}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SNIPPETS)
def test_what_a_page_needs(text: str, expected: set[tuple[str, str]]) -> None:
    assert needs(text) == expected


def test_an_svg_by_itself() -> None:
    text = (
        "<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><style><![CDATA[a>b{}]]></style>"
        "<script>a()</script><path style='c:d'/></svg>"
    )
    found = {(load.directive, load.source) for load in pages.image(TextSource([text]))}
    assert found == {style("a>b{}"), script("a()"), ("style-src-attr", digest("c:d"))}


def test_a_feed_with_a_style_sheet() -> None:
    text = (
        '<?xml version="1.0"?><?xml-stylesheet href="/feed.xsl" type="text/xsl"?><?xml-stylesheet href="a.css"?><feed/>'
    )
    assert [load[:2] for load in pages.document(TextSource([text]))] == [("script-src", SELF), ("style-src", SELF)]


def test_places_are_those_of_what_was_found() -> None:
    text = "<p>\n<img src=//a.example/><p style='x:url(//b.example/)'>"
    assert {
        load.source: text[load.at :][:3] for load in pages.page(TextSource([text])) if load.directive == "img-src"
    } == {
        "a.example": "//a",
        "b.example": "url",
    }


def test_utf_16_is_refused() -> None:
    for order in ("utf-16-le", "utf-16-be"):
        with pytest.raises(UnicodeError):
            "".join(texts(["\ufeff<script>".encode(order)]))
    assert "".join(texts(["\ufeff<p>\ufeff".encode()])) == "<p>\ufeff"
    assert "".join(texts([b"\xff<p>\xc3"])) == "\ufffd<p>\ufffd"


@given(st.binary(max_size=40).map(lambda data: b"\xef\xbb\xbf" + data), st.lists(st.integers(3, 40), max_size=9))
def test_bytes_are_one_text_wherever_they_are_cut(data: bytes, cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(data)]
    parts = [data[at:to] for at, to in pairwise(ends)]
    whole = data.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    assert "".join(texts(parts)) == whole


PIECES = """
    <p> </p> <p_class="a"> <a_href=" https://e.example/"> javascript:a()"> <script> </script> <style> </style> <!-- -->
    <svg> </svg> <title> </title> <![CDATA[ ]]> a() " ' > < / = _ &amp; <img_src=a> <p_style='b:c'> <form> <math> <mi>
    <p_data-x="y"_onclick=d> <base_href=/> <link_rel=icon_href=x> <span_class="
""".split()  # noqa: SIM905


@given(st.lists(st.sampled_from(PIECES), max_size=25).map(lambda pieces: "".join(pieces).replace("_", " ")))
def test_what_is_skipped_in_one_go_could_not_have_mattered(text: str) -> None:
    """The same page, once with the pattern that runs over plain tags, and once tag by tag."""
    fast = pages.page(TextSource([text]))
    whole = pages._SKIP
    try:
        pages._SKIP = re.compile("[^<]*")  # type: ignore[misc]
        assert pages.page(TextSource([text])) == fast
    finally:
        pages._SKIP = whole  # type: ignore[misc]


@given(
    st.lists(st.sampled_from(PIECES), max_size=25).map(lambda pieces: "".join(pieces).replace("_", " ")),
    st.integers(1, 30),
)
def test_a_long_document_is_read_in_parts_as_if_it_were_one(text: str, size: int) -> None:
    """A tag, a script or a comment that a part ends in is read again with the next part."""
    whole = {read: read(TextSource([text])) for read in (pages.page, pages.image)}
    usual = pages._PART
    try:
        pages._PART = size  # type: ignore[misc]
        for read, found in whole.items():
            assert sorted(read(TextSource(text))) == sorted(found)
    finally:
        pages._PART = usual  # type: ignore[misc]


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    for read in pages.READERS.values():
        for load in read(TextSource([text])):
            assert 0 <= load.at <= len(text)


@pytest.mark.parametrize(
    "piece",
    ["<", '<p title="', "<p title='<", "<!--", "<script>", "<svg>", "<svg><p>", "</", "<a b=c ", "<!", "<style>",
     "<iframe srcdoc='", "<img srcset='a,(", "<script><!--<script>", "<svg><script>", "<p style='url(", "&amp",
     "<title>"],
)  # fmt: skip
@pytest.mark.parametrize("size", [500_000, 1_500_000])
def test_a_page_made_to_be_slow_is_not(piece: str, size: int) -> None:
    """It takes a fifth of a second for half a megabyte; what grows with the square of the size takes hours."""
    text = piece * (size // len(piece))
    start = time.process_time()
    pages.page(TextSource([text]))
    assert time.process_time() - start < 5


@pytest.mark.parametrize("piece", ["url(", "/*", "'", '"', "@import ", "{", "image-set(", "\\"])
def test_a_style_sheet_made_to_be_slow_is_not(piece: str) -> None:
    start = time.process_time()
    pages.sheet(TextSource([piece * (500_000 // len(piece))]))
    assert time.process_time() - start < 5
