"""The system's git, as it is, with no settings but those that a test makes."""

import datetime as dt
import os
import subprocess
from pathlib import Path

import pytest

from sealpress.git import repository

DAY = dt.timedelta(days=1)
START = dt.datetime(2026, 5, 4, 10, tzinfo=dt.UTC)


class Repo:
    """A repository with one commit a day."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.day = START - DAY
        root.mkdir(parents=True, exist_ok=True)
        self.run("init", "-q", "-b", "main")

    def run(self, *arguments: str, **environment: str) -> str:
        when = self.day.isoformat()
        done = subprocess.run(
            [
                "git",
                "-c",
                "user.name=A",
                "-c",
                "user.email=a@example.org",
                "-c",
                "protocol.file.allow=always",
                *arguments,
            ],
            cwd=self.root,
            env={**os.environ, "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when, **environment},
            check=True,
            capture_output=True,
            timeout=60,
        )
        return os.fsdecode(done.stdout)

    def write(self, **files: str) -> None:
        for name, text in files.items():
            self.file(name.replace("_", "."), text)

    def file(self, name: str, text: str = "x\n") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def commit(self, **files: str) -> repository.Commit:
        self.write(**files)
        self.day += DAY
        self.run("add", "-A")
        self.run("commit", "-q", "--allow-empty", "-m", "x")
        found = self.found().head()
        assert found
        return found

    def found(self) -> repository.Repository:
        found = repository.discover(self.root)
        assert found
        return found


@pytest.fixture(autouse=True)
def _clean_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings but those that a test makes."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    (tmp_path / "home").mkdir()


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "repo")


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own configuration, empty."""
    file = tmp_path / "gitconfig"
    file.write_text("")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(file))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return file


class Trap:
    """A program that leaves a mark where it runs."""

    def __init__(self, folder: Path) -> None:
        self.mark = folder / "it-ran"
        self.program = folder / "trap.sh"
        self.program.write_text(f"#!/bin/sh\necho \"$@\" >> '{self.mark}'\ncat\n")
        self.program.chmod(0o755)

    @property
    def ran(self) -> str:
        return self.mark.read_text() if self.mark.exists() else ""


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    return Trap(tmp_path)
