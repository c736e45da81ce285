"""What the tags of a page say to browsers: the addresses in it, and the ids that links lead to.

`of_tag` reads one tag, quickly where it is written as nearly all are; `marks` reads a whole page with care, and knows
text, comments and scripts from tags.

Sources: as sealpress.html.active_content and sealpress.html.stylesheets; the Open Graph protocol, for `og:image` and
its like.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from sealpress.frozen import frozen
from sealpress.html import active_content, stylesheets
from sealpress.html.active_content import Url
from ssg.markup.html import tags

TAG: Final = re.compile(rb'<(?!span class="[a-z0-9]*">)[a-zA-Z][^>]*=[^>]*>')
"""What may be a tag with attributes; those of coloured code, which are most of all, are left out. It is none in a
comment or a script, and less than one where a value has ">".
"""

STYLE: Final = re.compile(rb"<style\b[^>]*>.*?</style", re.IGNORECASE | re.DOTALL)

_HIDDEN: Final = re.compile(
    rb"<!--.*?(?:-->|\Z)|<(script|style|textarea|title|iframe|noembed|noframes|xmp)\b.*?(?:</\1|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_ADDRESSED: Final = frozenset({"id", "href", "src", "srcset"})
_WORDS: Final = "|".join(
    sorted(active_content.PLAIN - _ADDRESSED | {"datetime", "label", "term", "xml:base", "data-[a-z-]+"})
)
_ORDINARY: Final = re.compile(
    rf"""<[a-z][a-z0-9]*(?:[ ](?:{_WORDS})="[^"<>&]*")*
        (?:[ ](id|href|src)="([^"<>&]*)"(?:[ ](?:{_WORDS})="[^"<>&]*")*)?[ ]?/?>""".encode(),
    re.VERBOSE,
)
_METAS: Final = re.compile(r"(?:og|twitter):(?:image|url|audio|video)(?::(?:url|secure_url|src))?", re.IGNORECASE)


@frozen
class Marks:
    """`addresses` as they are written. `ids` are those outside of drawings, of which a page may have one twice.

    `anchors` are all that a link can lead to (HTML, 7.4.6.3): ids, and the names of old links.
    """

    addresses: tuple[str, ...]
    ids: tuple[str, ...]
    anchors: frozenset[str]


def of_tag(raw: bytes) -> tuple[list[str], bytes] | None:
    """The addresses in a TAG or a STYLE, and the anchor that it gives, or b""; None for what may be something else."""
    if ordinary := _ORDINARY.fullmatch(raw):
        name, value = ordinary.groups()
        return ([], value or b"") if name in {b"id", None} else ([value.decode("utf-8", "replace")], b"")
    text = raw.decode("utf-8", "replace")
    if text[:6].lower() == "<style" and not text.endswith(">"):
        opening, _, sheet = text.partition(">")
        return (_of_sheet(sheet), b"") if "id" not in opening else None
    one = tags.tag(text)
    found = set(_anchors(one))
    if not one.name or "<" in text[1:] or len(found) > 1:
        return None
    return list(_addresses(one)), "".join(found).encode("utf-8", "replace")


def hides(content: bytes, tags: Iterable[bytes]) -> bool:
    """Whether one of these may stand in a comment or a script, and so be none."""
    hidden = [found[0] for found in _HIDDEN.finditer(content)]
    return any(raw in part for raw in tags for part in hidden)


def marks(html: str) -> Marks:
    """All of a page, as a browser reads it."""
    addresses: dict[str, None] = {}
    ids: list[str] = []
    anchors: set[str] = set()
    before = ""
    drawings = 0
    for tag in tags.cut(html).tags:
        if before == "style" and not tag.name:
            addresses |= dict.fromkeys(_of_sheet(tag.raw))
        before = tag.name
        if tag.name == "svg":
            drawings += -1 if tag.is_end else 0 if tag.raw.endswith("/>") else 1
        if not tag.attributes:
            continue
        addresses |= dict.fromkeys(_addresses(tag))
        anchors.update(_anchors(tag))
        ids += [value for value in [_attribute(tag, "id")] if value and not drawings]
    return Marks(tuple(addresses), tuple(ids), frozenset(anchors))


def sheet_addresses(sheet: bytes) -> list[str]:
    """Those in a style sheet, each once."""
    return list(dict.fromkeys(_of_sheet(sheet.decode("utf-8", "replace"))))


def _of_sheet(sheet: str) -> list[str]:
    return [url for _, url, _ in stylesheets.loads(sheet) if not url.startswith("#")]


def _attribute(tag: tags.HtmlTag, wanted: str) -> str:
    return next((value or "" for name, value in tag.attributes.items() if name.lower() == wanted), "")


def _anchors(tag: tags.HtmlTag) -> Iterator[str]:
    if found := _attribute(tag, "id"):
        yield found
    if tag.name == "a" and (found := _attribute(tag, "name")):
        yield found


def _addresses(tag: tags.HtmlTag) -> Iterator[str]:
    for written, value in tag.attributes.items():
        name = written.lower()
        if not value:
            continue
        kind = active_content.urls_of(tag.name, name)
        if kind is Url.REFRESH:
            if active_content.is_refresh(_attribute(tag, "http-equiv")):
                yield from active_content.urls(kind, value)
            elif _METAS.fullmatch(_attribute(tag, "property") or _attribute(tag, "name")):
                yield value
        elif kind and kind is not Url.VALUES:
            yield from active_content.urls(kind, value)
        elif name == "style":
            yield from _of_sheet(value)
