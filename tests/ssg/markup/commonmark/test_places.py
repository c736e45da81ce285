"""All that is told has its place in the source, wherever it stands; and old habits that CommonMark reads otherwise."""

import pytest

from ssg.l10n.language import language
from ssg.markup.converter import convert
from ssg.markup.text.converted import Converted, MarkdownOptions


def converted(text: str) -> Converted:
    return convert(text, MarkdownOptions(), language("en"))


@pytest.mark.parametrize(
    ("text", "target", "line", "column"),
    [
        ("> a\n>\tb [c](d.md)", "d.md", 2, 9),
        ("-\ta\n\n\t[c](d.md)", "d.md", 3, 6),
        ("1.\t- [c](d.md)", "d.md", 1, 10),
        ("> - a\n  [c](d.md)", "d.md", 2, 7),
        ("|a|b|\n|-|-|\n| x\\|y `\\|` | [c](d.md) |", "d.md", 3, 19),
        ("> |a|\n> |-|\n> | [c](d.md) |", "d.md", 3, 9),
        ("x[^1]\n\n[^1]: a\n\n    > [c](d.md)", "d.md", 5, 11),
        ("A\n:\t[c](d.md)", "d.md", 2, 7),
        ('!!! note "[c](d.md)"\n    a', "d.md", 1, 15),
        ("> [!NOTE] [c](d.md)\n> a", "d.md", 1, 15),
        ("- [ ] [c](d.md)", "d.md", 1, 11),
        ("# [c](d.md) #", "d.md", 1, 7),
        ("a\n  [c](d.md)\n===", "d.md", 2, 7),
        ("> <div>\n> <a href='d.md'>", "d.md", 2, 12),
        ("- <div>\n\n  <b\n  title=x><a\n  href=d.md>", "d.md", 5, 8),
        ("a <b\nc='d'><a\n href = d.md >x</a></b>", "d.md", 3, 9),
        ('<div markdown="1">\n> <a href="d.md">x</a>\n</div>', "d.md", 2, 12),
        ("[c][r]\n\n> - [r]:\n>   <d.md>\n>   't'", "d.md", 4, 6),
        ("\\*é&amp;[c](d\\_.md)", "d_.md", 1, 13),
    ],
)
def test_a_link_has_its_place_wherever_it_stands(text, target, line, column):
    found = converted(text)
    assert [(link.target, link.line, link.column) for link in found.links] == [(target, line, column)]


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("`<b>` <!-- <b> -->\n\n- x <b>", "<b> is never closed", 3, 5),
        ("<i>a</i> <b>x</b>\n\n> </b>", "</b> closes nothing", 3, 3),
        ("> ```\n> a\n\n1.\t```\n\tb", "this code fence is never closed", 1, 3),
        ("[a][b]\n\n[b]: c\n\n|x|\n|-|\n|[a][no]|", 'no link is defined for "no"', 7, 6),
        ("`[^x]` and\n> [^x]", 'no footnote is called "x"', 2, 3),
        ("x\n\n> [^x]: a", 'nothing refers to the footnote "x"', 3, 3),
        ("- a\n  - ``` py linenums=x\n    x\n    ```", 'linenums can\'t be "x"', 2, 21),
        ("[\n*a* b][no]", 'no link is defined for "no"', 2, 8),
        ("a\n\n> <!-- b\n\nc", "this comment never ends: <!--", 3, 3),
        ("- <p>\n  <? a\n\n  b", "this tag never ends: <?", 2, 3),
        ('<p>a</p>\n<div class="a\n\nb', "this tag never ends: <div", 2, 1),
        ("<pre>\na <b and c\n</pre>", "this tag never ends: <b", 2, 3),
        ('a\n\n<b style="background: url(javascript:x)">b</b>', 'a link can\'t lead to "javascript:"', 3, 4),
    ],
)
def test_a_fault_has_its_place_wherever_it_stands(text, message, line, column):
    first = converted(text).faults[0]
    assert (first.message, first.line, first.column) == (message, line, column)


@pytest.mark.parametrize(
    "text",
    [
        "<!-- a\n\nb -->",
        "<!-->\n\n<!--->\n\n<!--- a --!>",
        "<!DOCTYPE html>",
        "<? a ?>",
        "<script><!-- a\n//</script>",
        "<style>\na<b\n</style>",
        "<div>\na < b <3 <- c\n</div>",
        'a <b title="<!-- x">c</b>',
        "a <!-- b\n\nc <d",
    ],
)
def test_html_that_ends_is_no_fault(text):
    assert converted(text).faults == ()


def test_a_text_that_is_nested_too_deeply_is_told_where():
    found = converted("a\n\n" + "> " * 400 + "b")
    assert [(fault.message, fault.line, fault.column) for fault in found.faults] == [
        ("this text is nested too deeply", 3, 299 + 2)
    ]


HABITS = [
    ("<div>\n\n    x\n\n</div>", "this is code: the HTML above ended at the blank line", 3, 5),
    ("100. a\n\n    b", "this no longer belongs to the list above", 3, 5),
    ("1. a\n\n  b", "this no longer belongs to the list above", 3, 3),
    ("- a\n\n ## b", "this no longer belongs to the list above", 3, 2),
    ("100. a\n\n    ```\n    b\n    ```", "this no longer belongs to the list above", 3, 5),
    ("1. a\n\n  > b", "this no longer belongs to the list above", 3, 3),
    ("1. a\n\n  - b", "this no longer belongs to the list above", 3, 3),
    ("> - a\n>\n>  b", "this no longer belongs to the list above", 3, 4),
    ("- a\n\n        b", "each line of this code begins with 2 blanks", 3, 7),
    ("<div>\n```\na\n```\n</div>", "this fence is shown as it is: it stands in HTML", 2, 1),
]


@pytest.mark.parametrize(("text", "message", "line", "column"), HABITS)
def test_an_old_habit_that_loses_something_is_told(text, message, line, column):
    found = converted(text)
    assert found.faults == ()
    assert [(one.message, one.line, one.column) for one in found.warnings] == [(message, line, column)]
    assert all(one.hint for one in found.warnings)


@pytest.mark.parametrize(
    "text",
    [
        "- a\n\nb",
        "- a\n\n  b",
        "- a\n\n      b",
        "1. a\n\n- b",
        " - a\n\n b",
        "- a\n\n## b",
        "- a\n\n```\nb\n```",
        "- a\n\n| b |\n|---|\n| c |",
        "- a\n\n> b",
        "- a\n\n***",
        "- a\n\n!!! note\n    b",
        "1. a\n\n# b\n\n2. c",
        "10. a\n\n    b",
        "- a\n\n  - b\n\n    c",
        "- a\n- b\n\n<!-- c -->",
        "<details>\n\n    a\n\nb",
        "a\n\n    b",
        "<div>a</div>\n\n    b\n\nc",
        "<pre>\n```\n</pre>",
    ],
)
def test_what_loses_nothing_is_not_told(text):
    assert converted(text).warnings == ()


def test_code_that_is_too_long_is_shown_without_colours_and_told():
    text = "a = 1\n" * 20_000
    found = converted(f"x\n\n```python\n{text}```\n")
    assert text in found.html
    assert [(one.line, one.column) for one in found.warnings] == [(3, 4)]
