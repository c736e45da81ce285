"""Parsed text files whose every value knows where it stands, and their way into frozen records.

A reader (toml.py here, YAML in ssg.content) gives a tree of Nodes; `decode` turns one into a dataclass. Unknown keys,
wrong types and missing keys become Problems at the very character, all of one file together.
"""

import re
import types
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime, time
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from sealpress.frozen import frozen
from sealpress.problems import Exit, Place, Problem, did_you_mean, raise_all

KeyPath = tuple[str | int, ...]
"""The keys, and the numbers in lists, that lead from a document to a value."""

Check = Callable[[str], str | None]
"""Takes a text value; gives what is wrong with it, or None."""

CheckedText = tuple[KeyPath, str, Check]

Scalar = str | int | float | bool | datetime | date | time | None
Record = TypeVar("Record")


@frozen
class Node:
    """A value, the place where it begins, and for a member of a table the place of its key."""

    value: "Scalar | tuple[Node, ...] | Mapping[str, Node]"
    place: Place
    key: Place | None = None

    def at(self, *path: str | int) -> "Node | None":
        """The node at `path` below this one, or None."""
        node: Node | None = self
        for part in path:
            match node.value if node else None:
                case Mapping() as table if isinstance(part, str):
                    node = table.get(part)
                case tuple() as items if isinstance(part, int):
                    node = items[part] if part < len(items) else None
                case _:
                    return None
        return node

    def plain(self) -> object:
        """The value without places: read-only mappings, tuples and scalars."""
        match self.value:
            case Mapping() as table:
                return MappingProxyType({key: node.plain() for key, node in table.items()})
            case tuple() as items:
                return tuple(item.plain() for item in items)
            case scalar:
                return scalar


def dotted(path: KeyPath) -> str:
    """A key as messages call it: "[image.headers] X-Robots-Tag"."""
    names = [str(part) for part in path if isinstance(part, str)]
    return f"[{'.'.join(names[:-1])}] {names[-1]}" if len(names) > 1 else names[0]


def text_of(data: bytes, file: str, code: Exit = Exit.SITE) -> str:
    """The text of a UTF-8 file, without a byte order mark.

    Raises Problem with `code` at the first byte that is not UTF-8.
    """
    try:
        return data.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        seen, at = error.object, error.start  # without the byte order mark
        start = seen.rfind(b"\n", 0, at) + 1
        before = seen[start:at].decode()
        text = before + seen[at:].split(b"\n", 1)[0].rstrip(b"\r").decode("utf-8", "replace")
        place = Place(file, seen.count(b"\n", 0, at) + 1, len(before) + 1, text)
        message = f"byte 0x{seen[at]:02x} is not UTF-8"
        raise Problem(message, place=place, hint="save the file as UTF-8", code=code) from None


def decode(
    node: Node, record: type[Record], name: str, code: Exit = Exit.SITE, meant: Mapping[str, str] = MappingProxyType({})
) -> Record:
    """A `record` from a table. `name` is how messages call the table: "[site]". `meant` are hints for keys, in small
    letters, that it doesn't know and that others do, and for tables, as messages call them, that are none.

    Raises Problem or Problems with `code`, each at its place.
    """
    problems: list[Problem] = []
    value = _Decoder(problems, code, meant).value(node, record, name)
    raise_all(sorted(problems, key=line_of))
    return value  # type: ignore[no-any-return]


def decode_keys(
    node: Node,
    known: Mapping[str, tuple[Any, bool]],
    name: str,
    meant: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """The same of a table whose keys are no record's: each is `known` with its type and whether it must be there.

    Raises Problem or Problems (exit 3), each at its place.
    """
    problems: list[Problem] = []
    values = _Decoder(problems, Exit.SITE, meant).table(node, known, name)
    raise_all(sorted(problems, key=line_of))
    return values


def line_of(problem: Problem) -> tuple[int, int]:
    """The line and column of a problem, to sort those of one file by."""
    place = problem.place
    return (place.line or 0, place.column or 0) if place else (0, 0)


@frozen
class _Decoder:
    problems: list[Problem]
    code: Exit
    meant: Mapping[str, str]

    def value(self, node: Node, wanted: Any, name: str) -> Any:
        """The decoded value; after a complaint, a None that nobody will see, since the problems are raised."""
        if type(node.value) in _scalars(wanted):
            return node.value  # as nearly all are
        if get_origin(wanted) in {Union, types.UnionType}:
            return self._union(node, wanted, name)
        if is_dataclass(wanted):
            return self._record(node, wanted, name)
        match get_origin(wanted) or wanted, node.value:
            case _, _ if wanted is object:
                return node.plain()
            case origin, Mapping() as table if origin is Mapping:
                item = get_args(wanted)[1]
                decoded = {key: self.value(child, item, _inside(name, key)) for key, child in table.items()}
                return MappingProxyType(decoded)
            case origin, tuple() as items if origin is tuple:
                item = get_args(wanted)[0]
                known = _scalars(item)
                called = f"an item of {name}"
                return tuple(
                    child.value if type(child.value) in known else self.value(child, item, called) for child in items
                )
            case origin, str() as text if origin is Literal:
                return self._choice(node, text, get_args(wanted), name)
            # bool is an int to Python, but not to a person; a datetime is a date to both.
            case (kind, bool() | int() | float() | str() | date() as scalar) if kind in _KINDS and _fits(scalar, kind):
                return scalar
        return self._complain(
            f"{name} must be {_describe(wanted)}, not {_describe_value(node.value)}",
            node.place,
            self.meant.get(name) or _mend(wanted, node.value),
        )

    def _union(self, node: Node, wanted: Any, name: str) -> Any:
        options = [option for option in get_args(wanted) if option is not type(None)]
        for option in options[:-1]:
            trial = _Decoder([], self.code, self.meant)
            decoded = trial.value(node, option, name)
            if not trial.problems:
                return decoded
        # A list has faults of its own.
        if any(get_origin(one) is tuple for one in options) and not isinstance(node.value, tuple):
            wrong = f"{name} must be {_describe(wanted)}, not {_describe_value(node.value)}"
            return self._complain(wrong, node.place, self.meant.get(name))
        return self.value(node, options[-1], name)

    def _record(self, node: Node, record: Any, name: str) -> Any:
        values = self.table(node, keys_of(record), name)
        return None if self.problems else record(**values)

    def table(self, node: Node, known: Mapping[str, tuple[Any, bool]], name: str) -> dict[str, Any]:
        """The decoded values of a table's known keys."""
        values: dict[str, Any] = {}
        if not isinstance(node.value, Mapping):
            hint = self.meant.get(name)
            self._complain(f"{name} must be a table, not {_describe_value(node.value)}", node.place, hint)
            return values
        for key, child in node.value.items():
            if key not in known:
                self._unknown(key, child, known, name)
        for key, (wanted, is_required) in known.items():
            if (found := node.value.get(key)) is not None:
                values[key] = self.value(found, wanted, _inside(name, key))
            elif is_required:
                self._complain(f'{name} needs the key "{key}", {_describe(wanted)}', node.key or node.place)
        return values

    def _unknown(self, key: str, child: Node, known: Mapping[str, tuple[Any, bool]], name: str) -> None:
        below = [
            one
            for one, (wanted, _) in known.items()
            if isinstance(wanted, type) and is_dataclass(wanted) and key in keys_of(wanted)
        ]
        hint = self.meant.get(key.lower()) or (f"it belongs below {_inside(name, below[0])}" if len(below) == 1 else "")
        near = "" if hint else did_you_mean(key, known)
        self._complain(f'unknown key "{key}" in {name}{near}', child.key, hint or f"known keys: {', '.join(known)}")

    def _choice(self, node: Node, text: str, choices: tuple[str, ...], name: str) -> Any:
        if text in choices:
            return text
        listed = ", ".join(f'"{choice}"' for choice in choices)
        return self._complain(
            f'{name} can\'t be "{text}"{did_you_mean(text, choices)}', node.place, f"possible: {listed}"
        )

    def _complain(self, message: str, place: Place | None, hint: str | None = None) -> None:
        self.problems.append(Problem(message, place=place, hint=hint, code=self.code))


@cache
def _scalars(wanted: Any) -> frozenset[Any]:
    """The types whose values are what is wanted as they stand."""
    options = get_args(wanted) if get_origin(wanted) in {Union, types.UnionType} else (wanted,)
    return frozenset(option for option in options if option in _KINDS)


@cache
def keys_of(record: Any) -> dict[str, tuple[Any, bool]]:
    """The keys of a record's table, each with its type and whether it must be there."""
    hints = get_type_hints(record)
    return {
        field.name: (hints[field.name], field.default is MISSING and field.default_factory is MISSING)
        for field in fields(record)
    }


_KINDS: Mapping[Any, str] = MappingProxyType(
    {str: "text", bool: "true or false", int: "a whole number", float: "a number", date: "a date", datetime: "a time"}
)


def _fits(value: object, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    if isinstance(value, int):
        return kind in {int, float}
    return isinstance(value, kind)


def _inside(name: str, key: str) -> str:
    """How a member is called: `[site]`, then `[site] title`; `[publish]`, then `[publish.production]`."""
    if not name.startswith("["):
        return f"[{key}]" if name == "site.toml" else f"{key} in {name}"
    return f"[{name[1:-1]}.{key}]" if name in {"[publish]", "[language]", "[taxonomies]"} else f"{name} {key}"


def _mend(wanted: Any, value: object) -> str | None:
    """How to write what was meant, where that can be told."""
    match get_origin(wanted) or wanted, value:
        case origin, bool() | int() | float() | date() if origin is str:
            return "put it between quotes"
        case origin, str() | bool() | int() | float() | date() if origin is tuple:
            return "put it between [ and ]"
        case _, str() if wanted in {date, datetime}:
            return "write a day as 2026-05-04, a time as 2026-05-04 18:30, without quotes"
        case origin, str() as text if origin in {int, float} and re.fullmatch(r"[-+]?[0-9]+", text):
            return "write it without quotes"
        case origin, str() as text if origin is bool and text.lower() in {"true", "false"}:
            return f"write {text.lower()}, without quotes"
        case origin, str() as text if origin is bool and text.lower() in {"yes", "on", "no", "off"}:
            return f"write {'true' if text.lower() in {'yes', 'on'} else 'false'}"
    return None


def _describe(wanted: Any) -> str:
    origin = get_origin(wanted)
    if origin in {Union, types.UnionType}:
        return " or ".join(_describe(option) for option in get_args(wanted) if option is not type(None))
    if origin is Mapping or is_dataclass(wanted):
        return "a table"
    if origin is tuple:
        return "a list"
    if origin is Literal:
        return "one of " + ", ".join(f'"{choice}"' for choice in get_args(wanted))
    return _KINDS.get(wanted, "a value")


def _describe_value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return "text"
        case int() | float():
            return f"the number {value}"
        case datetime():
            return "a time"
        case date():
            return "a date"
        case time():
            return "a time of day"
        case tuple():
            return "a list"
        case Mapping():
            return "a table"
        case None:
            return "nothing"
        case _:
            return "a value of another kind"
