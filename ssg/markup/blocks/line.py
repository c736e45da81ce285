"""A line while it is taken apart: columns where tabs are four wide, and which character stands there (2.2)."""

import re
from typing import Final

from ssg.markup.text.block import Position

TAB: Final = 4

# All that may stand before the text of a line. Tabs behind it are left alone: they are text.
_LEADING: Final = re.compile(r"[ \t>*+\-0-9.):]*")
_NOT_BLANK: Final = re.compile(r"[^ \t]")


class MarkdownLine:
    """`text` has blanks for the tabs that stand before its first word."""

    __slots__ = ("_lead", "_origins", "_written", "length", "number", "text")

    def __init__(self, written: str, number: int) -> None:
        self.number = number
        self.text = written
        self._written: str | None = None
        if "\t" in written:
            self._expand(written)
        self.length = len(self.text)

    def _expand(self, written: str) -> None:
        found = _LEADING.match(written)
        leading = found[0] if found else ""
        text = ""
        origins: list[int] = []
        for at, char in enumerate(leading):
            wide = " " * (TAB - len(text) % TAB) if char == "\t" else char
            text += wide
            origins += [at] * len(wide)
        self._written = written
        self._lead = len(text)
        self._origins = origins
        self.text = text + written[len(leading) :]

    def _origin(self, at: int) -> int:
        """Where in the line as written the character at `at` stands."""
        if at < self._lead:
            return self._origins[at]
        return at - self._lead + (self._origins[-1] + 1 if self._origins else 0)

    def next(self, at: int) -> int:
        """Where the next character stands that is no blank, or the line's end."""
        found = _NOT_BLANK.search(self.text, at)
        return found.start() if found else self.length

    def place(self, at: int) -> Position:
        return self.number, (at if self._written is None else self._origin(at)) + 1

    def rest(self, at: int) -> str:
        """The text from a column on, with its tabs; what is left of one that was cut through is blanks."""
        if self._written is None or at >= self._lead:
            return self.text[at:]
        origin = self._origins[at]
        if at and self._origins[at - 1] == origin:
            end = at
            while end < self._lead and self._origins[end] == origin:
                end += 1
            return " " * (end - at) + self._written[origin + 1 :]
        return self._written[origin:]
