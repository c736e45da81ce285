"""What we add to Python-Markdown, as an extension of its own making: the marks, fences, task lists, deletions, plain
e-mail links, table columns by class, footnotes with roles, and faults for references that lead nowhere.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement

from markdown import Markdown
from markdown.extensions import Extension
from markdown.extensions.abbr import AbbrTreeprocessor
from markdown.extensions.footnotes import FN_BACKLINK_TEXT, FootnoteExtension
from markdown.inlinepatterns import (
    IMAGE_REFERENCE_RE,
    REFERENCE_RE,
    Delimiter,
    DelimiterProcessor,
    ImageReferenceInlineProcessor,
    InlineProcessor,
    ReferenceInlineProcessor,
    ShortImageReferenceInlineProcessor,
    ShortReferenceInlineProcessor,
    SimpleTagInlineProcessor,
)
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor, UnescapeTreeprocessor
from markdown.util import AtomicString

from sealpress.problems import did_you_mean
from ssg.markup import fences
from ssg.markup.converted import ANCHOR, ETX, STX
from ssg.markup.fences import Fence
from ssg.markup.positions import MARK, Source, without_marks

MORE: Final = "<!-- more -->"
KEPT_ESCAPES: Final = frozenset("\"'-.!")
"""Characters that typography would change; escaped with a backslash, they stay marked until it is done."""


@dataclass(slots=True)
class State:
    """What belongs to one conversion. The Markdown instance outlives it, so it is set anew before each."""

    source: Source = field(default_factory=lambda: Source(""))
    fences: list[Fence] = field(default_factory=list)


class Dialect(Extension):
    """Registers everything of this module. `html` False: raw HTML is text."""

    def __init__(self, state: State, *, html: bool) -> None:
        super().__init__()
        self.state = state
        self.html = html
        self.footnotes = _Footnotes(state)

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - Python-Markdown's name
        state = self.state
        self.footnotes.extendMarkdown(md)
        md.preprocessors.register(_Marks(md, state), "normalize_whitespace", 30)
        md.preprocessors.register(_Fences(md, state), "fences", 25)
        md.preprocessors.register(_More(md, state), "more", 24)
        if not self.html:
            md.preprocessors.deregister("html_block")
            md.inlinePatterns.deregister("html")
        patterns = md.inlinePatterns
        patterns.register(_LostFootnote(md, state), "lost_footnote", 174)
        patterns.register(_Lookup(REFERENCE_RE, md, state), "reference", 170)
        patterns.register(_ImageReference(IMAGE_REFERENCE_RE, md, state), "image_reference", 140)
        patterns.register(_ShortReference(REFERENCE_RE, md, state), "short_reference", 130)
        patterns.register(_ShortImageReference(IMAGE_REFERENCE_RE, md, state), "short_image_ref", 125)
        patterns.register(_Mail(rf"<((?:{MARK.pattern})?[^<> !]+@[^@<> ]+)>", md), "automail", 110)
        deletion = r"(?<!~)(~~)(?![\s~])(.+?)(?<![\s~])~~(?!~)"
        patterns.register(SimpleTagInlineProcessor(deletion, "del"), "deletion", 65)
        emphasis = _Emphasis("*", "strong,em", md)
        emphasis.add("_", "strong,em", smart=True)
        patterns.register(emphasis, "em_strong", 60)
        known = next(one.abbrs for one in md.treeprocessors if isinstance(one, AbbrTreeprocessor))
        md.treeprocessors.register(_Abbreviations(md, known, state), "abbr", 7)
        md.treeprocessors.register(_Columns(md), "columns", 41)
        md.treeprocessors.register(_Tasks(md), "tasks", 40)
        md.treeprocessors.register(_FootnoteRoles(md, self.footnotes, state), "footnote_roles", 3)
        md.treeprocessors.register(_Unescape(md), "unescape", 0)
        md.ESCAPED_CHARS.extend(['"', "'", "~"])


class _Marks(Preprocessor):
    """In place of Python-Markdown's own first step: the same normal form, with marks."""

    def __init__(self, md: Markdown, state: State) -> None:
        super().__init__(md)
        self.state = state

    def run(self, lines: list[str]) -> list[str]:
        del lines
        return self.state.source.marked().split("\n")


class _Fences(Preprocessor):
    def __init__(self, md: Markdown, state: State) -> None:
        super().__init__(md)
        self.state = state

    def run(self, lines: list[str]) -> list[str]:
        return fences.extract("\n".join(lines), self.state.source, self._store).split("\n")

    def _store(self, fence: Fence) -> str:
        self.state.fences.append(fence)
        return self.md.htmlStash.store(code_stub(len(self.state.fences) - 1))


def code_stub(number: int) -> str:
    """What stands for a fence until the end. It looks like a block, so that no paragraph is put around it."""
    return f"<pre {STX}c{number}{ETX}></pre>"


_MORE: Final = re.compile(r"^[ ]{0,3}<!--[ ]*more[ ]*-->[ ]*$", re.IGNORECASE)


class _More(Preprocessor):
    """<!-- more --> on a line of its own ends the summary, also where raw HTML is off."""

    def __init__(self, md: Markdown, state: State) -> None:
        super().__init__(md)
        self.state = state

    def run(self, lines: list[str]) -> list[str]:
        out: list[str] = []
        if "<!--" not in "\n".join(lines):
            return lines
        for line in lines:
            out += ["", self.md.htmlStash.store(MORE), ""] if _MORE.match(line) else [line]
        return out


_NEW_LINES: Final = re.compile(r"\s+")


class _Defined(ReferenceInlineProcessor):
    """A link whose definition stands elsewhere, and may be used as often as is reasonable."""

    def __init__(self, pattern: str, md: Markdown, state: State) -> None:
        super().__init__(pattern, md)
        self.state = state

    def makeTag(self, href: str, title: str, text: str) -> Element:  # noqa: N802
        is_fine = self.state.source.may_repeat(len(href) + len(title or ""))
        return super().makeTag(href, title, text) if is_fine else Element("span")


class _Lookup(_Defined):
    """[text][name]: a name that is defined nowhere is a fault."""

    def evalId(self, data: str, index: int, text: str) -> tuple[str | None, int, bool]:  # noqa: N802
        found = self.RE_LINK.match(data, index)
        if not found:
            return None, index, False
        written = _NEW_LINES.sub(" ", without_marks(found[1] if without_marks(found[1]) else text))
        name = written.lower()
        mark = MARK.search(found[1])
        if mark and name.strip() and name not in self.md.references and _is_reference(data, found, text):
            shown = _shown(written)
            near = did_you_mean(name, self.md.references)
            self.state.source.fault(
                f'no link is defined for "{shown}"{near}',
                f"define it on a line of its own, [{shown}]: address, or escape the bracket: \\[",
                self.state.source.place(int(mark[1])),
                max(1, len(shown)),
            )
        return name, found.end(), True


def _is_reference(data: str, found: re.Match[str], text: str) -> bool:
    """Whether [a][b] was meant as a link: not array[0][1], not [a] [b] in a sentence, not [a][b](c)."""
    before = data[max(0, found.start() - len(text) - 3) : max(0, found.start() - len(text) - 2)]
    return not (data[found.start()].isspace() or before.isalnum() or before in {"]", "_", ")"}) and (
        data[found.end() : found.end() + 1] not in {"(", "["}
    )


class _ImageReference(_Lookup, ImageReferenceInlineProcessor):
    pass


class _ShortReference(_Defined, ShortReferenceInlineProcessor):
    def evalId(self, data: str, index: int, text: str) -> tuple[str, int, bool]:  # noqa: N802
        del data
        return without_marks(text).lower(), index, True


class _ShortImageReference(_Defined, ShortImageReferenceInlineProcessor):
    def evalId(self, data: str, index: int, text: str) -> tuple[str, int, bool]:  # noqa: N802
        del data
        return without_marks(text).lower(), index, True


class _LostFootnote(InlineProcessor):
    """[^name] that the footnotes' own pattern left alone, since nothing defines it."""

    def __init__(self, md: Markdown, state: State) -> None:
        super().__init__(r"(?<!!)\[\^([^\]\s]+)\](?![:(\[])", md)
        self.state = state

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[None, None, None]:  # type: ignore[override]  # noqa: N802
        del data
        name = _shown(without_marks(m[1]))
        self.state.source.fault(
            f'no footnote is called "{name}"',
            f"write it below: [^{name}]: text",
            self.state.source.find(rf"\[\^{re.escape(name)}\]"),
            len(name) + 3,
        )
        return None, None, None


def _shown(text: str) -> str:
    """Text for a message: what Python-Markdown put away for later is not shown."""
    return re.sub(f"{STX}[^{ETX}]*{ETX}", "…", text)


class _Mail(InlineProcessor):
    """<name@example.org> as a plain link: the disguise that Python-Markdown gives it hides it from no one."""

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[Element, int, int]:  # type: ignore[override]  # noqa: N802
        del data
        address = self.unescape(m[1])
        mark = MARK.match(address)
        plain = without_marks(address)
        link = Element("a", {"href": (mark[0] if mark else "") + "mailto:" + plain.removeprefix("mailto:")})
        link.text = AtomicString(plain.removeprefix("mailto:"))
        return link, m.start(0), m.end(0)


_EMPHASIS: Final = re.compile("[*_]")


class _Overlap(Exception):  # noqa: N818 - a signal within _Emphasis
    pass


class _Emphasis(DelimiterProcessor):
    """Python-Markdown 3.11.3 loses text where signs overlap: `*a **b*c` without its c, `_</b>__[_</b>` with a
    placeholder. It pairs a run with a shorter one, and keeps pairs that it found ahead at places that have moved. Here
    a pair must be made of its signs, or the first run is plain text; and nothing is kept.
    """

    data = ""

    def add_region(self, delim: Delimiter, a: int, b: int, c: int, d: int, size: int) -> None:
        signs = delim.token * size
        if self.data[a:b] != signs or self.data[c:d] != signs:
            raise _Overlap
        super().add_region(delim, a, b, c, d, size)

    def search(self, data: str, start: int) -> re.Match[str] | None:
        """As Python-Markdown's, but looks only at the signs."""
        for sign in _EMPHASIS.finditer(data, start):
            delimiter = self.delimiters[sign[0]]
            found = delimiter.boundary.match(data, sign.start())
            if found is not None and (delimiter.stack or found.lastgroup != "end"):
                return found
        return None

    def handleMatch(  # type: ignore[override]  # noqa: N802
        self, m: re.Match[str], data: str
    ) -> tuple[Element | None, int | None, int | None]:
        self.data = data
        try:
            return super().handleMatch(m, data)
        except _Overlap:
            start = end = m.start(0)
            while data[end : end + 1] == data[start]:
                end += 1
            return None, start, end
        finally:
            self.reset()


class _Columns(Treeprocessor):
    """A table's columns stand by class, so that no inline style is needed."""

    def run(self, root: Element) -> None:
        for cell in root.iter():
            if cell.tag in {"td", "th"} and (align := cell.attrib.pop("align", None)):
                cell.set("class", f"align-{align}")


class _Abbreviations(AbbrTreeprocessor):
    """As Python-Markdown's, with what they write counted."""

    def __init__(self, md: Markdown, abbrs: dict[str, str], state: State) -> None:
        super().__init__(md, abbrs)
        self.state = state

    def create_element(self, title: str, text: str, tail: str) -> Element:
        return super().create_element(title if self.state.source.may_repeat(len(title)) else "", text, tail)


_TASK: Final = re.compile(r"\[([ xX])\][ ]+(?=\S)")


class _Tasks(Treeprocessor):
    """- [ ] and - [x]: a box that shows what is done, with its text as its label."""

    def run(self, root: Element) -> None:
        for item in list(root.iter("li")):
            holder = item[0] if not (item.text or "").strip() and len(item) and item[0].tag == "p" else item
            found = _TASK.match(holder.text or "")
            if found:
                item.set("class", "task")
                label = Element("label")
                box = SubElement(label, "input", {"type": "checkbox", "disabled": "disabled"})
                if found[1] != " ":
                    box.set("checked", "checked")
                box.tail = " " + (holder.text or "")[found.end() :]
                holder.text = None
                holder.insert(0, label)


class _Footnotes(FootnoteExtension):
    def __init__(self, state: State) -> None:
        super().__init__(BACKLINK_TEXT="↩\ufe0e", BACKLINK_TITLE="{}", USE_DEFINITION_ORDER=False)
        self.state = state

    def setFootnote(self, id: str, text: str) -> None:  # noqa: A002, N802 - Python-Markdown's names
        if not text.strip():
            place = self.state.source.find(rf"\[\^{re.escape(id)}\]:")
            self.state.source.fault(
                f'the footnote "{id}" is empty', "write its text behind the colon", place, len(id) + 3
            )
            text = "?"
        super().setFootnote(id, text)

    def findFootnotesPlaceholder(self, root: Element) -> tuple[Element, Element, bool] | None:  # noqa: N802
        # Looked for in the whole tree, which is worth it where somebody wrote one.
        is_written = self.getConfig("PLACE_MARKER").split()[0] in self.state.source.text
        return super().findFootnotesPlaceholder(root) if is_written else None

    def makeFootnotesDiv(self, root: Element) -> Element | None:  # noqa: N802
        div = super().makeFootnotesDiv(root)
        # A note that holds nothing but, say, a definition gets no link back, and Python-Markdown then stumbles over it.
        for item in div.iterfind("ol/li") if div is not None else ():
            if item.find('.//a[@class="footnote-backref"]') is None:
                link = SubElement(SubElement(item, "p"), "a", {"class": "footnote-backref", "title": "?"})
                link.set("href", "#" + item.get("id", "").replace("fn:", "fnref:", 1))
                link.text = FN_BACKLINK_TEXT
        return div


class _FootnoteRoles(Treeprocessor):
    """Footnotes as DPUB-ARIA 1.1 has them: doc-noteref, doc-endnotes, doc-backlink. Their anchors can be prefixed."""

    def __init__(self, md: Markdown, footnotes: _Footnotes, state: State) -> None:
        super().__init__(md)
        self.footnotes = footnotes
        self.state = state

    def run(self, root: Element) -> None:
        if not self.footnotes.footnotes:
            return
        for tag in ("div", "a", "li", "sup"):
            for element in root.iter(tag):
                self._adapt(element)
        for name in self.footnotes.footnotes:
            if name not in self.footnotes.footnote_order:
                place = self.state.source.find(rf"\[\^{re.escape(name)}\]:")
                hint = f"write [^{name}] where it belongs, or remove it"
                self.state.source.fault(f'nothing refers to the footnote "{name}"', hint, place, len(name) + 3)

    def _adapt(self, element: Element) -> None:
        attributes: dict[str, Any] = element.attrib
        kind = attributes.get("class")
        if element.tag == "div" and kind == "footnote":
            element.tag = "section"
            attributes.update({"class": "footnotes", "role": "doc-endnotes"})
            for rule in element.findall("hr"):
                element.remove(rule)
        if element.tag == "a" and kind == "footnote-ref":
            attributes.update({"role": "doc-noteref", "href": "#" + _anchor(attributes["href"][1:])})
        if element.tag == "a" and kind == "footnote-backref":
            attributes.update({"role": "doc-backlink", "href": "#" + _anchor(attributes["href"][1:])})
        if element.tag in {"li", "sup"} and str(attributes.get("id", "")).startswith(("fn:", "fnref")):
            attributes["id"] = _anchor(attributes["id"])


def _anchor(name: str) -> str:
    return ANCHOR + re.sub(r"[^\w:-]+", "-", without_marks(name))


class _Unescape(UnescapeTreeprocessor):
    """As Python-Markdown's, but leaves what typography must not touch for later; see KEPT_ESCAPES."""

    def unescape(self, text: str) -> str:
        return super().unescape(text) if STX in text else text

    def _unescape(self, m: re.Match[str]) -> str:
        char = chr(int(m[1]))
        return m[0] if char in KEPT_ESCAPES else char
