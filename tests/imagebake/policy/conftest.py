"""The policy of a small tree, with a cache of the test's own."""

from pathlib import Path

import pytest

from imagebake.policy import header
from sealpress.config.settings import ImageSettings
from sealpress.policy.source_lists import Policies
from sealpress.problems import Exit, Problem
from sealpress.tree import tree
from tests.imagebake.conftest import write_tree

NOTHING = "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEALPRESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def policy(folder: Path, files: dict[str, str], settings: ImageSettings | None = None, url: str = "") -> str:
    return policies(folder, files, settings, url).pages


def policies(folder: Path, files: dict[str, str], settings: ImageSettings | None = None, url: str = "") -> Policies:
    write_tree(folder / "tree", {path: text.encode() for path, text in files.items()})
    return header.compute(tree.scan(folder / "tree"), settings or ImageSettings(), url=url)


def directives(text: str) -> dict[str, list[str]]:
    return {words[0]: words[1:] for part in text.split("; ") if (words := part.split())}


def refused(folder: Path, files: dict[str, str], settings: ImageSettings | None = None) -> Problem:
    with pytest.raises(Problem) as caught:
        policy(folder, files, settings)
    assert caught.value.code is Exit.TREE
    return caught.value
