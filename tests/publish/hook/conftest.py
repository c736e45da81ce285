"""Fixtures of the hook's tests: a blog with a remote and the hook, and programs that run there as its user would."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.publish.hook.blogs import SITE, Run, commit

BIN = Path(sys.executable).parent


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\nname = A\nemail = a@example.org\n[init]\ndefaultBranch = main\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "SEALPRESS_"))}
    path = f"{BIN}:{os.environ['PATH']}"
    folders = {"XDG_STATE_HOME": str(tmp_path / "s"), "XDG_CACHE_HOME": str(tmp_path / "c")}
    return kept | {"HOME": str(home), "PATH": path, "GIT_CONFIG_NOSYSTEM": "1"} | folders


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    def running(*words: str, folder: Path, code: int | None = 0, stdin: str = "", **more: str) -> object:
        done = subprocess.run(
            words,
            cwd=folder,
            env=environment | more,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert code is None or done.returncode == code, done.stderr + done.stdout
        return done

    return running  # type: ignore[return-value]


@pytest.fixture
def blog(tmp_path: Path, run: Run) -> Path:
    """A blog with a remote "origin", which has its first commit, and the hook."""
    folder = tmp_path / "my blog"
    (folder / "content").mkdir(parents=True)
    (folder / "site.toml").write_text(SITE)
    (folder / "content/index.md").write_text("---\ntitle: A\n---\nHello\n")
    (folder / ".gitignore").write_text("/.sealpress/\n")
    run("git", "init", "-q", "--bare", str(tmp_path / "remote.git"), folder=tmp_path)
    run("git", "init", "-q", folder=folder)
    run("git", "remote", "add", "origin", str(tmp_path / "remote.git"), folder=folder)
    commit(folder, run)
    run("git", "push", "-q", "origin", "main", folder=folder)
    run("publish", "hook", "install", folder=folder)
    return folder
