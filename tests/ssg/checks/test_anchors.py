"""Anchors that templates, whole URLs and HTML in bodies name must be on that page; ids stand there once."""

from pathlib import Path

import pytest

from tests.ssg.blogs import Blog

pytestmark = pytest.mark.long

HEAD = '{{% extends "theme/page.html" %}}\n{{% block head %}}{}{{% endblock %}}\n'


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    blog = Blog(tmp_path)
    blog.page("about.md", "## Here\n\nText.")
    blog.page("posts/a.md", "## There\n\n## Été où\n\n<a name='old'></a> <svg><g id='drawn'/></svg>")
    return blog


def faults(blog: Blog) -> list[tuple[str, str, str]]:
    """Message, place and hint of each fault; a clean build finds the same."""
    found = blog.built()
    clean = blog.clean()
    if not isinstance(found, list):
        assert not isinstance(clean, list), clean
        return []
    assert found == clean
    return [(message, str(place), str(hint)) for message, place, hint, _ in found]  # type: ignore[misc]


DEAD = {
    '<a href="#nowhere">x</a>': ("nowhere", "content/about.md"),
    "<A HREF='#nowhere'>x</A>": ("nowhere", "content/about.md"),
    "<a href=#nowhere>x</a>": ("nowhere", "content/about.md"),
    '<a href="/about/#nowhere">x</a>': ("nowhere", "content/about.md"),
    '<a href="?q#nowhere">x</a>': ("nowhere", "content/about.md"),
    '<a href="/posts/a/#nowhere">x</a>': ("nowhere", "content/posts/a.md"),
    '<a href="/posts/a#nowhere">x</a>': ("nowhere", "content/posts/a.md"),
    '<a href="/posts/a/index.html#nowhere">x</a>': ("nowhere", "content/posts/a.md"),
    '<a href="../posts/a/?a=b#nowhere">x</a>': ("nowhere", "content/posts/a.md"),
    '<a href="https://t.example.org/posts/a/#nowhere">x</a>': ("nowhere", "content/posts/a.md"),
    '<a href="https://T.example.org:443/posts/a/#nowhere">x</a>': ("nowhere", "content/posts/a.md"),
    '<a href="//t.example.org/posts/a/#nowhere">x</a>': ("nowhere", "content/posts/a.md"),
    '<a href="{{ url("posts/a.md") }}#nowhere">x</a>': ("nowhere", "content/posts/a.md"),
    '<a href="/posts/a/#There">x</a>': ("There", "content/posts/a.md"),
    '<a href="/posts/a/#th%65r">x</a>': ("ther", "content/posts/a.md"),
    '<area href="/#nowhere">': ("nowhere", '"/"'),
    '<svg><use href="#nowhere"/></svg>': ("nowhere", "content/about.md"),
    '<svg><use xlink:href="#nowhere"/></svg>': ("nowhere", "content/about.md"),
    '<!-- id="nowhere" --><a href="#nowhere">x</a>': ("nowhere", "content/about.md"),
    '<p title="id=nowhere" data-id="nowhere"><a href="#nowhere">x</a>': ("nowhere", "content/about.md"),
}


@pytest.mark.parametrize("html", DEAD)
def test_an_anchor_that_a_template_names_must_be_there(blog: Blog, html: str) -> None:
    blog.write("templates/page.html", HEAD.format(html))
    anchor, page = DEAD[html]
    ((message, place, _),) = faults(blog)
    assert message.startswith(f'there is no anchor "#{anchor}" in ')
    assert page in message or page == '"/"'
    assert "to which content/about.md leads" in message
    assert place.startswith("templates/page.html:2:")


FINE = [
    '<a href="#here">x</a><a href="/about/#here">x</a><a href="#">x</a><a href="#top">x</a><a href="#TOP">x</a>',
    '<a href="/posts/a/#there">x</a><a href="https://t.example.org/posts/a/#there">x</a><a href="/posts/a/#old">x</a>',
    '<a href="/posts/a/#drawn">x</a><a href="/posts/a/#%74here">x</a><a href="/posts/a/#">x</a>',
    '<a href="#!/route">x</a><a href="#/route">x</a><a href="/about/#:~:text=Text">x</a>',
    '<a href="#here:~:text=Text">x</a><a href="https://other.example/#x">x</a><a href="//other.example/#x">x</a>',
    '<!-- <a href="#nowhere"> --><script>"<a href=\\"/posts/a/#nowhere\\">"</script>',
    '<!-- <a href="/posts/a/#nowhere"> --><textarea><a href="/posts/a/#nowhere"></textarea>',
    '<a id="own" name="older" href="#older">x</a><a href="/about/#own">x</a>',
    '<a id="a&amp;b" href="#a&amp;b">x</a><a href="#a%26b">x</a>',
    '<i id="é"></i><a href="#é">x</a><a href="#%C3%A9">x</a>',
    '<a href="/sitemap.xml#x">x</a><a href="/feed.xml#x">x</a><a href="/raw.html#raw">x</a>',
    '<p style="fill: url(#nowhere)"></p>',
]


@pytest.mark.parametrize("html", FINE)
def test_what_is_there_or_leads_to_no_anchor_is_let_be(blog: Blog, html: str) -> None:
    blog.write("templates/page.html", HEAD.format(html))
    blog.write("static/raw.html", "<p id=raw>x")
    assert faults(blog) == []


def test_an_anchor_of_a_file_that_is_copied_is_looked_for_in_it(blog: Blog) -> None:
    blog.write("static/raw.html", "<p id=raw>x")
    blog.page("about.md", "[x](/raw.html#raw)\n\n[y](/raw.html#rwa)")
    ((message, place, _),) = faults(blog)
    assert message.startswith('there is no anchor "#rwa" in static/raw.html, to which content/about.md leads')
    assert place == "content/about.md:6:5"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ("x\n\n[x](https://t.example.org/posts/a/#no)", "content/about.md:6:5"),
        ("`/posts/a/#no`\n\n- [x](/posts/a/#no)", "content/about.md:6:7"),
        ('x\n\n<p><a href="https://t.example.org/posts/a/#no">x</a></p>', "content/about.md:6:13"),
        ('x\n\ny <a href="/posts/a/#no">x</a>', "content/about.md:6:12"),
        ("x\n\n[x][1]\n\n[1]: https://t.example.org:443/posts/a/#no", "content/about.md:8:6"),
        ("x\n\n<https://t.example.org/posts/a/#no>", "content/about.md:6:2"),
    ],
)
def test_an_anchor_that_a_body_names_is_told_where_it_stands(blog: Blog, body: str, place: str) -> None:
    blog.page("about.md", body)
    ((message, found, _),) = faults(blog)
    assert message.startswith('there is no anchor "#no" in content/posts/a.md, to which content/about.md leads')
    assert found == place


def test_anchors_that_are_there_are_listed_and_the_nearest_is_named(blog: Blog) -> None:
    blog.write("templates/page.html", HEAD.format('<a href="/posts/a/#thre">x</a>'))
    blog.page("more.md", "Text.")
    ((message, _, hint),) = faults(blog)
    assert "to which content/about.md and 1 more lead" in message
    assert 'did you mean "there"?' in message
    assert "#there" in hint


def test_an_anchor_that_goes_is_told_whatever_is_made_anew(blog: Blog) -> None:
    """By a template that asks nothing of the page that has it; the next build knows of both."""
    blog.write("templates/page.html", HEAD.format('<a href="/posts/a/#there">x</a>'))
    blog.page("other.md", "Text.")
    assert faults(blog) == []
    blog.body("posts/a.md", "## Not there")
    assert [message[:29] for message, *_ in faults(blog)] == ['there is no anchor "#there" i']
    blog.body("posts/a.md", "## There")
    assert faults(blog) == []
    blog.body("other.md", "Other text.")
    assert faults(blog) == []
    blog.write("templates/page.html", HEAD.format(""))
    assert faults(blog) == []
    blog.body("posts/a.md", "## Not there")  # nobody aims at it any more
    assert faults(blog) == []


def test_a_list_s_link_to_a_part_of_each_post_is_looked_for_in_all(blog: Blog) -> None:
    blog.write(
        "templates/list.html",
        '{% extends "theme/list.html" %}{% block head %}{% for post in page.posts %}<a href="{{ post.url }}#talk">x</a>'
        "{% endfor %}{% endblock %}",
    )
    blog.write("templates/post.html", '{% extends "theme/post.html" %}{% block head %}<i id="talk"></i>{% endblock %}')
    blog.page("posts/b.md", "Text.")
    assert faults(blog) == []
    blog.write("templates/post.html", '{% extends "theme/post.html" %}{% block head %}{% endblock %}')
    found = faults(blog)
    assert [message[:28] for message, *_ in found] == ['there is no anchor "#talk" i'] * 2
    assert {place for _, place, _ in found} == {"templates/list.html:1:99"}


ID = '{% extends "theme/page.html" %}\n{% block head %}\n<i id="mine"></i>{% endblock %}'

TWICE = {
    "a heading": ("x\n\n## Mine", "content/about.md:6:4", "templates/page.html:3:8"),
    "a heading with marks": (
        "## *My* `own`\n\n## A *Mine*? {#mine}",
        "content/about.md:6:4",
        "templates/page.html:3:8",
    ),
    "a heading of lines": ("x\n\nMine\n----", "content/about.md:6:1", "templates/page.html:3:8"),
    "a named paragraph": ("x\n\ny\n{: #mine}", "content/about.md:7:5", "templates/page.html:3:8"),
    "html": ('x\n\n<p id="mine">x</p>', "content/about.md:6:8", "templates/page.html:3:8"),
    "code before it": ("`id='mine'`\n\n## Mine", "content/about.md:6:4", "templates/page.html:3:8"),
}


@pytest.mark.parametrize("name", TWICE)
def test_an_id_that_a_page_has_twice_is_told_with_both_places(blog: Blog, name: str) -> None:
    body, first, second = TWICE[name]
    blog.page("about.md", body)
    blog.write("templates/page.html", ID)
    ((message, place, _),) = faults(blog)
    assert message == f'content/about.md gets two things with the id "mine"; the other is at {first}'
    assert place == second


def test_ids_of_templates_are_told_in_those_that_the_page_is_made_with(blog: Blog) -> None:
    blog.write("templates/post.html", ID.replace("page.html", "post.html"))
    blog.write("templates/page.html", ID.replace("{% endb", "{% include 'part.html' %}{% endb"))
    blog.write("templates/part.html", "<b>x</b>\n<b id=mine>y</b>")
    ((message, place, _),) = faults(blog)
    assert message == 'content/about.md gets two things with the id "mine"; the other is at templates/page.html:3:8'
    assert place == "templates/part.html:2:7"
    blog.write("templates/part.html", '{% set name = "mine" %}\n<b id="{{ name }}">y</b>')
    ((message, place, _),) = faults(blog)
    assert place == "templates/page.html:3:8"


def test_each_id_that_a_page_has_twice_is_told_in_one_run(blog: Blog) -> None:
    blog.page("about.md", "## One\n\n## Two")
    blog.write("templates/page.html", HEAD.format("<i id=one></i>\n<i id=two></i>"))
    assert [place for _, place, _ in faults(blog)] == ["templates/page.html:2:23", "templates/page.html:3:7"]


def test_an_id_that_a_file_of_the_theme_has_twice_is_told_with_that_file(blog: Blog) -> None:
    """No template makes it."""
    blog.own_theme()
    blog.set("site", "theme", "own")
    blog.write("own/static/demo.html", '<p id="x">One</p><p id="x">Two</p>')
    built = blog.built()
    assert isinstance(built, list)
    assert [(message, place.file) for message, place, *_ in built] == [
        ('own/static/demo.html gets two things with the id "x"', "own/static/demo.html")
    ]
