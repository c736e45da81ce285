"""`ssg init`: a blog that builds, in any folder that has none; nothing that was there is another afterwards."""

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sealpress.config import sitefile
from sealpress.problems import Exit, Problem
from ssg.authoring import starter
from ssg.authoring.starter import begin
from ssg.build.build import build
from ssg.build.inputs import Request

DAY = dt.date(2026, 5, 4)


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
        if ".git" not in path.parts
    }


@pytest.mark.parametrize("languages", [["en"], ["fr"], ["en", "fr"], ["fr", "en"], ["en", "en", "fr"]])
def test_it_builds_without_a_warning(tmp_path: Path, languages: list[str]) -> None:
    folder = tmp_path / "notes-from_the shed"
    blog = begin(folder, languages, DAY)
    assert blog.made_repository
    assert not blog.foreign
    site = sitefile.load(folder / "site.toml")
    assert site.settings.site.title == "Notes from the shed"
    assert list(site.settings.site.languages) == list(dict.fromkeys(languages))
    built = build(Request(site, tmp_path / "out", dirty=True, strict=True))
    assert dict(built.pages) == dict.fromkeys(dict.fromkeys(languages), 2)
    assert not built.warnings
    status = ["git", "-C", str(folder), "status", "--porcelain", "--untracked-files=all"]
    listed = subprocess.run(status, check=True, capture_output=True, timeout=60, text=True).stdout.splitlines()
    assert sorted(line[3:] for line in listed) == sorted(blog.files)


def test_pages_of_other_languages_are_english_and_said(tmp_path: Path) -> None:
    blog = begin(tmp_path / "x", ["en", "de", "fr-CA"], DAY)
    assert blog.foreign == ("de", "fr-CA")
    assert (tmp_path / "x/content/about.de.md").read_text() == (tmp_path / "x/content/about.md").read_text()
    assert "À propos" in (tmp_path / "x/content/about.fr-CA.md").read_text()


@pytest.mark.parametrize("name", ['a "b" \\ c', "\x07", "…", "été", "日記", "{title}", "#"])
def test_any_folder_s_name_gives_a_title(tmp_path: Path, name: str) -> None:
    begin(tmp_path / name, ["en"], DAY)
    assert sitefile.load(tmp_path / name / "site.toml").settings.site.title.strip()


def test_a_repository_that_is_there_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"NAME": "A", "EMAIL": "a@example.org"}.items():
        monkeypatch.setenv(f"GIT_COMMITTER_{name}", value)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True, timeout=60)
    (tmp_path / ".gitignore").write_text("mine\n")
    (tmp_path / "notes.txt").write_text("mine\n")
    blog = begin(tmp_path, ["en"], DAY)
    assert not blog.made_repository
    assert (tmp_path / ".gitignore").read_text() == (tmp_path / "notes.txt").read_text() == "mine\n"
    assert ".gitignore" not in blog.files
    assert not begin(tmp_path.parent / f"{tmp_path.name}-2", ["en"], DAY).unnamed


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ("site.toml", "there is a blog already"),
        ("../site.toml", "there is a blog already"),
        ("content/about.md", "about.md is there already: nothing was written"),
        ("content/posts/first-post.md/x", "first-post.md is there already: nothing was written"),
        ("hugo.toml", "has a site already: this looks like a Hugo site"),
    ],
)
def test_what_is_there_is_never_written_over(tmp_path: Path, there: str, said: str) -> None:
    folder = tmp_path / "blog"
    (folder / there).parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(exist_ok=True)
    (folder / there).write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(Problem, match=said) as caught:
        begin(folder, ["en"], DAY)
    assert caught.value.code is Exit.USAGE
    assert tree(tmp_path) == before
    assert not (folder / ".git").exists()


@pytest.mark.parametrize("name", ["site.toml", "content", "content/posts", ".gitignore", "."])
def test_no_link_is_followed(tmp_path: Path, name: str) -> None:
    """A repository's links, or one that dangles, lead no file elsewhere."""
    folder, other = tmp_path / "blog", tmp_path / "other"
    other.mkdir()
    if name != ".":
        (folder / name).parent.mkdir(parents=True)
        subprocess.run(["git", "init", "-q", str(folder)], check=True, timeout=60)
        (folder / name).symlink_to(other / ("missing" if name.startswith((".g", "site")) else ""))
    else:
        folder.symlink_to(tmp_path / "missing")
    if name == ".gitignore":
        begin(folder, ["en"], DAY)
    else:
        with pytest.raises(Problem):
            begin(folder, ["en"], DAY)
    assert list(other.iterdir()) == []
    assert not (tmp_path / "missing").exists()


def test_a_file_is_no_folder_and_a_language_that_there_is_not_makes_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(Problem, match="is no folder"):
        begin(tmp_path / "file", ["en"], DAY)
    with pytest.raises(Problem, match='no language has the tag "xx"'):
        begin(tmp_path / "new", ["en", "xx"], DAY)
    assert tree(tmp_path) == {"file": b"mine"}


@pytest.mark.parametrize("at", range(6))
def test_all_of_it_or_nothing(tmp_path: Path, at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever file the disk refuses, or Ctrl-C comes at, what was made before it is taken back."""
    opened = Path.open
    count = 0

    def full(path: Path, mode: str = "r", **options: object) -> object:
        nonlocal count
        if mode == "x":
            count += 1
            if count > at:
                raise (OSError(28, "No space left on device", str(path)) if at % 2 else KeyboardInterrupt)
        return opened(path, mode, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(starter.Path, "open", full)
    with pytest.raises((Problem, KeyboardInterrupt)):
        begin(tmp_path / "a/b", ["en", "fr"], DAY)
    assert list(tmp_path.iterdir()) == []


def run(*arguments: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "EMAIL"))}
    return subprocess.run(
        [sys.executable, "-m", "ssg.cli", *arguments],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(Path(__file__).parents[3]), **more},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_command_says_the_next_ones(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    nobody = {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": str(home / ".gitconfig")}
    (home / ".gitconfig").write_text("[user]\nuseConfigOnly = true\n")
    done = run("init", "shed", "--lang", "en", "--lang", "fr", folder=tmp_path, **nobody)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1:] == [
        "Next:",
        "  cd shed",
        '  git config --global user.name "Your Name"',
        '  git config --global user.email "you@example.org"',
        '  git add -A && git commit -m "Begin"',
        "  publish",
    ]
    assert "git doesn't know yet who you are" in done.stderr
    again = run("init", folder=tmp_path / "shed", **nobody)
    assert again.returncode == Exit.USAGE
    assert "ssg new post adds to it" in again.stderr
    told = json.loads(run("init", "other", "--json", folder=tmp_path, **nobody).stdout)
    assert told["files"] == ["site.toml", "content/about.md", "content/posts/first-post.md", ".gitignore"]
    assert told["repository"] is True
