"""What can go wrong that a person can mend, and how it is said.

    Problem            one thing wrong: what, where, how to mend it, and the exit code that it ends with
    TreeProblem, …     one that ends with the code of this name, where all of a room's do
    Problems           several Problems of one stage, shown together
    Problem, is_warning  what a person should know, and what ends no work: collected beside the faults, told after it

A Problem is raised where the fault is understood and shown once, at the command line (sealpress/commands/command.py).
Anything else that escapes is a defect of sealpress and keeps its traceback.

What a message quotes may come from anybody: a key, a file's name, an engine's answer. So a message is one line, a hint
another, and whatever could break a line, turn it round or hide in it is shown as an escape. What somebody else said in
lines of its own is given as `said`, and each of its lines is marked as that.
"""

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from functools import partial
from typing import Final

from sealpress.frozen import frozen

EXCERPT: Final = 120
"""How many characters of a line an excerpt shows: a paragraph of Markdown is often one line of thousands."""

LONGEST: Final = 1000
"""Characters of a message, of a hint, of a line that was said: what is longer is shown without its middle."""

_LONGEST_NAME: Final = 500
_COMPARED: Final = 100  # characters of a word that can be a typing mistake


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
    RELEASE = 8  # the new release did not become healthy; readers never left the old one
    MACHINE = 9  # something is missing or wrong on this machine: git, a folder, a full disk
    SEAL = 10  # a seal that is missing, unsigned, altered, or signed by nobody that is known here
    REGISTRY = 11  # a registry can't be reached, doesn't let us in, or misbehaves
    ROLLED_BACK = 12  # a release failed when readers had it already: they have the one of before again
    NEEDS_HAND = 13  # and that could not be put back, or does not answer: a person has to look
    INTERRUPTED = 130


@frozen
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
    """One thing that a person can mend. `said` are lines of another program, which follow the message. `block` are
    lines to be copied into a file: they follow the hint as they are.

    `facts` is what a machine is told besides, where the command has a result in spite of it. One that `is_warning` is
    never raised; `warnings` are those that were found before this one ended the work.
    """

    def __init__(
        self,
        message: str,
        *,
        place: Place | None = None,
        hint: str | None = None,
        code: Exit = Exit.SITE,
        said: Iterable[str] = (),
        block: Iterable[str] = (),
        is_warning: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.said = tuple(said)
        self.block = tuple(block)
        self.place = place
        self.hint = hint
        self.code = code
        self.is_warning = is_warning
        self.facts: Mapping[str, object] = {}
        self.warnings: tuple[Problem, ...] = ()

    def __str__(self) -> str:
        where = f"{shown(str(self.place), _LONGEST_NAME)}: " if self.place else ""
        lines = [f"{where}{shown(self.message)}", *(f"  | {shown(line)}" for line in self.said)]
        if self.place and (excerpt := self.place.excerpt()):
            lines.append(excerpt)
        if self.hint:
            lines.append(f"hint: {shown(self.hint)}")
        lines += map(printable, self.block)
        return "\n".join(lines)

    @property
    def each(self) -> tuple["Problem", ...]:
        return (self,)

    @property
    def kind(self) -> str:
        """The message without what differs from case to case: quoted words and numbers are "…"; no guesses."""
        return _CASES.sub("…", _GUESS.sub("", self.message))

    def as_data(self) -> dict[str, object]:
        """For a machine. `line` and `column` count from 1; what isn't known is null."""
        place = self.place
        return {
            "message": self.message,
            "kind": self.kind,
            "file": place.file if place else None,
            "line": place.line if place else None,
            "column": place.column if place else None,
            "length": place.length if place and place.column else None,
            "hint": self.hint,
            "said": list(self.said),
            "block": list(self.block),
            "code": int(self.code),
        }


UsageProblem: Final = partial(Problem, code=Exit.USAGE)
LockProblem: Final = partial(Problem, code=Exit.LOCK)
TreeProblem: Final = partial(Problem, code=Exit.TREE)
HostProblem: Final = partial(Problem, code=Exit.HOST)
EngineProblem: Final = partial(Problem, code=Exit.ENGINE)
ReleaseProblem: Final = partial(Problem, code=Exit.RELEASE)
MachineProblem: Final = partial(Problem, code=Exit.MACHINE)
SealProblem: Final = partial(Problem, code=Exit.SEAL)
RegistryProblem: Final = partial(Problem, code=Exit.REGISTRY)
StandingProblem: Final = partial(Problem, code=Exit.NEEDS_HAND)

_GUESS: Final = re.compile(r" \(did you mean \"[^\"]*\"\?\)| \(while rendering [^()]*\)$")
_CASES: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|[0-9][0-9.,]*")


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


def raise_all(problems: Sequence[Problem], warnings: Iterable[Problem] = ()) -> None:
    """Raises what was collected: nothing, the one Problem, or all of them together; `warnings` are told with them."""
    if problems:
        raised = problems[0] if len(problems) == 1 else Problems(problems)
        raised.warnings = tuple(warnings)
        raise raised


_FEW: Final = 3


def in_short(warnings: Sequence[Problem]) -> list[str]:
    """The first few in a line each, and the count, for a command that has more to tell than these."""
    if not warnings:
        return []
    lines = [f"warning: {one.place}: {one.message}" if one.place else f"warning: {one.message}" for one in warnings]
    more = f"{len(lines)} warnings" if len(lines) > 1 else "1 warning"
    return [*lines[:_FEW], f"{more}; ssg build shows {'each' if len(lines) > 1 else 'it'}, with its line and a hint"]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean "title"?)`, or "" where nothing known is near."""
    if len(word) > _COMPARED:
        return ""
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f' (did you mean "{near[0]}"?)' if near else ""


def shown(text: str, longest: int = LONGEST) -> str:
    """A text from outside as a part of one line of ours: `printable`, and without its middle where it is too long."""
    if len(text) > longest:
        tail = longest // 4
        text = f"{text[: longest - tail]}…{text[-tail:]}"
    return printable(text)


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def printable(text: str, keep: str = "\t", escape: Callable[[str], str] = _escape) -> str:
    """The text with escapes for what drives a terminal, ends a line, or makes a line read as what it is not.

    That is all that Unicode calls a control, a format character (the marks and overrides of direction, what has no
    width), a separator of lines or paragraphs, or a surrogate.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char in keep or unicodedata.category(char) not in _HARMFUL else escape(char) for char in text
    )


def _blank(text: str) -> str:
    """Blanks as wide as the text on a terminal. Tabs stay, so that what follows stands right in any."""
    return "".join("\t" if char == "\t" else " " * _width(char) for char in text)


def _width(char: str) -> int:
    """The columns of a terminal that a character takes (UAX 11 for the wide ones)."""
    if unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


_HARMFUL: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
