"""A block that no parent has is a mistake, not a block."""

from pathlib import Path

import pytest

from sealpress.problems import Problem
from ssg.rendering.theme import blocks
from tests.ssg.blogs import Blog

TEMPLATES = {
    "base.html": "{% block head %}{% endblock %}{% block main %}{% block inner %}{% endblock %}{% endblock main %}",
    "page.html": '{% extends "base.html" %}{% block main %}{% block mine %}{% endblock %}{% endblock %}',
    "any.html": "{% extends parent %}{% block whatever %}{% endblock %}",
    "a.html": '{% extends "b.html" %}',
    "b.html": '{% extends "a.html" %}',
}


def check(text: str) -> None:
    blocks.check(text, "templates/x.html", TEMPLATES.get)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        (
            '{% extends "base.html" %}\n{% block mian %}x{% endblock %}',
            "2:10",
            'no block "mian" (did you mean "main"?)',
        ),
        ("{% extends 'base.html' %}{%- block  mian -%}x{% endblock %}", "1:37", 'did you mean "main"'),
        ('{% extends "page.html" %}\n\n  {% block heda %}{% endblock %}', "3:12", 'did you mean "head"'),
        ('{% extends "page.html" %}{% block main %}{% endblock %}{% block zzz %}{% endblock %}', "1:65", '"zzz"'),
        ('{# x #}{%+ extends "base.html" %}{% block x %}{% block main %}{% endblock %}{% endblock %}', "1:43", '"x"'),
    ],
)
def test_a_block_that_no_parent_has_is_told(text: str, place: str, said: str) -> None:
    with pytest.raises(Problem) as caught:
        check(text)
    assert str(caught.value.place) == f"templates/x.html:{place}"
    assert said in caught.value.message
    assert caught.value.hint
    assert "head" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "{% block mian %}{% endblock %}",  # its own
        '{% extends "base.html" %}{% block main %}{% block new %}{% endblock new %}{% endblock %}',
        '{% extends "base.html" %}{% block inner %}{% endblock %}',
        '{% extends "page.html" %}{% block mine %}{% endblock %}{% block head %}{% endblock %}',
        '{% extends "base.html" %}{# {% block mian %} #}{% raw %}{% block mian %}{% endraw %}',
        "{% extends parent %}{% block mian %}{% endblock %}",  # known when it is rendered
        '{% extends "any.html" %}{% block mian %}{% endblock %}',
        '{% extends "gone.html" %}{% block mian %}{% endblock %}',  # which is told by itself
        '{% extends "a.html" %}{% block mian %}{% endblock %}',  # an endless chain, too
        '{% extends "base.html" if wide else "page.html" %}{% block mine %}{% endblock %}',
    ],
)
def test_what_counts_as_a_block_is_let_be(text: str) -> None:
    check(text)


def test_a_site_is_told_of_a_block_that_would_be_passed_over(tmp_path: Path) -> None:
    blog = Blog(tmp_path)
    blog.page("about.md", "Text.")
    blog.write("templates/page.html", '{% extends "theme/page.html" %}\n{% block mian %}x{% endblock %}\n')
    found = blog.built()
    assert isinstance(found, list)
    ((message, place, *_),) = found  # type: ignore[misc]
    assert message.startswith('"theme/page.html" has no block "mian" (did you mean "main"?)')
    assert str(place) == "templates/page.html:2:10"


def test_a_site_may_do_without_blocks_of_the_theme(tmp_path: Path) -> None:
    blog = Blog(tmp_path)
    blog.page("about.md", "Text.")
    base = '{% import "macros.html" as m %}<main>{% block main %}{% endblock %}</main>\n'
    blog.write("templates/base.html", base)
    assert not isinstance(blog.built(), list), blog.built()
    blog.write("templates/page.html", '{% extends "base.html" %}{% block title %}x{% endblock %}\n')
    assert isinstance(blog.built(), list)


@pytest.mark.parametrize("dialect", ["commonmark", "python-markdown"])
def test_no_heading_of_a_page_meets_an_id_of_the_theme(tmp_path: Path, dialect: str) -> None:
    blog = Blog(tmp_path)
    blog.set("markdown", "dialect", dialect)
    names = ["Content", "Recent", "Section", "Section title", "Contents title", "Contents-title", "Fn 1", "Fnref:1"]
    text = "\n\n".join(f"## {name}\n\nText[^{number}]" for number, name in enumerate(names))
    notes = "\n".join(f"[^{number}]: note" for number in range(len(names)))
    blog.page("docs/index.md", f"{text}\n\n{notes}", toc="true")
    blog.page("docs/a.md", text + "\n\n" + notes, toc="true")
    blog.page("posts/a.md", text + "\n\n" + notes, toc="true")
    assert not isinstance(blog.built(), list), blog.built()
    html = (blog.output / "docs/a/index.html").read_text()
    assert 'id="content"' in html
    assert 'id="fn-0"' in html
    assert 'id="fn:' not in html


def test_an_id_that_a_page_has_twice_is_told(tmp_path: Path) -> None:
    blog = Blog(tmp_path)
    blog.page("about.md", "## Mine\n\n<svg><g id='a'/></svg> `id=\"mine\"`")
    head = '{% extends "theme/page.html" %}{% block head %}'
    blog.write("templates/page.html", head + '<svg><g id="a"/></svg><i ID=a></i><!-- id="mine" -->{% endblock %}')
    assert not isinstance(blog.built(), list), blog.built()
    blog.write("templates/page.html", head + '<i id="mine"></i>{% endblock %}')
    found = blog.built()
    assert isinstance(found, list)
    ((message, place, hint, _),) = found  # type: ignore[misc]
    assert message == 'content/about.md gets two things with the id "mine"; the other is at content/about.md:4:4'
    assert str(place) == "templates/page.html:1:55"
    assert '"_mine"' in str(hint)
