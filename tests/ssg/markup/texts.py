"""Texts for what must hold of any text: posts as people write them, the repository's own pages, and traps."""

import re
from functools import cache
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parents[3]

_WORDS: Final = re.findall(
    r"\S+",
    "the of and to in a is that it for was on are as with his they at be this from have or by one had not but what all "
    "were when we there can an your which their said if do will each about how up out them then she many some so these "
    "would other into has more her two like him see time could no make than first been its who now people my made over "
    "don't it's server's layer registry kernel filesystem deterministic naïve café résumé Zürich",
)

_PYTHON: Final = '''\
from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """One layer of the image, named by its digest."""

    digest: str
    size: int = 0

    def path(self, root: str) -> str:
        # blobs are stored by algorithm
        return f"{root}/blobs/{self.digest[7:]!r:>10}\\n"


def total(layers: list[Layer], factor: float = 1.5e3) -> int:
    return sum(layer.size for layer in layers if layer.size > 0x1F) * int(factor)
'''
_BASH: Final = """\
#!/bin/bash
set -euo pipefail
for f in "$@"; do
    size=$(stat -c %s "$f")
    if [ "$size" -gt 4096 ]; then
        echo "big: ${f##*/} $((size / 1024)) kB" >&2
    fi
done
curl -fsS "https://example.org/api?id=7" | jq -r '.items[].name' | sort -u > out.txt  # names
"""
_NIX: Final = """\
{ pkgs ? import <nixpkgs> { }, lib, ... }:
let
  # the closure of the server
  env = pkgs.buildEnv { name = "blog-1"; paths = with pkgs; [ nginx coreutils ]; };
in
pkgs.dockerTools.buildLayeredImage {
  tag = "v${toString 12}";
  contents = [ env ];
  config.Cmd = [ "${pkgs.nginx}/bin/nginx" "-g" "daemon off;" ];
}
"""
CODE: Final = (("python", _PYTHON), ("bash", _BASH), ("nix", _NIX))


class _Dice:
    def __init__(self, seed: int) -> None:
        self._state = seed * 7919 + 1

    def __call__(self, sides: int) -> int:
        self._state = (self._state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self._state >> 33) % sides

    def word(self) -> str:
        return _WORDS[self(len(_WORDS))]


def _sentence(dice: _Dice, length: int) -> str:
    words = [dice.word() for _ in range(length)]
    words[0] = words[0].capitalize()
    marked = [
        "**{0} {1}**",
        "*{0}*",
        "`{0}_x()`",
        "[{0} {1}](https://example.org/{0}/{2})",
        '"{0}"',
        "{0},",
        "{0} --",
        "[{0}][site]",
        "<https://example.org/{2}>",
        "_{0}_",
        "~~{0}~~",
        "![{0}](img/{2}.png)",
        "H&amp;M",
        "a < b",
    ]
    for number in range(1, length):
        choice = dice(90)
        if choice < len(marked):
            words[number] = marked[choice].format(words[number], dice.word(), dice(900))
    return " ".join(words) + ".?!."[dice(4)]


def _paragraph(dice: _Dice, sentences: int = 3) -> str:
    return "\n".join(_sentence(dice, 9 + dice(12)) for _ in range(sentences + dice(3)))


def post(number: int) -> str:
    """A post of 3 to 5 KB with all that a post has: the same text for the same number."""
    dice = _Dice(number)
    language, code = CODE[number % 3]
    rows = "".join(f"| {dice.word()} | {dice(9999)} | {_sentence(dice, 4)} |\n" for _ in range(5))
    parts = [
        _paragraph(dice),
        "## " + _sentence(dice, 4),
        _paragraph(dice),
        "\n".join("- " + _sentence(dice, 7) for _ in range(4)),
        f"```{language}\n{code}```",
        "## Results\n\n" + _paragraph(dice) + "[^1]",
        "| Name | Size | Note |\n|---|---:|---|\n" + rows,
        "### " + _sentence(dice, 5) + " {#own .note}",
        _paragraph(dice),
        "\n".join(f"{place}. " + _sentence(dice, 7) for place in range(1, 4)),
        "> " + _sentence(dice, 12),
        "Term\n:   " + _sentence(dice, 6),
        _paragraph(dice),
        "[^1]: " + _sentence(dice, 10),
        "[site]: https://example.org/",
    ]
    return "\n\n".join(parts) + "\n"


@cache
def pages() -> tuple[str, ...]:
    """The Markdown of this repository: its site, its golden site, its README."""
    folders = (REPOSITORY / "site" / "content", REPOSITORY / "tests" / "golden" / "site")
    found = [path for folder in folders for path in sorted(folder.rglob("*.md"))]
    return tuple(path.read_text() for path in [*found, *sorted(REPOSITORY.glob("*.md"))])


TRAPS: Final = (
    "*a **b*c",
    "***a** b*",
    "**a*b*c**",
    "_a__b_ __c_d__",
    "* a *\n\n** b **",
    "a*b*c_d_e",
    "\\*a\\* \\[x](y) \\\\*b*",
    "`a` ``b ` c`` \\`d` `e",
    "\\\\`a` \\\\\\`b`",
    "[a [b] c](d)",
    "[a](b (c) d)",
    "[a](<b c> 'd')",
    '[a](b "c" d")',
    "[a][b][c]\n\n[b]: d\n[c]: e",
    "![a [b](c) d](e)",
    "[![a](b)](c)",
    '![a][b] ![b] [b]\n\n[b]: <x y> "t"',
    "[[[a]]] [[b](c)]",
    "[a]\n[b]: c 'd'\n",
    "[^1] ![^1] [^2](x)\n\n[^1]: *x*",
    "<https://a.b/c_d_e> <x@y.z> <mailto:x@y.z> <nothing>",
    "<b *c*>d</b> <!-- *e* --> <?f *g*?>",
    "<a href='x' SRC=\"y\" ſrc=z>t</a>",
    "a  \nb   \nc\\\nd",
    "&amp; &copy &#38; &#x26; &unknown; & ;",
    "~~a~~ ~~~b~~~ ~~ c ~~ ~~~~ ~~d\ne~~",
    "# a #\n## b\n###### c\n####### d\n#e\n\\# f",
    "a\n=\n\nb\n---\n\n- - -\n* * *\n___\n-- -",
    "> a\n>b\n > c\n>> d\n\ne > f",
    "a\n: b\n:   c\n\n    d\n\ne : f",
    "*[ab]: c\n\nab cab ab",
    "|a|b|\n|-|-|\n|c|`d|e`|\n\na\n-\n\na|b\n:-:|-:\n\\||`x`",
    "a {: .b }\n{: #c }\n\n# d {#e}\n\n*f*{.g}",
    "- a\n\n    - b\n\n        c\n\n1. d\n* e",
    "Kelvin K, long ſ, dotted İ, ı; \u2028 \x1c \x0b \u00a0",
    '"a" \'b\' l\'"c" --d e--f g---h i...j ....k',
    "« a » : b ; c ! d ? https://e.f/g?h;i http://j www.k.l",
    "\ufeffa\r\nb\rc\td",
    "[" * 60 + "a" + "]" * 60,
    "*" * 41 + "a" + "_" * 41,
    "[a](b\"(c ![d](e'(f",
    "[a](b [c](d [e](f",
    "klzzwxh:0000 wzxhzdk:0 \x02klzzwxh:0001\x03",
)
