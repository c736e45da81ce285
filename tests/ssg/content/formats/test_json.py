"""JSON: as Python reads it where there is nothing odd, else the very place."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealpress.problems import Problem
from ssg.content.formats.json import parse

values: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(value=values, indent=st.sampled_from([None, 2]), is_ascii=st.booleans())
def test_what_json_writes_is_read_back(value: object, indent: int | None, is_ascii: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=is_ascii)
    assert parse(text, "x.json") == value


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "1:1", "a value is missing here"),
        ("{", "1:2", "a key is missing here"),
        ('{"a" 1}', "1:6", "a colon is missing before this"),
        ('{"a": 1\n "b": 2}', "2:2", "a comma is missing before this"),
        ("{'a': 1}", "1:2", "a key is missing here"),
        ('{"a": no}', "1:7", "a value is missing here"),
        ("[1] [2]\n", "1:5", "the value ends before this"),
        ('["a', "1:2", "this text has no closing quote"),
        ('["a\tb"]', "1:4", "a text has a line break or a tab in it"),
        ('["\\x"]', "1:3", "a backslash and this letter mean nothing"),
        ('{"a": {"b": 1,\n"b": 2}}', "2:1", 'the key "b" stands here twice'),
        ('{"a": 1, "\\u0061": 2}', "1:10", 'the key "a" stands here twice'),
        ('{"a": ["a", "a"], "b": {"a": 1}, "b": 2}', "1:34", 'the key "b" stands here twice'),
        ('["NaN",\r\n NaN]', "2:2", "NaN is no number"),
        ("[-Infinity]", "1:2", "-Infinity is no number"),
        ('["\\ud83d\\ude00", "\\ud83d"]', "1:18", "half a character"),
    ],
)
def test_a_fault_has_its_place(text: str, place: str, message: str) -> None:
    with pytest.raises(Problem) as caught:
        parse(text, "x.json")
    assert (str(caught.value.place), caught.value.hint is not None) == (f"x.json:{place}", True)
    assert message in caught.value.message


def test_whole_characters_in_two_escapes_are_text() -> None:
    assert parse('["\\ud83d\\ude00"]', "x.json") == ["\U0001f600"]


def test_a_number_without_end_is_refused() -> None:
    with pytest.raises(Problem, match="not valid JSON"):
        parse("1" * 5000, "x.json")
