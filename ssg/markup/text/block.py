"""What a text is made of: blocks within blocks, each line with its place in the source."""

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final, Literal

from sealpress.frozen import frozen

Position = tuple[int, int]
"""A line and a column, both from 1, in the source as written."""

BlockKind = Literal[
    "document",
    "quote",
    "list",
    "item",
    "paragraph",
    "heading",
    "rule",
    "fence",
    "code",
    "html",
    "table",
    "empty",
    "footnote",
    "glossary",
    "term",
    "definition",
    "element",
    "admonition",
]

CONTAINERS: Final = frozenset(
    {"document", "quote", "list", "item", "footnote", "glossary", "definition", "element", "admonition"}
)
LITERAL: Final = frozenset({"fence", "code", "html"})
"""Blocks whose lines are taken as they are."""


@dataclass(slots=True, eq=False)
class Block:
    """A block. What the fields hold besides by kind:

    heading      level
    fence        sign (its character), level (how many), indent, word (the info string), word_place, is_closed
    list         sign ("-", "."), number (of its first item)
    item         indent: columns that its content is indented by; so footnote, definition and admonition
    html         sign: what ends it, a key of raw.ENDS; "" a blank line
    table        aligns, rows
    footnote     word (its name)
    admonition   sign ("!", "?", "+"), word (its classes), title
    element      word (its tag), title (the tag as written), level (how many of its name are open), is_closed
    empty        a paragraph of which definitions were taken, and nothing was left
    """

    kind: BlockKind
    line: int
    column: int
    end: int  # the last line of it
    children: list["Block"] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    places: list[Position] = field(default_factory=list)  # of each of the lines
    sign: str = ""
    word: str = ""
    word_place: Position = (1, 1)
    title: str | None = None
    level: int = 0
    indent: int = 0
    number: int | None = None
    is_tight: bool = False
    is_loose: bool = False  # of a definition: a blank line stands before it
    is_closed: bool = False
    aligns: list[str] = field(default_factory=list)
    rows: list[list["Cell"]] = field(default_factory=list)

    def take(self, text: str, place: Position) -> None:
        self.lines.append(text)
        self.places.append(place)


@frozen
class Cell:
    text: str
    place: Position


class Text(str):
    """Text whose inline markup is still to be parsed, with the place of each of its lines.

    `is_cell`: within code, an escaped | is a |.
    """

    __slots__ = ("_starts", "is_cell", "places")

    places: list[Position]
    is_cell: bool
    _starts: list[int]

    @classmethod
    def of(cls, text: str, places: list[Position], *, is_cell: bool = False) -> "Text":
        made = cls(text)
        made.places = places
        made.is_cell = is_cell
        made._starts = []
        return made

    def place(self, at: int) -> Position:
        """Where the character at `at` stands in the source."""
        if len(self.places) == 1:
            line, column = self.places[0]
            return line, column + at
        if not self._starts:
            self._starts = [0, *accumulate(len(line) + 1 for line in self.split("\n"))]
        row = min(bisect_right(self._starts, at), len(self.places)) - 1
        line, column = self.places[row]
        return line, column + at - self._starts[row]


class LinkTarget(str):
    """A link's target with its place in the source."""

    __slots__ = ("place",)

    place: Position

    @classmethod
    def of(cls, target: str, place: Position) -> "LinkTarget":
        made = cls(target)
        made.place = place
        return made
