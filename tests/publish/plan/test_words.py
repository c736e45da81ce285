"""The text of a page as it is read, and how two of them differ."""

import pytest

from publish.plan.words import Piece, blocks, difference


def test_the_text_is_what_a_reader_reads():
    page = b"""<!doctype html><title>A &amp; B</title><meta name=description content=no><style>p { }</style>
    <body><svg><title>drawn</title></svg><p>One <em>two</em>\n  three<br>four</p><script>let no = "<p>no</p>"</script>
    <ul><li>five<li>six</ul><img alt="a shed" src=x><noscript>no</noscript><p>\xc3\xa9t\xc3\xa9"""
    assert blocks(page) == ("A & B", "One two three", "four", "five", "six", "[a shed]", "été")


def test_changed_words_stand_among_their_neighbours():
    before = ["Title", "a b c d e f g h i old j k l m n o p", "same", "gone"]
    after = ["Title", "a b c d e f g h i new j k l m n o p", "same", "added at the end"]
    assert difference(before, after) == (
        Piece("same", ""),
        Piece("same", "d e f g h i"),
        Piece("removed", "old"),
        Piece("added", "new"),
        Piece("same", "j k l m n o p same"),
        Piece("removed", "gone"),
        Piece("added", "added at the end"),
    )


def test_what_stayed_between_two_changes_is_left_out():
    between = " ".join(f"w{number}" for number in range(40))
    found = difference([f"one {between} two"], [f"1 {between} 2"])
    assert [piece.text for piece in found] == [
        *("one", "1", "w0 w1 w2 w3 w4 w5", "", "w34 w35 w36 w37 w38 w39", "two", "2"),
    ]


def test_the_same_text_has_no_difference():
    assert difference(["a", "b"], ["a", "b"]) == ()
    assert difference([], []) == ()


def test_all_words_of_both_are_told_where_nothing_is_common():
    assert difference(["a b"], []) == (Piece("removed", "a b"),)
    assert difference([], ["a b"]) == (Piece("added", "a b"),)


def test_a_large_page_of_other_words_is_not_compared_word_by_word():
    before = " ".join(f"a{number}" for number in range(30_000))
    after = " ".join(f"b{number}" for number in range(30_000))
    assert difference([before], [after]) == (Piece("removed", before), Piece("added", after))


@pytest.mark.parametrize(
    "page", [b"", b"<", b"<!--", b"<script>", b"<![CDATA[", b"</p>" * 9, b"\xff\xfe\0", b"<p " * 99]
)
def test_no_page_is_too_broken_to_be_read(page):
    assert isinstance(blocks(page), tuple)
