"""All that the commands print: progress, tables, results. Library code takes a Console or a Progress and never prints.

Results go to standard output, everything about the way there to standard error, so `publish status --json | jq` works.
Colours and moving bars appear only on a terminal, and not with TERM=dumb; NO_COLOR takes the colours away.
"""

import json
import os
import re
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING, Final, Literal, Protocol, TextIO

from sealpress.frozen import frozen
from sealpress.problems import MachineProblem, Problem, printable, shown

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from rich.progress import Progress as Bars
    from rich.progress import TaskID

Unit = Literal["bytes", "items"]

Advance = Callable[[int], None]
"""Called with how much more was done since the last call."""


class Progress(Protocol):
    """Where long work tells how far it is."""

    def track(self, label: str, total: int | None, unit: Unit = "items") -> "AbstractContextManager[Advance]":
        """A bar for `total` units (None: not known), which lasts as long as the context."""
        ...

    def note(self, text: str) -> None:
        """One line about the way: a step done, a choice made."""
        ...


class Silent:
    """Progress that nobody watches: for libraries and tests."""

    @contextmanager
    def track(self, label: str, total: int | None, unit: Unit = "items") -> Iterator[Advance]:
        del label, total, unit
        yield lambda _done: None

    def note(self, text: str) -> None:
        del text


SILENT = Silent()

_PATIENCE: Final = 0.5  # seconds that a person waits without asking what goes on
_WIDTH: Final = 100
_MANY: Final = 20  # problems: as many as a screen or two show
_FEW: Final = 3

# A number, with or without a unit; or that there is none.
_AMOUNT: Final = re.compile(r"[0-9][0-9.,]*( [A-Za-z]{1,3})?|–|")


@frozen
class Console:
    """The terminal of one command. `json` prints results for machines, `quiet` drops all but results and problems.

    `terse`: work that was done before anybody could wait for it is not told of, since the result says it all. `whole`:
    each of many problems and of long lists is shown.
    """

    out: TextIO
    err: TextIO
    json: bool = False
    quiet: bool = False
    terse: bool = False
    whole: bool = False
    _results: list[None] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def standard(cls, *, json: bool = False, quiet: bool = False, whole: bool = False) -> "Console":
        return cls(sys.stdout, sys.stderr, json=json, quiet=quiet, whole=whole)

    @property
    def is_live(self) -> bool:
        """Whether a bar may move: a terminal that can, and a person who wants it."""
        return not self.quiet and self.err.isatty() and os.environ.get("TERM") != "dumb"

    @property
    def width(self) -> int:
        """Columns for results: those of the terminal, elsewhere 100."""
        return shutil.get_terminal_size().columns if self.out.isatty() else _WIDTH

    def note(self, text: str) -> None:
        if not self.quiet:
            self._write(self.err, shown(text))

    def say(self, text: str) -> None:
        """A result for a person; not shown with --json."""
        if not self.json:
            self._write(self.out, printable(text))

    def say_painted(self, pieces: Sequence[tuple[str, str]]) -> None:
        """A result of pieces, each with its style of ISO 6429 ("31": red), "" for none."""
        if not self.json:
            self._write(self.out, "".join(self._paint(printable(text), style, self.out) for text, style in pieces))

    def paints(self, stream: TextIO) -> bool:
        """Whether colours may appear there."""
        return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

    def detail(self, text: str) -> None:
        """What stands below a result, for who wants to know more: not with --quiet, nor with --json."""
        if not self.quiet:
            self.say(text)

    def result(self, data: Mapping[str, object]) -> None:
        """The same result for a machine; shown only with --json. One JSON document, keys sorted."""
        if self.json:
            self._results.append(None)
            # Where the stream can't hold every character, JSON's own escapes: those of _write are not JSON.
            is_unicode = (self.out.encoding or "utf-8").lower().startswith("utf")
            text = json.dumps(data, indent=2, sort_keys=True, ensure_ascii=not is_unicode)
            self._write(self.out, "\n".join(printable(line, escape=_json_escape) for line in text.split("\n")))

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Aligned columns, for a person. Columns whose cells are all numbers or sizes stand to the right."""
        cells = [[printable(cell, keep="") for cell in row] for row in [header, *rows]]
        widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
        right = [bool(rows) and all(_AMOUNT.fullmatch(row[column]) for row in rows) for column in range(len(header))]
        for row in cells:
            padded = [
                cell.rjust(width) if to_right else cell.ljust(width)
                for cell, width, to_right in zip(row, widths, right, strict=True)
            ]
            self.say("  ".join(padded).rstrip())

    def problem(self, problem: Problem) -> None:
        """Every Problem, one after the other, below the warnings that came before; the counts when there are several.

        Of many, the first few of each kind, the first of them whole, unless all are wanted. With --json all of them are
        told to the machine too, where it has no result yet.
        """
        warnings = () if self.quiet else problem.warnings
        self.warnings(warnings)
        self._listed(problem.each, "error", "1;31")
        if warnings or len(problem.each) > 1:
            counts = [self._count(problem.each, "error"), *([self._count(warnings, "warning")] if warnings else [])]
            self._write(self.err, " and ".join(counts) + self._fold(problem.each, warnings))
        if not self._results:
            told = {"warnings": [one.as_data() for one in problem.warnings]} if problem.warnings else {}
            self.result({"errors": [one.as_data() for one in problem.each], **told, **problem.facts})

    def warnings(self, found: Sequence[Problem]) -> None:
        """Shows them as problems are shown; not with --quiet."""
        if not self.quiet:
            self._listed(found, "warning", "1;33")

    def sum_up(self, found: Sequence[Problem]) -> None:
        """The last line of a command that showed `warnings`: how many there were, and what makes more of them."""
        if found and not self.quiet:
            them = "them errors" if len(found) > 1 else "it an error"
            self.note(f"{self._count(found, 'warning')}{self._fold(found)}; ssg build --strict makes {them}")

    def _listed(self, found: Sequence[Problem], name: str, style: str) -> None:
        is_long = self._is_long(found)
        for some in _by_kind(found).values() if is_long else [found]:
            for number, one in enumerate(some[:_FEW] if is_long else some):
                head, _, rest = str(one).partition("\n")
                if is_long and number:
                    rest = ""  # as the first of its kind has it
                self._write(
                    self.err, f"{self._paint(f'{name}:', style, self.err)} {head}" + (f"\n{rest}" if rest else "")
                )
            if is_long and len(some) > _FEW:
                self._write(self.err, f"… and {len(some) - _FEW} more like these")

    def _count(self, found: Sequence[Problem], name: str) -> str:
        kinds = len(_by_kind(found))
        of = f" of {kinds} kind{'s' if kinds > 1 else ''}" if self._is_long(found) else ""
        return f"{len(found)} {name}{'s' if len(found) > 1 else ''}{of}"

    def _is_long(self, found: Sequence[Problem]) -> bool:
        return len(found) > _MANY and not self.whole

    def _fold(self, *found: Sequence[Problem]) -> str:
        return "; --all shows each" if any(map(self._is_long, found)) else ""

    @contextmanager
    def track(self, label: str, total: int | None, unit: Unit = "items") -> Iterator[Advance]:
        """A moving bar on a terminal, once the work has taken half a second; elsewhere one line when it is done."""
        if self.is_live:
            bar = _Bar(self.err, label, total, unit)
            try:
                yield bar.advance
            finally:
                bar.close()
        else:
            done = 0
            began = time.monotonic()

            def count(more: int) -> None:
                nonlocal done
                done += more

            yield count
            if not self.terse or time.monotonic() - began >= _PATIENCE:
                self.note(f"{label}: {size(done) if unit == 'bytes' else done}")

    def _paint(self, text: str, style: str, stream: TextIO) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if style and self.paints(stream) else text

    def _write(self, stream: TextIO, text: str) -> None:
        # A terminal under LANG=C may not know every character: show an escape rather than fail.
        encoding = stream.encoding or "utf-8"
        try:
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
            stream.flush()
        except OSError as error:
            # What is still buffered goes nowhere, or Python would fail over it once more on its way out.
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())
            # The reader went away (`ssg build | head`): the work goes on, and ends with its own exit code.
            if not isinstance(error, BrokenPipeError):
                raise MachineProblem(f"can't write what there is to say: {error.strerror}") from None


def _by_kind(found: Sequence[Problem]) -> dict[str, list[Problem]]:
    kinds: dict[str, list[Problem]] = {}
    for one in found:
        kinds.setdefault(one.kind, []).append(one)
    return kinds


class _Bar:
    """A bar that appears only if the work is still going on after a while.

    A timer brings it up, since work that waits for a network may have nothing to tell for long.
    """

    def __init__(self, err: TextIO, label: str, total: int | None, unit: Unit) -> None:
        self._make = partial(_shown, err, label, total, unit)
        self._lock = threading.Lock()
        self._done = 0
        self._over = False
        self._shown: tuple[Bars, TaskID] | None = None
        self._timer = threading.Timer(_PATIENCE, self._appear)
        self._timer.daemon = True
        self._timer.start()

    def advance(self, more: int) -> None:
        with self._lock:
            self._done += more
            if self._shown:
                bars, task = self._shown
                bars.advance(task, more)

    def close(self) -> None:
        """The end, of the work or by Ctrl-C: what is shown stays, and the terminal is as it was."""
        self._timer.cancel()
        with self._lock:
            self._over = True
            if self._shown:
                self._shown[0].stop()

    def _appear(self) -> None:
        bars, task = self._make()
        with self._lock:
            if not self._over:
                bars.start()
                bars.advance(task, self._done)
                self._shown = bars, task


def _shown(err: TextIO, label: str, total: int | None, unit: Unit) -> "tuple[Bars, TaskID]":
    # rich costs 60 ms to import: only when a bar is going to be seen.
    from rich import progress as bars  # noqa: PLC0415
    from rich.console import Console as RichConsole  # noqa: PLC0415

    amount: list[bars.ProgressColumn] = (
        [bars.DownloadColumn(), bars.TransferSpeedColumn()] if unit == "bytes" else [bars.MofNCompleteColumn()]
    )
    columns = [bars.TextColumn("{task.description}"), bars.BarColumn(), *amount, bars.TimeRemainingColumn()]
    shown = bars.Progress(*columns, console=RichConsole(file=err))
    return shown, shown.add_task(printable(label).replace("[", r"\["), total=total)


def _json_escape(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else json.dumps(char)[1:-1]


def size(count: int) -> str:
    """A number of bytes for a person, in powers of ten: "9.87 MB"."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{count} B" if unit == "B" else f"{amount:.2f} {unit}"
