"""Markdown to HTML. The one place where Python-Markdown is put together.

The dialect: Python-Markdown with tables, footnotes, definition lists, fenced code, attribute lists, abbreviations,
Markdown in raw HTML, sane lists, ~~deletions~~ and task lists. What is faster than Python-Markdown's own steps, with
the same result, is registered in `_instance` and nowhere else.
"""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from ssg.l10n.language import Language
from ssg.markup import acceleration
from ssg.markup.converted import Blocks, Converted, MarkdownOptions

if TYPE_CHECKING:
    from markdown import Markdown

    from ssg.markup.dialect import State

_PLACEHOLDER: Final = "klzzwxh:"  # what Python-Markdown puts for inline markup until the end

EMPTY: Final = Converted("", (), (), (), frozenset(), "", "", "", has_code=False, faults=())


def convert(text: str, options: MarkdownOptions, language: Language, blocks: Blocks | None = None) -> Converted:
    """The Converted of a Markdown text: a function of the three arguments alone, whatever was converted before.

    `blocks` keeps highlighted code from one conversion to another, and changes nothing but who does the work.
    Raises nothing for what an author can write: what must be mended is in `faults`, at its line and column in `text`.
    """
    from ssg.markup.body import body  # noqa: PLC0415 - with what it needs 20 ms, which a build of nothing saves
    from ssg.markup.positions import Source  # noqa: PLC0415

    source = Source(text)
    if not source.text.strip():
        return EMPTY
    converter = _instance(options.html)
    converter.state.source = source
    converter.state.fences = []
    try:
        converter.markdown.reset()
        html = converter.markdown.convert(source.text)
        if _PLACEHOLDER in html and _PLACEHOLDER not in source.text:
            # Python-Markdown 3.11 miscounts some overlapping pairs; better a refusal than a page with a hole.
            hint = "escape each * and _ that is no emphasis with a backslash: \\*"
            source.fault("the emphasis in this text can't be told apart", hint, (1, 1))
        return body(html, source, options, language, lambda number: _code(converter.state, number, options, blocks))
    except RecursionError:
        # The instance was left in the middle of its work.
        _instance.cache_clear()
        source.fault("this text is nested too deeply", "use fewer levels of lists, quotations or tags", (1, 1))
        return Converted("", (), (), (), frozenset(), "", "", "", has_code=False, faults=tuple(source.faults))


def _code(state: "State", number: int, options: MarkdownOptions, blocks: Blocks | None) -> str:
    from ssg.markup.highlighting import block  # noqa: PLC0415 - a text without code needs none of it

    if number >= len(state.fences):
        return ""
    return block(state.fences[number], state.source, highlight=options.highlight, blocks=blocks)


@dataclass(frozen=True, slots=True)
class _Converter:
    markdown: "Markdown"
    state: "State"


@cache
def _instance(html: bool) -> _Converter:  # noqa: FBT001 - the key of the cache
    """One Markdown instance for all texts of a process: building one costs 30 ms. Language and labels come later."""
    from markdown import Markdown  # noqa: PLC0415 - 35 ms
    from markdown import __version__ as markdown_version  # noqa: PLC0415
    from markdown.extensions.abbr import AbbrExtension  # noqa: PLC0415
    from markdown.extensions.attr_list import AttrListExtension  # noqa: PLC0415
    from markdown.extensions.def_list import DefListExtension  # noqa: PLC0415
    from markdown.extensions.md_in_html import MarkdownInHtmlExtension  # noqa: PLC0415
    from markdown.extensions.sane_lists import SaneListExtension  # noqa: PLC0415
    from markdown.extensions.tables import TableExtension  # noqa: PLC0415

    from ssg.markup.dialect import Dialect, State  # noqa: PLC0415

    state = State()
    extensions = [
        TableExtension(use_align_attribute=True),
        DefListExtension(),
        AttrListExtension(),
        AbbrExtension(),
        SaneListExtension(),
        *([MarkdownInHtmlExtension()] if html else []),
        Dialect(state, html=html),
    ]
    markdown = Markdown(extensions=extensions, output_format="html")
    if acceleration.is_on(markdown_version, acceleration.MARKDOWN):
        from ssg.markup import patterns, serialization  # noqa: PLC0415

        patterns.accelerate(markdown)
        serialization.accelerate(markdown)
    return _Converter(markdown, state)
