"""Quotes, dashes and ellipses as a language prints them, and the no-break spaces of French.

It works on the text of one paragraph across its inline tags, so `"<em>Word</em>"` gets the right marks. Code, URLs and
what was escaped with a backslash stay as they are.

    "text", 'text'   the language's marks, the second within the first
    it's, '90s       ’
    --- -- ...       — – …   (but not --option, and not a longer row)
    5" and 6'2"      as written
"""

import html as entities
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from ssg.l10n import punctuation
from ssg.l10n.language import Language
from ssg.l10n.punctuation import Quotes, Spacing
from ssg.markup.text.converted import ETX, STX

OBJECT: Final = "\ufffc"
"""Stands among the parts for something that is no text: code, an image."""

BREAK: Final = "\x1d"
"""Stands among the parts where one run of text ends and another begins."""

_EDGE: Final = "\x1e"  # between two parts; no source holds it (positions.normal)
_APOSTROPHE: Final = "’"
# Each begins with a character as such, so that re finds the next place by one look at a set. A group says what it was.
_PLAIN: Final = (
    rf"{punctuation.ENTITY}|{STX}[^{ETX}{BREAK}]*{ETX}|\"(?P<double>)|'(?P<single>)|--+(?P<dash>)|\.\.\.+(?P<dots>)"
)
_PATTERN: Final = re.compile(_PLAIN)
_ADDRESS_PATTERN: Final = re.compile(rf"{punctuation.ADDRESS}|{_PLAIN}")
_SIGN_PATTERN: Final = re.compile(rf"{punctuation.ADDRESS}|{_PLAIN}|(?P<sign>{punctuation.SIGNS})")
_SIGNS: Final = re.compile("[;:!?«»]")
_CLOSING: Final = re.compile(rf"(?<=[^\s(\[{{])'(?!\w|{_EDGE}\w)")
_ENTITY_BEFORE: Final = re.compile(r"&#?\w+;$")
_ENTITY_AFTER: Final = re.compile(r"&#?\w+;")
_HIDING: Final = frozenset({_EDGE, "&", ";", STX, ETX})  # what a reader sees there stands behind them
_OPENERS: Final = frozenset("([{<—–-/«“‘„‚‹¿¡=")


def typeset(parts: Sequence[str], language: Language) -> list[str]:
    """The parts of runs of text, set. A part is HTML text (escaped) between two tags, or OBJECT, or BREAK."""
    return changed(parts, language) or list(parts)


def changed(parts: Sequence[str], language: Language) -> list[str] | None:
    """As typeset(), but None where nothing is to be set."""
    quotes, spacing = punctuation.marks(language.tag)
    joined = _EDGE.join(parts)
    # The expressions that know more are slower.
    if spacing is not None and _SIGNS.search(joined):
        pattern = _SIGN_PATTERN
    elif not ('"' in joined or "'" in joined or "--" in joined or "..." in joined):
        return None
    else:
        pattern = _ADDRESS_PATTERN if "://" in joined or "www." in joined else _PATTERN
    return pattern.sub(_Setter(*_with_spaces(quotes, spacing), spacing), joined).split(_EDGE)


@cache
def _with_spaces(quotes: Quotes, spacing: Spacing | None) -> tuple[tuple[str, str], tuple[str, str]]:
    """The marks with the spaces that stand inside them."""
    blank = spacing.guillemets if spacing else ""

    def mark(char: str) -> str:
        return char + blank if char == "«" else blank + char if char == "»" else char

    outer = (mark(quotes.open), mark(quotes.close))
    return outer, (mark(quotes.inner_open), mark(quotes.inner_close))


@dataclass(slots=True)
class _Setter:
    """Called for each match, from left to right; remembers which quotations are open in the run."""

    outer: tuple[str, str]
    inner: tuple[str, str]
    spacing: Spacing | None
    run_end: int = 0
    doubles: int = 0
    singles: int = 0
    opened_at: int = -1  # the end of the last opening mark
    closing: re.Match[str] | None = field(default=None)  # the next "'" that could close
    has_closing: bool = True

    def __call__(self, found: re.Match[str]) -> str:
        match found.lastgroup:
            case "single":
                start, text = found.start(), found.string
                if text[start - 1 : start].isalpha() and text[start + 1 : start + 2].isalpha():
                    return _APOSTROPHE  # as nearly all are
                self._enter_run(found)
                return self._single(found)
            case "double":
                self._enter_run(found)
                return self._double(found)
            case "dash":
                return _dash(found)
            case "dots":
                return "…" if len(found[0]) == 3 else found[0]
            case "sign" if self.spacing:
                text = found.string
                before, after = _before(text, found.start()), _after(text, found.end())
                return punctuation.space(found, self.spacing, before, after)
            case _:
                return found[0]

    def _enter_run(self, found: re.Match[str]) -> None:
        """Forgets what was open in the run before."""
        if found.start() >= self.run_end:
            end = found.string.find(BREAK, found.start())
            self.run_end = len(found.string) if end < 0 else end
            self.doubles = self.singles = 0
            self.closing = None
            self.has_closing = True

    def _opens(self, before: str, after: str, at: int) -> bool:
        if not after or after.isspace():
            return False
        return not before or before.isspace() or before in _OPENERS or (before in "\"'" and self.opened_at == at)

    def _double(self, found: re.Match[str]) -> str:
        text = found.string
        before, after = _before(text, found.start()), _after(text, found.end())
        is_elided = before == "'" and not self.doubles and after.isalnum()  # l'"été"
        if is_elided or self._opens(before, after, _skip_back(text, found.start())):
            self.doubles += 1
            self.opened_at = found.end()
            return self.outer[0]
        if not self.doubles and before.isdigit():
            return '"'  # inches
        self.doubles = max(0, self.doubles - 1)
        return self.outer[1]

    def _single(self, found: re.Match[str]) -> str:
        text = found.string
        before, after = _before(text, found.start()), _after(text, found.end())
        if before.isalnum() and after.isalnum():
            return "'" if before.isdigit() and after.isdigit() else _APOSTROPHE  # 6'2" are feet
        if self._opens(before, after, _skip_back(text, found.start())):
            if after.isdigit() and re.match(r"\d\d(?!\d)", text[found.end() : found.end() + 3]):
                return _APOSTROPHE  # '90s
            if not self._closes_later(text, found.end()):
                return _APOSTROPHE  # 'tis
            self.singles += 1
            self.opened_at = found.end()
            return self.inner[0]
        if self.singles:
            self.singles -= 1
            return self.inner[1]
        return "'" if before.isdigit() else _APOSTROPHE

    def _closes_later(self, text: str, at: int) -> bool:
        # Searched once for all: a text full of opening marks must not be read again for each.
        if self.has_closing and (self.closing is None or self.closing.start() <= at):
            self.closing = _CLOSING.search(text, at + 1, self.run_end)
            self.has_closing = self.closing is not None
        return self.has_closing


def _dash(found: re.Match[str]) -> str:
    text = found.string
    before, after = _before(text, found.start()), _after(text, found.end())
    is_option = len(found[0]) == 2 and after.isalnum() and (not before or before.isspace() or before in "([")
    is_arrow = after == ">" or before in {"<", "!"}
    if is_option or is_arrow or len(found[0]) > 3:
        return found[0]
    return "–" if len(found[0]) == 2 else "—"


def _skip_back(text: str, at: int) -> int:
    while at and text[at - 1] == _EDGE:
        at -= 1
    return at


def _before(text: str, at: int) -> str:
    """The character that a reader sees before `at`, or "" at the beginning."""
    char = text[at - 1 : at] if at else ""
    if char not in _HIDING:
        return char
    at = _skip_back(text, at)
    char = text[at - 1 : at] if at else ""
    if char == ";" and (found := _ENTITY_BEFORE.search(text, max(0, at - 12), at)):
        return entities.unescape(found[0])[-1:]
    if char == ETX:
        return _escaped(text[text.rfind(STX, 0, at) + 1 : at - 1])
    return char


def _after(text: str, at: int) -> str:
    char = text[at : at + 1]
    if char not in _HIDING:
        return char
    while text[at : at + 1] == _EDGE:
        at += 1
    char = text[at : at + 1]
    if char == "&" and (found := _ENTITY_AFTER.match(text, at)):
        return entities.unescape(found[0])[:1]
    if char == STX:
        return _escaped(text[at + 1 : text.find(ETX, at)])
    return char


def _escaped(code: str) -> str:
    return chr(int(code)) if code.isascii() and code.isdigit() else OBJECT
