"""What old habits of Markdown mean to CommonMark: text that is read in another way than it may have been meant."""

import re
from typing import Final

from ssg.markup.text.block import Block
from ssg.markup.text.positions import MarkdownSource

_FENCE: Final = re.compile(r"[ \t]*(?:```|~~~)")


def look(blocks: list[Block], source: MarkdownSource, *, in_item: bool) -> None:
    """Warns of what stands in one container. `in_item`: it is a list's item."""
    for number, block in enumerate(blocks):
        before = blocks[number - 1] if number else None
        if block.kind == "html":
            _fence_in_html(block, source)
        elif block.kind == "code" and in_item:
            _deep_code(block, source)
        elif block.kind == "code" and before is not None and before.kind == "html":
            behind = blocks[number + 1] if number + 1 < len(blocks) else None
            if behind is not None and behind.kind == "html" and behind.lines[0].lstrip().startswith("</"):
                source.warn(
                    "this is code: the HTML above ended at the blank line",
                    'take the blank line or the indentation out, or write [markdown] dialect = "python-markdown"',
                    _place(block),
                )
        if before is not None and before.kind == "list":
            _left_list(block, before, source)


def _fence_in_html(block: Block, source: MarkdownSource) -> None:
    if block.sign:
        return
    for line, place in zip(block.lines[1:], block.places[1:], strict=True):
        if _FENCE.match(line):
            source.warn(
                "this fence is shown as it is: it stands in HTML",
                "write a blank line above it and one below its end",
                place,
                len(line.strip()),
            )
            return


def _deep_code(block: Block, source: MarkdownSource) -> None:
    """Code by eight blanks, below an item whose text begins with the second or third column."""
    blanks = min((len(line) - len(line.lstrip(" ")) for line in block.lines if line.strip()), default=0)
    if blanks:
        source.warn(
            f"each line of this code begins with {blanks} {'blank' if blanks == 1 else 'blanks'}",
            "indent code by four columns more than the text of its item, or write a fence",
            _place(block),
        )


def _left_list(block: Block, before: Block, source: MarkdownSource) -> None:
    """What is indented below a list, but less than the text of its last item."""
    line, column = _place(block)
    if line <= before.end + 1 or column <= before.column or block.kind in {"empty", "footnote", "html"}:
        return
    needed = before.children[-1].indent
    source.warn(
        "this no longer belongs to the list above",
        f"indent it by {needed} columns, as the text of its last item is; or begin it where the list begins",
        (line, column),
    )


def _place(block: Block) -> tuple[int, int]:
    # A heading's text stands behind its sign, a fence's and a table's below the first line.
    return block.places[0] if block.places and block.kind in {"paragraph", "code"} else (block.line, block.column)
