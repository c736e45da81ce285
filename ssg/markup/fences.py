"""Fenced code: what its first line says. It is put back highlighted at the end.

    ```python hl_lines="2 4-6" linenums title="x.py"
    ``` {.python #id .class hl_lines="2"}

The language is the first word or class. `hl_lines` are lines to mark, counted from 1 and as ranges; `linenums` numbers
lines, from 1 or from its value; `title` stands above the code. `#id` and further classes go to the block. A fence may
stand in a list, a quotation, a footnote or a definition, indented or quoted like the rest of it.
"""

import re
from dataclasses import dataclass
from typing import Final

from markdown.extensions.attr_list import get_attrs_and_remainder

from sealpress.problems import did_you_mean
from ssg.markup.positions import Source

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


def fence_of(info: str, code: str, place: tuple[int, int], source: Source) -> Fence:
    """The Fence of an info string at `place`, or of none, where that is the fence's own. Unknown options are faults."""
    if info.startswith("{") and info.endswith("}"):
        attributes, _ = get_attrs_and_remainder(info[1:-1])
    else:
        language, _, rest = info.partition(" ")
        attributes, _ = get_attrs_and_remainder(rest.strip("{} ")) if rest else ([], "")
        attributes = [(".", language.removeprefix(".")), *attributes] if language else attributes
    classes = [value or "" for key, value in attributes if key == "."]
    language = classes[0] if classes else ""
    at = max(0, info.find(language)) if language else 0
    line, column = place
    options = _Options(source, place, info)
    values = {key: options.check(key, value) for key, value in attributes if key != "."}
    return Fence(
        language,
        code,
        line,
        column + at,
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
