"""HTML in its parts, texts and tags by turns: the common ground of all that happens to a body after Python-Markdown.

What is void, raw or optional is as the HTML standard has it (html.spec.whatwg.org, the sections named below).
"""

import html as entities
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from sealpress.html.active_content import attribute_value
from ssg.markup.text.block import Position, Text
from ssg.markup.text.converted import ETX, SLOT, STX
from ssg.markup.text.positions import MarkdownSource

Attributes = Mapping[str, str | None]


@dataclass(slots=True)
class HtmlTag:
    """A tag, or with name "" a comment, a declaration or the text of a script. `raw` is what stands in the HTML.

    Nobody changes one: the same stands in many places. A part of Html gets another in its place.
    """

    raw: str
    name: str
    is_end: bool = False
    attributes: Attributes = field(default_factory=dict)

    def having(self, attributes: Attributes) -> "HtmlTag":
        """The same tag with these attributes, written anew."""
        written = [
            f"{'' if name.startswith(SLOT) else ' '}{name}" if value is None else f' {name}="{entities.escape(value)}"'
            for name, value in attributes.items()
        ]
        # In an SVG, the slash is an element's only end.
        end = "/>" if self.raw.endswith("/>") and self.name not in VOID else ">"
        return HtmlTag(f"<{self.name}{''.join(written)}{end}", self.name, self.is_end, attributes)

    def closes(self, name: str) -> bool:
        return self.is_end and self.name == name


@dataclass(slots=True)
class Html:
    """Before each of the `tags` stands the one of the `texts` with its number, which may be "", and one behind all.

    `origins` tells of tags that the author wrote as such in which text they stand, and from which character of it.
    `is_paired`: all tags are known to pair, since none is as an author or an extension wrote it.
    """

    texts: list[str]
    tags: list[HtmlTag]
    origins: dict[int, tuple[Text, int]] = field(default_factory=dict)
    is_paired: bool = False

    def place(self, number: int, at: int = 0) -> Position | None:
        """Where character `at` of a tag stands in the source; None where that isn't known."""
        origin = self.origins.get(number)
        return None if origin is None else origin[0].place(origin[1] + at)

    def between(self, first: int, last: int) -> "Html":
        """What stands between two tags; -1 is the beginning."""
        return Html(self.texts[first + 1 : last + 1], self.tags[first + 1 : last])

    def __str__(self) -> str:
        parts = [""] * (2 * len(self.tags) + 1)
        parts[::2] = self.texts
        parts[1::2] = [tag.raw for tag in self.tags]
        return "".join(parts)


_ATTRIBUTES: Final = r"(?:[^\"'<>]++|\"[^\"]*+\"|'[^']*+')*"
# HTML, 13.1.2: nothing is a tag within these but their own end.
_RAW_TEXT: Final = "script|style|textarea|title|iframe|noembed|noframes|xmp"
_TAG: Final = re.compile(
    rf"""(<(?:
        (?: /[A-Za-z] | (?![SsTtIiNnXx])[A-Za-z] ) [A-Za-z0-9]*>  # most are as short as this
      | !--(?:-?>|.*?(?:--!?>|\Z))  # HTML, 13.2.5.43 to 13.2.5.52: it may end with the text
      | (?ai:(?P<raw>{_RAW_TEXT})(?=[\s/>\x02])){_ATTRIBUTES}>(?ai:.*?(?=</(?P=raw)[\s/>]|\Z))
      | /?[A-Za-z][^\s/><\x02]*{_ATTRIBUTES}>
      | [!?][^>]*+(?:>|\Z)
    ))""",
    re.DOTALL | re.VERBOSE,
)
_PARTS: Final = re.compile(rf"<(/?)([A-Za-z][^\s/><\x02]*)({_ATTRIBUTES})>", re.DOTALL)
_ATTRIBUTE: Final = re.compile(r"([^\s\"'<>/=]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'<>`]+)))?")

_RAW_NAMES: Final = frozenset(_RAW_TEXT.split("|"))
_BEGINNING: Final = re.compile(r"<(?:!--|[!?]|/?[A-Za-z][A-Za-z0-9-]*)")
_END: Final = re.compile(r">\Z")
_COMMENT_END: Final = re.compile(r"(?:--!?|\A<!--?)>\Z")

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
FOREIGN: Final = frozenset({"svg", "math"})


def cut(html: str) -> Html:
    """The parts of any HTML."""
    pieces = _TAG.split(html)
    texts = pieces[::3]
    if not any(pieces[2::3]):
        return Html(texts, list(map(tag, pieces[1::3])))
    parted = Html(texts[:1], [])
    for written, is_raw, text in zip(pieces[1::3], pieces[2::3], texts[1:], strict=True):
        opening = _PARTS.match(written) if is_raw else None
        if opening and opening.end() < len(written):
            parted.tags += [tag(opening[0]), HtmlTag(written[opening.end() :], "")]
            parted.texts += ["", text]
        else:
            parted.tags.append(tag(written))
            parted.texts.append(text)
    return parted


def unended(html: Html) -> Iterator[tuple[int, str]]:
    """Where in the HTML that was cut something begins that has no end, and how: "<!--", "<?", "<div". What follows on
    the page would be a part of it.
    """
    at = 0
    before = ""  # the name of the tag whose text a script's is
    for number, text in enumerate(html.texts):
        if "<" in text and (found := _BEGINNING.search(text)):
            yield at + found.start(), found[0]
        at += len(text)
        if number < len(html.tags):
            one = html.tags[number]
            beginning = None if one.name or before in _RAW_NAMES else _BEGINNING.match(one.raw)
            if beginning and not (_COMMENT_END if beginning[0] == "<!--" else _END).search(one.raw):
                yield at, beginning[0]
            before = "" if one.is_end else one.name
            at += len(one.raw)


@lru_cache(4096)
def tag(raw: str) -> HtmlTag:
    """The Tag of what stands between < and >, these included. Most tags of a page were on another one before."""
    found = _PARTS.fullmatch(raw)
    if found is None:
        return HtmlTag(raw, "")
    end, name, attributes = found.groups()
    return HtmlTag(raw, name.lower(), bool(end), _attributes(attributes) if attributes and not end else {})


def _attributes(written: str) -> Attributes:
    attributes: dict[str, str | None] = {}
    for found in _ATTRIBUTE.finditer(written):
        name, quoted, single, bare = found.groups()
        value = quoted if quoted is not None else single if single is not None else bare
        # HTML, 13.2.5.33: the first of two attributes of one name counts.
        if name not in attributes:
            attributes[name] = _unescaped(value) if value is not None and ("&" in value or STX in value) else value
    return attributes


def _unescaped(value: str) -> str:
    value = attribute_value(value)
    return _ESCAPE.sub(lambda found: chr(int(found[1])), value) if STX in value else value


_ESCAPE: Final = re.compile(f"{STX}([0-9]{{1,3}}){ETX}")


def balance(html: Html, source: MarkdownSource) -> tuple[Iterable[int], int | None]:
    """How deep each tag stands, and which is <!-- more -->. Tags that don't pair are faults."""
    if html.is_paired:
        return _depths(html.tags), None
    depths: list[int] = []
    stack: list[tuple[str, int]] = []  # names and numbers
    open_names: dict[str, int] = {}
    more: int | None = None
    for number, one in enumerate(html.tags):
        name = one.name
        if one.is_end and stack and stack[-1][0] == name:  # as nearly all
            stack.pop()
            open_names[name] -= 1
            depths.append(len(stack))
            continue
        depths.append(len(stack))
        if not name:
            if more is None and _is_more(one.raw):
                more = _place_of_more(html, number, stack, source)
        elif one.is_end:
            if open_names.get(name):
                while (top := stack.pop())[0] != name:
                    open_names[top[0]] -= 1
                    _complain_of_open_tag(html, top, source)
                open_names[name] -= 1
                depths[-1] = len(stack)
            elif name not in VOID and name != "p":
                place = html.place(number) or source.find(rf"</{re.escape(name)}\b")
                source.fault(
                    f"</{name}> closes nothing", "remove it, or write the tag that it closes", place, len(name) + 3
                )
        elif name not in VOID and not (
            one.raw.endswith("/>") and (name in FOREIGN or any(open_names.get(foreign) for foreign in FOREIGN))
        ):
            stack.append((name, number))
            open_names[name] = open_names.get(name, 0) + 1
    told: set[str] = set()
    for top in stack:
        if top[0] not in told:
            told.add(top[0])
            _complain_of_open_tag(html, top, source)
    return depths, more


def _depths(tags: Iterable[HtmlTag]) -> Iterator[int]:
    """Of tags that pair."""
    depth = 0
    for one in tags:
        depth -= one.is_end
        yield depth
        depth += not one.is_end and one.name not in VOID


def _is_more(raw: str) -> bool:
    return raw.startswith("<!--") and raw[4:-3].strip().lower() == "more"


def _place_of_more(html: Html, number: int, stack: list[tuple[str, int]], source: MarkdownSource) -> int | None:
    if not stack:
        return number
    source.fault(
        "<!-- more --> stands inside of something else",
        "put it on a line of its own between two paragraphs, not in a list or a quotation",
        html.place(number) or source.find(r"<!--\s*more\s*-->"),
        len("<!-- more -->"),
    )
    return None


def _complain_of_open_tag(html: Html, opened: tuple[str, int], source: MarkdownSource) -> None:
    name, number = opened
    if name in _LAX:
        return
    source.fault(
        f"<{name}> is never closed",
        f"write </{name}>; or, if it is no tag, put it in backticks or write &lt;{name}&gt;",
        html.place(number) or source.find(rf"<{re.escape(name)}\b"),
        len(name) + 2,
    )
