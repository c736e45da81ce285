"""Debian package versions and their order.

Source: Debian Policy 4.7, section 5.6.12; deb-version(7).
"""

import re
from functools import cmp_to_key
from typing import Final, Literal

Relation = Literal["<<", "<=", "=", ">=", ">>"]

_PARTS: Final = re.compile(r"[0-9]+|[^0-9]+")
_VERSION: Final = re.compile(r"(?:[0-9]{1,9}:)?[A-Za-z0-9.+~:-]{1,256}")


def is_version(text: str) -> bool:
    return _VERSION.fullmatch(text) is not None


def compare(first: str, second: str) -> int:
    """Below, at or above 0 where `first` is older than, as old as, or newer than `second`."""
    epoch_a, upstream_a, revision_a = _split(first)
    epoch_b, upstream_b, revision_b = _split(second)
    return (epoch_a - epoch_b) or _compare(upstream_a, upstream_b) or _compare(revision_a, revision_b)


key = cmp_to_key(compare)
"""For sorted and max: `max(versions, key=version.key)`."""


def holds(version: str, relation: Relation, other: str) -> bool:
    """Whether `version` stands in the relation to `other`, as in a package's dependencies."""
    order = compare(version, other)
    match relation:
        case "<<":
            return order < 0
        case "<=":
            return order <= 0
        case "=":
            return order == 0
        case ">=":
            return order >= 0
        case ">>":
            return order > 0


def _split(version: str) -> tuple[int, str, str]:
    epoch, colon, rest = version.partition(":")
    if not (colon and epoch.isascii() and epoch.isdigit()):
        epoch, rest = "0", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(epoch), upstream, revision


def _compare(first: str, second: str) -> int:
    """Text and numbers by turns, beginning with text, which may be empty."""
    parts_a, parts_b = _by_turns(first), _by_turns(second)
    for number in range(max(len(parts_a), len(parts_b))):
        a = parts_a[number] if number < len(parts_a) else ""
        b = parts_b[number] if number < len(parts_b) else ""
        order = int(a or 0) - int(b or 0) if number % 2 else _compare_text(a, b)
        if order:
            return order
    return 0


def _by_turns(text: str) -> list[str]:
    parts = _PARTS.findall(text)
    return ["", *parts] if parts and parts[0][0].isdigit() else parts


def _compare_text(first: str, second: str) -> int:
    """`~` before the end, the end before letters, letters before the rest."""
    ranks_a = [*map(_rank, first), 0]
    ranks_b = [*map(_rank, second), 0]
    return (ranks_a > ranks_b) - (ranks_a < ranks_b)


def _rank(char: str) -> int:
    if char == "~":
        return -1
    return ord(char) if char.isalpha() else ord(char) + 256
