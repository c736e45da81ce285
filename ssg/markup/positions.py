"""Where things stand in the source. Python-Markdown keeps no positions, so the source carries them.

Before anything is parsed, a small mark goes into every place where a URL could begin: behind `](`, at the start of a
reference's definition, in `<https://…>`, behind `href=`. Python-Markdown then decides what is a link; where it is one,
its URL carries the mark to the end, and the position is exact. All other marks (in code, in prose) are taken out again.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from ssg.markup.converted import ETX, STX, Fault

TAB: Final = 4

# Python-Markdown takes STX and ETX out itself; the other control characters can't stand in HTML (HTML, 13.2.3.5).
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")

MARK: Final = re.compile(f"{STX}p([0-9]+){ETX}")

# Each alternative ends where a URL begins. A mark must not change what the text means to Python-Markdown:
#  - [text](<url>), [text](url): within the brackets, behind the blanks
#  - [text][name]: so that an unknown name is known by its place
#  - [name]: url, in lists and quotations too; [^name]: is a footnote, whose text may begin a list
#  - <https://host>, <name@host>
#  - href="url" and its like in raw HTML and attribute lists
_PLACES: Final = re.compile(
    r"""
      \]\( (?: \s*<(?=[^<>]*>\s*["')]) | [ ]* )
    | \]\s?\[ (?!\^)
    | ^ [ >]* (?: [-*+][ ]+ | [0-9]+\.[ ]+ )? \[ (?!\^) [^\[\]\n]* \]: [ ]* (?:\n[ ]*)? <?
        (?= \S+ [ ]* (?:\n[ ]*)? (?: (?P<quote>["']).*(?P=quote)[ ]* | \(.*\)[ ]* )? $ )
    | < [A-Za-z][A-Za-z0-9+.-]*:// (?=[^<>]*>)
    | < (?=[^<>\s!]+@[^@<>\s]+>)
    | (?<=[\s"'{]) (?:xlink:)?
        (?:href|src|srcset|imagesrcset|poster|data|action|formaction|cite|background|ping|content) \s* = \s* ["']?
    """,
    re.VERBOSE | re.MULTILINE | re.IGNORECASE,
)


# What definitions of links and abbreviations may write: so many characters, and so many times the text's own.
_REPEATED: Final = 100_000
_FOLD: Final = 10

_BLANK_LINE: Final = re.compile(r"\n +(?=\n)")
_ATTRIBUTES: Final = (
    *(
        "href",
        "src",
        "srcset",
        "imagesrcset",
        "poster",
        "data",
        "action",
        "formaction",
        "cite",
        "background",
        "ping",
        "content",
    ),
)
_PREFIX: Final = "xlink:"


def _places(text: str) -> list[int]:
    """The ends of all that _PLACES.finditer() finds. It is tried only where it can match: in a page that is hardly
    anywhere, and trying it at each character takes longer than the rest of the marking.
    """
    starts = {*occurrences(text, "]"), *occurrences(text, "<")}
    starts.update(text.rfind("\n", 0, at) + 1 for at in occurrences(text, "]:"))
    for at in occurrences(text, "="):
        starts.update(_attribute_starts(text, at))
    ends: list[int] = []
    done = 0
    for start in sorted(starts):
        if start >= done and (found_place := _PLACES.match(text, start)):
            done = found_place.end()
            ends.append(done)
    return ends


def occurrences(text: str, sign: str) -> Iterator[int]:
    """Where a sign stands. A search for one string is ten times as fast as one for a set of characters."""
    at = text.find(sign)
    while at >= 0:
        yield at
        at = text.find(sign, at + 1)


def _attribute_starts(text: str, equals: int) -> Iterator[int]:
    """Where an attribute could begin whose value follows the sign at `equals`."""
    end = equals
    while end and text[end - 1].isspace():
        end -= 1
    before = text[max(0, end - 11) : end].casefold()  # a long s is an s to re.IGNORECASE
    for name in _ATTRIBUTES:
        if before.endswith(name):
            start = end - len(name)
            yield start
            yield max(0, start - len(_PREFIX))


@dataclass(slots=True)
class Source:
    """The text of one conversion, as written and as Python-Markdown gets it; what was found wrong in it."""

    text: str
    faults: list[Fault] = field(default_factory=list)
    repeated: int = 0  # characters that definitions have written again
    _offsets: list[int] = field(default_factory=list)  # of each mark, in the expanded text
    _expanded: str = ""
    _lines: list[str] = field(default_factory=list)  # as written, once they are asked for
    _starts: list[int] = field(default_factory=list)  # of each line, in the expanded text, once they are asked for

    def __post_init__(self) -> None:
        self.text = normal(self.text)

    def marked(self) -> str:
        """The text with marks, as Python-Markdown shall read it: tabs expanded, two line breaks at the end."""
        expanded = self.text.expandtabs(TAB) if "\t" in self.text else self.text
        expanded += "\n\n"
        if "\n " in expanded:
            expanded = _BLANK_LINE.sub("\n", expanded)
        self._expanded = expanded
        parts: list[str] = []
        done = 0
        for number, end in enumerate(_places(expanded)):
            self._offsets.append(end)
            parts += [expanded[done:end], f"{STX}p{number}{ETX}"]
            done = end
        parts.append(expanded[done:])
        return "".join(parts)

    def place(self, mark: int) -> tuple[int, int]:
        """The line and column of a mark, from 1, in the text as written."""
        offset = self._offsets[mark]
        if not self._starts:
            self._starts = [0, *accumulate(len(line) + 1 for line in self._expanded.split("\n"))]
        line = bisect_right(self._starts, offset) - 1
        return line + 1, self._column(line, offset - self._starts[line])

    def _column(self, line: int, expanded: int) -> int:
        """A column from 1 in the line as written, for one from 0 in the line with its tabs expanded."""
        if "\t" not in self.text:
            return expanded + 1
        self._lines = self._lines or self.text.split("\n")
        written = self._lines[line] if line < len(self._lines) else ""
        if "\t" not in written:
            return expanded + 1
        width = 0
        for column, char in enumerate(written):
            if width >= expanded:
                return column + 1
            width += TAB - width % TAB if char == "\t" else 1
        return len(written) + 1

    def fault(self, message: str, hint: str, place: tuple[int, int], length: int = 1) -> None:
        self.faults.append(Fault(message, hint, *place, length))

    def may_repeat(self, size: int) -> bool:
        """Counts what a definition writes once more, in `size` characters: a long one that is used often fills disks.

        False, with a fault, where the whole is too much.
        """
        self.repeated += size
        if self.repeated <= _REPEATED + _FOLD * len(self.text):
            return True
        hint = "shorten the addresses, titles and abbreviations that are used most"
        self.fault("the definitions of this text write far more than the text is long", hint, (1, 1))
        return False

    def find(self, pattern: str) -> tuple[int, int]:
        """The first place of a regular expression outside of code; else in code; else the text's beginning.

        For what Python-Markdown dropped without a mark.
        """
        for text in (_without_code(self.text), self.text):
            if found := re.search(pattern, text, re.MULTILINE | re.IGNORECASE):
                before = text[: found.start()]
                return before.count("\n") + 1, found.start() - (before.rfind("\n") + 1) + 1
        return 1, 1


def normal(text: str) -> str:
    """Line breaks as LF, and no control characters but the tab."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.replace("\n", "").isprintable() else _CONTROL.sub("", text)


def without_marks(text: str) -> str:
    return MARK.sub("", text) if STX in text else text


_CODE: Final = re.compile(
    r"^[ >]*(?P<fence>`{3,}|~{3,})[^\n]*\n.*?(?:^[ >]*(?P=fence)[`~]*[ ]*$|\Z)"
    r"|(?<![`\\])(?P<ticks>`+)(?!`)(?:(?!\n[ ]*\n).)*?(?<!`)(?P=ticks)(?!`)",
    re.DOTALL | re.MULTILINE,
)


def _without_code(text: str) -> str:
    """The text with every character of fenced and inline code but the line breaks made a blank."""
    return _CODE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
