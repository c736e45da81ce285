"""Where links lead: (target "title") behind a text in brackets, and [label] (CommonMark 6.3)."""

import re
from typing import Final

from sealpress.frozen import frozen
from ssg.markup.text.characters import PUNCTUATION, unescaped

_BLANKS: Final = re.compile(r"[ \t\n]*")
_BRACED: Final = re.compile(r"<((?:[^<>\n\\]|\\.)*)>")
_PLAIN: Final = re.compile(r"[^\\()\x00-\x20\x7f]+")
_TITLE: Final = re.compile(r""""((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|\(((?:[^()\\]|\\.)*)\)""", re.DOTALL)
LABEL: Final = re.compile(r"\[((?:[^\\\[\]]|\\.){0,999})\]", re.DOTALL)
_MOST_PARENTHESES: Final = 32
"""Within each other: the specification asks for at least three, and each would be read again for each."""


@frozen
class Inline:
    """What stands in parentheses. `start` is where the target stands, `end` behind the parenthesis."""

    target: str
    title: str | None
    start: int
    end: int


def inline(text: str, at: int) -> Inline | None:
    """What the parenthesis at `at` says, or None where it is not of a link."""
    found = _BLANKS.match(text, at + 1)
    written = target(text, found.end() if found else at + 1)
    if written is None:
        return None
    start, behind, end = written
    title: str | None = None
    blanks = _BLANKS.match(text, end)
    if blanks and blanks[0] and (titled := _TITLE.match(text, blanks.end())):
        title = unescaped(next(group for group in titled.groups() if group is not None))
        end = titled.end()
    blanks = _BLANKS.match(text, end)
    end = blanks.end() if blanks else end
    if not text.startswith(")", end):
        return None
    return Inline(unescaped(text[start:behind]), title, start, end + 1)


def target(text: str, at: int) -> tuple[int, int, int] | None:
    """Where the target at `at` begins and ends, less its braces, and where what follows it begins. None: it is none."""
    if text.startswith("<", at):
        braced = _BRACED.match(text, at)
        return (at + 1, braced.end() - 1, braced.end()) if braced else None
    end = _plain_end(text, at)
    return None if end is None else (at, end, end)


def _plain_end(text: str, at: int) -> int | None:
    """Where a target without braces ends: at a blank, or at a parenthesis that it doesn't open. None: it leaves one."""
    depth = 0
    while at < len(text):
        if found := _PLAIN.match(text, at):
            at = found.end()
            continue
        char = text[at]
        if char == "\\":
            at += 2 if text[at + 1 : at + 2] in PUNCTUATION and at + 1 < len(text) else 1
        elif char == "(":
            depth += 1
            at += 1
            if depth > _MOST_PARENTHESES:
                return None
        elif char == ")" and depth:
            depth -= 1
            at += 1
        else:
            break
    return None if depth else at
