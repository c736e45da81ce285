"""From Python-Markdown's HTML to a Converted.

The HTML is cut into tags and text once; each step reads or changes that one list.
"""

from collections.abc import Callable, Sequence

from ssg.l10n.language import Language
from ssg.markup import anchors
from ssg.markup.converted import Converted, MarkdownOptions
from ssg.markup.links import take_links
from ssg.markup.positions import Source
from ssg.markup.prose import finished, on_one_line, set_text, text
from ssg.markup.tags import Token, balance
from ssg.markup.tags import tokens as cut


def body(
    html: str, source: Source, options: MarkdownOptions, language: Language, code: Callable[[int], str]
) -> Converted:
    """The Converted of Python-Markdown's `html`. `code` gives the HTML of a fence by its number."""
    tokens = cut(html)
    depths, more = balance(tokens, source)
    links, externals = take_links(tokens, source)
    ids = anchors.named(tokens, source)
    if options.typography:
        set_text(tokens, language)
    headings = anchors.headings(tokens, ids, options, language)
    anchors.label_footnotes(tokens, options)
    summary = tokens[:more] if more is not None else _first_paragraph(tokens, depths)
    if more is not None:
        tokens[more] = ""

    def finish(chosen: Sequence[Token]) -> str:
        return finished("".join([token if isinstance(token, str) else token.raw for token in chosen]), code).strip()

    whole = finish(tokens)
    summary = list(anchors.without_anchors(summary))
    return Converted(
        html=whole,
        links=tuple(links),
        externals=tuple(externals),
        headings=tuple(headings),
        ids=frozenset(ids),
        summary_html=finish(summary),
        summary_text=on_one_line(text(summary)),
        plain_text=text(tokens),
        has_code='class="highlight' in whole,
        faults=tuple(sorted(dict.fromkeys(source.faults), key=lambda fault: (fault.line, fault.column))),
    )


def _first_paragraph(tokens: list[Token], depths: list[int]) -> list[Token]:
    start: int | None = None
    for number, token in enumerate(tokens):
        if isinstance(token, str) or token.name != "p" or depths[number]:
            continue
        if not token.is_end:
            start = number
        elif start is not None:
            paragraph = tokens[start : number + 1]
            if text(list(anchors.without_anchors(paragraph))).strip():
                return paragraph
            start = None
    return []
