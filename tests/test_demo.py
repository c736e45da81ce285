"""`make demo` must work a year from now, when the lock that the repository ships is too old for any mirror."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mirrors import require_mirror

ROOT = Path(__file__).parents[1]
GIT = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
STALE = "0" * 64


def checkout(folder: Path) -> None:
    """The project as it stands, in a repository of its own, with a lock whose nginx is gone and a port of its own."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "site", "tools", "themes"], cwd=ROOT, check=True, capture_output=True, timeout=60
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    lock = folder / "site" / "imagebake.lock"
    lock.write_text(re.sub(r'(nginx_[^"]*\.deb"\nsha256 = ")[0-9a-f]{64}', rf"\g<1>{STALE}", lock.read_text()))
    assert STALE in lock.read_text()
    site = folder / "site" / "site.toml"
    site.write_text(site.read_text().replace("port = 8080", "port = 18432"))
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "All"]):
        subprocess.run([*GIT, *command], cwd=folder, check=True, timeout=60)
    (folder / ".venv").symlink_to(Path(sys.executable).parents[1])


@pytest.mark.network
def test_the_demo_renews_a_stale_lock_aside_says_so_and_goes_on(tmp_path: Path) -> None:
    require_mirror()
    checkout(tmp_path)
    environment = {**os.environ, "SEALPRESS_STATE": str(tmp_path / "state"), "SEALPRESS_CACHE": str(tmp_path / "cache")}
    try:
        demo = subprocess.run(
            ["tools/demo"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100, check=False
        )
    finally:
        stop = [".venv/bin/publish", "--site", "site/site.toml", "stop", "demo"]
        subprocess.run(stop, cwd=tmp_path, env=environment, check=False, capture_output=True, timeout=60)
    assert demo.returncode == 0, demo.stderr
    assert "renewing it into .demo/imagebake.lock" in demo.stdout
    assert re.search(r"verified: all [0-9]+ files are served as they were built", demo.stdout + demo.stderr)
    assert STALE in (tmp_path / "site" / "imagebake.lock").read_text()
    assert STALE not in (tmp_path / ".demo" / "imagebake.lock").read_text()
