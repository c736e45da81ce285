"""Elements and attributes that load, run or send something, each with the directive that it asks; and the style sheets
that an XML document names before its first element.

Sources: the HTML Standard (WHATWG), chapters 4 and 13; SVG 2; Associating Style Sheets with XML documents 1.0 (W3C);
the Fetch Standard's destinations, and what Content Security Policy Level 3, section 6.8.1, makes of them.
"""

import html
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from sealpress.policy import origins

# The HTML Standard, "in foreign content": these end an SVG or a formula that was left open.
BREAKOUT: Final = frozenset(
    """b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing menu meta
    nobr ol p pre ruby s small span strong strike sub sup table tt u ul var""".split()  # noqa: SIM905
)
HTML_WITHIN: Final = frozenset({"foreignobject", "desc", "title", "mi", "mo", "mn", "ms", "mtext", "annotation-xml"})

# The MIME Sniffing Standard: "JavaScript MIME type".
JAVASCRIPT: Final = frozenset(
    [f"{kind}/{name}" for kind in ("text", "application") for name in ("javascript", "ecmascript")]
    + [f"{kind}/x-{name}" for kind in ("text", "application") for name in ("javascript", "ecmascript")]
    + ["text/jscript", "text/livescript", *(f"text/javascript1.{number}" for number in range(6))]
)
INLINE_TYPES: Final = frozenset({"module", "importmap", "speculationrules"})

BEFOREHAND: Final = "preconnect"
"""No directive: no policy asks it. But who connects beforehand will load something, and a page may not show what."""

RELATIONS: Final = MappingProxyType(
    {
        "stylesheet": "style-src",
        "icon": "img-src",
        "apple-touch-icon": "img-src",
        "apple-touch-icon-precomposed": "img-src",
        "apple-touch-startup-image": "img-src",
        "mask-icon": "img-src",
        "manifest": "manifest-src",
        "modulepreload": "script-src",
        "preconnect": BEFOREHAND,
    }
)
PRELOADED: Final = MappingProxyType(
    {
        "script": "script-src",
        "style": "style-src",
        "image": "img-src",
        "font": "font-src",
        "audio": "media-src",
        "video": "media-src",
        "track": "media-src",
        "worker": "worker-src",
        "fetch": "connect-src",
        "json": "connect-src",
    }
)

NAMED: Final = ("src", "href", "xlink:href")  # how a script names its file, in HTML and in SVG

# Element, attribute, directive: "" for any element.
LOADS: Final[Mapping[tuple[str, str], str]] = MappingProxyType(
    {
        ("img", "src"): "img-src",
        ("image", "src"): "img-src",  # browsers take it for `img`
        ("input", "src"): "img-src",
        ("video", "poster"): "img-src",
        ("", "background"): "img-src",
        ("source", "src"): "media-src",
        ("audio", "src"): "media-src",
        ("video", "src"): "media-src",
        ("track", "src"): "media-src",
        ("iframe", "src"): "frame-src",
        ("frame", "src"): "frame-src",
        ("embed", "src"): "object-src",
        ("object", "data"): "object-src",
        ("", "formaction"): "form-action",
        ("image", "href"): "img-src",
        ("image", "xlink:href"): "img-src",
        ("feimage", "href"): "img-src",
        ("feimage", "xlink:href"): "img-src",
        ("use", "href"): "img-src",
        ("use", "xlink:href"): "img-src",
    }
)

PROLOG: Final = 1 << 16
"""Characters of an XML document that may stand before its first element."""

_INSTRUCTION: Final = re.compile(r"<\?xml-stylesheet[ \t\n]([^>]{0,2000}?)\?>")
_PSEUDO: Final = re.compile(r"""([a-z]+)[ \t\n]*=[ \t\n]*(?:"([^"]*)"|'([^']*)')""")


def style_sheets(text: str) -> Iterator[tuple[str, str, int]]:
    """The directive that each asks, its source, and where it stands. XSLT is a script to a policy."""
    for one in _INSTRUCTION.finditer(text, 0, PROLOG):
        values = {name: html.unescape(double or single) for name, double, single in _PSEUDO.findall(one[1])}
        directive = "style-src" if values.get("type", "text/css") == "text/css" else "script-src"
        if source := origins.source(values.get("href", "")):
            yield directive, source, one.start()
