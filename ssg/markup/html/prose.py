"""The text of a body: set in its language's typography, and as plain text."""

import html as entities
import re
from collections.abc import Callable
from typing import Final

from ssg.l10n.language import Language
from ssg.markup.html.tags import Html, HtmlTag
from ssg.markup.html.typography import BREAK, OBJECT, changed
from ssg.markup.text.converted import ANCHOR, CODE_STUB, ETX, STX

_INLINE: Final = frozenset(
    {
        "a",
        "abbr",
        "acronym",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "data",
        "del",
        "dfn",
        "em",
        "font",
        "i",
        "ins",
        "label",
        "mark",
        "q",
        "rb",
        "rp",
        "rt",
        "ruby",
        "s",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "time",
        "tt",
        "u",
    }
)
_OPAQUE: Final = frozenset(
    {"code", "kbd", "samp", "var", "button", "select", "audio", "video", "object", "svg", "math"}
)
_UNREAD: Final = frozenset(
    {"pre", "script", "style", "textarea", "template", "svg", "math", "iframe", "noscript", "select"}
)
_UNSET: Final = _OPAQUE | _UNREAD
_WHITE: Final = re.compile(r"[ \t\n\r\f\v]+")
_TO_CHANGE: Final = ("  ", "\t", "\r", "\f", "\v")

# What a tag is to the text around it, by name. All that isn't named here parts two blocks.
_STANDS_FOR: Final = (
    dict.fromkeys([*_INLINE, ""], "") | dict.fromkeys([*_OPAQUE, "img", "input"], OBJECT) | {"br": "\n"}
)
_READS: Final = _INLINE | {"code", "kbd", "samp", "var", "img", "input", "wbr", ""}


def set_text(html: Html, language: Language) -> None:
    """Sets all texts. A run of text ends where a block does; code and images are left out of it."""
    texts = html.texts
    numbers: list[int] = []  # of each part among the texts, or -1
    parts: list[str] = []
    stands_for: str | None = BREAK  # the last tag
    hidden: list[str] = []  # open elements whose text is not set
    for number, tag in enumerate(html.tags):
        if hidden:
            _follow(hidden, tag)
            continue
        text = texts[number]
        if text and not (text == "\n" and stands_for is BREAK):
            numbers.append(number)
            parts.append(text)
        name = tag.name
        stands_for = _STANDS_FOR.get(name, BREAK)
        if stands_for:
            if stands_for is not BREAK or (parts and parts[-1] is not BREAK):
                numbers.append(-1)
                parts.append(stands_for)
            if name in _UNSET and not tag.is_end:
                hidden.append(name)
    if not hidden:
        numbers.append(len(html.tags))
        parts.append(texts[-1])
    if (done := changed(parts, language)) is not None:
        for number, part in zip(numbers, done, strict=True):
            if number >= 0:
                texts[number] = part


def running(html: Html) -> str:
    """The text as it stands in the HTML, less code and the like: blocks are parted by a blank line."""
    parts: list[str] = []
    hidden: list[str] = []
    for part, tag in zip(html.texts, html.tags, strict=False):  # less the last text
        if hidden:
            _follow(hidden, tag)
            continue
        parts.append(part)
        stands_for = _STANDS_FOR.get(tag.name, BREAK)
        if stands_for:
            parts.append("\n\n" if stands_for is BREAK else stands_for)
            if tag.name in _UNSET and not tag.is_end:
                hidden.append(tag.name)
    if not hidden:
        parts.append(html.texts[-1])
    return "".join(parts)


def _follow(hidden: list[str], tag: HtmlTag) -> None:
    """Keeps count of elements of one name within each other, until the outer one is closed."""
    if tag.name == hidden[-1]:
        if tag.is_end:
            hidden.pop()
        else:
            hidden.append(tag.name)


def text(html: Html, *, with_images: bool = False) -> str:
    """The text that a reader reads. Blocks are lines."""
    parts: list[str] = []
    hidden: list[str] = []
    for part, tag in zip(html.texts, html.tags, strict=False):  # less the last text
        if hidden:
            _follow(hidden, tag)
            continue
        if part:
            parts.append(part)
        name = tag.name
        if tag.attributes and _is_sign(tag):
            hidden.append(name)
        elif name not in _READS:
            parts.append("\n")
            if name in _UNREAD and not tag.is_end:
                hidden.append(name)
        elif name == "img" and with_images:
            parts.append(tag.attributes.get("alt") or "")
    if not hidden:
        parts.append(html.texts[-1])
    joined = entities.unescape(finished("".join(parts)))
    lines = joined.split("\n")
    if not any(white in joined for white in _TO_CHANGE):  # all that on_one_line() then does to each
        return "\n".join([found for line in lines if (found := line.strip())])
    return "\n".join([found for line in lines if line and (found := on_one_line(line))])


def on_one_line(text: str) -> str:
    """White space made single spaces. No-break spaces within the text are signs of it, and stay."""
    if not text.isprintable():
        return _WHITE.sub(" ", text).strip()
    return " ".join(text.split()) if "  " in text else text.strip(" ")


def _is_sign(tag: HtmlTag) -> bool:
    """Whether an element is a footnote's sign, in the text or behind the note."""
    if tag.is_end:
        return False
    is_back = tag.attributes.get("role") == "doc-backlink"
    return is_back or (tag.name == "sup" and (tag.attributes.get("id") or "").startswith(ANCHOR + "fnref"))


_STUB: Final = re.compile(f"{CODE_STUB}([0-9]+){ETX}></pre>")
_KEPT: Final = re.compile(f"{STX}(?:slot[0-9]+[=%]?|anchor|c[0-9]+){ETX}")
_NO_BREAK: Final = f"{STX}160{ETX}"
_LEFT: Final = re.compile(f"{_KEPT.pattern}|{STX}(?P<left>[^{STX}{ETX}]*){ETX}?|{ETX}")


def finished(html: str, code: Callable[[int], str] | None = None) -> str:
    """Without what only the steps before had a use for; with the HTML of `code` in its place."""
    if STX not in html and ETX not in html:
        return html
    html = html.replace(_NO_BREAK, "&#160;")  # before each link back from a footnote
    html = html.replace(f'id="{ANCHOR}', 'id="').replace(f'"#{ANCHOR}', f'"{ANCHOR}#')
    if not len(_KEPT.findall(html)) == html.count(STX) == html.count(ETX):
        html = _LEFT.sub(_left, html)
    return _STUB.sub(lambda found: code(int(found[1])) if code else "", html)


def _left(found: re.Match[str]) -> str:
    number = found["left"]
    if number is None:
        return found[0] if len(found[0]) > 1 else ""
    if not re.fullmatch(r"[0-9]{1,3}", number):
        return ""
    return entities.escape(chr(int(number)))
