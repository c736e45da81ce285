"""YAML without its surprises: few types, no cleverness, every value at its character."""

import datetime as dt
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealpress.config.document import Node
from sealpress.problems import Problem
from ssg.content.formats import yaml


def parse(text: str) -> Node:
    return yaml.parse(text, "f", first_line=2)


def value(text: str) -> object:
    node = parse(f"k: {text}").at("k")
    assert node
    return node.plain()


def problem(text: str) -> Problem:
    with pytest.raises(Problem) as caught:
        parse(text)
    return caught.value


@pytest.mark.parametrize("text", ["no", "No", "NO", "yes", "on", "off", "y", "n", "1:30", "190:20:30", "0o17", "0x1F"])
def test_what_yaml_1_1_would_turn_into_something_else_is_text(text: str) -> None:
    """Norway stays a country."""
    assert value(text) == text


@pytest.mark.parametrize(
    "text", ["1_000", "1e3", ".inf", ".nan", "nan", "9" * 19, "1.2.3", "-x", "+", "=", "2026-05", "12:30"]
)
def test_what_only_looks_like_a_number_is_text(text: str) -> None:
    assert value(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", 12),
        ("-12", -12),
        ("+3", 3),
        ("007", 7),
        ("1.5", 1.5),
        ("-1.5e3", -1500.0),
        ("true", True),
        ("False", False),
        ("", None),
        ("~", None),
        ("null", None),
        ('"12"', "12"),
        ("'true'", "true"),
        ('"2026-05-04"', "2026-05-04"),
        ("'~'", "~"),
        ("''", ""),
        ("2026-05-04 was a fine day", "2026-05-04 was a fine day"),
        ("2026-05-04-draft", "2026-05-04-draft"),
        ("[a, 1, [b]]", ("a", 1, ("b",))),
        ("{a: 1, b: {c: d}}", {"a": 1, "b": {"c": "d"}}),
        ("a # comment", "a"),
        ("a#b", "a#b"),
        ("|\n  two\n  lines", "two\nlines"),
        (">\n  two\n  lines", "two lines"),
        ("<<", "<<"),
    ],
)
def test_scalars(text: str, expected: object) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected) or isinstance(expected, dict)


LOCAL = dt.datetime(2026, 5, 4, 18, 30)  # noqa: DTZ001 - a time without a zone is what is meant


def zone(hours: int, minutes: int = 0) -> dt.timezone:
    return dt.timezone(dt.timedelta(hours=hours, minutes=minutes))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-04", dt.date(2026, 5, 4)),
        ("2026-5-4", dt.date(2026, 5, 4)),
        ("2026-05-04 18:30", LOCAL),
        ("2026-05-04T18:30:15", LOCAL.replace(second=15)),
        ("2026-05-04t18:30:15.123", LOCAL.replace(second=15)),
        ("2026-05-04T18:30Z", dt.datetime(2026, 5, 4, 18, 30, tzinfo=dt.UTC)),
        ("2026-05-04 18:30:00 +02:00", dt.datetime(2026, 5, 4, 18, 30, tzinfo=zone(2))),
        ("2026-05-04 18:30:00 +0200", dt.datetime(2026, 5, 4, 18, 30, tzinfo=zone(2))),
        ("2026-05-04 18:30-03:30", dt.datetime(2026, 5, 4, 18, 30, tzinfo=zone(-3, -30))),
        ("2026-05-04 18:30+5", dt.datetime(2026, 5, 4, 18, 30, tzinfo=zone(5))),
    ],
)
def test_dates_keep_their_zone_or_have_none(text: str, expected: dt.date) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "text",
    [
        "2026-13-01",
        "2026-02-30",
        "0000-01-01",
        "2026-05-04 25:00",
        "2026-05-04 18:60",
        "2026-05-04 18",
        "2026-05-04T1:2:3",
        "2026-05-04 18:30 +24:00",
        "2026-05-04 18:30 CET",
        "2026-05-04 18:30:00 +02:00 x",
    ],
)
def test_what_is_nearly_a_date_is_a_problem_at_its_place(text: str) -> None:
    found = problem(f"title: x\ndate: {text}")
    assert found.message.startswith(f'"{text}" is not a date')
    assert str(found.place) == "f:3:7"
    assert "write 2026-05-04" in (found.hint or "")


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a: &x b", "f:2:4", "anchors and aliases are not allowed here"),
        ("a: *x", "f:2:4", "anchors and aliases are not allowed here"),
        ("a:\n  &x b: c", "f:3:3", "anchors and aliases are not allowed here"),
        ("a: !!python/object:os.system x", "f:2:4", 'the tag "!!python/object:os.system" is not'),
        ("a: !!binary eA==", "f:2:4", 'the tag "!!binary" is not'),
        ("a: !x [b]", "f:2:4", 'the tag "!x" is not allowed here'),
        ("!!map {a: b}", "f:2:1", "the tag"),
        ("a: 1\nb: 2\na: 3", "f:4:1", 'the key "a" stands here twice'),
        ("a: {b: 1, b: 2}", "f:2:11", 'the key "b" stands here twice'),
        ("? [a]\n: b", "f:2:3", "a key must be plain text"),
        ("a: @b", "f:2:4", "not valid YAML: no text can begin like this"),
        ("a: b: c", "f:2:5", 'not valid YAML: a second ": " stands in this line'),
        ("a: 'b", "f:2:4", "not valid YAML: this ' has no closing '"),
        ('a: "b\nc: d\n\n', "f:2:4", 'not valid YAML: this " has no closing "'),
        ("a: [b, c\n", "f:2:4", "not valid YAML: this [ has no closing ]"),
        ('a: "\\q"', "f:2:5", "not valid YAML: a backslash and this letter mean nothing"),
        ("a: \x07b", "f:2:4", "the character U+0007 can't stand here"),
        ("a: \ufeffb", "f:2:4", "the character U+FEFF can't stand here"),
        ("a: b\n---\nc: d", "f:3:1", "not valid YAML: a second document begins here"),
        ("a: 1\n b: 2", "f:3:3", "not valid YAML: this line is indented further than the one above"),
        ("a:\n   b: 1\n  c: 2", "f:4:3", "not valid YAML: this line is indented unlike those above"),
        (" a: 1\nb: 2", "f:3:1", "not valid YAML: this line is indented less than the first one"),
        ("a: 'it's'", "f:2:8", "not valid YAML: text stands behind the closing quote"),
        ("a: - b", "f:2:4", "not valid YAML: a list can't begin here"),
        ("a: *x*", "f:2:6", "not valid YAML: no text can begin like this"),
        ("- a\nb: c", "f:3:1", "not valid YAML: no item of the list above"),
        ("a: [b c d, e: f", "f:2:4", "not valid YAML: this [ has no closing ]"),
    ],
)
def test_every_fault_has_its_place(text: str, place: str, message: str) -> None:
    found = problem(text)
    assert (str(found.place), found.message[: len(message)]) == (place, message)


TAB = "a tab stands where spaces belong"
NO_BREAK = "the character U+00A0, no-break space, stands where a space belongs"


@pytest.mark.parametrize(
    ("text", "place", "length", "said"),
    [
        ("a:\n\tb: c", "f:3:1", 1, TAB),
        ("a:\r\n\t\tb: c\r\n", "f:3:1", 2, TAB),
        ("\ta: b", "f:2:1", 1, TAB),
        ("a: b\n\tc: d", "f:3:1", 1, TAB),
        ("a:\n \tb: c", "f:3:2", 1, TAB),
        ("a:\n  - b\n\t- c", "f:4:1", 1, TAB),
        ("a:\n  -\tb: 1\n    c: 2", "f:3:4", 1, TAB),
        ("a: b\n\t\nc: d", "f:3:1", 1, TAB),
        ("a: |\n\tb", "f:3:1", 1, TAB),
        ("a:\n\u00a0\u00a0b: c", "f:3:1", 2, NO_BREAK),
        ("a:\n  b: 1\n\u00a0\u00a0c: 2", "f:4:1", 2, NO_BREAK),
        ("a:\n\u00a0 - b", "f:3:1", 1, NO_BREAK),
        ("a:\n  -\u00a0b", "f:3:4", 1, NO_BREAK),
        ("a:\u00a0b", "f:2:3", 1, NO_BREAK),
        ("a:\u00a0b\nc: d", "f:2:3", 1, NO_BREAK),
        ("a:\n  b:\u00a0c", "f:3:5", 1, NO_BREAK),
        ("a:\n\u3000b: c", "f:3:1", 1, "the character U+3000, ideographic space, stands where a space belongs"),
    ],
)
def test_a_blank_that_is_no_space_is_named(text: str, place: str, length: int, said: str) -> None:
    found = problem(text)
    assert found.place
    assert (str(found.place), found.place.length, found.message) == (place, length, f"not valid YAML: {said}")
    assert "spaces" in (found.hint or "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("k:\tb\t# c", "b"),
        ("k: [b,\n\tc]", ("b", "c")),
        ("k: |\n  b\tc", "b\tc"),
        ("k: Voici\u00a0: un", None),
        ("k: Note:\u00a0b", "Note:\u00a0b"),
        ("k: a\u00a0b", "a\u00a0b"),
        ('"k": "\u00a0b"', "\u00a0b"),
        ("k: !!str 12", "12"),
        ("k: !!timestamp 2026-05-04", dt.date(2026, 5, 4)),
        ("k: !!timestamp '2026-05-04 18:30'", LOCAL),
    ],
)
def test_other_blanks_and_tags_of_plain_types_are_none_of_a_fault(text: str, expected: object) -> None:
    if expected is None:
        assert problem(text).message == 'not valid YAML: a second ": " stands in this line'
    else:
        found = parse(text).at("k")
        assert found
        assert found.plain() == expected


def test_a_billion_laughs_are_refused_at_once() -> None:
    lines = ["a0: &a0 [lol]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))]
    started = time.monotonic()
    assert str(problem("\n".join(lines)).place) == "f:2:5"
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000, "a: " + "[" * 21 + "]" * 21])
def test_deep_nesting_is_refused_at_once(text: str) -> None:
    started = time.monotonic()
    assert problem(text).message == "nested too deeply"
    assert time.monotonic() - started < 2


def test_twenty_levels_are_enough_for_anyone() -> None:
    assert value("[" * 19 + "]" * 19) is not None


def test_an_empty_document_is_an_empty_table() -> None:
    for text in ("", "\n\n", "# only a comment"):
        assert parse(text).value == {}


def walk(node: Node) -> Iterator[Node]:
    yield node
    match node.value:
        case dict() as table:
            for child in table.values():
                yield from walk(child)
        case tuple() as items:
            for child in items:
                yield from walk(child)


def check_place(text: str, node: Node) -> None:
    for place in (node.place, node.key):
        if place:
            assert place.line is not None
            assert place.column is not None
            lines = text.split("\n")
            assert 2 <= place.line < 2 + len(lines)
            assert place.text == lines[place.line - 2].rstrip("\r")
            assert 1 <= place.column <= len(place.text) + 1


# Texts that look like YAML go deeper into it than any text does.
WORDS_OF_YAML = [
    "a",
    "key",
    "---",
    "...",
    "\\",
    "é",
    "😀",
    "\u2028",
    "\x85",
    "\ufeff",
    "\x00",
    "2026-05-04",
    "12",
    "~",
    "<<",
]
MARKS_OF_YAML = [": ", "- ", "? ", ", ", "\n", "\n  ", "\t", "\r\n", "\r", *"[]{}\"'#|>&*!%@`"]
LIKELY = st.lists(st.sampled_from([*WORDS_OF_YAML, *MARKS_OF_YAML]), max_size=20).map("".join)


@given(st.one_of(LIKELY, st.text(st.characters(exclude_categories=["Cs"]))))
def test_any_text_is_a_node_or_a_problem_and_every_place_is_in_the_text(text: str) -> None:
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # as ssg.content.front_matter does
    try:
        nodes = list(walk(parse(text)))
    except Problem as problem:
        nodes = [Node(None, problem.place)] if problem.place else []
        assert nodes
    for node in nodes:
        check_place(text, node)


# Words that YAML reads as text, as an author would write them.
WORDS = st.text(st.sampled_from("abcé日😀xyz "), min_size=1).map(str.strip).filter(bool)


@given(
    st.dictionaries(WORDS, st.one_of(WORDS, st.lists(WORDS, min_size=1)), min_size=1),
    st.sampled_from(["", "# é\u2028\n", "# \x85\n"]),
)
def test_places_point_at_the_very_words(data: dict[str, str | list[str]], above: str) -> None:
    """Also behind characters that YAML takes for line breaks and editors don't."""
    lines = []
    for key, words in data.items():
        lines.append(f"{key}: {words}" if isinstance(words, str) else f"{key}: [{', '.join(words)}]")
    text = above + "\n".join(lines)
    found = parse(text)
    for key, words in data.items():
        node = found.at(key)
        assert node
        assert node.key
        assert covered(text, Node(None, node.key)) == key
        leaves = [node] if isinstance(words, str) else list(walk(node))[1:]
        assert [covered(text, leaf) for leaf in leaves] == ([words] if isinstance(words, str) else words)


def covered(text: str, node: Node) -> str:
    assert node.place.line
    assert node.place.column
    line = text.split("\n")[node.place.line - 2]
    return line[node.place.column - 1 : node.place.column - 1 + node.place.length]
