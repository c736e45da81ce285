"""Tricks of sealpress are switched off where they stand: one that was moved or renamed is noticed here."""

import subprocess
import sys

import pytest

from benchmarks.without import TRICKS

CHANGED = """
import sys
from importlib import import_module
from benchmarks.without import TRICKS, _Changed, _Finder
changes = TRICKS[sys.argv[1]].changes
sys.meta_path.insert(0, _Finder(changes))
for name in changes:
    assert isinstance(import_module(name).__spec__.loader, _Changed), name
"""


@pytest.mark.parametrize("name", sorted(TRICKS))
def test_each_trick_stands_where_it_is_switched_off(name: str) -> None:
    trick = TRICKS[name]
    assert not trick.code or trick.lines > 0
    done = subprocess.run(
        [sys.executable, "-c", CHANGED, name], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
