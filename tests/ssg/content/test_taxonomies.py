"""A taxonomy that site.toml declares has all that tags have: keys of front matter, lists, addresses, translations."""

import re
from pathlib import Path

import pytest

from sealpress.config import sitefile
from ssg.authoring import archetypes, overview
from ssg.build.result import Built
from tests.ssg.blogs import Blog, files, told

SERIES = {"title": "Series", "path": "/sets/"}


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    found = Blog(tmp_path)
    found.set("taxonomies", "series", SERIES)
    found.set("language.fr.taxonomies", "series", {"title": "Séries"})
    found.page("index.md", "home")
    for number in range(1, 4):
        found.page(f"posts/p{number}.md", "text", date=f"2026-01-0{number}", series="[Été]", tags="[red]")
    found.page("posts/p1.fr.md", "texte", series="[ÉTÉ]", tags="")
    return found


def text(blog: Blog, path: str) -> str:
    return (blog.output / path).read_text("utf-8")


def links(html: str) -> list[tuple[str, str]]:
    return re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)', html)


def built(blog: Blog) -> Built:
    found = blog.built()
    assert isinstance(found, Built), found
    return found


def test_its_terms_have_lists_by_pages_in_each_language(blog: Blog) -> None:
    built(blog)
    lists = [path for path in files(blog.output) if path.removeprefix("fr/").startswith(("sets/", "tags/"))]
    assert sorted(lists) == [
        "fr/sets/ete/index.html",
        "fr/sets/index.html",
        "fr/tags/index.html",
        "sets/ete/index.html",
        "sets/ete/page/2/index.html",
        "sets/index.html",
        "tags/index.html",
        "tags/red/index.html",
        "tags/red/page/2/index.html",
    ]
    whole, one = text(blog, "fr/sets/index.html"), text(blog, "fr/sets/ete/index.html")
    assert "<title>Séries – One</title>" in whole
    assert ("/fr/sets/ete/", "ÉTÉ ") in links(whole)
    assert ("/fr/sets/", "Séries") in links(one)
    assert '<body class="kind-taxonomy">' in whole
    assert '<body class="kind-term">' in one
    assert '<body class="kind-tags">' in text(blog, "tags/index.html")
    assert '<body class="kind-tag">' in text(blog, "tags/red/index.html")


def test_every_page_leads_to_it_and_a_post_to_its_terms(blog: Blog) -> None:
    built(blog)
    post = text(blog, "posts/p1/index.html")
    assert links(post)[-4:-1] == [("/archive/", "Archive"), ("/tags/", "Tags"), ("/sets/", "Series")]
    assert re.findall(r'href="([^"]+)" rel="tag"', post) == ["/tags/red/", "/sets/ete/"]
    assert 'aria-label="Séries"' in text(blog, "fr/posts/p1/index.html")


def test_its_lists_are_one_another_s_translation(blog: Blog) -> None:
    built(blog)
    address = "https://t.example.org/fr/sets/ete/"
    assert f'hreflang="fr" href="{address}"' in text(blog, "sets/ete/index.html")
    assert f"<loc>{address}</loc>" in text(blog, "sitemap.xml")
    assert '<category term="ete" label="Été"/>' in text(blog, "feed.xml").replace(" />", "/>")


def test_an_edit_reaches_its_lists_and_is_explained(blog: Blog) -> None:
    built(blog)
    blog.page("posts/p2.md", "text", date="2026-01-02", series='[Été, "C#", C++, C]')
    again = built(blog)
    assert told(again) == told(blog.clean())
    assert {"sets/c/index.html", "sets/c-sharp/index.html", "sets/c-plus-plus/index.html"} <= set(files(blog.output))


def test_front_matter_is_read_anew_when_its_keys_are_others(blog: Blog) -> None:
    """A key that was a taxonomy's is unknown once it is declared no more, and the other way round."""
    built(blog)
    blog.set("language.fr.taxonomies", "series", None)
    blog.set("taxonomies", "series", None)
    found = blog.built()
    assert isinstance(found, list)
    assert [one[0] for one in found] == ['unknown key "series" in the front matter'] * 4
    blog.set("taxonomies", "series", SERIES)
    assert told(built(blog)) == told(blog.clean())


def test_pages_are_listed_and_translated_with_its_key(blog: Blog) -> None:
    site = sitefile.load(blog.root / "site.toml")
    assert len(overview.pages(site)) == 5
    made = archetypes.translation(site, blog.root / "content/posts/p2.md", "", "fr")
    assert "series: [Été]" in (blog.root / made).read_text("utf-8")


def test_templates_reach_any_taxonomy_by_its_name(blog: Blog) -> None:
    blog.write(
        "templates/post.html",
        "{% for one in site.taxonomies %}{{ one.name }} {{ one.title }} {{ one.url }}\n{% endfor %}"
        "{% for one in page.terms('series') %}{{ one.name }} {{ one.posts | map(attribute='title') | join(',') }}\n"
        "{% endfor %}{{ site.terms('series') | length }} {{ site.terms('tags') == site.tags }}",
    )
    built(blog)
    said = "tags Tags /tags/\nseries Series /sets/\nÉté p3,p2,p1\n1 True"
    assert text(blog, "posts/p1/index.html").endswith(said)


def test_a_taxonomy_that_there_is_none_is_answered_with_the_nearest(blog: Blog) -> None:
    blog.write("templates/post.html", "{{ page.terms('serie') | length }}")
    ((message, place, hint, _code), *_) = told_of(blog)
    assert message.startswith('there is no taxonomy "serie" (did you mean "series"?)')
    assert (str(place).partition(":")[0], hint) == (
        "templates/post.html",
        "taxonomies: tags, series; site.toml declares others, as [taxonomies.NAME]",
    )


def told_of(blog: Blog) -> list[tuple[str, object, str, object]]:
    found = blog.built()
    assert isinstance(found, list)
    return found  # type: ignore[return-value]


def test_one_without_terms_has_no_list(tmp_path: Path) -> None:
    blog = Blog(tmp_path)
    blog.set("taxonomies", "series", SERIES)
    blog.page("posts/a.md", "text")
    blog.page("about.md", "text", series="[Ignored]")
    built(blog)
    assert not any(path.startswith("sets/") for path in files(blog.output))
    assert "/sets/" not in text(blog, "index.html")


@pytest.mark.parametrize(
    ("name", "path", "clash"),
    [
        ("page", "", '"the term "2" of page (en)" and "the list of posts (en)"'),
        ("series", "/tags/", '"the list of series (en)" and "the list of tags (en)"'),
        ("series", "/archive/", '"the archive (en)" and "the list of series (en)"'),
        ("series", "/about/", '"the list of series (en)" and "content/about.md"'),
        ("series", "/feed.xml/", '"the list of series (en)" and "the feed (en)"'),
    ],
)
def test_where_it_would_stand_on_another_page_is_told(tmp_path: Path, name: str, path: str, clash: str) -> None:
    blog = Blog(tmp_path)
    blog.set("taxonomies", name, {"title": "T"} | ({"path": path} if path else {}))
    blog.page("about.md", "text")
    for number in range(3):
        blog.page(f"posts/p{number}.md", "text", **{name: '["2"]'})
    assert any(message.startswith(clash) for message, *_ in told_of(blog)), told_of(blog)


@pytest.mark.parametrize("name", ["class", "terms", "typ", "x-y_1", "home", "posts"])
def test_its_name_may_be_any_other_word(tmp_path: Path, name: str) -> None:
    """Also one of Python's, and one that this code uses itself."""
    blog = Blog(tmp_path)
    blog.set("taxonomies", name, {"title": "T", "path": "/t/"})
    blog.page("posts/a.md", "text", **{name: "[One]"})
    built(blog)
    assert 'class="kind-term"' in text(blog, "t/one/index.html")
