"""Reading times are guesses, but the same guess for the same text."""

import pytest

from ssg.rendering.queries.reading_time import minutes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("word " * 220, 1),
        ("word " * 221, 2),
        ("été " * 440, 2),
        ("字" * 450, 1),
        ("字" * 451, 2),
        ("かな mot " * 450, 5),
    ],
)
def test_minutes(text, expected):
    assert minutes(text) == expected
