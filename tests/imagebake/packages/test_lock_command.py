"""`imagebake lock` on a small signed archive: what it writes, what it lists, what it refuses, and how it ends."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from imagebake.cli import imagebake
from imagebake.packages import lock as locks
from imagebake.packages import signed_release
from imagebake.packages.selection import Root
from imagebake.recipes import edge
from imagebake.recipes import lock as pinning
from sealpress.problems import Exit, Problem

ROOTS = (Root("server", "usr/sbin/server"),)


@pytest.fixture
def archive(mirror, make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The small archive in the place of Debian, with its key and its date, and an empty folder to work in."""
    monkeypatch.setattr(signed_release, "keyring", lambda: tuple(mirror.keys))
    monkeypatch.setattr(pinning, "_now", lambda: make.now)
    # What a site is made of is no choice; the tiny mirror has no nginx.
    monkeypatch.setattr(pinning, "ROOTS", ROOTS)
    monkeypatch.setenv("SEALPRESS_MIRROR", mirror.settings.mirror)
    monkeypatch.setenv("SEALPRESS_SECURITY_MIRROR", mirror.settings.security_mirror)
    monkeypatch.setenv("SEALPRESS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return mirror


def lock(*arguments: str) -> int:
    return imagebake.main(["lock", "-q", *arguments], standalone_mode=False)


def security_update(archive: Any, make: Any) -> None:
    archive.add("libc6", make.libc(), version="1+deb13u1", archive="security")
    archive.date += timedelta(hours=6)
    archive.publish()


def test_a_lock_of_today_is_not_outdated(archive, capsys: pytest.CaptureFixture[str]) -> None:
    assert lock() == Exit.OK
    before = Path("imagebake.lock").read_bytes()
    capsys.readouterr()
    assert lock("--outdated") == Exit.OK
    assert capsys.readouterr().out == f"Nothing is newer than {Path.cwd() / 'imagebake.lock'}\n"
    assert Path("imagebake.lock").read_bytes() == before


def test_the_edge_has_a_lock_of_its_own(
    archive, make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a suite that has a Caddy without holes, whichever the site's is."""
    monkeypatch.setattr(edge, "ROOTS", ROOTS)
    Path("site.toml").write_text('[site]\ntitle = "A"\nurl = "https://a.example/"\n[image]\nsuite = "bookworm"\n')
    assert lock("--edge") == Exit.OK
    found = locks.load(Path("edge.lock"))
    assert (found.suite, found.roots) == ("trixie", ROOTS)
    assert not Path("imagebake.lock").exists()
    security_update(archive, make)
    capsys.readouterr()
    assert lock("--edge", "--outdated") == Exit.DIFFERENT
    assert capsys.readouterr().out.splitlines()[-1].endswith("libc6: imagebake lock --edge --upgrade")
    locks.save(locks.load(Path("edge.lock")), Path("imagebake.lock"))
    capsys.readouterr()
    assert lock("--outdated", "--json") == Exit.DIFFERENT
    told = json.loads(capsys.readouterr().out)
    assert (Path(told["edge"]["lock"]).name, told["edge"]["security"]) == ("edge.lock", True)
    assert lock("--edge", "--upgrade") == Exit.OK
    assert lock("--edge", "--outdated") == Exit.OK


def test_a_security_update_that_waits_ends_with_1(archive, make, capsys: pytest.CaptureFixture[str]) -> None:
    lock()
    for architecture in ("amd64", "arm64"):
        zlib = make.library("libz.so.1", "libc.so.6", architecture=architecture)
        archive.add("zlib1g", zlib, version="2", architecture=architecture)
    security_update(archive, make)
    before = Path("imagebake.lock").read_bytes()
    capsys.readouterr()
    assert lock("--outdated") == Exit.DIFFERENT
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["package", "locked", "newest", "security", "architecture"],
        ["libc6", "1", "1+deb13u1", "yes", "amd64"],
        ["zlib1g", "1", "2", "no", "amd64,", "arm64"],
        ["Security", "updates", "wait", "for", "libc6:", "imagebake", "lock", "--upgrade"],
    ]
    assert lock("--outdated", "--json") == Exit.DIFFERENT
    told = json.loads(capsys.readouterr().out)
    assert told["security"] is True
    assert told["outdated"][0] == {
        "name": "libc6",
        "architecture": "amd64",
        "locked": "1",
        "newest": "1+deb13u1",
        "security": True,
    }
    assert Path("imagebake.lock").read_bytes() == before, "nothing was written"


def test_newer_packages_without_a_hole_end_with_0(archive, make, capsys: pytest.CaptureFixture[str]) -> None:
    lock()
    archive.add("libc6", make.libc(), version="2")
    archive.publish()
    capsys.readouterr()
    assert lock("--outdated") == Exit.OK
    assert capsys.readouterr().out.splitlines()[-1] == "No security update waits"


def test_an_upgrade_takes_what_is_outdated(archive, make) -> None:
    lock()
    security_update(archive, make)
    assert lock() == Exit.OK
    assert lock("--outdated") == Exit.DIFFERENT, "without --upgrade a lock keeps what it has"
    assert lock("--upgrade") == Exit.OK
    assert lock("--outdated") == Exit.OK
    found = locks.load(Path("imagebake.lock"))
    assert {one.name: one.version for one in found.of("amd64")}["libc6"] == "1+deb13u1"
    assert found.date == archive.date


@pytest.mark.parametrize("option", ["--upgrade", "--outdated"])
def test_an_older_mirror_is_refused(archive, option: str) -> None:
    """Somebody who holds back updates may show an old state of Debian, signed as it was."""
    lock()
    found = locks.load(Path("imagebake.lock"))
    locks.save(replace(found, date=found.date + timedelta(days=1)), Path("imagebake.lock"))
    before = Path("imagebake.lock").read_bytes()
    with pytest.raises(Problem, match="the mirror is older than the lock") as caught:
        lock(option)
    assert caught.value.code is Exit.LOCK
    assert Path("imagebake.lock").read_bytes() == before


def test_an_upgrade_never_takes_an_older_package(archive, make) -> None:
    security_update(archive, make)
    lock()
    before = Path("imagebake.lock").read_bytes()
    archive.entries["security", "amd64"].clear()
    archive.date += timedelta(hours=6)
    archive.publish()
    with pytest.raises(Problem, match=r"has only libc6 1 for amd64: older than 1\+deb13u1"):
        lock("--upgrade")
    assert Path("imagebake.lock").read_bytes() == before


def test_a_broken_lock_is_not_upgraded_but_mended_by_hand(archive) -> None:
    """What it had is not known any more, so nothing could be held against the mirror."""
    Path("imagebake.lock").write_text("version = 1\nsuite = trixie\n")
    with pytest.raises(Problem) as caught:
        lock("--upgrade")
    assert caught.value.code is Exit.LOCK
    assert Path("imagebake.lock").read_text() == "version = 1\nsuite = trixie\n"


def test_outdated_without_a_lock_says_what_to_do(archive) -> None:
    with pytest.raises(Problem, match=r"there is no imagebake\.lock") as caught:
        lock("--outdated")
    assert caught.value.hint == "write one: imagebake lock"


@pytest.mark.parametrize("options", [("--upgrade",), ("--arch", "amd64")])
def test_outdated_writes_nothing_and_leaves_nothing_out(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "imagebake.cli", "lock", "--outdated", *options],
        cwd=tmp_path,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == Exit.USAGE
    assert "--outdated goes with neither" in done.stderr
