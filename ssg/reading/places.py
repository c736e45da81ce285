"""Where something stands in a page's source: the file is read once more, since only a Problem needs to know."""

from pathlib import Path

from sealpress import given
from sealpress.problems import Place, Problem
from ssg.model import Page
from ssg.reading.frontmatter import read


def in_front_matter(root: Path, source: str, *path: str | int) -> Place:
    """The value at a path of keys; the file alone where that isn't there."""
    try:
        node = read(given.read(root / source, given.TEXT), source).node.at(*path)
    except (OSError, Problem):
        node = None
    return node.place if node else Place(source)


def in_body(root: Path, page: Page, line: int, column: int, length: int) -> Place:
    """A place in a page's Markdown; `line` and `column` count from 1 within it."""
    try:
        lines = read(given.read(root / page.source, given.TEXT), page.source).body.split("\n")
    except (OSError, Problem):
        lines = []
    text = lines[line - 1] if 0 < line <= len(lines) else None
    return Place(page.source, page.body_line + line - 1, column, text, length)
