"""Twice the text is at most twice the work, whatever stands in it. Counted in calls: seconds depend on the machine.

What one call of an expression does can't be counted. Where it grew once, so many times the text are taken that its
share of the time tells: it would be 256 times for 16 times the text.
"""

import gc
import sys
import time
from collections.abc import Mapping
from types import FrameType

import pytest

from benchmarks.floods import FLOODS
from ssg.l10n.language import language
from ssg.markup.converter import convert
from ssg.markup.text.converted import MarkdownOptions

pytestmark = pytest.mark.long

SIZE = 400
MOST = 2.3
SLACK = 1500  # what is made once and kept, as tags are

TIMES = 16
MOST_SECONDS = 3 * TIMES

# By the size that takes some milliseconds.
WITHIN_A_CALL: Mapping[str, int] = {
    "a run of backticks and one": 8000,
    "a run of backticks beside a fault": 8000,
    "abbreviations between emphasis": 250,
    "addresses in attribute lists": 250,
    "addresses that are none": 1000,
    "addresses with underscores": 1000,
    "addresses without a domain": 1000,
    "attribute lists within a heading": 1000,
    "attributes that ask for Markdown": 2000,
    "attributes without an end": 2000,
    "blanks before Markdown is asked for": 4000,
    "blanks before an attribute list": 4000,
    "blanks in a closed tag": 4000,
    "blanks in an alert's title": 4000,
    "comments in HTML that never end": 1000,
    "emphasis beside an abbreviation": 250,
    "half attribute lists within a heading": 1000,
    "hyphens in a tag in HTML with Markdown": 4000,
    "hyphens in a tag that asks for Markdown": 2000,
    "instructions in HTML that never end": 1000,
    "many ids twice": 250,
    "pictures of many sizes": 500,
    "runs of all lengths beside a fault": 4000,
    "sections on lines that never end": 1000,
    "styles that run scripts": 250,
    "wide and long tables": 500,
}


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


@pytest.mark.parametrize("name", WITHIN_A_CALL)
def test_no_expression_reads_the_text_again_for_each_piece_of_it(name):
    flood, size = FLOODS[name], WITHIN_A_CALL[name]
    once = min(seconds(flood(size)) for _ in range(3))
    assert seconds(flood(TIMES * size)) <= MOST_SECONDS * once + 0.02


def seconds(text: str) -> float:
    """CPU time of a conversion."""
    gc.collect()
    began = time.process_time()
    convert(text, MarkdownOptions(), language("en"))
    return time.process_time() - began
