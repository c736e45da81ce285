"""A kind of output is declared in one place, as here: it is built, kept, made anew and explained like ssg's own."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sealpress.config import sitefile
from sealpress.processes import workers as pool
from ssg.build.build import build
from ssg.build.result import Built
from ssg.build.stale import CODE, NEW
from ssg.cache.store import folder_of
from ssg.explain import text, why
from ssg.rendering import plan
from ssg.rendering.output_kind import OutputFile, OutputKind, Rendering
from ssg.rendering.queries.site_queries import SiteQueries
from tests.ssg.blogs import Blog, files, told

INDEX, HELLO = "search.en.json", "hello/index.html"


def search(code: str = "1", found: Callable[[str], str] = str) -> OutputKind:
    """An index for searches in each language: the titles of its pages by their addresses, made by some `code`."""

    def of_languages(queries: SiteQueries) -> Iterator[OutputFile]:
        for language in queries.languages():
            yield OutputFile(f"search.{language}.json", kind, language, f"the search index ({language})")

    def index(rendering: Rendering, file: OutputFile) -> bytes:
        site = rendering.queries
        sources = [name for name, is_page in site.subjects() if is_page and site.language(name) == file.subject]
        return json.dumps({site.path(one): found(site.title(one)) for one in sources}).encode()

    kind = OutputKind(name="search", code=code, files=of_languages, make=index)
    return kind


def hello(html: str, **others: object) -> OutputKind:
    """One page that no template makes."""

    def page(_queries: SiteQueries) -> Iterator[OutputFile]:
        yield OutputFile(HELLO, kind, "", "the greeting")

    kind = OutputKind(name="hello", files=page, make=lambda _rendering, _file: html.encode(), **others)
    return kind


@pytest.fixture
def blog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Blog:
    """Small, but taken for one that is worth it to look for files in the store."""
    monkeypatch.setattr(pool, "ALONE", 2)
    blog = Blog(tmp_path, kinds=[search()])
    for number in range(1, 5):
        blog.page(f"posts/p{number}.md", f"Body {number}, [the first](p1.md).", title=f"Post {number}")
    blog.page("about.md", "About.")
    blog.page("about.fr.md", "Sur.", title="Sur")
    return blog


def built(blog: Blog) -> Built:
    """A build, whose tree is that of a clean one."""
    clean, result = blog.clean(), blog.built()
    assert told(result) == told(clean)
    assert isinstance(result, Built)
    assert files(blog.output) == files(blog.folder / "clean")
    return result


def titles(blog: Blog, language: str = "en") -> dict[str, str]:
    found: dict[str, str] = json.loads((blog.output / f"search.{language}.json").read_text("utf-8"))
    return found


def times(blog: Blog, *paths: str) -> list[int]:
    return [(blog.output / path).stat().st_mtime_ns for path in paths]


def test_it_is_built(blog: Blog) -> None:
    tree = built(blog).tree
    assert titles(blog) == {"/about/": "about"} | {f"/posts/p{one}/": f"Post {one}" for one in range(1, 5)}
    assert titles(blog, "fr") == {"/fr/about/": "Sur"}
    assert {file.media_type for file in tree.entries if file.path == INDEX} == {"application/json"}


def test_it_is_made_anew_for_what_it_asked_and_for_nothing_else(blog: Blog) -> None:
    built(blog)
    before = times(blog, INDEX, "search.fr.json")
    blog.body("posts/p2.md", "Another body.")
    built(blog)
    assert times(blog, INDEX, "search.fr.json") == before
    blog.page("posts/p2.md", "Another body.", title="Renamed")
    built(blog)
    assert titles(blog)["/posts/p2/"] == "Renamed"
    assert times(blog, "search.fr.json") == before[1:]
    blog.page("posts/p5.md", "New.", title="New")
    built(blog)
    assert titles(blog)["/posts/p5/"] == "New"
    (blog.root / "content/posts/p5.md").unlink()
    built(blog)
    assert "/posts/p5/" not in titles(blog)


@pytest.mark.parametrize("workers", [1, 2])
def test_it_comes_from_the_store_where_it_may(workers: int, blog: Blog) -> None:
    blog.workers = workers
    made: list[str] = []
    blog.kinds = [search(found=lambda title: made.append(title) or title)]
    built(blog)
    kept = [replace(blog, place="second").built(), replace(blog, place="third", kinds=[search()]).built()]
    assert [one.made for one in kept if isinstance(one, Built)] == [kept[0].made] * 2
    blog.workers = 1
    made.clear()
    blog.place = "fourth"
    assert isinstance(blog.built(), Built)
    assert made == []
    shutil.rmtree(blog.output)
    blog.kinds = [replace(blog.kinds[0], is_reusable=False)]
    assert isinstance(blog.built(), Built)
    assert len(made) == 6


@pytest.mark.parametrize("is_lost", [False, True])
def test_other_code_makes_it_anew_and_nothing_else(is_lost: bool, blog: Blog) -> None:
    """Neither the last build nor the store answers for it; both do for all the rest."""
    first = built(blog)
    if is_lost:
        shutil.rmtree(blog.output)
    blog.kinds = [search("2", str.upper)]
    second = built(blog)
    assert titles(blog)["/about/"] == "ABOUT"
    assert second.kept == (len(first.files) - 5 if is_lost else 0)
    assert second.made == (5 if is_lost else 2)
    third = built(blog)
    assert (third.made, third.kept) == (0, 0)
    blog.kinds = [search()]
    assert built(blog).made + built(blog).kept == 2
    assert titles(blog)["/about/"] == "about"


def test_it_comes_and_goes_with_its_kind(blog: Blog) -> None:
    """As a plugin is switched on and off: nothing else is made anew for it."""
    blog.kinds = []
    built(blog)
    before = files(blog.output)
    blog.kinds = [search()]
    assert built(blog).made == 2
    assert files(blog.output).keys() - before.keys() == {INDEX, "search.fr.json"}
    blog.kinds = []
    assert built(blog).made == 0
    assert files(blog.output) == before


def test_ssg_why_tells_of_it(blog: Blog) -> None:
    site = sitefile.load(blog.root / "site.toml", "site.toml")

    def make() -> None:
        build(replace(blog.request(blog.output, folder_of(blog.root)), in_git=True))

    def shown(path: str = INDEX) -> str:
        found = why.asked(site, blog.output, path, kinds=blog.kinds)
        assert json.loads(json.dumps(found.data()))
        return "\n".join(" ".join(line.split()) for line in text.lines(found, 200, whole=True))

    make()
    assert "the search index (en), " in shown()
    assert "served at /search.en.json" in shown()
    assert "content/about.md title, path, language" in shown()
    assert "Source:" not in shown()
    assert f"{INDEX} title, path, language" in shown("content/about.md")
    blog.page("about.md", "About.", title="Renamed")
    make()
    assert shown().endswith("Last made anew because\ncontent/about.md title")
    blog.kinds = [replace(search("2"), words=lambda origin, _source: f"all titles: {origin}", tools=())]
    make()
    assert "all titles: the search index (en)" in shown()
    assert "Tools" not in shown()
    assert shown().endswith(f"Last made anew because\n{CODE}")
    blog.kinds = [*blog.kinds, hello("<p>Hello</p>")]
    make()
    assert shown(HELLO).endswith(f"Last made anew because\n{NEW}")


def test_its_addresses_are_looked_at_unless_it_has_none(blog: Blog) -> None:
    blog.kinds = [hello('<a href="/about/">There</a><a href="#here" id="here">Here</a>')]
    built(blog)
    for html, said in (
        ('<a href="/nowhere/">', 'nothing on the site is at "/nowhere/", to which the greeting leads'),
        ('<p id="x"><p id="x"><a href="#x">', 'the greeting gets two things with the id "x"'),
    ):
        blog.kinds = [hello(html, code=html)]
        clean = told(blog.clean())
        assert told(blog.built()) == clean
        assert [message for message, *_ in clean] == [said]
        blog.kinds = [hello(html, code=f"{html}, unseen", has_addresses=False)]
        built(blog)


def test_two_kinds_of_one_name_are_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match=r"two kinds of output have one name: .*search, search"):
        plan.kinds([search(), search()])
    with pytest.raises(ValueError, match="one name"):
        plan.kinds([replace(search(), name="page")])
