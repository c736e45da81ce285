"""Who follows the page on a language that the theme doesn't have, word by word, has a site in it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import CONTENT, Block, blocks

PAGE = CONTENT / "docs/how-to/translate.md"


def _blocks() -> list[Block]:
    start = PAGE.read_text("utf-8").split("\n").index("## A language that the theme doesn't have {#new}")
    return [block for block in blocks(PAGE) if block.line > start]


def _build(root: Path, code: int) -> str:
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(root.parent), "SEALPRESS_STATE": str(root / "state")}
    command = [str(Path(sys.executable).parent / "ssg"), "build"]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stderr
    return done.stderr


@pytest.mark.parametrize("tag", ["pl", "ja", "ar"])
def test_the_lines_that_an_error_gives_are_all_that_a_new_language_needs(tag: str, tmp_path: Path) -> None:
    for block in (block for block in _blocks() if block.title):
        file = tmp_path / block.title.replace(".pl.", f".{tag}.")
        file.parent.mkdir(exist_ok=True)
        file.write_text(block.text.replace('"pl"', f'"{tag}"'), encoding="utf-8")
    (tmp_path / "content/index.md").write_text("---\ntitle: The shed\n---\n\nText.\n", encoding="utf-8")
    said = _build(tmp_path, 3)
    named = re.search(r"^hint: put these lines into (\S+), translated", said, re.MULTILINE)
    assert named
    lines = said.split("\n")
    below = lines[next(n for n, line in enumerate(lines) if line.startswith("hint: ")) + 1 :]
    file = tmp_path / named[1]
    file.parent.mkdir()
    file.write_text("\n".join(below), encoding="utf-8")
    assert "interface strings are not translated" in _build(tmp_path, 3)
    file.write_text("\n".join(below).replace('""', f'"Word in {tag}"'), encoding="utf-8")
    _build(tmp_path, 0)
    page = (tmp_path / f"public/{tag}/index.html").read_text("utf-8")
    assert f"Word in {tag}" in page
    assert "Skip to content" not in page
