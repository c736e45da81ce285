"""A batch: every peer through all scenarios, round by round and turn by turn, so that all meet the same machine."""

import shutil
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.census import Census
from benchmarks.measure import Run
from benchmarks.peers import Peer
from benchmarks.scenarios import COLD, EDITS, Session, session
from sealpress.console import Progress
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
            for peer in [*able[turn:], *able[:turn]]:  # everybody has been first once
                if peer.name not in batch.failed:
                    label = f"{posts} posts, round {number + 1} of {rounds}, {peer.name}"
                    _one(batch, peer, folder / str(number) / peer.name, limit, label, progress)
    finally:
        # Not between the rounds: a file system that has just removed much is slow to make folders.
        shutil.rmtree(folder, ignore_errors=True)
    return batch


def _one(batch: Batch, peer: Peer, folder: Path, limit: float, label: str, progress: Progress) -> None:
    number = int(folder.parent.name)
    while len(batch.rounds) <= number:
        batch.rounds.append({})
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with progress.track(label, len(EDITS)) as advance:
            done = session(peer, folder, batch.posts, limit, advance, counted=number == 0)
    except Problem as problem:
        # Said in the report: figures of rounds that went well stay, and further ones are not tried.
        batch.failed[peer.name] = problem.message
        progress.note(f"{peer.name}: {problem.message}")
    else:
        batch.rounds[number][peer.name] = done
        walls = ", ".join(f"{name} {one.wall:.2f} s" for name, one in done.runs.items())
        progress.note(f"  {walls}")


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
