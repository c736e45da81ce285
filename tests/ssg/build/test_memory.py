"""A build's memory does not grow with the bodies of its pages: these are streamed to the disk, not collected."""

import subprocess
import sys
from pathlib import Path

from benchmarks import corpus

FEW, MANY = 60, 360

SCRIPT = """
import resource, sys
from ssg.cli import ssg
ssg(["build", "--quiet", "--jobs", "2", "--site", sys.argv[1]], standalone_mode=False)
own, children = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(max(own, children))
"""

A_PAGE = 28_000  # bytes: what is kept of a page besides its body. Its source and HTML alone are 15,000


def peak(folder: Path, count: int) -> int:
    """Of the largest of a first build's processes, in bytes."""
    corpus.write("sealpress", folder, count)
    command = [sys.executable, "-c", SCRIPT, str(folder / "site.toml")]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=100)
    return int(done.stdout.splitlines()[-1]) * 1024


def test_a_page_more_costs_little_memory(tmp_path: Path) -> None:
    growth = peak(tmp_path / "many", MANY) - peak(tmp_path / "few", FEW)
    assert growth / (MANY - FEW) < A_PAGE
