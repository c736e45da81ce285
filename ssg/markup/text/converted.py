"""What a conversion gives, and how its slots are closed.

A Converted is a function of the Markdown text, the options and the language, and of nothing else: no page, no site, no
file name. So it can be kept by content, and the same text is never converted twice.
"""

import html as entities
import re
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Final, Literal, Protocol
from urllib.parse import unquote

from sealpress.frozen import frozen
from sealpress.problems import Place, Problem
from ssg.markup.text.characters import address

if TYPE_CHECKING:
    from sealpress.config.settings import MarkdownSettings

STX: Final = "\x02"
ETX: Final = "\x03"

DialectName = Literal["commonmark", "python-markdown"]
"""How Markdown is read: as CommonMark with additions, or as Python-Markdown reads it."""


@frozen
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


LINK: Final = "link"
PICTURE: Final = "picture"


@frozen
class Argument:
    """A word that the author gave a slot: of a picture, an attribute."""

    name: str
    value: str


@frozen
class Slot:
    """A part of a body's HTML that is open until the body is shown: what the author wrote for it, and where.

    A LINK is a URL; a PICTURE what an <img> has besides its own attributes, those of which that count it is given.
    `target` is as written, less Markdown's and HTML's escapes; "" for a picture that is none of the site's. `line` and
    `column` count from 1 within the converted text and are where the target stands, `length` characters long; a
    reference link's target stands in its definition.
    """

    kind: str
    target: str
    line: int
    column: int
    length: int
    given: tuple[Argument, ...] = ()


OpenSlot = tuple[str, str, tuple[Argument, ...]]
"""A slot's kind, its target and what it was given: all that it is closed by, wherever it stands."""


@frozen
class Heading:
    """A heading in the order of the text. `title` is plain text, `html` has its emphasis and code, but no links."""

    level: int
    id: str
    title: str
    html: str


@frozen
class ContentsEntry:
    """A line of a table of contents, with those below it."""

    heading: Heading
    children: tuple["ContentsEntry", ...]


@frozen
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


@frozen
class Converted:
    """A converted body.

    html          with a marker for every slot; see closed()
    slots         in the order in which they stand in the HTML; each once, so a reference that is used twice is one
    externals     links with a scheme or a host, which stand in the HTML as they are
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
    slots: tuple[Slot, ...]
    externals: tuple[Slot, ...]
    headings: tuple[Heading, ...]
    ids: frozenset[str]
    summary_html: str
    summary_text: str
    plain_text: str
    has_code: bool
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...] = ()

    @property
    def links(self) -> tuple[Slot, ...]:
        """Of all slots, those that must lead somewhere."""
        return tuple(slot for slot in self.slots if slot.kind == LINK)


class HighlightedBlocks(Protocol):
    """Where highlighted code is kept, so that a page whose prose was edited needs no Pygments.

    A key names the language and the code. Which Pygments made the HTML is for the keeper to know.
    """

    def get(self, key: str, /) -> str | None: ...

    def put(self, key: str, html: str, language: str, /) -> None: ...


# STX and ETX never come from a source: they are taken out before the conversion begins.
ANCHOR: Final = f"{STX}anchor{ETX}"
CODE_STUB: Final = f"<pre {STX}c"
"""Before each anchor that the conversion made, until its end; then, before the "#" of each link to one."""

SLOT: Final = f"{STX}slot"
OPEN: Final = re.compile(f"{SLOT}([0-9]+)([=%]?){ETX}")


def slot_marker(number: int, form: Literal["", "=", "%"] = "") -> str:
    """What stands for a slot. A URL's form is "=" where it is written as it is, in HTML; "%" where it is encoded."""
    return f"{SLOT}{number}{form}{ETX}"


def closed(html: str, give: Callable[[int], str], own: str = "") -> str:
    """The HTML of a Converted (`html` or `summary_html`) with what `give` gives for the slot of a number.

    A URL is escaped here; all else is HTML. `own` is what stands before the anchors of the body in links that the
    conversion made to them: the URL of its page, where it is shown elsewhere.
    """

    def text(found: re.Match[str]) -> str:
        number, form = found.groups()
        given = give(int(number))
        return given if not form else entities.escape(address(given) if form == "%" else given)

    return OPEN.sub(text, html.replace(ANCHOR, entities.escape(own))) if STX in html else html


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
