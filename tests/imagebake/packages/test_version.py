"""Versions have Debian's order: dpkg's own answer is the measure."""

import shutil
import subprocess
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebake.packages import version
from tests.needs import MAY_SKIP

needs_dpkg = pytest.mark.skipif(not shutil.which("dpkg") and MAY_SKIP, reason="dpkg is not on this machine")

ASCENDING = ["1~~", "1~~a", "1~", "1-0~1", "1", "1-1", "1a", "1+", "1.0", "1.9", "1.10", "1.10-2", "1.10-10", "1:0.1"]

numbers = st.integers(0, 120).map(str) | st.sampled_from(["00", "007"])
words = st.text("abzAZ+.~", max_size=3)
upstream = st.builds(
    lambda first, rest: first + "".join(a + b for a, b in rest),
    numbers,
    st.lists(st.tuples(words, numbers), max_size=4),
)
versions = st.builds(
    lambda epoch, text, revision: f"{epoch}{text}{revision}",
    st.sampled_from(["", "", "0:", "1:", "12:"]),
    upstream,
    st.just("") | st.builds("-{}".format, upstream),
)


def test_a_known_order() -> None:
    for older, newer in pairwise(ASCENDING):
        assert version.compare(older, newer) < 0 < version.compare(newer, older), (older, newer)


@needs_dpkg
@given(versions, versions, st.sampled_from(get_args(version.Relation)))
@settings(max_examples=200)
def test_every_relation_holds_as_dpkg_says(first: str, second: str, relation: version.Relation) -> None:
    said = subprocess.run(["dpkg", "--compare-versions", first, relation, second], check=False, timeout=10)
    assert version.holds(first, relation, second) == (said.returncode == 0)


@given(versions, versions)
def test_a_change_of_one_part_is_a_change_of_order_or_none(first: str, second: str) -> None:
    assert version.compare(first, first) == 0
    assert (version.compare(first, second) > 0) == (version.compare(second, first) < 0)


@given(versions)
def test_versions_are_known_as_such(text: str) -> None:
    assert version.is_version(text)
    assert not version.is_version(f"{text}\n")
    assert not version.is_version(f"{text} ")
