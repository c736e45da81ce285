"""The head of a page: YAML between `---` lines or TOML between `+++` lines, then the Markdown."""

from dataclasses import dataclass

from sealpress import toml
from sealpress.document import Node, decode, text_of
from sealpress.problems import Place, Problem
from ssg.model import FrontMatter


@dataclass(frozen=True, slots=True)
class Document:
    """A page's file in its two halves. `body_line` is the line of the file on which `body` begins."""

    front_matter: FrontMatter
    node: Node
    body: str
    body_line: int


def read(data: bytes, source: str) -> Document:
    """Raises Problem or Problems (exit 3), each with its place in `source`."""
    text = _text(data, source)
    lines = text.split("\n")
    fence = lines[0].rstrip()
    if fence not in {"---", "+++"}:
        raise Problem(
            "the page has no front matter",
            place=Place(source, 1, 1, lines[0]),
            hint="begin the file with three lines: ---, title: …, ---",
        )
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == fence), None)
    if end is None:
        raise Problem(
            f"the front matter has no end: a second line {fence} is missing",
            place=Place(source, 1, 1, lines[0], len(fence)),
            hint=f"write {fence} on a line of its own between the front matter and the text",
        )
    head = "\n".join(lines[1:end])
    node = toml.parse(head, source, first_line=2) if fence == "+++" else _yaml(head, source)
    front_matter = decode(node, FrontMatter, "the front matter")
    if not front_matter.title.strip():
        title = node.at("title")
        hint = "every page has a title: it stands in lists, in the feed and in the browser's tab"
        raise Problem("title in the front matter is empty", place=title.place if title else None, hint=hint)
    return Document(front_matter, node, "\n".join(lines[end + 1 :]), end + 2)


def _yaml(head: str, source: str) -> Node:
    from ssg.reading import yaml  # noqa: PLC0415 - a site with TOML front matter need not load it

    node = yaml.parse(head, source, first_line=2)
    if not isinstance(node.value, dict):
        is_tight = isinstance(node.value, str) and ":" in node.value
        hint = "a space belongs behind the colon" if is_tight else "begin it with: title: …"
        raise Problem('the front matter must be lines like "title: …"', place=node.place, hint=hint)
    return Node({key: item for key, item in node.value.items() if item.value is not None}, node.place)


def _text(data: bytes, source: str) -> str:
    text = text_of(data, source).replace("\r\n", "\n").replace("\r", "\n")
    if (at := text.find("\0")) >= 0:
        start = text.rfind("\n", 0, at) + 1
        place = Place(source, text.count("\n", 0, at) + 1, at - start + 1, text[start:].partition("\n")[0])
        raise Problem("a NUL character stands here", place=place, hint="take it out: it belongs in no text")
    return text
