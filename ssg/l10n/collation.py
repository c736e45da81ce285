"""The order of titles in a language, in pure Python: the same on every machine.

It folds case and accents, puts letters of their own where the alphabet has them (Swedish å, ä, ö after z, Spanish ñ
after n), and looks past punctuation. It knows no contractions (Slovak "ch"), no order of Han characters but the code
points', and no numbers by value ("10" stands before "9"). Source of the idea: Unicode Technical Standard 10, levels.
"""

import unicodedata
from functools import cache
from types import MappingProxyType
from typing import Final

SortKey = tuple[str, str, str]
"""Compared as it is: letters without accents and case, then with accents, then the text itself."""

# Letters that no accent made, with what they sort as elsewhere (UTS 10, the default table).
PLAIN_LETTERS: Final = {
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "đ": "d",
    "ð": "d",
    "ł": "l",
    "þ": "th",
    "ħ": "h",
    "ı": "i",
    "ŧ": "t",
}
# Letters that a language counts as its own, each behind the letter before the colon (CLDR, common/collation).
_OWN: Final = {
    "cs": ("c:č", "r:ř", "s:š", "z:ž"),
    "da": ("z:æøå",),
    "es": ("n:ñ",),
    "et": ("s:šzž", "w:õäöü"),
    "fi": ("z:åäö",),
    "hr": ("c:čć", "d:đ", "s:š", "z:ž"),
    "is": ("d:ð", "z:þæö"),
    "nb": ("z:æøå",),
    "nn": ("z:æøå",),
    "no": ("z:æøå",),
    "pl": ("a:ą", "c:ć", "e:ę", "l:ł", "n:ń", "o:ó", "s:ś", "z:źż"),
    "sk": ("c:č", "s:š", "z:ž"),
    "sl": ("c:č", "s:š", "z:ž"),
    "sv": ("z:åäö",),
    "tr": ("c:ç", "g:ğ", "h:ı", "o:ö", "s:ş", "u:ü"),
}


def sort_key(text: str, tag: str) -> SortKey:
    """The place of `text` among others in the language `tag`."""
    language = tag.partition("-")[0]
    own = _own(language)
    lowered = unicodedata.normalize("NFC", lower(text, language))
    letters: list[str] = []
    accented: list[str] = []
    for char in lowered:
        if char in own:
            letters.append(own[char])
            accented.append(char)
        elif char.isalnum():
            folded = unicodedata.normalize("NFKD", PLAIN_LETTERS.get(char, char)).casefold()
            letters.append("".join(c for c in folded if not unicodedata.combining(c)))
            accented.append(char)
        elif unicodedata.category(char)[0] == "M":
            letters.append(char)
        elif letters and letters[-1] != " ":
            letters.append(" ")
    return "".join(letters).strip(), "".join(accented), text


@cache
def _own(language: str) -> MappingProxyType[str, str]:
    # U+FFFF stands behind every letter, so "z" + U+FFFF comes after all words that begin with z.
    table = {
        letter: f"{base}\uffff{number}"
        for rule in _OWN.get(language, ())
        for base, _, letters in [rule.partition(":")]
        for number, letter in enumerate(letters)
    }
    return MappingProxyType(table)


def lower(text: str, language: str) -> str:
    """Lower case; Turkish and Azerbaijani keep their two letters i apart."""
    if language in {"tr", "az"}:
        text = text.replace("I", "ı").replace("İ", "i")
    return text.lower()
