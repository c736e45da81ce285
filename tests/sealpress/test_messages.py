"""A hostile name or value goes through each command and gives one message of ours, and no line of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = [["ssg.cli", "build"], ["imagebake.cli", "bake", "."], ["imagebake.cli", "lock"], ["publish.cli", "status"]]
HOSTILE = "a\\nerror: forged\\u2028error: too\\u001b[2J\\u202e\\u200b"


@pytest.mark.parametrize(
    "text",
    [
        f'[site]\ntitle = "T"\nurl = "https://e.example/"\n"{HOSTILE}" = 1\n',
        f'["{HOSTILE}"]\n[site]\ntitle = "T"\nurl = "https://e.example/"\n',
        f'[site]\ntitle = "T"\nurl = "{HOSTILE}"\n',
        f'[site]\ntitle = "T"\nurl = "https://e.example/"\nlanguages = ["{HOSTILE}"]\n',
        f'[site]\ntitle = "T"\nurl = "https://e.example/"\n[publish."{HOSTILE}"]\nhost = "local"\n',
        f'[site]\ntitle = "T"\nurl = "https://e.example/"\n[image.redirects]\n"/{HOSTILE}" = "/x/"\n',
    ],
    ids=["key", "table", "url", "language", "target", "redirect"],
)
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_what_site_toml_says_makes_no_line(tmp_path: Path, command: list[str], text: str) -> None:
    (tmp_path / "site.toml").write_text(text, encoding="utf-8")
    (tmp_path / "content").mkdir()
    (tmp_path / "content/index.md").write_text("---\ntitle: A\n---\n")
    module, *words = command
    done = subprocess.run(
        [sys.executable, "-P", "-m", module, *words, "--site", str(tmp_path / "site.toml")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in range(2, 12)
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    told = [line for line in lines if line.startswith("error:")]
    assert told
    assert all(line.startswith("error: site.toml:") for line in told)
    assert not {"\x1b", "\u2028", "\u202e", "\u200b"} & set(done.stderr + done.stdout)
