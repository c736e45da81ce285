"""Same commit, same bytes: the golden site, committed and built twice by strangers, gives one tree."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import needs

pytestmark = pytest.mark.long

GOLDEN = Path(__file__).parent / "golden" / "site"
GIT = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]

# Each is another machine, as far as a build could notice.
MACHINES = {
    "c": {"LANG": "C", "TZ": "UTC", "PYTHONHASHSEED": "0"},
    "turkish": {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "Asia/Istanbul", "PYTHONHASHSEED": "1"},
    "french": {"LC_ALL": "fr_FR.UTF-8", "LANGUAGE": "fr", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "42"},
    "posix": {"LC_ALL": "POSIX", "TZ": "America/St_Johns", "PYTHONHASHSEED": "4294967295", "PYTHONUTF8": "0"},
}


def commit_site(folder: Path, *, backwards: bool) -> None:
    """The golden site in a repository of its own; `backwards`: its files made in the opposite order."""
    files = sorted(path.relative_to(GOLDEN) for path in GOLDEN.rglob("*") if path.is_file())
    for file in reversed(files) if backwards else files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(GOLDEN / file, folder / file)
    dates = {"GIT_AUTHOR_DATE": "2026-06-01T10:00:00Z", "GIT_COMMITTER_DATE": "2026-06-01T10:00:00Z"}
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "All"]):
        subprocess.run([*GIT, *command], cwd=folder, env={**os.environ, **dates}, check=True, timeout=60)


def build(folder: Path, machine: dict[str, str], umask: int) -> dict[str, object]:
    """What `ssg build --json` says, run in a process of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    done = subprocess.run(
        [sys.executable, "-m", "ssg.cli", "build", "--json"],
        cwd=folder,
        env={**environment, **machine},
        umask=umask,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    said: dict[str, object] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize("machine", MACHINES)
def test_locale_zone_umask_hash_seed_order_and_folder_reach_no_byte(machine: str, tmp_path: Path) -> None:
    reference = tmp_path / "reference"
    other = tmp_path / "a folder with spaces é" / "deep"
    reference.mkdir()
    other.mkdir(parents=True)
    commit_site(reference, backwards=False)
    commit_site(other, backwards=True)
    expected = build(reference, {"LANG": "C.UTF-8", "TZ": "Europe/Paris", "PYTHONHASHSEED": "7"}, 0o022)
    actual = build(other, MACHINES[machine], 0o077)
    assert actual["tree"] == expected["tree"]


@needs.root
def test_another_user_builds_the_same_tree(tmp_path: Path) -> None:
    commit_site(tmp_path, backwards=False)
    expected = build(tmp_path, {}, 0o022)
    shutil.rmtree(tmp_path / "public")
    for path in [tmp_path, *tmp_path.rglob("*")]:
        os.chown(path, 65534, 65534)
    # The right to read is kept: Python itself may stand in root's home.
    become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    keep = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    done = subprocess.run(
        [*become, *keep, sys.executable, "-m", "ssg.cli", "build", "--json"],
        cwd=tmp_path,
        env={**os.environ, "HOME": "/nonexistent", "USER": "nobody"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["tree"] == expected["tree"]
