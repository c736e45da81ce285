"""How many processes work, and whether anything is kept, changes no byte."""

from functools import cache
from pathlib import Path

import pytest

from benchmarks import corpus
from sealpress.config import sitefile
from sealpress.processes import workers as pool
from ssg.build.build import build
from ssg.build.inputs import Request
from tests.ssg.test_golden import GOLDEN

pytestmark = pytest.mark.long

PAGES = 120


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So many pages that they are shared as they are in earnest."""
    folder = tmp_path_factory.mktemp("corpus") / "blog"
    corpus.write("sealpress", folder, PAGES)
    return folder


def digest(site: Path, output: Path, workers: int, store: Path | None) -> str:
    request = Request(
        sitefile.load(site / "site.toml", "site.toml"), output, in_git=False, store=store, workers=workers
    )
    return build(request).tree.digest


@cache
def alone(site: Path, folder: Path) -> str:
    """What one process gives that knows of no other build."""
    return digest(site, folder / "alone", 1, None)


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_a_hundred_pages_are_the_same_whoever_makes_them(workers: int, large: Path, tmp_path: Path) -> None:
    expected = alone(large, large.parent)
    assert PAGES > pool.ALONE
    assert digest(large, tmp_path / "public", workers, tmp_path / "store") == expected
    # From what was kept alone: all that was converted is there, and nothing of the tree.
    assert digest(large, tmp_path / "other", workers, tmp_path / "store") == expected
    assert digest(large, tmp_path / "public", workers, None) == expected


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_the_golden_site_is_the_same_whoever_makes_it(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = digest(GOLDEN / "site", tmp_path / "alone", 1, None)
    monkeypatch.setattr(pool, "ALONE", 1)
    assert digest(GOLDEN / "site", tmp_path / "public", workers, tmp_path / "store") == expected
    assert digest(GOLDEN / "site", tmp_path / "public", workers, None) == expected
