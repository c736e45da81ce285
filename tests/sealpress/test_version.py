"""The versions that output bytes depend on are those that pyproject.toml says."""

import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from imagebake.recipes.precompressed import ENCODER
from sealpress import VERSION
from sealpress.tools import IMAGE, TREE

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINNED = dict(line.split("==") for line in PROJECT["dependencies"] if "==" in line)


def test_the_version_in_seals_is_the_distributions() -> None:
    assert PROJECT["version"] == VERSION
    assert version("sealpress") == VERSION


@pytest.mark.parametrize("name", TREE)
def test_what_changes_bytes_is_pinned_and_installed_so(name: str) -> None:
    assert version(name) == PINNED[name]


def test_nothing_is_pinned_without_its_version_being_part_of_the_seal() -> None:
    """Those that make the tree, and the one that compresses it for the image."""
    encoder, number = ENCODER.split()
    assert sorted(PINNED) == sorted([*TREE, *IMAGE])
    assert (encoder, number) == (IMAGE[0], PINNED[encoder])


def test_every_dependency_has_a_reason_beside_it() -> None:
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.search(r"^dependencies = \[\n(.*?)^\]", text, re.DOTALL | re.MULTILINE)
    assert listed
    assert not [line for line in listed[1].splitlines() if "  # " not in line]
