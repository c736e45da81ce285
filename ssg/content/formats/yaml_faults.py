"""What is wrong with a text that is no YAML, as a person would say it: libyaml tells just where it gave up.

Blanks come first. A tab and a no-break space look like the spaces that YAML wants, and each is told as what it is.
"""

import re
import unicodedata
from typing import Any, Final

from sealpress.problems import Problem

_ODD: Final = r"[^\S \t\r\n\x85\u2028\u2029]"  # white space that YAML takes for a letter
_ODD_INDENT: Final = re.compile(rf"[ ]*({_ODD}+)\s*\S")
_ODD_COLON: Final = re.compile(rf"\s*(?:-[ ]+)?(?:-|[\w.-]+:)({_ODD}+)")

# What libyaml says, how a person would say it, and what to do about it.
_SAID: Final = (
    (
        "cannot start any token",
        "no text can begin like this",
        "put a text that begins with a special character between quotes",
    ),
    (
        "could not find expected ':'",
        "this line has no colon",
        'a line is "key: value"; put a text of several lines between quotes, or indent it below "key: |"',
    ),
    ("unknown escape character", "a backslash and this letter mean nothing", "write \\\\, or use single quotes"),
    (
        "block sequence entries are not allowed",
        "a list can't begin here",
        'write its items on lines of their own, "- one", or all between [ and ]',
    ),
    (
        "alphabetic or numeric character",
        "no text can begin like this",
        "put a text that begins with & or * between quotes",
    ),
    ("expected '-' indicator", "no item of the list above", 'begin it with "- ", or indent it as its item is'),
    (
        "expected <document start>",
        "this line is indented less than the first one",
        "begin all keys in one column",
    ),
    ("expected node content", "no text can begin like this", "put a text that begins like this between quotes"),
    ("another document", "a second document begins here", "a file holds one: take this line out"),
    (
        "expected comment or line break",
        "nothing else can stand in this line",
        'the text begins below "|" or ">"; put one that begins with these between quotes',
    ),
    ("expected ',' or ']'", "a comma or ] is missing", "items of a list in brackets have commas between"),
    ("expected ',' or '}'", "a comma or } is missing", "members of a table in braces have commas between"),
)


SPACES: Final = "write spaces; put a text that has the other one between quotes"


def of(text: str, error: Any, place: Any) -> Problem:
    """The Problem for a yaml.MarkedYAMLError; `place` gives the Place of an index and a length in the text."""
    said = str(error.problem or error.context)
    begun = error.context_mark
    mark = error.problem_mark or begun
    at = mark.index if mark else 0
    if found := blank(text, at) or blank(text, text.rfind("\n", 0, max(0, at - 1)), tabs=False):
        hint = "indent with spaces: YAML takes no tabs" if text[found[0]] == "\t" else SPACES
        return Problem(f"not valid YAML: {found[2]}", place=place(*found[:2]), hint=hint)
    if begun and mark and at >= len(text.rstrip()):
        # What has a beginning and no end: the beginning is the place to look at.
        character = text[begun.index : begun.index + 1]
        if character in {"'", '"', "[", "{"}:
            closing = {"[": "]", "{": "}"}.get(character, character)
            message = f"not valid YAML: this {character} has no closing {closing}"
            return Problem(message, place=place(begun.index, 1), hint=f"write {closing} where it ends")
    plainly, mend = next(((plainly, mend) for part, plainly, mend in _SAID if part in said), (said, None))
    before = text[text.rfind("\n", 0, at) + 1 : at]
    if "mapping values are not allowed" in said:
        plainly, mend = _second_colon(before)
    elif "expected key" in said:
        plainly, mend = _no_key(before)
    return Problem(f"not valid YAML: {plainly}", place=place(at, 1), hint=mend)


def blank(text: str, at: int, *, tabs: bool = True) -> tuple[int, int, str] | None:
    """The blank near `at` that is no space where YAML wants one: its index, its length, and what it is called."""
    if tabs and text[at : at + 1] == "\t":
        return at, len(text[at:]) - len(text[at:].lstrip("\t")), "a tab stands where spaces belong"
    start = text.rfind("\n", 0, at + (text[at : at + 1] != "\n")) + 1
    line = text[start:].partition("\n")[0]
    if odd := _ODD_INDENT.match(line) or _ODD_COLON.match(line):
        name = unicodedata.name(odd[1][0], "a blank").lower()
        called = f"the character U+{ord(odd[1][0]):04X}, {name}, stands where a space belongs"
        return start + odd.start(1), len(odd[1]), called
    return None


def _second_colon(before: str) -> tuple[str, str]:
    if re.search(r":[ \t]", before.lstrip()):
        return 'a second ": " stands in this line', 'put a text that has ": " in it between quotes'
    return (
        "this line is indented further than the one above, which has a value already",
        'begin both in one column; put a text of several lines between quotes, or below "key: |"',
    )


def _no_key(before: str) -> tuple[str, str]:
    if not before.strip():
        return "this line is indented unlike those above", "begin all keys, or all items, of one level in one column"
    if before.rstrip().endswith(("'", '"')):
        return (
            "text stands behind the closing quote",
            "put the whole text between quotes; within single quotes write '' for ', within double ones \\\" for \"",
        )
    return "nothing else can stand in this line", "put the whole text between quotes"
