"""YAML with places, and without YAML's surprises.

PyYAML composes nodes that know their line and column; types are resolved here, by the core schema of YAML 1.2
less its rarities: `no`, `1:30` and `0o7` stay text, and dates are read as in TOML. Anchors, aliases and
tags have no business in front matter and are refused: an alias can make a small file a huge one.
"""

import datetime as dt
import re
from typing import Any, Final

import yaml

from sealpress.document import Node, Scalar
from sealpress.problems import Place, Problem

# The C loader is nine times as fast; it is in every wheel, but not in every build from source.
_Loader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

DEPTH: Final = 20


def parse(text: str, file: str, *, first_line: int) -> Node:
    """The document as a table of Nodes. `first_line` is where `text` begins in the file.

    Raises Problem (exit 3) at the place of a fault.
    """
    reader = _Reader(file, first_line, text.split("\n"))
    try:
        for event in yaml.parse(text, Loader=_Loader):
            reader.refuse(event)
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Problem(
            f"not valid YAML: {error.problem or error.context}",
            place=reader.place(mark.line, mark.column) if mark else Place(file, first_line, 1),
            hint=_hint(error),
        ) from None
    except yaml.YAMLError as error:  # a character that YAML does not allow at all
        raise Problem(f"not valid YAML: {error}".split("\n")[0], place=Place(file, first_line)) from None
    except RecursionError:
        raise Problem("nested too deeply", place=Place(file, first_line)) from None
    if root is None:
        return Node({}, reader.place(0, 0))
    return reader.node(root)


def _hint(error: yaml.MarkedYAMLError) -> str | None:
    if error.problem and "mapping values are not allowed" in error.problem:
        return 'put a text that has ": " in it between quotes'
    if error.problem and "cannot start any token" in error.problem:
        return "indent with spaces, and put texts that begin with a special character between quotes"
    return None


class _Reader:
    def __init__(self, file: str, first_line: int, lines: list[str]) -> None:
        self.file = file
        self.first_line = first_line
        self.lines = lines

    def place(self, line: int, column: int, length: int = 1) -> Place:
        """From PyYAML's line and column, which count from 0."""
        text = self.lines[line].rstrip("\r") if line < len(self.lines) else ""
        return Place(self.file, self.first_line + line, column + 1, text, length)

    def refuse(self, event: Any) -> None:
        mark = event.start_mark
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise Problem("anchors and aliases are not allowed here", place=self.place(mark.line, mark.column))
        if getattr(event, "tag", None):
            raise Problem(f'the tag "{event.tag}" is not allowed here', place=self.place(mark.line, mark.column))

    def node(self, composed: yaml.Node, key: Place | None = None, depth: int = 0) -> Node:
        start, end = composed.start_mark, composed.end_mark
        length = end.column - start.column if start.line == end.line else 1
        place = self.place(start.line, start.column, max(1, length))
        if depth > DEPTH:
            raise Problem("nested too deeply", place=place)
        match composed:
            case yaml.ScalarNode():
                return Node(self._scalar(composed, place), place, key)
            case yaml.SequenceNode():
                return Node(tuple(self.node(item, None, depth + 1) for item in composed.value), place, key)
            case _:
                return Node(self._members(composed, depth), place, key)

    def _members(self, mapping: Any, depth: int) -> dict[str, Node]:
        members: dict[str, Node] = {}
        for key, value in mapping.value:
            place = self.node(key, None, depth + 1).place
            if not isinstance(key, yaml.ScalarNode):
                raise Problem("a key must be plain text", place=place)
            if key.value in members:
                raise Problem(f'the key "{key.value}" stands here twice', place=place)
            members[key.value] = self.node(value, place, depth + 1)
        return members

    def _scalar(self, scalar: yaml.ScalarNode, place: Place) -> Scalar:
        text: str = scalar.value
        if scalar.style:  # quoted, or a block: text as it is (PyYAML's C loader gives "" for plain, the other None)
            return text
        if text in {"", "~", "null", "Null", "NULL"}:
            return None
        if text in {"true", "True", "TRUE", "false", "False", "FALSE"}:
            return text.lower() == "true"
        if re.fullmatch(r"[-+]?[0-9]{1,18}", text):
            return int(text)
        if re.fullmatch(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?", text):
            return float(text)
        if re.match(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ]|$)", text):
            return read_moment(text, place)
        return text


_MOMENT: Final = re.compile(
    r"(?P<date>\d{4}-\d{1,2}-\d{1,2})"
    r"(?:[Tt ]+(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d*)?)?"
    r"[ ]*(?:(?P<utc>[Zz])|(?P<sign>[-+])(?P<hours>\d{1,2}):?(?P<minutes>\d\d)?)?)?",
    re.ASCII,
)


def read_moment(text: str, place: Place) -> dt.datetime | dt.date:
    """A date ("2026-05-04") or a time ("2026-05-04 18:30", with seconds and an offset if need be).

    Raises Problem (exit 3) at `place` for what is nearly one.
    """
    match = _MOMENT.fullmatch(text)
    if not match:
        hint = "write 2026-05-04, or 2026-05-04 18:30, or 2026-05-04T18:30:00+02:00"
        raise Problem(f'"{text}" is not a date', place=place, hint=hint)
    try:
        day = dt.date(*(int(part) for part in match["date"].split("-")))
        if match["hour"] is None:
            return day
        time = dt.time(int(match["hour"]), int(match["minute"]), int(match["second"] or 0), tzinfo=_zone(match))
        return dt.datetime.combine(day, time)
    except ValueError as error:
        raise Problem(f'"{text}" is not a date: {error}', place=place) from None


def _zone(match: re.Match[str]) -> dt.timezone | None:
    """None: a local time, which is in the site's zone."""
    if match["utc"]:
        return dt.UTC
    if not match["sign"]:
        return None
    offset = dt.timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
    return dt.timezone(-offset if match["sign"] == "-" else offset)
