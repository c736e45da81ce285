"""What a style sheet loads: other sheets, fonts, images.

Reads CSS the way CSS Syntax Level 3 cuts it into tokens, and looks at nothing but URLs and where they stand. What is
written so oddly that it isn't seen here is not allowed by the policy either: browsers then don't load it.
"""

import re
from collections.abc import Iterator
from typing import Final

SheetReference = tuple[str, str, int]
"""A directive, a URL as written, and where it begins in the text."""

_TOKEN: Final = re.compile(
    r"""/\*.*?(?:\*/|\Z)
    | (?P<url>\burl\([ \t\n\f]*+(?:
            "(?P<double>[^"\\\n]*+(?:\\.[^"\\\n]*+)*)" | '(?P<single>[^'\\\n]*+(?:\\.[^'\\\n]*+)*)'
          | (?P<bare>[^"'()\\ \t\n\f]*+(?:\\.[^"'()\\ \t\n\f]*+)*)
      ))
    | "(?P<string>[^"\\\n]*+(?:\\.[^"\\\n]*+)*)"? | '(?P<other>[^'\\\n]*+(?:\\.[^'\\\n]*+)*)'?
    | (?P<set>\bimage-set\() | @(?P<at>-?[a-z][a-z-]*+) | (?P<mark>[{};])
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)

_ESCAPE: Final = re.compile(r"\\(?:([0-9A-Fa-f]{1,6})[ \t\n\f]?|(\n)|(.))", re.DOTALL)


def loads(text: str) -> Iterator[SheetReference]:
    """The URLs of a style sheet, or of the declarations in a style attribute."""
    pending = ""  # the at-rule whose block or end has not come yet
    blocks: list[str] = []
    in_set = False
    for token in _TOKEN.finditer(text):
        if mark := token["mark"]:
            if mark == "{":
                blocks.append(pending)
            elif mark == "}" and blocks:
                blocks.pop()
            pending, in_set = "", False
        elif at := token["at"]:
            pending = at.lower()
        elif token["set"]:
            in_set = True
        elif token["url"] is not None:
            url = next(part for part in (token["double"], token["single"], token["bare"], "") if part is not None)
            if pending != "namespace":  # a name that looks like an address
                yield _directive(pending, blocks), _plain(url), token.start()
        elif (string := token["string"] or token["other"]) and (pending == "import" or in_set):
            yield _directive(pending, blocks), _plain(string), token.start()


def _directive(pending: str, blocks: list[str]) -> str:
    if pending == "import":
        return "style-src"
    return "font-src" if blocks and blocks[-1] == "font-face" else "img-src"


def _plain(text: str) -> str:
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(escape: re.Match[str]) -> str:
    if not escape[1]:
        return escape[3] or ""
    code = int(escape[1], 16)
    return "\ufffd" if code == 0 or 0xD800 <= code <= 0xDFFF or code > 0x10FFFF else chr(code)
