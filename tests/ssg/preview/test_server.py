"""The server of a preview by itself."""

import gc
import http.client
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sealpress.commands.console import Console
from ssg.build.engine import Engine
from ssg.build.prepare import Prepared, prepare
from ssg.build.structure import Structure
from ssg.preview import editor
from ssg.preview.server import PreviewServer, listening
from ssg.preview.session import Session
from tests.ssg.blogs import Blog


@contextmanager
def served(
    folder: Path, said: list[str], settled: Callable[[], None] = lambda: None, editor: tuple[str, ...] = ()
) -> Iterator[PreviewServer]:
    blog = Blog(folder)
    blog.page("index.md", "Home.")
    request = blog.request(blog.output, blog.store)
    session = Session(request, lambda _: Engine.opened(request), Console.standard(), lambda: None)
    with listening("127.0.0.1", (0,), session, settled, said.append, editor) as server:
        works = [threading.Thread(target=session.run), threading.Thread(target=server.serve_forever, args=(0.01,))]
        for work in works:
            work.start()
        try:
            yield server
        finally:
            session.stop()
            server.shutdown()
            for work in works:
                work.join()


def test_a_fault_of_its_own_is_told_in_a_line(tmp_path: Path) -> None:
    """And answered: the browser doesn't wait, and the next request is as good as any."""
    faults = [RuntimeError("two\nlines"), OSError(5, "the disk")]
    said: list[str] = []

    def settled() -> None:
        if faults:
            raise faults.pop(0)

    with served(tmp_path, said, settled) as server:
        answers = []
        for _ in range(3):
            connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=30)
            connection.request("GET", "/")
            answer = connection.getresponse()
            answers.append((answer.status, b"Home." in answer.read()))
            connection.close()
    assert answers == [(500, False), (500, False), (200, True)]
    _until(lambda: len(said) == 2)
    assert sorted(said) == [
        "a fault of the preview: OSError: [Errno 5] the disk",
        "a fault of the preview: RuntimeError: two\\x0alines",
    ]


def test_what_earlier_turns_left_behind_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, without Python's collector: it comes seldom, and then in mid-edit."""
    seen: list[weakref.ref[Structure]] = []

    def prepared(*arguments: Any) -> Prepared:
        found = prepare(*arguments)
        seen.append(weakref.ref(found.structure))
        return found

    def alive() -> int:
        return sum(one() is not None for one in seen)

    monkeypatch.setattr("ssg.build.engine.prepare", prepared)
    gc.disable()
    try:
        with served(tmp_path, []) as server:
            for number in range(15):
                (tmp_path / "blog/content/index.md").write_text(f"---\ntitle: Home\n---\nEdit {number}.\n")
                server.session.changed(frozenset({"content/index.md"}))
                assert f"Edit {number}.".encode() in (server.session.read("index.html") or b"")
                _until(lambda: alive() < 3)
            assert len(seen) >= 10
    finally:
        gc.enable()


KEEPS = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(repr(sys.argv[2:]))"


def test_a_source_is_opened_in_the_editor_for_pages_of_this_preview_alone(tmp_path: Path) -> None:
    """Nobody without its token, from another origin, for what is no source of the site, or by a link; and no shell."""
    opened, said = tmp_path / "opened", list[str]()
    with served(tmp_path, said, editor=(sys.executable, "-c", KEEPS, str(opened))) as server:
        root, port = tmp_path / "blog", server.server_address[1]
        (root / "content/$(touch x).md").write_text("---\ntitle: T\n---\n")
        server.session.changed(None)
        server.session.read("")
        mine = {"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}", "X-Sealpress-Token": server.token}

        def post(body: str, path: str = "/_sealpress/open", **headers: str | None) -> int:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            given = mine | {name.replace("_", "-"): text for name, text in headers.items()}
            connection.request("POST", path, body, {name: text for name, text in given.items() if text is not None})
            answer = connection.getresponse()
            connection.close()
            return answer.status

        for wrong in (
            {"X_Sealpress_Token": "x"},
            {"X_Sealpress_Token": None},
            {"X_Sealpress_Token": "\xff"},
            {"Origin": None},
            {"Origin": "null"},
            {"Origin": "http://localhost:1"},
            {"Origin": f"http://127.0.0.1:{port}"},
            {"Origin": f"https://localhost:{port}"},
            {"Origin": "http://evil.example", "Host": "evil.example"},
        ):
            assert post("content/index.md", **wrong) == 403, wrong
        for name in ("/etc/passwd", "../x", "content/nothing.md", "", "content", "content/../content/index.md"):
            assert post(name) == 404, name
        assert post("x" * 10_000) == 404
        assert post("content/index.md", path="/") == 405
        assert not opened.exists()
        for name in ("content/index.md", "content/$(touch x).md"):
            assert post(name) == 200
            assert _soon(opened) == repr([str(root / name)])
            opened.unlink()
        (root / "content/index.md").unlink()
        (root / "content/index.md").symlink_to("/etc/passwd")  # the site was not looked at since
        assert post("content/index.md") == 404
    assert said == []


def _soon(file: Path) -> str:
    _until(lambda: file.exists() and file.stat().st_size > 0)
    return file.read_text()


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_an_editor_that_fails_is_told(tmp_path: Path) -> None:
    said: list[str] = []
    editor.start(["/nowhere/editor"], tmp_path, said.append)
    assert said == ["can't start the editor /nowhere/editor: No such file or directory"]
    editor.start([sys.executable, "-c", "raise SystemExit(3)"], tmp_path, said.append)
    _until(lambda: len(said) == 2)
    assert said[1] == f"the editor {sys.executable} ended with exit code 3"


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, ()),
        ({"EDITOR": "gedit"}, ("gedit",)),
        ({"EDITOR": "vim", "VISUAL": "code --wait"}, ("code", "--wait")),
        ({"VISUAL": "'my editor' -n \"a b\""}, ("my editor", "-n", "a b")),
        ({"EDITOR": "vim"}, ()),
        ({"EDITOR": "/usr/bin/Vim.basic -u x"}, ()),
        ({"EDITOR": "gedit -nw"}, ()),
        ({"EDITOR": "nothing-of-the-kind"}, ()),
        ({"EDITOR": "gedit '"}, ()),
        ({"EDITOR": "  "}, ()),
    ],
)
def test_an_editor_that_needs_no_terminal(tmp_path: Path, environment: dict[str, str], words: tuple[str, ...]) -> None:
    for name in ("gedit", "code", "my editor", "vim"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o755)
    found = editor.of(environment | {"PATH": os.fspath(tmp_path)})
    assert found == ((os.fspath(tmp_path / words[0]), *words[1:]) if words else ())
