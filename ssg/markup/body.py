"""From Python-Markdown's HTML to a Converted.

The HTML is cut into texts and tags once; each step reads or changes these.
"""

from collections.abc import Callable

from ssg.l10n.language import Language
from ssg.markup import anchors
from ssg.markup.converted import Converted, MarkdownOptions
from ssg.markup.links import take_links
from ssg.markup.positions import Source
from ssg.markup.prose import finished, on_one_line, set_text, text
from ssg.markup.tags import Html, Tag, balance, cut


def body(
    written: str, source: Source, options: MarkdownOptions, language: Language, code: Callable[[int], str]
) -> Converted:
    """The Converted of Python-Markdown's HTML. `code` gives the HTML of a fence by its number."""
    html = cut(written)
    depths, more = balance(html, source)
    attributed = [number for number, tag in enumerate(html.tags) if tag.attributes]
    links, externals = take_links(html, source, attributed, is_plain=not options.html)
    ids = anchors.named(html, source, attributed)
    if options.typography:
        set_text(html, language)
    headings = anchors.headings(html, ids, options, language)
    anchors.label_footnotes(html, options, attributed)
    if more is None:
        summary, summary_text = _first_paragraph(html, depths)
    else:
        summary = anchors.without_anchors(html.between(-1, more))
        summary_text = text(summary)
        html.tags[more] = Tag("", "")
    whole = finished(str(html), code).strip()
    return Converted(
        html=whole,
        links=tuple(links),
        externals=tuple(externals),
        headings=tuple(headings),
        ids=frozenset(ids),
        summary_html=finished(str(summary), code).strip(),
        summary_text=on_one_line(summary_text),
        plain_text=text(html),
        has_code='class="highlight' in whole,
        faults=tuple(sorted(dict.fromkeys(source.faults), key=lambda fault: (fault.line, fault.column))),
    )


def _first_paragraph(html: Html, depths: list[int]) -> tuple[Html, str]:
    """The first paragraph that has text, and its text."""
    start: int | None = None
    for number, tag in enumerate(html.tags):
        if tag.name != "p" or depths[number]:
            continue
        if not tag.is_end:
            start = number
        elif start is not None:
            inner = html.between(start, number)
            paragraph = anchors.without_anchors(Html(["", *inner.texts, ""], html.tags[start : number + 1]))
            if found := text(paragraph):
                return paragraph, found
            start = None
    return Html([""], []), ""
