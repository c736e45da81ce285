"""`site.data` in templates: what a data file says, by name."""

from pathlib import Path

import pytest

from ssg.build.result import Built
from tests.ssg.blogs import Blog


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    blog = Blog(tmp_path)
    blog.page("index.md", "Home.")
    blog.page("index.fr.md", "Accueil.")
    blog.write("data/authors.yaml", "ada:\n  name: Ada <b>\n  born: 1815-12-10\n  is_here: no\n  at: 1:30\n  x:\n")
    blog.write("data/team/people.json", '[{"name": "Bea", "age": 3}, {"name": "Cid", "age": 2}]')
    return blog


def shown(blog: Blog, template: str, path: str = "index.html") -> str:
    blog.write("templates/home.html", template)
    result = blog.built()
    assert isinstance(result, Built), result
    return (blog.output / path).read_text("utf-8")


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ site.data.authors.ada.name }}", "Ada &lt;b&gt;"),
        ('{{ site.data["authors"]["ada"]["name"] | safe }}', "Ada <b>"),
        ("{{ site.data.authors.ada.is_here }} {{ site.data.authors.ada.at }}", "no 1:30"),
        ('{{ site.data.authors.ada.born | date("medium") }}', "Dec 10, 1815"),
        ("{{ site.data.authors.ada.x is none }}", "True"),
        ('{{ site.data.team.people | map(attribute="name") | join(" ") }}', "Bea Cid"),
        ('{{ (site.data.team.people | sort(attribute="age") | first).name }}', "Cid"),
        ("{% for key, one in site.data.authors.items() %}{{ key }}{% endfor %}", "ada"),
        ("{% for name in site.data %}{{ name }} {% endfor %}", "authors team "),
        ("{{ site.data.team | length }} {{ site.data.team is mapping }}", "1 True"),
        (
            '{{ "authors" in site.data }} {{ "links" in site.data }} {{ "team/people" in site.data }}',
            "True False False",
        ),
        ("{{ site.data.links is defined }} {{ site.data.get('links', 'none') }}", "False none"),
        ("{{ site.data[0] is defined }} {{ site.data[['x']] is defined }}", "False False"),
        ("{{ site.data.links.name | default('none') }}", None),
        (
            "{{ site.data.authors | tojson }}",
            '{"ada": {"at": "1:30", "born": "1815-12-10", "is_here": "no", "name": "Ada \\u003cb\\u003e", "x": null}}',
        ),
    ],
)
def test_templates_read_data_files(template: str, expected: str | None, blog: Blog) -> None:
    if expected is None:
        blog.write("templates/home.html", template)
        assert isinstance(blog.built(), list)
    else:
        assert shown(blog, template) == expected


def test_data_are_the_same_in_all_languages(blog: Blog) -> None:
    assert shown(blog, "{{ site.data.authors.ada.name }}", "fr/index.html") == "Ada &lt;b&gt;"


def test_the_folder_may_have_another_name(blog: Blog) -> None:
    blog.set("build", "data", "about/facts")
    blog.write("about/facts/x.toml", "y = 1")
    assert shown(blog, "{{ site.data.x.y }} {{ site.data | length }}") == "1 1"


@pytest.mark.parametrize(
    "template",
    [
        "{{ site.data.authors.update({}) }}",
        "{% set _ = site.data.authors.pop('ada') %}",
        "{% set _ = site.data.team.people.append(1) %}",
        "{{ site.data._scene }}",
        "{{ site.data._folder }}",
        "{{ site.data }}",
        "{{ site.data.team }}",
        "{{ site | tojson }}",
        "{{ nothing | tojson }}",
    ],
)
def test_templates_can_t_change_it_or_look_behind_it(template: str, blog: Blog) -> None:
    blog.write("templates/home.html", template)
    result = blog.built()
    assert isinstance(result, list)
    assert result[0][1].file == "templates/home.html"


def test_a_seal_vouches_for_data(blog: Blog) -> None:
    result = blog.built()
    assert isinstance(result, Built)
    assert {"data/authors.yaml", "data/team/people.json"} <= result.inputs.keys()
