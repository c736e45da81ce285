"""Random documents out of the pieces that Markdown is made of, the same for the same number."""

import hashlib
from collections.abc import Sequence
from typing import Final

_WORDS: Final = ("a", "bc", "foo", "Bar", "é", "1", "x y", "it's", "2024", "a_b", "-", "end.")
_INLINE: Final = (
    *("*", "**", "***", "_", "__", "`", "``", "[", "]", "](u)", "](<u v>)", '](u "t")', "![", "][r]", "[]", "[r]"),
    *("<https://e.org/?a=1&b>", "<a@b.org>", "<b>", "</b>", '<i x="y">', "<!-- c -->", "<", ">", "&amp;", "&copy;"),
    *("&#35;", "&x;", "&", "\\*", "\\\\", "\\", "\\[", "  \n", "\\\n", "\n", "!", "(", ")", '"', "'", "#", ":", "|"),
)
_STARTS: Final = (
    *(
        "# ",
        "## ",
        "###### x ##",
        "> ",
        ">",
        "- ",
        "* ",
        "+ ",
        "1. ",
        "2) ",
        "10. ",
        "-\t",
        "1.\t",
        "    ",
        "  ",
        "   ",
    ),
    *("\t", "***", "---", "===", "- - -", "```", "~~~", "``` py", "````", "<div>", "</div>", "<!--", "-->", "<pre>"),
    *("</pre>", "<?x", "<a>", "[r]: /u", "[r]:", "[r]: /u 't'", "'t'", "", "", "", ">\t", "-", "1.", "     "),
)


class Dice:
    """Throws of a number's own: the same for the same number, on any machine."""

    def __init__(self, number: int) -> None:
        self._state = int.from_bytes(hashlib.sha256(str(number).encode()).digest()[:8], "big")

    def __call__(self, sides: int) -> int:
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self._state >> 33) % sides

    def one(self, of: Sequence[str]) -> str:
        return of[self(len(of))]


def document(number: int) -> str:
    dice = Dice(number)
    lines: list[str] = []
    for _ in range(1 + dice(7)):
        line = ""
        while dice(5) < 2:
            line += dice.one((">", "> ", "- ", "  ", "    ", "1. ", "\t", " "))
        line += dice.one(_STARTS) if dice(3) else ""
        for _ in range(dice(6)):
            line += dice.one(_INLINE) if dice(5) < 3 else dice.one(_WORDS)
            line += " " if not dice(3) else ""
        lines.append(line)
        if not dice(4):
            lines.append("")
    if not dice(3):
        lines += ["", "[r]: /url"]
    return "\n".join(lines) + "\n"
