"""What twice the text costs: each flood of floods.py at two sizes, in CPU time of a conversion."""

import gc
import statistics
import time
from dataclasses import dataclass
from typing import Final

from benchmarks.floods import FLOODS, Flood
from benchmarks.report import table
from sealpress.console import Progress
from ssg.l10n.language import language
from ssg.markup.converted import MarkdownOptions
from ssg.markup.converter import convert

MOST: Final = 2.6
"""So many times the time may twice the text take: the processor's caches have their share."""

_LEAST: Final = 0.02  # seconds for the smaller text, below which a clock says little
_FIRST: Final = 1000
_LARGEST: Final = 1 << 18
_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class Growth:
    """`seconds` for `size` many, and how many times that for twice as many: the median of the rounds."""

    name: str
    size: int
    seconds: float
    ratio: float


def measure(rounds: int, progress: Progress) -> list[Growth]:
    """All floods, those that grow most first."""
    found = []
    for name, flood in FLOODS.items():
        progress.note(f"growth: {name}")
        size = _FIRST
        while (seconds := _seconds(flood, size)) < _LEAST and size < _LARGEST:
            size *= 2
        ratios = [_seconds(flood, 2 * size) / max(_seconds(flood, size), 1e-6) for _ in range(max(3, rounds))]
        found.append(Growth(name, size, seconds, statistics.median(ratios)))
    return sorted(found, key=lambda one: -one.ratio)


def too_much(found: list[Growth]) -> list[str]:
    return [f"{one.name}: twice as much takes {one.ratio:.1f} times as long" for one in found if one.ratio > MOST]


def _seconds(flood: Flood, size: int) -> float:
    """The least of two, without the garbage collector: what it takes depends on all that there is."""
    text = flood(size)
    found = []
    for _ in range(2):
        gc.collect()
        gc.disable()
        try:
            began = time.process_time()
            convert(text, MarkdownOptions(), language("en"))
            found.append(time.process_time() - began)
        finally:
            gc.enable()
    return min(found)


def growths(found: list[Growth], command: str) -> str:
    """The part of the report."""
    worst = [[one.name, f"{one.size:,}", f"{one.seconds:.2f} s", f"{one.ratio:.2f}"] for one in found[:_SHOWN]]
    return "\n\n".join(
        [
            "# Growth",
            _HEAD.format(count=len(found), most=MOST),
            table(["many of", "size", "CPU time", "for twice as many"], worst),
            "\n".join(f"- {one}, **too much**" for one in too_much(found)),
            f"`{command}`",
        ]
    ).replace("\n\n\n\n", "\n\n")


_HEAD: Final = """\
{count} texts that keep a converter busy, each at a size and at twice that. No ratio may be more than {most}. Those that
grow most:"""
