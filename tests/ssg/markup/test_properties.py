"""Any text converts, to the same bytes everywhere, and to HTML whose tags pair."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssg.l10n.language import language
from ssg.markup import converter
from ssg.markup.converter import convert
from ssg.markup.html.tags import VOID
from ssg.markup.text.converted import MarkdownOptions
from tests.ssg.markup.written import as_written

# Markdown as people write it, as they break it, and as nobody would.
PIECES = [
    *(
        "# ",
        "## ",
        "- ",
        "* ",
        "1. ",
        "> ",
        "    ",
        "\t",
        "\n",
        "\n\n",
        "  \n",
        "---",
        "***",
        "**",
        "*",
        "_",
        "~~",
        "`",
        "``",
    ),
    *(
        "```",
        "```python\n",
        "```\n",
        "~~~\n",
        "[",
        "]",
        "](",
        ")",
        "![",
        "[^1]",
        "[^1]: ",
        "[x]: y",
        "[x][y]",
        "<",
        ">",
        "</",
    ),
    *(
        "<div>",
        "</div>",
        "<b>",
        "</b>",
        "<p>",
        "<br>",
        "<!-- more -->",
        "<!--",
        "-->",
        "<a href='x'>",
        "</a>",
        "<pre>",
        "</pre>",
    ),
    *(
        '<img src="',
        '"',
        "'",
        "<div markdown=1>",
        "&amp;",
        "&",
        ";",
        "&#2;",
        "\\",
        "|",
        "a|b\n-|-\n",
        ": ",
        "*[HTML]: x",
        "HTML",
    ),
    *(
        "{#id}",
        "{.c}",
        "{: href=x}",
        "<http://e.org>",
        "<a@b.c>",
        "https://e.org/a--b?c='d'",
        "...",
        "--",
        "word",
        " ",
        "é",
        "п",
    ),
    *(
        "« a »",
        "!",
        "?",
        ":",
        "\x02",
        "\x03",
        "\x00",
        "\x1e",
        "\r\n",
        "\u2028",
        "klzzwxh:0000",
        "wzxhzdk:0",
        "<script>",
        "</script>",
    ),
    *(
        "<?php",
        "?>",
        "<![CDATA[",
        "]]>",
        "<svg><path/></svg>",
        "- [ ] ",
        "- [x] ",
        "Term\n:   Def",
        "javascript:x",
        "'90s",
        '"q"',
    ),
]

markdown = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=40).map("".join)

OPTIONS = st.builds(MarkdownOptions, typography=st.booleans(), html=st.booleans(), highlight=st.booleans())
LANGUAGES = st.sampled_from(["en", "fr", "de"]).map(language)


@given(markdown, OPTIONS, LANGUAGES)
@settings(max_examples=400)
def test_any_text_converts_and_nothing_of_the_works_is_left(text, options, tongue):
    found = convert(text, options, tongue)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for said in (as_written(found), as_written(found, found.summary_html), found.plain_text, found.summary_text):
        assert not re.search("[\x02\x03\x1e]", said)
    for heading in found.headings:
        assert not re.search("[\x02\x03\x1e]", heading.id + heading.title + heading.html)
        assert heading.id in found.ids
    for thing in (*found.faults, *found.slots, *found.externals):
        assert 1 <= thing.line <= len(lines) + 1
        assert thing.column >= 1
        assert thing.length >= 1


class _Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag, attrs):
        del attrs
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        if not self.stack or self.stack.pop() != tag:
            self.wrong.append(tag)


@given(markdown)
@settings(max_examples=300)
def test_tags_pair_in_all_that_markdown_makes(text):
    found = convert(text, MarkdownOptions(html=False), language("fr"))
    for html in (found.html, found.summary_html):
        check = _Balance()
        check.feed(as_written(found, html))
        check.close()
        assert (check.stack, check.wrong) == ([], [])


@given(st.lists(markdown, min_size=2, max_size=4), OPTIONS)
@settings(max_examples=60)
def test_a_text_converts_the_same_whatever_came_before(texts, options):
    tongue = language("en")
    one_after_another = [convert(text, options, tongue) for text in texts]
    backwards = [convert(text, options, tongue) for text in reversed(texts)]
    converter._own.cache_clear()
    alone = convert(texts[-1], options, tongue)
    assert one_after_another == backwards[::-1]
    assert one_after_another[-1] == alone


@pytest.mark.parametrize(
    "text", [">" * 5000 + "a", "- " * 3000 + "a", "[" * 500, "*" * 5000 + "a", "<b>" * 3000, "![" * 300 + "](" * 300]
)
def test_a_text_that_is_nested_too_deeply_is_a_fault_at_most(text):
    found = convert(text, MarkdownOptions(), language("en"))
    assert isinstance(found.html, str)
    assert convert("*a*", MarkdownOptions(), language("en")).html == "<p><em>a</em></p>"


SCRIPT = """
import sys
from pathlib import Path
from ssg.l10n.language import language
from ssg.markup.text.converted import MarkdownOptions
from ssg.markup.converter import convert
for tag in ("fr", "tr", "en"):
    found = convert(Path(sys.argv[1]).read_text("utf-8"), MarkdownOptions(), language(tag))
    said = (found.html, found.slots, found.headings, sorted(found.ids), found.plain_text)
    sys.stdout.buffer.write(repr(said).encode())
"""


def test_the_same_bytes_under_any_locale_zone_and_hash_seed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(Path(__file__).with_name("page.md").read_text("utf-8"), "utf-8")
    outputs = set()
    for number, extra in enumerate(
        [
            {"LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "1"},
            {"LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "2"},
            {"LANG": "fr_FR@euro", "TZ": "Nowhere/None", "PYTHONHASHSEED": "3", "PYTHONUTF8": "0"},
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG"))} | extra
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(page)],
            env=environment,
            cwd=folder,
            capture_output=True,
            timeout=60,
            check=True,
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1
    assert len(outputs.pop()) > 3000


def test_a_whole_page_is_as_it_was(rendered):
    """A golden page. Where it changes on purpose: look at the difference, then write page.html anew."""
    here = Path(__file__)
    html = rendered(here.with_name("page.md").read_text("utf-8"), MarkdownOptions(), "fr")
    assert html + "\n" == here.with_name("page.html").read_text("utf-8")
