"""From HTML in its parts to a Converted. Each step reads or changes the parts."""

from collections.abc import Callable, Iterable

from ssg.l10n.language import Language
from ssg.markup.blocks.tree import CONTENTS
from ssg.markup.code.fences import Fence
from ssg.markup.html import anchors, foreign_syntax
from ssg.markup.html.links import take_links
from ssg.markup.html.prose import finished, on_one_line, set_text, text
from ssg.markup.html.tags import Html, HtmlTag, balance
from ssg.markup.text.converted import Converted, Fault, MarkdownOptions, contents
from ssg.markup.text.positions import MarkdownSource


def body(
    html: Html,
    source: MarkdownSource,
    options: MarkdownOptions,
    language: Language,
    fences: list[Fence],
    code: Callable[[int], str],
) -> Converted:
    """The Converted of HTML in its parts. `code` gives the HTML of one of the `fences` by its number."""
    foreign_syntax.look(html, source)
    depths, more = balance(html, source)
    attributed = [number for number, tag in enumerate(html.tags) if tag.attributes]
    slots, externals = take_links(html, source, attributed, is_plain=not options.html)
    if options.dialect == "commonmark":
        anchors.without_colons(html, source, attributed, fences)
    ids = anchors.named(html, source, attributed) | {fence.id for fence in fences if fence.id}
    if options.dialect == "commonmark":
        slots = anchors.meant(slots, ids)
    if options.typography:
        set_text(html, language)
    headings = anchors.headings(html, ids, options, language)
    here = [number for number, part in enumerate(html.texts) if CONTENTS in part]
    for number in here:
        html.texts[number] = ""
    anchors.label_footnotes(html, options, attributed)
    if more is None:
        summary, summary_text = _first_paragraph(html, depths)
    else:
        summary = anchors.without_anchors(html.between(-1, more))
        summary_text = text(summary)
        html.tags[more] = HtmlTag("", "")
    plain = text(html)
    for number in here:
        html.texts[number] = f"\n{anchors.listed(contents(headings))}\n"
    whole = finished(str(html), code).strip()
    return Converted(
        html=whole,
        slots=tuple(slots),
        externals=tuple(externals),
        headings=tuple(headings),
        ids=frozenset(ids),
        summary_html=finished(str(summary), code).strip(),
        summary_text=on_one_line(summary_text),
        plain_text=plain,
        has_code='class="highlight' in whole,
        faults=_in_order(source.faults),
        warnings=_in_order(source.warnings),
    )


def _in_order(found: Iterable[Fault]) -> tuple[Fault, ...]:
    return tuple(sorted(dict.fromkeys(found), key=lambda fault: (fault.line, fault.column)))


def _first_paragraph(html: Html, depths: Iterable[int]) -> tuple[Html, str]:
    """The first paragraph that has text, and its text."""
    start: int | None = None
    for number, (tag, depth) in enumerate(zip(html.tags, depths, strict=True)):
        if tag.name != "p" or depth:
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
