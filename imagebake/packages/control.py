"""Debian's control format, and what its fields may hold: names, paths, digests, as far as their shape tells.

Release files, package indexes and apt's .sources files are written in it. Source: deb822(5).
"""

import re
from collections.abc import Mapping
from typing import Final, Literal, get_args

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


Archive = Literal["main", "updates", "security"]
"""The suite itself, its updates between point releases, and its security updates, which have a mirror of their own."""

ARCHIVES: Final[tuple[Archive, ...]] = get_args(Archive)


def is_name(text: str) -> bool:
    """Whether a package may have this name."""
    return re.fullmatch(r"[a-z0-9][a-z0-9+.-]{1,127}", text) is not None


def is_pool_path(path: str) -> bool:
    """Whether a path of a package stays below the mirror's root and is plain text."""
    parts = path.split("/")
    return (
        path.endswith(".deb")
        and not {"", ".", ".."} & {*parts}
        and re.fullmatch(r"[\w.+~:/%-]+", path, re.ASCII) is not None
    )


def is_sha256(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{64}", text) is not None
