"""A program that a repository names runs where the person who runs us has said so, and only that program there."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from sealpress.commands import generator
from sealpress.commands.console import SILENT, Silent
from sealpress.problems import Exit, Place, Problem

COMMAND = ("hugo", "--minify")
PLACE = Place("site.toml", 5, 11)


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEALPRESS_STATE", str(tmp_path / "state"))
    monkeypatch.delenv(generator.VARIABLE, raising=False)
    (tmp_path / "blog").mkdir()
    return tmp_path / "state"


def may(home: Path, command: tuple[str, ...] = COMMAND, *, allowed: bool = False) -> bool:
    try:
        generator.need_consent(command, home, PLACE, SILENT, allowed=allowed)
    except Problem:
        return False
    return True


def test_nobody_has_allowed_it_yet(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="and nobody has allowed that yet") as caught:
        generator.need_consent(COMMAND, tmp_path / "blog", PLACE, SILENT, allowed=False)
    assert (caught.value.code, caught.value.place) == (Exit.USAGE, PLACE)
    assert "--allow-command" in (caught.value.hint or "")
    assert "SEALPRESS_ALLOW_COMMAND=1" in (caught.value.hint or "")


def test_once_allowed_it_is_asked_no_more_for_that_folder_and_command(tmp_path: Path, state: Path) -> None:
    blog = tmp_path / "blog"
    assert may(blog, allowed=True)
    assert may(blog)
    (tmp_path / "link").symlink_to(blog)
    assert may(tmp_path / "link")
    assert not may(blog, ("hugo", "--minify", "&& evil"))
    assert not may(blog, ("hugo --minify",))
    (tmp_path / "other").mkdir()
    assert not may(tmp_path / "other")
    (file,) = (state / "commands").iterdir()
    assert str(blog) in file.read_text()
    assert (state / "commands").stat().st_mode & 0o077 == 0
    file.unlink()
    assert not may(blog)


def test_it_is_told_where_that_is_kept(tmp_path: Path, state: Path) -> None:
    told: list[str] = []

    class Notes(Silent):
        def note(self, text: str) -> None:
            told.append(text)

    generator.need_consent(COMMAND, tmp_path / "blog", PLACE, Notes(), allowed=True)
    assert told == [
        f"from now on it may run for {tmp_path}/blog; to forget that: rm {next((state / 'commands').iterdir())}"
    ]


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("", False), ("0", False), ("no", False)])
def test_ci_says_it_once(
    value: str, expected: bool, tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(generator.VARIABLE, value)
    assert may(tmp_path / "blog") is expected
    assert not state.exists()


def test_without_a_home_the_option_serves_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALPRESS_STATE", "/dev/null/nowhere")
    assert may(tmp_path / "blog", allowed=True)
    assert not may(tmp_path / "blog")


ASK = """\
import sys
from pathlib import Path
from sealpress.commands import generator
from sealpress.commands.console import SILENT
generator.need_consent(("evil\\x1b[2K", "--now"), Path(sys.argv[1]), None, SILENT, allowed=False)
print("ran")
"""


@pytest.mark.parametrize(
    ("answer", "ci", "runs"), [("y", "", True), ("n", "", False), ("", "", False), ("y", "1", False)]
)
def test_on_a_terminal_it_is_asked(answer: str, ci: str, runs: bool, tmp_path: Path) -> None:
    """Not under CI, where nobody answers. What is asked drives no terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", ASK, str(tmp_path / "blog")]
    environment = {**os.environ, "CI": ci}
    process = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, env=environment, text=True)
    os.close(theirs)
    os.write(ours, f"{answer}\n".encode())
    said, _ = process.communicate(timeout=60)
    shown = os.read(ours, 100_000)
    os.close(ours)
    assert ("ran" in said) is runs
    assert b"\x1b[2K" not in shown
    assert (b"Do you trust it to run" in shown) is (not ci)
    assert len(list((tmp_path / "state").rglob("commands/*"))) == runs
