"""The URLs of a body: taken out of its tags as slots, with markers in their place."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Final, Literal

from sealpress.html import active_content, stylesheets
from sealpress.html.active_content import Url, is_script
from ssg.markup.html.tags import Attributes, Html, HtmlTag, cut
from ssg.markup.text.block import LinkTarget, Position
from ssg.markup.text.characters import address
from ssg.markup.text.converted import ANCHOR, LINK, OPEN, PICTURE, SLOT, STX, Argument, Slot, slot_marker
from ssg.markup.text.positions import MarkdownSource

# What must be there, as a link's target must. Other URLs are of old browsers, and only looked at for what they run.
_ANYWHERE: Final = frozenset({"href", "src", "srcset", "poster", "xlink:href"})
_CHECKED: Final = frozenset(
    {
        ("object", "data"),
        ("form", "action"),
        ("button", "formaction"),
        ("input", "formaction"),
        ("meta", "content"),
        ("a", "ping"),
        ("area", "ping"),
        ("link", "imagesrcset"),
        *((element, "cite") for element in ("blockquote", "q", "del", "ins")),
        *((element, "background") for element in ("body", "table", "tr", "td", "th")),
    }
)
_CANDIDATE: Final = re.compile(r"[\s,]*(\S+?)(?=,?(?:\s|$))[^,]*")
_WORD: Final = re.compile(r"\S+")
_FITTED: Final = frozenset({"width", "height", "loading", "decoding", "srcset", "sizes"})  # see ssg.rendering.bodies
_DEPTH: Final = 8  # of documents in srcdoc attributes


@dataclass(slots=True)
class _Slots:
    source: MarkdownSource
    slots: list[Slot] = field(default_factory=list)
    externals: dict[Slot, None] = field(default_factory=dict)  # each once, in their order
    numbers: dict[Slot, int] = field(default_factory=dict)

    def link(self, target: str, place: Position | None, *, is_image: bool, form: Literal["=", "%"] = "=") -> str:
        """What stands in the HTML for `target`: a marker, or itself where it is external."""
        line, column = place or (self.source.next_of(target) if target else (1, 1))
        link = Slot(LINK, str(target), line, column, max(1, len(target)))
        if not target:
            self.source.fault("this link has no target", "write where it leads, or take the link away", (line, column))
            return ""
        if scheme := active_content.active_scheme(target, is_image=is_image):
            self.refuse(scheme, (line, column), link.length)
            return "#"
        if active_content.scheme(target) or target.startswith("//"):
            self.externals[link] = None
            return target if form == "=" else address(target)
        return slot_marker(self._number(link), form)

    def refuse(self, scheme: str, place: Position, length: int) -> None:
        hint = "a page's links lead to pages and files; scripts belong to the theme"
        self.source.fault(f'a link can\'t lead to "{scheme}"', hint, place, length)

    def picture(self, attributes: Attributes, place: Position) -> Attributes:
        """The attributes of an <img>, with a marker before them where a link is among them."""
        own = {name.lower(): value or "" for name, value in attributes.items()}
        if not any(SLOT in value for value in own.values()):
            return attributes
        given = tuple(Argument(name, "" if SLOT in own[name] else own[name]) for name in own if name in _FITTED)
        src = OPEN.fullmatch(own.get("src", ""))
        link = self.slots[int(src[1])] if src else Slot(LINK, "", *place, len("<img"))
        return {slot_marker(self._number(replace(link, kind=PICTURE, given=given))): None, **attributes}

    def _number(self, slot: Slot) -> int:
        number = self.numbers.setdefault(slot, len(self.slots))
        if number == len(self.slots):
            self.slots.append(slot)
        return number


def take_links(
    html: Html, source: MarkdownSource, numbers: Sequence[int], *, is_plain: bool = False
) -> tuple[list[Slot], list[Slot]]:
    """Takes the targets out of tags, of which `numbers` have attributes, and puts markers in; gives the slots of these,
    and the links that lead elsewhere.

    `is_plain`: nothing but what can run nothing may stand in a tag (`[markdown] html = false`).
    """
    found = _Slots(source)
    for number in numbers:
        tag = html.tags[number]
        changed: dict[str, str | None] = {}
        dropped: list[str] = []
        for name, value in tag.attributes.items():
            known = name.lower()
            if is_plain and known not in active_content.PLAIN and STX not in name:
                dropped.append(name)
                _complain_of_attribute(known, source)
                continue
            if value is None:
                continue
            kind = _url_of(tag, known)
            if not kind and known != "style":  # as most are
                continue
            written = _Value(html, number, name, value)
            if kind and kind is not Url.DOCUMENT and known not in _ANYWHERE and (tag.name, known) not in _CHECKED:
                for scheme in _active(value, kind, tag.name, known):
                    found.refuse(scheme, written.place_of_name(source), len(name))
                kind = None
            elif known == "style" and any(is_script(url) for _, url, _ in stylesheets.loads(value)):
                found.refuse("javascript:", written.place_of_name(source), len(name))
            if kind is Url.DOCUMENT:
                for _, _, scheme in active_urls(cut(value)):
                    found.refuse(scheme, written.place_of_name(source), len(name))
            elif isinstance(value, LinkTarget):
                changed[name] = found.link(value, value.place, is_image=_is_image(tag.name, known), form="%")
            elif kind is not None and ANCHOR not in value:
                changed[name] = _replaced(written, kind, found, is_image=_is_image(tag.name, known))
        if changed or dropped:
            kept: Attributes = {name: value for name, value in tag.attributes.items() if name not in dropped} | changed
            html.tags[number] = tag.having(
                found.picture(kept, html.place(number) or (1, 1)) if tag.name == "img" else kept
            )
        if tag.name == "base" and "href" in map(str.lower, tag.attributes):
            hint = "every link of the page would lead elsewhere: write whole URLs where they are meant"
            place = html.place(number) or source.find(r"<base\b")
            source.fault("a page can't have a <base href>", hint, place, len("<base"))
    return found.slots, list(found.externals)


def _url_of(tag: HtmlTag, known: str) -> Url | None:
    kind = active_content.urls_of(tag.name, known)
    if kind is Url.REFRESH:
        pragma = next((value for name, value in tag.attributes.items() if name.lower() == "http-equiv"), None)
        return kind if active_content.is_refresh(pragma or "") else None
    return kind


def _complain_of_attribute(name: str, source: MarkdownSource) -> None:
    pattern = re.escape(name).replace("_", ".")  # which stands for what can't stand in a name
    what = "a script" if active_content.is_handler(name) else f'the attribute "{name}"'
    source.fault(
        f"{what} can't stand here: [markdown] html is false",
        "take it out; an attribute list may give a class, an id, a size, a title",
        source.find(rf"(?<![\w-]){pattern}(?=\s*=|\s*\}})"),
        len(name),
    )


def _active(value: str, kind: Url, element: str, name: str) -> list[str]:
    is_image = _is_image(element, name)
    schemes = (active_content.active_scheme(url, is_image=is_image) for url in active_content.urls(kind, value))
    return [scheme for scheme in schemes if scheme]


def active_urls(html: Html, depth: int = 0) -> Iterator[tuple[str, str, str]]:
    """Element, attribute and scheme of each URL in some HTML that no page may have, in documents within it, too."""
    for tag in html.tags:
        for name, value in tag.attributes.items():
            known = name.lower()
            kind = _url_of(tag, known) if value else None
            if kind is Url.DOCUMENT and depth < _DEPTH:
                yield from active_urls(cut(value or ""), depth + 1)
            elif kind is not None:
                for scheme in _active(value or "", kind, tag.name, known):
                    yield tag.name, known, scheme


def _is_image(tag: str, name: str) -> bool:
    """Whether a URL is shown as an image; else it is followed, or loaded as something else."""
    if tag in {"a", "area", "form", "button", "meta", "blockquote", "q", "del", "ins"} or name == "formaction":
        return False
    shows = tag in {"img", "image", "picture", "input", "feimage"} or name in {"srcset", "imagesrcset"}
    return shows or name in {"poster", "background"}


@dataclass(frozen=True)
class _Value:
    """An attribute's value that the author wrote in HTML or in a list of attributes."""

    html: Html
    number: int  # of its tag
    name: str
    text: str

    def place(self, at: int = 0) -> Position | None:
        """Where a character of it stands, where the tag is the author's own."""
        if self.number not in self.html.origins:
            return None
        return self.html.place(self.number, self._span[1] + at if self._span else 0)

    def place_of_name(self, source: MarkdownSource) -> Position:
        """Where its name stands, which is looked for in a list of attributes."""
        place = self.html.place(self.number, self._span[0] if self._span else 0)
        return place or source.find(rf"\b{re.escape(self.name)}\s*=")

    @cached_property
    def _span(self) -> tuple[int, int] | None:
        """Where in its tag its name and it begin: searched once, for there may be many addresses in it."""
        raw = self.html.tags[self.number].raw
        written = re.search(rf"(?<![^\s\"'/]){re.escape(self.name)}\s*=\s*[\"']?", raw)
        return written.span() if written else None


def _replaced(value: _Value, form: Url, found: _Slots, *, is_image: bool) -> str:
    text, link = value.text, partial(found.link, is_image=is_image)
    match form:
        case Url.SET:
            # HTML, 4.8.4.2.1: candidates are URLs with a width or density, between commas.
            candidates = [(match[1], match) for match in _CANDIDATE.finditer(text) if match[1].strip(",")]
            return ", ".join(
                link(url, value.place(match.start(1))) + match[0][match.end(1) - match.start() :].rstrip()
                for url, match in candidates
            )
        case Url.LIST:
            return " ".join(link(one[0], value.place(one.start())) for one in _WORD.finditer(text))
        case Url.REFRESH:
            if not (at := active_content.refresh(text)):
                return text
            return text[: at[0]] + link(text[slice(*at)].strip(), value.place(at[0])) + text[at[1] :]
        case _:
            return link(text.strip(), value.place())
