"""What each trick of sealpress gains: builds with it and without it in turns, on one site, and the lines that it takes.

cold, unchanged, body, title, template    as in benchmarks.scenarios
back        the template as it was two builds ago
other       into a folder in which no build wrote
"""

import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import corpus, measure
from benchmarks.peers import Peer
from benchmarks.report import processor, table
from benchmarks.scenarios import COLD, TEMPLATES, prepare
from benchmarks.without import TRICKS
from sealpress.commands.console import Progress

ROUNDS: Final[Mapping[str, int]] = {COLD: 3, "title": 3, "template": 2, "back": 3, "other": 3}
_ROUNDS: Final = 5  # of the rest
_SETTLED: Final = 0.12  # seconds after which a file's time tells whether it is changed again
_STEP: Final = 7919  # from one edited post to the next
_SMALL: Final = frozenset({COLD, "template", "back", "other"})  # which take minutes of a large blog


@dataclass(frozen=True, slots=True)
class Pair:
    """The least CPU times, in seconds, of builds with a trick and without it: those that other work disturbed least."""

    having: float
    lacking: float


@dataclass(frozen=True, slots=True)
class Found:
    """Pairs by trick and scenario, of a blog of so many posts."""

    posts: int
    pairs: Mapping[str, Mapping[str, Pair]]


class _Site:
    """The site that is built again and again. Where nothing is measured, with all tricks."""

    def __init__(self, peer: Peer, folder: Path, posts: int, limit: float) -> None:
        self.folder = folder
        self.posts = posts
        self._peer = peer
        self._limit = limit
        self._number = 0
        prepare(peer, folder, posts)
        self.built()

    def built(self, trick: str = "", *options: str) -> measure.Run:
        time.sleep(_SETTLED)
        command = (sys.executable, "-m", "benchmarks.without", trick, "build", "--quiet", *options)
        return measure.run(command, self.folder, self._peer.environment, self._limit, self.folder.with_suffix(".log"))

    def run(self, scenario: str, trick: str) -> measure.Run:
        """Makes a scenario's edit, and builds without the trick ("": with all)."""
        match scenario:
            case "cold":
                shutil.rmtree(self.folder / "public")
                shutil.rmtree(self.folder / ".sealpress")
                return self.built(trick)
            case "unchanged":
                self.built()
            case "body" | "title":
                self._number += 1
                post = corpus.post(self._number * _STEP % self.posts)
                file = corpus.source(self._peer.name, self.folder, post)
                text = file.read_text("utf-8")
                if scenario == "title":
                    file.write_text(text.replace(post.title, f"{post.title} retitled", 1), encoding="utf-8")
                else:
                    file.write_text(f"{text}\nOne paragraph more.\n", encoding="utf-8")
            case "template" | "back":
                template = self.folder / TEMPLATES[self._peer.name]
                before = template.read_text("utf-8")
                self._number += 1
                template.write_text(before.replace("</article>", f"{self._number}</article>"), encoding="utf-8")
                if scenario == "back":
                    self.built()
                    template.write_text(before, encoding="utf-8")
            case "other":
                self._number += 1  # what is known of a folder outlives it
                other = self.folder.with_name(f"other{self._number}")
                return self.built(trick, "--output", str(other))
        return self.built(trick)


def compare(peer: Peer, folder: Path, sizes: Sequence[int], limit: float, progress: Progress) -> list[Found]:
    """Measures all tricks on blogs of some sizes; cold builds only on the smallest."""
    return [_measured(peer, folder / str(size), size, limit, progress, is_small=size == min(sizes)) for size in sizes]


def _measured(peer: Peer, folder: Path, posts: int, limit: float, progress: Progress, *, is_small: bool) -> Found:
    folder.mkdir(parents=True)
    progress.note(f"{posts:,} posts")
    site = _Site(peer, folder / "site", posts, limit)
    pairs: dict[str, dict[str, Pair]] = {}
    for name, trick in TRICKS.items():
        for scenario in trick.at:
            if is_small or scenario not in _SMALL:
                found = _pair(site, scenario, name)
                pairs.setdefault(name, {})[scenario] = found
                progress.note(f"  {name}, {scenario}: {found.having:.2f} s, without it {found.lacking:.2f} s")
    shutil.rmtree(folder, ignore_errors=True)
    return Found(posts, pairs)


def _pair(site: _Site, scenario: str, trick: str) -> Pair:
    runs: dict[str, list[measure.Run]] = {"": [], trick: []}
    for number in range(ROUNDS.get(scenario, _ROUNDS)):
        for one in ("", trick) if number % 2 else (trick, ""):
            runs[one].append(site.run(scenario, one))
    return Pair(*(min(run.cpu for run in found) for found in runs.values()))


def text(found: Sequence[Found], version: str, command: str) -> str:
    """The part of the report."""
    rows = [
        [trick.what, str(trick.lines or ""), scenario, *(_cell(one, name, scenario) for one in found)]
        for name, trick in TRICKS.items()
        for scenario in trick.at
    ]
    sizes = [f"{one.posts:,} posts" for one in found]
    load = f"load average when it ended: {os.getloadavg()[0]:.1f}"
    machine = f"{processor()}, {len(os.sched_getaffinity(0))} cores; {load}; sealpress {version}"
    return "\n\n".join([_TEXT, table(["", "lines", "build", *sizes], rows), machine, f"```console\n$ {command}\n```"])


def _cell(found: Found, trick: str, scenario: str) -> str:
    pair = found.pairs.get(trick, {}).get(scenario)
    if pair is None:
        return ""
    gain = pair.lacking - pair.having
    part = f" ({gain / pair.lacking:.0%})" if scenario == COLD else ""
    return f"{gain:+.2f} s of {pair.lacking:.2f} s{part}"


_TEXT: Final = """\
# Tricks

What sealpress does only to be fast, each switched off by itself: what it gains, as the difference of the least CPU
times of builds without it and with it, in turns on one site. *back*: the template of posts is as it was two builds ago.
*other*: into a folder in which no build wrote. What gains less than 5 % of a cold build, or less than 0.05 s of another
one, is not worth its lines."""
