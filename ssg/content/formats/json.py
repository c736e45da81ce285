"""JSON as RFC 8259 has it, with a person's words for its faults; a key may stand only once in its table.

Python's own reader decides what a file says. Only where that finds something odd is the text looked through for the
place.
"""

import json
import re
from typing import Any, Final

from sealpress.problems import Place, Problem


def parse(text: str, file: str) -> Any:
    """Dicts, lists, texts, numbers, true and false, None.

    Raises Problem (exit 3) at the place of a fault.
    """
    # A surrogate on its own is half a character, which no UTF-8 file can hold.
    odd = [match[0] for match in [_SURROGATE.search(text)] if match]

    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            odd.append("a key")
        return found

    try:
        value = json.loads(text, object_pairs_hook=table, parse_constant=odd.append)
    except json.JSONDecodeError as error:
        raise _syntax_problem(error, text, file) from None
    except RecursionError:
        raise Problem("not valid JSON: nested too deeply", place=Place(file, 1)) from None
    except ValueError as error:  # a number of more digits than Python reads
        raise Problem(f"not valid JSON: {error}", place=Place(file, 1)) from None
    if odd and (problem := _oddity(text, file)):
        raise problem
    return value


_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_TOKEN: Final = re.compile(r'"(?:\\.|[^"\\])*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)

# What Python says (the beginning of it), how a person would say it, and what to do about it.
_SAID: Final = (
    (
        "Expecting value",
        "a value is missing here",
        "text stands between double quotes; take out a comma before the end",
    ),
    ("Expecting property name", "a key is missing here", "keys stand between double quotes; no comma before the end"),
    ("Illegal trailing comma", "a comma stands before the end", "take it out"),
    ("Expecting ',' delimiter", "a comma is missing before this", "between two values stands a comma"),
    ("Expecting ':' delimiter", "a colon is missing before this", 'a member is "key": value'),
    ("Extra data", "the value ends before this", "a file holds one table or one list"),
    ("Unterminated string", "this text has no closing quote", 'write " where it ends'),
    ("Invalid control character", "a text has a line break or a tab in it", "write \\n or \\t"),
    ("Invalid \\", "a backslash and this letter mean nothing", "write \\\\ for a backslash"),
)


def _syntax_problem(error: json.JSONDecodeError, text: str, file: str) -> Problem:
    said, hint = next(((plainly, hint) for start, plainly, hint in _SAID if error.msg.startswith(start)), ("", None))
    at = min(error.pos, len(text.rstrip()))  # not on a line below the last one
    return Problem(f"not valid JSON: {said or error.msg}", place=_place(text, file, at), hint=hint)


def _oddity(text: str, file: str) -> Problem | None:
    """The first thing in a valid text that Python takes and JSON leaves open; None for none after all."""
    tables: list[set[str] | None] = []  # keys of those that are open; None for a list
    before = ""
    for token in _TOKEN.finditer(text):
        place = _place(text, file, token.start(), len(token[0]))
        match token[0][0]:
            case "{":
                tables.append(set())
            case "[":
                tables.append(None)
            case "}" | "]":
                tables.pop()
            case '"':
                said: str = json.loads(token[0])
                if any("\ud800" <= char <= "\udfff" for char in said):
                    message = "half a character: an escape from \\ud800 to \\udfff is none alone"
                    return Problem(message, place=place, hint="write the character itself")
                keys = tables[-1] if tables and before in {"{", ","} else None
                if keys is not None:
                    if said in keys:
                        message = f'the key "{said}" stands here twice'
                        return Problem(message, place=place, hint="keep one of the two")
                    keys.add(said)
            case "N" | "I" | "-" if token[0] in {"NaN", "Infinity", "-Infinity"}:
                return Problem(
                    f"not valid JSON: {token[0]} is no number", place=place, hint="write null, or leave it out"
                )
        before = token[0]
    return None


def _place(text: str, file: str, at: int, length: int = 1) -> Place:
    start = text.rfind("\n", 0, at) + 1
    line = text[start:].partition("\n")[0].rstrip("\r")
    return Place(file, text.count("\n", 0, at) + 1, at - start + 1, line, length)
