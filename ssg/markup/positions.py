"""The text of one conversion, and what was found in it that the author must mend or should know."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from ssg.markup.converted import Fault

# The control characters that can't stand in HTML (HTML, 13.2.3.5), and those that the conversion marks its own with.
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")


# What definitions of links and abbreviations may write: so many characters, and so many times the text's own.
_REPEATED: Final = 100_000
_FOLD: Final = 10


@dataclass
class Source:
    """The text, normalised; `faults` and `warnings` in the order in which they were found."""

    text: str
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    repeated: int = 0  # characters that definitions have written again
    _found: dict[str, int] = field(default_factory=dict)  # where a word was found last

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
        hint = "shorten the addresses, titles and abbreviations that are used most"
        self.fault("the definitions of this text write far more than the text is long", hint, (1, 1))
        return False

    def find(self, pattern: str) -> tuple[int, int]:
        """The first place of a regular expression outside of code; else in code; else the text's beginning.

        For what the parser left without a place.
        """
        for text in (self._without_code, self.text):
            if found := re.search(pattern, text, re.MULTILINE | re.IGNORECASE):
                before = text[: found.start()]
                return before.count("\n") + 1, found.start() - (before.rfind("\n") + 1) + 1
        return 1, 1

    def next_of(self, word: str) -> tuple[int, int]:
        """As find(), for a word: its next place each time it is asked for, as long as there is one."""
        at = self._without_code.find(word, self._found.get(word, -1) + 1)
        if at < 0:
            at = self._found[word] if word in self._found else self.text.find(word)
        if at < 0:
            return 1, 1
        self._found[word] = at
        return self.text.count("\n", 0, at) + 1, at - self.text.rfind("\n", 0, at)

    @cached_property
    def readable(self) -> str:
        """The text less code, comments and scripts: their characters are blanks."""
        return _UNREAD.sub(_blank, self._without_code)

    @cached_property
    def _without_code(self) -> str:
        """The text with every character of fenced and inline code but the line breaks made a blank."""
        return _CODE.sub(_blank, self.text)


def normal(text: str) -> str:
    """Line breaks as LF, and no control characters but the tab."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.replace("\n", "").isprintable() else _CONTROL.sub("", text)


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


_UNREAD: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|<(?P<raw>pre|script|style|textarea)\b.*?(?:</(?P=raw)|\Z)", re.DOTALL | re.IGNORECASE
)
_CODE: Final = re.compile(
    r"^[ >]*(?P<fence>`{3,}|~{3,})[^\n]*\n.*?(?:^[ >]*(?P=fence)[`~]*[ ]*$|\Z)"
    r"|(?<![`\\])(?P<ticks>`+)(?!`)(?:(?!\n[ ]*\n).)*?(?<!`)(?P=ticks)(?!`)",
    re.DOTALL | re.MULTILINE,
)
