"""Titles as parts of paths and as anchors: lower case, words joined by "-", letters of every script kept."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from ssg.l10n.collation import PLAIN_LETTERS, lower
from ssg.l10n.language import Language

_NON_JOINER: Final = "\u200c"

LIMIT: Final = 180
"""Bytes of UTF-8. A file name holds 255 on every common file system, and an ending may follow."""

# Latin letters that no accent made, as people write them without the letter.
_LATIN: Final = PLAIN_LETTERS | {"ĸ": "k", "ŋ": "n", "ſ": "s"}
_GERMAN: Final = {"ä": "ae", "ö": "oe", "ü": "ue"}
_APOSTROPHES: Final = "'’ʼ"
_TYPOGRAPHY: Final = str.maketrans("’ʼ“”‘«»„‚‹›–—…\u00a0\u202f", "''" + " " * 14)
"""What typography makes of plain signs, made plain again: all but an apostrophe parts words."""

_WORDS: Final = re.compile("[a-z0-9]+")
_SIGNS: Final = {"#": " sharp ", "+": " plus "}
_SIGNED: Final = re.compile(r"(?<=[^\W_])[#+]+")
_ELIDES: Final = frozenset({"fr", "it", "ca", "oc"})  # l'été is two words there, don't is one


def slug(text: str, language: Language) -> str | None:
    """`L'été à Œuvre` → `l-ete-a-oeuvre`; `Привет, мир` → `привет-мир`; None where no letter and no digit is left.

    A function of the text and the language's tag alone. At most LIMIT bytes, cut between words where it can be.
    """
    return _slug(text, language.tag.partition("-")[0])


def _slug(text: str, base: str) -> str | None:
    replace = _letters(base)
    between = "-" if base in _ELIDES else ""
    simple = text if text.isascii() else text.translate(_TYPOGRAPHY)
    if simple.isascii():
        return _cut("-".join(_WORDS.findall(simple.lower().replace("'", between)))) or None
    # NFKC makes ligatures and full-width letters plain; lower() may take letters apart, so it goes between.
    lowered = unicodedata.normalize("NFKC", lower(unicodedata.normalize("NFKC", text), base))
    plain = "".join(between if char in _APOSTROPHES else replace.get(char, char) for char in lowered)
    words = _without_accents(plain).split("-")
    return _cut("-".join(word for word in words if _has_letter(word))) or None


def _letters(base: str) -> dict[str, str]:
    return _LATIN | _GERMAN if base == "de" else _LATIN


def name_slug(text: str, language: Language) -> str | None:
    """As `slug`, for a name whose signs tell it from another one: `C#` → `c-sharp`, `C++` → `c-plus-plus`."""
    return _name_slug(text, language.tag.partition("-")[0])


@lru_cache(1 << 12)  # a tag stands on many pages, and is asked for on each of them twice
def _name_slug(text: str, base: str) -> str | None:
    spelled = _SIGNED.sub(lambda signs: "".join(_SIGNS[sign] for sign in signs[0]), unicodedata.normalize("NFKC", text))
    return _slug(spelled, base)


def same_name(text: str, language: Language) -> str:
    """Equal for two names that differ by no more than case, accents, normal form, typography and blanks."""
    base = language.tag.partition("-")[0]
    plain = unicodedata.normalize("NFKC", lower(unicodedata.normalize("NFKC", text.translate(_TYPOGRAPHY)), base))
    letters = _letters(base)
    parts = unicodedata.normalize("NFD", "".join(letters.get(char, char) for char in plain))
    return " ".join("".join(char for char in parts if unicodedata.category(char) not in {"Mn", "Cf"}).split())


def _without_accents(text: str) -> str:
    """Letters and digits as they are, Latin ones without marks, "-" for all else. In NFC."""
    if text.isascii():
        return "".join([char if char.isalnum() else "-" for char in text])
    kept: list[str] = []
    is_latin = False
    for char in unicodedata.normalize("NFD", text):
        match unicodedata.category(char):
            case "Cf" if char != _NON_JOINER:
                pass  # soft hyphens and joiners are not seen
            case "Mn" | "Mc":
                # Marks are parts of words in Indic, Arabic, Hebrew and Cyrillic script.
                if not is_latin and not _is_variation(char):
                    kept.append(char)
            case _:
                is_latin = char.isascii() or not char.isalnum()  # a mark on no letter is part of no word
                kept.append(char if char.isalnum() else "-")
    return unicodedata.normalize("NFC", "".join(kept))


def _is_variation(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f"


def _has_letter(word: str) -> bool:
    return any(char.isalnum() for char in word)


def _cut(joined: str) -> str:
    if len(joined.encode()) <= LIMIT:
        return joined
    start = joined.encode()[: LIMIT + 1].decode("utf-8", "ignore")
    head, _, _ = start.rpartition("-")
    return head or joined.encode()[:LIMIT].decode("utf-8", "ignore")
