"""Definitions at the beginning of paragraphs: [label]: target "title" (CommonMark 4.7)."""

import re
from dataclasses import dataclass, field
from typing import Final

from ssg.markup.blocks import targets
from ssg.markup.text.block import Block, LinkTarget, Position
from ssg.markup.text.characters import label, unescaped

_LABEL: Final = r"\[((?:[^\\\[\]]|\\.){1,999})\]"
_TITLE: Final = r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\((?:[^()\\]|\\.)*\))"""
_DEFINITION: Final = re.compile(rf"{_LABEL}:[ \t]*(?:\n[ \t]*)?(?=[^ \t\n])", re.DOTALL)
_TITLED: Final = re.compile(rf"(?:[ \t]+(?:\n[ \t]*)?|\n[ \t]*){_TITLE}[ \t]*(?:\n|\Z)", re.DOTALL)
_END: Final = re.compile(r"[ \t]*(?:\n|\Z)")


@dataclass(slots=True)
class Definitions:
    """What a text defines: targets with titles by label, abbreviations, footnotes by name."""

    targets: dict[str, tuple[LinkTarget, str | None]] = field(default_factory=dict)
    abbreviations: dict[str, str] = field(default_factory=dict)
    footnotes: dict[str, Block] = field(default_factory=dict)


def take(paragraph: Block, into: Definitions) -> None:
    """Takes the definitions out of a paragraph; if nothing is left of it, it is empty."""
    if not paragraph.lines or not paragraph.lines[0].startswith("["):
        return
    text = "\n".join(paragraph.lines)
    at = row = 0
    while text.startswith("[", at):
        found = _DEFINITION.match(text, at)
        if found is None or not found[1].strip(" \t\n"):
            break
        written = targets.target(text, found.end())
        if written is None:
            break
        start, end, behind = written
        titled = _TITLED.match(text, behind)
        ended = titled or _END.match(text, behind)
        if ended is None:
            break
        name = label(found[1])
        if name not in into.targets:
            place = _place(paragraph.places, text, at, row, start)
            title = unescaped(titled[1][1:-1]) if titled else None
            into.targets[name] = (LinkTarget.of(unescaped(text[start:end]), place), title)
        row += text.count("\n", at, ended.end())
        at = ended.end()
    if not at:
        return
    used = row if at < len(text) or text.endswith("\n") else len(paragraph.lines)
    del paragraph.lines[:used], paragraph.places[:used]
    if not paragraph.lines:
        paragraph.kind = "empty"


def _place(places: list[Position], text: str, start: int, row: int, at: int) -> Position:
    """The place of text[at], where text[start] stands in line `row` of the paragraph."""
    row += text.count("\n", start, at)
    line, column = places[row]
    return line, column + at - (text.rfind("\n", 0, at) + 1)
