"""Tables (GFM, 4.10): a paragraph's last line is the head of one if a row of dashes follows."""

import re
from typing import Final

from ssg.markup.text.block import Block, Cell, Position

_DELIMITERS: Final = re.compile(r"\|?[ \t]*:?-+:?[ \t]*+(?:\|[ \t]*:?-+:?[ \t]*+)*\|?[ \t]*$")
_ESCAPED: Final = re.compile(r"\\.")
_ALIGNS: Final = {(True, True): "center", (True, False): "left", (False, True): "right", (False, False): ""}


def begins(paragraph: Block, row: str) -> bool:
    """Whether `row`, below the paragraph, makes a table of its last line."""
    head = paragraph.lines[-1]
    if "-" not in row or not ("|" in head or "|" in row or ":" in row) or not _DELIMITERS.match(row):
        return False
    if "|" not in head and "|" not in row:
        return False
    return len(cells(head.rstrip(" \t"), (1, 1))) == len(cells(row, (1, 1)))


def aligns(row: str) -> list[str]:
    return [_ALIGNS[cell.text.startswith(":"), cell.text.endswith(":")] for cell in cells(row, (1, 1))]


def cells(row: str, place: Position) -> list[Cell]:
    r"""The cells of a row whose first character stands at `place`. An escaped \| parts none."""
    line, column = place
    begin = 1 if row.startswith("|") else 0
    parts = (_ESCAPED.sub("..", row) if "\\" in row else row)[begin:].split("|")
    if len(parts) > 1 and not parts[-1]:
        parts.pop()
    found: list[Cell] = []
    for part in parts:
        end = begin + len(part)
        stripped = row[begin:end].lstrip(" \t")
        found.append(Cell(stripped.rstrip(" \t"), (line, column + end - len(stripped))))
        begin = end + 1
    return found
