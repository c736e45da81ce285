"""Edits that are easily overlooked: what they change is far from where they are made, or looks like nothing.

Each is a few steps, with a build after each; every build equals a clean one, its faults too.
"""

import datetime as dt
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from sealpress.processes import workers
from ssg.build.build import build
from ssg.build.inputs import Request
from ssg.build.result import Built
from ssg.cache import last_build
from ssg.content.sources import Options
from ssg.rendering.output_kind import OutputFile
from ssg.rendering.plan import Renderer
from tests.ssg.blogs import Blog, files, told, tried

pytestmark = pytest.mark.long

Step = Callable[[Blog], None]
GIT = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]


@pytest.fixture(params=["changes apart", "always whole"])
def blog(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Blog:
    """A small site that keeps what it knows as a large one does, and as a small one."""
    monkeypatch.setattr(last_build, "_SMALL", 1000 if request.param == "changes apart" else 0)
    blog = Blog(tmp_path)
    for name in "abc":
        blog.page(f"posts/{name}.md", f"Post {name}.")
    blog.page("about.md", "About.")
    return blog


def expect_same(blog: Blog) -> None:
    clean = told(blog.clean())
    for _ in range(2):  # the second finds nothing changed
        assert told(blog.built()) == clean
    if isinstance(clean, tuple):
        assert files(blog.output) == files(blog.folder / "clean")


def setting(table: str, key: str, value: object) -> Step:
    return lambda blog: blog.set(table, key, value)


def page(path: str, body: str, **head: str) -> Step:
    return lambda blog: blog.page(path, body, **head)


def template(name: str, text: str) -> Step:
    return lambda blog: blog.write(f"templates/{name}", text)


def file(name: str, text: str) -> Step:
    return lambda blog: blog.write(name, text)


def options(**wanted: bool) -> Step:
    def step(blog: Blog) -> None:
        blog.options = Options(**wanted)

    return step


def clock(day: int) -> Step:
    def step(blog: Blog) -> None:
        blog.clock = dt.datetime(2026, 1, day, tzinfo=dt.UTC)

    return step


def own_theme(blog: Blog) -> None:
    blog.own_theme()
    blog.set("site", "theme", "own")
    blog.write("own/static/x.css", "a {}")


def link_to_the_style_sheet(blog: Blog) -> None:
    (name,) = [name for name in files(blog.output) if name.startswith("assets/x.")]
    blog.page("about.md", f"[sheet](/{name})")


STORIES: Mapping[str, list[Step]] = {
    "typography of a menu's titles": [
        setting("menus", "main", [{"title": "It's", "url": "/tags/"}]),
        setting("markdown", "typography", value=False),
    ],
    "a fault's line below a longer head": [
        page("about.md", "Fine.", **{"# a comment": "x"}),
        page("about.md", "[x](nowhere.md)", **{"# a comment": "x"}),
    ],
    "a dead link in a draft that is asked for": [
        page("about.md", "[x](nowhere.md)", draft="true"),
        options(drafts=True),
        page("about.md", "Mended.", draft="true"),
        options(drafts=False),
    ],
    "a dead link in a page that the clock brings": [
        clock(6),
        page("about.md", "[x](nowhere.md)", date="2026-01-07"),
        clock(8),
        clock(6),
        options(future=True),
    ],
    "a link to a theme's file, which gets another name": [
        own_theme,
        link_to_the_style_sheet,
        file("own/static/x.css", "b {}"),
    ],
    "a link to an anchor that goes": [
        page("about.md", "## Part"),
        page("posts/a.md", "[x](../about.md#part)"),
        page("posts/b.md", "Else."),
        page("about.md", "## Other"),
        page("posts/a.md", "No link."),
        page("about.md", "## Again"),
    ],
    "an anchor in a translation that comes": [
        page("about.md", "## Part"),
        page("posts/a.fr.md", "[x](../about.md#part)"),
        page("about.fr.md", "## Partie"),
    ],
    "an included template that says None": [
        template("404.html", "{% include 'x.html' ignore missing %}"),
        template("x.html", "None"),
        lambda blog: (blog.root / "templates/x.html").unlink(),
    ],
    "which of many faults comes first": [
        template("base.html", "{{ page.title }}"),
        template("404.html", "{% extends 'base.html' %}"),
        template("base.html", "{{ nope }}"),
        template("base.html", "{{ page.url }}"),
    ],
    "a template's own text as an argument": [
        template(
            "404.html", "{% set n %}style.css{% endset %}{{ asset(n) }}{{ site.posts(tag=n, limit=4 / 2) | length }}"
        ),
        template("post.html", "{{ asset('style.css') }}"),
        page("posts/a.md", "Other."),
    ],
    "a template that asks with what is no text": [
        template("post.html", "{{ site.posts(tag=page.tags[0]) | length }}"),
        template("post.html", "{{ site.posts(tag=['red']) | length }}"),
        template("post.html", "{{ site.posts(limit=1.5) | length }}"),
        template("post.html", "{{ site.posts(tag='red') | length }}"),
    ],
    "a cycler in a file of macros": [
        template("own.html", '{% set c = cycler("odd", "even") %}{% macro row() %}{{ c.next() }}{% endmacro %}'),
        template("post.html", '{% import "own.html" as own %}{{ own.row() }}{{ page.content }}'),
        page("posts/b.md", "Other."),
    ],
    "interface strings that conversions hold": [
        page("about.md", "## Part\n\nText.[^1]\n\n[^1]: Note."),
        file("i18n/en.toml", 'heading_link = "Link to {title}"\nfootnote_back = "Back"\n'),
        file("i18n/en.toml", 'heading_link = "Go to {title}"\nfootnote_back = "Back"\n'),
    ],
    "a translated option of the theme": [
        setting("theme", "footer", "It's"),
        setting("theme", "footer", {"en": "E", "fr": "F"}),
        setting("theme", "footer", {"en": "E", "fr": "G"}),
    ],
    "a tag's spelling, which its first post gives": [
        page("posts/a.md", "A.", tags="[Red]", date="2026-01-01"),
        page("posts/a.md", "A.", tags="[RED]", date="2026-01-09"),
        page("posts/a.md", "A.", tags="[blue]"),
    ],
    "a page that a broken one hides": [
        page("posts/a.md", "A.", tilte="x"),
        page("posts/b.md", "Else."),
        page("posts/a.md", "A."),
    ],
    "the language of a page that says none": [
        page("about.md", "## It's\n\nText.[^1]\n\n[^1]: Note."),
        setting("site", "default_language", "fr"),
        setting("site", "default_language", None),
    ],
    "a data file that goes and comes back as another": [
        file("data/word.toml", 'word = "red"'),
        template("page.html", '{{ site.data.get("word", {}).get("word", "none") }}'),
        lambda blog: (blog.root / "data/word.toml").unlink(),
        file("data/word.toml", 'word = "tan"'),
        file("data/word.toml", "word = 'tan'"),
    ],
    "a broken data file that nobody asks for": [
        file("data/word.toml", 'word = "red"'),
        file("data/word.toml", "word"),
        page("about.md", "Other."),
        file("data/word.toml", 'word = "red"'),
    ],
    "two data files of one name": [
        file("data/word.toml", 'word = "red"'),
        file("data/word/word.yaml", "word: tan"),
        lambda blog: (blog.root / "data/word.toml").unlink(),
    ],
    "another folder of data, with a fault in it": [
        file("content/a.yaml", "a: 1"),
        file("content/b.yaml", "a"),
        setting("build", "data", "content"),
        file("content/b.yaml", "a: 2"),
        setting("build", "data", None),
    ],
    "data that the top of a file of macros reads": [
        file("data/word.yaml", "word: red"),
        template("own.html", "{% set all = site.data %}{% macro word() %}{{ all.word.word }}{% endmacro %}"),
        template("page.html", '{% import "own.html" as own %}{{ own.word() }}'),
        file("data/word.yaml", "word: tan"),
        file("data/word.yaml", "other: tan"),
    ],
    "the whole of a site in another order": [
        setting("site", "languages", ["fr", "en"]),
        setting("site", "default_language", "en"),
        setting("site", "languages", ["en"]),
    ],
}


@pytest.mark.parametrize("story", STORIES)
def test_a_build_overlooks_nothing(story: str, blog: Blog) -> None:
    expect_same(blog)
    for step in STORIES[story]:
        step(blog)
        expect_same(blog)


@pytest.mark.parametrize("name", ["posts", "posts/a", "about"])
def test_a_folder_that_was_moved_and_linked_stops_the_build(name: str, blog: Blog) -> None:
    """What stands behind the link is just what the build would write."""
    expect_same(blog)
    (blog.output / name).replace(blog.folder / "copy")
    (blog.output / name).symlink_to(blog.folder / "copy")
    (blog.folder / "copy/index.html").chmod(0o600)
    for _ in range(2):
        assert f"no build wrote {name} in" in str(told(blog.built()))
    assert (blog.output / name).is_symlink()
    assert (blog.folder / "copy/index.html").stat().st_mode & 0o777 == 0o600
    (blog.output / name).unlink()
    expect_same(blog)


@pytest.mark.parametrize("name", ["store", "store/builds", "store/packs"])
def test_a_store_that_can_t_be_written_costs_only_time(name: str, blog: Blog) -> None:
    (blog.folder / name).parent.mkdir(exist_ok=True)
    (blog.folder / name).write_text("in the way")
    expect_same(blog)


def test_a_worker_that_is_killed_while_it_renders_costs_only_time(blog: Blog, monkeypatch: pytest.MonkeyPatch) -> None:
    clean = told(blog.clean())
    parent, real = os.getpid(), Renderer.make

    def make(self: Renderer, file: OutputFile) -> object:
        made = real(self, file)
        if os.getpid() != parent and "tags" in file.path:
            os.kill(os.getpid(), signal.SIGKILL)
        return made

    monkeypatch.setattr(Renderer, "make", make)
    monkeypatch.setattr(workers, "ALONE", 2)
    monkeypatch.setattr(workers, "_SLICES", 2)  # large ones: the killed one has written files before
    blog.workers = 2
    assert told(blog.built()) == clean
    assert files(blog.output) == files(blog.folder / "clean")


def test_a_commit_that_changes_only_dates_is_seen(blog: Blog) -> None:
    """With git_dates, what git tells of a file is an input though the file is the same."""
    blog.set("build", "git_dates", value=True)
    subprocess.run([*GIT, "init", "-q"], cwd=blog.root, check=True, timeout=60)

    def commit(day: int) -> None:
        when = f"2026-02-0{day}T10:00:00Z"
        dates = {"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
        for command in (["add", "-A"], ["commit", "-qm", f"Day {day}", "--allow-empty"]):
            subprocess.run([*GIT, *command], cwd=blog.root, env={**os.environ, **dates}, check=True, timeout=60)

    def same() -> Built:
        shutil.rmtree(blog.folder / "clean", ignore_errors=True)
        request = blog.request(blog.output, blog.store)
        clean = tried(lambda: build(Request(request.site, blog.folder / "clean")))
        result = tried(lambda: build(Request(request.site, blog.output, store=blog.store)))
        assert told(result) == told(clean)
        assert isinstance(result, Built)
        return result

    commit(1)
    first = same()
    commit(2)
    assert same().as_of != first.as_of
    before = (blog.root / "content/about.md").read_text("utf-8")
    blog.page("about.md", "Other.")
    commit(3)
    (blog.root / "content/about.md").write_text(before, encoding="utf-8")
    same()
    commit(4)
    assert same().tree.digest != first.tree.digest  # the same text, but changed since
