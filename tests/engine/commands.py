"""The command line as a user has it, in a process of its own, and the git that it needs."""

import os
import subprocess
import sys
from pathlib import Path

from tests.needs import unavailable


def git(folder: Path, *arguments: str) -> None:
    settings = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *settings, *arguments], cwd=folder, check=True, capture_output=True, timeout=30)


def publish(folder: Path, *arguments: str, clock: str = "") -> tuple[int, str, str]:
    """`clock`: how far that of this machine is off, for libfaketime: "+1d"."""
    command = [sys.executable, "-m", "publish.cli", *arguments]
    wrong = {"LD_PRELOAD": faketime(), "FAKETIME": clock} if clock else {}
    done = subprocess.run(
        command, cwd=folder, env=os.environ | wrong, capture_output=True, text=True, timeout=100, check=False
    )
    return done.returncode, done.stdout, done.stderr


def faketime() -> str:
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if not library:
        unavailable("no libfaketime on this machine: tools/test-machine installs it")
    return str(library)
