"""How long a text takes to read."""

import math
import re
from typing import Final

WORDS_A_MINUTE: Final = 220
CHARACTERS_A_MINUTE: Final = 450

# Hiragana, Katakana, Han: a word is a character or two, and no space tells where it ends.
_DENSE: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff]")


def minutes(text: str) -> int:
    """Minutes for plain text, at least 1."""
    dense = len(_DENSE.findall(text)) if _may_be_dense(text) else 0
    words = _words(_DENSE.sub(" ", text) if dense else text)
    return max(1, math.ceil(words / WORDS_A_MINUTE + dense / CHARACTERS_A_MINUTE))


_LEADS: Final = [bytes([lead]) for lead in range(0xE3, 0xEA)]
"""What the characters of _DENSE begin with in UTF-8. To search for seven bytes is faster than for a set."""


def _may_be_dense(text: str) -> bool:
    if text.isascii():
        return False
    data = text.encode("utf-8", "surrogatepass")
    return any(lead in data for lead in _LEADS)


def _words(text: str) -> int:
    """As len(text.split()), which need not be made where single blanks part all words."""
    line = text.replace("\n", " ").strip(" ")
    if line and "  " not in line and line.isprintable():
        return line.count(" ") + 1
    return len(text.split())
