"""Chromium without a window: what a page looks like after its scripts have run, and what the browser complained of."""

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")

# No sandbox, since tests may run as root; nothing that asks the network for anything but the page.
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=5000",
    "--host-resolver-rules=MAP *.example 127.0.0.1:9",
)
SECONDS = 60

_CONSOLE = re.compile(r"^\[[^\]]*:CONSOLE[^\]]*\] (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Visit:
    """`dom`: the page's HTML in the end. `said`: the lines of its console."""

    dom: str
    said: tuple[str, ...]

    @property
    def violations(self) -> list[str]:
        return [line for line in self.said if "Content Security Policy" in line]


def visit(program: str, url: str) -> Visit:
    with tempfile.TemporaryDirectory(prefix="chromium-test-", ignore_cleanup_errors=True) as profile:
        done = subprocess.run(
            ["timeout", str(SECONDS), program, *FLAGS, f"--user-data-dir={profile}", "--dump-dom", url],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return Visit(done.stdout, tuple(_CONSOLE.findall(done.stderr)))
