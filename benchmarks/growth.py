"""What twice the text costs: each flood of floods.py at two sizes, in CPU time of a conversion."""

import gc
import os
import platform
import time
from dataclasses import dataclass
from typing import Final

from benchmarks.floods import FLOODS, Flood
from benchmarks.report import processor, table
from sealpress.commands.console import Progress
from ssg.l10n.language import language
from ssg.markup.converter import convert
from ssg.markup.text.converted import MarkdownOptions

MOST: Final = 2.6
"""So many times the time may twice the text take: the processor's caches have their share."""

_LEAST: Final = 0.05  # seconds for the smaller text, below which a clock says little
_FIRST: Final = 500
_LARGEST: Final = 1 << 19
_TURNS: Final = 2
_MORE: Final = 8
"""Turns of what looks like too much: on a busy machine, it is mostly the clock that is wrong."""
_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Growth:
    """`seconds` for `size` many, and how many times that for twice as many: the least of all turns of each."""

    name: str
    size: int
    seconds: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Growths:
    """All floods, those that grow most first; and the machine's load when it began."""

    floods: list[Growth]
    load: float


def measure(progress: Progress) -> Growths:
    load = os.getloadavg()[0]
    found = []
    for name, flood in FLOODS.items():
        progress.note(f"growth: {name}")
        found.append(_growth(name, flood))
    return Growths(sorted(found, key=lambda one: -one.ratio), load)


def _growth(name: str, flood: Flood) -> Growth:
    size = _FIRST
    while (once := min(_seconds(flood(size)) for _ in range(2))) < _LEAST and size < _LARGEST:
        size *= 2
    text, double = flood(size), flood(2 * size)
    twice = _seconds(double)
    turns = 1
    while turns < _TURNS or (turns < _MORE and twice > MOST * once):
        once, twice = min(once, _seconds(text)), min(twice, _seconds(double))
        turns += 1
    return Growth(name, size, once, twice / once)


def _seconds(text: str) -> float:
    """Without the garbage collector: what it takes depends on all that there is."""
    gc.collect()
    gc.disable()
    try:
        began = time.process_time()
        convert(text, MarkdownOptions(), language("en"))
        return time.process_time() - began
    finally:
        gc.enable()


def too_much(found: Growths) -> list[str]:
    return [
        f"{one.name}: twice as much takes {one.ratio:.1f} times as long" for one in found.floods if one.ratio > MOST
    ]


def growths(found: Growths, command: str) -> str:
    """The part of the report."""
    floods = found.floods
    worst = [[one.name, f"{one.size:,}", f"{one.seconds:.2f} s", f"{one.ratio:.2f}"] for one in floods[:_SHOWN]]
    rest = [one.ratio for one in floods[_SHOWN:]]
    excess = [f"- {one}, **too much**" for one in too_much(found)]
    parts = [
        "# Growth",
        _HEAD.format(count=len(floods), most=MOST),
        table(["many of", "size", "CPU time", "for twice as many"], worst),
        f"The other {len(rest)}: from {min(rest):.2f} to {max(rest):.2f}." if rest else "",
        "\n".join(excess) or f"None is more than {MOST}.",
        _MACHINE.format(processor(), len(os.sched_getaffinity(0)), platform.python_version(), found.load),
        f"```console\n$ {command}\n```",
    ]
    return "\n\n".join(part for part in parts if part)


_MACHINE: Final = "{}, {} cores, Python {}; load average when it began: {:.1f}"
_HEAD: Final = """\
{count} texts that keep a converter busy, each at a size and at twice that: the ratio of the least CPU times, of two
turns, or of more where it was too much at first. No ratio may be more than {most}. Those that grow most:"""
