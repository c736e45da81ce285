"""Files that come and go while an engine stays: by name, and as a look at everything sees them."""

import os
import shutil
import subprocess

import pytest

from ssg.build.engine import Engine
from tests.ssg.blogs import Blog
from tests.ssg.build.test_engine import all_made, clean, must_not

COMING = {
    "a page": "content/posts/new.md",
    "a page of a folder, which others' paths hang on": "content/docs/index.md",
    "a file beside a page": "content/posts/p.txt",
    "a file for all": "static/robots.txt",
    "a template": "templates/page.html",
    "data": "data/people.json",
    "what git ignores": "content/posts/ignored.md",
    "a committed page": "content/posts/p1.md",
    "the translation of a page": "content/posts/p1.fr.md",
}


@pytest.mark.parametrize("path", COMING.values(), ids=COMING)
def test_single_files_come_and_go_without_a_look_at_everything(
    path: str, blog: Blog, monkeypatch: pytest.MonkeyPatch
) -> None:
    blog.write(".gitignore", "ignored*\n")
    blog.page("docs/x.md", "X.")
    blog.write("data/x.json", "{}")
    blog.track()
    file = blog.root / path
    with Engine.opened(blog.request(blog.output, blog.store)) as engine:
        engine.turn()
        list(engine.rest())
        for number in range(5):
            if file.exists():
                file.unlink()
            elif path.endswith(".md"):
                blog.page(path.removeprefix("content/"), f"New {number}.", slug=f"n{number}")
            else:
                blog.write(path, f'{{"a": {number}}}')
            with monkeypatch.context() as patch:
                patch.setattr("ssg.content.sources.discover", must_not)
                turn = engine.turn({path})
            assert not turn.problems
            assert bool(turn.left or turn.gone) != ("ignored" in path or "people" in path)
            assert all_made(engine) == clean(blog)


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("file", "content/sub/x.md"),
        ("file", "content/module/deep/x.md"),
        ("file", "content/posts/P1.md"),
        ("file", "content/posts/x\n.md"),
        ("file", "content/posts/.env"),
        ("file", "content/posts/x.md~"),
        ("file", "content/HEAD"),
        ("file", ".sealpress/cache/x"),
        ("file", "_posts/x.md"),
        ("link", "content/posts/link.md"),
        ("folder", "content/posts/folder.md"),
        ("folder", "static/own"),
        ("gone", "content/posts"),
        ("gone", "content"),
        ("gone", ".gitignore"),
    ],
)
def test_what_a_watcher_names_is_seen_as_a_look_at_everything_sees_it(kind: str, path: str, blog: Blog) -> None:
    for folder in ("content/sub", "content/module/deep"):
        (blog.root / folder).mkdir(parents=True)
    blog.write(".gitignore", "ignored*\n")
    blog.track()
    subprocess.run(["git", "init", "-q", blog.root / "content/module"], check=True, timeout=60)
    file, away = blog.root / path, blog.folder / "away"
    if kind == "gone":
        shutil.move(file, away)
        if path != "content":
            blog.page("x.md", "X.")
    request = blog.request(blog.output, blog.store)
    with Engine.opened(request) as told, Engine.opened(request) as looking:
        for number in range(5):
            if number and os.path.lexists(file):
                shutil.move(file, away)
            elif number and os.path.lexists(away):
                shutil.move(away, file)
            elif kind == "folder":
                blog.write(f"{path}/index.md", PAGE)
            elif kind == "link":
                file.symlink_to("p1.md")
            elif kind == "file":
                blog.write(path, PAGE)
            seen = [seen_by(told, {path}), seen_by(looking, None)]
            assert seen[0] == seen[1]


PAGE = "---\ntitle: X\ndate: 2026-01-09\n---\nX.\n"


def seen_by(engine: Engine, paths: set[str] | None) -> object:
    turn = engine.turn(paths)
    list(engine.rest())
    snapshot = engine.snapshot
    found = {path: snapshot.read(path) for path in snapshot.files}
    return found, list(map(str, engine.problems)), list(map(str, engine.warnings)), turn.is_whole, snapshot.left
