"""README's steps do what they say: all its blocks, to the letter, as one script, from a clone in an empty folder."""

import os
import re
import subprocess
import textwrap
from pathlib import Path

import pytest

from imagebake.fetch import cache
from tests.alone import alone
from tests.mirrors import require_mirror

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
PREVIEW = """
ssg() {
  if [ "$1" != preview ]; then command ssg "$@"; return; fi
  command ssg "$@" >../preview 2>&1 &
  until grep '^Preview: ' ../preview; do sleep 0.1; kill -0 $!; done
  kill $!
  wait $!
}
"""  # A preview is ended as soon as it serves: nobody is there to type Ctrl-C.
OF_THE_CLONE = "make demo"  # and make test: what .ci/run runs
GIT = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]


def blocks() -> list[str]:
    """The indented and the fenced blocks, in their order."""
    found = re.findall(r"^(?:    .*\n|\n(?=    ))+|^```[a-z]*\n(?:.*\n)*?```$", README, re.MULTILINE)
    return [textwrap.dedent(re.sub(r"^```.*\n?", "", one, flags=re.MULTILINE)).strip("\n") + "\n" for one in found]


def script() -> str:
    first, *steps = blocks()
    assert first.startswith(OF_THE_CLONE)
    assert not any(one.startswith("make ") for one in steps)
    return "".join(steps)


def clone(folder: Path) -> Path:
    """The project as it stands, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=60,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and not name.startswith("tests/") and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "All"]):
        subprocess.run([*GIT, *command], cwd=folder, check=True, timeout=60)
    return folder


@pytest.mark.network
@pytest.mark.timeout(400)
def test_readme_s_blocks_run_to_the_letter_as_one_script(tmp_path: Path) -> None:
    """In a closed folder, as a fresh user; at the end nothing runs, and git holds what was written alone."""
    require_mirror()
    home = tmp_path / "a folder with spaces"
    home.mkdir(mode=0o700)
    (home / ".gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.org\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "GIT_"))}
    kept |= {"HOME": str(home), "SEALPRESS_STATE": str(tmp_path / "state"), "SEALPRESS_CACHE": str(cache.folder())}
    with alone("readme"):  # it names one port
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", PREVIEW + script()],
            cwd=clone(home / "sealpress"),
            env=kept,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
            check=False,
        )
    told = done.stdout.decode()
    assert done.returncode == 0, told
    assert "Preview: http://localhost:" in told
    assert "http://127.0.0.1:8090/ answers: generation 1" in told
    assert "<title>First post – Shed</title>" in told
    assert "http://127.0.0.1:8090/ answers: generation 2" in told
    assert "are served as they were built" in told
    assert "here is down" in told
    tracked = subprocess.run(["git", "ls-files"], cwd=home / "shed", check=True, capture_output=True, timeout=60)
    assert tracked.stdout.decode().splitlines() == [
        ".gitignore",
        "content/about.md",
        "content/posts/first-light.md",
        "content/posts/first-post.md",
        "imagebake.lock",
        "site.toml",
    ]
    status = subprocess.run(
        ["git", "status", "--short"], cwd=home / "shed", check=True, capture_output=True, timeout=60
    )
    assert not status.stdout


def test_what_the_blocks_name_is_there() -> None:
    """The first block's targets stand in the Makefile, and each link of the page leads to a file."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"\bmake ([a-z-]+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    prose = "".join(line for line in README.splitlines(keepends=True) if not line.startswith("    "))
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", prose):
        assert (ROOT / link).is_file(), link
