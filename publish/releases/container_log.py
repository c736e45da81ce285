"""What a container writes, followed: the engine is asked for its last lines again and again.

An engine tells of no line where it stands; so what is new is what stands behind the lines that were seen last.
"""

import os
from collections.abc import Callable, Sequence
from typing import Final, TextIO

from publish.engines.protocol import ContainerEngine, RunState
from publish.probing.probe import SYSTEM_CLOCK, Clock
from publish.releases import history
from publish.releases.ownership import ReleaseLine
from publish.releases.release import Release
from sealpress.commands.console import Console

_PAUSE: Final = 0.5  # seconds between two questions
_WINDOWS: Final = (50, 1000, 10_000)  # lines that are asked for, until those that were seen last are among them
_KNOWN: Final = 25  # lines by which the place is found again


def follow(
    engine: ContainerEngine,
    line: ReleaseLine,
    release: Release,
    lines: int,
    shown: Console,
    clock: Clock = SYSTEM_CLOCK,
) -> None:
    """Shows the last lines, then each new one, until Ctrl-C, or until nobody reads any longer.

    Where another release takes its place, that one is followed; where the site is stopped, it ends. Raises Problem as
    the engine does.
    """
    reads = _reader(shown.out)
    seen = engine.logs(release.site.id, lines or 1).splitlines()
    for one in seen if lines else ():
        shown.say(one)
    try:
        while reads():
            clock.sleep(_PAUSE)
            fresh = _fresh(engine, release.site.id, seen)
            for one in fresh:
                shown.say(one)
            seen = [*seen, *fresh][-_KNOWN:]
            if fresh:
                continue
            there = engine.inspect(release.site.id)
            if there and there.state is RunState.RUNNING:
                continue
            after = next((one for one in history.read(engine, line) if one.runs), None)
            if after is None:
                shown.note("the site was stopped")
                return
            shown.note(f"generation {after.generation} runs now")
            release, seen = after, []
    except KeyboardInterrupt:
        return  # it is how this ends


def _fresh(engine: ContainerEngine, container_id: str, seen: Sequence[str]) -> list[str]:
    """What was written behind the lines that were seen last."""
    found: list[str] = []
    for window in _WINDOWS:
        found = engine.logs(container_id, window).splitlines()
        if (at := _behind(found, seen)) is not None:
            return found[at:]
        if len(found) < window:  # all that there is
            break
    return found


def _behind(found: Sequence[str], seen: Sequence[str]) -> int | None:
    """Where the lines begin that follow those which were seen last; None where these are not among them."""
    if not seen:
        return 0 if len(found) < _WINDOWS[0] else None
    last = list(seen[-_KNOWN:])
    for end in range(len(found), len(last) - 1, -1):
        if list(found[end - len(last) : end]) == last:
            return end
    return None


def _reader(out: TextIO) -> Callable[[], bool]:
    """Whether somebody still reads. A Console lets what is written to a closed pipe go nowhere."""
    try:
        before = os.fstat(out.fileno())
    except (OSError, ValueError):
        return lambda: True
    return lambda: os.path.samestat(os.fstat(out.fileno()), before)
