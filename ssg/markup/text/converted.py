"""What a conversion gives, and how its open links are filled in.

A Converted is a function of the Markdown text, the options and the language, and of nothing else: no page, no site, no
file name. So it can be kept by content, and the same text is never converted twice.
"""

import html as entities
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol
from urllib.parse import unquote

from sealpress.problems import Place, Problem
from ssg.markup.text.characters import address

if TYPE_CHECKING:
    from sealpress.config.settings import MarkdownSettings

STX: Final = "\x02"
ETX: Final = "\x03"

LinkKind = Literal["link", "image", "asset"]
"""What a URL stands in: a link to follow, an image to show, or anything else that is loaded (video, audio, frame)."""


DialectName = Literal["commonmark", "python-markdown"]
"""How Markdown is read: as CommonMark with additions, or as Python-Markdown reads it."""


@dataclass(frozen=True, slots=True)
class MarkdownOptions:
    """How Markdown is converted.

    The labels are read aloud where a link's own text is a sign, and come from the theme's strings. `permalink_label`
    may hold {title}, `footnote_label` {number}. Without one, screen readers pass the heading's link over, and read a
    footnote's as its sign. `titles` are the strings that stand above boxes without a title of their own, by the box's
    word: (("note", "Note"), …).
    """

    typography: bool = True
    highlight: bool = True
    html: bool = True
    permalinks: bool = True
    dialect: DialectName = "commonmark"
    permalink_label: str = ""
    footnote_label: str = ""
    titles: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(
        cls,
        settings: "MarkdownSettings",
        *,
        permalink_label: str = "",
        footnote_label: str = "",
        titles: tuple[tuple[str, str], ...] = (),
    ) -> "MarkdownOptions":
        """The options that site.toml asks for, with a theme's labels."""
        return cls(
            typography=settings.typography,
            highlight=settings.highlight,
            html=settings.html,
            dialect=settings.dialect,
            permalink_label=permalink_label,
            footnote_label=footnote_label,
            titles=titles,
        )


@dataclass(frozen=True, slots=True)
class Link:
    """A URL that the author wrote. `target` is as written, less Markdown's and HTML's escapes.

    `line` and `column` count from 1 within the converted text and are where the target stands, `length` characters
    long; a reference link's target stands in its definition.
    """

    target: str
    kind: LinkKind
    line: int
    column: int
    length: int


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading in the order of the text. `title` is plain text, `html` has its emphasis and code, but no links."""

    level: int
    id: str
    title: str
    html: str


@dataclass(frozen=True, slots=True)
class ContentsEntry:
    """A line of a table of contents, with those below it."""

    heading: Heading
    children: tuple["ContentsEntry", ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that the author must mend, or should know, at a line and column (from 1) of the converted text."""

    message: str
    hint: str
    line: int
    column: int
    length: int = 1

    def problem(self, place: Place, *, is_warning: bool = False) -> Problem:
        """As a Problem. The caller knows the file and the line where the text begins in it."""
        return Problem(self.message, place=place, hint=self.hint, is_warning=is_warning)


@dataclass(frozen=True, slots=True)
class Converted:
    """A converted body.

    html          with a marker for every URL in `links`; see resolve()
    links         URLs to resolve, in the order in which they stand in the HTML; one per place in the text, so a
                  reference that is used twice is one Link
    externals     URLs with a scheme or a host, which stand in the HTML as they are
    headings      all headings; see contents()
    ids           every anchor of the HTML: headings, footnotes, raw HTML
    summary_html  up to <!-- more -->, else the first paragraph with text; no anchors, no footnotes
    summary_text  the same as plain text
    plain_text    all text that a reader reads, less code blocks and footnote signs; blocks are parted by line breaks
    has_code      whether there is highlighted code, which wants a style sheet
    faults        what the author must mend, in the order of the text; a body with faults must not be published
    warnings      what the author should know: text that is read in another way than it may have been meant
    """

    html: str
    links: tuple[Link, ...]
    externals: tuple[Link, ...]
    headings: tuple[Heading, ...]
    ids: frozenset[str]
    summary_html: str
    summary_text: str
    plain_text: str
    has_code: bool
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...] = ()


class HighlightedBlocks(Protocol):
    """Where highlighted code is kept, so that a page whose prose was edited needs no Pygments.

    A key names the language and the code. Which Pygments made the HTML is for the keeper to know.
    """

    def get(self, key: str, /) -> str | None: ...

    def put(self, key: str, html: str, language: str, /) -> None: ...


# STX and ETX never come from a source: they are taken out before the conversion begins.
_MARKER: Final = re.compile(f"{STX}(?:link([0-9]+)(%?)|(anchor)){ETX}")
ANCHOR: Final = f"{STX}anchor{ETX}"


def link_marker(number: int, *, is_raw: bool = True) -> str:
    """What stands for a link's URL. One that is raw, as in HTML, is written as it is; others are percent-encoded."""
    return f"{STX}link{number}{'' if is_raw else '%'}{ETX}"


def resolve(html: str, urls: Sequence[str], *, anchor_prefix: str = "") -> str:
    """The HTML of a Converted (`html` or `summary_html`) with `urls` in place, one for each of its `links`.

    URLs are escaped here. `anchor_prefix` goes before the anchors of headings and footnotes, and before the links to
    them that the conversion made, so that several bodies can stand on one page.
    """
    prefix = entities.escape(anchor_prefix)

    def written(found: re.Match[str]) -> str:
        if found[3]:
            return prefix
        url = urls[int(found[1])]
        return entities.escape(address(url) if found[2] else url)

    return _MARKER.sub(written, html)


def plain_anchor(target: str, ids: Collection[str] = ()) -> str:
    """A link's target with the id that is meant, which has no colon; one of the page's own `ids` is meant as it is."""
    path, mark, anchor = target.partition("#")
    if (path and not path.partition("?")[0].endswith(".md")) or unquote(anchor) in ids:
        return target
    return path + mark + re.sub(":|%3a", "-", anchor, flags=re.IGNORECASE)


def contents(headings: Sequence[Heading], depth: int = 6) -> tuple[ContentsEntry, ...]:
    """Headings up to level `depth`, nested. A level that is left out is not made up: h2, h4 nests one level deep."""
    chosen = [heading for heading in headings if heading.level <= depth]
    entries: list[ContentsEntry] = []
    at = 0
    while at < len(chosen):
        end = at + 1
        while end < len(chosen) and chosen[end].level > chosen[at].level:
            end += 1
        entries.append(ContentsEntry(chosen[at], contents(chosen[at + 1 : end], depth)))
        at = end
    return tuple(entries)
