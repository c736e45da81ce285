"""What `publish hook` adds to a push: a blog that was built before, one post of it edited, committed and pushed."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from benchmarks import blog, corpus
from benchmarks.report import processor, table
from sealpress.commands.console import Progress
from sealpress.problems import Problem

POSTS: Final = 1000
TURNS: Final = 10
MOST: Final = 2.0
"""Seconds that a push with one edited body may take."""

_EDITED: Final = 500  # of the posts
_LIMIT: Final = 60  # seconds
_EDITS: Final[Mapping[str, Callable[[str, int], str]]] = MappingProxyType(
    {
        "one body edited": lambda text, turn: f"{text}\nOnce more: {turn}.\n",
        "one title edited": lambda text, turn: text.replace('title: "', f'title: "{turn} ', 1),
    }
)


@dataclass(frozen=True, slots=True)
class Pushes:
    """Seconds of each `git push` to a repository on the same disk, by what was edited; the `first` since the hook was
    installed, and those `without` it.
    """

    first: float
    edited: Mapping[str, list[float]]
    without: list[float]
    load: float


def measure(folder: Path, progress: Progress) -> Pushes:
    """In the new folder `folder`. Raises Problem where something of it fails."""
    load = os.getloadavg()[0]
    progress.note(f"push: a blog of {POSTS} posts")
    site, remote = folder / "blog", folder / "remote.git"
    folder.mkdir(parents=True)
    blog.built(site, POSTS)
    (site / ".gitignore").write_text("/public/\n", encoding="utf-8")
    own = {"XDG_CACHE_HOME": str(folder / "cache"), "GIT_CONFIG_GLOBAL": os.devnull}
    names = {f"GIT_{who}_{what}": "a" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

    def run(*command: str) -> float:
        began = time.perf_counter()
        done = subprocess.run(
            command, cwd=site, env={**os.environ, **own, **names}, capture_output=True, timeout=_LIMIT, check=False
        )
        if done.returncode:
            raise Problem(f"{' '.join(command[:3])} failed: {done.stderr.decode('utf-8', 'replace').strip()}")
        return time.perf_counter() - began

    run("git", "init", "-q", "--bare", str(remote))
    run(str(Path(sys.executable).parent / "publish"), "hook", "install", "--branch", "main")

    def push(message: str, *options: str) -> float:
        run("git", "add", "-A")
        run("git", "commit", "-q", "--allow-empty", "-m", message)
        return run("git", "push", *options, str(remote), "HEAD:refs/heads/main")

    first = push("first")
    source = corpus.source("sealpress", site, corpus.post(_EDITED))
    edited: dict[str, list[float]] = {what: [] for what in _EDITS}
    for turn in range(TURNS):
        for what, edit in _EDITS.items():
            progress.note(f"push: {what}, {turn + 1} of {TURNS}")
            source.write_text(edit(source.read_text("utf-8"), turn), encoding="utf-8")
            edited[what].append(push(what))
    return Pushes(first, edited, [push("none", "--no-verify") for _ in range(TURNS)], load)


def pushes(found: Pushes, command: str) -> str:
    """The part of the report."""
    rows = [
        [what, f"{statistics.median(taken):.2f} s", f"{min(taken):.2f} s", f"{max(taken):.2f} s"]
        for what, taken in (*found.edited.items(), ("without the hook", found.without))
    ]
    body = statistics.median(next(iter(found.edited.values())))
    return "\n\n".join(
        [
            "# Pushing through the hook",
            _HEAD.format(posts=POSTS, turns=TURNS, first=found.first),
            table(["", "median", "least", "most"], rows),
            f"Aimed at: {MOST:.0f} s with one body edited" + ("" if body <= MOST else ", **not reached**"),
            f"{processor()}, {len(os.sched_getaffinity(0))} cores; load average when it began: {found.load:.1f}",
            f"```console\n$ {command}\n```",
        ]
    )


_HEAD: Final = """\
`git push` of one commit to a repository on the same disk, of a blog of {posts:,} posts that was built before: {turns}
of each kind. The first push since the hook was installed took {first:.2f} s."""
