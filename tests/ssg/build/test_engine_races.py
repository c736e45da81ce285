"""Files that change while an engine looks at them."""

import os
import random  # noqa: TID251 - seeded
import subprocess
import sys
from pathlib import Path

import pytest

from ssg.build import inputs
from ssg.build.engine import Engine
from tests.ssg.blogs import Blog
from tests.ssg.build.test_engine import all_made, clean

PAGES = ["posts/p1.md", "posts/p2.md", "posts/p1.fr.md", "index.md"]
EDITS = 400

EDITOR = """
import pathlib, random, sys, time
root, seed, edits, *names = sys.argv[1:]
dice, pages = random.Random(int(seed)), {}
for name in names:
    page = pathlib.Path(root, name)
    pages[page] = page.read_text()
for number in range(int(edits)):
    page = dice.choice(list(pages))
    text, aside = f"{pages[page]}\\nEdit {number}.\\n", page.with_name(f".{page.name}.new")
    how = dice.choice(["delete", "delete", "put in its place", "put in its place", "write", "break", "move"])
    try:
        if how == "delete":
            page.unlink()
        elif how == "put in its place":
            aside.write_text(text)
            time.sleep(dice.choice([0, 0.002]))
            aside.replace(page)
        elif how == "write":
            page.write_text(text)
        elif how == "break":
            page.write_text("+++\\ntitle = [\\n")
        else:
            page.rename(page.with_name(f"moved{page.name}"))
            page.with_name(f"moved{page.name}").rename(page)
    except FileNotFoundError:
        continue
    time.sleep(dice.choice([0, 0.0005, 0.002, 0.01]))
for page, text in pages.items():
    page.write_text(text)
"""


@pytest.mark.parametrize("seed", range(3))
def test_an_engine_is_never_behind_an_editor_that_does_not_wait(seed: int, blog: Blog) -> None:
    blog.page("posts/p1.fr.md", "Le corps.")
    blog.page("index.md", "Home, and [a post](posts/p2.md).")
    blog.track()
    paths = [f"content/{page}" for page in PAGES]
    names = [*paths, *(f"content/posts/{how}{page}" for page in ("p1.md", "p2.md") for how in (".", "moved"))]
    names += [f"{one}.new" for one in names if "/." in one]
    editor = [sys.executable, "-c", EDITOR, str(blog.root), str(seed), str(EDITS), *paths]
    dice = random.Random(seed)
    with Engine.opened(blog.request(blog.output, blog.store)) as engine:
        engine.turn()
        with subprocess.Popen(editor) as edits:
            while edits.poll() is None:
                engine.turn(dice.sample(names, dice.randrange(1, len(names))), first=["index.html"])
                if dice.random() < 0.5:
                    list(engine.rest())
        assert edits.returncode == 0
        engine.turn(names)
        assert not engine.problems
        assert all_made(engine) == clean(blog)


@pytest.mark.parametrize("path", ["content/posts/p1.md", "templates/page.html", "static/robots.txt"])
def test_a_file_that_comes_back_while_another_is_looked_at_is_seen_in_the_same_turn(
    path: str, blog: Blog, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "content" not in path:
        blog.write(path, "first")
    blog.track()
    file = blog.root / path
    listed_anew = inputs._listed_anew

    def listed(*args: object) -> object:
        Path(file.with_name("kept")).replace(file)
        os.utime(file)
        return listed_anew(*args)  # type: ignore[arg-type]

    with Engine.opened(blog.request(blog.output, blog.store)) as engine:
        engine.turn()
        list(engine.rest())
        file.rename(blog.root / "kept")
        engine.turn({path})
        list(engine.rest())
        (blog.root / "kept").rename(file.with_name("kept"))
        blog.page("posts/new.md", "New.")
        with monkeypatch.context() as patch:
            patch.setattr(inputs, "_listed_anew", listed)
            engine.turn({"content/posts/new.md"})
        assert all_made(engine) == clean(blog)
