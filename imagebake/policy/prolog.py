"""The style sheets that an XML document names before its first element.

Source: Associating Style Sheets with XML documents 1.0 (W3C).
"""

import html
import re
from collections.abc import Iterator
from typing import Final

from imagebake.policy import origins

LENGTH: Final = 1 << 16
"""Characters of a document that may belong to its prolog."""

_INSTRUCTION: Final = re.compile(r"<\?xml-stylesheet[ \t\n]([^>]{0,2000}?)\?>")
_PSEUDO: Final = re.compile(r"""([a-z]+)[ \t\n]*=[ \t\n]*(?:"([^"]*)"|'([^']*)')""")


def style_sheets(text: str) -> Iterator[tuple[str, str, int]]:
    """The directive that each asks, its source, and where it stands. XSLT is a script to a policy."""
    for one in _INSTRUCTION.finditer(text, 0, LENGTH):
        values = {name: html.unescape(double or single) for name, double, single in _PSEUDO.findall(one[1])}
        directive = "style-src" if values.get("type", "text/css") == "text/css" else "script-src"
        if source := origins.source(values.get("href", "")):
            yield directive, source, one.start()
