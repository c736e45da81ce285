"""Which of Pygments' lexers take more than twice as long for twice as much code: every lexer, with texts that make one
look far ahead.
"""

import gc
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Final

from pygments import __version__
from pygments.lexer import Lexer
from pygments.lexers import find_lexer_class, get_all_lexers

from benchmarks.growth import MOST
from benchmarks.report import table
from sealpress.commands.console import Progress

UNITS: Final = ("\n", " ", "a ", "a\n", "a", "1", "(", "[", "{", "<", '"', "'", "/*", "#", "-", "\\", "a=", ": ", "<a ")
"""What is written again and again."""

SIZE: Final = 4000
"""Characters of the larger text; the smaller one has half of them."""

_LEAST: Final = 0.06  # seconds for the larger text: lexers take 0.01 s for so much code as people write it
_LONGEST: Final = 10.0  # seconds for one text
_TURNS: Final = 3


@dataclass(frozen=True, slots=True)
class Outgrown:
    """A lexer that outgrows its text: the worst unit, `seconds` for SIZE characters of it, and how many times as long
    as half of them that is; `endless`: it took longer than anybody waits.
    """

    lexer: str
    unit: str
    seconds: float
    ratio: float
    endless: bool = False


@dataclass(frozen=True, slots=True)
class Lexers:
    """How many were tried, and those that outgrow a text, the slowest first."""

    tried: int
    outgrown: list[Outgrown]


class _TooLong(Exception):  # noqa: N818 - no error: an answer
    pass


def measure(progress: Progress) -> Lexers:
    """Of every lexer that a fence can name, under its first name."""
    names = sorted({aliases[0] for _, aliases, _, _ in get_all_lexers(plugins=False) if aliases})
    found = []
    for name in names:
        progress.note(f"lexers: {name}")
        found_class = find_lexer_class(_class_name(name))
        if found_class is None:
            continue
        lexer = found_class(stripnl=False)
        worst = max((one for unit in UNITS if (one := _outgrown(name, lexer, unit))), key=_seconds, default=None)
        if worst:
            found.append(worst)
    return Lexers(len(names), sorted(found, key=lambda one: (-one.seconds, one.lexer)))


def _class_name(alias: str) -> str:
    return next(name for name, aliases, _, _ in get_all_lexers(plugins=False) if alias in aliases)


def _seconds(one: Outgrown) -> float:
    return one.seconds


def _outgrown(name: str, lexer: Lexer, unit: str) -> Outgrown | None:
    text, half = (unit * (size // len(unit)) for size in (SIZE, SIZE // 2))
    try:
        seconds = _taken(lexer, text)
        if seconds < _LEAST:
            return None
        less = min(_taken(lexer, half) for _ in range(_TURNS))
        seconds = min(seconds, *(_taken(lexer, text) for _ in range(_TURNS - 1))) if seconds < 1 else seconds
    except _TooLong:
        return Outgrown(name, unit, _LONGEST, 0, endless=True)
    return Outgrown(name, unit, seconds, seconds / less) if seconds > MOST * less else None


def _taken(lexer: Lexer, text: str) -> float:
    gc.collect()
    with _limit():
        began = time.process_time()
        for count, _ in enumerate(lexer.get_tokens(text)):
            if count > 8 * len(text):  # goes round for ever: ssg stops it there, too
                break
        return time.process_time() - began


@contextmanager
def _limit() -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, _LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def lexers(found: Lexers, command: str) -> str:
    """The part of the report."""
    rows = [
        [
            one.lexer,
            f"`{one.unit!r}`",
            f"more than {_LONGEST:.0f} s" if one.endless else f"{one.seconds:.2f} s",
            "" if one.endless else f"{one.ratio:.1f}",
        ]
        for one in found.outgrown
    ]
    parts = [
        "# Lexers that outgrow their code",
        _HEAD.format(tried=found.tried, count=len(rows), size=SIZE, most=MOST, version=__version__),
        table(["lexer", "again and again", "CPU time", "of half as much"], rows),
        f"```console\n$ {command}\n```",
    ]
    return "\n\n".join(parts)


_HEAD: Final = """\
Of the {tried} lexers of Pygments {version}, {count} take more than {most} times as long for twice as much of a text
that says the same again and again, {size:,} characters of it: nobody writes that as code, and somebody may. The worst
text of each:"""
