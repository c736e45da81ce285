"""What can go wrong that a person can mend, and how it is said.

    Problem            one thing wrong: what, where, how to mend it, and the exit code that it ends with
    Problems           several Problems of one stage, shown together

A Problem is raised where the fault is understood and shown once, at the command line (sealpress/command.py).
Anything else that escapes is a defect of sealpress and keeps its traceback.
"""

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

EXCERPT: Final = 120
"""How many characters of a line an excerpt shows: a paragraph of Markdown is often one line of thousands."""


class Exit(IntEnum):
    """Exit codes of all three commands; documented in the reference (site/content/*/docs/reference/exit-codes)."""

    OK = 0
    DIFFERENT = 1  # a comparison or a check that was asked for found a difference
    USAGE = 2  # the command line itself (click's own code)
    SITE = 3  # site.toml, front matter, content, templates, links
    LOCK = 4  # imagebake.lock, packages, mirrors, signatures
    TREE = 5  # an output tree or an archive that can't be sealed
    HOST = 6  # ssh: the host can't be reached, or doesn't let us in
    ENGINE = 7  # the container engine refused or misbehaved
    RELEASE = 8  # the new release did not become healthy; the old one still answers
    MACHINE = 9  # something is missing or wrong on this machine: git, a folder, a full disk
    SEAL = 10  # a seal that is missing, unsigned, altered, or signed by nobody that is known here
    REGISTRY = 11  # a registry can't be reached, doesn't let us in, or misbehaves
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Place:
    """A point in a text file, for a person. `line` and `column` count from 1; `text` is the whole line."""

    file: str
    line: int | None = None
    column: int | None = None
    text: str | None = None
    length: int = 1

    def __str__(self) -> str:
        parts = [self.file, self.line, self.column]
        return ":".join(str(part) for part in parts if part is not None)

    def excerpt(self) -> str:
        """The line with carets under the place, safe to print; of a long line, what stands around them.

        "" where the line isn't known.
        """
        if self.text is None or self.column is None:
            return ""
        number = f"{self.line} | "
        at = self.column - 1
        first = max(0, min(at - EXCERPT // 2, len(self.text) - EXCERPT))
        last = first + EXCERPT
        end = min(at + self.length, last)
        before = ("…" if first else "") + printable(self.text[first:at], keep="\t")
        marked = printable(self.text[at:end], keep="\t")
        after = printable(self.text[end:last], keep="\t") + ("…" if last < len(self.text) else "")
        carets = "^" * max(1, sum(map(_width, marked)))
        return f"{number}{before}{marked}{after}\n{' ' * len(number)}{_blank(before)}{carets}"


class Problem(Exception):  # noqa: N818 - it names what a person has, not what the program does
    """One thing that a person can mend."""

    def __init__(
        self, message: str, *, place: Place | None = None, hint: str | None = None, code: Exit = Exit.SITE
    ) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.hint = hint
        self.code = code

    def __str__(self) -> str:
        where = f"{printable(str(self.place), keep='')}: " if self.place else ""
        lines = [f"{where}{printable(self.message)}"]
        if self.place and (excerpt := self.place.excerpt()):
            lines.append(excerpt)
        if self.hint:
            lines.append(f"hint: {printable(self.hint)}")
        return "\n".join(lines)

    @property
    def each(self) -> tuple["Problem", ...]:
        return (self,)


class Problems(Problem):
    """Several Problems found in one pass, in a stable order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self._each = tuple(one for problem in problems for one in problem.each)
        if not self._each:
            raise ValueError("no problems to raise")
        super().__init__(self._each[0].message, place=self._each[0].place, code=self._each[0].code)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self._each)

    @property
    def each(self) -> tuple[Problem, ...]:
        return self._each


def raise_all(problems: Sequence[Problem]) -> None:
    """Raises what was collected: nothing, the one Problem, or all of them together."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise Problems(problems)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean "title"?)`, or "" where nothing known is near."""
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f' (did you mean "{near[0]}"?)' if near else ""


def printable(text: str, keep: str = "\n\t") -> str:
    """The text with control characters shown as escapes, so that text from outside can't drive a terminal.

    Also escapes the bidirectional overrides, which can make a line read as what it is not.
    """
    return "".join(char if char in keep or _is_harmless(char) else _escape(char) for char in text)


def _escape(char: str) -> str:
    return f"\\x{ord(char):02x}" if ord(char) < 0x100 else f"\\u{ord(char):04x}"


def _blank(text: str) -> str:
    """Blanks as wide as the text on a terminal. Tabs stay, so that what follows stands right in any."""
    return "".join("\t" if char == "\t" else " " * _width(char) for char in text)


def _width(char: str) -> int:
    """The columns of a terminal that a character takes (UAX 11 for the wide ones)."""
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def _is_harmless(char: str) -> bool:
    code = ord(char)
    is_control = code < 0x20 or 0x7F <= code < 0xA0
    is_direction = 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069
    is_surrogate = 0xD800 <= code <= 0xDFFF
    return not (is_control or is_direction or is_surrogate)
