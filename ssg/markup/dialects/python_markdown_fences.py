"""Fenced code in Python-Markdown's reading: taken out of the text before the rest is parsed. A fence may stand in a
list, a quotation, a footnote or a definition, indented or quoted like the rest of it.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from ssg.markup.code.fences import Fence, fence_of
from ssg.markup.text.positions import MarkdownSource

_OPEN: Final = re.compile(r"(?P<prefix>(?:[ ]*>)*[ ]*)(?P<fence>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)$")
_CONTAINER: Final = re.compile(r"[ >]*(?:[-*+][ ]|[0-9]+\.[ ]|:[ ]|\[\^[^\]]+\]:)")


def extract(text: str, source: MarkdownSource, store: Callable[[Fence], str]) -> str:
    """The text with every fence as the placeholder that `store` gives for it."""
    starts = (*_occurrences(text, "```"), *_occurrences(text, "~~~"))
    numbers = sorted({text.count("\n", 0, start) for start in starts})
    if not numbers:
        return text
    lines = text.split("\n")
    out: list[str] = []
    done = 0
    for at in numbers:
        opening = _OPEN.match(lines[at]) if at >= done else None
        if opening is None or not _may_open(opening["prefix"], lines, at):
            continue
        end = _closing(opening, lines, at + 1)
        if end is None:
            _complain_of_open_end(opening, lines, at, source)
            continue
        prefix = opening["prefix"]
        code = lines[at + 1 : end]
        if prefix:
            code = [_without_prefix(inner, prefix) for inner in code]
        info = opening["info"].strip(" ")
        column = lines[at].index(info, len(prefix) + len(opening["fence"])) if info else len(prefix)
        fence = fence_of(info, "".join([f"{inner}\n" for inner in code]), (at + 1, column + 1), source)
        quoted = prefix.rstrip(" ")
        # Two blank lines behind it: one ends the paragraph, the other keeps its own line break out of it.
        out += [*lines[done:at], quoted, prefix + store(fence), quoted, quoted]
        done = end + 1
    return "\n".join([*out, *lines[done:]])


def _may_open(prefix: str, lines: list[str], at: int) -> bool:
    """Whether a fence is one. Four blanks deep, it is code that shows a fence, unless a list or the like holds it."""
    depth = len(prefix) - len(prefix.rstrip(" "))
    if depth < 4:
        return True
    for line in reversed(lines[:at]):
        if not line.strip(" >"):
            continue
        if len(line) - len(line.lstrip(" >")) < len(prefix):
            if _CONTAINER.match(line):
                return True
            if not line.startswith(" "):
                return False
    return False


def _closing(opening: re.Match[str], lines: list[str], start: int) -> int | None:
    fence, quoted = opening["fence"], opening["prefix"].rstrip(" ")
    for number in range(start, len(lines)):
        line = lines[number]
        if quoted and not line.startswith(quoted):
            return None
        if fence not in line:
            continue
        stripped = line[len(quoted) :].strip(" ")
        if stripped.startswith(fence) and not stripped.strip(fence[0]):
            return number
    return None


def _complain_of_open_end(opening: re.Match[str], lines: list[str], at: int, source: MarkdownSource) -> None:
    # Python-Markdown lets inline code run over lines: ``` may also be one that closes in the same paragraph.
    for line in lines[at + 1 :]:
        if not line.strip():
            break
        if opening["fence"] in line:
            return
    source.fault(
        "this code fence is never closed",
        f"write {opening['fence']} on a line of its own below the code",
        (at + 1, len(opening["prefix"]) + 1),
        len(opening["fence"]),
    )


def _without_prefix(line: str, prefix: str) -> str:
    quoted = prefix.rstrip(" ")
    rest = line.removeprefix(quoted)
    blanks = len(prefix) - len(quoted)
    return rest[min(blanks, len(rest) - len(rest.lstrip(" "))) :]


def _occurrences(text: str, sign: str) -> Iterator[int]:
    at = text.find(sign)
    while at >= 0:
        yield at
        at = text.find(sign, at + 1)
