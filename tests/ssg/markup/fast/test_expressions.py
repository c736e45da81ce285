"""expressions.needed() tells only what is so."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssg.markup.fast.expressions import needed


@pytest.mark.parametrize(
    ("pattern", "flags", "expected"),
    [
        ("abc", 0, [{"abc"}]),
        ("a(?:b)c", 0, [{"abc"}]),
        ("a(b)c", 0, [{"a"}, {"b"}, {"c"}]),
        ("a+b?c*", 0, [{"a"}]),
        ("a|b", 0, [{"a", "b"}]),
        ("ab|cd", 0, [{"ab", "cd"}]),
        ("ab|c?", 0, []),
        ("[*_]", 0, [{"*", "_"}]),
        ("[^*_]", 0, []),
        ("[a-c]", 0, []),
        (r"\d", 0, []),
        ("<([a-z]+)>", 0, [{"<"}, {">"}]),
        ("(?:ab){2}", 0, [{"ab"}]),
        ("(?:ab){0,2}c", 0, [{"c"}]),
        ("(?<!!)x(?!y)", 0, [{"x"}]),
        ("(?<=a)b(?=cd)", 0, [{"a"}, {"cd"}, {"b"}]),
        (r"^a\bb$", 0, [{"ab"}]),
        ("(?>ab)c", 0, [{"ab"}, {"c"}]),
        ("a++b", 0, [{"a"}, {"b"}]),
        (r"(a)\1", 0, [{"a"}]),
        ("(a)?(?(1)b|c)d", 0, [{"d"}]),
        ("abc", re.IGNORECASE, []),
        ("a-1", re.IGNORECASE, [{"-1"}]),
        ("(?i:a)b", 0, [{"b"}]),
        ("(?-i:a)b", re.IGNORECASE, [{"a"}]),
        ("a b # c", re.VERBOSE, [{"ab"}]),
        ("a.b", re.DOTALL, [{"a"}, {"b"}]),
        ("(?!)", 0, []),
        ("", 0, []),
        ("a|", 0, []),
        ("(?:a|b)c|d", 0, [{"c", "d"}]),
        ("abc|b", 0, [{"abc", "b"}]),
        ("[ab]a", 0, [{"a"}]),
        ("|".join("abcdefghijk"), 0, []),
    ],
)
def test_what_an_expression_needs(pattern: str, flags: int, expected: list[set[str]]) -> None:
    found = [set(clause) for clause in needed(re.compile(pattern, flags))]
    assert sorted(map(sorted, found)) == sorted(map(sorted, expected))


# Expressions out of parts that trip up such a reading, each of them valid on its own. None captures: within ++, that is
# a SystemError of Python 3.11's own. Groups that capture are in the table above.
ATOMS = st.sampled_from(
    [
        "a",
        "B",
        "k",
        "s",
        "é",
        "ſ",
        "ab",
        "[ab]",
        "[^a]",
        "[a-k]",
        r"\w",
        r"\s",
        r"\d",
        r"\W",
        ".",
        "-",
        r"\.",
        "[^\\w]",
        "[k-ſ]",
    ]
)
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{0}", "{2}", "*?", "?+", "++"])).map(
            lambda two: f"(?:{two[0]}){two[1]}"
        ),
        st.tuples(st.sampled_from(["(?=", "(?!", "(?>", "(?i:", "(?-i:", "(?a:", "(?s:"]), inner).map(
            lambda two: f"{two[0]}{two[1]})"
        ),
        st.sampled_from(["(?<=a)", "(?<!b)", "(?<=[ab])", "^", "$", r"\b", r"\B"]),
    ),
    max_leaves=8,
)
FLAGS = st.sampled_from([0, re.IGNORECASE, re.ASCII, re.MULTILINE | re.DOTALL, re.IGNORECASE | re.ASCII])


@settings(max_examples=600)
@given(EXPRESSIONS, FLAGS, st.lists(st.text(alphabet="abBkKſsSé-. \n1", max_size=8), min_size=4, max_size=12))
def test_a_text_that_lacks_what_is_needed_is_never_matched(pattern: str, flags: int, strings: list[str]) -> None:
    expression = re.compile(pattern, flags)
    clauses = needed(expression)
    for text in strings:
        if expression.search(text):
            assert all(any(literal in text for literal in clause) for clause in clauses)
