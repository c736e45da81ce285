"""From Nodes into frozen records, every complaint at its character."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Literal

import pytest

from sealpress.config import toml
from sealpress.config.document import decode, text_of
from sealpress.problems import Exit, Problem


@dataclass(frozen=True, slots=True)
class Inner:
    name: str
    size: int = 1


@dataclass(frozen=True, slots=True)
class Record:
    title: str
    draft: bool = False
    ratio: float = 1.0
    count: int = 0
    tags: tuple[str, ...] = ()
    mode: Literal["fast", "slow"] = "fast"
    when: datetime | date | None = None
    inner: Inner | None = None
    rows: tuple[Inner, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    menus: Mapping[str, tuple[Inner, ...]] = field(default_factory=dict)
    free: Mapping[str, object] = field(default_factory=dict)


def read(text: str) -> Record:
    return decode(toml.parse(text, "f"), Record, "the record", Exit.LOCK)


def complaint(text: str) -> str:
    with pytest.raises(Problem) as caught:
        read(text)
    assert {problem.code for problem in caught.value.each} == {Exit.LOCK}
    return str(caught.value)


def test_a_record_is_filled_and_the_rest_is_default() -> None:
    record = read("""
        title = "x"
        draft = true
        ratio = 2
        tags = ["a", "b"]
        mode = "slow"
        when = 2026-05-04
        inner = {name = "i"}
        rows = [{name = "r", size = 2}]
        words = {a = "b"}
        free = {a = [1, {b = 2}]}
        [[menus.main]]
        name = "m"
    """)
    assert record == Record(
        "x",
        draft=True,
        ratio=2,
        tags=("a", "b"),
        mode="slow",
        when=date(2026, 5, 4),
        inner=Inner("i"),
        rows=(Inner("r", 2),),
        words={"a": "b"},
        menus={"main": (Inner("m"),)},
        free={"a": (1, {"b": 2})},
    )
    assert isinstance(record.free, MappingProxyType)


def test_a_time_is_kept_whole() -> None:
    assert read('title = "x"\nwhen = 2026-05-04T10:00:00').when == datetime(2026, 5, 4, 10)  # noqa: DTZ001 - local


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('titel = "x"\ntitle = "x"', 'f:1:1: unknown key "titel" in the record (did you mean "title"?)'),
        ('title = "x"\nzzz = 1', 'f:2:1: unknown key "zzz" in the record\n'),
        ("draft = true", 'f:1:1: the record needs the key "title", text'),
        ("title = 2026", "f:1:9: title in the record must be text, not the number 2026"),
        ("title = true", "f:1:9: title in the record must be text, not true"),
        ("title = 2026-05-04", "f:1:9: title in the record must be text, not a date"),
        ("title = 07:30:00", "f:1:9: title in the record must be text, not a time of day"),
        ("title = ['a']", "f:1:9: title in the record must be text, not a list"),
        ("title = {}", "f:1:9: title in the record must be text, not a table"),
        ('title = "x"\ndraft = "yes"', "f:2:9: draft in the record must be true or false, not text"),
        ('title = "x"\ndraft = 1', "f:2:9: draft in the record must be true or false, not the number 1"),
        ('title = "x"\ncount = true', "f:2:9: count in the record must be a whole number, not true"),
        ('title = "x"\ncount = 1.5', "f:2:9: count in the record must be a whole number, not the number 1.5"),
        ('title = "x"\nratio = "1"', "f:2:9: ratio in the record must be a number, not text"),
        ('title = "x"\ntags = "a"', "f:2:8: tags in the record must be a list, not text"),
        ('title = "x"\ntags = ["a", 2026]', "f:2:14: an item of tags in the record must be text, not the number 2026"),
        ('title = "x"\nmode = "fats"', 'f:2:8: mode in the record can\'t be "fats" (did you mean "fast"?)'),
        ('title = "x"\nmode = 1', 'f:2:8: mode in the record must be one of "fast", "slow", not the number 1'),
        ('title = "x"\nwhen = "soon"', "f:2:8: when in the record must be a date, not text"),
        ('title = "x"\ninner = 1', "f:2:9: inner in the record must be a table, not the number 1"),
        ('title = "x"\n[inner]\nsize = 1', 'f:2:1: inner in the record needs the key "name", text'),
        ('title = "x"\n[inner]\nname = 1', "f:3:8: name in inner in the record must be text, not the number 1"),
        ('title = "x"\n[inner]\nname = "x"\nsiz = 1', 'f:4:1: unknown key "siz" in inner in the record (did you mean'),
        ('title = "x"\n[[rows]]\nname = 1', "f:3:8: name in an item of rows in the record must be text"),
        ('title = "x"\n[words]\na = 1', "f:3:5: a in words in the record must be text, not the number 1"),
        ('title = "x"\nmenus.main = [{}]', "f:2:15: an item of main in menus in the record needs the key"),
    ],
)
def test_each_complaint_names_what_and_where(text: str, expected: str) -> None:
    assert complaint(text).startswith(expected)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("title = 2026", "put it between quotes"),
        ('title = "x"\ntags = "a"', "put it between [ and ]"),
        ('title = "x"\ncount = "3"', "write it without quotes"),
        ('title = "x"\ndraft = "True"', "write true, without quotes"),
        ('title = "x"\ndraft = "no"', "write false"),
        ('title = "x"\nmode = "fats"', 'possible: "fast", "slow"'),
        ('title = "x"\nzzz = 1', "known keys: title, draft, ratio, count"),
    ],
)
def test_a_complaint_says_what_to_write(text: str, hint: str) -> None:
    assert f"\nhint: {hint}" in complaint(text)


def test_all_complaints_come_together_in_the_order_of_the_file() -> None:
    with pytest.raises(Problem) as caught:
        read('count = "x"\ntitel = 1\ndraft = 3')
    lines = [str(problem.place) for problem in caught.value.each]
    assert lines == ["f:1:1", "f:1:9", "f:2:1", "f:3:9"]  # the missing title, then count, titel, draft


def test_a_node_is_found_by_its_path() -> None:
    node = toml.parse("a = [{b = 1}]", "f")
    found = node.at("a", 0, "b")
    assert found
    assert found.value == 1
    for path in [("a", 1), ("a", "b"), ("x",), (0,), ("a", 0, "b", "c")]:
        assert node.at(*path) is None


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"\xff", "f:1:1"),
        (b"one\ncaf\xe9 noir", "f:2:4"),
        ("é\n日本".encode() + b"\xe9", "f:2:3"),
        (b"\xef\xbb\xbfab\xff", "f:1:3"),
    ],
)
def test_a_byte_that_is_not_utf8_is_found_by_line_and_character(data: bytes, place: str) -> None:
    with pytest.raises(Problem, match="is not UTF-8") as caught:
        text_of(data, "f")
    assert str(caught.value.place) == place
    assert "\ufffd" in str(caught.value)


def test_a_byte_order_mark_is_no_text() -> None:
    assert text_of("\ufefftitle".encode(), "f") == "title"
