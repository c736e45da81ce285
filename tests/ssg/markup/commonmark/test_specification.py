"""CommonMark 0.31.2 whole: all examples of its specification, which npm has, and random documents by two referees."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from benchmarks.specification import EXAMPLES, examples
from benchmarks.structure import structure
from tests.ssg.markup.commonmark.conftest import html_of
from tests.ssg.markup.commonmark.documents import document

DIFFERS = {
    "< https://foo.bar >\n": "GFM: an address is a link as it stands",
    "https://example.com\n": "GFM: an address is a link as it stands",
    "foo@bar.example.com\n": "GFM: an address is a link as it stands",
}
"""Examples that the dialect reads in another way than CommonMark alone, and why."""

EACH = 1000
PARTS = 20 if os.environ.get("CI") == "true" else 3
STRICTER = 5
"""So many of 1,000 documents may be read in another way than commonmark.js reads them, if markdown-it-py reads them
alike. They are of three kinds, in all of which commonmark.js stands alone:

- a sign of an empty item, or a rule, right below definitions: these are no paragraph, so that it begins a block;
- HTML in an image's text, which must not become HTML in an attribute;
- hard line breaks and comments at the edge of a line, of which it drops the line break.
"""

RENDER = """
const { Parser, HtmlRenderer } = require('commonmark');
const parser = new Parser(), renderer = new HtmlRenderer();
const texts = JSON.parse(require('fs').readFileSync(0));
process.stdout.write(JSON.stringify(texts.map((text) => renderer.render(parser.parse(text)))));
"""


def test_each_example_of_the_specification_is_read_as_it_says(npm, plain):
    read = [(text, structure(plain(text)) == structure(html)) for text, html in examples(npm)]
    assert [text for text, is_right in read if not is_right] == []
    assert len(read) == EXAMPLES


def test_with_all_additions_no_example_is_read_in_another_way_but_for_a_reason(npm):
    wrong = [text for text, html in examples(npm) if structure(html_of(text)) != structure(html)]
    assert sorted(wrong) == sorted(DIFFERS)


def test_with_all_additions_no_text_of_an_example_is_lost(npm):
    def letters(html: str) -> str:
        return "".join(text for kind, text, _ in structure(html) if kind == "text").replace(" ", "").replace("\n", "")

    for text, html in examples(npm):
        assert letters(html_of(text)) == letters(html), text


def commonmark_js(texts: list[str], npm: Path) -> list[str]:
    command = ["node", "-e", RENDER]
    done = subprocess.run(
        command, input=json.dumps(texts).encode(), cwd=npm.parent, capture_output=True, timeout=60, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("part", range(PARTS))
def test_random_documents_have_the_structure_that_the_referees_give_them(part, npm, plain):
    texts = [document(number) for number in range(part * EACH, (part + 1) * EACH)]
    second = MarkdownIt("commonmark")
    alone = 0
    for text, first in zip(texts, commonmark_js(texts, npm), strict=True):
        own = structure(plain(text))
        if own != structure(first):
            alone += 1
            assert own == structure(second.render(text)), text
    assert alone <= STRICTER
