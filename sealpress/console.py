"""All that the commands print: progress, tables, results. Library code takes a Console or a Progress and never prints.

Results go to standard output, everything about the way there to standard error, so `publish status --json | jq` works.
Colours and moving bars appear only on a terminal, and not with TERM=dumb; NO_COLOR takes the colours away.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol, TextIO

from sealpress.problems import Exit, Problem, printable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

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

# A number, with or without a unit; or that there is none.
_AMOUNT: Final = re.compile(r"[0-9][0-9.,]*( [A-Za-z]{1,3})?|–|")


@dataclass(frozen=True, slots=True)
class Console:
    """The terminal of one command. `json` prints results for machines, `quiet` drops all but results and problems."""

    out: TextIO
    err: TextIO
    json: bool = False
    quiet: bool = False

    @classmethod
    def standard(cls, *, json: bool = False, quiet: bool = False) -> "Console":
        return cls(sys.stdout, sys.stderr, json=json, quiet=quiet)

    @property
    def is_live(self) -> bool:
        """Whether a bar may move: a terminal that can, and a person who wants it."""
        return not self.quiet and self.err.isatty() and os.environ.get("TERM") != "dumb"

    def note(self, text: str) -> None:
        if not self.quiet:
            self._write(self.err, printable(text))

    def say(self, text: str) -> None:
        """A result for a person; not shown with --json."""
        if not self.json:
            self._write(self.out, printable(text))

    def result(self, data: Mapping[str, object]) -> None:
        """The same result for a machine; shown only with --json. One JSON document, keys sorted."""
        if self.json:
            # Where the stream can't hold every character, JSON's own escapes: those of _write are not JSON.
            is_unicode = (self.out.encoding or "utf-8").lower().startswith("utf")
            self._write(self.out, json.dumps(data, indent=2, sort_keys=True, ensure_ascii=not is_unicode))

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
        """Every Problem, one after the other; the count when there are several."""
        for one in problem.each:
            head, _, rest = str(one).partition("\n")
            self._write(self.err, f"{self._paint('error:', '1;31')} {head}" + (f"\n{rest}" if rest else ""))
        if len(problem.each) > 1:
            self._write(self.err, f"{len(problem.each)} errors")

    @contextmanager
    def track(self, label: str, total: int | None, unit: Unit = "items") -> Iterator[Advance]:
        """A moving bar on a terminal; elsewhere one line when the work is done."""
        if self.is_live:
            with _bar(self.err, label, total, unit) as advance:
                yield advance
        else:
            done = 0

            def count(more: int) -> None:
                nonlocal done
                done += more

            yield count
            self.note(f"{label}: {size(done) if unit == 'bytes' else done}")

    def _paint(self, text: str, style: str) -> str:
        wanted = self.err.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        return f"\x1b[{style}m{text}\x1b[0m" if wanted else text

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
                raise Problem(f"can't write what there is to say: {error.strerror}", code=Exit.MACHINE) from None


@contextmanager
def _bar(err: TextIO, label: str, total: int | None, unit: Unit) -> Iterator[Advance]:
    # rich costs 60 ms to import: only when a bar is going to be seen.
    from rich import progress as bars  # noqa: PLC0415
    from rich.console import Console as RichConsole  # noqa: PLC0415

    amount: list[bars.ProgressColumn] = (
        [bars.DownloadColumn(), bars.TransferSpeedColumn()] if unit == "bytes" else [bars.MofNCompleteColumn()]
    )
    columns = [bars.TextColumn("{task.description}"), bars.BarColumn(), *amount, bars.TimeRemainingColumn()]
    with bars.Progress(*columns, console=RichConsole(file=err)) as shown:
        task = shown.add_task(printable(label).replace("[", r"\["), total=total)
        yield lambda more: shown.advance(task, more)


def size(count: int) -> str:
    """A number of bytes for a person, in powers of ten: "9.87 MB"."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            break
        amount /= 1000
    return f"{count} B" if unit == "B" else f"{amount:.2f} {unit}"
