"""[markdown] dialect = "python-markdown": pages that were written for Python-Markdown are read as it reads them."""

import markdown
import pytest

from ssg.l10n.language import language
from ssg.markup.converter import convert
from ssg.markup.text.converted import MarkdownOptions
from tests.ssg.markup.written import as_written

STOCK = MarkdownOptions(typography=False, permalinks=False, dialect="python-markdown")


def html_of(text: str) -> str:
    found = convert(text, STOCK, language("en"))
    assert found.faults == ()
    return as_written(found)


@pytest.mark.parametrize(
    "text",
    [
        "- a\n    - b\n\n        c\n\n1. d",
        "1. a\n\n    b\n\n100. c",
        "text\n- no list",
        "<div>\n*a*\n\n    b\n</div>",
        "a *b* __c__ `d` [e](f 'g') ![h](i)",
        "[a] [b]\n\n[b]: c\n",
        "A\n:   b\n\n    c",
        "a | b\n--|--\n`c|d` | e",
        "> a\nb\n\n> c",
        "    code\n\na\n* * *\nb",
    ],
)
def test_it_is_python_markdowns_own_reading(text):
    extensions = ["tables", "def_list", "attr_list", "abbr", "sane_lists", "md_in_html"]
    assert html_of(text) == markdown.markdown(text, extensions=extensions, output_format="html")


def test_what_we_add_is_there():
    html = html_of("```\na\n```\n\n- [x] b ~~c~~[^1] <d@e.org>\n\n[^1]: f\n")
    for part in ('class="highlight"', 'type="checkbox"', "<del>c</del>", 'role="doc-noteref"', 'href="mailto:d@e.org"'):
        assert part in html


def test_links_and_faults_have_their_places():
    found = convert("`[a](x.md)` [a](x.md) [b](x.md)\n\n[c][nope] d[^no]", STOCK, language("en"))
    assert [(link.target, link.line, link.column) for link in found.links] == [("x.md", 1, 17), ("x.md", 1, 27)]
    assert [(fault.message, fault.line, fault.column) for fault in found.faults] == [
        ('no link is defined for "nope"', 3, 5),
        ('no footnote is called "no"', 3, 12),
    ]
