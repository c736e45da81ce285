"""What a person reads when something is wrong: place, line, caret, fix; and nothing that drives a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealpress.problems import EXCERPT, LONGEST, Exit, Place, Problem, Problems, did_you_mean, printable, raise_all


def test_a_problem_is_place_sentence_line_caret_and_hint() -> None:
    problem = Problem("what is wrong", place=Place("a.md", 3, 5, "abc defg", 4), hint="mend it")
    assert str(problem) == "a.md:3:5: what is wrong\n3 | abc defg\n        ^^^^\nhint: mend it"


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (Place("a"), ""),
        (Place("a", 1), ""),
        (Place("a", 1, 2), ""),
        (Place("a", 1, 1, ""), "1 | \n    ^"),
        (Place("a", 1, 4, "abc"), "1 | abc\n       ^"),  # behind the end: something is missing there
        (Place("a", 1, 2, "abc", 99), "1 | abc\n     ^^"),
        (Place("a", 12, 3, "\t\tabc"), "12 | \t\tabc\n     \t\t^"),
        (Place("a", 1, 3, "日本語", 1), "1 | 日本語\n        ^^"),  # two columns each
        (Place("a", 1, 3, "e\u0301x"), "1 | e\u0301x\n     ^"),  # an accent takes no column
        (Place("a", 1, 2, "\x1bx"), "1 | \\x1bx\n        ^"),  # shown in four
        (Place("a", 1, 1, "\x1b"), "1 | \\x1b\n    ^^^^"),
    ],
)
def test_the_caret_stands_under_its_character(place: Place, expected: str) -> None:
    assert place.excerpt() == expected


@given(st.integers(1, 500), st.integers(1, 500), st.integers(1, 30))
def test_of_a_long_line_the_part_around_the_caret_is_shown(size: int, column: int, length: int) -> None:
    text = "".join(chr(ord("a") + number % 26) for number in range(size))
    column = min(column, size)
    line, carets = Place("f", 1, column, text, length).excerpt().split("\n")
    assert len(line) <= len("1 | ") + EXCERPT + 2
    under = line[carets.index("^") : len(carets)]
    assert under == text[column - 1 : column - 1 + carets.count("^")]
    assert under


HARMFUL = [
    *map(chr, [*range(0x09), *range(0x0A, 0x20), *range(0x7F, 0xA0)]),  # all controls but the tab
    *"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",  # turns of direction
    *"\u2028\u2029",  # ends of lines and paragraphs
    *"\u00ad\u200b\u200c\u200d\u2060\ufeff\U000e0041",  # what can't be seen
    "\ud800",
]
hostile = st.text(st.one_of(st.sampled_from([*HARMFUL, "\n"]), st.characters()))


@given(hostile, hostile, hostile, hostile, st.lists(hostile, max_size=2))
def test_no_text_from_outside_drives_a_terminal_or_makes_a_line(
    message: str, file: str, line: str, hint: str, said: list[str]
) -> None:
    """The block has the lines that it would have with any other text: what, the line, the caret, the hint."""
    problem = Problem(message, place=Place(file, 1, 1, line), hint=hint or "x", said=said)
    text = str(problem)
    assert not set(HARMFUL) - {"\n"} & set(text)
    assert [one[:4] for one in text.split("\n")[1:]] == ["  | "] * len(said) + ["1 | ", "    ", "hint"]
    assert len(text.splitlines()) == len(text.split("\n"))
    text.encode()


@pytest.mark.parametrize("char", HARMFUL, ids=lambda char: f"{ord(char):04x}")
def test_what_can_not_be_seen_is_shown_as_an_escape_everywhere(char: str) -> None:
    escape = printable(char)
    assert escape.isascii()
    assert escape.startswith("\\")
    place = Place(f"a{char}b", 1, 2, f"a{char}b")
    problem = Problem(f"a{char}b", place=place, hint=f"a{char}b", said=[f"a{char}b"])
    assert str(problem).count(f"a{escape}b") == 5


def test_what_a_program_said_stands_behind_a_mark_between_message_and_line() -> None:
    problem = Problem("it failed", place=Place("a.md", 1, 1, "x"), hint="mend it", said=["error: one", "two"])
    assert str(problem) == "a.md:1:1: it failed\n  | error: one\n  | two\n1 | x\n    ^\nhint: mend it"


def test_of_what_is_very_long_both_ends_are_shown() -> None:
    long = "a" + "x" * 100_000 + "z"
    problem = Problem(f'unknown key "{long}" in it', place=Place(long, 1, 1, long), hint=f"not {long}", said=[long])
    assert len(str(problem)) < 4 * LONGEST
    head, said, _, _, hint = str(problem).split("\n")
    assert head.startswith("axx")
    assert 'xz:1:1: unknown key "axx' in head
    assert head.endswith('xxz" in it')
    assert said.startswith("  | axx")
    assert "…" in said
    assert hint.endswith("xz")


def test_nobody_looks_for_what_a_word_of_a_thousand_letters_may_have_meant() -> None:
    assert did_you_mean("x" * 1000, ["x" * 999]) == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 日本 😀", "plain é 日本 😀"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\rb", "a\\x0db"),
        ("\x85", "\\x85"),
        ("admin\u202egnp", "admin\\u202egnp"),
        ("\udce9", "\\udce9"),
        ("a\nerror: b", "a\\x0aerror: b"),
        ("a\tb", "a\tb"),
        ("a\u2028b", "a\\u2028b"),
        ("a\U000e0041b", "a\\U000e0041b"),
    ],
)
def test_control_characters_and_turns_of_direction_are_shown_as_escapes(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize("code", [0x00, 0x1F, 0x7F, 0x80, 0x9F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xD800])
def test_each_such_character_is_escaped_at_both_ends_of_its_range(code: int) -> None:
    assert printable(chr(code)).startswith("\\")


def test_a_file_name_can_not_forge_a_line() -> None:
    assert str(Problem("x", place=Place("a\nerror: all is lost"))) == "a\\x0aerror: all is lost: x"


def test_several_problems_keep_their_order_and_the_first_one_gives_the_code() -> None:
    one, two, three = Problem("one", code=Exit.LOCK), Problem("two"), Problem("three")
    both = Problems([one, Problems([two, three])])
    assert both.each == (one, two, three)
    assert both.code is Exit.LOCK
    assert str(both) == "one\ntwo\nthree"


def test_what_was_collected_is_raised() -> None:
    raise_all([])
    one = Problem("one")
    with pytest.raises(Problem) as caught:
        raise_all([one])
    assert caught.value is one
    with pytest.raises(Problems):
        raise_all([one, Problem("two")])


@pytest.mark.parametrize(
    ("word", "said"),
    [("tilte", ' (did you mean "title"?)'), ("slgu", ' (did you mean "slug"?)'), ("zzz", ""), ("", "")],
)
def test_the_nearest_known_word_is_offered(word: str, said: str) -> None:
    assert did_you_mean(word, ["title", "slug"]) == said
