"""What we add to Python-Markdown's own block and inline stage: fences, task lists, deletions, plain e-mail links, table
columns by class, footnotes with roles, and faults for references that lead nowhere.
"""

import re
from typing import Final
from xml.etree.ElementTree import Element, SubElement

from markdown import Markdown
from markdown.extensions import Extension
from markdown.extensions.abbr import AbbrExtension, AbbrTreeprocessor
from markdown.extensions.attr_list import AttrListExtension
from markdown.extensions.def_list import DefListExtension
from markdown.extensions.md_in_html import MarkdownInHtmlExtension
from markdown.extensions.sane_lists import SaneListExtension
from markdown.extensions.tables import TableExtension
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
from markdown.util import INLINE_PLACEHOLDER_PREFIX, AtomicString

from ssg.markup.blocks.raw_html import MORE, MORE_TAG
from ssg.markup.dialects import python_markdown_fences
from ssg.markup.dialects.abbreviations import Abbreviations
from ssg.markup.dialects.conversion import Conversion, MarkdownInstance
from ssg.markup.dialects.footnotes import Footnotes, LinksBack, Roles
from ssg.markup.html.tags import Html, cut
from ssg.markup.inlines.parser import KEPT_ESCAPES
from ssg.markup.text.converted import ETX, STX

_DELETION: Final = r"(?<!~)(~~)(?![\s~])(.+?)(?<![\s~])~~(?!~)"


def instance(*, html: bool) -> MarkdownInstance:
    """A new instance of Python-Markdown with what we add to it."""
    state = Conversion(html=html)
    extensions = [
        TableExtension(use_align_attribute=True),
        DefListExtension(),
        AttrListExtension(),
        AbbrExtension(),
        SaneListExtension(),
        *([MarkdownInHtmlExtension()] if html else []),
        _Dialect(state),
    ]
    markdown = Markdown(extensions=extensions, output_format="html")
    state.md = markdown

    def convert(text: str) -> Html:
        written = markdown.convert(text)
        if INLINE_PLACEHOLDER_PREFIX.strip(STX) in written and INLINE_PLACEHOLDER_PREFIX.strip(STX) not in text:
            # Python-Markdown 3.11 miscounts some overlapping pairs; better a refusal than a page with a hole.
            hint = "escape each * and _ that is no emphasis with a backslash: \\*"
            state.source.fault("the emphasis in this text can't be told apart", hint, (1, 1))
        return cut(written)

    return MarkdownInstance(markdown, state, convert)


class _Dialect(Extension):
    def __init__(self, state: Conversion) -> None:
        super().__init__()
        self.state = state
        self.footnotes = Footnotes(state)

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - Python-Markdown's name
        state = self.state
        self.footnotes.extendMarkdown(md)
        md.preprocessors.register(_Fences(md, state), "fences", 25)
        md.preprocessors.register(_More(md), "more", 24)
        if not state.html:
            md.preprocessors.deregister("html_block")
            md.inlinePatterns.deregister("html")
        patterns = md.inlinePatterns
        patterns.register(_LostFootnote(md, state), "lost_footnote", 174)
        patterns.register(_Lookup(REFERENCE_RE, md, state), "reference", 170)
        patterns.register(_ImageReference(IMAGE_REFERENCE_RE, md, state), "image_reference", 140)
        patterns.register(_ShortReference(REFERENCE_RE, md, state), "short_reference", 130)
        patterns.register(_ShortImageReference(IMAGE_REFERENCE_RE, md, state), "short_image_ref", 125)
        patterns.register(_Mail(r"<([^<> !]+@[^@<> ]+)>", md), "automail", 110)
        patterns.register(SimpleTagInlineProcessor(_DELETION, "del"), "deletion", 65)
        emphasis = _Emphasis("*", "strong,em", md)
        emphasis.add("_", "strong,em", smart=True)
        patterns.register(emphasis, "em_strong", 60)
        known = next(one.abbrs for one in md.treeprocessors if isinstance(one, AbbrTreeprocessor))
        md.treeprocessors.register(Abbreviations(md, known, state), "abbr", 7)
        md.treeprocessors.register(_Columns(md), "columns", 41)
        md.treeprocessors.register(_Tasks(md), "tasks", 40)
        md.treeprocessors.register(LinksBack(md, self.footnotes), "links_back", 19.5)
        md.treeprocessors.register(Roles(md, self.footnotes), "footnote_roles", 3)
        md.treeprocessors.register(_Unescape(md), "unescape", 0)
        md.ESCAPED_CHARS.extend(['"', "'", "~"])


class _Fences(Preprocessor):
    def __init__(self, md: Markdown, state: Conversion) -> None:
        super().__init__(md)
        self.state = state

    def run(self, lines: list[str]) -> list[str]:
        return python_markdown_fences.extract("\n".join(lines), self.state.source, self.state.store_fence).split("\n")


class _More(Preprocessor):
    """<!-- more --> on a line of its own ends the summary, also where raw HTML is off."""

    def run(self, lines: list[str]) -> list[str]:
        out: list[str] = []
        for line in lines:
            is_more = "<!--" in line and not line.startswith("    ") and MORE.match(line.lstrip(" "))
            out += ["", self.md.htmlStash.store(MORE_TAG), ""] if is_more else [line]
        return out


class _Defined(ReferenceInlineProcessor):
    """A link whose definition stands elsewhere, and may be used as often as is reasonable."""

    def __init__(self, pattern: str, md: Markdown, state: Conversion) -> None:
        super().__init__(pattern, md)
        self.state = state

    def makeTag(self, href: str, title: str, text: str) -> Element:  # noqa: N802
        is_fine = self.state.source.may_repeat(len(href) + len(title or ""))
        return super().makeTag(href, title, text) if is_fine else Element("span")


class _ShortReference(_Defined, ShortReferenceInlineProcessor):
    pass


class _ShortImageReference(_Defined, ShortImageReferenceInlineProcessor):
    pass


class _Lookup(_Defined):
    """[text][name]: a name that is defined nowhere is a fault."""

    def evalId(self, data: str, index: int, text: str) -> tuple[str | None, int, bool]:  # noqa: N802
        name, end, is_handled = super().evalId(data, index, text)
        found = self.RE_LINK.match(data, index)
        if found and name and STX not in name and name not in self.md.references and _is_reference(data, found, text):
            source = self.state.source
            line, column = source.find(rf"\]\[{re.escape(found[1])}\]")
            self.state.lost_reference(found[1] or text, (line, column + 2))
        return name, end, is_handled


def _is_reference(data: str, found: re.Match[str], text: str) -> bool:
    """Whether [a][b] was meant as a link: not array[0][1], not [a] [b] in a sentence, not [a][b](c)."""
    before = data[max(0, found.start() - len(text) - 3) : max(0, found.start() - len(text) - 2)]
    return not (data[found.start()].isspace() or before.isalnum() or before in {"]", "_", ")"}) and (
        data[found.end() : found.end() + 1] not in {"(", "["}
    )


class _ImageReference(_Lookup, ImageReferenceInlineProcessor):
    pass


class _LostFootnote(InlineProcessor):
    """[^name] that the footnotes' own pattern left alone, since nothing defines it."""

    def __init__(self, md: Markdown, state: Conversion) -> None:
        super().__init__(r"(?<!!)\[\^([^\]\s]+)\](?![:(\[])", md)
        self.state = state

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[None, None, None]:  # type: ignore[override]  # noqa: N802
        del data
        name = re.sub(f"{STX}[^{ETX}]*{ETX}", "…", m[1])
        self.state.lost_footnote(name, self.state.source.find(rf"\[\^{re.escape(name)}\]"))
        return None, None, None


class _Mail(InlineProcessor):
    """<name@example.org> as a plain link: the disguise that Python-Markdown gives it hides it from no one."""

    def handleMatch(self, m: re.Match[str], data: str) -> tuple[Element, int, int]:  # type: ignore[override]  # noqa: N802
        del data
        address = self.unescape(m[1]).removeprefix("mailto:")
        link = Element("a", {"href": "mailto:" + address})
        link.text = AtomicString(address)
        return link, m.start(0), m.end(0)


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


class _Unescape(UnescapeTreeprocessor):
    """As Python-Markdown's, but leaves what typography must not touch for later; see KEPT_ESCAPES."""

    def _unescape(self, m: re.Match[str]) -> str:
        char = chr(int(m[1]))
        return m[0] if char in KEPT_ESCAPES or char == "\xa0" else char
