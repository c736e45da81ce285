"""HTML as a list of tags and text: the common ground of all that happens to a body after Python-Markdown.

What is void, raw or optional is as the HTML standard has it (html.spec.whatwg.org, the sections named below).
"""

import html as entities
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ssg.markup.converted import ETX, STX
from ssg.markup.positions import Source, without_marks


@dataclass(slots=True)
class Tag:
    """A tag, or with name "" a comment or declaration. `raw` is what stands in the HTML."""

    raw: str
    name: str
    is_end: bool = False
    attributes: dict[str, str | None] = field(default_factory=dict)

    def render(self) -> None:
        """Sets `raw` from the attributes."""
        written = (
            name if value is None else f'{name}="{entities.escape(value)}"' for name, value in self.attributes.items()
        )
        self.raw = f"<{' '.join([self.name, *written])}>"


Token = Tag | str

_TAG: Final = re.compile(
    r"<!--.*?-->"
    r"|<(?P<end>/?)(?P<name>[A-Za-z][^\s/><\x02]*)(?P<attributes>(?:[^\"'<>]++|\"[^\"]*+\"|'[^']*+')*+)>"
    r"|<[!?][^>]*>",
    re.DOTALL,
)
_ATTRIBUTE: Final = re.compile(r"([^\s\"'<>/=]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'<>`]+)))?")
# HTML, 13.1.2.5: in an attribute, a reference without ";" may be the beginning of a query ("&copy=1").
_REFERENCE: Final = re.compile(r"&(?:\#[0-9]{1,7}|\#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]*);")

# HTML, 13.1.2: void elements, and those whose end tag may be left out.
VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
_LAX: Final = frozenset(
    {
        "li",
        "dt",
        "dd",
        "p",
        "rt",
        "rp",
        "optgroup",
        "option",
        "colgroup",
        "caption",
        "thead",
        "tbody",
        "tfoot",
        "tr",
        "td",
        "th",
    }
)
_RAW_TEXT: Final = frozenset({"script", "style", "textarea", "title", "iframe", "noembed", "noframes", "xmp"})
_FOREIGN: Final = frozenset({"svg", "math"})


def tokens(html: str) -> list[Token]:
    cut: list[Token] = []
    at: int | None = 0
    while at is not None:
        at = _cut(html, at, cut)
    return cut


def _cut(html: str, at: int, into: list[Token]) -> int | None:
    """Cuts from `at` to the end, or to that of the first element whose text is raw. Says where to go on."""
    for found in _TAG.finditer(html, at):
        start = found.start()
        if start > at:
            text = html[at:start]
            into.append(without_marks(text) if STX in text else text)
        at = found.end()
        end, name, attributes = found.groups()
        if name is None:
            into.append(Tag(found[0], "", False, {}))
            continue
        name = name.lower()
        if end:
            into.append(Tag(found[0], name, True, {}))
            continue
        into.append(Tag(found[0], name, False, _attributes(attributes) if attributes else {}))
        if name in _RAW_TEXT:
            # Nothing is a tag in there but its own end.
            closing = re.compile(rf"</{name}[\s/>]", re.IGNORECASE).search(html, at)
            stop = closing.start() if closing else len(html)
            if stop > at:
                into.append(Tag(without_marks(html[at:stop]), ""))
            return stop
    if at < len(html):
        into.append(without_marks(html[at:]))
    return None


def _attributes(written: str) -> dict[str, str | None]:
    attributes: dict[str, str | None] = {}
    for found in _ATTRIBUTE.finditer(written):
        name, quoted, single, bare = found.groups()
        value = quoted if quoted is not None else single if single is not None else bare
        # HTML, 13.2.5.33: the first of two attributes of one name counts.
        if name not in attributes:
            attributes[name] = _unescaped(value) if value is not None and ("&" in value or STX in value) else value
    return attributes


def _unescaped(value: str) -> str:
    if "&" in value:
        value = _REFERENCE.sub(lambda found: entities.unescape(found[0]), value)
    return _ESCAPE.sub(lambda found: chr(int(found[1])), value) if STX in value else value


_ESCAPE: Final = re.compile(f"{STX}([0-9]{{1,3}}){ETX}")


def balance(found: Sequence[Token], source: Source) -> tuple[list[int], int | None]:
    """How deep each token stands, and where <!-- more --> does. Tags that don't pair are faults."""
    depths: list[int] = []
    stack: list[str] = []
    more: int | None = None
    for number, token in enumerate(found):
        depths.append(len(stack))
        if isinstance(token, str) or not token.name:
            if not isinstance(token, str) and _is_more(token.raw) and more is None:
                more = _place_of_more(number, stack, source)
            continue
        name = token.name
        if token.is_end:
            if name in stack:
                while (top := stack.pop()) != name:
                    _complain_of_open_tag(top, source)
                depths[-1] = len(stack)
            elif name not in {*VOID, "p"}:
                place = source.find(rf"</{re.escape(name)}\b")
                source.fault(
                    f"</{name}> closes nothing", "remove it, or write the tag that it closes", place, len(name) + 3
                )
        elif name not in VOID and not (token.raw.endswith("/>") and not _FOREIGN.isdisjoint({*stack, name})):
            stack.append(name)
    for name in dict.fromkeys(stack):
        _complain_of_open_tag(name, source)
    return depths, more


def _is_more(raw: str) -> bool:
    return raw.startswith("<!--") and raw[4:-3].strip().lower() == "more"


def _place_of_more(number: int, stack: list[str], source: Source) -> int | None:
    if not stack:
        return number
    source.fault(
        "<!-- more --> stands inside of something else",
        "put it on a line of its own between two paragraphs, not in a list or a quotation",
        source.find(r"<!--\s*more\s*-->"),
        len("<!-- more -->"),
    )
    return None


def _complain_of_open_tag(name: str, source: Source) -> None:
    if name in _LAX:
        return
    source.fault(
        f"<{name}> is never closed",
        f"write </{name}>; or, if it is no tag, put it in backticks or write &lt;{name}&gt;",
        source.find(rf"<{re.escape(name)}\b"),
        len(name) + 2,
    )
