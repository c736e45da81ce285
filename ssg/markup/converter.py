"""Markdown to HTML. The one place where Python-Markdown is put together.

The dialect: CommonMark and GFM as commonmark/ reads them, with what Python-Markdown's authors expect. Python-Markdown
is the frame: its pipeline, its registries, its stash, its tree processors. Its own reading is that of stock/.
"""

from functools import cache
from typing import TYPE_CHECKING, Final

from markdown import Markdown

from ssg.l10n.language import Language
from ssg.markup.code.highlighting import block
from ssg.markup.dialects.commonmark import Dialect
from ssg.markup.dialects.conversion import Conversion, MarkdownInstance
from ssg.markup.dialects.serialization import parts
from ssg.markup.html.body import body
from ssg.markup.text.converted import Converted, HighlightedBlocks, MarkdownOptions
from ssg.markup.text.positions import MarkdownSource

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from ssg.markup.html.tags import Html

EMPTY: Final = Converted("", (), (), (), frozenset(), "", "", "", has_code=False, faults=())


def convert(
    text: str, options: MarkdownOptions, language: Language, blocks: HighlightedBlocks | None = None
) -> Converted:
    """The Converted of a Markdown text: a function of the three arguments alone, whatever was converted before.

    `blocks` keeps highlighted code from one conversion to another, and changes nothing but who does the work.
    Raises nothing for what an author can write: what must be mended is in `faults`, at its line and column in `text`.
    """
    source = MarkdownSource(text)
    if not source.text.strip():
        return EMPTY
    converter = _stock(options.html) if options.dialect == "python-markdown" else _own(options.html)
    try:
        return converted(converter, source, options, language, blocks)
    except RecursionError:
        # The instance was left in the middle of its work.
        _own.cache_clear()
        _stock.cache_clear()
        converter.state.too_deep((1, 1))
        return Converted("", (), (), (), frozenset(), "", "", "", has_code=False, faults=tuple(source.faults))


def converted(
    converter: MarkdownInstance,
    source: MarkdownSource,
    options: MarkdownOptions,
    language: Language,
    blocks: HighlightedBlocks | None = None,
) -> Converted:
    """As convert(), by a certain instance. Raises RecursionError where a text is nested too deeply."""
    state = converter.state
    state.begin(source, options, language)
    converter.markdown.reset()
    html = converter.html(source.text)
    return body(html, source, options, language, state.fences, lambda number: _code(state, number, options, blocks))


def _code(state: Conversion, number: int, options: MarkdownOptions, blocks: HighlightedBlocks | None) -> str:
    if number >= len(state.fences):
        return ""
    return block(state.fences[number], state.source, highlight=options.highlight, blocks=blocks)


@cache
def _own(html: bool) -> MarkdownInstance:  # noqa: FBT001 - the key of the cache
    """One Markdown instance for all texts of a process. Language and labels come later."""
    return instance(html=html)


def instance(*, html: bool, extended: bool = True) -> MarkdownInstance:
    """A new instance that reads CommonMark: no more of it where `extended` is False, as its tests want it."""
    state = Conversion(html=html)
    markdown = Markdown(extensions=[Dialect(state, extended=extended)], output_format="html")

    def convert(text: str) -> "Html":
        """As Python-Markdown's own up to its tree, which is written as parts."""
        lines = text.split("\n")
        for preprocessor in markdown.preprocessors:
            lines = preprocessor.run(lines)
        root: Element = markdown.parser.parseDocument(lines).getroot()  # type: ignore[assignment]
        for processor in markdown.treeprocessors:
            changed = processor.run(root)
            root = root if changed is None else changed
        return parts(root, state)

    return MarkdownInstance(markdown, state, convert)


@cache
def _stock(html: bool) -> MarkdownInstance:  # noqa: FBT001 - the key of the cache
    from ssg.markup.dialects.python_markdown import instance  # noqa: PLC0415

    return instance(html=html)
