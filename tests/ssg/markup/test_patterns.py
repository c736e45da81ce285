"""The gates before Python-Markdown's patterns change no byte, and expressions.needed() tells only what is so."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import markdown as library
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssg.l10n.language import language
from ssg.markup import acceleration, blocks, converter, dialect, patterns, positions, typography
from ssg.markup.converted import Converted, MarkdownOptions
from ssg.markup.expressions import needed
from tests.ssg.markup import texts
from tests.ssg.markup.test_properties import PIECES

if TYPE_CHECKING:
    from markdown import Markdown

OPTIONS = [
    MarkdownOptions(permalink_label="To {title}"),
    MarkdownOptions(typography=False, html=False, highlight=False),
]


@contextmanager
def without_accelerators() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(acceleration.VARIABLE, "0")
        yield


class _Kept:
    """In the place of converter._instance, which keeps what it made too."""

    def __init__(self, instances: dict[bool, converter._Converter]) -> None:
        self.instances = instances

    def __call__(self, html: bool) -> converter._Converter:
        return self.instances[html]

    def cache_clear(self) -> None:
        """A text that is nested too deeply leaves an instance to be made anew; these begin anew by themselves."""


@pytest.fixture(scope="module")
def both() -> Callable[[str, MarkdownOptions, str], tuple[Converted, Converted]]:
    """The Converted of a text, with gates and without. Two sets of instances, since building them takes long."""
    gated = {html: converter._instance.__wrapped__(html) for html in (True, False)}
    with without_accelerators():
        stock = {html: converter._instance.__wrapped__(html) for html in (True, False)}

    def run(text: str, options: MarkdownOptions, tag: str) -> tuple[Converted, Converted]:
        found = []
        for instances in (gated, stock):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(converter, "_instance", _Kept(instances))
                found.append(converter.convert(text, options, language(tag)))
        return found[0], found[1]

    return run


def test_the_switch_and_untested_versions_leave_the_libraries_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def is_gated() -> bool:
        md: Markdown = converter._instance.__wrapped__(True).markdown
        return isinstance(md.treeprocessors["inline"], patterns.GatedInline)

    assert is_gated()
    with monkeypatch.context() as patch:
        patch.setenv(acceleration.VARIABLE, "0")
        assert not is_gated()
    with monkeypatch.context() as patch:
        patch.setattr(library, "__version__", "3.99")
        assert not is_gated()
    with monkeypatch.context() as patch:
        patch.setattr(acceleration, "PYTHON", frozenset({(3, 99)}))
        assert not is_gated()


@pytest.mark.parametrize(("options", "tag"), [(OPTIONS[0], "fr"), (OPTIONS[1], "en")], ids=["all", "few"])
def test_pages_posts_and_traps_are_the_same_with_and_without(
    options: MarkdownOptions, tag: str, both: Callable[..., tuple[Converted, Converted]]
) -> None:
    for text in (*texts.pages(), *texts.TRAPS, *map(texts.post, range(12)), "\n\n".join(texts.TRAPS)):
        gated, stock = both(text, options, tag)
        assert gated == stock, text


@settings(max_examples=250, deadline=None)
@given(st.lists(st.sampled_from([*PIECES, *texts.TRAPS]) | st.text(max_size=4), max_size=40).map("".join))
def test_any_text_is_the_same_with_and_without(both: Callable[..., tuple[Converted, Converted]], text: str) -> None:
    gated, stock = both(text, OPTIONS[0], "fr")
    assert gated == stock


@settings(max_examples=250, deadline=None)
@given(st.text(alphabet="*_`[]()!<>&;~\\\n ab\"'#{}|:-^é", max_size=60))
def test_any_soup_of_signs_is_the_same_with_and_without(
    both: Callable[..., tuple[Converted, Converted]], text: str
) -> None:
    gated, stock = both(text, OPTIONS[0], "en")
    assert gated == stock


def test_few_patterns_are_tried_on_prose() -> None:
    # What the gates are for: a gate that is always open would be found by no other test.
    instance = converter._instance.__wrapped__(True)
    gated = instance.markdown.treeprocessors["inline"]
    tried: list[int] = []
    gated.finders = [
        lambda data, start, number=number, find=find: tried.append(number) or find(data, start)
        for number, find in enumerate(gated.finders)
    ]
    for text, attempts in [("Plain prose.\n\n- of all kinds\n- (even: 1 + 1 = 2)", 0), ("Some *emphasis*.", 1)]:
        instance.state.source = positions.Source(text)
        instance.markdown.convert(text)
        assert len(tried) == attempts


@pytest.mark.parametrize("text", ["[" * 5000, "![" * 5000, "[" * 2500 + "]" * 2500, "[^" * 5000, "[a](" * 2000])
def test_thousands_of_brackets_take_no_long_time(text: str) -> None:
    start = time.process_time()
    converter.convert(text, OPTIONS[0], language("en"))
    assert time.process_time() - start < 2


def test_a_text_in_brackets_is_what_python_markdown_reads() -> None:
    md = library.Markdown()
    own, stock = md.inlinePatterns["link"], library.Markdown().inlinePatterns["link"]
    patterns.Brackets().serve(own)
    for text in ("[a [b] c] [d", "][a]]", "[[a]", "x", "[a]" * 3 + "[" + "]]"):
        for index in range(len(text) + 1):
            assert own.getText(text, index) == stock.getText(text, index), (text, index)


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


@settings(max_examples=600, deadline=None)
@given(EXPRESSIONS, FLAGS, st.lists(st.text(alphabet="abBkKſsSé-. \n1", max_size=8), min_size=4, max_size=12))
def test_a_text_that_lacks_what_is_needed_is_never_matched(pattern: str, flags: int, strings: list[str]) -> None:
    expression = re.compile(pattern, flags)
    clauses = needed(expression)
    gate = blocks.Gate(expression)
    for text in strings:
        if expression.search(text):
            assert all(any(literal in text for literal in clause) for clause in clauses)
            assert gate.may_match(text)
        assert gate.sub("<>", text) == expression.sub("<>", text)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "](",
                "][",
                "] [",
                "[a]: ",
                "\n",
                "\n[b]:",
                "<",
                ">",
                "href",
                "xlink:href",
                "ſrc",
                "SRC",
                "=",
                " = ",
                "'",
                '"',
            ]
        )
        | st.sampled_from(["https://x", "a@b", " ", "> ", "- ", "1. ", "{", "\u2028", "ß", "[^n]: x", "(", ")"]),
        max_size=24,
    ).map("".join)
)
def test_marks_stand_where_one_search_through_the_whole_text_would_put_them(text: str) -> None:
    assert positions._places(text) == [found.end() for found in positions._PLACES.finditer(text)]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="*_a \\é", max_size=30), st.integers(0, 5))
def test_emphasis_is_searched_where_its_signs_stand(text: str, start: int) -> None:
    md = library.Markdown()
    emphasis = dialect._Emphasis("*", "strong,em", md)
    emphasis.add("_", "strong,em", smart=True)
    own, stock = emphasis.search(text, start), super(dialect._Emphasis, emphasis).search(text, start)
    assert (own and (own.span(), own.lastgroup)) == (stock and (stock.span(), stock.lastgroup))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["http://a", "www.", "x.org", '"', "'", "--", "...", " ", "a", "1", "&amp;", "."])))
def test_addresses_are_looked_for_only_where_there_are_some(parts: list[str]) -> None:
    # The expression without addresses must do as well for a text that has none.
    text = "".join(parts)
    if "://" not in text and "www." not in text:
        found = [(each.span(), each.lastgroup) for each in typography._ADDRESS_PATTERN.finditer(text)]
        assert [(each.span(), each.lastgroup) for each in typography._PATTERN.finditer(text)] == found
