"""The anchors of a body: headings' ids and permalinks, footnotes' labels."""

import html as entities
import re
from collections.abc import Iterator, Sequence
from typing import Final

from ssg.l10n.language import Language
from ssg.l10n.slugs import slug
from ssg.markup.converted import ANCHOR, Heading, MarkdownOptions
from ssg.markup.positions import Source
from ssg.markup.prose import finished, on_one_line, text
from ssg.markup.tags import Tag, Token

_HEADING: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_IN_HEADING: Final = frozenset(
    {"em", "strong", "code", "del", "sub", "sup", "kbd", "abbr", "i", "b", "s", "mark", "var"}
)


def named(tokens: Sequence[Token], source: Source) -> set[str]:
    """The anchors that the text names itself. One name for two is a fault."""
    ids: set[str] = set()
    for token in tokens:
        if isinstance(token, str) or not token.attributes:
            continue
        name = token.attributes.get("id")
        if name is not None:
            name = name.removeprefix(ANCHOR)
            if name in ids:
                place = source.find(rf"(?<=#){re.escape(name)}|(?<=id=[\"']){re.escape(name)}")
                source.fault(f'two things have the anchor "{name}"', "give one of them another", place, len(name))
            ids.add(name)
        elif token.name == "a" and (old := token.attributes.get("name")):
            ids.add(old)
    ids.discard("")
    return ids


def headings(tokens: Sequence[Token], ids: set[str], options: MarkdownOptions, language: Language) -> list[Heading]:
    found: list[Heading] = []
    numbers: dict[str, int] = {}
    for start, token in enumerate(tokens):
        if isinstance(token, str) or token.is_end or token.name not in _HEADING:
            continue
        end = next((n for n in range(start + 1, len(tokens)) if _ends(tokens[n], token.name)), None)
        if end is None:
            continue
        inner = list(without_anchors(tokens[start + 1 : end]))
        title = on_one_line(text(inner, with_images=True))
        name = (token.attributes.get("id") or "").removeprefix(ANCHOR) or _unique(slug(title, language), ids, numbers)
        token.attributes["id"] = ANCHOR + name
        token.render()
        html = "".join(_heading_html(inner))
        found.append(Heading(int(token.name[1]), name, title, on_one_line(finished(html))))
        if options.permalinks:
            closing = tokens[end]
            assert isinstance(closing, Tag)  # noqa: S101 - _ends() saw a tag
            closing.raw = _permalink(name, title, options.permalink_label) + closing.raw
    return found


def _ends(token: Token, name: str) -> bool:
    return not isinstance(token, str) and token.is_end and token.name == name


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


def _heading_html(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if isinstance(token, str):
            yield token
        elif token.name in _IN_HEADING:
            yield f"</{token.name}>" if token.is_end else f"<{token.name}>"


def label_footnotes(tokens: Sequence[Token], options: MarkdownOptions) -> None:
    for token in tokens:
        if isinstance(token, str) or not token.attributes:
            continue
        if token.attributes.get("role") == "doc-backlink":
            number = token.attributes.pop("title", None) or ""
            if options.footnote_label:
                token.attributes["aria-label"] = options.footnote_label.replace("{number}", number)
            token.render()


def without_anchors(tokens: Sequence[Token]) -> Iterator[Token]:
    """The tokens for use elsewhere: no ids, no footnote signs, no permalinks."""
    in_sign = False
    for token in tokens:
        if isinstance(token, str):
            if not in_sign:
                yield token
        elif in_sign:
            in_sign = not _ends(token, "sup")
        elif token.name == "sup" and (token.attributes.get("id") or "").startswith(ANCHOR + "fnref"):
            in_sign = True
        elif "id" in token.attributes:
            copy = Tag("", token.name, token.is_end, {k: v for k, v in token.attributes.items() if k != "id"})
            copy.render()
            yield copy
        elif token.is_end and token.name in _HEADING:
            yield Tag(f"</{token.name}>", token.name, is_end=True)
        else:
            yield token
