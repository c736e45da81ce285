"""What a bake takes: memory that does not grow with the tree, and time that a person does not notice."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from imagebake.fetch import cache
from imagebake.packages import lock as locks
from imagebake.packages.lock import Lock

# A small process of its own starts the bake: one that was started by pytest would count pytest's memory as its own.
_MEASURE = """
import json, resource, subprocess, sys, time
began = time.monotonic()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime]))
"""

LARGE = 30 << 20


def measured(folder: Path, *arguments: str, **environment: str) -> tuple[int, float]:
    """Peak memory in bytes, and seconds of processor time, of one `imagebake`."""
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, sys.executable, "-m", "imagebake.cli", *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    code, peak, seconds = json.loads(done.stdout)
    assert code == 0, done.stderr
    return peak, seconds


@pytest.fixture
def cold(site_lock: Lock, tmp_path: Path) -> str:
    """A cache that has the packages, and nothing else."""
    folder = tmp_path / "cache"
    folder.mkdir()
    (folder / "packages").symlink_to(cache.folder() / "packages")
    locks.save(site_lock, tmp_path / "imagebake.lock")
    return str(folder)


@pytest.mark.network
def test_a_bake_takes_less_than_120_megabytes_whatever_the_size_of_the_tree(cold: str, tmp_path: Path) -> None:
    """300 MB of large files and 3,000 pages, with all packages unpacked: the tree is never held."""
    for number in range(10):
        file = tmp_path / f"public/films/{number}.mp4"
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as out:
            out.write(str(number).encode())
            out.truncate(LARGE)
    with (tmp_path / "public/large.json").open("wb") as out:
        out.truncate(LARGE)  # text has a compressed sibling, however large it is
    for number in range(3000):
        page = tmp_path / f"public/posts/{number}/index.html"
        page.parent.mkdir(parents=True)
        page.write_text(f"<p>{number}</p>\n" * 100)
    peak, _ = measured(tmp_path, "bake", "public", "--arch", "amd64", "-q", SEALPRESS_CACHE=cold)
    assert (tmp_path / "image/public-amd64.tar").stat().st_size > 11 * LARGE
    assert peak <= 120_000_000
    reading, _ = measured(tmp_path, "inspect", "image/public-amd64.tar", "-q")
    assert reading <= 60_000_000


@pytest.mark.network
def test_a_warm_bake_makes_nothing_again(cold: str, tmp_path: Path) -> None:
    """All that is costly is kept once it is made: the next bake keeps nothing more. Seconds are for `make bench`."""
    for number in range(1000):
        page = tmp_path / f"public/posts/{number}/index.html"
        page.parent.mkdir(parents=True)
        page.write_text(f"<p>{number}</p>\n" * 600)
    measured(tmp_path, "bake", "public", "-q", SEALPRESS_CACHE=cold)
    first = kept(Path(cold))
    assert len(first) > 20
    measured(tmp_path, "bake", "public", "-q", SEALPRESS_CACHE=cold)
    assert kept(Path(cold)) == first


def kept(cache: Path) -> dict[str, tuple[int, int]]:
    """Every file of a cache, and what changes when it is written."""
    found = {path.relative_to(cache).as_posix(): path.stat() for path in cache.rglob("*") if path.is_file()}
    return {name: (seen.st_mtime_ns, seen.st_ino) for name, seen in found.items()}
