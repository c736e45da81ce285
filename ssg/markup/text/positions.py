"""The text of one conversion, and what was found in it that the author must mend or should know."""

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Final

from ssg.markup.text.converted import Fault

# The control characters that can't stand in HTML (HTML, 13.2.3.5), and those that the conversion marks its own with.
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")


# What definitions of links and abbreviations, and empty cells, may add: so many characters, and so many times the
# text's own.
_REPEATED: Final = 100_000
_FOLD: Final = 10

_SEARCHES: Final = 200
"""So often is a whole text searched for the place of a fault. What is told beyond that is told at its beginning."""


@dataclass
class MarkdownSource:
    """The text, normalised; `faults` and `warnings` in the order in which they were found."""

    text: str
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    repeated: int = 0  # characters that definitions have written again
    _searches: int = 0
    _places: dict[str, tuple[int, int]] = field(default_factory=dict)  # of an expression
    _found: dict[str, int] = field(default_factory=dict)  # where a word was found last
    _last: int = -1  # and any of them

    def __post_init__(self) -> None:
        self.text = normal(self.text)

    def fault(self, message: str, hint: str, place: tuple[int, int], length: int = 1) -> None:
        self.faults.append(Fault(message, hint, *place, length))

    def warn(self, message: str, hint: str, place: tuple[int, int], length: int = 1) -> None:
        self.warnings.append(Fault(message, hint, *place, length))

    def may_repeat(self, size: int) -> bool:
        """Counts what a definition writes once more, in `size` characters: a long one that is used often fills disks.

        False, with a fault, where the whole is too much.
        """
        self.repeated += size
        if self.repeated <= _REPEATED + _FOLD * len(self.text):
            return True
        hint = "shorten the addresses, titles and abbreviations that are used most; write tables with fewer columns"
        self.fault("the page of this text would be far longer than the text", hint, (1, 1))
        return False

    def find(self, pattern: str) -> tuple[int, int]:
        """The first place of a regular expression outside of code; else in code; else the text's beginning.

        For what the parser left without a place.
        """
        if pattern not in self._places:
            self._places[pattern] = self._search(pattern)
        return self._places[pattern]

    def _search(self, pattern: str) -> tuple[int, int]:
        if self._may_search():
            for text in (self._without_code, self.text):
                if found := re.search(pattern, text, re.MULTILINE | re.IGNORECASE):
                    return self._place(found.start())
        return 1, 1

    def next_of(self, word: str) -> tuple[int, int]:
        """As find(), for a word: its next place each time it is asked for, as long as there is one.

        Words are mostly asked for in the order of the text, so it is looked for behind the last one first.
        """
        before = self._found.get(word, -1)
        at = -1
        if self._searches <= _SEARCHES:
            at = self._without_code.find(word, max(before, self._last) + 1)
            if at < 0 and self._may_search():
                at = self._without_code.find(word, before + 1)
                if at < 0:
                    at = before if before >= 0 else self.text.find(word)
        if at < 0:
            return 1, 1
        self._found[word] = self._last = at
        return self._place(at)

    def _may_search(self) -> bool:
        """Counts a search through the whole text."""
        self._searches += 1
        return self._searches <= _SEARCHES

    def _place(self, at: int) -> tuple[int, int]:
        line = bisect_right(self._starts, at)
        return line, at - self._starts[line - 1] + 1

    @cached_property
    def _starts(self) -> list[int]:
        """Where each line begins."""
        return [0, *accumulate(len(line) + 1 for line in self.text.split("\n"))]

    @cached_property
    def readable(self) -> str:
        """The text less code, comments and scripts: their characters are blanks."""
        return _UNREAD.sub(_blank, self._without_code)

    @cached_property
    def _without_code(self) -> str:
        """The text with every character of fenced and inline code but the line breaks made a blank."""
        text = self.text
        runs: dict[int, list[int]] = {}  # of backticks, by their length
        for ticks in _TICKS.finditer(text):
            runs.setdefault(len(ticks[0]), []).append(ticks.start())
        gaps = [gap.start() for gap in _GAP.finditer(text)] + [len(text)]
        parts: list[str] = []
        done = at = 0
        while found := _CODE.search(text, at):
            start, at = found.span()
            if not found["fence"]:
                same = runs[at - start]
                number = bisect_left(same, at)
                if number == len(same) or same[number] > gaps[bisect_left(gaps, at)]:
                    continue
                at = same[number] + at - start
            parts += [text[done:start], _LETTER.sub(" ", text[start:at])]
            done = at
        return "".join([*parts, text[done:]])


def normal(text: str) -> str:
    """Line breaks as LF, and no control characters but the tab."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.replace("\n", "").isprintable() else _CONTROL.sub("", text)


def _blank(found: re.Match[str]) -> str:
    return _LETTER.sub(" ", found[0])


_LETTER: Final = re.compile(r"[^\n]")
_UNREAD: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|<(?P<raw>pre|script|style|textarea)\b.*?(?:</(?P=raw)|\Z)", re.DOTALL | re.IGNORECASE
)
_TICKS: Final = re.compile("`+")
_GAP: Final = re.compile(r"\n(?=[ ]*\n)")
# A whole fence, or the backticks that may begin code in a line.
_CODE: Final = re.compile(
    r"^[ >]*+(?P<fence>`{3,}+|~{3,}+)[^\n]*+\n.*?(?:^[ >]*+(?P=fence)[`~]*+[ ]*$|\Z)|(?<![`\\])`++",
    re.DOTALL | re.MULTILINE,
)
