"""Links are taken out with their exact places, and come back escaped."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssg.l10n.language import language
from ssg.markup.converter import convert
from ssg.markup.text.converted import LINK, PICTURE, Argument, MarkdownOptions, closed


def places(found):
    return [(link.target, link.line, link.column) for link in found.links]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](x.md)", [("x.md", 1, 5)]),
        ("[a](x.md) and [b](x.md)", [("x.md", 1, 5), ("x.md", 1, 19)]),
        ("`[a](x.md)` [b](x.md)", [("x.md", 1, 17)]),
        ("```\n[a](x.md)\n```\n\n[b](x.md)", [("x.md", 5, 5)]),
        ("    [a](x.md)\n\n[b](x.md)", [("x.md", 3, 5)]),
        ("\\[a](x.md) [b](x.md)", [("x.md", 1, 16)]),
        ("x.md x.md [a](x.md)", [("x.md", 1, 15)]),
        ("[x.md](x.md)", [("x.md", 1, 8)]),
        ("[a][r] [r] [r][]\n\n[r]: x.md 'T'", [("x.md", 3, 6)]),
        ("> [a][r]\n>\n> [r]: x.md", [("x.md", 3, 8)]),
        ("[a][r]\n\n[r]:\n  x.md", [("x.md", 4, 3)]),
        ("[r]: <x.md>\n\n[r]", [("x.md", 1, 7)]),
        ("[a](<x y.md>)", [("x y.md", 1, 6)]),
        ("[a]( <x.md> 'T' )", [("x.md", 1, 7)]),
        ("[a](x.md 'T(')", [("x.md", 1, 5)]),
        ("[a](x_(y).md)", [("x_(y).md", 1, 5)]),
        ("[a\nb](x.md)", [("x.md", 2, 4)]),
        ('[a *b*\n`c`](x.md "T\nU")', [("x.md", 2, 6)]),
        ("[![a](i.png)](x.md)", [("x.md", 1, 15), ("i.png", 1, 7)]),
        ("![a](i.png)\n\n![b][r]\n\n[r]: j.png", [("i.png", 1, 6), ("j.png", 5, 6)]),
        ("a | b\n-|-\n[a](x.md) | [b](y.md)", [("x.md", 3, 5), ("y.md", 3, 17)]),
        ("- a\n    - [b](x.md)", [("x.md", 2, 11)]),
        ("\t- a\n- b\n\t- [c](x.md)", [("x.md", 3, 8)]),
        ("a\tb [c](x.md)", [("x.md", 1, 9)]),
        ("a[^1]\n\n[^1]: [b](x.md)", [("x.md", 3, 11)]),
        ("# [a](x.md)", [("x.md", 1, 7)]),
        ("T\n:   [a](x.md)", [("x.md", 2, 9)]),
        ("[a](x.md){.b}", [("x.md", 1, 5)]),
        ("[a](#b)", [("#b", 1, 5)]),
        ("[a](x.md?a=1&b=2&copy=3)", [("x.md?a=1&b=2&copy=3", 1, 5)]),
        ("[a](x\\_y.md)", [("x_y.md", 1, 5)]),
        ("[a](x&amp;y)", [("x&y", 1, 5)]),
        ('<a href="x.md">a</a>', [("x.md", 1, 10)]),
        ("<div><a\n class=b\n href = 'x.md'>a</a></div>", [("x.md", 3, 10)]),
        ("a <a href=x.md>b</a>", [("x.md", 1, 11)]),
        ('<div markdown="1">\n<a href="x.md">a</a> [b](y.md)\n</div>', [("x.md", 2, 10), ("y.md", 2, 26)]),
        ("<p><img src=\"a.png\" srcset='a.png, b.png 2x'></p>", [("a.png", 1, 14), ("a.png", 1, 29), ("b.png", 1, 36)]),
        ("<video poster=p.jpg src=v.mp4></video>", [("p.jpg", 1, 15), ("v.mp4", 1, 25)]),
        ('b <!-- <a href="x.md"> --> [a](x.md)', [("x.md", 1, 32)]),
        ("a\r\n\r\n[b](x.md)", [("x.md", 3, 5)]),
        ("«é» [é](é.md)", [("é.md", 1, 9)]),
    ],
)
def test_every_link_knows_its_line_and_column(converted, text, expected):
    found = converted(text)
    assert found.faults == ()
    assert places(found) == expected


@given(
    st.lists(
        st.sampled_from(["`[a](x.md)` ", "[a](x.md) ", "x.md ", "\n\n", "\t", "é", "\\[a](x.md) ", "*b* "]), max_size=12
    )
)
def test_a_links_place_is_where_its_target_stands(parts):
    text = "".join(parts)
    found = convert(text, MarkdownOptions(), language("en"))
    lines = text.split("\n")
    for link in found.links:
        assert lines[link.line - 1][link.column - 1 :].startswith(link.target)
    assert len(set(found.links)) == len(found.links)


def test_an_image_has_a_slot_for_its_link_and_one_for_what_it_is_given_besides(converted):
    text = "[a](a) ![b](b)\n\n<div><video poster=d src=e></video></div>\n\n<IMG SRC=f width=3 SIZES='' alt=g>"
    assert [(one.kind, one.target, one.line, one.column, one.length) for one in converted(text).slots] == [
        (LINK, "a", 1, 5, 1),
        (LINK, "b", 1, 13, 1),
        (PICTURE, "b", 1, 13, 1),
        (LINK, "d", 3, 20, 1),
        (LINK, "e", 3, 26, 1),
        (LINK, "f", 5, 10, 1),
        (PICTURE, "f", 5, 10, 1),
    ]
    assert converted(text).slots[-1].given == (Argument("width", "3"), Argument("sizes", ""))
    assert [one.kind for one in converted(text).links] == [LINK] * 5


def test_an_image_from_elsewhere_is_no_slot_unless_it_has_one_of_the_site_s_too(converted):
    assert converted("![a](https://e.example/x.png)").slots == ()
    found = converted("b <img src=https://e.example/x.png srcset='x.png 2x'>").slots
    assert [(one.kind, one.target, one.column, one.given) for one in found] == [
        (LINK, "x.png", 44, ()),
        (PICTURE, "", 3, (Argument("srcset", ""),)),
    ]


def test_one_definition_of_an_image_is_one_slot_unless_more_is_said_at_one_place(converted):
    found = converted("![a][r] ![b][r] ![c][r]{width=3} [d][r]\n\n[r]: x.png")
    assert [(one.kind, one.line, one.column, one.given) for one in found.slots] == [
        (LINK, 3, 6, ()),
        (PICTURE, 3, 6, ()),
        (PICTURE, 3, 6, (Argument("width", "3"),)),
    ]


def test_what_leads_out_is_listed_and_stays(converted):
    text = "[a](https://e.org/?a=1&b=2) [b](//e.org) [c](mailto:x@e.org) <http://e.org> [d](tel:+1)"
    found = converted(text)
    assert found.slots == ()
    assert [(link.target, link.column) for link in found.externals] == [
        ("https://e.org/?a=1&b=2", 5),
        ("//e.org", 33),
        ("mailto:x@e.org", 46),
        ("http://e.org", 63),
        ("tel:+1", 81),
    ]
    assert '<a href="https://e.org/?a=1&amp;b=2">a</a>' in found.html


def test_a_resolved_url_is_escaped(converted):
    url = '/"><script>&é%41%'
    found = converted("[a](x.md)")
    assert closed(found.html, lambda _: url) == '<p><a href="/%22%3E%3Cscript%3E&amp;%C3%A9%41%25">a</a></p>'
    # In HTML that the author wrote, a URL stands as it is.
    found = converted("<a href=x.md>a</a>")
    assert closed(found.html, lambda _: url) == '<p><a href="/&quot;&gt;&lt;script&gt;&amp;é%41%">a</a></p>'


def test_where_a_body_is_shown_elsewhere_its_own_links_lead_back(converted):
    found = converted("# A\n\nb[^1] <i id='raw'>c</i>\n\n[^1]: d", MarkdownOptions())
    html = closed(found.html, str, "/x/?a&b")
    assert re.findall('id="(.*?)"', html) == ["a", "fnref-1", "fn-1"]
    assert re.findall('href="(.*?)"', html) == ["/x/?a&amp;b#a", "/x/?a&amp;b#fn-1", "/x/?a&amp;b#fnref-1"]
    assert re.findall('href="(.*?)"', closed(found.html, str)) == ["#a", "#fn-1", "#fnref-1"]
    assert found.ids == {"a", "raw", "fn-1", "fnref-1"}


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("[a](javascript:alert)", 'a link can\'t lead to "javascript:"', 5),
        ("[a](JavaScript&colon;x)", 'a link can\'t lead to "JavaScript:"', 5),
        ("<a href='java&#10;script:x'>a</a>", 'a link can\'t lead to "javascript:"', 10),
        ("<a href=' javascript:x'>a</a>", 'a link can\'t lead to "javascript:"', 10),
        ("<javascript://x>", 'a link can\'t lead to "javascript:"', 2),
        ("[a][r]\n\n[r]: vbscript:x", 'a link can\'t lead to "vbscript:"', 6),
        ("[a](data:text/html,x)", 'a link can\'t lead to "data:"', 5),
        ("[a](x){: href=javascript:x }", 'a link can\'t lead to "javascript:"', 15),
        ("[a]()", "this link has no target", 5),
    ],
)
def test_links_that_no_page_may_have(converted, text, message, column):
    found = converted(text)
    assert [(fault.message, fault.column) for fault in found.faults] == [(message, column)]
    assert "script:" not in "".join(re.findall("href=[^>]*", found.html))


def test_an_image_may_be_data(converted):
    found = converted("![a](data:image/png;base64,AA==)")
    assert (found.faults, len(found.externals)) == ((), 1)
