"""sealpress as people install it: by pipx, by uv, by pip into an environment; then its commands, as they type them."""

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.docs.pages import CONTENT, blocks
from tests.docs.test_readme import clone
from tests.needs import unavailable

FROM_GIT = (
    "pipx install git+https://git.example.org/sealpress.git",
    "python -m pip install git+https://git.example.org/sealpress.git",
)
FROM_A_CLONE = "uv tool install ."

SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "bash_source"),
    "zsh": (["zsh", "-f", "-i"], "zsh_source"),
    "fish": (["fish", "--no-config", "-i"], "fish_source"),
}
REFERENCE = CONTENT / "docs/reference/index.md"


@pytest.mark.network
@pytest.mark.timeout(400)
@pytest.mark.parametrize("command", [*FROM_GIT, FROM_A_CLONE])
def test_each_way_gives_all_commands(command: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    clone(source)
    environment = surroundings(tmp_path, source)
    # As setup-python and the image of a container have it: `python` is one that belongs to nobody else.
    run([sys.executable, "-m", "venv", tmp_path / "tools"], environment)
    tool = command.split(maxsplit=1)[0]
    if tool != "python":
        run([tmp_path / "tools/bin/python", "-m", "pip", "install", "--quiet", tool], environment)
    run(["sh", "-c", command], environment, source)
    told = run(["sh", "-c", "command -v ssg"], environment)
    assert told.startswith(str(tmp_path)), told
    assert run(["ssg", "--version"], environment).startswith("sealpress ")
    assert "Usage: publish [TARGET] [OPTIONS]" in run(["publish", "--help"], environment)
    assert "Usage: imagebake" in run(["imagebake", "--help"], environment)
    python = Path(told.strip()).read_text().splitlines()[0].removeprefix("#!").split(maxsplit=1)[0]
    for name in ("ssg", "imagebake", "publish"):
        assert f"Usage: python -m {name}" in run([python, "-m", name, "--help"], environment)
    run(["ssg", "init", "blog"], environment)
    assert run(["ssg", "build", "--dirty"], environment, tmp_path / "blog").startswith("Built ")


def surroundings(folder: Path, source: Path) -> dict[str, str]:
    """A fresh user's. What was fetched for this user before need not be again; git finds the clone at the address."""
    home = folder / "home"
    home.mkdir()
    address = FROM_GIT[0].rpartition("git+")[2]
    (home / ".gitconfig").write_text(
        f'[url "file://{source}"]\ninsteadOf = {address}\n[user]\nname = A\nemail = a@example.org\n'
    )
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GIT_", "VIRTUAL_ENV"))}
    path = f"{folder}/tools/bin:{home}/.local/bin:/usr/bin:/bin"
    return kept | {
        "HOME": str(home),
        "PATH": path,
        "PIP_CACHE_DIR": str(cache / "pip"),
        "UV_CACHE_DIR": str(cache / "uv"),
        "TERM": "dumb",
    }


def run(command: list[str | Path], environment: Mapping[str, str], folder: Path | None = None) -> str:
    done = subprocess.run(
        command,
        cwd=folder or Path(environment["HOME"]).parent,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_the_tab_key_completes_commands(shell: str, tmp_path: Path) -> None:
    """Typed on a terminal, set up as the reference says: half a word and the tab key."""
    command, kind = SHELLS[shell]
    if not shutil.which(shell):
        unavailable(f"needs Debian's {shell}")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"HOME": str(tmp_path), "PATH": path, "TERM": "dumb"}
    (block,) = (one for one in blocks(REFERENCE) if one.language == "bash")
    lines = block.text.replace("bash_source", kind)
    if shell == "fish":
        lines = "".join(f"_{name.upper()}_COMPLETE=fish_source {name} | source\n" for name in ("ssg", "publish"))
        assert lines.splitlines()[0] in REFERENCE.read_text("utf-8")
    if shell == "zsh":
        lines = f"autoload -Uz compinit; compinit -u\n{lines}"
    (tmp_path / f"begin.{shell}").write_text(lines)
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(tmp_path)
        os.execvpe(command[0], command, environment)
    try:
        os.write(terminal, f". ./begin.{shell}; echo rea''dy\n".encode())
        heard(terminal, "ready")
        for typed, wanted in (("ssg prev\t", "iew"), ("publish doc\t", "tor"), ("publish hook inst\t", "all")):
            os.write(terminal, typed.encode())
            heard(terminal, typed.rstrip("\t").rpartition(" ")[2] + wanted)
            os.write(terminal, b"\x15")  # takes the line away
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)


def heard(terminal: int, wanted: str, seconds: float = 30.0) -> None:
    """Reads until a terminal has shown it, without what moves and colours it."""
    end, shown = time.monotonic() + seconds, ""
    while wanted not in shown:
        assert select.select([terminal], [], [], max(0.0, end - time.monotonic()))[0], shown
        shown += os.read(terminal, 1 << 16).decode("utf-8", "replace")
