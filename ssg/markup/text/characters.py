"""What single characters are to CommonMark: escapes, references, white space, labels (0.31.2, 2.1 to 2.5).

White space is ASCII's: a no-break space is text.
"""

import re
import unicodedata
from functools import lru_cache
from html.entities import html5
from typing import Final
from urllib.parse import quote

PUNCTUATION: Final = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
BLANKS: Final = " \t\n"

_ESCAPE: Final = r"\\([!-/:-@\[-`{-~])"
REFERENCE: Final = re.compile(r"&(?:#[xX][0-9a-fA-F]{1,6}|#[0-9]{1,7}|[A-Za-z][A-Za-z0-9]{1,31});")
_ESCAPE_OR_REFERENCE: Final = re.compile(f"{_ESCAPE}|{REFERENCE.pattern}")
_WHITE: Final = re.compile(r"[ \t\n]+")
_PLAIN_ADDRESS: Final = re.compile(r"[\w\-.~:/?#@!$&'()*+,;=]*", re.ASCII)
_LONE_PERCENT: Final = re.compile(r"%(?![0-9a-fA-F]{2})")


def referred(reference: str) -> str | None:
    """The text that `&name;`, `&#1;` or `&#x1;` stands for; None for a name that HTML doesn't know."""
    if reference[1] != "#":
        return html5.get(reference[1:])
    code = int(reference[3:-1], 16) if reference[2] in "xX" else int(reference[2:-1])
    if code in {0x02, 0x03} or code > 0x10FFFF or 0xD800 <= code < 0xE000 or not code:
        return "\ufffd"  # STX and ETX: what the conversion marks its own things with
    return chr(code)


def unescaped(text: str) -> str:
    """The text with its escapes and references resolved, as in targets, titles and info strings."""
    if "\\" not in text and "&" not in text:
        return text
    return _ESCAPE_OR_REFERENCE.sub(lambda found: found[1] or referred(found[0]) or found[0], text)


def label(text: str) -> str:
    """How labels are compared (4.7): white space collapsed, case folded."""
    return _WHITE.sub(" ", text).strip(" ").casefold()


def address(target: str) -> str:
    """A target as it is written into HTML: percent-encoded where it must be, left alone where it is already."""
    if _PLAIN_ADDRESS.fullmatch(target):
        return target
    return quote(_LONE_PERCENT.sub("%25", target), safe="%;/?:@&=+$,-_.!~*'()#", errors="surrogatepass")


@lru_cache(1024)
def is_punctuation(char: str) -> bool:
    """Whether a character is Unicode punctuation or a symbol (2.1)."""
    return char in PUNCTUATION or (char > "\x7f" and unicodedata.category(char)[0] in "PS")


@lru_cache(1024)
def is_white(char: str) -> bool:
    """Whether a character is Unicode white space (2.1): Zs, tab, line feed, form feed, carriage return."""
    return char in " \t\n\f\r" or (char > "\x7f" and unicodedata.category(char) == "Zs")
