"""What runs something can't stand in a page: never in a URL, and nowhere where [markdown] html is false."""

import re

import pytest

from ssg.l10n.language import language
from ssg.markup.converter import convert
from ssg.markup.text.converted import MarkdownOptions

ENGLISH = language("en")
PLAIN = "can't stand here: [markdown] html is false"


def faults(text: str, *, html: bool) -> list[tuple[str, int, int]]:
    found = convert(text, MarkdownOptions(html=html, permalinks=False), ENGLISH)
    # The page that is told about is never written; here, nothing that runs may be left in it even so.
    attributes = re.findall(r"<[a-z][^>]*>", found.html)
    if not html:
        assert not re.search(r"\bon[a-z]+=|style=|javascript:", "".join(attributes), re.IGNORECASE)
    return [(fault.message, fault.line, fault.column) for fault in found.faults]


@pytest.mark.parametrize(
    ("text", "what", "place"),
    [
        ("# H {onclick=a()}", "a script", (1, 6)),
        ('text\n{: onclick="a()" }', "a script", (2, 4)),
        ('[x](y.md){onclick="a()"}', "a script", (1, 11)),
        ("[x](y.md){: ONCLICK=a()}", "a script", (1, 13)),
        ("![x](y.png){onerror=a()}", "a script", (1, 13)),
        ("*x*{onmouseover='a()'}", "a script", (1, 5)),
        ('*x*{title="t" onclick="a"}', "a script", (1, 15)),
        ("| a | b |\n|---|---|\n| c | d {onclick=a} |", "a script", (3, 10)),
        ("term {onclick=x}\n: text", "a script", (1, 7)),
        ("`onclick=` *x*{onclick=a}", "a script", (1, 16)),
        ('*x*{style="position:fixed"}', 'the attribute "style"', (1, 5)),
        ("*x*{data-hx-get=/x}", 'the attribute "data-hx-get"', (1, 5)),
        ("*x*{x-on:click=a}", 'the attribute "x-on:click"', (1, 5)),
        ("*x*{srcdoc=a}", 'the attribute "srcdoc"', (1, 5)),
        ("*x*{action=/x/}", 'the attribute "action"', (1, 5)),
        ("*x*{xlink:href=javascript:a}", 'the attribute "xlink:href"', (1, 5)),
        ("*x*{on@click=1}", 'the attribute "on_click"', (1, 5)),
    ],
)
def test_where_html_is_false_an_attribute_list_gives_nothing_that_runs(text, what, place):
    assert faults(text, html=False) == [(f"{what} {PLAIN}", *place)]


@pytest.mark.parametrize(
    "text",
    [
        '# H {#part .wide lang=fr dir=rtl title="a > b"}',
        "![x](y.png){width=300 height=200 loading=eager .wide}",
        "[x](y.md){hreflang=fr rel=nofollow target=_blank download=a.pdf}",
        "- [x] done\n- [ ] open\n\n| a | b |\n|:--|--:|\n| c | d |\n\n5. five\n\nx[^1]\n\n[^1]: note\n\n*[x]: title",
        "```python hl_lines=1\npass\n```\n\n<b onclick=a>text</b> `{onclick=a}`",
    ],
)
def test_where_html_is_false_all_that_markdown_itself_gives_stays(text):
    assert faults(text, html=False) == []


def test_where_html_is_true_scripts_are_the_authors_and_the_policys_business():
    assert faults('*x*{onclick="a()"}\n\n<p onclick="a()" style="color: red">x</p>', html=True) == []


LINK = 'a link can\'t lead to "{}"'


@pytest.mark.parametrize("html", [True, False])
@pytest.mark.parametrize(
    ("text", "scheme", "place"),
    [
        ("[x](javascript:a())", "javascript:", (1, 5)),
        ("[x](<javascript:a()>)", "javascript:", (1, 6)),
        ("[x](&#106;avascript:a())", "javascript:", (1, 5)),
        ("[x](java&Tab;script:a())", "javascript:", (1, 5)),
        ("[x](java&NewLine;script&colon;a())", "javascript:", (1, 5)),
        ("[x](&#x1;JavaScript:a())", "JavaScript:", (1, 5)),
        ("[x][r]\n\n[r]: javascript:a()", "javascript:", (3, 6)),
        ("![x](javascript:a())", "javascript:", (1, 6)),
        ("![x](data:text/html,x)", "data:", (1, 6)),
        ("[x](data:image/svg+xml,x)", "data:", (1, 5)),
        ("[x](view-source:javascript:a)", "view-source:", (1, 5)),
        ("[x](y.md){href=javascript:a()}", "javascript:", (1, 16)),
        ('![x](y.png){srcset="javascript:a() 2x"}', "javascript:", (1, 21)),
    ],
)
def test_no_link_runs_anything(text, scheme, place, html):
    assert faults(text, html=html) == [(LINK.format(scheme), *place)]


@pytest.mark.parametrize(
    ("text", "scheme", "place"),
    [
        ('<form action="javascript:a()"></form>', "javascript:", (1, 15)),
        ("<form><button formaction=' javascript:a()'>x</button></form>", "javascript:", (1, 27)),
        ('<form><input type="image" src="a.png" formaction="&#x6A;avascript:a()"></form>', "javascript:", (1, 51)),
        ('<meta http-equiv="refresh" content="0; url=javascript:a()">', "javascript:", (1, 44)),
        ("<meta http-equiv=REFRESH content=\"0;URL='data:text/html,x'\">", "data:", (1, 42)),
        ('<a href="javascript&#58a()">x</a>', "javascript:", (1, 10)),
        ("<div><a/href=javascript:a()>x</a></div>", "javascript:", (1, 14)),
        ('<a href="javascript:a()" href="y.md">x</a>', "javascript:", (1, 10)),
        ('<a href="y.md" ping="/x/ javascript:a()">x</a>', "javascript:", (1, 26)),
        ('<iframe src="data:text/html;base64,x"></iframe>', "data:", (1, 14)),
        ('<object data="data:image/svg+xml,x"></object>', "data:", (1, 15)),
        ('<embed src="javascript:a()">', "javascript:", (1, 13)),
        ("<iframe srcdoc=\"<a href='javascript:a()'>x</a>\"></iframe>", "javascript:", (1, 9)),
        ("<iframe srcdoc=\"<iframe srcdoc='&lt;a href=javascript:a>'>\"></iframe>", "javascript:", (1, 9)),
        ('<svg><animate attributeName="href" values="b;javascript:a()"/></svg>', "javascript:", (1, 36)),
        ('<svg><set attributeName="xlink:href" to="javascript:a()"/></svg>', "javascript:", (1, 38)),
        ('<svg><a any:href="javascript:a()"><text>x</text></a></svg>', "javascript:", (1, 9)),
        ('<svg><use href="data:image/svg+xml,x"/></svg>', "data:", (1, 17)),
        ('<q cite="javascript:a()">x</q>', "javascript:", (1, 10)),
        ('<img src="a.png" longdesc="javascript:a()" alt="">', "javascript:", (1, 18)),
        ('<table background="javascript:a()"><tr><td>x</td></tr></table>', "javascript:", (1, 20)),
        ('<img srcset="a.png 1x, javascript:a() 2x" alt="">', "javascript:", (1, 24)),
        ('<link rel="preload" as="image" imagesrcset="a.png 1x, javascript:a() 2x">', "javascript:", (1, 55)),
        ('<p style="background: url(javascript:a())">x</p>', "javascript:", (1, 4)),
        ('<p markdown="1">[x](javascript:a())</p>', "javascript:", (1, 21)),
    ],
)
def test_no_attribute_of_html_leads_to_what_runs(text, scheme, place):
    found = [fault for fault in faults(text, html=True) if "closes" not in fault[0]]
    assert found == [(LINK.format(scheme), *place)]


@pytest.mark.parametrize("text", ['<base href="https://e.example/">', "<BASE HREF=/x/ >", '<p>x</p>\n<base href="">'])
def test_no_page_bends_its_links(text):
    assert "a page can't have a <base href>" in [message for message, _, _ in faults(text, html=True)]


def test_a_base_that_only_names_a_window_is_no_fault():
    assert faults('<base target="_blank">', html=True) == []


@pytest.mark.parametrize(
    ("text", "target", "column"),
    [
        ('<form action="../x.md"></form>', "../x.md", 15),
        ('<form><button formaction="/there/">x</button></form>', "/there/", 27),
        ('<meta http-equiv="refresh" content="5; url=../x.md">', "../x.md", 44),
        ("<meta http-equiv=refresh content='0;/there/'>", "/there/", 37),
        ('<q cite="x.md#part">x</q>', "x.md#part", 10),
        ('<a ping="/there/">x</a>', "/there/", 10),
        ('<link rel="preload" as="image" imagesrcset="a.png 1x">', "a.png", 45),
    ],
)
def test_where_a_form_a_refresh_and_their_like_lead_is_looked_at_as_a_links_target_is(text, target, column):
    found = convert(text, MarkdownOptions(), ENGLISH)
    assert [(link.target, link.line, link.column) for link in found.links] == [(target, 1, column)]
    assert target not in found.html


@pytest.mark.parametrize(
    "text",
    [
        '<meta name="description" content="0; url=javascript:a()">',
        '<meta http-equiv="refresh" content="5">',
        '<video poster="data:image/png;base64,x"></video>',
        '<svg><image href="data:image/png;base64,x"/></svg>',
        '<form method="get"><input name="q"></form>',
        "`[x](javascript:a())`",
        "    [x](javascript:a())",
        "[x](java\nscript:a())",
        "<a/href=javascript:a()>x",
    ],
)
def test_what_runs_nothing_is_no_fault(text):
    assert faults(text, html=True) == []


def test_an_element_of_an_svg_that_closes_itself_still_does_with_another_target():
    found = convert('<svg><use href="#a"/><use href="#b"/></svg>', MarkdownOptions(), ENGLISH)
    assert found.html.count("/>") == 2
