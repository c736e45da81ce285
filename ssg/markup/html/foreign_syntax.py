r"""What other systems would have made something of, and here is text: template code, containers, imports, formulas.

It is told once a page for each kind, at its first place and with its count. What stands in code is meant for readers,
and so is what has a backslash before it: `\{{`.
"""

import re
from typing import Final

from sealpress.frozen import frozen
from sealpress.problems import shown
from ssg.markup.html.prose import running
from ssg.markup.html.tags import Html
from ssg.markup.text.converted import ETX, STX
from ssg.markup.text.positions import MarkdownSource

_LONGEST: Final = 2000  # characters from an opening sign to its end
_SHOWN: Final = 40  # characters of what is told

_ROUND: Final = (f"{STX}40{ETX}", f"{STX}41{ETX}")  # \( and \): escapes, marked until the end
_SQUARE: Final = (f"{STX}91{ETX}", f"{STX}93{ETX}")
_ESCAPED: Final = f"{STX}123{ETX}"
_PAIRS: Final = (("{{", "}}"), ("{%", "%}"), ("{#", "#}"), ("&lt;%", "%&gt;"))
_FORMULAS: Final = (("$$", "$$"), _ROUND, _SQUARE)
_SIGNS: Final = (*(opening for opening, _ in (*_PAIRS, *_FORMULAS)), ":::", "[[", "@[", "import", "export")

# Of a comment; else it is the id of an attribute list.
_COMMENT: Final = re.compile(r"\{#-?\s")
_FORMULA: Final = re.compile(r"\\[a-zA-Z]|[\^_={}|+]|&[lg]t;")
_CONTAINER: Final = re.compile(r"(?:\A|\n)[ ]{0,3}(:{3,}[ ]?\{?[\w.-]+)")
_CONTENTS: Final = re.compile(r"\[\[_?toc_?\]\]|@\[toc\]", re.IGNORECASE)
_IMPORT: Final = re.compile(
    r"(?:\A|\n\n)\n?((?:import\s[^\n]{1,200}?\sfrom\s+|import\s+)[\"'][^\"'\n]+[\"']|export\s+(?:const|default|function|let)\s)"
)


@frozen
class _Kind:
    words: str
    hint: str


_TEMPLATE: Final = _Kind(
    "template code of another system",
    "take it out; or, if readers are to see it, put it in backticks or write a backslash before it: \\{{",
)
_MATHEMATICS: Final = _Kind(
    "a formula, and nothing sets formulas here",
    "put it in backticks, or show it as a picture; if readers are to see the signs, write &#36;$",
)
_BRACKETS: Final = _Kind(
    "a formula, and nothing sets formulas here",
    "put it in backticks, or show it as a picture; if brackets are meant, write them without backslashes",
)
_BOX: Final = _Kind(
    "a container of another system",
    "write > [!NOTE] or !!! note; or, if readers are to see it, a backslash before it: \\:::",
)
_TABLE: Final = _Kind("a table of contents of another system", "write [TOC] on a line of its own")
_MODULE: Final = _Kind("code of another system", "take it out, or put it in a fence")


def look(html: Html, source: MarkdownSource) -> None:
    """Warns of what a body's text holds of other systems' syntax."""
    whole = "".join(html.texts)  # less what stands in fences
    if not any(sign[0] in whole and sign in whole for sign in _SIGNS):
        return
    found = running(html)
    _tell(_TEMPLATE, [one for opening, end in _PAIRS for one in _between(found, opening, end)], found, source)
    formulas = [one for opening, end in _FORMULAS for one in _between(found, opening, end) if _is_formula(found, *one)]
    is_dollar = bool(formulas) and found.startswith("$", min(formulas)[0])
    _tell(_MATHEMATICS if is_dollar else _BRACKETS, formulas, found, source)
    for kind, pattern in ((_BOX, _CONTAINER), (_TABLE, _CONTENTS), (_MODULE, _IMPORT)):
        _tell(kind, [one.span(1 if pattern.groups else 0) for one in pattern.finditer(found)], found, source)


def _between(text: str, opening: str, end: str) -> list[tuple[int, int]]:
    """Where each piece begins and is over that stands between two signs, in one paragraph."""
    found: list[tuple[int, int]] = []
    at = text.find(opening)
    while at >= 0:
        behind = text.find(end, at + len(opening), at + _LONGEST)
        stop = behind + len(end)
        if behind < 0 or "\n\n" in text[at:stop] or not _is_opening(text, at, opening):
            stop = at + len(opening)
        else:
            found.append((at, stop))
        at = text.find(opening, stop)
    return found


def _is_opening(text: str, at: int, opening: str) -> bool:
    """Not the {% of {{% x %}}, nor the {# of an attribute list."""
    if opening == "{%":
        return not text.endswith(("{", _ESCAPED), 0, at)
    return opening != "{#" or _COMMENT.match(text, at) is not None


def _is_formula(text: str, start: int, stop: int) -> bool:
    """Not prices, nor a remark in brackets."""
    return _FORMULA.search(text, start + 2, stop - 2) is not None


def _tell(kind: _Kind, pieces: list[tuple[int, int]], text: str, source: MarkdownSource) -> None:
    if not pieces:
        return
    start, end = min(pieces)
    piece = text[start:end]
    for written, sign in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        piece = piece.replace(written, sign)
    piece = re.sub(f"{STX}([0-9]+){ETX}", lambda found: "\\" + chr(int(found[1])), piece)
    place, length = _place(piece, source)
    words = " ".join(piece.split())
    count = f" ({len(pieces)} times on this page)" if len(pieces) > 1 else ""
    source.warn(f'"{shown(words, _SHOWN)}" is shown as it is: it is {kind.words}{count}', kind.hint, place, length)


def _place(piece: str, source: MarkdownSource) -> tuple[tuple[int, int], int]:
    """Where a piece stands in the source, and how long it is there. Markup within it was read: its beginning tells."""
    text = source.readable
    beginning = re.split(r"[\n\x00-\x1f*`~&]|(?<=.)[_\\<]", piece, maxsplit=1)[0][:_SHOWN]
    for wanted in (piece, beginning, piece[:2]):
        if not wanted:
            continue
        first = -1
        at = text.find(wanted)
        while at >= 0:
            behind = at + 1
            if text[at - 1 : at] != "\\":
                # What is indented by four columns is code, unless it belongs to a list.
                is_indented = text.startswith(("    ", "\t"), text.rfind("\n", 0, at) + 1)
                first = at if first < 0 or not is_indented else first
                if not is_indented:
                    break
                behind = text.find("\n", at)
            at = text.find(wanted, behind) if behind > 0 else -1
        if first >= 0:
            line = text.rfind("\n", 0, first) + 1
            return (text.count("\n", 0, first) + 1, first - line + 1), len(wanted)
    return (1, 1), 1
