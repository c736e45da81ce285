"""What the dialect adds to CommonMark: GFM's extensions, and what Python-Markdown's authors expect."""

import pytest

from ssg.markup.text.converted import MarkdownOptions
from tests.ssg.markup.commonmark.conftest import html_of


def table(*rows: str) -> str:
    return f"<table>\n<thead>\n{rows[0]}</thead>\n" + (
        f"<tbody>\n{''.join(rows[1:])}</tbody>\n</table>" if rows[1:] else "</table>"
    )


def row(*cells: str, tag: str = "td") -> str:
    return "<tr>\n" + "".join(f"<{tag}>{cell}</{tag}>\n" for cell in cells) + "</tr>\n"


def head(*cells: str) -> str:
    return row(*cells, tag="th")


GFM = {
    "table": ("| a | b |\n| - | - |\n| *c* | d |", table(head("a", "b"), row("<em>c</em>", "d"))),
    "table without its outer signs": ("a | b\n- | -\nc | d", table(head("a", "b"), row("c", "d"))),
    "table without rows": ("|a|\n|-|", table(head("a"))),
    "row with too few and too many cells": (
        "|a|b|\n|-|-|\n|c|\n|d|e|f|",
        table(head("a", "b"), row("c", ""), row("d", "e")),
    ),
    "sign in a cell": ("|a|\n|-|\n|b `\\|` **\\|** x|", table(head("a"), row("b <code>|</code> <strong>|</strong> x"))),
    "table right below text": ("x\n|a|\n|-|\n|b|", "<p>x</p>\n" + table(head("a"), row("b"))),
    "table ends where a block begins": ("|a|\n|-|\n> b", table(head("a")) + "\n<blockquote>\n<p>b</p>\n</blockquote>"),
    "table ends at a blank line": ("|a|\n|-|\n|b|\n\nc", table(head("a"), row("b")) + "\n<p>c</p>"),
    "rows of other widths are no table": ("|a|b|\n|-|\n|c|", "<p>|a|b|\n|-|\n|c|</p>"),
    "table in an item": ("- |a|\n  |-|\n  |b|", "<ul>\n<li>\n" + table(head("a"), row("b")) + "\n</li>\n</ul>"),
    "deletions": ("~~a~~ ~b~ ~~~c~~~ ~~d e", "<p><del>a</del> <del>b</del> ~~~c~~~ ~~d e</p>"),
    "deletion over two paragraphs": ("~~a\n\nb~~", "<p>~~a</p>\n<p>b~~</p>"),
    "www": (
        "www.e.org and (www.e.org/a?b=c)",
        ('<p><a href="http://www.e.org">www.e.org</a> and (<a href="http://www.e.org/a?b=c">www.e.org/a?b=c</a>)</p>'),
    ),
    "marks behind an address": (
        "Visit https://e.org/a, https://e.org/b. https://e.org/c!",
        (
            '<p>Visit <a href="https://e.org/a">https://e.org/a</a>, <a href="https://e.org/b">https://e.org/b</a>. '
            '<a href="https://e.org/c">https://e.org/c</a>!</p>'
        ),
    ),
    "parentheses in an address": (
        "(https://e.org/a_(b)) https://e.org/a)",
        (
            '<p>(<a href="https://e.org/a_(b)">https://e.org/a_(b)</a>) '
            '<a href="https://e.org/a">https://e.org/a</a>)</p>'
        ),
    ),
    "reference behind an address": (
        "https://e.org/?a&lt; https://e.org/?a&hl;",
        (
            '<p><a href="https://e.org/?a">https://e.org/?a</a>&lt; '
            '<a href="https://e.org/?a">https://e.org/?a</a>&amp;hl;</p>'
        ),
    ),
    "address within a word": ("ahttps://e.org xwww.e.org", "<p>ahttps://e.org xwww.e.org</p>"),
    "no domain": ("https://a_b.c_d www. http://", "<p>https://a_b.c_d www. http://</p>"),
    "mails": (
        "a.b-c_d@e.org. x@y a@b.c- +@e.org_",
        '<p><a href="mailto:a.b-c_d@e.org">a.b-c_d@e.org</a>. x@y a@b.c- +@e.org_</p>',
    ),
    "address as a link's text": ("[https://e.org/a](b)", '<p><a href="b">https://e.org/a</a></p>'),
    "address in code": ("`https://e.org` `a@b.c`", "<p><code>https://e.org</code> <code>a@b.c</code></p>"),
    "alert": (
        "> [!NOTE]\n> a\n>\n> - b",
        (
            '<div class="admonition note">\n<p class="admonition-title">Note</p>\n<p>a</p>\n'
            "<ul>\n<li>b</li>\n</ul>\n</div>"
        ),
    ),
    "alert with a title of its own": (
        "> [!warning] *Hot*\n> a",
        ('<div class="admonition warning">\n<p class="admonition-title"><em>Hot</em></p>\n<p>a</p>\n</div>'),
    ),
    "no alert": ("> [!NOPE]\n> a", "<blockquote>\n<p>[!NOPE]\na</p>\n</blockquote>"),
    "task in a numbered, loose list": (
        "1. [x] a\n\n2. b",
        (
            '<ol>\n<li class="task">\n<p><label><input checked disabled type="checkbox"> a</label></p>\n</li>\n'
            "<li>\n<p>b</p>\n</li>\n</ol>"
        ),
    ),
    "no task": ("- [ ]\n- [x]a", "<ul>\n<li>[ ]</li>\n<li>[x]a</li>\n</ul>"),
}

PYTHON_MARKDOWN = {
    "attributes below a heading": ("## A\n{: #b .c }\n\nx", '<h2 class="c" id="b">A</h2>\n<p>x</p>'),
    "attributes below an underlined heading": ("A\n=\n{: #b }\nx", '<h1 id="b">A</h1>\n<p>x</p>'),
    "attributes of a paragraph": ("a\nb\n{: .c }", '<p class="c">a\nb</p>'),
    "attributes of an image": ("![a](b.png){.c width=3}", '<p><img alt="a" class="c" src="b.png" width="3"></p>'),
    "definitions of several terms": (
        "A\nB\n:   c\n:   d\n\nE\n\n:   f\n\n    g",
        ("<dl>\n<dt>A</dt>\n<dt>B</dt>\n<dd>c</dd>\n<dd>d</dd>\n<dt>E</dt>\n<dd>\n<p>f</p>\n<p>g</p>\n</dd>\n</dl>"),
    ),
    "glossary without blank lines": (
        "A\n: b\nC\n: d",
        "<dl>\n<dt>A</dt>\n<dd>b</dd>\n<dt>C</dt>\n<dd>d</dd>\n</dl>",
    ),
    "list in a definition": (
        "A\n:   - b\n    - c",
        "<dl>\n<dt>A</dt>\n<dd>\n<ul>\n<li>b</li>\n<li>c</li>\n</ul>\n</dd>\n</dl>",
    ),
    "no definition": ("a : b\n\n\n: c", "<p>a : b</p>\n<p>: c</p>"),
    "admonition": (
        '!!! danger other "A *b*"\n    c\n\n    - d\ne',
        (
            '<div class="admonition danger other">\n<p class="admonition-title">A <em>b</em></p>\n<p>c</p>\n'
            "<ul>\n<li>d</li>\n</ul>\n</div>\n<p>e</p>"
        ),
    ),
    "admonition without a title": ('!!! note ""\n    a', '<div class="admonition note">\n<p>a</p>\n</div>'),
    "folded": ("??? note\n    a", '<details class="note">\n<summary>Note</summary>\n<p>a</p>\n</details>'),
    "unfolded": ('???+ tip "T"\n    a', '<details class="tip" open>\n<summary>T</summary>\n<p>a</p>\n</details>'),
    "Markdown in HTML between blank lines": (
        "<details>\n<summary>a</summary>\n\n*b*\n\n</details>",
        "<details>\n<summary>a</summary>\n<p><em>b</em></p>\n</details>",
    ),
    "Markdown in HTML in HTML": (
        '<div markdown="1">\n<div>\n\n*a*\n\n</div>\n*b*\n</div>\nc',
        "<div>\n<div>\n<p><em>a</em></p>\n</div>\n<p><em>b</em></p>\n</div>\n<p>c</p>",
    ),
    "Markdown in a paragraph of HTML": ('<p class="a" markdown="1">*b*</p>', '<p class="a"><em>b</em></p>'),
    "Markdown in HTML as text or blocks": (
        '<div markdown="span">*a*</div>\n\n<td markdown="block">*a*</td>',
        "<div><em>a</em></div>\n<td>\n<p><em>a</em></p>\n</td>",
    ),
    "Markdown behind a summary": (
        '<details markdown="1">\n<summary>a</summary>\n*b*\n</details>',
        "<details>\n<summary>a</summary>\n<p><em>b</em></p>\n</details>",
    ),
    "end tag behind text": ('<div markdown="1">\n*a* b</div>', "<div>\n<p><em>a</em> b</p>\n</div>"),
    "contents": (
        "[TOC]\n\n# A\n\n## *B*\n\n# C",
        (
            '<div class="toc">\n<ul>\n<li><a href="#a">A</a>\n<ul>\n<li><a href="#b"><em>B</em></a></li>\n</ul>\n</li>\n'  # noqa: E501
            '<li><a href="#c">C</a></li>\n</ul>\n</div>\n<h1 id="a">A</h1>\n<h2 id="b"><em>B</em></h2>\n<h1 id="c">C</h1>'  # noqa: E501
        ),
    ),
    "abbreviations, the longest first": (
        "*[A]: x\n*[A B]: y\n\nA B A, AB",
        '<p><abbr title="y">A B</abbr> <abbr title="x">A</abbr>, AB</p>',
    ),
    "footnote with blocks": (
        "a[^b]\n\n[^b]: c\n\n    - d\n\n    ```\n    e\n    ```\n\nf",
        (
            '<p>a<sup id="fnref-b"><a class="footnote-ref" href="#fn-b" role="doc-noteref">1</a></sup></p>\n<p>f</p>\n'
            '<section class="footnotes" role="doc-endnotes">\n<ol>\n<li id="fn-b">\n<p>c</p>\n<ul>\n<li>d</li>\n</ul>\n'
            '<pre class="highlight" tabindex="0"><code>e\n</code></pre>\n<p>'
            '<a class="footnote-backref" href="#fnref-b" role="doc-backlink">↩\ufe0e</a></p>\n</li>\n</ol>\n</section>'
        ),
    ),
}

HABITS = {
    "code in an item, as its text stands": (
        "- a\n\n      b",
        "<ul>\n<li>\n<p>a</p>\n<pre><code>b\n</code></pre>\n</li>\n</ul>",
    ),
    "list nested by two blanks": ("- a\n  - b", "<ul>\n<li>a<ul>\n<li>b</li>\n</ul>\n</li>\n</ul>"),
    "second paragraph by three blanks": ("1. a\n\n   b", "<ol>\n<li>\n<p>a</p>\n<p>b</p>\n</li>\n</ol>"),
    "list right below text": ("a\n- b", "<p>a</p>\n<ul>\n<li>b</li>\n</ul>"),
    "heading without a blank": ("#a", "<p>#a</p>"),
    "code span as a label": ("[`a`]\n\n[`a`]: b", '<p><a href="b"><code>a</code></a></p>'),
    "number of the first item": ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'),
    "no-break space is text": ("\u00a0 a\n\n- \u00a0b", "<p>\u00a0 a</p>\n<ul>\n<li>\u00a0b</li>\n</ul>"),
}


@pytest.mark.parametrize(
    ("text", "html"),
    [*GFM.values(), *PYTHON_MARKDOWN.values(), *HABITS.values()],
    ids=[*GFM, *PYTHON_MARKDOWN, *HABITS],
)
def test_it_is_read_so(text, html):
    assert html_of(text) == html


def test_without_html_markdown_in_it_is_text_and_addresses_are_links():
    options = MarkdownOptions(typography=False, permalinks=False, html=False)
    assert html_of('<div markdown="1">\n*a* <b>c</b> <https://e.org>\n</div>', options) == (
        '<p>&lt;div markdown="1"&gt;\n<em>a</em> &lt;b&gt;c&lt;/b&gt; <a href="https://e.org">https://e.org</a>\n'
        "&lt;/div&gt;</p>"
    )
