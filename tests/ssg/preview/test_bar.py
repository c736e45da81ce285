"""What the bar at a page's foot says, and where it leads."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from sealpress.problems import Place
from ssg.build.engine import Engine
from ssg.content.sources import Options
from ssg.preview.bar import address, bar
from ssg.rendering.theme.theme import built_in_folder
from tests.ssg.blogs import Blog

NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
ALL = Options(drafts=True, future=True)


def bars(blog: Blog, *paths: str, has_editor: bool = False) -> list[Any]:
    blog.options = ALL
    with Engine.opened(blog.request(blog.output, blog.store)) as engine:
        engine.turn()
        list(engine.rest())
        assert engine.prepared
        return [bar(engine.prepared, engine.warnings, path, NOW, has_editor=has_editor) for path in paths]


def notes(blog: Blog, path: str) -> list[str]:
    (found,) = bars(blog, path)
    return list(found["notes"])


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    blog = Blog(tmp_path)
    for name in ("about.md", "about.fr.md", "posts/one.md", "posts/one.fr.md"):
        blog.page(name, "Words.")
    return blog


def test_nothing_to_say_but_where_the_source_is(blog: Blog) -> None:
    about, post, home, sheet, nowhere = bars(
        blog, "about/index.html", "fr/posts/one/index.html", "index.html", "style.css", "nothing.html"
    )
    assert (about["source"], about["notes"], about["warnings"]) == ("content/about.md", [], [])
    assert about["edit"] == f"vscode://file{blog.root}/content/about.md:4"
    assert (post["source"], post["notes"]) == ("content/posts/one.fr.md", [])
    assert (home, sheet, nowhere) == (None, None, None)


def test_a_draft_and_what_is_scheduled(blog: Blog) -> None:
    blog.page("posts/one.md", "Words.", draft="true", date="2026-06-02")
    blog.page("posts/one.fr.md", "Mots.", date="2026-05-02", updated="2026-06-02")
    assert notes(blog, "posts/one/index.html") == ["draft", "scheduled for 2026-06-02"]
    assert notes(blog, "fr/posts/one/index.html") == []


def test_translations_that_are_missing(blog: Blog) -> None:
    blog.set("site", "languages", ["en", "fr", "de"])
    blog.write("i18n/de.toml", (built_in_folder() / "plain/i18n/en.toml").read_text())
    assert notes(blog, "about/index.html") == ["not translated: de"]
    blog.page("posts/two.fr.md", "Mots.")
    assert notes(blog, "fr/posts/two/index.html") == ["not translated: en, de"]
    blog.set("site", "languages", ["en"])
    blog.page("posts/two.md", "Words.")
    assert notes(blog, "posts/two/index.html") == []


def test_translations_that_are_older(blog: Blog) -> None:
    """Than what the site's own language has: the other way round, it is only translated later."""
    blog.page("posts/one.md", "Words.", updated="2026-05-01")
    assert notes(blog, "posts/one/index.html") == ["older translations: fr"]
    assert notes(blog, "fr/posts/one/index.html") == ["older than what it translates: en"]
    blog.page("posts/one.fr.md", "Mots.", updated="2026-05-02")
    assert notes(blog, "posts/one/index.html") == notes(blog, "fr/posts/one/index.html") == []


def test_the_warnings_of_this_page(blog: Blog) -> None:
    blog.page("about.md", "```pyhton\nx\n```")
    about, other = bars(blog, "about/index.html", "posts/one/index.html")
    (one,) = about["warnings"]
    assert one["text"].startswith('content/about.md:4:4: no highlighting for "pyhton"')
    assert one["edit"].endswith("/content/about.md:4:4")
    assert other["warnings"] == []
    (about,) = bars(blog, "about/index.html", has_editor=True)
    assert (about["edit"], about["warnings"][0]["edit"]) == ("", "")


def test_an_address_holds_any_name(tmp_path: Path) -> None:
    found = address(tmp_path, Place('content/a b#?:1%"é.md', 3, 4))
    assert found == f"vscode://file{tmp_path}/content/a%20b%23%3F%3A1%25%22%C3%A9.md:3:4"
