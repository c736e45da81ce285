"""Python-Markdown stays the frame: what its extensions register works, but for block processors, which are told so."""

import re
from xml.etree.ElementTree import Element

import pytest
from markdown import Markdown
from markdown.blockprocessors import BlockProcessor
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor, Pattern, SimpleTagInlineProcessor
from markdown.treeprocessors import Treeprocessor
from markdown.util import AtomicString

from ssg.l10n.language import language
from ssg.markup import converter
from ssg.markup.text.converted import MarkdownOptions
from tests.ssg.markup.written import as_written


class Keys(InlineProcessor):
    def handleMatch(self, m: re.Match[str], data: str) -> tuple[Element, int, int]:  # noqa: ARG002, N802
        key = Element("kbd")
        key.text = AtomicString(m[1])
        return key, m.start(0), m.end(0)


class Old(Pattern):
    def handleMatch(self, m: re.Match[str]) -> Element:  # noqa: N802
        mark = Element("mark")
        mark.text = m[2]
        return mark


class Never(InlineProcessor):
    def handleMatch(self, m: re.Match[str], data: str) -> tuple[None, None, None]:  # noqa: ARG002, N802
        return None, None, None


class Upper(Treeprocessor):
    def run(self, root: Element) -> None:
        for link in root.iter("a"):
            link.set("class", "to-" + link.get("href", ""))


class Blocks(BlockProcessor):
    def test(self, parent: Element, block: str) -> bool:  # noqa: ARG002
        return False


class Plugin(Extension):
    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
        md.inlinePatterns.register(Never("k", md), "never", 190)
        md.inlinePatterns.register(Keys(r"\+\+(.+?)\+\+", md), "keys", 185)
        md.inlinePatterns.register(SimpleTagInlineProcessor(r"(\^)(.+?)\^", "sup"), "sup", 184)
        md.inlinePatterns.register(Old(r"==(.+?)==", md), "old", 183)
        md.treeprocessors.register(Upper(md), "upper", 5)


def html_with(text: str, extension: Extension, monkeypatch: pytest.MonkeyPatch) -> str:
    made = converter.instance(html=True)
    made.markdown.registerExtensions([extension], {})

    def own(html: bool) -> object:
        return made

    own.cache_clear = lambda: None
    monkeypatch.setattr(converter, "_own", own)
    found = converter.convert(text, MarkdownOptions(typography=False, permalinks=False), language("en"))
    return as_written(found)


def test_inline_patterns_and_tree_processors_of_others_work(monkeypatch):
    text = "++*k*++ a^*b*^ ==c== `++d++` [++e++](f.md) \\++g++ **==*h*==**"
    assert html_with(text, Plugin(), monkeypatch) == (
        "<p><kbd>*k*</kbd> a<sup><em>b</em></sup> <mark>c</mark> <code>++d++</code> "
        '<a class="to-f.md" href="f.md"><kbd>e</kbd></a> ++g++ <strong><mark><em>h</em></mark></strong></p>'
    )


def test_a_block_processor_of_others_is_told_that_it_does_not_work():
    class Wrong(Extension):
        def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802
            md.parser.blockprocessors.register(Blocks(md.parser), "wrong", 10)

    made = converter.instance(html=True)
    with pytest.raises(TypeError, match='block processor "wrong"'):
        made.markdown.registerExtensions([Wrong()], {})
