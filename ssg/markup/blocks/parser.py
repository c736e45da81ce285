"""Text to blocks, line by line, as the specification's appendix has it: of each line, the open blocks that go on are
found, then those that begin, and what is left is text.

What may begin a block is in starts.py, by first character.
"""

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Final

from ssg.markup.blocks import definitions, raw_html, tables
from ssg.markup.blocks.definitions import Definitions
from ssg.markup.blocks.line import TAB, MarkdownLine
from ssg.markup.text.block import CONTAINERS, LITERAL, Block, BlockKind
from ssg.markup.text.characters import BLANKS

DEEPEST: Final = 150
"""How many blocks may stand in each other. No author needs as many, and each line would look at each of them."""

DONE: Final = -1
"""What a start gives where nothing of the line is left."""


_DEFINED: Final = re.compile(r"[ ]{0,3}:[ \t]")


class TooDeep(Exception):  # noqa: N818 - a signal, which becomes a fault
    """A block stands in more than DEEPEST others."""

    def __init__(self, line: int, column: int) -> None:
        super().__init__(line, column)
        self.place = (line, column)


class BlockParser:
    """Parses one text, of which `starts` tell what may begin a block. `html` False: tags are text.

    While a line is parsed, `stack` has the open blocks, the document first, and the first `depth` of them go on.
    """

    __slots__ = ("_lines", "_starts", "_was_blank", "definitions", "depth", "html", "line", "stack")
    depth: int

    def __init__(self, starts: "Starts", *, html: bool = True) -> None:
        self._starts = starts
        self.html = html
        self.definitions = Definitions()

    def parse(self, text: str) -> Block:
        """The document. Raises TooDeep."""
        document = Block("document", 1, 1, 1)
        self.stack = [document]
        self._was_blank = False
        self._lines = text.split("\n")
        if not self._lines[-1]:
            self._lines.pop()
        stack = self.stack
        beginnings = frozenset({*self._starts, *BLANKS})
        for number, written in enumerate(self._lines, 1):
            size = len(stack)
            if size > 2 or not self._is_simple(written, number, beginnings, stack[-1], size):
                self.line = MarkdownLine(written, number)
                self._read(self.line)
        self.cut(1)
        return document

    def _is_simple(self, written: str, number: int, beginnings: frozenset[str], tip: Block, size: int) -> bool:
        """Most lines of most texts, by a short way: blank ones, text and code that stand in nothing else."""
        kind = tip.kind
        if not written:
            if size == 2:
                if kind not in {"paragraph", "table"}:
                    return False
                self.close()
            self._was_blank = True
            return True
        if size == 1:
            if written[0] in beginnings:
                return False
            block = Block("paragraph", number, 1, number)
            block.take(written, (number, 1))
            tip.children.append(block)
            self.stack.append(block)
            self._was_blank = False
            return True
        if kind == "paragraph" and written[0] not in beginnings:
            tip.take(written, (number, 1))
        elif kind == "fence" and not tip.indent and tip.sign not in written:
            tip.lines.append(written)
        elif kind == "table" and written[0] == "|" and "\t" not in written:
            tip.rows.append(tables.cells(written.rstrip(" "), (number, 1)))
        else:
            return False
        tip.end = number
        return True

    # What starts.py uses.

    @property
    def tip(self) -> Block:
        return self.stack[-1]

    def in_paragraph(self) -> bool:
        """Whether the line may be more text of a paragraph."""
        return self.stack[-1].kind == "paragraph"

    def cut(self, size: int) -> None:
        """Closes all open blocks but the first `size`."""
        while len(self.stack) > size:
            self.close()

    def add(self, kind: BlockKind, at: int) -> Block:
        """Opens a block at a column of the line, in the last block that goes on and may hold it."""
        self.cut(self.depth)
        while not _holds(self.stack[-1].kind, kind):
            self.close()
        if len(self.stack) > DEEPEST:
            raise TooDeep(*self.line.place(at))
        line, column = self.line.place(at)
        block = Block(kind, line, column, line)
        self.stack[-1].children.append(block)
        self.stack.append(block)
        self.depth = len(self.stack)
        return block

    def close(self) -> None:
        block = self.stack.pop()
        if block.kind == "paragraph":
            definitions.take(block, self.definitions)
        elif block.kind == "code":
            while block.lines and not block.lines[-1].strip(" \t"):
                block.lines.pop()
        elif block.kind == "list":
            block.is_tight = _is_gapless(block.children) and all(_is_gapless(item.children) for item in block.children)
        elif block.kind == "definition":
            block.is_tight = not block.is_loose and _is_gapless(block.children)
        parent = self.stack[-1]
        parent.end = max(parent.end, block.end)

    # A line.

    def _read(self, line: MarkdownLine) -> None:
        at = line.next(0)
        if at == line.length:
            if self._was_blank and self.tip.kind not in LITERAL:
                return  # all that it could end has ended
            self._was_blank = True
        else:
            self._was_blank = False
        pos = self._go_on(line, at)
        if pos is None:
            return
        at = line.next(pos)
        text = line.text
        while at < line.length and (container := self.stack[self.depth - 1]).kind not in LITERAL:
            if at - pos >= TAB:
                if self.in_paragraph():
                    break
                pos += TAB
                self.add("code", pos)
                break
            for start in self._starts.get(text[at], ()):
                after = start(self, container, pos, at)
                if after is not None:
                    break
            else:
                break
            if after == DONE:
                return
            pos = after
            at = line.next(pos)
        self._add_text(line, pos, at)

    def _go_on(self, line: MarkdownLine, at: int) -> int | None:
        """Counts in `depth` the open blocks that go on, and gives the column behind what they took of the line; None
        where nothing is left of it.
        """
        text, length = line.text, line.length
        stack = self.stack
        pos = 0
        quote = 0
        number = 1
        while number < len(stack):
            block = stack[number]
            kind = block.kind
            if kind in {"item", "footnote", "definition", "admonition"}:
                if at == length:
                    if not block.children and kind in {"item", "footnote"}:
                        break
                    pos = length
                elif at - pos >= block.indent:
                    pos += block.indent
                else:
                    break
            elif kind == "quote":
                if at - pos >= TAB or at == length or text[at] != ">":
                    break
                pos = at + 2 if text[at + 1 : at + 2] == " " else at + 1
                at = line.next(pos)
                quote = number
            elif kind == "fence":
                if at - pos < TAB and at < length and _closes(block, text, at):
                    block.is_closed = True
                    block.end = line.number
                    self.cut(number)
                    return None
                pos = min(at, pos + block.indent)
            elif kind == "code":
                if at - pos >= TAB:
                    pos += TAB
                elif at == length:
                    pos = length
                else:
                    break
            elif kind == "element":
                if self._ends_element(line, number, at):
                    return None
            elif at == length and (kind in {"paragraph", "table"} or (kind == "html" and not block.sign)):
                break
            number += 1
        if quote and at == length:
            stack[quote].end = line.number
        self.depth = number
        return pos

    def _ends_element(self, line: MarkdownLine, number: int, at: int) -> bool:
        """Whether the end tag of an element with Markdown in it stands in the line; then that is closed."""
        block = self.stack[number]
        if any(inner.kind in {"fence", "element"} for inner in self.stack[number + 1 :]):
            return False
        if "<" not in line.text:
            return False
        for tag in re.finditer(rf"<(/?){re.escape(block.word)}(?=[\s/>])", line.text[at:], re.IGNORECASE):
            block.level += -1 if tag[1] else 1
            if not block.level:
                self._close_element(line, number, at, at + tag.start())
                return True
        return False

    def _close_element(self, line: MarkdownLine, number: int, at: int, end: int) -> None:
        block = self.stack[number]
        before = line.text[at:end].rstrip(" \t")
        if before:
            if not self.in_paragraph():
                self.depth = len(self.stack) if self.tip.kind == "element" else number + 1
                self.add("paragraph", at)
            self.tip.take(before, line.place(at))
            self.tip.end = line.number
        block.end = line.number
        block.is_closed = True
        self.cut(number)
        behind = line.text.find(">", end) + 1
        if behind and (start := line.next(behind)) < line.length:
            self.depth = number
            self.add("paragraph", start).take(line.rest(start), line.place(start))

    def _is_lazy(self) -> bool:
        """Whether text goes on that doesn't stand below the rest of it (5.1). Not in admonitions, which are told by
        nothing else, and not where it is the next term of a glossary.
        """
        kinds = {block.kind for block in self.stack[self.depth :]}
        if "admonition" in kinds:
            return False
        number = self.line.number
        return "definition" not in kinds or number == len(self._lines) or not _DEFINED.match(self._lines[number])

    def _add_text(self, line: MarkdownLine, pos: int, at: int) -> None:
        stack = self.stack
        tip = stack[-1]
        if tip.kind == "paragraph" and at < line.length and (self.depth == len(stack) or self._is_lazy()):
            tip.take(line.rest(at), line.place(at))
            tip.end = line.number
            return
        self.cut(self.depth)
        tip = stack[-1]
        if tip.kind in LITERAL:
            if tip.kind == "fence":
                tip.lines.append(line.rest(pos))
            elif not (tip.kind == "code" and at == line.length and not tip.lines):
                tip.take(line.rest(pos), line.place(pos))
            if at < line.length or tip.kind != "code":
                tip.end = line.number
            if tip.kind == "html" and raw_html.ends(line.text, pos, tip.sign):
                self.close()
        elif at == line.length:
            return
        elif tip.kind == "table":
            tip.rows.append(tables.cells(line.rest(at).rstrip(" \t"), line.place(at)))
            tip.end = line.number
        else:
            self.add("paragraph", at).take(line.rest(at), line.place(at))


Start = Callable[[BlockParser, Block, int, int], int | None]
Starts = Mapping[str, tuple[Start, ...]]


def _holds(kind: BlockKind, inner: BlockKind) -> bool:
    if kind == "list":
        return inner == "item"
    if kind == "glossary":
        return inner in {"term", "definition"}
    return kind in CONTAINERS


def _closes(fence: Block, text: str, at: int) -> bool:
    """Whether a line closes a fence (4.5): at least as many of its signs, and blanks."""
    if text[at] != fence.sign:
        return False
    rest = text[at:].rstrip(" \t")
    return len(rest) >= fence.level and not rest.strip(fence.sign)


def _is_gapless(blocks: list[Block]) -> bool:
    """Whether no blank line stands between blocks."""
    return all(second.line <= first.end + 1 for first, second in pairwise(blocks))
