"""The engine that stays in memory: an edit, what is looked at first, the rest; and what is wrong, as a value."""

import gc
import threading
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

from sealpress.processes import workers
from ssg.build.engine import Engine, Interrupted
from ssg.build.prepare import Prepared, prepare
from ssg.cache.store import Store
from tests.ssg.blogs import Blog, files
from tests.ssg.build.conftest import POSTS


@pytest.fixture
def engine(blog: Blog) -> Iterator[Engine]:
    with Engine.opened(blog.request(blog.output, blog.store)) as opened:
        opened.turn()
        yield opened


def all_made(engine: Engine) -> dict[str, bytes | None]:
    """What the site is, once nothing is left."""
    list(engine.rest())
    assert not engine.left
    snapshot = engine.snapshot
    return {path: snapshot.read(path) for path in snapshot.files}


def clean(blog: Blog) -> dict[str, bytes]:
    """The same of a build that knows of no other."""
    built = blog.clean()
    assert not isinstance(built, list), built
    return files(blog.folder / "clean")


def test_nothing_is_made_where_nothing_changed(engine: Engine, blog: Blog) -> None:
    assert not engine.left
    assert not engine.overlay.made
    assert all_made(engine) == clean(blog)


def test_the_page_that_is_looked_at_comes_first(engine: Engine, blog: Blog) -> None:
    blog.body("posts/p2.md", "Another one.")
    turn = engine.turn({"content/posts/p2.md"}, first=["posts/p2/index.html"])
    assert turn.changed == ("posts/p2/index.html",)
    assert b"Another one." in (engine.snapshot.read("posts/p2/index.html") or b"")
    assert turn.left  # the lists that show it
    assert b"Another one." not in (engine.snapshot.read(min(turn.left)) or b"")
    assert set(engine.rest()) == turn.left
    assert all_made(engine) == clean(blog)


def must_not(*_arguments: object, **_options: object) -> NoReturn:
    raise AssertionError


def test_a_post_s_title_leaves_the_structure_as_it_is(
    engine: Engine, blog: Blog, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("ssg.build.structure.read_content", must_not)
        for title in ("Another title", '"A third one"\ndescription: of it\nparams:\n  x: 1'):
            blog.page("posts/p2.md", "Body 2.", title=title, date="2026-01-03")
            assert engine.turn({"content/posts/p2.md"}).left
            list(engine.rest())
    assert all_made(engine) == clean(blog)
    # Pages are sorted by theirs, and the same moment can be written in other ways.
    for name, head in (
        ("about.md", {"title": "Zebra"}),
        ("posts/p2.md", {"title": "Two", "date": "2026-01-03T00:00:00Z"}),
        ("posts/p2.md", {"title": "Three", "date": "2026-01-03T02:00:00+02:00"}),
        ("posts/p2.md", {"title": "Four", "date": "2026-01-09", "tags": "[a]"}),
    ):
        blog.page(name, "[tags](/tags/)\n\n## Part", **head)
        engine.turn({f"content/{name}"})
        assert all_made(engine) == clean(blog)


def test_a_file_of_a_moment_beside_a_page_takes_no_look_at_everything(
    engine: Engine, blog: Blog, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("ssg.build.inputs.list_sources", must_not)
        blog.body("posts/p2.md", "Another one.")
        assert engine.turn({"content/posts/p2.md", "content/posts/.p2.md.new", "content/posts/4913"}).left
    blog.page("posts/new.md", "New.", date="2026-01-08")
    assert engine.turn({"content/posts/new.md"}).left
    (blog.root / "content/posts/new.md").unlink()
    assert "posts/new/index.html" in engine.turn({"content/posts/new.md"}).gone
    assert all_made(engine) == clean(blog)


def test_templates_stay_compiled(engine: Engine, blog: Blog, monkeypatch: pytest.MonkeyPatch) -> None:
    blog.write("templates/about.html", "<p>{{ page.title }}</p>")
    blog.page("about.md", "One.", template="about.html")
    engine.turn({"content/about.md", "templates"}, first=["about/index.html"])
    monkeypatch.setattr("jinja2.Environment.compile", lambda *_, **__: pytest.fail("compiled again"))
    blog.page("about.md", "Two.", template="about.html", title="Other")
    turn = engine.turn({"content/about.md"}, first=["about/index.html"])
    assert turn.changed == ("about/index.html",)
    monkeypatch.undo()
    blog.write("templates/about.html", "<i>{{ page.title }}</i>")
    engine.turn({"templates/about.html"}, first=["about/index.html"])
    assert engine.snapshot.read("about/index.html") == b"<i>Other</i>"


def test_what_is_asked_for_is_made(engine: Engine, blog: Blog) -> None:
    blog.body("posts/p2.md", "Another one.")
    left = engine.turn({"content/posts/p2.md"}).left
    assert engine.make("posts/p2/index.html")
    assert not engine.make("posts/p2/index.html")
    assert engine.left == left - {"posts/p2/index.html"}


def test_nothing_is_written_but_into_the_store(engine: Engine, blog: Blog) -> None:
    before = files(blog.output)
    looks = {path: (blog.output / path).stat().st_mtime_ns for path in before}
    blog.page("posts/p2.md", "Another one.", title="Other")
    blog.page("posts/new.md", "New.")
    engine.turn({"content/posts/p2.md", "content/posts/new.md"})
    assert all_made(engine) == clean(blog)
    assert files(blog.output) == before
    assert {path: (blog.output / path).stat().st_mtime_ns for path in before} == looks


@pytest.mark.parametrize("made", range(POSTS))
def test_an_edit_cuts_in_wherever_the_rest_is(engine: Engine, blog: Blog, made: int) -> None:
    blog.set("site", "title", "Other")
    engine.turn({"site.toml"})
    rest = engine.rest()
    for _ in range(made):
        next(rest)
    rest.close()
    left = engine.left
    blog.body("posts/p2.md", "Another one.")
    turn = engine.turn({"content/posts/p2.md"}, first=["posts/p2/index.html"])
    assert left - turn.left <= {"posts/p2/index.html"}
    assert all_made(engine) == clean(blog)


@pytest.mark.parametrize("read", range(POSTS))
def test_reading_can_be_cut_off(engine: Engine, blog: Blog, read: int) -> None:
    for number in range(POSTS):
        blog.page(f"posts/p{number}.md", f"Again {number}.", title=f"T{number}", date=f"2026-01-0{number + 1}")
    looks = iter([False] * read + [True])
    before = engine.snapshot
    with pytest.raises(Interrupted):
        engine.turn({f"content/posts/p{number}.md" for number in range(POSTS)}, cut=lambda: next(looks))
    assert engine.snapshot == before
    engine.turn(set())
    assert all_made(engine) == clean(blog)


def test_a_fault_in_one_page_keeps_no_other_from_being_made(engine: Engine, blog: Blog) -> None:
    good = engine.snapshot.read("posts/p1/index.html")
    blog.write("content/posts/p1.md", "---\ntitle: [\n---\nBroken.")
    turn = engine.turn({"content/posts/p1.md"})
    assert [one.place and one.place.file for one in turn.problems] == ["content/posts/p1.md"]
    assert engine.snapshot.read("posts/p1/index.html") == good
    blog.body("posts/p2.md", "Another one.")
    turn = engine.turn({"content/posts/p2.md"}, first=["posts/p2/index.html"])
    assert turn.changed == ("posts/p2/index.html",)
    assert [one.place and one.place.file for one in turn.problems] == ["content/posts/p1.md"]
    blog.page("posts/p1.md", "Mended.")
    assert not engine.turn({"content/posts/p1.md"}).problems
    assert all_made(engine) == clean(blog)


def test_an_edit_beside_a_page_that_can_t_be_arranged_is_prepared_once(
    engine: Engine, blog: Blog, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = []

    def counted(*arguments: Any) -> Prepared:
        prepared.append(1)
        return prepare(*arguments)

    monkeypatch.setattr("ssg.build.engine.prepare", counted)
    blog.page("posts/new.md", "New.", date="2026-01-08", key="posts/p1")
    assert len(engine.turn().problems) == 1
    for number in range(3):
        prepared.clear()
        blog.body("posts/p2.md", f"Edit {number}.")
        turn = engine.turn({"content/posts/p2.md"}, first=["posts/p2/index.html"])
        assert turn.changed
        assert "the key" in str(turn.problems[0])
        assert len(prepared) == 1
    # Another page takes its key away, which mends the one that wanted it.
    blog.page("posts/p1.md", "Body 1.", date="2026-01-02", key="another")
    assert not engine.turn({"content/posts/p1.md"}).problems
    assert all_made(engine) == clean(blog)


@pytest.mark.parametrize(
    ("head", "body", "message"),
    [
        ({"date": ""}, "New.", "a post needs a date"),
        ({"key": "posts/p1"}, "New.", 'the key "posts/p1"'),
        ({"slug": "p1", "date": "2026-01-02"}, "New.", "both become"),
        ({}, "[x](nowhere.md)", "which is not there"),
    ],
)
def test_a_new_page_with_a_fault_keeps_no_other_from_being_made(
    engine: Engine, blog: Blog, head: dict[str, str], body: str, message: str
) -> None:
    blog.page("posts/z.md", body, **head)
    turn = engine.turn({"content/posts/z.md"})
    assert [message in one.message for one in turn.problems] == [True]
    blog.body("posts/p2.md", "Another one.")
    turn = engine.turn({"content/posts/p2.md"}, first=["posts/p2/index.html"])
    assert turn.changed == ("posts/p2/index.html",)
    assert [message in one.message for one in turn.problems] == [True]
    blog.page("posts/z.md", "Mended.")
    assert not engine.turn({"content/posts/z.md"}).problems
    assert all_made(engine) == clean(blog)


def test_a_broken_site_file_leaves_all_as_it_was(engine: Engine, blog: Blog) -> None:
    before = engine.snapshot
    good = (blog.root / "site.toml").read_text("utf-8")
    blog.write("site.toml", "[site\n")
    turn = engine.turn({"site.toml"})
    assert turn.is_whole
    assert turn.problems
    after = engine.snapshot
    assert (after.files, after.made, after.left) == (before.files, before.made, before.left)
    blog.body("posts/p2.md", "Another one.")
    assert engine.turn({"content/posts/p2.md"}).is_whole
    blog.write("site.toml", good)
    turn = engine.turn({"site.toml"})
    assert not turn.problems
    assert all_made(engine) == clean(blog)


@pytest.mark.parametrize("is_cut", [True, False])
def test_settings_are_read_again_before_the_first_turn_is_done(blog: Blog, is_cut: bool) -> None:
    """Which was cut, or at fault as a whole."""
    if not is_cut:
        blog.set("site", "theme", "nowhere")
    with Engine.opened(blog.request(blog.output, blog.store)) as engine:
        if is_cut:
            with pytest.raises(Interrupted):
                engine.turn(cut=lambda: True)
        else:
            assert engine.turn().is_whole
        blog.set("site", "theme", None)
        blog.set("site", "title", "Another")
        assert not engine.turn().problems
        assert all_made(engine) == clean(blog)


def test_a_template_at_fault_leaves_what_it_makes(engine: Engine, blog: Blog) -> None:
    good = engine.snapshot.read("about/index.html")
    blog.write("templates/page.html", "{{ page.nothing }}")
    turn = engine.turn({"templates/page.html"}, first=["about/index.html"])
    assert not turn.changed
    assert ["has no" in one.message for one in turn.problems] == [True]
    assert engine.snapshot.read("about/index.html") == good
    list(engine.rest())
    blog.write("templates/page.html", "{{ page.title }}")
    assert not engine.turn({"templates/page.html"}).problems
    assert all_made(engine) == clean(blog)


def test_a_file_that_was_changed_by_hand_is_made_anew(engine: Engine, blog: Blog) -> None:
    good = engine.snapshot.read("about/index.html")
    (blog.output / "about/index.html").write_text("Other.", encoding="utf-8")
    assert engine.snapshot.read("about/index.html") is None
    engine.make("about/index.html")
    assert engine.snapshot.read("about/index.html") == good


def test_an_engine_begins_where_nothing_was_built(tmp_path: Path) -> None:
    blog = Blog(tmp_path)
    blog.page("posts/a.md", "One.")
    with Engine.opened(blog.request(blog.output, None)) as engine:
        turn = engine.turn(first=["posts/a/index.html"])
        assert turn.changed == ("posts/a/index.html",)
        assert all_made(engine) == clean(blog)
    assert not blog.output.exists()


def test_a_new_file_is_seen_where_git_does_not_know_it(tmp_path: Path) -> None:
    """Preview is `--dirty`; these blogs are exports, of which every file counts."""
    blog = Blog(tmp_path)
    blog.page("posts/a.md", "One.")
    with Engine.opened(blog.request(blog.output, blog.store)) as engine:
        engine.turn()
        blog.page("posts/b.md", "Two.")
        engine.turn({"content/posts"})  # a folder was made: files in it are not named
        assert "posts/b/index.html" in engine.snapshot.files


def test_the_names_of_style_sheets_can_stay(blog: Blog) -> None:
    """So an edit of one makes no page anew; else its bytes are those that a build gives."""
    blog.own_theme()
    blog.set("site", "theme", "own")
    with Engine.opened(replace(blog.request(blog.output, blog.store), stable=True)) as engine:
        engine.turn()
        list(engine.rest())
        assert b'"/assets/style.css"' in (engine.snapshot.read("about/index.html") or b"")
        file = blog.root / "own/static/style.css"
        file.write_text(file.read_text("utf-8") + "\n/* other */\n", encoding="utf-8")
        turn = engine.turn({"own/static/style.css"}, first=["assets/style.css"])
        assert turn.changed == ("assets/style.css",)
        assert not turn.left
        made = clean(blog)
        name = next(path for path in made if path.startswith("assets/style."))
        assert engine.snapshot.read("assets/style.css") == made[name]


def test_the_store_stays_within_its_bound(blog: Blog) -> None:
    with Engine.opened(blog.request(blog.output, blog.store)) as engine:
        engine.store = Store(blog.store, limit=60_000)
        engine.turn()
        for number in range(40):
            blog.body("posts/p2.md", f"Edit {number}. " + "Many words. " * 400)
            engine.turn({"content/posts/p2.md"}, first=["posts/p2/index.html"])
            kept = blog.store.glob("[0-9a-f][0-9a-f]/*")
            packs = (blog.store / "packs").glob("*")
            assert sum(file.stat().st_size for file in [*kept, *packs]) <= 60_000
        assert all_made(engine) == clean(blog)


def test_earlier_turns_are_forgotten(engine: Engine, blog: Blog) -> None:
    """All that they knew: pages, lists, files."""
    turns = []
    for number in range(5):
        blog.page("posts/p2.md", "Body.", title=f"Title {number}", date="2026-01-03")
        engine.turn({"content/posts/p2.md"})
        list(engine.rest())
        assert engine._before
        turns.append(weakref.ref(engine._before.queries))
    gc.collect()
    assert [turn() is None for turn in turns] == [True, True, True, True, False]


def test_no_process_is_forked_while_threads_run() -> None:
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        with pytest.raises(AssertionError, match="thread"):
            list(workers.shared(len, list(range(100)), 2))
    finally:
        done.set()
        other.join()


def test_no_edit_of_many_is_lost_and_memory_stays_as_it_was(engine: Engine, blog: Blog) -> None:
    """Of bodies, titles and templates, some with the rest made behind them; what nobody asks any more is forgotten."""
    page = "posts/p2/index.html"
    held = []
    for number in range(400):
        words, path = f"Edit {number}.", "content/posts/p2.md"
        if number % 20 == 0:
            path = "templates/post.html"
            blog.write(path, f'{{% extends "base.html" %}}{{% block main %}}{words}{{% endblock %}}')
        elif number % 20 == 1:
            (blog.root / "templates/post.html").unlink()
            blog.body("posts/p2.md", words)
            engine.turn({"templates/post.html"})
        elif number % 5 == 2:
            blog.page("posts/p2.md", "Body.", title=words, date="2026-01-03")
        else:
            blog.body("posts/p2.md", words)
        turn = engine.turn({path}, first=[page])
        assert turn.changed == (page,)
        assert words.encode() in (engine.snapshot.read(page) or b"")
        if number % 3 == 0:
            assert list(engine.rest()) or not turn.left
        if number in {199, 399}:
            gc.collect()
            held.append((len(gc.get_objects()), engine.last.count, len(engine.overlay.made)))
    (objects, questions, made), after = held
    assert after[0] < 1.01 * objects
    assert after[1] <= 1.3 * questions
    assert after[2] == made
    assert all_made(engine) == clean(blog)


def test_a_file_that_takes_long_is_given_up_when_an_edit_comes(blog: Blog) -> None:
    with Engine.opened(blog.request(blog.output, blog.store)) as engine:
        engine.turn()
        list(engine.rest())
        blog.page("posts/new.md", "New.")
        engine.turn({"content/posts/new.md"})
        for path in engine.left - {"sitemap.xml"}:
            engine.make(path)
        for looks in range(1, POSTS):
            more = iter(range(looks))
            assert not list(engine.rest(lambda: next(more, None) is None))  # noqa: B023 - called at once
            assert engine.left == {"sitemap.xml"}
        assert list(engine.rest()) == ["sitemap.xml"]
        assert all_made(engine) == clean(blog)
