"""`imagebake bake TREE -o -`: the archive on standard output, and nothing else there or anywhere."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from sealpress.problems import Exit
from tests.imagebake.seal.conftest import Site

COMMAND = [sys.executable, "-m", "imagebake.cli", "bake", "public", "-o", "-"]


@pytest.fixture
def built(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    subprocess.run(["sh", "build.sh"], cwd=site.folder, check=True, timeout=20)
    (site.folder / "public/more.bin").write_bytes(bytes(1 << 20))  # more than any pipe holds
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    return site


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if ".git/" not in str(path)}


def left(site: Site) -> set[str]:
    """What lies in the temporary folder, but for the folder in which this user's runs make theirs."""
    return {name for name in names(site.folder.parent / "tmp") if name != f"sealpress-{os.geteuid()}"}


def bake(site: Site, *options: str, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *options],
        cwd=site.folder,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        timeout=100,
        check=False,
    )


def test_what_is_streamed_is_the_archive_that_a_folder_gets(built: Site) -> None:
    """To the last byte; all that is said goes to standard error, and no file is left anywhere."""
    before = names(built.folder)
    done = bake(built, "--arch", "amd64")
    assert done.returncode == 0, done.stderr
    assert names(built.folder) == before
    assert left(built) == set()
    assert b"Baked localhost/site/blog-example-org:" in done.stderr
    assert bake(built, "--arch", "amd64", "-q").stderr == b""
    assert built.run("bake", "public", "--no-sign").returncode == 0
    assert done.stdout == (built.image / "blog-example-org-amd64.tar").read_bytes()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ((), b"name its architecture: --arch amd64 or --arch arm64"),
        (("--arch", "amd64", "--arch", "arm64"), b"name its architecture"),
        (("--arch", "amd64", "--json"), b"--json"),
        (("--arch", "amd64", "--key", "x"), b"no seal that --key could sign"),
    ],
)
def test_what_does_not_go_with_it_is_said_before_any_work(options: tuple[str, ...], why: bytes, built: Site) -> None:
    done = bake(built, *options)
    assert (done.returncode, done.stdout) == (Exit.USAGE, b"")
    assert why in done.stderr


def test_one_architecture_in_site_toml_is_enough(built: Site) -> None:
    with (built.folder / "site.toml").open("a") as file:
        file.write('[image]\narchitectures = ["arm64"]\n')
    assert bake(built).returncode == 0


def test_no_terminal_is_filled_with_it(built: Site) -> None:
    ours, theirs = pty.openpty()
    try:
        done = bake(built, "--arch", "amd64", stdout=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == Exit.USAGE
    assert b"is a terminal: | docker load" in done.stderr


@pytest.mark.parametrize("taken", [0, 1, 30_000])
def test_a_reader_that_goes_away_ends_it_cleanly(built: Site, taken: int) -> None:
    """Before the first byte, after it, or in the midst: one sentence, an exit code, nothing left."""
    process = subprocess.Popen(
        [*COMMAND, "--arch", "amd64", "-q"], cwd=built.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    assert process.stderr
    process.stdout.read(taken)
    process.stdout.close()
    said = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(100) == Exit.MACHINE
    assert said.startswith("error: whoever read the archive went away before its end\nhint: ")
    assert len(said.splitlines()) == 2
    assert left(built) == set()


def test_a_full_disk_and_a_closed_output_are_told(built: Site) -> None:
    with open("/dev/full", "wb") as full:
        done = bake(built, "--arch", "amd64", "-q", stdout=full.fileno())
    assert (done.returncode, done.stderr) == (
        Exit.MACHINE,
        b"error: can't write to standard output: No space left on device\n",
    )
    closed = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, "--arch", "amd64", "-q"],
        cwd=built.folder,
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert closed.returncode == Exit.MACHINE, closed.stderr
    assert b"standard output is closed" in closed.stderr
    assert b"Traceback" not in closed.stderr
