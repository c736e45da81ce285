"""YAML with places, and without YAML's surprises.

PyYAML composes nodes that know their line and column; types are resolved here, by the core schema of YAML 1.2
less its rarities: `no`, `1:30` and `0o7` stay text, and dates are read as in TOML. Anchors, aliases and
tags have no business in front matter and are refused (an alias can make a small file a huge one), but for `!!str` and
`!!timestamp`, which other programs write.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, Final

import yaml

from sealpress.config.document import Node, Scalar
from sealpress.problems import Place, Problem
from ssg.content.formats import dates, yaml_faults

# The C loader is nine times as fast; it is in every wheel, but not in every build from source.
_Loader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

DEPTH: Final = 20

_STANDARD: Final = "tag:yaml.org,2002:"
_TEXT: Final = f"{_STANDARD}str"
_TIMESTAMP: Final = f"{_STANDARD}timestamp"


def parse(text: str, file: str, *, first_line: int) -> Node:
    """The document as a table of Nodes. `first_line` is where `text` begins in the file.

    Raises Problem (exit 3) at the place of a fault.
    """
    reader = _YamlReader(text, file, first_line)
    if forbidden := _FORBIDDEN.search(text):
        raise Problem(
            f"the character U+{ord(forbidden[0]):04X} can't stand here",
            place=reader.place(forbidden.start()),
            hint="take it out: it is invisible and has no meaning in a text",
        )
    try:
        # All events before the first node, so that what isn't YAML is said before what only makes no sense.
        events = [event for event in iter(_Loader(text).get_event, None) if reader.takes(event)]
        if reader.documents > 1:
            yaml.compose(text, Loader=_Loader)  # which says so
    except yaml.MarkedYAMLError as error:
        raise yaml_faults.of(text, error, reader.place) from None
    except yaml.YAMLError as error:
        raise Problem(f"not valid YAML: {error}".split("\n")[0], place=Place(file, first_line)) from None
    return reader.node(iter(events)) if events else Node({}, reader.place(0))


# Source: YAML 1.1, section 5.1, c-printable, less a byte order mark.
# Three sets: one of all takes re six times as long to compile.
_FORBIDDEN: Final = re.compile("[\0-\x08\v\f\x0e-\x1f\x7f-\x84\x86-\x9f]|[\ud800-\udfff]|[\ufeff\ufffe\uffff]")


class _YamlReader:
    """Turns PyYAML's events into Nodes, and its marks into places. Of a mark only the index counts: YAML has line
    breaks (U+0085, U+2028) that an editor does not count.
    """

    def __init__(self, text: str, file: str, first_line: int) -> None:
        self.text = text
        self.file = file
        self.first_line = first_line
        self.lines = text.split("\n")
        self.starts = [0, *accumulate(len(line) + 1 for line in self.lines)]
        self.end = len(text.rstrip())
        self.depth = 0
        self.documents = 0

    def place(self, index: int, length: int = 1) -> Place:
        at = min(index, self.end)  # not on a line below the last one
        line = bisect_right(self.starts, at) - 1
        return Place(
            self.file, self.first_line + line, at - self.starts[line] + 1, self.lines[line].rstrip("\r"), length
        )

    def takes(self, event: Any) -> bool:
        """Whether an event is about a node. Raises Problem for what is not allowed."""
        kind = type(event)
        if kind is yaml.AliasEvent or getattr(event, "anchor", None):
            raise Problem(
                "anchors and aliases are not allowed here",
                place=self.place(event.start_mark.index),
                hint="put a text with & or * between quotes",
            )
        if kind is yaml.ScalarEvent or kind is yaml.SequenceStartEvent or kind is yaml.MappingStartEvent:
            if event.tag and not (kind is yaml.ScalarEvent and event.tag in {_TEXT, _TIMESTAMP}):
                raise Problem(
                    f'the tag "{event.tag.replace(_STANDARD, "!!")}" is not allowed here',
                    place=self.place(event.start_mark.index),
                    hint="leave it out; put a text with ! between quotes",
                )
            if kind is not yaml.ScalarEvent:
                self.depth += 1
            # Counted here, where the parser has not yet gone deeper: libyaml takes half a minute for 100,000 brackets.
            if self.depth > DEPTH:
                raise Problem("nested too deeply", place=self.place(event.start_mark.index))
            return True
        if kind is yaml.SequenceEndEvent or kind is yaml.MappingEndEvent:
            self.depth -= 1
            return True
        self.documents += kind is yaml.DocumentStartEvent
        return False

    def node(self, events: Iterator[Any], key: Place | None = None) -> Node:
        """The node that the next events make."""
        return self._node(next(events), events, key)

    def _node(self, event: Any, events: Iterator[Any], key: Place | None = None) -> Node:
        start = event.start_mark
        match event:
            case yaml.ScalarEvent():
                place = self._place_of(start, event.end_mark)
                return Node(self._scalar(event, place, key), place, key)
            case yaml.SequenceStartEvent():
                items: list[Node] = []
                while type(event := next(events)) is not yaml.SequenceEndEvent:
                    items.append(self._node(event, events))
                return Node(tuple(items), self._place_of(start, event.end_mark), key)
            case _:
                members: dict[str, Node] = {}
                while type(event := next(events)) is not yaml.MappingEndEvent:
                    named = self._node(event, events)
                    if type(event) is not yaml.ScalarEvent:
                        hint = "put a text with { or [ in it between quotes"
                        raise Problem("a key must be plain text", place=named.place, hint=hint)
                    if not event.style and event.value[:1].isspace():
                        self._refuse_blank(event.start_mark)
                    if event.value in members:
                        message = f'the key "{event.value}" stands here twice'
                        raise Problem(message, place=named.place, hint="keep one of the two")
                    members[event.value] = self.node(events, named.place)
                return Node(members, self._place_of(start, event.end_mark), key)

    def _place_of(self, start: Any, end: Any) -> Place:
        return self.place(start.index, max(1, end.column - start.column) if start.line == end.line else 1)

    def _refuse_blank(self, mark: Any) -> None:
        """Raises Problem for a blank that only looks like a space, where it makes one word of a key and its value."""
        if found := yaml_faults.blank(self.text, mark.index):
            raise Problem(f"not valid YAML: {found[2]}", place=self.place(*found[:2]), hint=yaml_faults.SPACES)

    def _scalar(self, scalar: yaml.ScalarEvent, place: Place, key: Place | None) -> Scalar:
        text: str = scalar.value
        if scalar.tag == _TIMESTAMP:
            return dates.read(text, place)
        if (
            scalar.style or scalar.tag
        ):  # quoted, or a block: text as it is (PyYAML's C loader gives "" for plain, the other None)
            return text
        if text in {"", "~", "null", "Null", "NULL"}:
            return None
        if text in {"true", "True", "TRUE", "false", "False", "FALSE"}:
            return text.lower() == "true"
        if not text.isascii() and (key is None or key.line != place.line):
            self._refuse_blank(scalar.start_mark)
        if text[0] not in "-+.0123456789":
            return text
        if re.fullmatch(r"[-+]?[0-9]{1,18}", text):
            return int(text)
        if re.fullmatch(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,3})?", text):
            return float(text)
        if re.match(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}($|[Tt ] *[0-9])", text):
            return dates.read(text, place)
        return text
