"""What a document loads and runs: pages, SVG images, and the style sheets that other XML names.

Reads HTML the way browsers cut it into tokens, so that what is taken for a script here is what they take for one: raw
text, comments, escaped scripts, SVG and MathML inside a page. Python's own html.parser is not used, because its answers
differ from release to release, and a policy is part of the image's bytes; and a bake would take twice as long.

Whatever is seen here but not by a browser makes the policy a little wider than need be; the other way round, a browser
blocks it. Sources: the HTML Standard (WHATWG), sections 13.2.5 "Tokenization" and 13.2.6.5 "in foreign content", 4.12.1
"The script element"; Content Security Policy Level 3, section 6.
"""

import base64
import hashlib
import html
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

from sealpress.html import active_content, stylesheets
from sealpress.html.active_content import attribute_value
from sealpress.policy import elements, origins
from sealpress.policy.source import LONGEST, TextSource, TooLongError

HANDLERS: Final = "script-src-attr"
STYLES: Final = "style-src-attr"

_DEPTH: Final = 8  # of documents in srcdoc attributes


class Load(NamedTuple):
    """A source that a directive must allow, and where the text asks for it (an offset)."""

    directive: str
    source: str
    at: int


class _Attribute(NamedTuple):
    value: str  # as written
    at: int


def page(text: TextSource) -> list[Load]:
    """What a page needs, each once, where it asks first. Raises TooLongError."""
    reader = _PageReader(text)
    reader.read()
    return reader.loads


def image(text: TextSource) -> list[Load]:
    """What an SVG needs where it is opened by itself: an `img` never loads nor runs anything. Raises TooLongError."""
    reader = _PageReader(text, is_xml=True, opened=["svg"])
    reader.add(Load(*one) for one in elements.style_sheets(reader.text))
    reader.read()
    return reader.loads


def document(text: TextSource) -> list[Load]:
    """What an XML document needs: the style sheets that it names."""
    return [Load(*one) for one in elements.style_sheets(text.take(elements.PROLOG))]


def sheet(text: TextSource) -> list[Load]:
    """What a style sheet needs. Raises TooLongError."""
    sources = ((directive, origins.source(url), at) for directive, url, at in stylesheets.loads(text.whole()))
    return [Load(directive, source, at) for directive, source, at in sources if source]


def digest(text: str) -> str:
    """The source expression that lets exactly this text run."""
    sha = hashlib.sha256(text.replace("\0", "\ufffd").encode("utf-8", "replace")).digest()
    return f"'sha256-{base64.b64encode(sha).decode()}'"


_NESTED: Final = 512  # elements that are open at a time; browsers nest no deeper
_PART: Final = 1 << 20  # characters of a document that are looked at together

_RAW: Final = ("style", "xmp", "iframe", "noembed", "noframes", "title", "textarea")

# Runs over everything that can't matter, without a step in Python: text, end tags, and start tags of plain elements
# that have nothing but attributes that load nothing. All that it does not know for sure is looked at.
# No group is possessive, here and elsewhere: before CPython 3.11.5 (gh-106052) such a group matches what it must not.
_SKIP: Final = re.compile(
    r"""[^<]*+(?:<(?:
        /[a-zA-Z][a-zA-Z0-9]*+[ \n]*+>
      | (?!(?:script|plaintext|svg|math|base|link|form|meta|"""
    + "|".join(_RAW)
    + r""")[^a-zA-Z0-9])[a-z][a-z0-9-]*+
        (?:[ \n]++(?:
            href="(?:https?://|mailto:|(?![^"/?\#]*[:&]))[^"]*+"
          | (?:class|id|title|alt|lang|dir|name|rel|role|width|height|loading|decoding|datetime|scope|colspan|rowspan
              |hreflang|tabindex|start|hidden|open|translate|aria-[a-z]++|data-[a-z0-9-]++)(?:="[^"]*+")?
        ))*[ \n]*+/?>
    )[^<]*+)*""",
    re.VERBOSE,
)

_COMMENT: Final = re.compile(r"<!--(?:-?>|.*?(?:--!?>|\Z))", re.DOTALL)
_NAME: Final = re.compile(r"[^\t\n\f />]+")
_ATTRIBUTE: Final = re.compile(
    r"""[\t\n\f /]*+(?:>|([^\t\n\f />][^\t\n\f />=]*+)
        (?:[\t\n\f ]*+=[\t\n\f ]*+(?:"([^"]*+)"|'([^']*+)'|(?!["'])([^\t\n\f >]*+)))?)""",
    re.VERBOSE,
)
_UNCLOSED: Final = re.compile(r"[\t\n\f ]*=")
_SCRIPT_MARK: Final = re.compile(r"<!--|-->|<(/?)script(?=[\t\n\f />])", re.IGNORECASE | re.ASCII)
_ENDS: Final = {name: re.compile(rf"</{name}(?=[\t\n\f />])", re.IGNORECASE | re.ASCII) for name in _RAW}
_FOREIGN_TEXT: Final = re.compile(r"<!\[CDATA\[(.*?)(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|([^<]+)", re.DOTALL)


@dataclass(slots=True)
class _PageReader:
    """One document on its way through the tokenizer. `opened`: SVG and MathML elements that are open.

    `text` is a part of it, which begins at the offset `start`; what was read is let go.
    """

    source: TextSource
    is_xml: bool = False
    opened: list[str] = field(default_factory=list)
    base: str = origins.SELF
    has_base: bool = False
    depth: int = 0
    found: dict[tuple[str, str], int] = field(default_factory=dict)
    text: str = ""
    start: int = 0

    def __post_init__(self) -> None:
        self.text = self.source.take(_PART)

    def read(self) -> None:
        """Reads all of it. What reaches the end of a part is read again with the next one. Raises TooLongError."""
        at = 0
        while True:
            if self.opened:
                at = found if (found := self.text.find("<", at)) >= 0 else len(self.text)
            elif skipped := _SKIP.match(self.text, at):
                at = skipped.end()
            if at < len(self.text):
                if self.source.is_done:
                    at = self._markup(at)
                    continue
                before = list(self.opened), len(self.found), self.base, self.has_base
                if (end := self._markup(at)) < len(self.text):
                    at = end
                    continue
                self.opened, known, self.base, self.has_base = before
                while len(self.found) > known:
                    self.found.popitem()
            elif self.source.is_done:
                return
            self._take(at)
            at = 0

    def _take(self, at: int) -> None:
        """Lets go of what stands before `at`, and takes more in: as much again as there is left, at least."""
        left = self.text[at:]
        if len(left) > LONGEST:
            raise TooLongError
        self.start += at
        self.text = left + self.source.take(max(_PART, len(left)))

    @property
    def loads(self) -> list[Load]:
        return [Load(directive, source, at) for (directive, source), at in self.found.items()]

    def add(self, more: Iterable[Load]) -> None:
        for load in more:
            self._add(*load)

    @property
    def _is_foreign(self) -> bool:
        return self.is_xml or (bool(self.opened) and self.opened[-1] not in elements.HTML_WITHIN)

    def _markup(self, at: int) -> int:
        """Reads what begins with the "<" at `at`; gives where it ends."""
        follows = self.text[at + 1 : at + 2]
        is_name = follows.isascii() and follows.isalpha()
        if is_name or (self.is_xml and follows not in {"", "/", "!", "?"}):
            return self._start_tag(at)
        if follows == "/":
            return self._end_tag(at)
        if follows not in {"!", "?"}:
            return at + 1
        if comment := _COMMENT.match(self.text, at):
            return comment.end()
        ending = "]]>" if self._is_foreign and self.text.startswith("<![CDATA[", at) else ">"
        end = self.text.find(ending, at)
        return len(self.text) if end < 0 else end + len(ending)

    def _end_tag(self, at: int) -> int:
        follows = self.text[at + 2 : at + 3]
        if not (follows.isascii() and follows.isalpha()):
            end = self.text.find(">", at)
            return len(self.text) if end < 0 else end + 1
        name, _, end, _ = self._tag(at + 2)
        if name in self.opened and not self.is_xml:
            while self.opened.pop() != name:
                pass
        return end

    def _tag(self, at: int) -> tuple[str, dict[str, _Attribute], int, bool]:
        """Name, attributes and end of a tag whose name begins at `at`, and whether it closes itself.

        A tag that the file ends in is no tag: its name is "".
        """
        named = _NAME.match(self.text, at)
        if not named:
            return "", {}, at, False
        attributes: dict[str, _Attribute] = {}
        end = named.end()
        while one := _ATTRIBUTE.match(self.text, end):
            end = one.end()
            if one[1] is None:
                name = named[0].lower()
                return name.rpartition(":")[2] if self.is_xml else name, attributes, end, one[0].endswith("/>")
            number = one.lastindex or 1
            if number == 1 and _UNCLOSED.match(self.text, end):
                break  # a quote without its twin
            value = _Attribute(one[number] if number > 1 else "", one.start(number))
            attributes.setdefault(one[1].lower(), value)
        return "", {}, len(self.text), False

    def _start_tag(self, at: int) -> int:
        name, attributes, end, is_closed = self._tag(at + 1)
        if not name:
            return end
        if self._is_foreign and not self.is_xml and name in elements.BREAKOUT:
            while self.opened and self.opened[-1] not in elements.HTML_WITHIN:
                self.opened.pop()
        is_foreign = self._is_foreign or name in {"svg", "math"}
        if attributes:
            self._attributes(name, attributes)
        if name == "form" and "action" not in attributes:
            self._add("form-action", origins.SELF, at)  # sent to where it came from
        if name == "link":
            self._link(attributes)
        if is_foreign:
            if not is_closed and not self.is_xml and len(self.opened) < _NESTED:
                self.opened.append(name)
            if name in {"script", "style"} and not is_closed:
                end = self._text(name, attributes, end, *self._foreign_text(end))
        elif name == "script":
            end = self._text(name, attributes, end, *self._script(end))
        elif name in _ENDS:
            close = _ENDS[name].search(self.text, end)
            to = close.start() if close else len(self.text)
            end = self._text(name, attributes, end, self.text[end:to], to) if name == "style" else to
        elif name == "plaintext":
            end = len(self.text)
        if name == "script":
            self._script_source(attributes)
        return end

    def _text(self, name: str, attributes: Mapping[str, _Attribute], at: int, text: str | None, to: int) -> int:
        """Inline script or style: `text` is None where a script is never run, since it has no end."""
        if text and name == "style":
            self._add("style-src", digest(text), at)  # of any type: Chromium asks the policy first
            if self._kind(attributes) in {"", "text/css"}:
                self._styles(text, at)
        is_inline = name == "script" and not any(one in attributes for one in elements.NAMED)
        if text and is_inline and _is_run(attributes, self._kind(attributes)):
            self._add("script-src", digest(text), at)
        return to

    def _script(self, at: int) -> tuple[str | None, int]:
        """The text of a script, and where its end tag begins: comments in it hide end tags, as they once had to."""
        start, state = at, 0  # 0: script data, 1: escaped, 2: double escaped
        while mark := _SCRIPT_MARK.search(self.text, at):
            at = mark.end()
            if mark[0] == "<!--":
                at -= 2  # `<!-->` is a whole comment
                state = state or 1
            elif mark[0] == "-->":
                state = 0
            elif mark[1]:
                if state < 2:
                    return self.text[start : mark.start()], mark.start()
                state = 1
            elif state == 1:
                state = 2
        return None, len(self.text)

    def _foreign_text(self, at: int) -> tuple[str, int]:
        """The text of an SVG's script or style: markup is read in it, up to the first tag."""
        parts: list[str] = []
        while one := _FOREIGN_TEXT.match(self.text, at):
            at = one.end()
            parts.append(one[1] or (html.unescape(one[2]) if one[2] else ""))
        return "".join(parts), at

    def _script_source(self, attributes: Mapping[str, _Attribute]) -> None:
        for name in elements.NAMED:
            if name in attributes and _is_run(attributes, self._kind(attributes)):
                self._url("script-src", attributes[name])

    def _attributes(self, element: str, attributes: Mapping[str, _Attribute]) -> None:
        for name, one in attributes.items():
            if name == "style":
                value = attribute_value(one.value)
                self._add(STYLES, digest(value), one.at)
                self._styles(value, one.at)
            elif active_content.is_handler(name):
                if value := attribute_value(one.value):
                    self._add(HANDLERS, digest(value), one.at)
            elif directive := elements.LOADS.get((element, name)) or elements.LOADS.get(("", name)):
                self._url(directive, one)
            elif name in {"srcset", "imagesrcset"}:
                for url, at in active_content.candidates(attribute_value(one.value)):
                    self._add("img-src", origins.source(url, self.base), one.at + at)
            elif name == "srcdoc" and element == "iframe" and self.depth < _DEPTH:
                inner = _PageReader(TextSource([attribute_value(one.value)]), base=self.base, depth=self.depth + 1)
                inner.read()
                self.add(load._replace(at=one.at) for load in inner.loads)
            elif name == "action" and element == "form":
                if not self._url("form-action", one):
                    self._add("form-action", origins.SELF, one.at)
            elif name == "href" and element == "base" and not self.has_base:
                self._base(one)
            elif name == "ping":
                for url in attribute_value(one.value).split():
                    self._add("connect-src", origins.source(url, self.base), one.at)
            elif self.opened and "url(" in one.value:
                self._styles(attribute_value(one.value), one.at)
            kind = active_content.urls_of(element, name)
            if kind is active_content.Url.REFRESH and not _is_refresh(attributes):
                kind = None
            if kind and _runs(kind, attribute_value(one.value)):
                self._add(origins.SCRIPT, origins.SCRIPT, one.at)

    def _base(self, one: _Attribute) -> None:
        self.has_base = True
        if source := origins.source(attribute_value(one.value)):
            self._add("base-uri", source, one.at)
            self.base = source

    def _link(self, attributes: Mapping[str, _Attribute]) -> None:
        if not (one := attributes.get("href")):
            return
        relations = attribute_value(attributes["rel"].value).lower().split() if "rel" in attributes else []
        kind = attributes["as"].value.lower() if "as" in attributes else ""
        for relation in relations:
            directive = elements.PRELOADED.get(kind) if relation == "preload" else elements.RELATIONS.get(relation)
            if directive:
                self._url(directive, one)

    def _url(self, directive: str, one: _Attribute) -> bool:
        return self._add(directive, origins.source(attribute_value(one.value), self.base), one.at)

    def _styles(self, text: str, at: int) -> None:
        for directive, url, offset in stylesheets.loads(text):
            self._add(directive, origins.source(url, self.base), at + offset)

    def _add(self, directive: str, source: str | None, at: int) -> bool:
        if source and (source != origins.SCRIPT or directive == origins.SCRIPT):
            self.found.setdefault((directive, source), self.start + at)
        return source is not None

    def _kind(self, attributes: Mapping[str, _Attribute]) -> str:
        return attribute_value(attributes["type"].value).strip("\t\n\f ").lower() if "type" in attributes else ""


def _is_refresh(attributes: Mapping[str, _Attribute]) -> bool:
    given = attributes.get("http-equiv")
    return given is not None and active_content.is_refresh(attribute_value(given.value))


def _runs(kind: active_content.Url, value: str) -> bool:
    return any(map(active_content.is_script, active_content.urls(kind, value)))


def _is_run(attributes: Mapping[str, _Attribute], kind: str) -> bool:
    """Whether browsers run a script of this type. The others are blocks of data, such as JSON-LD: no policy asks."""
    if not kind and "type" not in attributes and (language := attributes.get("language")) and language.value:
        kind = f"text/{attribute_value(language.value).lower()}"
    return not kind or kind in elements.JAVASCRIPT or kind in elements.INLINE_TYPES


_Read = Callable[[TextSource], list[Load]]

READERS: Final[Mapping[str, _Read]] = MappingProxyType(
    {
        "text/html": page,
        "text/css": sheet,
        "image/svg+xml": image,
        "application/xml": document,
        "application/atom+xml": document,
        "application/rss+xml": document,
    }
)
"""What reads a document of each media type; the others load nothing."""
