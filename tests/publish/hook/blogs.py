"""Blogs whose pushes are watched: what stands in them, and what a push leaves there and at the remote."""

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

SITE = '[site]\ntitle = "T"\nurl = "https://t.example.org/"\n'
BROKEN = "---\ntitle: A\n---\n[gone](missing.md)\n"

Run = Callable[..., subprocess.CompletedProcess[str]]


def commit(folder: Path, run: Run, **files: str) -> str:
    for name, text in files.items():
        (folder / "content" / f"{name}.md").write_text(text)
    run("git", "add", "-A", folder=folder)
    run("git", "commit", "-q", "--allow-empty", "-m", "x", folder=folder)
    return run("git", "rev-parse", "HEAD", folder=folder).stdout.strip()


def at(remote: Path, branch: str, run: Run) -> str:
    shown = run("git", "rev-parse", "--verify", "--quiet", f"refs/heads/{branch}", folder=remote, code=None)
    return str(shown.stdout.strip())


def look(folder: Path) -> dict[str, str]:
    """All files of the work tree, and the index, by their digests."""
    files = [path for path in folder.rglob("*") if path.is_file() and ".sealpress" not in path.parts]
    kept = [path for path in files if ".git" not in path.parts or path.name == "index"]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(kept)}
