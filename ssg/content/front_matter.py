"""The head of a page: YAML between `---` lines or TOML between `+++` lines, then the Markdown."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from sealpress.config import toml
from sealpress.config.document import Node, decode_keys, keys_of, line_of, text_of
from sealpress.config.settings import TAGS
from sealpress.frozen import frozen
from sealpress.problems import Place, Problem, raise_all
from ssg.content import other_generators
from ssg.content.formats import dates
from ssg.content.model import FrontMatter

_END: Final = {fence: re.compile(rf"\n{re.escape(fence)}[^\S\n]*(?=\n|\Z)") for fence in ("---", "+++")}


@frozen
class SplitPage:
    """A page's file in its two halves: `head` stands between two lines `fence`, `body` begins on line `body_line`.

    The head is parsed when it is asked for: most builds know what it says from the last one. `taxonomies` are the keys
    that list terms.
    """

    source: str
    fence: str
    head: str
    body: str
    body_line: int
    taxonomies: tuple[str, ...] = (TAGS,)

    @property
    def node(self) -> Node:
        """The head's keys and values with their places. Raises Problem (exit 3)."""
        if self.fence == "+++":
            return toml.parse(self.head, self.source, first_line=2)
        return _yaml(self.head, self.source)

    @property
    def front_matter(self) -> FrontMatter:
        """Raises Problem or Problems (exit 3), each with its place in the source."""
        node, problems = _dated(self.node)
        try:
            front_matter = self._decoded(node, other_generators.KEYS)
        except Problem as problem:
            raise_all(sorted([*problems, *problem.each], key=line_of))
        raise_all(problems)
        if not front_matter.title.strip():
            title = node.at("title")
            hint = "every page has a title: it stands in lists, in the feed and in the browser's tab"
            raise Problem("title in the front matter is empty", place=title.place if title else None, hint=hint)
        return front_matter

    @property
    def provisional(self) -> FrontMatter:
        """What can be told of a head that has faults: those of its keys that have none."""
        nowhere = Node("?", Place(self.source))
        found = FrontMatter("?")
        try:
            keys = _dated(self.node)[0].value
        except Problem:
            return found
        for key, child in keys.items() if isinstance(keys, Mapping) else ():
            with suppress(Problem):
                one = self._decoded(Node({"title": nowhere, key: child}, nowhere.place))
                is_taxonomy = key in self.taxonomies
                more = {"terms": found.terms + one.terms} if is_taxonomy else {key: getattr(one, key)}
                found = replace(found, **more)
        return found

    def _decoded(self, node: Node, meant: Mapping[str, str] = MappingProxyType({})) -> FrontMatter:
        values = decode_keys(node, _known(self.taxonomies), "the front matter", meant=meant)
        terms = tuple((name, listed) for name in self.taxonomies if (listed := values.pop(name, ())))
        return FrontMatter(**values, terms=terms)


@cache
def _known(taxonomies: tuple[str, ...]) -> Mapping[str, tuple[Any, bool]]:
    """The keys of front matter: those of FrontMatter, with one for each taxonomy in the place of its terms."""
    known: dict[str, tuple[Any, bool]] = {}
    for key, wanted in keys_of(FrontMatter).items():
        known |= dict.fromkeys(taxonomies, (tuple[str, ...], False)) if key == "terms" else {key: wanted}
    return known


def read(data: bytes, source: str, taxonomies: tuple[str, ...] = (TAGS,)) -> SplitPage:
    """`taxonomies` are the keys of the head that list terms. Raises Problem (exit 3), with its place in `source`."""
    text = _text(data, source)
    first = text[: text.find("\n")] if "\n" in text else text
    fence = first.rstrip()
    if fence not in _END:
        hint = "begin the file with three lines: ---, title: …, ---"
        if text.lstrip().startswith(tuple(_END)):
            hint = f"the first line is {text.lstrip()[:3]}: take out what stands before it"
        elif re.match(r"\w+:\s", first):
            hint = "put a line --- above these keys, and one below them"
        raise Problem("the page has no front matter", place=Place(source, 1, 1, first), hint=hint)
    end = _END[fence].search(text, len(first))
    if end is None:
        raise Problem(
            f"the front matter has no end: a second line {fence} is missing",
            place=Place(source, 1, 1, first, len(fence)),
            hint=f"write {fence} on a line of its own between the front matter and the text",
        )
    head = text[len(first) + 1 : end.start()]
    return SplitPage(source, fence, head, text[end.end() + 1 :], text.count("\n", 0, end.start()) + 3, taxonomies)


def _yaml(head: str, source: str) -> Node:
    from ssg.content.formats import yaml  # noqa: PLC0415 - a site with TOML front matter need not load it

    node = yaml.parse(head, source, first_line=2)
    if not isinstance(node.value, dict):
        is_tight = isinstance(node.value, str) and ":" in node.value
        hint = "a space belongs behind the colon" if is_tight else "begin it with: title: …"
        if isinstance(node.value, str) and re.match(r"\w+\s*=", node.value):
            hint = "this is TOML, which stands between two lines +++"
        raise Problem('the front matter must be lines like "title: …"', place=node.place, hint=hint)
    return Node({key: item for key, item in node.value.items() if item.value is not None}, node.place)


DATES: Final = ("date", "updated")


def _dated(node: Node) -> tuple[Node, list[Problem]]:
    """The same with the dates read that stand there as text, or as a number of eight digits; without those that are
    none, which are told.
    """
    table = node.value
    assert isinstance(table, Mapping)  # noqa: S101 - both readers give one
    found, problems = dict(table), []
    for key in DATES:
        match table.get(key):
            case Node(str() | int() as written, place, name) if not isinstance(written, bool):
                try:
                    found[key] = Node(dates.read(str(written), place), place, name)
                except Problem as problem:
                    problems.append(problem)
                    del found[key]
    return Node(found, node.place, node.key), problems


def _text(data: bytes, source: str) -> str:
    text = text_of(data, source)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if (at := text.find("\0")) >= 0:
        start = text.rfind("\n", 0, at) + 1
        place = Place(source, text.count("\n", 0, at) + 1, at - start + 1, text[start:].partition("\n")[0])
        raise Problem("a NUL character stands here", place=place, hint="take it out: it belongs in no text")
    return text
