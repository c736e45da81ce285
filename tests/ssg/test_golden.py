"""A small site with a bit of everything, and the very bytes it becomes.

After a change that is meant to change bytes: `SEALPRESS_RENEW_GOLDEN=1 pytest tests/ssg/test_golden.py`, then read the
difference as carefully as code.
"""

import os
import shutil
from pathlib import Path

from sealpress.config import sitefile
from sealpress.tree import tree
from ssg.build.build import build
from ssg.build.inputs import Request

GOLDEN = Path(__file__).parents[1] / "golden"


def build_golden(site: Path, output: Path, store: Path | None = None, workers: int = 1) -> tree.OutputTree:
    request = Request(
        sitefile.load(site / "site.toml", "site.toml"), output, in_git=False, store=store, workers=workers
    )
    return build(request).tree


def test_the_golden_site_becomes_the_golden_tree(tmp_path: Path) -> None:
    built = build_golden(GOLDEN / "site", tmp_path / "public")
    if os.environ.get("SEALPRESS_RENEW_GOLDEN"):
        shutil.rmtree(GOLDEN / "tree", ignore_errors=True)
        shutil.copytree(tmp_path / "public", GOLDEN / "tree")
    expected = tree.scan(GOLDEN / "tree")
    assert [entry.path for entry in built.entries] == [entry.path for entry in expected.entries]
    for entry in expected.entries:
        assert built.file(entry).read_bytes() == expected.file(entry).read_bytes(), entry.path
    assert built.digest == expected.digest


def test_a_second_build_touches_nothing(tmp_path: Path) -> None:
    first = build_golden(GOLDEN / "site", tmp_path / "public")
    before = {entry.path: first.file(entry).stat().st_mtime_ns for entry in first.entries}
    second = build_golden(GOLDEN / "site", tmp_path / "public")
    assert {entry.path: second.file(entry).stat().st_mtime_ns for entry in second.entries} == before
