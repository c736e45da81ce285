"""What HTML says, whoever wrote it: elements, attributes and texts, less what only its writer cares about.

White space beside blocks, ids, classes, the order of attributes and how a character is escaped make no difference.
"""

import re
from html.parser import HTMLParser
from typing import Final

_VOID: Final = frozenset({"br", "hr", "img", "input"})
_OURS: Final = frozenset({"id", "class", "tabindex", "style", "align", "rel"})
_BLOCKS: Final = frozenset(
    [
        "p",
        "ul",
        "ol",
        "li",
        "blockquote",
        "pre",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "table",
        "thead",
        "tbody",
        "tr",
        "td",
        "th",
        "br",
        "div",
        "section",
        "dl",
        "dt",
        "dd",
    ]
)

Part = tuple[str, str, tuple[tuple[str, str], ...]]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[Part] = []
        self._verbatim = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        tag = "del" if tag == "s" else tag
        self._verbatim += tag == "pre"
        self.parts.append(
            (
                "<",
                tag,
                tuple(sorted((key, " ".join((value or "").split())) for key, value in attrs if key not in _OURS)),
            )
        )

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._verbatim -= tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        tag = "del" if tag == "s" else tag
        if tag not in _VOID:
            self._verbatim -= tag == "pre"
            self.parts.append((">", tag, ()))

    def handle_data(self, data: str) -> None:
        if self._verbatim <= 0:
            data = re.sub(r"\s+", " ", data)
        if self.parts and self.parts[-1][0] == "text":
            data = self.parts.pop()[1] + data
        self.parts.append(("text", data, ()))

    def handle_comment(self, data: str) -> None:
        self.parts.append(("!", data, ()))


def structure(html: str) -> list[Part]:
    reader = _Reader()
    # Comments and the like that never end are read by each HTML parser in its own way: here they are text.
    reader.feed(re.sub(r"<(?=[!?])(?!!-- c -->)", "&lt;", html.strip()))
    reader.close()
    found: list[Part] = []
    for number, part in enumerate(reader.parts):
        kind, text, _ = part
        if kind == "text":
            before = reader.parts[number - 1] if number else (">", "p", ())
            behind = reader.parts[number + 1] if number + 1 < len(reader.parts) else (">", "p", ())
            if before[0] in "<>" and before[1] in _BLOCKS - {"pre"}:
                text = text.lstrip(" \n")
            if behind[0] in "<>" and behind[1] in _BLOCKS:
                text = text.rstrip(" \n")
            text = text.rstrip("\n")
            if not text:
                continue
        found.append((kind, text, part[2]))
    return found
