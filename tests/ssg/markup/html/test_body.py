"""Headings, summaries, plain text, and what the author must mend."""

import pytest

from ssg.markup.text.converted import ContentsEntry, Fault, MarkdownOptions, contents
from tests.ssg.markup.written import as_written


def test_headings_in_order_with_unique_anchors(converted):
    found = converted("# A\n\n## B `c` [d](e) *f*\n\n## A\n\n## ❤️\n\n## A {#b-c-d-f}\n\n<h2>A</h2>\n")
    assert [(heading.level, heading.id, heading.title) for heading in found.headings] == [
        (1, "a", "A"),
        (2, "b-c-d-f-2", "B c d f"),
        (2, "a-2", "A"),
        (2, "section", "❤️"),
        (2, "b-c-d-f", "A"),
        (2, "a-3", "A"),
    ]
    assert found.headings[1].html == "B <code>c</code> d <em>f</em>"
    assert found.ids == {heading.id for heading in found.headings}


def test_of_headings_in_each_other_the_inner_one_has_an_anchor(converted):
    found = converted("<h1>a <h2>b</h2></h1>\n\n<h3>c</h3>\n\n## d")
    assert [(heading.level, heading.id) for heading in found.headings] == [(2, "b"), (3, "c"), (2, "d")]


def test_a_heading_has_no_footnote_sign_in_its_name(converted):
    found = converted("# A[^1] b\n\n[^1]: c")
    assert (found.headings[0].title, found.headings[0].id) == ("A b", "a-b")


def test_contents_nest_by_level(converted):
    headings = converted("## A\n\n#### B\n\n### C\n\n## D\n\n# E\n\n###### F").headings
    a, b, c, d, e, _ = headings
    assert contents(headings, 4) == (
        ContentsEntry(a, (ContentsEntry(b, ()), ContentsEntry(c, ()))),
        ContentsEntry(d, ()),
        ContentsEntry(e, ()),
    )


@pytest.mark.parametrize(
    ("text", "html", "plain"),
    [
        ("# T\n\n![i](i.png)\n\na *b*[^1] c\n\nd\n\n[^1]: n", "<p>a <em>b</em> c</p>", "a b c"),
        ("# T\n\na\n\n- b\n\n<!-- more -->\n\nd", "<h1>T</h1>\n<p>a</p>\n<ul>\n<li>b</li>\n</ul>", "T a b"),
        ("a\n<!--MORE-->\nb", "<p>a</p>", "a"),
        ("- a\n\n> b", "", ""),
        ("", "", ""),
    ],
)
def test_a_summary_is_the_first_paragraph_or_what_stands_before_more(converted, text, html, plain):
    found = converted(text)
    assert found.faults == ()
    assert as_written(found, found.summary_html) == html
    assert found.summary_text == plain
    assert "more" not in found.html.lower()


def test_more_works_without_raw_html(converted):
    found = converted("a\n\nb\n\n<!-- more -->\n\nc", MarkdownOptions(html=False))
    assert found.summary_html == "<p>a</p>\n<p>b</p>"


def test_plain_text_is_what_a_reader_reads(converted):
    text = (
        "# T\n\na &amp; `b` <b>c</b>[^1]  \nd ![i](i.png)\n\n```python\nx\n```\n\n<script>no</script>\n\n"
        "| e | f |\n|-|-|\n| g | h |\n\n[^1]: n"
    )
    assert converted(text).plain_text == "T\na & b c\nd\ne\nf\ng\nh\nn"


def test_code_that_is_highlighted_is_known(converted):
    assert converted("```\na\n```").has_code
    assert not converted("`a`").has_code


FAULTS = [
    ("[a][nope]", 'no link is defined for "nope"', 1, 5),
    ("[Read][guid]\n\n[guide]: x", 'no link is defined for "guid" (did you mean "guide"?)', 1, 8),
    ("x\n\n![a][nope]", 'no link is defined for "nope"', 3, 6),
    ("- [`a`][]", 'no link is defined for "`a`"', 1, 9),
    ("a[^nope]", 'no footnote is called "nope"', 1, 2),
    ("`[^nope]`\n\na [^nope]", 'no footnote is called "nope"', 3, 3),
    ("a\n\n[^1]: b", 'nothing refers to the footnote "1"', 3, 1),
    ("a[^1]\n\n[^1]:\n", 'the footnote "1" is empty', 3, 1),
    (
        "- a\n\n    ``` {.rst #x linenumz=1}\n    y\n    ```",
        'code has no option "linenumz" (did you mean "linenums"?)',
        3,
        18,
    ),
    ("```python hl_line=1\nx\n```", 'code has no option "hl_line" (did you mean "hl_lines"?)', 1, 11),
    ('```python hl_lines="1 3"\nx\n```', 'hl_lines can\'t be "3"', 1, 23),
    ("```python linenums=x\nx\n```", 'linenums can\'t be "x"', 1, 20),
    ("a\n\n  ```python\nx", "this code fence is never closed", 3, 3),
    ("a <List<b>> c", "<b> is never closed", 1, 8),
    ("`<i>` and <i>x", "<i> is never closed", 1, 11),
    ("a</b>", "</b> closes nothing", 1, 2),
    ("<div>\n\na\n\n", "<div> is never closed", 1, 1),
    ("- a\n\n    <!-- more -->", "<!-- more --> stands inside of something else", 3, 5),
    ("# A {#x}\n\n# B {#x}", 'two things have the anchor "x"', 1, 7),
]


@pytest.mark.parametrize(("text", "message", "line", "column"), FAULTS, ids=[case[1] for case in FAULTS])
def test_what_the_author_must_mend_has_its_place(converted, text, message, line, column):
    found = converted(text).faults
    assert [(fault.message, fault.line, fault.column) for fault in found] == [(message, line, column)]
    assert all(fault.hint for fault in found)


@pytest.mark.parametrize(
    "text",
    [
        "array[0][1] and f(x)[a][b]",
        "[sic] [emphasis mine]",
        "[a] [ ]",
        "`[a][b]` `[^c]` `<b>`",
        "    [a][b] <b> [^c]",
        "```\n[a][b] <b> [^c]\n```",
        "\\[a][b] \\[^c]",
        "[x][y](z)",
        "<ul><li>a<li>b</ul>",
        "<details><summary>a</summary>\n\nb\n\n</details>",
        "<svg><path d='M0'/><circle /></svg>",
        "<br> <hr> <br/>",
        "a < b > c",
        "1 <2",
    ],
)
def test_what_only_looks_wrong_is_left_alone(converted, text):
    assert converted(text).faults == ()


def test_a_fault_is_told_once_and_in_the_texts_order(converted):
    found = converted("[a][x] [b][x]\n\n```py hl_lines=2\n```\n\n[c][y]")
    assert [(fault.line, fault.column) for fault in found.faults] == [(1, 5), (1, 12), (3, 16), (6, 5)]
    assert isinstance(found.faults[0], Fault)
