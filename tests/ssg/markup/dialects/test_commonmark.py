"""What Markdown becomes: a table of promises."""

import itertools
import re

import pytest

from ssg.markup.text.converted import MarkdownOptions

CASES = {
    "paragraph": ("a *b* **c** `d<`", "<p>a <em>b</em> <strong>c</strong> <code>d&lt;</code></p>"),
    "heading": ("## A b", '<h2 id="a-b">A b</h2>'),
    "heading with its own anchor": ("## A {#own}", '<h2 id="own">A</h2>'),
    "heading in Cyrillic": ("# Привет, мир", '<h1 id="привет-мир">Привет, мир</h1>'),
    "rule": ("---", "<hr>"),
    "line break": ("a  \nb", "<p>a<br>\nb</p>"),
    "tight list": ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
    "lists of two kinds stay two": ("1. a\n\n- b", "<ol>\n<li>a</li>\n</ol>\n<ul>\n<li>b</li>\n</ul>"),
    "deletion": ("~~a~~ b~~c ~~ d", "<p><del>a</del> b~~c ~~ d</p>"),
    "task list": (
        "- [ ] a\n- [x] *b*\n- [y] c",
        (
            '<ul>\n<li class="task"><label><input disabled type="checkbox"> a</label></li>\n'
            '<li class="task"><label><input checked disabled type="checkbox"> <em>b</em></label></li>\n'
            "<li>[y] c</li>\n</ul>"
        ),
    ),
    "table, its columns by class": (
        "a | b\n:-:|--:\n1 | 2",
        (
            '<table>\n<thead>\n<tr>\n<th class="align-center">a</th>\n<th class="align-right">b</th>\n</tr>\n</thead>\n'
            '<tbody>\n<tr>\n<td class="align-center">1</td>\n<td class="align-right">2</td>\n</tr>\n</tbody>\n</table>'
        ),
    ),
    "definition list": ("T\n:   d", "<dl>\n<dt>T</dt>\n<dd>d</dd>\n</dl>"),
    "abbreviation": ("*[CI]: c i\nCI", '<p><abbr title="c i">CI</abbr></p>'),
    "attribute list": ("a [b](c){.d}", '<p>a <a class="d" href="c">b</a></p>'),
    "Markdown in HTML": ('<div markdown="1">\n*a*\n</div>', "<div>\n<p><em>a</em></p>\n</div>"),
    "HTML stays": ("<div>*a*</div>", "<div>*a*</div>"),
    "e-mail": ("<a@b.org>", '<p><a href="mailto:a@b.org">a@b.org</a></p>'),
    "e-mail with its scheme": ("<mailto:a@b.org>", '<p><a href="mailto:a@b.org">mailto:a@b.org</a></p>'),
    "autolink": (
        "<https://b.org/?a=1&b=2>",
        '<p><a href="https://b.org/?a=1&amp;b=2">https://b.org/?a=1&amp;b=2</a></p>',
    ),
    "image": ('![a "b"](c.png "t")', '<p><img alt="a &quot;b&quot;" src="c.png" title="t"></p>'),
    "escapes": (r"\*a\* \"b\" \~\~c\~\~", "<p>*a* &quot;b&quot; ~~c~~</p>"),
    "code without a language": (
        "```\na <b>\n```",
        '<pre class="highlight" tabindex="0"><code>a &lt;b&gt;\n</code></pre>',
    ),
    "code by indentation": ("    a <b>", "<pre><code>a &lt;b&gt;\n</code></pre>"),
    "footnotes": (
        "a[^n] b[^m]\n\n[^m]: *two*\n[^n]: one",
        (
            '<p>a<sup id="fnref-n"><a class="footnote-ref" href="#fn-n" role="doc-noteref">1</a></sup>'
            ' b<sup id="fnref-m"><a class="footnote-ref" href="#fn-m" role="doc-noteref">2</a></sup></p>\n'
            '<section class="footnotes" role="doc-endnotes">\n<ol>\n'
            '<li id="fn-n">\n<p>one&#160;'
            '<a class="footnote-backref" href="#fnref-n" role="doc-backlink">↩\ufe0e</a></p>\n</li>\n'
            '<li id="fn-m">\n<p><em>two</em>&#160;'
            '<a class="footnote-backref" href="#fnref-m" role="doc-backlink">↩\ufe0e</a></p>\n</li>\n'
            "</ol>\n</section>"
        ),
    ),
}


@pytest.mark.parametrize(("text", "html"), CASES.values(), ids=CASES.keys())
def test_markdown_becomes_html(rendered, text, html):
    assert rendered(text) == html


FENCE = '<pre class="highlight" tabindex="0"><code>a\n  b\n</code></pre>'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("~~~\na\n  b\n~~~", FENCE),
        ("text\n```\na\n  b\n```\ntext", f"<p>text</p>\n{FENCE}\n\n<p>text</p>"),
        ("- x\n\n    ```\n    a\n      b\n    ```\n", f"<ul>\n<li>\n<p>x</p>\n{FENCE}\n</li>\n</ul>"),
        (
            "1. x\n    ```\n    a\n      b\n    ```\n2. y",
            f"<ol>\n<li>x\n{FENCE}\n</li>\n<li>y</li>\n</ol>",
        ),
        ("> x\n> ```\n> a\n>   b\n> ```\n> y", f"<blockquote>\n<p>x</p>\n{FENCE}\n<p>y</p>\n</blockquote>"),
        ("T\n:   d\n\n    ```\n    a\n      b\n    ```", f"<dl>\n<dt>T</dt>\n<dd>\n<p>d</p>\n{FENCE}\n</dd>\n</dl>"),
        ("<div>\n\n```\na\n  b\n```\n\n</div>", f"<div>\n\n{FENCE}\n\n\n</div>"),
        ("    ```\n    a\n    ```", "<pre><code>```\na\n```\n</code></pre>"),
        ("````\n```\n````", '<pre class="highlight" tabindex="0"><code>```\n</code></pre>'),
        ("```\n```", '<pre class="highlight" tabindex="0"><code></code></pre>'),
        ("a ```b``` c", "<p>a <code>b</code> c</p>"),
        ("a ```a\nb``` c", "<p>a <code>a b</code> c</p>"),
    ],
)
def test_a_fence_may_stand_wherever_text_may(rendered, text, html):
    def lines(markup):
        return [line for line in markup.split("\n") if line]

    assert lines(rendered(text)) == lines(html)


def test_raw_html_can_be_off(rendered):
    options = MarkdownOptions(html=False, typography=False)
    assert rendered("<b>a</b>\n\n<div>x</div>", options) == (
        "<p>&lt;b&gt;a&lt;/b&gt;</p>\n<p>&lt;div&gt;x&lt;/div&gt;</p>"
    )


def test_a_heading_has_a_permalink_that_says_where_it_leads(rendered):
    options = MarkdownOptions(typography=False, permalink_label="Link to “{title}”")
    assert rendered("# A *b*", options) == (
        '<h1 id="a-b">A <em>b</em><a class="permalink" href="#a-b" aria-label="Link to “A b”"></a></h1>'
    )
    assert rendered("# A", MarkdownOptions()) == (
        '<h1 id="a">A<a class="permalink" href="#a" aria-hidden="true" tabindex="-1"></a></h1>'
    )


def test_a_footnotes_way_back_is_labelled_and_so_is_each_of_two(rendered):
    html = rendered("a[^n] b[^n]\n\n[^n]: one", MarkdownOptions(footnote_label="Back to note {number}"))
    assert html.count('aria-label="Back to note 1"') == 2
    assert 'href="#fnref-n"' in html
    assert 'href="#fnref2-n"' in html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*a **b*c", "<em>a **b</em>c"),
        ("**a* b", "*<em>a</em> b"),
        ("*a **b** c*", "<em>a <strong>b</strong> c</em>"),
        ("***a** b*", "<em><strong>a</strong> b</em>"),
        ("*a _b* c_", "<em>a _b</em> c_"),
        ("a_b_c 2*3*4", "a_b_c 2<em>3</em>4"),
    ],
)
def test_overlapping_signs_lose_nothing(rendered, text, html):
    assert rendered(text) == f"<p>{html}</p>"


def test_no_row_of_signs_swallows_a_letter(converted):
    """All rows of up to five pieces: what is no sign of emphasis is still there."""
    for length in range(2, 6):
        for pieces in itertools.product(["*", "**", "x", " ", "_", "."], repeat=length):
            text = f"w{''.join(pieces)}k"
            seen = re.sub(r"[*_\s]", "", converted(text).plain_text)
            assert seen == re.sub(r"[*_\s]", "", text)


@pytest.mark.parametrize(
    "text",
    [
        "[a]: /" + "x" * 20_000 + "\n\n" + "[a]\n\n" * 50,
        "[a]: /x '" + "x" * 20_000 + "'\n\n" + "![a][]\n\n" * 50,
        "*[ab]: " + "x" * 20_000 + "\n\n" + "ab\n\n" * 50,
    ],
)
def test_a_long_definition_that_is_used_often_is_a_fault_and_fills_nothing(converted, text):
    found = converted(text)
    message = "the page of this text would be far longer than the text"
    assert [fault.message for fault in found.faults] == [message]
    assert len(found.html) < 30 * len(text)


def test_a_definition_may_be_used_as_often_as_a_text_does(converted):
    text = "*[ab]: abbreviation\n\n[c]: https://e.example/" + "x" * 100 + "\n\n" + "ab [c]\n\n" * 200
    assert converted(text).faults == ()
