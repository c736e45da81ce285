"""Ids have no colon: one that an author writes becomes a dash, is told, and stays the same for links."""

import re
from pathlib import Path

import pytest

from ssg.build.result import Built
from ssg.l10n.language import language
from ssg.markup.converter import convert
from ssg.markup.html import anchors
from ssg.markup.html.tags import cut
from ssg.markup.text.converted import Converted, MarkdownOptions
from ssg.markup.text.positions import MarkdownSource
from tests.ssg.blogs import Blog, told


def converted(text: str, dialect: str = "commonmark") -> Converted:
    return convert(text, MarkdownOptions(dialect=dialect), language("en"))  # type: ignore[arg-type]


def ids(found: Converted) -> list[str]:
    return re.findall(r'\sid="([^"]*)"', re.sub("\x02[^\x03]*\x03", "", found.html))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("## Head {#a:b}", (1, 11)),
        ("## Head\n{: #a:b}", (2, 5)),
        ("## Head\n{: .x #a:b }", (2, 8)),
        ("Text.\n{: #a:b}", (2, 5)),
        ("[x](#a:b)\n\n## Head {#a:b}", (3, 11)),
        ("*em*{#a:b}", (1, 7)),
        ('<div id="a:b">x</div>', (1, 10)),
        ("<div id='a:b'>x</div>", (1, 10)),
        ("<p>\n<b id=a:b>x</b></p>", (2, 7)),
        ("x <b class=y id=a:b>x</b>", (1, 17)),
        ("```{.py #a:b}\nx\n```", (1, 10)),
        ('```py id="a:b"\nx\n```', (1, 11)),
    ],
)
def test_a_colon_in_an_id_becomes_a_dash_and_is_told(text: str, place: tuple[int, int]) -> None:
    found = converted(text)
    assert "a-b" in found.ids
    (warning,) = found.warnings
    assert warning.message == 'the id "a:b" becomes "a-b": ids have no colon here'
    assert (warning.line, warning.column, warning.length) == (*place, 3)
    assert not found.faults


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("#a:b", "#a-b"),
        ("#a%3Ab", "#a-b"),
        ("#a%3ab", "#a-b"),
        ("x.md#a:b", "x.md#a-b"),
        ("../x.md?q=1:2#a:b:c", "../x.md?q=1:2#a-b-c"),
        ("#fn:1", "#fn-1"),
        ("x.svg#a:b", "x.svg#a:b"),  # what is in a file is its own
        ("/comments/#a:b", "/comments/#a:b"),
        ("x.md?q=1:2", "x.md?q=1:2"),
    ],
)
def test_links_lead_to_what_an_id_becomes(link: str, target: str) -> None:
    assert [one.target for one in converted(f"[x]({link})").links] == [target]


def test_a_drawing_keeps_its_ids_and_its_links_to_them() -> None:
    found = converted('<svg viewBox="0 0 1 1"><g id="a:b"/><use href="#a:b"/></svg>\n\n<b id="a:c">x</b>')
    assert ids(found) == ["a:b", "a-c"]
    assert [one.target for one in found.links] == ["#a:b"]
    assert [one.message for one in found.warnings] == ['the id "a:c" becomes "a-c": ids have no colon here']


def test_it_is_told_once_a_page() -> None:
    found = converted("## A {#a:b}\n\n```{.py #c:d}\nx\n```\n\n<b id='e:f'>x</b>")
    assert found.ids == {"a-b", "c-d", "e-f"}
    (warning,) = found.warnings
    assert warning.message == 'the id "a:b" becomes "a-b": ids have no colon here (3 times on this page)'


def test_many_take_no_longer_each_than_a_few() -> None:
    """Steps are counted, not seconds: the text is searched for the first alone."""
    searched = []

    class Counting(MarkdownSource):
        def find(self, pattern: str) -> tuple[int, int]:
            searched.append(pattern)
            return super().find(pattern)

    source = Counting("")
    html = cut("".join(f'<b id="a:{number}">x</b>' for number in range(1000)))
    anchors.without_colons(html, source, range(0, 2000, 2), [])
    assert html.tags[1998].attributes["id"] == "a-999"
    assert len(searched) == 1


def test_two_that_become_one_are_told() -> None:
    found = converted("## A {#a:b}\n\n## B {#a-b}")
    assert [one.message for one in found.faults] == ['two things have the anchor "a-b"']


def test_python_markdowns_dialect_keeps_them() -> None:
    found = converted("## A {#a:b}\n\n[x](#a:b)", "python-markdown")
    assert ids(found) == ["a:b"]
    assert [one.target for one in found.links] == ["#a:b"]
    assert not found.warnings


@pytest.mark.parametrize("dialect", ["commonmark", "python-markdown"])
def test_a_fence_with_an_id_can_be_linked_to(dialect: str) -> None:
    assert "x" in converted("```{.py #x}\na\n```", dialect).ids


@pytest.mark.parametrize("dialect", ["commonmark", "python-markdown"])
def test_links_of_pages_menus_and_templates_reach_them(dialect: str, tmp_path: Path) -> None:
    blog = Blog(tmp_path)
    blog.page("index.md", "[x](about.md#a:b)")
    blog.page("about.md", "## Head {#a:b}\n\n[x](#a:b)")
    blog.set("menus", "main", [{"title": "Part", "url": "about.md#a:b"}])
    blog.write("templates/404.html", '{{ url("about.md#a:b") }}')
    assert isinstance(blog.built(), Built)
    blog.set("markdown", "dialect", dialect)
    built = blog.built()
    assert told(built) == told(blog.clean())
    name = "a-b" if dialect == "commonmark" else "a:b"
    assert f'id="{name}"' in (blog.output / "about/index.html").read_text("utf-8")
    home = (blog.output / "index.html").read_text("utf-8")
    assert home.count(f'href="/about/#{name}"') == 2
    assert f"/about/#{name}" in (blog.output / "404.html").read_text("utf-8")
