"""Quotation marks of languages, and the no-break spaces that French wants around its punctuation.

Babel carries no quotation marks, so they stand here.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Final, TypeVar

from sealpress.frozen import frozen

Rule = TypeVar("Rule")

NO_BREAK: Final = "\u00a0"
NARROW: Final = "\u202f"


@frozen
class Quotes:
    """The marks around a quotation, and around one within it. Spaces inside the marks belong to Spacing."""

    open: str
    close: str
    inner_open: str
    inner_close: str


@frozen
class Spacing:
    """Spaces before ";", "!" and "?", before ":", and inside « ». "" where there is none."""

    high: str
    colon: str
    guillemets: str


# Source: Unicode CLDR, common/main/*.xml, //ldml/delimiters. Where a language is missing, CLDR's root holds: “ ” ‘ ’.
# One choice of our own: CLDR repeats « » within « » for French; printers there set “ ”, as Spanish and Italian do.
_QUOTES: Final = {
    "ar": "”“’‘",
    "be": "«»„“",
    "bg": "„“‘’",
    "ca": "«»“”",
    "cs": "„“‚‘",
    "de": "„“‚‘",
    "de-CH": "«»‹›",
    "es": "«»“”",
    "fa": "«»‹›",
    "fi": "””’’",
    "fr": "«»“”",
    "fr-CH": "«»‹›",
    "he": "””’’",
    "hr": "„”‚’",
    "hu": "„”»«",
    "is": "„“‚‘",
    "it": "«»“”",
    "ja": "「」『』",
    "lb": "„“‚‘",
    "lt": "„“„“",
    "mk": "„“‚‘",
    "nb": "«»‘’",
    "nl": "‘’“”",
    "nn": "«»“”",
    "no": "«»‘’",
    "pl": "„”«»",
    "pt-PT": "«»“”",
    "ro": "„”«»",
    "ru": "«»„“",
    "sk": "„“‚‘",
    "sl": "„“‚‘",
    "sr": "„“‘‘",
    "sv": "””’’",
    "uk": "«»„“",
    "zh-Hant": "「」『』",
    "zh-HK": "「」『』",
    "zh-TW": "「」『』",
}
_ROOT: Final = "“”‘’"

# Sources: Lexique des règles typographiques en usage à l'Imprimerie nationale (France); Guide du typographe
# (Switzerland: narrow spaces throughout); Office québécois de la langue française (none before ; ! ?).
_SPACING: Final = {
    "fr": Spacing(NARROW, NO_BREAK, NO_BREAK),
    "fr-CA": Spacing("", NO_BREAK, NO_BREAK),
    "fr-CH": Spacing(NARROW, NARROW, NARROW),
}


def quotes(tag: str) -> Quotes:
    """The marks of a BCP 47 tag, else of its language, else of CLDR's root."""
    return Quotes(*_nearest(_QUOTES, tag, _ROOT))


def spacing(tag: str) -> Spacing | None:
    """How a language spaces its punctuation, or None where it adds nothing."""
    every: Mapping[str, Spacing | None] = _SPACING
    return _nearest(every, tag, None)


def _nearest(table: Mapping[str, Rule], tag: str, otherwise: Rule) -> Rule:
    while tag:
        if tag in table:
            return table[tag]
        tag = tag.rpartition("-")[0]
    return otherwise


def spaced(text: str, tag: str) -> str:
    """Plain text with its language's no-break spaces: "Oui !" with a narrow one in French.

    A space that stands before the sign becomes a no-break one, and a missing one is added where the sign ends a word.
    Times (12:30), addresses (https://…) and smileys (:-) stay as they are.
    """
    rules = spacing(tag)
    if rules is None:
        return text
    return SPACED.sub(lambda found: space(found, rules), text)


# An address, an entity's name (";" is no punctuation there), a guillemet, or signs with the blanks before them.
ADDRESS: Final = r"(?:https?://|www\.)[^\s<>\"'\x1e]*[^\s<>\"'\x1e.,;:!?)»…]"
ENTITY: Final = r"&\#?\w+;"
SPACES: Final = rf"[ {NO_BREAK}{NARROW}]"
SIGNS: Final = rf"«{SPACES}*|{SPACES}*»|{SPACES}*[;:!?]+"
SPACED: Final = re.compile(f"{ADDRESS}|{ENTITY}|(?P<sign>{SIGNS})")

_BEFORE: Final = re.compile(r"[\w)\]}»”’\"'%°…*\ufffc]")  # the last stands for code, an image
_AFTER: Final = re.compile(r"[\s»”’\"'…\])}]")


def space(found: re.Match[str], rules: Spacing, before: str | None = None, after: str | None = None) -> str:
    """What stands for a match of SPACED. `before` and `after`: what stands around it, where the text can't tell."""
    sign = found["sign"]
    if sign is None:
        return found[0]
    text = found.string
    if before is None:
        before = text[max(0, found.start() - 1) : found.start()]
    if after is None:
        after = text[found.end() : found.end() + 1]
    if sign[0] == "«":
        return "«" + rules.guillemets
    if sign[-1] == "»":
        return rules.guillemets + "»"
    marks = sign.lstrip(f" {NO_BREAK}{NARROW}")
    is_smiley = marks[0] in ";:" and after == ")"
    ends_word = not is_smiley and (not after or _AFTER.match(after) is not None)
    if not ends_word or not _BEFORE.match(before):
        return sign
    return (rules.colon if marks[0] == ":" else rules.high) + marks


@cache
def marks(tag: str) -> tuple[Quotes, Spacing | None]:
    """Both at once, for text that is set a thousand times."""
    return quotes(tag), spacing(tag)
