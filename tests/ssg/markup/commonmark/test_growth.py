"""Twice the text is at most twice the work, whatever stands in it. Counted in calls: seconds depend on the machine."""

import sys
from types import FrameType

import pytest

from benchmarks.floods import FLOODS
from ssg.l10n.language import language
from ssg.markup.converted import MarkdownOptions
from ssg.markup.converter import convert

SIZE = 400
MOST = 2.3
SLACK = 1500  # what is made once and kept, as tags are


def calls(text: str) -> int:
    """How many calls, of Python and of C, a conversion makes."""
    count = 0

    def seen(_frame: FrameType, event: str, _what: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(seen)
    try:
        convert(text, MarkdownOptions(), language("en"))
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", FLOODS)
def test_twice_the_text_is_at_most_twice_the_work(name):
    flood = FLOODS[name]
    calls(flood(SIZE))  # what is made once is made
    assert calls(flood(2 * SIZE)) <= MOST * calls(flood(SIZE)) + SLACK
