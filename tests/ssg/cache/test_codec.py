"""Records come back as they were, and a format with other fields has another number."""

import datetime as dt
import json
import marshal
from collections.abc import Mapping
from dataclasses import dataclass, field, make_dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssg.build.convert import decoded, encoded
from ssg.cache.codec import Codec, at, number
from ssg.cache.last_build import KeptOutput, LastBuild
from ssg.cache.table import Table
from ssg.markup.text.converted import Argument, Converted, Fault, Heading, Slot


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Inner:
    only: str


@dataclass(frozen=True, slots=True)
class Outer:
    text: str
    data: bytes
    flag: bool | None
    colour: Colour
    side: Literal["left", "right"]
    when: dt.datetime | dt.date | None
    ids: frozenset[str]
    inner: Inner
    many: tuple[Inner, ...]
    maybe: Inner | None
    pairs: tuple[tuple[str, int], ...]
    free: Mapping[str, object]
    kept: dict[str, int] = field(default_factory=dict)
    made: int = field(default=0, init=False)


INNER = st.builds(Inner, st.text(max_size=4))
OUTER = st.builds(
    Outer,
    when=st.none() | st.dates() | st.datetimes(),
    ids=st.frozensets(st.text(max_size=4), max_size=4),
    many=st.lists(INNER, max_size=3).map(tuple),
    maybe=st.none() | INNER,
    free=st.dictionaries(st.text(max_size=4), st.integers() | st.dates() | st.text(max_size=4), max_size=3),
)


@given(record=OUTER)
def test_every_record_comes_back(record: Outer) -> None:
    codec = Codec(Outer)
    plain = marshal.loads(marshal.dumps(codec.pack(record)))
    assert codec.unpack(plain) == record
    assert codec.at("text")(plain) == record.text
    assert codec.at("data", "flag")(plain) == (record.data, record.flag)


@given(record=OUTER)
def test_what_is_left_out_is_given_by_who_unpacks(record: Outer) -> None:
    codec = Codec(Outer, besides=("flag", "many"))
    assert codec.unpack(codec.pack(record), flag=record.flag, many=record.many) == record


TEXTS = st.text(max_size=8)
LINES = st.integers(0, 99)
GIVEN = st.lists(st.builds(Argument, TEXTS, TEXTS), max_size=2).map(tuple)
SLOTS = st.lists(st.builds(Slot, TEXTS, TEXTS, LINES, LINES, LINES, GIVEN), max_size=3).map(tuple)
FAULTS = st.lists(st.builds(Fault, TEXTS, TEXTS, LINES, LINES, LINES), max_size=3).map(tuple)
BODIES = st.builds(
    Converted,
    html=TEXTS,
    slots=SLOTS,
    externals=SLOTS,
    headings=st.lists(st.builds(Heading, LINES, TEXTS, TEXTS, TEXTS), max_size=3).map(tuple),
    ids=st.frozensets(TEXTS, max_size=3),
    faults=FAULTS,
    warnings=FAULTS,
)


@given(body=BODIES)
def test_a_body_comes_back(body: Converted) -> None:
    found = decoded(encoded(body))
    assert found == body
    assert repr(found.slots) == repr(body.slots)
    assert json.loads(encoded(body).partition(b"\n")[0])


def test_a_build_comes_back() -> None:
    build = LastBuild(
        world="w",
        rows="r",
        sources={"x": ((1, 2, 3, 4), "0"), "y": (None, "1")},
        pages=Table({"x": ("a", ("b", 1))}),
        outputs={"x": tuple(KeptOutput("page", "x", "x", ("because", ("title", "x"))))},
        count=7,
    )
    codec = Codec(LastBuild)
    assert codec.unpack(marshal.loads(marshal.dumps(codec.pack(build)))) == build


FIELDS: list[tuple[str, Any]] = [("a", str), ("b", int)]


@pytest.mark.parametrize(
    "fields",
    [
        [*FIELDS, ("c", str)],
        FIELDS[:1],
        [("a", str), ("c", int)],
        FIELDS[::-1],
        [("a", str), ("b", int | None)],
        [("a", bytes), ("b", int)],
    ],
    ids=["added", "gone", "renamed", "in another order", "optional", "of another type"],
)
@pytest.mark.parametrize(
    "held",
    [
        lambda record: record,
        lambda record: make_dataclass("Holder", [("one", record)]),
        lambda record: make_dataclass("Holder", [("many", tuple[record, ...])]),
        lambda record: make_dataclass("Holder", [("known", dict[str, Annotated[Any, record]])]),
        lambda record: NamedTuple("Holder", [("maybe", record | None)]),
    ],
    ids=["itself", "in a record", "in a tuple", "kept plain", "in a named tuple"],
)
def test_other_fields_are_another_format(held: Any, fields: list[tuple[str, Any]]) -> None:
    before, after = (number(1, held(make_dataclass("Record", found))) for found in (FIELDS, fields))
    assert before != after
    assert before == number(1, held(make_dataclass("Record", FIELDS)))


def test_another_meaning_and_another_choice_are_another_format() -> None:
    more = StrEnum("Colour", ["RED", "BLUE", "GREEN"])
    fewer = StrEnum("Colour", ["RED", "BLUE"])
    assert number(1, Inner) != number(2, Inner)
    assert number(1, make_dataclass("Record", [("a", more)])) != number(1, make_dataclass("Record", [("a", fewer)]))


def test_what_no_codec_knows_is_told_at_once() -> None:
    with pytest.raises(TypeError, match="no codec knows"):
        Codec(make_dataclass("Record", [("a", set[str])]))
    with pytest.raises(ValueError, match="is not in list"):
        at(KeptOutput, "colour")
