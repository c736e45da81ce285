"""The head of a page, in YAML or TOML, and where its body begins."""

import datetime as dt
from dataclasses import fields
from typing import get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealpress.problems import Problem
from ssg.content import other_generators
from ssg.content.formats import dates
from ssg.content.front_matter import DATES, read
from ssg.content.model import FrontMatter

YAML = "---\ntitle: A page\ndate: 2026-05-04\ntags: [one, two]\nparams:\n  colour: red\n---\n\nText.\n"
TOML = '+++\ntitle = "A page"\ndate = 2026-05-04\ntags = ["one", "two"]\n[params]\ncolour = "red"\n+++\n\nText.\n'


@pytest.mark.parametrize("text", [YAML, TOML])
def test_both_spellings_say_the_same(text: str) -> None:
    document = read(text.encode(), "f")
    front = document.front_matter
    assert (front.title, front.date, front.terms) == ("A page", dt.date(2026, 5, 4), (("tags", ("one", "two")),))
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
    assert (front.date, front.terms, front.description) == (None, (), "")


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
        (b"---\ntitle: x\ndate: 12\n---\n", 'f:3:7: "12" is not a date'),
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


def test_every_key_that_is_a_date_is_read_as_one() -> None:
    hints = get_type_hints(FrontMatter)
    assert tuple(one.name for one in fields(FrontMatter) if dt.date in get_args(hints[one.name])) == DATES


def in_yaml(key: str, value: str) -> bytes:
    return f"---\ntitle: x\n{key}: {value}\n---\n".encode()


def in_toml(key: str, value: str) -> bytes:
    return f"+++\ntitle = 'x'\n{key} = {value}\n+++\n".encode()


DAY = dt.date(2026, 5, 4)
TIME = dt.datetime(2026, 5, 4, 10, 0)  # noqa: DTZ001 - a time without a zone is what is meant
ZONED = TIME.replace(tzinfo=dt.timezone(dt.timedelta(hours=2)))


@pytest.mark.parametrize("key", DATES)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (in_yaml, (form, expected))
        for form, expected in (
            ("2026-05-04", DAY),
            ('"2026-05-04"', DAY),
            ("'2026-05-04 10:00'", TIME),
            ("2026-05-04 10:00", TIME),
            ("2026-05-04T10:00", TIME),
            ("2026-05-04T10:00+02:00", ZONED),
            ("2026-05-04 10:00:00 +0200", ZONED),
            ("'2026-05-04 10:00:00 +0200'", ZONED),
            ("2026-05-04T10:00:00.000+02:00", ZONED),
            ("!!timestamp 2026-05-04", DAY),
            ("!!timestamp '2026-05-04 10:00'", TIME),
            ("04.05.2026", DAY),
            ("4.5.2026", DAY),
            ("04.05.2026 10:00", TIME),
            ("2026/05/04", DAY),
            ("2026.05.04", DAY),
            ("20260504", DAY),
            ("25/12/2026", dt.date(2026, 12, 25)),
            ("12/25/2026", dt.date(2026, 12, 25)),
            ("05/05/2026", dt.date(2026, 5, 5)),
        )
    ]
    + [
        (in_toml, (form, expected))
        for form, expected in (
            ("2026-05-04", DAY),
            ("2026-05-04T10:00:00", TIME),
            ("2026-05-04 10:00:00+02:00", ZONED),
            ('"2026-05-04"', DAY),
            ("'2026-05-04 10:00'", TIME),
            ('"2026-05-04 10:00:00 +0200"', ZONED),
            ('"04.05.2026"', DAY),
        )
    ],
)
def test_a_date_of_one_meaning_is_read(text: object, expected: tuple[str, dt.date], key: str) -> None:
    form, meant = expected
    found = getattr(read(text(key, form), "f").front_matter, key)  # type: ignore[operator]
    assert (found, type(found)) == (meant, type(meant))
    if isinstance(meant, dt.datetime):
        assert found.tzinfo == meant.tzinfo


@pytest.mark.parametrize("key", DATES)
@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        (
            in_yaml("KEY", "05/04/2026"),
            '"05/04/2026" could be two days',
            "write 2026-04-05 if the day stands first, 2026-05-04 if the month does",
        ),
        (
            in_toml("KEY", "'05-04-2026 10:00'"),
            '"05-04-2026 10:00" could be two days',
            "write 2026-04-05 if the day stands first, 2026-05-04 if the month does",
        ),
        (in_yaml("KEY", "4 May 2026"), '"4 May 2026" is not a date', "write 2026-05-04"),
        (in_yaml("KEY", "'Monday, May 4th, 2026'"), '"Monday, May 4th, 2026" is not a date', "write 2026-05-04"),
        (in_yaml("KEY", "04.05.26"), '"04.05.26" is not a date: its year has two digits', dates.HINT),
        (in_yaml("KEY", "2026"), '"2026" is not a date', dates.HINT),
        (in_yaml("KEY", "''"), '"" is not a date', dates.HINT),
        (in_yaml("KEY", "tomorrow"), '"tomorrow" is not a date', dates.HINT),
        (in_yaml("KEY", "'2026-05-04 10:00 CET'"), '"2026-05-04 10:00 CET" is not a date', dates.HINT),
        (
            in_yaml("KEY", "'2026-05-04 10:00+25:00'"),
            '"2026-05-04 10:00+25:00" is not a date: no zone is 25:00 away from UTC',
            dates.HINT,
        ),
    ],
)
def test_a_date_of_no_meaning_or_of_two_is_told_what_to_write(text: bytes, said: str, hint: str, key: str) -> None:
    with pytest.raises(Problem) as caught:
        _ = read(text.replace(b"KEY", key.encode()), "f").front_matter
    found = caught.value
    assert (found.message, found.hint) == (said, hint)
    assert found.place
    assert found.place.line == 3


@pytest.mark.parametrize(
    "value",
    ["04.05.2026", "05/04/2026", "2026-05-04 10:00", "2026-05-04T10:00", "2026-05-04 10:00:00 +0200", "2026-5-4"],
)
def test_what_is_no_date_in_toml_is_told_at_its_beginning(value: str) -> None:
    with pytest.raises(Problem) as caught:
        _ = read(in_toml("date", f"{value}  # a day"), "f").front_matter
    found = caught.value
    assert found.message == "not valid TOML: this is not a date, or a time, as TOML has them"
    assert "2026-05-04T18:30:00+02:00" in (found.hint or "")
    assert found.place
    assert (str(found.place), found.place.length) == ("f:3:8", len(value))


def test_two_faulty_dates_and_a_wrong_key_are_told_in_their_order() -> None:
    with pytest.raises(Problem) as caught:
        _ = read(b"---\ntitle: x\nupdated: soon\nslg: y\ndate: 5/4/2026\n---\n", "f").front_matter
    assert [str(one.place) for one in caught.value.each] == ["f:3:10", "f:4:1", "f:5:7"]


@pytest.mark.parametrize(
    ("key", "ours"),
    [
        ("lastmod", "updated"),
        ("categories", "tags"),
        ("permalink", "slug"),
        ("layout", "template"),
        ("published", "draft: true"),
        ("Weight", "order"),
        ("aliases", "[image.redirects]"),
        ("excerpt", "summary"),
        ("lang", "about.fr.md"),
    ],
)
def test_a_key_of_another_generator_is_told_by_its_name_here(key: str, ours: str) -> None:
    for text in (in_yaml(key, "x"), in_toml(key, "'x'")):
        with pytest.raises(Problem) as caught:
            _ = read(text, "f").front_matter
        assert caught.value.message == f'unknown key "{key}" in the front matter'
        assert ours in (caught.value.hint or "")


def test_no_key_of_ours_is_called_foreign() -> None:
    assert not {one.name for one in fields(FrontMatter)} & other_generators.KEYS.keys()
    assert all(key == key.lower() for key in other_generators.KEYS)
