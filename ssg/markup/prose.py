"""The text of a body: set in its language's typography, and as plain text."""

import html as entities
import re
from collections.abc import Callable, Sequence
from typing import Final

from ssg.l10n.language import Language
from ssg.markup.converted import ANCHOR, ETX, STX
from ssg.markup.tags import Tag, Token
from ssg.markup.typography import OBJECT, changed

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
_LINE_BREAK: Final = ["\n"]  # all that stands between most blocks
_UNREAD: Final = frozenset(
    {"pre", "script", "style", "textarea", "template", "svg", "math", "iframe", "noscript", "select"}
)
_WHITE: Final = re.compile(r"[ \t\n\r\f\v]+")


def set_text(tokens: list[Token], language: Language) -> None:
    """Sets the text of every run: all that stands between two block tags, code and images left out."""
    run: list[int] = []
    parts: list[str] = []
    hidden: list[str] = []  # open elements whose text is not set

    def flush() -> None:
        if (done := changed(parts, language)) is not None:
            for number, part in zip(run, done, strict=True):
                if number >= 0:
                    tokens[number] = part
        run.clear()
        parts.clear()

    for number, token in enumerate(tokens):
        if isinstance(token, str):
            if not hidden:
                run.append(number)
                parts.append(token)
            continue
        name = token.name
        if hidden:
            _follow(hidden, token)
        elif name in _INLINE or not name:
            pass
        elif name in _OPAQUE or name in {"img", "input"}:
            run.append(-1)
            parts.append(OBJECT)
            if name in _OPAQUE and not token.is_end:
                hidden.append(name)
        elif name == "br":
            run.append(-1)
            parts.append("\n")
        else:
            if run and parts != _LINE_BREAK:
                flush()
            else:
                run.clear()
                parts.clear()
            if name in _UNREAD and not token.is_end:
                hidden.append(name)
    if run:
        flush()


def _follow(hidden: list[str], token: Tag) -> None:
    """Keeps count of elements of one name within each other, until the outer one is closed."""
    if token.name == hidden[-1]:
        if token.is_end:
            hidden.pop()
        else:
            hidden.append(token.name)


def text(tokens: Sequence[Token], *, with_images: bool = False) -> str:
    """The text that a reader reads. Blocks are lines."""
    parts: list[str] = []
    hidden: list[str] = []
    for token in tokens:
        if isinstance(token, str):
            if not hidden:
                parts.append(token)
            continue
        name = token.name
        if hidden:
            _follow(hidden, token)
        elif name in _UNREAD and not token.is_end:
            hidden.append(name)
            parts.append("\n")
        elif token.attributes and _is_sign(token):
            hidden.append(name)
        elif name == "img" and with_images:
            parts.append(token.attributes.get("alt") or "")
        elif name and name not in _INLINE and name not in {"code", "kbd", "samp", "var", "img", "input", "wbr"}:
            parts.append("\n")
    lines = entities.unescape(finished("".join(parts))).split("\n")
    return "\n".join(found for line in lines if (found := on_one_line(line)))


def on_one_line(text: str) -> str:
    """White space made single spaces. No-break spaces within the text are signs of it, and stay."""
    if text.isprintable():  # with no other white space than spaces, which most lines have
        return " ".join(text.split())
    return _WHITE.sub(" ", text).strip()


def _is_sign(token: Tag) -> bool:
    """Whether an element is a footnote's sign, in the text or behind the note."""
    if token.is_end:
        return False
    is_back = token.attributes.get("role") == "doc-backlink"
    return is_back or (token.name == "sup" and (token.attributes.get("id") or "").startswith(ANCHOR + "fnref"))


_STUB: Final = re.compile(f"<pre {STX}c([0-9]+){ETX}></pre>")
_LEFT: Final = re.compile(f"{STX}(link[0-9]+|anchor|c[0-9]+){ETX}|{STX}([^{STX}{ETX}]*){ETX}?|{ETX}")


def finished(html: str, code: Callable[[int], str] | None = None) -> str:
    """Without what only the steps before had a use for; with the HTML of `code` in its place."""
    if STX not in html and ETX not in html:
        return html
    html = _LEFT.sub(_left, html)
    return _STUB.sub(lambda found: code(int(found[1])) if code else "", html)


def _left(found: re.Match[str]) -> str:
    if found[1]:
        return found[0]
    number = found[2] or ""
    return entities.escape(chr(int(number))) if re.fullmatch(r"[0-9]{1,3}", number) else ""
