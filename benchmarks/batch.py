"""A batch: every peer through all scenarios, round by round and turn by turn, so that all meet the same machine."""

import shutil
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.census import Census, count
from benchmarks.measure import Run
from benchmarks.peers import Peer
from benchmarks.scenarios import COLD, EDITS, Session, prepare, step
from sealpress.commands.console import Advance, Progress
from sealpress.problems import Problem

REFERENCE: Final = "hugo"
"""The peer that ratios are against."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The rounds of one size of blog: in each, a session for every peer that got through.

    `failed` says what went wrong with a peer, `left_out` why one was not even tried.
    """

    posts: int
    rounds: list[dict[str, Session]] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def peers(self) -> list[str]:
        """The peers with figures from at least one round, in the order in which they ran first."""
        return list(dict.fromkeys(name for sessions in self.rounds for name in sessions))

    @property
    def made(self) -> dict[str, Census]:
        """What each peer's cold build made, the reference first."""
        found = {name: one.made for sessions in self.rounds for name, one in sessions.items() if one.made is not None}
        return dict(sorted(found.items(), key=lambda item: item[0] != REFERENCE))

    def median(self, peer: str, scenario: str, of: Callable[[Run], float]) -> float:
        runs = [sessions[peer].runs[scenario] for sessions in self.rounds if peer in sessions]
        return statistics.median(map(of, runs))

    def ratio(self, peer: str, scenario: str, of: Callable[[Run], float], against: str = REFERENCE) -> float | None:
        """The median of the ratios to another peer in the same round; None where it didn't run."""
        ratios = [
            of(sessions[peer].runs[scenario]) / of(sessions[against].runs[scenario])
            for sessions in self.rounds
            if peer in sessions and against in sessions
        ]
        return statistics.median(ratios) if ratios else None


def run(
    peers: Sequence[Peer],
    folder: Path,
    posts: int,
    rounds: int,
    limit: float,
    known: Sequence[Batch],
    progress: Progress,
) -> Batch:
    """Runs a batch with its sites in `folder`, which is removed in the end.

    A peer that would need more than `limit` seconds for a cold build, going by a smaller batch in `known`, is left out.
    """
    batch = Batch(posts)
    able = [peer for peer in peers if _fits(peer, batch, known, limit)]
    try:
        for number in range(rounds):
            turn = number % max(1, len(able))
            order = [*able[turn:], *able[:turn]]  # another one begins
            with progress.track(f"{posts:,} posts, round {number + 1} of {rounds}", len(able) * len(EDITS)) as advance:
                _round(batch, order, folder / str(number), limit, progress, advance)
    finally:
        # Not between the rounds: a file system that has just removed much is slow to make folders.
        shutil.rmtree(folder, ignore_errors=True)
    return batch


def _round(
    batch: Batch, peers: Sequence[Peer], folder: Path, limit: float, progress: Progress, advance: Advance
) -> None:
    """All peers through one scenario, then all through the next: what is compared runs within a minute."""
    folder.mkdir(parents=True)
    here = [peer for peer in peers if peer.name not in batch.failed]
    runs: dict[str, dict[str, Run]] = {peer.name: {} for peer in here}
    made: dict[str, Census] = {}
    for peer in here:
        prepare(peer, folder / peer.name, batch.posts)
    for scenario in EDITS:
        for peer in here:
            if peer.name in batch.failed:
                continue
            try:
                done = step(peer, folder / peer.name, batch.posts, scenario, limit)
            except Problem as problem:
                # Said in the report: figures of rounds that went well stay, and further ones are not tried.
                batch.failed[peer.name] = problem.message
                progress.note(f"  {peer.name}, {scenario}: {problem.message}")
                continue
            progress.note(f"  {peer.name}, {scenario}: {done.wall:.2f} s")
            runs[peer.name][scenario] = done
            advance(1)
        if scenario == COLD and not batch.rounds:
            made = {name: count(folder / name / "public") for name, one in runs.items() if one}
    batch.rounds.append({name: Session(one, made.get(name)) for name, one in runs.items() if name not in batch.failed})


def _fits(peer: Peer, batch: Batch, known: Sequence[Batch], limit: float) -> bool:
    for other in known:
        if peer.name in other.peers:
            expected = other.median(peer.name, COLD, lambda one: one.wall) * batch.posts / other.posts
            if expected > limit:
                batch.left_out[peer.name] = f"a cold build would take about {expected:.0f} s, more than {limit:.0f} s"
                return False
        elif peer.name in other.failed or peer.name in other.left_out:
            batch.left_out[peer.name] = f"it has no figures for {other.posts:,} posts"
            return False
    return True
