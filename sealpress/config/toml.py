"""TOML with places: tomllib decides what a file says, and a scan of the same text finds where each value stands.

The scan may assume valid TOML (tomllib has read it), so it only has to know where keys and values begin and end.
Source: TOML v1.0.0.
"""

import re
import tomllib
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Final

from sealpress.config.document import KeyPath, Node
from sealpress.frozen import frozen
from sealpress.problems import Exit, Place, Problem


def parse(text: str, file: str, *, first_line: int = 1, code: Exit = Exit.SITE) -> Node:
    """The whole document as a table. `file` is how messages name it; `first_line` is where `text` begins in it.

    Raises Problem with `code` at the place where TOML's grammar is broken.
    """
    # A CRLF file is the same document; tomllib takes both, and columns are then the same too.
    lines = text.split("\n")
    with _faults(lines, file, first_line, code):
        _check_depth(text, lines, Place(file, first_line), code)
        data = tomllib.loads(text)
        scan = _Scan(text, file, first_line, lines, _starts(lines))
        scan.document()
        return _node(data, (), scan.found, Place(file, first_line, 1, lines[0].rstrip("\r")))


def values(text: str, file: str) -> dict[str, Any]:
    """The document as tomllib gives it: for what may be long, and where no value has to be found again in the file.

    Raises Problem (exit 3) as `parse` does.
    """
    lines = text.split("\n")
    with _faults(lines, file, 1, Exit.SITE):
        _check_depth(text, lines, Place(file, 1), Exit.SITE)
        return tomllib.loads(text)


_DEEPEST: Final = 50
"""Levels of tables and lists, parts of a key: of more, tomllib takes the square in time and memory, or breaks."""

# What can hold a "." or a bracket that is none, up to where it ends or the text does; then what counts.
_TOKEN: Final = re.compile(
    r"\"{3}(?:\\.|[^\\])*?(?:\"{3,5}|\\?\Z)"
    r"|'{3}.*?(?:'{3,5}|\Z)"
    r"|\"[^\"\\\n]*+(?:\\.[^\"\\\n]*+)*(?:\"|\\?(?=\n)|\\?\Z)"
    r"|'[^'\n]*(?:'|(?=\n)|\Z)"
    r"|#[^\n]*"
    r"|[.\n=,\[\]{}]",
    re.DOTALL,
)


def _check_depth(text: str, lines: list[str], start: Place, code: Exit) -> None:
    """Refuses what no person writes before anything takes it apart. Raises Problem with `code` at its place."""
    depth = dots = 0
    for token in _TOKEN.finditer(text):
        match token[0]:
            case ".":
                dots += 1
            case "[" | "{":
                depth, dots = depth + 1, 0
            case "]" | "}":
                depth, dots = depth - 1, 0
            case "\n" | "=" | ",":
                dots = 0
        if dots > _DEEPEST or depth > _DEEPEST:
            number = text.count("\n", 0, token.start())
            column = token.start() - text.rfind("\n", 0, token.start())
            place = Place(start.file, (start.line or 1) + number, column, lines[number].rstrip("\r"))
            what = "parts of a key" if dots > _DEEPEST else "tables and lists within each other"
            raise Problem(
                f"not valid TOML: nested too deeply, with more than {_DEEPEST} {what}", place=place, code=code
            )


def _starts(lines: list[str]) -> list[int]:
    """Where each line begins in the text."""
    return list(accumulate((len(line) + 1 for line in lines), initial=0))


@contextmanager
def _faults(lines: list[str], file: str, first_line: int, code: Exit) -> Iterator[None]:
    """Turns what tomllib says into a Problem at its place."""
    try:
        yield
    except tomllib.TOMLDecodeError as error:
        raise _syntax_problem(error, lines, file, first_line, code) from None
    except RecursionError:
        raise Problem("not valid TOML: nested too deeply", place=Place(file, first_line), code=code) from None
    except ValueError:  # a number of more digits than Python reads
        raise Problem("not valid TOML: a number is too long", place=Place(file, first_line), code=code) from None


# What tomllib says (the beginning of it), what to say instead where that is not plain, and what can be done about it.
_SAID: Final = (
    ("Invalid value", None, 'put text between quotes: key = "text"; true and false are written small'),
    ("Expected '=' after a key", None, 'a line is key = "value"'),
    (
        "Invalid statement",
        None,
        'a line is key = "value" or a [table]; a key with other than a-z, 0-9, _ and - is quoted',
    ),
    ("Expected newline or end of document", None, "one key = value a line; put text between quotes"),
    ("Cannot overwrite a value", "this key has a value already", "a key may stand only once in its table"),
    ("Cannot declare", None, "a table may stand only once: move its keys together"),
    ("Found invalid character '\\n'", "this text has no closing quote", "write ' where the text ends"),
    (
        "Illegal character '\\n'",
        "this text has no closing quote",
        'write " where the text ends; a text of several lines stands between """ and """',
    ),
    ("Unescaped '\\' in a string", None, "write \\\\ for a backslash, or put the text between single quotes"),
    ("Unterminated string", None, "the closing quotes are missing"),
    ("Unclosed array", None, "the closing ] is missing, or a comma between two items"),
    ("Invalid hex value", None, "write \\\\ for a backslash, or put the text between single quotes"),
    ("Unclosed inline table", None, "a table in braces is one line: {a = 1, b = 2}"),
    (
        "Invalid initial character",
        None,
        'a key with other than a-z, 0-9, _ and - is quoted; no comma stands before "}"',
    ),
    ("Expected ']' at the end", None, "the closing ] is missing: [table]"),
    ("Illegal character", None, "take it out: it is invisible and has no meaning in a text"),
)


# A value without quotes that begins like a date or ends in a year.
_MOMENT: Final = re.compile(
    r"\s*[\w.-]+\s*=\s*((?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})(?!\d)[^#]*)", re.ASCII
)
_LOOKALIKE: Final = re.compile("[^\\S \t\r\n]|[\u2018-\u201f\u00ab\u00bb\u2032\u2033`]")
_MOMENTS: Final = "write 2026-05-04, or 2026-05-04T18:30:00+02:00: a time has seconds, and its offset has a colon"


def _syntax_problem(
    error: tomllib.TOMLDecodeError, lines: list[str], file: str, first_line: int, code: Exit
) -> Problem:
    message = str(error)
    plainly, hint = next(((said, hint) for start, said, hint in _SAID if message.startswith(start)), (None, None))
    if at := re.search(r" \(at line (\d+), column (\d+)\)$", message):
        line, column = int(at[1]), int(at[2])
        message = message[: at.start()]
        line, column = _last_text(lines) if line > len(lines) else (line, column)
    else:  # "(at end of document)": behind the last character that says something
        line, column = _last_text(lines)
        message = message.removesuffix(" (at end of document)") + " at the end"
    if declared := re.fullmatch(r"Cannot declare \((.*?),?\) twice", message):
        names = ".".join(re.findall(r"'([^']*)'", declared[1]))
        message = f"the table [{names}] stands here a second time"
    text = lines[line - 1].rstrip("\r")
    if message.startswith("Cannot overwrite"):  # known only behind the value, but it is about the key
        column = len(text) - len(text.lstrip()) + 1
    length = 1
    if (begun := _MOMENT.match(text)) and column > begun.start(1):
        plainly, hint = "this is not a date, or a time, as TOML has them", _MOMENTS
        column, length = begun.start(1) + 1, len(begun[1].rstrip())
    elif odd := _LOOKALIKE.match(text, column - 1):
        name = unicodedata.name(odd[0], "a blank").lower()
        plainly = f"the character U+{ord(odd[0]):04X}, {name}, only looks like what belongs here"
        hint = "write a space" if odd[0].isspace() else "write \" or '"
    message = plainly or message
    place = Place(file, first_line + line - 1, column, text, length)
    return Problem(f"not valid TOML: {message[:1].lower()}{message[1:]}", place=place, hint=hint, code=code)


def _last_text(lines: list[str]) -> tuple[int, int]:
    """The line and column right behind the last character that is no space."""
    number = next((number for number in range(len(lines), 0, -1) if lines[number - 1].strip()), 1)
    return number, len(lines[number - 1].rstrip()) + 1


@frozen
class _Found:
    key: Place | None
    value: Place


def _node(data: Any, path: KeyPath, found: Mapping[KeyPath, _Found], outer: Place) -> Node:
    here = found.get(path)
    place = here.value if here else outer
    key = here.key if here else None
    match data:
        case dict():
            return Node({name: _node(item, (*path, name), found, place) for name, item in data.items()}, place, key)
        case list():
            return Node(
                tuple(_node(item, (*path, number), found, place) for number, item in enumerate(data)), place, key
            )
        case _:
            return Node(data, place, key)


_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR: Final = re.compile(r"[^,\]}#\r\n]+")
_STRING: Final = re.compile(r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\])*"|\'[^\']*\'', re.DOTALL)
_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE: Final = re.compile(r"[ \t]*")


@dataclass(slots=True)
class _Scan:
    text: str
    file: str
    first_line: int
    lines: list[str]
    starts: list[int]
    at: int = 0
    found: dict[KeyPath, _Found] = field(default_factory=dict)
    arrays: dict[KeyPath, int] = field(default_factory=dict)  # arrays of tables: the number of the current one

    def document(self) -> None:
        table: KeyPath = ()
        while self._skip(_BLANK) < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> KeyPath:
        start = self.at
        is_array = self.text.startswith("[[", self.at)
        self.at += 2 if is_array else 1
        keys = [name for name, _ in self._key()]
        self.at += 2 if is_array else 1
        path: KeyPath = ()
        place = self._place(start, self.at - start)
        for name in keys[:-1]:
            self.found.setdefault((*path, name), _Found(place, place))  # it may have no header of its own
            path = self._current((*path, name))
        path = (*path, keys[-1])
        if is_array:
            self.found.setdefault(path, _Found(place, place))
            self.arrays[path] = self.arrays.get(path, -1) + 1
            path = (*path, self.arrays[path])
        self.found[path] = _Found(place, place)
        return path

    def _current(self, path: KeyPath) -> KeyPath:
        return (*path, self.arrays[path]) if path in self.arrays else path

    def _pair(self, table: KeyPath) -> None:
        path = table
        places: list[tuple[KeyPath, Place]] = []
        for name, place in self._key():
            path = (*path, name)
            places.append((path, place))
        self.at += 1  # the "="
        self._skip(_SPACE)
        value = self._value(path)
        for outer, place in places[:-1]:
            self.found.setdefault(outer, _Found(place, place))
        self.found[path] = _Found(places[-1][1], value)

    def _key(self) -> list[tuple[str, Place]]:
        parts: list[tuple[str, Place]] = []
        while True:
            self._skip(_SPACE)
            quoted = self.text[self.at] in "\"'"
            match = (_STRING if quoted else _BARE).match(self.text, self.at)
            assert match  # noqa: S101 - tomllib has read this text
            name = tomllib.loads(f"k = {match[0]}")["k"] if quoted else match[0]
            parts.append((name, self._place(match.start(), len(match[0]))))
            self.at = match.end()
            self._skip(_SPACE)
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def _value(self, path: KeyPath) -> Place:
        start = self.at
        match self.text[self.at]:
            case '"' | "'":
                match = _STRING.match(self.text, self.at)
                assert match  # noqa: S101 - tomllib has read this text
                self.at = match.end()
                return self._place(start, self.at - start)
            case "[":
                self._items(path)
                return self._place(start, 1)
            case "{":
                self._members(path)
                return self._place(start, 1)
            case _:
                match = _SCALAR.match(self.text, self.at)
                assert match  # noqa: S101 - tomllib has read this text
                self.at = match.end()
                return self._place(start, len(match[0].rstrip()))

    def _items(self, path: KeyPath) -> None:
        self.at += 1
        number = 0
        while self.text[self._skip(_BLANK)] != "]":
            item = (*path, number)
            self.found[item] = _Found(None, self._value(item))
            number += 1
            if self.text[self._skip(_BLANK)] == ",":
                self.at += 1
        self.at += 1

    def _members(self, path: KeyPath) -> None:
        self.at += 1
        while self.text[self._skip(_BLANK)] != "}":
            self._pair(path)
            if self.text[self._skip(_BLANK)] == ",":
                self.at += 1
        self.at += 1

    def _skip(self, blank: re.Pattern[str]) -> int:
        match = blank.match(self.text, self.at)
        assert match  # noqa: S101 - both patterns match the empty text
        self.at = match.end()
        return self.at

    def _place(self, start: int, length: int) -> Place:
        line = bisect_right(self.starts, start) - 1
        column = start - self.starts[line]
        return Place(self.file, self.first_line + line, column + 1, self.lines[line].rstrip("\r"), length)
