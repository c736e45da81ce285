"""What was rendered before with the answers of today is not rendered again, wherever it goes."""

import shutil
from pathlib import Path

import pytest

from sealpress.processes import workers as pool
from ssg.build import reuse
from ssg.build.result import Built
from ssg.cache import software
from ssg.content.sources import Options
from ssg.rendering.plan import Renderer
from tests.ssg.blogs import Blog, files, told

NOT_RENDERED = ("assets/",)
TEMPLATE = '{{% extends "theme/base.html" %}}{{% block head %}}<i>{}</i>{{% endblock %}}'


@pytest.fixture
def blog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Blog:
    """Small, but taken for one that is worth it."""
    monkeypatch.setattr(pool, "ALONE", 2)
    blog = Blog(tmp_path)
    for number in range(1, 8):
        blog.page(f"posts/p{number}.md", f"Body {number}, [the first](p1.md).", date=f"2026-01-0{number}")
    blog.page("about.md", "About.")
    blog.page("about.fr.md", "Sur.")
    blog.write("static/word.txt", "word")
    return blog


def built(blog: Blog) -> Built:
    """A build, whose tree is that of a clean one."""
    clean = blog.clean()
    result = blog.built()
    assert told(result) == told(clean)
    assert isinstance(result, Built)
    assert files(blog.output) == files(blog.folder / "clean")
    return result


def rendered_files(blog: Blog) -> int:
    return sum(not path.startswith(NOT_RENDERED) and path != "word.txt" for path in files(blog.output))


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> None:
    """To be called once nothing may be rendered any more."""
    real = Renderer.make
    monkeypatch.setattr(
        Renderer,
        "make",
        lambda self, file: pytest.fail(f"{file.path} was rendered") if file.kind.is_reusable else real(self, file),
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_a_lost_output_folder_is_filled_again(workers: int, blog: Blog, request: pytest.FixtureRequest) -> None:
    blog.workers = workers
    first = built(blog)
    assert (first.kept, first.made) == (0, len(first.files))
    shutil.rmtree(blog.output)
    result = blog.built()
    assert isinstance(result, Built)
    assert result.kept == rendered_files(blog)
    assert result.made + result.kept == len(result.files) == result.written
    assert files(blog.output) == files(blog.folder / "clean")


def test_nothing_of_it_is_rendered(blog: Blog, request: pytest.FixtureRequest) -> None:
    built(blog)
    shutil.rmtree(blog.output)
    request.getfixturevalue("never")
    assert isinstance(blog.built(), Built)


def test_another_folder_gets_what_the_first_one_got(blog: Blog) -> None:
    built(blog)
    blog.place = "elsewhere"
    result = built(blog)
    assert result.kept == rendered_files(blog)
    assert isinstance(again := blog.built(), Built)
    assert (again.made, again.kept, again.written) == (0, 0, 0)


def test_another_folder_gets_edits_that_the_first_one_did_not_see(blog: Blog) -> None:
    built(blog)
    blog.place = "elsewhere"
    blog.body("posts/p3.md", "Edited.")
    blog.page("posts/p8.md", "New.", date="2026-01-08")
    result = built(blog)
    assert result.kept > 0
    assert result.made > 0


def test_back_on_the_first_branch_nothing_is_rendered(blog: Blog, request: pytest.FixtureRequest) -> None:
    """A template that all pages hang on is another one on the second branch."""
    blog.write("templates/base.html", TEMPLATE.format(1))
    built(blog)
    blog.write("templates/base.html", TEMPLATE.format(2))
    second = built(blog)
    assert second.kept < second.made
    blog.write("templates/base.html", TEMPLATE.format(1))
    clean = told(blog.clean())
    request.getfixturevalue("never")
    assert told(back := blog.built()) == clean
    assert isinstance(back, Built)
    assert back.kept > 0


def test_other_options_and_settings_are_other_answers(blog: Blog) -> None:
    blog.page("posts/d.md", "Draft.", date="2026-01-09", draft="true")
    built(blog)
    blog.place = "elsewhere"
    blog.options = Options(drafts=True)
    assert built(blog).kept > 0
    blog.place = "third"
    blog.set("site", "title", "Two")
    built(blog)


def test_what_is_damaged_in_the_store_is_rendered_again(blog: Blog) -> None:
    built(blog)
    shutil.rmtree(blog.output)
    for pack in blog.store.glob("packs/*.pack"):
        data = bytearray(pack.read_bytes())
        data[-1] ^= 1
        pack.write_bytes(data)
    assert built(blog).made > 0


def test_after_an_edit_of_the_software_nothing_is_taken(blog: Blog, monkeypatch: pytest.MonkeyPatch) -> None:
    built(blog)
    shutil.rmtree(blog.output)
    monkeypatch.setattr(software, "digest", lambda: "another")
    assert built(blog).kept == 0


def test_few_files_are_rendered_and_not_looked_for(blog: Blog) -> None:
    """An edit of a body: to look for its page would take longer than to render it."""
    built(blog)
    packs = set(blog.store.rglob("*"))
    blog.body("posts/p3.md", "Edited.")
    assert built(blog).kept == 0
    blog.body("posts/p3.md", "Body 3, [the first](p1.md).")
    assert built(blog).kept == 0
    assert set(blog.store.rglob("*")) - packs


def test_a_build_into_another_folder_says_that_nothing_was_there_before(blog: Blog) -> None:
    from ssg.cache.last_build import KeptOutput, Memory

    built(blog)
    blog.place = "elsewhere"
    built(blog)
    memory = Memory.of(blog.store, blog.output)
    last = memory.recall(memory.tree())
    assert last is not None
    assert {KeptOutput._make(one).because for one in last.outputs.values()} == {
        ("nothing was built into this folder before",)
    }


def test_another_softwares_build_is_no_help(blog: Blog, monkeypatch: pytest.MonkeyPatch) -> None:
    built(blog)
    blog.place = "elsewhere"
    monkeypatch.setattr(software, "looks", lambda: "as an upgrade leaves it")
    assert built(blog).kept == 0


def test_without_a_store_nothing_is_kept(blog: Blog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reuse.ReusableFiles, "keep", lambda *_: pytest.fail("kept"))
    assert isinstance(blog.clean(), Built)
