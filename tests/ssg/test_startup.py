"""What a command loads before it is of use: heavy libraries only where they are needed."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sealpress.config import sitefile
from ssg.build.build import build
from ssg.build.inputs import Request
from ssg.cache.store import folder_of

HEAVY = {"jinja2", "markdown", "pygments", "babel", "yaml", "docker", "PIL", "rich", "multiprocessing", "asyncio"}
NETWORK = {"http", "ssl"}
HEAVY |= NETWORK
UNNEEDED = HEAVY | {"tempfile", "random", "secrets"}

SETTLED = 0.1  # seconds after which a file's time tells whether it is changed again

SCRIPT = """
import sys
from {package}.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("loaded:", *sorted({{name.partition(".")[0] for name in sys.modules}}), file=sys.stderr)
"""


def loaded(package: str, *arguments: str, folder: Path) -> set[str]:
    """The top names of all modules that a command has loaded when it ends."""
    command = [sys.executable, "-c", SCRIPT.format(package=package), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["build", "--help"], ["why", "--help"]])
@pytest.mark.parametrize("package", ["ssg"])
def test_help_loads_nothing_heavy(package: str, arguments: list[str], tmp_path: Path) -> None:
    assert not loaded(package, *arguments, folder=tmp_path) & UNNEEDED


@pytest.mark.parametrize("package", ["imagebake", "publish"])
def test_other_commands_help_loads_nothing_heavy(package: str, tmp_path: Path) -> None:
    assert not loaded(package, "--help", folder=tmp_path) & HEAVY


def processor_time(*arguments: str) -> float:
    """Of a Python with these arguments, in seconds: the least of several runs. Neighbours reach only wall time."""
    return min(_once(*arguments) for _ in range(5))


def _once(*arguments: str) -> float:
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_utime + used.ru_stime


def test_help_comes_at_once() -> None:
    """Within 0.15 s where Python's own start takes 0.02 s: a ratio, so that it holds on any machine."""
    assert processor_time("-m", "ssg.cli", "--help") <= processor_time("-c", "pass") * 0.15 / 0.02


@pytest.mark.parametrize("options", [[], ["--profile"], ["--json"]])
def test_a_build_in_which_nothing_changed_loads_nothing_heavy(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "content").mkdir()
    (tmp_path / "content/index.md").write_text("---\ntitle: Home\n---\nText\n", encoding="utf-8")
    (tmp_path / "site.toml").write_text('[site]\ntitle = "T"\nurl = "https://t.example.org/"\n', encoding="utf-8")
    site = sitefile.load(tmp_path / "site.toml", "site.toml")
    time.sleep(SETTLED)
    build(Request(site, tmp_path / "public", store=folder_of(tmp_path)))
    assert not loaded("ssg", "build", *options, folder=tmp_path) & HEAVY


def test_a_build_in_which_something_changed_loads_them_and_nothing_of_the_network(tmp_path: Path) -> None:
    """So that the tests above can fail. Nothing is fetched: neither directly nor by a library is its code loaded."""
    (tmp_path / "content").mkdir()
    (tmp_path / "content/index.md").write_text("---\ntitle: Home\n---\nText\n", encoding="utf-8")
    (tmp_path / "site.toml").write_text('[site]\ntitle = "T"\nurl = "https://t.example.org/"\n', encoding="utf-8")
    found = loaded("ssg", "build", folder=tmp_path)
    assert {"jinja2", "markdown"} <= found
    assert not found & NETWORK


def test_what_a_bake_needs_of_itself_is_nothing_of_the_network() -> None:
    """Packages that are in the cache are asked of no mirror."""
    code = "import sys, imagebake.recipes.site, imagebake.packages.lock; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not set(done.stdout.split()) & NETWORK
