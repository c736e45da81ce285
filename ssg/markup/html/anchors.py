"""The anchors of a body: headings' ids and permalinks, footnotes' labels."""

import html as entities
import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from ssg.l10n.language import Language
from ssg.l10n.slugs import slug
from ssg.markup.code.fences import Fence
from ssg.markup.html.prose import finished, on_one_line, text
from ssg.markup.html.tags import FOREIGN, Html, HtmlTag
from ssg.markup.text.converted import ANCHOR, ContentsEntry, Heading, MarkdownOptions, Slot, plain_anchor
from ssg.markup.text.positions import MarkdownSource

_HEADING: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_IN_HEADING: Final = frozenset(
    {"em", "strong", "code", "del", "sub", "sup", "kbd", "abbr", "i", "b", "s", "mark", "var"}
)


def without_colons(html: Html, source: MarkdownSource, numbers: Sequence[int], fences: list[Fence]) -> None:
    """Puts a dash for each colon of ids, which a style sheet could not name as they are: in the tags of `numbers`, and
    of `fences`. It is told once, at the first. What stands in a drawing is its own affair.
    """
    tags = html.tags
    found = [number for number in numbers if ":" in (tags[number].attributes.get("id") or "")]
    drawn = _in_drawings(html) if found else frozenset()
    renamed: list[tuple[str, tuple[int, int] | None]] = []
    for number in (number for number in found if number not in drawn):
        tag, name = tags[number], tags[number].attributes["id"] or ""
        renamed.append((name, html.place(number, max(0, tag.raw.find(name)))))
        tags[number] = tag.having({**tag.attributes, "id": name.replace(":", "-")})
    for number, fence in enumerate(fences):
        if ":" in fence.id:
            renamed.append((fence.id, None))
            fences[number] = replace(fence, id=fence.id.replace(":", "-"))
    if renamed:
        (name, place), own = renamed[0], re.escape(renamed[0][0])
        plain, count = name.replace(":", "-"), len(renamed)
        more = f" ({count} times on this page)" if count > 1 else ""
        source.warn(
            f'the id "{name}" becomes "{plain}": ids have no colon here{more}',
            f'write "{plain}"; links to "#{name}" lead there',
            place or source.find(rf"(?<=[{{:\s]#){own}(?=[\s}}])|(?<=\bid=[\"']){own}|(?<=\bid=){own}"),
            len(name),
        )


def _in_drawings(html: Html) -> frozenset[int]:
    """The numbers of tags within SVG and MathML."""
    found: set[int] = set()
    depth = 0
    for number, tag in enumerate(html.tags):
        if tag.name in FOREIGN and not tag.raw.endswith("/>"):
            depth += -1 if tag.is_end else 1
        elif depth > 0:
            found.add(number)
    return frozenset(found)


def meant(slots: Sequence[Slot], ids: Collection[str]) -> list[Slot]:
    """The slots of a body with these `ids`, as they lead to ids without colons: on their own page, and on others."""
    return [replace(slot, target=plain_anchor(slot.target, ids)) if "#" in slot.target else slot for slot in slots]


def named(html: Html, source: MarkdownSource, numbers: Sequence[int]) -> set[str]:
    """The anchors that the text names itself, in the tags of `numbers`. One name for two is a fault."""
    ids: set[str] = set()
    for number in numbers:
        tag = html.tags[number]
        name = tag.attributes.get("id")
        if name is not None:
            name = name.removeprefix(ANCHOR)
            if name in ids:
                written = rf"(?<=#){re.escape(name)}|(?<=id=[\"']){re.escape(name)}"
                at = re.search(rf"(?i:\bid\s*=\s*[\"']?)(?={re.escape(name)})", tag.raw)
                place = html.place(number, at.end() if at else 0) or source.find(written)
                source.fault(f'two things have the anchor "{name}"', "give one of them another", place, len(name))
            ids.add(name)
        elif tag.name == "a" and (old := tag.attributes.get("name")):
            ids.add(old)
    ids.discard("")
    return ids


def headings(html: Html, ids: set[str], options: MarkdownOptions, language: Language) -> list[Heading]:
    """The headings, each of which gets an anchor that is not among `ids`, and a link to itself where that is asked."""
    found: list[Heading] = []
    numbers: dict[str, int] = {}
    tags = html.tags
    for start in [number for number, tag in enumerate(tags) if tag.name in _HEADING and not tag.is_end]:
        opening = tags[start]
        end = start + 1
        while end < len(tags) and tags[end].name not in _HEADING:
            end += 1
        if end == len(tags) or not tags[end].closes(opening.name):
            continue  # no heading stands in another: the inner one is it
        inner = without_anchors(html.between(start, end))
        title, shown = _title(inner)
        own = (opening.attributes.get("id") or "").removeprefix(ANCHOR)
        name = own or _unique(slug(title, language), ids, numbers)
        tags[start] = opening.having({**opening.attributes, "id": ANCHOR + name})
        found.append(Heading(int(opening.name[1]), name, title, shown))
        if options.permalinks:
            tags[end] = HtmlTag(
                _permalink(name, title, options.permalink_label) + tags[end].raw, opening.name, is_end=True
            )
    return found


def listed(entries: Sequence[ContentsEntry]) -> str:
    """A table of contents as nested lists of links."""
    items = [
        f'<li><a href="#{ANCHOR}{entities.escape(entry.heading.id)}">{entry.heading.html}</a>'
        + (f"\n{listed(entry.children)}\n</li>" if entry.children else "</li>")
        for entry in entries
    ]
    return "\n".join(["<ul>", *items, "</ul>"]) if items else ""


def _title(inner: Html) -> tuple[str, str]:
    """A heading as plain text and as HTML, which are the same where it holds neither tags nor references."""
    if not inner.tags and "&" not in inner.texts[0] and inner.texts[0].isprintable():
        title = on_one_line(inner.texts[0])
        return title, title
    return on_one_line(text(inner, with_images=True)), on_one_line(finished(_heading_html(inner)))


def _unique(base: str | None, ids: set[str], numbers: dict[str, int]) -> str:
    base = base or "section"
    name = base
    while name in ids:
        numbers[base] = numbers.get(base, 1) + 1
        name = f"{base}-{numbers[base]}"
    ids.add(name)
    return name


def _permalink(name: str, title: str, label: str) -> str:
    # Its sign belongs to the style sheet (.permalink::before): feeds and readers' own styles need none.
    said = (
        f'aria-label="{entities.escape(label.replace("{title}", title))}"'
        if label
        else 'aria-hidden="true" tabindex="-1"'
    )
    return f'<a class="permalink" href="#{ANCHOR}{entities.escape(name)}" {said}></a>'


def _heading_html(inner: Html) -> str:
    parts = [inner.texts[0]]
    for tag, text_behind in zip(inner.tags, inner.texts[1:], strict=True):
        if tag.name in _IN_HEADING:
            parts.append(f"</{tag.name}>" if tag.is_end else f"<{tag.name}>")
        parts.append(text_behind)
    return "".join(parts)


def label_footnotes(html: Html, options: MarkdownOptions, numbers: Sequence[int]) -> None:
    """Labels the links behind footnotes, which are among the tags of `numbers`."""
    for at in numbers:
        tag = html.tags[at]
        if tag.attributes.get("role") == "doc-backlink":
            attributes = dict(tag.attributes)
            number = attributes.pop("title", None) or ""
            if options.footnote_label:
                attributes["aria-label"] = options.footnote_label.replace("{number}", number)
            html.tags[at] = tag.having(attributes)


def without_anchors(html: Html) -> Html:
    """The same for use elsewhere: no ids, no footnote signs, no permalinks."""
    if not html.tags:
        return html
    found = Html(html.texts[:1], [])
    in_sign = False
    for tag, text_behind in zip(html.tags, html.texts[1:], strict=True):
        if in_sign:
            in_sign = not tag.closes("sup")
        elif tag.name == "sup" and (tag.attributes.get("id") or "").startswith(ANCHOR + "fnref"):
            in_sign = True
        else:
            found.tags.append(_without_anchor(tag))
            found.texts.append("")
        if not in_sign:
            found.texts[-1] += text_behind
    return found


def _without_anchor(tag: HtmlTag) -> HtmlTag:
    if "id" in tag.attributes:
        return tag.having({name: value for name, value in tag.attributes.items() if name != "id"})
    return HtmlTag(f"</{tag.name}>", tag.name, is_end=True) if tag.is_end and tag.name in _HEADING else tag
