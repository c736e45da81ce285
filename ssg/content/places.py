"""Where something stands in a page's source: the file is read once more, since only a Problem needs to know."""

from collections.abc import Sequence
from pathlib import Path

from sealpress.config.document import Node
from sealpress.files import given
from sealpress.problems import Place, Problem
from ssg.content.front_matter import read
from ssg.content.model import Page
from ssg.markup.text.converted import Fault, Slot


def front_matter(root: Path, source: str, *path: str | int) -> Node | None:
    """What is at a path of keys; None where nothing is, or it can't be read any more."""
    try:
        return read(given.read(root / source, given.TEXT), source).node.at(*path)
    except (OSError, Problem):
        return None


def in_front_matter(root: Path, source: str, *path: str | int) -> Place:
    """The value at a path of keys; the file alone where that isn't there."""
    node = front_matter(root, source, *path)
    return node.place if node else Place(source)


def lines_of(root: Path, page: Page) -> list[str]:
    """The lines of a page's Markdown; none where it can't be read any more."""
    try:
        return read(given.read(root / page.source, given.TEXT), page.source).body.split("\n")
    except (OSError, Problem):
        return []


def in_body(page: Page, lines: Sequence[str], at: Fault | Slot) -> Place:
    """A place in a page's Markdown, whose `lines` are these."""
    text = lines[at.line - 1] if 0 < at.line <= len(lines) else None
    return Place(page.source, page.body_line + at.line - 1, at.column, text, at.length)
