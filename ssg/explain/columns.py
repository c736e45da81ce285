"""Text in two columns below a title: how `ssg why` and `ssg build --profile` show what they know."""

import textwrap
from collections.abc import Sequence
from typing import Final

TextRow = tuple[str, str]

WIDTH: Final = 100  # columns, where no terminal says otherwise
_LEFT: Final = 54  # columns that the left half may take; a longer one has a line of its own
_RIGHT: Final = 30  # columns that the right half has at least


def section(title: str, rows: Sequence[TextRow], width: int = WIDTH) -> list[str]:
    """A blank line, the title, and the rows with their right halves aligned and wrapped.

    Rows without a left half begin on the left. Empty rows count for nothing.
    """
    column = max((len(left) for left, _ in rows if len(left) <= _LEFT), default=0)
    lines = ["", title]
    for left, right in rows:
        if not left and not right:
            continue
        start = f"  {left.ljust(column)}  " if left else "  "
        if len(left) > _LEFT:
            lines.append(f"  {left}")
            start = " " * (column + 4)
        wrapped = textwrap.wrap(
            right,
            max(width, len(start) + _RIGHT),
            initial_indent=start,
            subsequent_indent=" " * len(start),
            break_on_hyphens=False,
        )
        lines += wrapped or ([start.rstrip()] if len(left) <= _LEFT else [])
    return lines
