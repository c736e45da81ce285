"""Files of a theme are named by their content, and what refers to them follows."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealpress.problems import Problem
from sealpress.tree.tree import CacheClass, cache_class
from ssg.content import assets as content_assets
from ssg.rendering.theme import assets, theme


def make(blog, **files):
    """The outputs of a theme whose static/ holds `files`, "__" in a name standing for "/" and "_" for "."."""
    blog.settings_text = blog.settings_text.replace('author = "Ada"\nd', 'author = "Ada"\ntheme = "wood"\nd')
    blog.write("wood/theme.toml", 'title = "Wood"\n')
    for language in ("en", "fr"):
        blog.write(f"wood/i18n/{language}.toml", 'a = "x"\n')
    for name, text in files.items():
        blog.write("wood/static/" + name.replace("__", "/").replace("_", "."), text)
    site, document = blog.site()
    made = assets.make(theme.load(blog.root, site.settings, document))
    return made, {file.path: made.content(file.name).decode() for file in made.files}


@given(st.binary())
def test_a_fingerprinted_file_may_be_kept_for_ever(content):
    """The tree takes every name that we make for one that holds a digest."""
    assert cache_class(f"assets/style.{content_assets.fingerprint(content)}.css") is CacheClass.IMMUTABLE


def test_a_name_changes_with_its_content(blog):
    before, _ = make(blog, a_css="a{}")
    again, _ = make(blog, a_css="a{}")
    after, _ = make(blog, a_css="b{}")
    assert before.path("a.css") == again.path("a.css") != after.path("a.css")


def test_references_in_style_sheets_are_renamed(blog):
    made, outputs = make(
        blog,
        css__a_css=(
            "@import 'b.css'; /* url(no.svg) */\n"
            'a { background: url("../img/x.svg?v=1#part") } b { background: url( ../img/x.svg ) }\n'
            "c { background: url(data:image/png;base64,AA==), url(https://a.org/y.png), url(#id), url(/own.png) }\n"
        ),
        css__b_css="b{}",
        img__x_svg="<svg/>",
    )
    image = made.path("img/x.svg").rpartition("/")[2]
    imported = made.path("css/b.css").rpartition("/")[2]
    assert outputs[made.path("css/a.css")[1:]] == (
        f"@import '{imported}'; /* url(no.svg) */\n"
        f'a {{ background: url("../img/{image}?v=1#part") }} b {{ background: url( ../img/{image} ) }}\n'
        "c { background: url(data:image/png;base64,AA==), url(https://a.org/y.png), url(#id), url(/own.png) }\n"
    )


def test_a_change_below_changes_the_name_above(blog):
    """Or a browser that kept the old style sheet would ask for an image that is gone."""
    before, _ = make(blog, a_css="a{background:url(x.svg)}", x_svg="1")
    after, _ = make(blog, x_svg="2")
    assert before.path("a.css") != after.path("a.css")


def test_a_reference_to_nothing_is_a_problem_at_its_place(blog):
    with pytest.raises(Problem) as caught:
        make(blog, a_css="a {\n  background: url(y.svg)\n}\n", x_svg="1")
    assert str(caught.value) == (
        'wood/static/a.css:2:19: there is no "static/y.svg" in the theme (did you mean "x.svg"?)\n'
        "2 |   background: url(y.svg)\n"
        "                      ^^^^^"
    )


def test_style_sheets_that_import_each_other_are_a_problem(blog):
    with pytest.raises(Problem, match=r'"b\.css" and "a\.css" refer to each other'):
        make(blog, a_css='@import "b.css";', b_css='@import "a.css";')


def test_the_code_style_sheet_is_the_themes_where_it_has_one(blog):
    made, outputs = make(blog, code_css="pre{}")
    assert outputs[made.path("code.css")[1:]] == "pre{}"


def test_an_unknown_file_is_a_problem(blog):
    made, _ = make(blog)
    with pytest.raises(Problem, match=re.escape('the theme has no file "static/cod.css" (did you mean "code.css"?)')):
        made.path("cod.css")
