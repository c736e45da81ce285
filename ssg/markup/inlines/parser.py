"""Text to elements in one pass (CommonMark 6 and its appendix): nodes, a stack of brackets, runs of emphasis.

What other extensions register as inline patterns is asked at the place where it matches, before CommonMark's own.
"""

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element

from markdown.util import AtomicString

from ssg.markup.blocks import raw_html, targets
from ssg.markup.inlines.autolinks import unlinked
from ssg.markup.inlines.emphasis import Bracket, emphasized, fill, run
from ssg.markup.inlines.image_text import Alternatives
from ssg.markup.inlines.patterns import Patterns, Waiting
from ssg.markup.text.block import LinkTarget, Text
from ssg.markup.text.characters import PUNCTUATION, REFERENCE, label, referred
from ssg.markup.text.converted import ETX, STX

if TYPE_CHECKING:
    from markdown import Markdown

    from ssg.markup.dialects.conversion import Conversion

KEPT_ESCAPES: Final = frozenset("\"'-.!{%$:<[]()")
"""Characters that typography would change, or that begin other systems' syntax: escaped, they stay marked until both
were looked for.
"""

# Most line breaks are text like any other: not those behind a blank, or behind a reference, which may stand for one.
_SIGN: Final = re.compile(r"[\\`*_\[\]!<&~\n](?<![^ ;]\n)")
_TICKS: Final = re.compile("`+")
_ADDRESS: Final = re.compile(r"<([A-Za-z][A-Za-z0-9.+-]{1,31}:[^<>\x00-\x20]*+)>")
_HOST: Final = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_MAIL: Final = re.compile(rf"<([a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]++@{_HOST}(?=(?P<rest>(?:\.{_HOST})*))(?P=rest))>")


def kept(char: str) -> str:
    """A character as it stands in a text: marked, where typography must leave it alone."""
    return f"{STX}{ord(char)}{ETX}" if char in KEPT_ESCAPES else char


class InlineParser:
    """Parses the texts of one conversion. `extended` False: CommonMark and no more."""

    def __init__(self, md: "Markdown", state: "Conversion", *, extended: bool = True) -> None:
        self.md = md
        self.state = state
        self.extended = extended
        self.patterns = Patterns(md)

    def into(self, element: Element, text: Text) -> None:
        """Puts what a text means into an element that is empty."""
        if "{" in text:
            self.state.has_attributes = True
        waiting = self.patterns.on(text)
        if waiting or _SIGN.search(text):
            fill(element, _InlineReading(self, text).nodes(waiting))
        else:
            element.text = str(text)

    def nodes(self, text: Text) -> list[object]:
        return _InlineReading(self, text).nodes(self.patterns.on(text))


class _InlineReading:
    """One text, while it is read."""

    def __init__(self, parser: InlineParser, text: Text) -> None:
        self.parser = parser
        self.text = text
        self.found: list[object] = []
        self.brackets: list[Bracket] = []
        self.alternatives = Alternatives(parser.md.htmlStash.rawHtmlBlocks)
        self._ticks: dict[int, list[int]] | None = None
        self._missing: set[str] = set()  # ends of HTML that stand nowhere in the rest of the text

    def nodes(self, waiting: Waiting | None) -> list[object]:
        text, found = self.text, self.found
        size = len(text)
        search = _SIGN.search
        pos = 0
        at = -1
        while pos < size:
            if at < pos:
                sign = search(text, pos)
                at = sign.start() if sign else size
            if waiting and (matched := waiting.before(pos, at)) is not None:
                start, end, node = waiting.node(matched, self)
                if node is not None:
                    if start > pos:
                        found.append(text[pos:start])
                    found.append(node)
                    pos = end
                continue
            if at > pos:
                found.append(text[pos:at])
            if at == size:
                break
            pos = _READERS[text[at]](self, at)
        self.alternatives.write()
        return emphasized(found)

    def add(self, node: object, end: int) -> int:
        self.found.append(node)
        return end

    def line_break(self, at: int) -> int:
        if self.found and type(self.found[-1]) is str:
            before = self.found[-1]
            stripped = before.rstrip(" ")
            self.found[-1] = stripped
            if len(before) - len(stripped) >= 2:
                self.found.append(Element("br"))
        return self.add("\n", at + 1)

    def backslash(self, at: int) -> int:
        char = self.text[at + 1 : at + 2]
        if char == "\n":
            self.found.append(Element("br"))
            return self.add("\n", at + 2)
        return self.add(kept(char), at + 2) if char in PUNCTUATION else self.add("\\", at + 1)

    def code(self, at: int) -> int:
        text = self.text
        ticks = _TICKS.match(text, at)
        inner = ticks.end() if ticks else at + 1
        end = self._closing(inner - at, inner)
        if end < 0:
            return self.add(text[at:inner], inner)
        code = text[inner:end].replace("\n", " ")
        if text.is_cell:
            code = code.replace("\\|", "|")
        if code[0] == code[-1] == " " and code.strip(" "):
            code = code[1:-1]
        element = Element("code")
        element.text = AtomicString(code)
        return self.add(element, end + inner - at)

    def _closing(self, size: int, start: int) -> int:
        """Where the next run of that many backticks begins, or -1."""
        if self._ticks is None:
            self._ticks = {}
            for ticks in _TICKS.finditer(self.text):
                self._ticks.setdefault(len(ticks[0]), []).append(ticks.start())
        starts = self._ticks.get(size, [])
        number = bisect_right(starts, start - 1)
        return starts[number] if number < len(starts) else -1

    def emphasis(self, at: int) -> int:
        found = run(self.text, at)
        is_sign = found.sign != "~" or (self.parser.extended and found.length <= 2)
        return self.add(found if is_sign and (found.opens or found.closes) else str(found), at + found.length)

    def exclamation(self, at: int) -> int:
        if not self.text.startswith("[", at + 1) or (self.parser.extended and self.text.startswith("^", at + 2)):
            return self.add("!", at + 1)
        self._open(at, is_image=True)
        return at + 2

    def bracket(self, at: int) -> int:
        self._open(at, is_image=False)
        return at + 1

    def _open(self, at: int, *, is_image: bool) -> None:
        if self.brackets:
            self.brackets[-1].has_inner = True
        bracket = Bracket(len(self.found), at, is_image)
        self.found.append(bracket)
        self.brackets.append(bracket)

    def closing_bracket(self, at: int) -> int:
        if not self.brackets:
            return self.add("]", at + 1)
        bracket = self.brackets.pop()
        if bracket.has_inner and self.brackets:
            self.brackets[-1].has_inner = True
        if not bracket.is_active:
            return self.add("]", at + 1)
        text = self.text
        if text.startswith("(", at + 1) and (inline := targets.inline(text, at + 1)):
            return self._link(bracket, LinkTarget.of(inline.target, text.place(inline.start)), inline.title, inline.end)
        found = targets.LABEL.match(text, at + 1)
        name, end = (found[1], found.end()) if found else ("", at + 1)
        is_full = bool(name.strip(" \t\n"))
        if not is_full and not bracket.has_inner and at - bracket.text_start < 1000:
            name = text[bracket.text_start : at]
        if name and (known := self.parser.state.definitions.targets.get(label(name))):
            target, title = known
            if self.parser.state.source.may_repeat(len(target) + len(title or "")):
                return self._link(bracket, target, title, end)
            return self.add("]", at + 1)
        self._complain(bracket, at, name, has_label=found is not None)
        return self.add("]", at + 1)

    def _complain(self, bracket: Bracket, at: int, name: str, *, has_label: bool) -> None:
        """Tells of a reference or a footnote that nothing defines, where one was meant."""
        text, state = self.text, self.parser.state
        behind = text[at + 1 : at + 2]
        if text.startswith("^", bracket.text_start) and self.parser.extended:
            note = text[bracket.text_start + 1 : at]
            if not bracket.is_image and note and not re.search(r"\s", note) and not (behind and behind in ":(["):
                state.lost_footnote(note, text.place(bracket.start))
        elif has_label and name.strip(" \t\n"):
            # Neither an index, as in array[0][1], nor a text before a link.
            before = text[bracket.start - 1] if bracket.start else " "
            found = targets.LABEL.match(text, at + 1)
            after = text[found.end() : found.end() + 1] if found else ""
            if not (before.isalnum() or before in "]_)" or (after and after in "([")):
                state.lost_reference(name, text.place(at + 2))

    def _link(self, bracket: Bracket, target: LinkTarget, title: str | None, end: int) -> int:
        inner = emphasized(list(map(unlinked, self.found[bracket.at + 1 :])))
        del self.found[bracket.at :]
        if bracket.is_image:
            element = Element("img", {"src": target})
            self.alternatives.add(element, inner)
        else:
            element = Element("a", {"href": target})
            fill(element, inner)
            # No link stands in another; what is inactive once has only inactive ones before it.
            for other in reversed(self.brackets):
                if not other.is_image:
                    if not other.is_active:
                        break
                    other.is_active = False
        if title is not None:
            element.set("title", title)
        return self.add(element, end)

    def angle(self, at: int) -> int:
        text = self.text
        if found := _ADDRESS.match(text, at):
            return self._autolink(found[1], found[1], at, found.end())
        if found := _MAIL.match(text, at):
            return self._autolink("mailto:" + found[1], found[1], at, found.end())
        end = self._html(at) if self.parser.state.html else None
        if end is None:
            return self.add("<", at + 1)
        return self.add(self.parser.state.raw(raw_html.markdown_less(text[at:end]), text, at), end)

    def _autolink(self, target: str, shown: str, at: int, end: int) -> int:
        element = Element("a", {"href": LinkTarget.of(target, self.text.place(at + 1))})
        element.text = AtomicString(shown)
        return self.add(element, end)

    def _html(self, at: int) -> int | None:
        """Where the HTML ends that begins at a <, or None where none does."""
        text = self.text
        if found := raw_html.TAG.match(text, at):
            return found.end()
        for beginning, end in raw_html.SPANS:
            if text.startswith(beginning, at):
                return self._end(end, at + len(beginning)) if end else at + len(beginning)
        return self._end(">", at + 3) if raw_html.DECLARATION.match(text, at) else None

    def _end(self, sign: str, at: int) -> int | None:
        if sign in self._missing:
            return None
        end = self.text.find(sign, at)
        if end < 0:
            self._missing.add(sign)
            return None
        return end + len(sign)

    def reference(self, at: int) -> int:
        found = REFERENCE.match(self.text, at)
        char = referred(found[0]) if found else None
        return self.add(kept(char), found.end()) if found and char else self.add("&", at + 1)


_READERS: Final = {
    "\n": _InlineReading.line_break,
    "\\": _InlineReading.backslash,
    "`": _InlineReading.code,
    "*": _InlineReading.emphasis,
    "_": _InlineReading.emphasis,
    "~": _InlineReading.emphasis,
    "!": _InlineReading.exclamation,
    "[": _InlineReading.bracket,
    "]": _InlineReading.closing_bracket,
    "<": _InlineReading.angle,
    "&": _InlineReading.reference,
}
