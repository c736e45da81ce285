"""nginx's own grammar: directives as values, and their way into text. What comes from outside stays a value.

Source: nginx.org/en/docs, "Configuration file's structure" and the reading of words in ngx_conf_file.c.
"""

import re
from collections.abc import Iterable
from typing import Final

from sealpress.frozen import frozen
from sealpress.problems import EXCERPT, Problem

LONGEST: Final = 4094
"""Bytes of one word as it is written, less its quotes: nginx reads its configuration by 4096 (NGX_CONF_BUFFER)."""

_DOLLAR: Final = "${dollar}"
_PLAIN: Final = re.compile(r"[A-Za-z0-9$@_./:=*~^+-]+|\(\$[a-z0-9_]+\)")  # neither has a brace, so no "${" either


@frozen
class Directive:
    """One directive: its name and arguments, and what stands in its block. `why` becomes a comment above it."""

    name: str
    arguments: tuple[str, ...] = ()
    block: "tuple[Directive, ...] | None" = None
    why: str = ""


def directive(name: str, *arguments: str, why: str = "") -> Directive:
    """One without a block."""
    return Directive(name, arguments, why=why)


def simple(text: str) -> tuple[Directive, ...]:
    """Those of a text, one a line, without blocks and of words that need no quotes; comments stand above theirs."""
    found: list[Directive] = []
    why: list[str] = []
    for line in map(str.strip, text.strip().splitlines()):
        if line.startswith("#"):
            why.append(line.removeprefix("# "))
        else:
            found.append(directive(*line.split(), why="\n# ".join(why)))
            why.clear()
    return tuple(found)


def when(variable: str, *block: Directive) -> Directive:
    """What happens where a variable, "$name", is neither empty nor "0"."""
    return Directive("if", (f"({variable})",), block)


def choice(key: str, variable: str, *cases: tuple[str, str], why: str = "") -> Directive:
    """A `map`. Cases are compared without case, in ASCII; those that begin with "~" are expressions, in their order."""
    return Directive("map", (key, variable), tuple(directive(*case) for case in cases), why)


DOLLAR: Final = Directive("geo", ("$dollar",), (directive("default", "$"),), why="There is no escape for it.")
"""What `literal` relies on; stands in `http`."""


def rendered(directives: Iterable[Directive], depth: int = 0) -> str:
    """The directives as text. Arguments are quoted where they need it; `$` stays nginx's own (see `literal`).

    Raises Problem (exit 3) for a word that is too long.
    """
    indent = "    " * depth
    lines: list[str] = []
    for one in directives:
        if one.why:
            lines += [f"{indent}# {one.why}".replace("\n", f"\n{indent}")]
        words = (one.name, *one.arguments)
        if long := next((word for word in words if length(word) > LONGEST), None):
            raise Problem(
                f'nginx takes words of {LONGEST} bytes, and its "{one.name}" would have one of {length(long)}:'
                f" {long[:EXCERPT]}…",
                hint="shorten what it comes from: a value under [image], or a path of the tree",
            )
        head = " ".join(map(_quoted, words))
        if one.block is None:
            lines.append(f"{indent}{head};")
        elif not one.block:
            lines.append(f"{indent}{head} {{ }}")
        else:
            lines += [f"{indent}{head} {{", rendered(one.block, depth + 1).rstrip("\n"), f"{indent}}}"]
    return "\n".join(lines) + "\n"


def literal(text: str) -> str:
    """Text from outside as an argument in which nothing is a variable.

    nginx knows no escape for `$`, so a variable that holds one stands in for it.
    """
    return text.replace("$", _DOLLAR)


def length(argument: str) -> int:
    """How many bytes an argument takes in the configuration, less its quotes."""
    return len(_escaped(argument).encode())


def _escaped(argument: str) -> str:
    return argument.replace("\\", "\\\\").replace('"', '\\"')


def _quoted(argument: str) -> str:
    if _PLAIN.fullmatch(argument):
        return argument
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in argument):
        raise ValueError(f"a control character in {argument!a}")
    return f'"{_escaped(argument)}"'
