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
    dense = len(_DENSE.findall(text))
    words = len((_DENSE.sub(" ", text) if dense else text).split())
    return max(1, math.ceil(words / WORDS_A_MINUTE + dense / CHARACTERS_A_MINUTE))
