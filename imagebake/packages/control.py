"""Debian's control format: paragraphs of fields. Release files, package indexes, apt's .sources files.

Source: deb822(5).
"""

from collections.abc import Mapping
from typing import Final

from sealpress.problems import LockProblem

Fields = Mapping[str, str]
"""One paragraph: values by field name, as it is spelt. Continuation lines stand behind "\\n", without their blank."""

_LINE_LIMIT: Final = 2_000_000


def paragraphs(text: str) -> list[Fields]:
    """All paragraphs that hold a field; comment lines are dropped. Raises Problem (exit 4) with the line's number."""
    found: list[Fields] = []
    last = ""
    lines = text.split("\n")
    if len(lines) > _LINE_LIMIT:
        raise LockProblem(f"more than {_LINE_LIMIT} lines")
    values: dict[str, list[str]] = {}
    for number, line in enumerate([*lines, ""], start=1):
        line = line.rstrip("\r")  # noqa: PLW2901 - one name for one line
        if line.startswith("#"):
            continue
        if not line.strip():
            if values:
                found.append({name: "\n".join(value) for name, value in values.items()})
            values, last = {}, ""
        elif line[0] in " \t":
            if not last:
                raise LockProblem(f"line {number} continues no field")
            values[last].append(line[1:].rstrip())
        else:
            name, colon, value = line.partition(":")
            if not (colon and name) or name in values:
                raise LockProblem(f"line {number} is no field of its own")
            last = name
            values[name] = [value.strip()]
    return found
