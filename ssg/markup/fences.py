"""Fenced code: found in the source, taken out before the rest is parsed, put back highlighted at the end.

    ```python hl_lines="2 4-6" linenums title="x.py"
    ``` {.python #id .class hl_lines="2"}

The language is the first word or class. `hl_lines` are lines to mark, counted from 1 and as ranges; `linenums` numbers
lines, from 1 or from its value; `title` stands above the code. `#id` and further classes go to the block. A fence may
stand in a list, a quotation, a footnote or a definition, indented or quoted like the rest of it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from markdown.extensions.attr_list import get_attrs_and_remainder

from sealpress.problems import did_you_mean
from ssg.markup.positions import Source, occurrences, without_marks

OPTIONS: Final = ("hl_lines", "linenums", "title")


@dataclass(frozen=True, slots=True)
class Fence:
    """A block of fenced code. `line` and `column` are where its language stands (from 1), or the fence itself."""

    language: str
    code: str
    line: int
    column: int
    id: str = ""
    classes: tuple[str, ...] = ()
    title: str = ""
    first_number: int | None = None  # of its lines; None: not numbered
    marked: frozenset[int] = frozenset()  # lines, from 1


_OPEN: Final = re.compile(r"(?P<prefix>(?:[ ]*>)*[ ]*)(?P<fence>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)$")
_CONTAINER: Final = re.compile(r"[ >]*(?:[-*+][ ]|[0-9]+\.[ ]|:[ ]|\[\^[^\]]+\]:)")


def extract(text: str, source: Source, store: Callable[[Fence], str]) -> str:
    """The marked text with every fence as the placeholder that `store` gives for it."""
    starts = (*occurrences(text, "```"), *occurrences(text, "~~~"))
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
        fence = _fence(opening, without_marks("".join([f"{inner}\n" for inner in code])), at + 1, source)
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


def _complain_of_open_end(opening: re.Match[str], lines: list[str], at: int, source: Source) -> None:
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


def _fence(opening: re.Match[str], code: str, line: int, source: Source) -> Fence:
    written = without_marks(opening["info"])
    info = written.strip(" ")
    column = len(opening["prefix"]) + len(opening["fence"]) + 1 + len(written) - len(written.lstrip(" "))
    if info.startswith("{") and info.endswith("}"):
        attributes, _ = get_attrs_and_remainder(info[1:-1])
    else:
        language, _, rest = info.partition(" ")
        attributes, _ = get_attrs_and_remainder(rest.strip("{} ")) if rest else ([], "")
        attributes = [(".", language.removeprefix(".")), *attributes] if language else attributes
    classes = [value or "" for key, value in attributes if key == "."]
    language = classes[0] if classes else ""
    at = max(0, info.find(language)) if language else 0
    options = _Options(source, (line, column), info)
    values = {key: options.check(key, value) for key, value in attributes if key != "."}
    return Fence(
        language,
        code,
        line,
        column + at if info else len(opening["prefix"]) + 1,
        id=values.get("id", ""),
        classes=tuple(classes[1:]),
        title=values.get("title", ""),
        first_number=options.number(values["linenums"]) if "linenums" in values else None,
        marked=options.lines(values.get("hl_lines", ""), code.count("\n")),
    )


@dataclass(frozen=True, slots=True)
class _Options:
    source: Source
    place: tuple[int, int]  # of the info string
    info: str

    def check(self, key: str, value: str | None) -> str:
        if key not in {*OPTIONS, "id"}:
            hint = f"options of code are {', '.join(OPTIONS)}, a #name and .classes"
            self._complain(f'code has no option "{key}"{did_you_mean(key, OPTIONS)}', hint, key)
        return value or ""

    def number(self, value: str) -> int:
        if value.lower() in {"", "true"}:
            return 1
        if value.isascii() and value.isdigit() and len(value) < 7:
            return int(value)
        self._complain(f'linenums can\'t be "{value}"', 'write linenums, or the first number: linenums="12"', value)
        return 1

    def lines(self, value: str, count: int) -> frozenset[int]:
        chosen: set[int] = set()
        for part in value.replace(",", " ").split():
            found = re.fullmatch(r"([0-9]{1,6})(?:-([0-9]{1,6}))?", part)
            first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
            if not 1 <= first <= last <= count:
                hint = f'the code has {count} lines; write hl_lines="1 3-4", counted from 1'
                self._complain(f'hl_lines can\'t be "{part}"', hint, part)
            else:
                chosen.update(range(first, last + 1))
        return frozenset(chosen)

    def _complain(self, message: str, hint: str, word: str) -> None:
        line, column = self.place
        self.source.fault(message, hint, (line, column + max(0, self.info.find(word))), max(1, len(word)))
