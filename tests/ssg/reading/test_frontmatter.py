"""The head of a page, in YAML or TOML, and where its body begins."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealpress.problems import Problem
from ssg.reading.frontmatter import read

YAML = "---\ntitle: A page\ndate: 2026-05-04\ntags: [one, two]\nparams:\n  colour: red\n---\n\nText.\n"
TOML = '+++\ntitle = "A page"\ndate = 2026-05-04\ntags = ["one", "two"]\n[params]\ncolour = "red"\n+++\n\nText.\n'


@pytest.mark.parametrize("text", [YAML, TOML])
def test_both_spellings_say_the_same(text: str) -> None:
    document = read(text.encode(), "f")
    front = document.front_matter
    assert (front.title, front.date, front.tags) == ("A page", dt.date(2026, 5, 4), ("one", "two"))
    assert front.params == {"colour": "red"}
    assert (document.body, document.body_line) == ("\nText.\n", 8)
    title = document.node.at("title")
    assert title
    assert (title.place.file, title.place.line) == ("f", 2)


@pytest.mark.parametrize("text", [YAML, TOML])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_file_from_any_editor_reads_the_same(text: str, ending: str, mark: str) -> None:
    assert read((mark + text.replace("\n", ending)).encode(), "f") == read(text.encode(), "f")


def test_a_body_is_kept_as_it_is() -> None:
    document = read(b"---\ntitle: x\n--- \n  indented\n---\nrule above\n\n\n", "f")
    assert document.body == "  indented\n---\nrule above\n\n\n"
    assert document.body_line == 4


def test_a_page_may_have_no_body() -> None:
    document = read(b"---\ntitle: x\n---", "f")
    assert (document.body, document.body_line) == ("", 4)


def test_a_key_without_value_is_as_if_it_were_not_there() -> None:
    front = read(b"---\ntitle: x\ndate:\ntags:\ndescription: ~\n---\n", "f").front_matter
    assert (front.date, front.tags, front.description) == (None, (), "")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "f:1:1: the page has no front matter"),
        (b"# Title\n", "f:1:1: the page has no front matter"),
        (b"\n---\ntitle: x\n---\n", "f:1:1: the page has no front matter"),
        (b"----\n", "f:1:1: the page has no front matter"),
        (b"---\ntitle: x\n", "f:1:1: the front matter has no end: a second line --- is missing"),
        (b"---\ntitle: x\n+++\n", "f:1:1: the front matter has no end: a second line --- is missing"),
        (b"+++\ntitle = 'x'\n", "f:1:1: the front matter has no end: a second line +++ is missing"),
        (b"---\n---\n", 'f:2:1: the front matter needs the key "title", text'),
        (b"+++\n+++\n", 'f:2:1: the front matter needs the key "title", text'),
        (b"---\njust text\n---\n", 'f:2:1: the front matter must be lines like "title:'),
        (b"---\n- a\n---\n", 'f:2:1: the front matter must be lines like "title:'),
        (b"---\ntitle: ' '\n---\n", "f:2:8: title in the front matter is empty"),
        (b"---\ntitle:\n---\n", 'f:2:1: the front matter needs the key "title", text'),
        (b"---\ntitle: x\ntilte: y\n---\n", 'f:3:1: unknown key "tilte" in the front matter (did you mean "title"?)'),
        (b"---\ntitle: [x]\n---\n", "f:2:8: title in the front matter must be text, not a list"),
        (b"---\ntitle: x\norder: first\n---\n", "f:3:8: order in the front matter must be a whole number, not text"),
        (b"---\ntitle: x\ndate: 12\n---\n", "f:3:7: date in the front matter must be a date, not the number 12"),
        (
            b"---\ntitle: x\ntags: [a, ~]\n---\n",
            "f:3:11: an item of tags in the front matter must be text, not nothing",
        ),
        (b"---\ntitle: x\nparams: red\n---\n", "f:3:9: params in the front matter must be a table, not text"),
        (
            b"+++\ntitle = 'x'\ndate = 07:30:00\n+++\n",
            "f:3:8: date in the front matter must be a date, not a time of day",
        ),
        (b"+++\n\ntitle = x\n+++\n", "f:3:9: not valid TOML: invalid value"),
        (b"+++\ntitle = [\n\n+++\nText\n", "f:2:10: not valid TOML: invalid value at the end"),
        (b"---\ntitle: x\n---\ncaf\xe9\n", "f:4:4: byte 0xe9 is not UTF-8"),
        (b"---\ntitle: x\n---\n\nab\0\n", "f:5:3: a NUL character stands here"),
    ],
)
def test_every_fault_has_its_place_in_the_file(data: bytes, said: str) -> None:
    with pytest.raises(Problem) as caught:
        read(data, "f").front_matter  # noqa: B018 - it is parsed when asked for
    assert str(caught.value).startswith(said)


@given(st.binary(max_size=60), st.sampled_from([b"---\n", b"+++\n", b"", b"---\ntitle: x\n---\n"]))
def test_any_file_is_a_page_or_a_problem(data: bytes, start: bytes) -> None:
    try:
        read(start + data, "f").front_matter  # noqa: B018
    except Problem as problem:
        assert problem.place  # noqa: PT017 - a page is right too
