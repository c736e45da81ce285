"""Code that the pages show is code: it parses, and what is shown of site.toml would be taken."""

import ast
import json
import re
import subprocess
import tomllib
from dataclasses import fields
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from pip._internal.models.index import PyPI

from sealpress.config import sitefile
from sealpress.config.settings import Settings
from tests.docs.pages import CONTENT, blocks, name, pages

EVERY = [
    pytest.param(page, block, id=f"{name(page)}:{block.line}")
    for page in pages()
    for block in blocks(page)
    if block.language in {"python", "toml", "json", "bash"}
]
ROOT = CONTENT.parents[1]
TABLES = {field.name for field in fields(Settings)}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(("page", "block"), EVERY)
def test_a_sample_parses(page: Path, block, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    match block.language:
        case "python":
            assert ast.parse(block.text).body
        case "json":
            assert json.loads(block.text) is not None
        case "bash":
            done = subprocess.run(
                ["bash", "-n"], input=block.text, text=True, capture_output=True, timeout=10, check=False
            )
            assert (done.returncode, done.stderr) == (0, "")
        case "toml" if block.text.startswith("+++"):
            assert tomllib.loads(block.text.strip().strip("+"))
        case "toml":
            found = tomllib.loads(block.text)
            is_broken = block.title == "site.toml" and "langauges" in block.text  # shown for its error
            if found and found.keys() <= TABLES and not is_broken:
                _check_settings(found, block.text, tmp_path / "site.toml")


def _check_settings(found: dict[str, object], text: str, file: Path) -> None:
    """A part of site.toml, with as much around it as a whole one needs."""
    site = '[site]\ntitle = "T"\nurl = "https://example.org/"\nlanguages = ["en", "fr"]\n'
    file.write_text(text if "site" in found else site + text, encoding="utf-8")
    sitefile.load(file)


@pytest.mark.parametrize("drawing", sorted(CONTENT.rglob("*.svg")), ids=lambda path: path.name)
def test_a_drawing_says_in_words_what_it_shows(drawing: Path) -> None:
    root = ET.fromstring(drawing.read_text("utf-8"))
    for part in ("title", "desc"):
        found = root.find(f"{SVG}{part}")
        assert found is not None
        assert len((found.text or "").split()) >= 2
        assert found.get("id") in root.get("aria-labelledby", "").split()


def registries() -> set[str]:
    """The hosts that this machine's own package clients ask, as they are set up here."""
    apt = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    text = "\n".join(file.read_text("utf-8", "replace") for file in apt if file.is_file())
    found = set(re.findall(r"https?://([A-Za-z0-9.-]+)", text))
    return found | {PyPI.netloc, PyPI.file_storage_domain}


@pytest.mark.parametrize("page", pages(), ids=name)
def test_no_page_names_a_registry_or_a_path_of_this_machine(page: Path) -> None:
    text = page.read_text("utf-8")
    assert [host for host in sorted(registries()) if host in text] == []
    assert str(ROOT) not in text
    assert f"{Path.home()}/" not in text
