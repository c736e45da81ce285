"""Blocks that a template overrides, and those that its parents have: one that nobody has would be passed over.

Source: Jinja2, "Template Inheritance": of a template that extends another, only blocks count; a block may define more
blocks within it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from sealpress.problems import Place, Problem, did_you_mean

_TOKEN: Final = re.compile(
    r"""\{\#.*?\#\}
    | \{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\s*[-+]?%\}
    | \{%[-+]?\s*(?:extends\s+(?P<quote>["'])(?P<parent>[^"']+)(?P=quote)(?=\s*[-+]?%\}) | (?P<any>extends)\b
        | block\s+(?P<block>[A-Za-z_]\w*) | (?P<end>endblock)\b)""",
    re.DOTALL | re.VERBOSE,
)


@dataclass(slots=True)
class TemplateBlocks:
    """Of one template. `parent` is what it extends: "" for nothing, None where only rendering can tell.

    `places` has where each name stands in the text; `outer` are the blocks that stand in no other one.
    """

    parent: str | None = ""
    places: dict[str, int] = field(default_factory=dict)
    outer: list[str] = field(default_factory=list)


def blocks_of(text: str) -> TemplateBlocks:
    """What a template's text says of blocks."""
    found = TemplateBlocks()
    depth = 0
    for token in _TOKEN.finditer(text):
        if token["parent"]:
            found.parent = token["parent"]
        elif token["any"]:
            found.parent = None
        elif token["end"]:
            depth -= 1
        elif name := token["block"]:
            found.places.setdefault(name, token.start("block"))
            if depth == 0:
                found.outer.append(name)
            depth += 1
    return found


def check(text: str, shown: str, read: Callable[[str], str | None]) -> None:
    """Raises Problem (exit 3) at a block that none of the parents has. `read` gives a template's text by its name."""
    own = blocks_of(text)
    if not own.parent:
        return
    known: set[str] = set()
    for parent in _parents(own.parent, read):
        if parent is None:
            return
        known.update(parent.places)
    for name in own.outer:
        if name not in known:
            before = text[: own.places[name]]
            line = before.count("\n") + 1
            start = before.rfind("\n") + 1
            place = Place(shown, line, len(before) - start + 1, text[start:].partition("\n")[0], len(name))
            raise Problem(
                f'"{own.parent}" has no block "{name}"{did_you_mean(name, known)}, so this would be passed over',
                place=place,
                hint=f"blocks there: {', '.join(sorted(known)) or 'none'}",
            )


def _parents(name: str | None, read: Callable[[str], str | None]) -> Iterator[TemplateBlocks | None]:
    """The blocks of each parent in turn; None where one can't be told beforehand, or isn't there."""
    seen: set[str] = set()
    while name != "":
        text = read(name) if name and name not in seen else None
        if name is None or text is None:
            yield None
            return
        seen.add(name)
        found = blocks_of(text)
        yield found
        name = found.parent
