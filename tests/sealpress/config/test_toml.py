"""TOML with places: what tomllib says, and where in the text it says so."""

import datetime as dt
import time
import tomllib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealpress.config import toml
from sealpress.config.document import Node
from sealpress.problems import Exit, Problem

# Documents are generated as text with what each stands for left to tomllib, so every spelling of TOML can appear.
BARE = st.text("abzAZ09_-", min_size=1, max_size=4)
BASIC = st.text(st.sampled_from("ab #=[]{}.,'é日😀\t")).map(lambda text: f'"{text}"')
ESCAPED = st.lists(st.sampled_from([r"\"", r"\\", r"\n", r"\u00e9", "x", "#", "]"])).map(
    lambda parts: f'"{"".join(parts)}"'
)
LITERAL = st.text(st.sampled_from('ab #=[]{}.,"\\é日')).map(lambda text: f"'{text}'")
LONG = st.text(st.sampled_from("ab \n#=[]'\té")).flatmap(
    lambda text: st.sampled_from(["", '"', '""']).map(lambda end: f'"""{text}{end}"""')
)
LONG_LITERAL = st.text(st.sampled_from('ab \n#=[]"\\é')).flatmap(
    lambda text: st.sampled_from(["", "'", "''"]).map(lambda end: f"'''{text}{end}'''")
)
SCALARS = st.one_of(
    BASIC,
    ESCAPED,
    LITERAL,
    LONG,
    LONG_LITERAL,
    st.sampled_from(["1", "-17", "0x1F", "1_000", "1.5", "6.0e23", "inf", "nan", "true", "false"]),
    st.sampled_from(["1979-05-27", "07:32:00", "1979-05-27T07:32:00Z"]),
    st.sampled_from(["1979-05-27 07:32:00", "1979-05-27T07:32:00.5-07:00"]),
)
BLANK = st.sampled_from(["", " ", "\t ", "\n", " # [a] = \"'\n", "\n\n  "])
SPACE = st.sampled_from(["", " ", "\t"])
KEY_PART = st.one_of(BARE, BASIC, LITERAL, ESCAPED)


@st.composite
def keys(draw: st.DrawFn) -> str:
    parts = draw(st.lists(KEY_PART, min_size=1, max_size=3))
    return (draw(SPACE) + "." + draw(SPACE)).join(parts)


@st.composite
def pairs(draw: st.DrawFn) -> str:
    return f"{draw(keys())}{draw(SPACE)}={draw(SPACE)}{draw(values())}"


@st.composite
def arrays(draw: st.DrawFn) -> str:
    items = [draw(BLANK) + item + draw(BLANK) for item in draw(st.lists(values(), max_size=3))]
    comma = draw(st.sampled_from(["", ","])) if items else ""
    return f"[{','.join(items)}{comma}{draw(BLANK)}]"


@st.composite
def inline_tables(draw: st.DrawFn) -> str:
    return f"{{{draw(SPACE)}{', '.join(draw(st.lists(pairs(), max_size=2)))}{draw(SPACE)}}}"


def values() -> st.SearchStrategy[str]:
    return st.one_of(SCALARS, SCALARS, st.deferred(arrays), st.deferred(inline_tables))


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Mostly valid, since it is made line by line, and a line that makes it invalid is left out."""
    header = keys().map(lambda key: f"[{key}]") | keys().map(lambda key: f"[[{key}]]")
    lines: list[str] = []
    for line in draw(st.lists(st.one_of(pairs(), pairs(), header), max_size=8)):
        more = draw(SPACE) + line + draw(st.sampled_from(["", " ", " # ]]\"'"]))
        try:
            tomllib.loads("\n".join([*lines, more]))
        except tomllib.TOMLDecodeError:
            continue
        lines.append(more)
        lines += draw(st.sampled_from([[], [], [""], ["  # comment"]]))
    return "\n".join(lines) + draw(st.sampled_from(["", "\n"]))


def scalars(node: Node, name: str | None = None) -> Iterator[tuple[str | None, Node]]:
    """Every scalar, with its key where it is a member of a table."""
    match node.value:
        case dict() as table:
            for key, child in table.items():
                yield from scalars(child, key)
        case tuple() as items:
            for child in items:
                yield from scalars(child)
        case _:
            yield name, node


def text_at(text: str, node: Node) -> str:
    """The text that a node's place covers."""
    assert node.place.line is not None
    assert node.place.column is not None
    lines = text.split("\n")
    assert node.place.text == lines[node.place.line - 1].rstrip("\r")
    start = sum(len(line) + 1 for line in lines[: node.place.line - 1]) + node.place.column - 1
    return text[start : start + node.place.length]


def plain(node: Node) -> object:
    match node.value:
        case dict() as table:
            return {key: plain(child) for key, child in table.items()}
        case tuple() as items:
            return [plain(child) for child in items]
        case scalar:
            return scalar


@given(documents(), st.booleans())
def test_every_value_is_what_tomllib_says_and_stands_where_its_place_says(text: str, crlf: bool) -> None:
    text = text.replace("\n", "\r\n") if crlf else text
    node = toml.parse(text, "f")
    assert repr(plain(node)) == repr(tomllib.loads(text))
    for name, scalar in scalars(node):
        assert repr(tomllib.loads(f"k = {text_at(text, scalar)}")["k"]) == repr(scalar.value)
        if name is not None:
            assert scalar.key
            assert tomllib.loads(f"{text_at(text, Node('', scalar.key))} = 1") == {name: 1}


@given(st.text(st.sampled_from("ab=\"'[]{}.,#\\\n\r\té1-: ")))
def test_any_text_is_read_or_is_a_problem_with_a_place_in_it(text: str) -> None:
    place = None
    try:
        toml.parse(text, "f")
    except Problem as problem:
        place = problem.place
        assert place
    if place:
        line, column = place.line or 0, place.column or 0
        lines = text.split("\n")
        assert 1 <= line <= len(lines)
        assert 1 <= column <= len(lines[line - 1]) + 1


def test_places_in_every_kind_of_table() -> None:
    text = """\
top = 1
a.b."c d" = "x"
[table]
list = [1, [2, 3], {x = 4}]
[[posts]]
title = "one"
[[posts.tags]]
name = "p"
[[posts.tags]]
name = "q"
[posts.meta]
k = true
[[posts]]
title = '''
two'''
[[posts.tags]]
name = 1979-05-27
[outer.inner]
[outer]
[[rows.cells]]
"""
    node = toml.parse(text, "f")
    where = {
        ("top",): (1, 7),
        ("a", "b", "c d"): (2, 13),
        ("table", "list", 0): (4, 9),
        ("table", "list", 1, 1): (4, 16),
        ("table", "list", 2, "x"): (4, 25),
        ("posts", 0, "title"): (6, 9),
        ("posts", 0, "tags", 0, "name"): (8, 8),
        ("posts", 0, "tags", 1, "name"): (10, 8),
        ("posts", 0, "meta", "k"): (12, 5),
        ("posts", 1, "title"): (14, 9),
        ("posts", 1, "tags", 0, "name"): (17, 8),
        ("posts", 1): (13, 1),
        ("table",): (3, 1),
        ("outer",): (19, 1),
        ("rows",): (20, 1),
    }
    for path, expected in where.items():
        found = node.at(*path)
        assert found
        assert (found.place.line, found.place.column) == expected, path
    rows = node.at("rows")
    assert rows
    assert rows.key == rows.place
    key = node.at("a", "b", "c d")
    assert key
    assert key.key
    assert (key.key.line, key.key.column, key.key.length) == (2, 5, 5)
    dated = node.at("posts", 1, "tags", 0, "name")
    assert dated
    assert dated.value == dt.date(1979, 5, 27)


def test_lines_count_from_where_the_text_begins_in_its_file() -> None:
    """Front matter begins on line 2."""
    node = toml.parse('\ntitle = "x"', "f", first_line=2)
    title = node.at("title")
    assert title
    assert title.place.line == 3


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("a = x", "f:1:5", "not valid TOML: invalid value", "put text between quotes"),
        ("a = \n", "f:1:5", "not valid TOML: invalid value", "put text between quotes"),
        ("x = 1\ntitle: y", "f:2:6", "not valid TOML: expected '=' after a key in a key/value pair", 'key = "value"'),
        ("a = 1\na = 2\n", "f:2:", "not valid TOML: this key has a value already", "only once"),
        ("[a.'b c']\n[a.'b c']\n", "f:2:9", "not valid TOML: the table [a.b c] stands here a second time", "only once"),
        ("a = [1,\n\n\n", "f:1:8", "not valid TOML: invalid value at the end", "put text between quotes"),
        ('a = """x\ny\n\n', "f:2:2", "not valid TOML: unterminated string at the end", "closing quotes"),
        ('a = "x\r\nb = 1', "f:1:7", "not valid TOML: this text has no closing quote", 'write " where'),
        ('a = "\\q"', "f:1:8", "not valid TOML: unescaped '\\' in a string", "single quotes"),
        ("été = 1", "f:1:1", "not valid TOML: invalid statement", "is quoted"),
        ("a = 1 b = 2", "f:1:7", "not valid TOML: expected newline", "one key = value a line"),
    ],
)
def test_a_fault_of_grammar_has_its_place_and_the_fix(text: str, place: str, message: str, hint: str) -> None:
    with pytest.raises(Problem) as caught:
        toml.parse(text, "f", code=Exit.LOCK)
    assert str(caught.value.place).startswith(place)
    assert caught.value.message.startswith(message)
    assert hint in (caught.value.hint or "")
    assert caught.value.code is Exit.LOCK
    with pytest.raises(Problem) as again:
        toml.values(text, "f")
    assert (again.value.place, again.value.message) == (caught.value.place, caught.value.message)
    assert again.value.code is Exit.SITE


@pytest.mark.parametrize("text", ["a = " + "[" * 5000 + "]" * 5000, "a = " + "9" * 5000, "a" + ".a" * 5000 + " = 1"])
def test_what_would_break_the_parser_is_a_problem(text: str) -> None:
    with pytest.raises(Problem, match="not valid TOML"):
        toml.parse(text, "f")


@pytest.mark.parametrize(
    ("text", "column"),
    [
        (".".join(["a"] * 30_000) + " = 1", 102),
        (" . ".join(['"a.b"', "'c.d'"] * 15_000) + " = 1", 407),
        ("[" + ".".join(["a"] * 30_000) + "]", 103),
        ("[[" + ".".join(["a"] * 30_000) + "]]", 104),
        ("x = {" + ".".join(["a"] * 30_000) + " = 1}", 107),
        ("x = " + "[" * 200_000, 55),
        ("x = " + "{a=" * 100_000, 155),
    ],
)
def test_what_is_nested_too_deeply_is_refused_at_its_place_and_at_once(text, column):
    """Of keys with many parts, tomllib takes the square in time and memory."""
    started = time.monotonic()
    with pytest.raises(Problem, match="nested too deeply, with more than 50 ") as caught:
        toml.parse(text, "site.toml")
    assert (caught.value.place.line, caught.value.place.column) == (1, column)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "text", ['"""' + '\\"' * 100_000, '"' * 100_001, "'''" * 30_001, 'a = "' + '\\"' * 100_000, '"""\\']
)
def test_a_text_without_an_end_is_looked_through_once(text):
    started = time.monotonic()
    with pytest.raises(Problem, match="not valid TOML"):
        toml.parse(text, "site.toml")
    assert time.monotonic() - started < 5


def test_dots_and_brackets_in_texts_and_comments_are_no_levels():
    dots = "." * 100 + "[" * 100
    text = f'a = "{dots}" # {dots}\nb = \'{dots}\'\nc = """\n{dots}\\"\n"""\nd = \'\'\'{dots}\'\'\'\n"{dots}" = 1.5\n'
    assert toml.parse(text, "site.toml").at("a").value == dots
