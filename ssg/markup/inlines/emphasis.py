"""Emphasis: which runs of *, _ and ~~ belong together (CommonMark 6.2, GFM 6.5; the algorithm of its appendix)."""

from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from ssg.markup.text.characters import is_punctuation, is_white


@dataclass(slots=True, eq=False)
class Run:
    """A run of one sign, `count` of which are still text; it had `length`."""

    sign: str
    count: int
    length: int
    opens: bool
    closes: bool

    def __str__(self) -> str:
        return self.sign * self.count


@dataclass(slots=True, eq=False)
class Bracket:
    """[ or ![ at `start` of the text, as node number `at`. Of an inactive one, no link is made: there is one in it."""

    at: int
    start: int
    is_image: bool
    is_active: bool = True
    has_inner: bool = False  # another one opened within it

    def __str__(self) -> str:
        return "![" if self.is_image else "["

    @property
    def text_start(self) -> int:
        return self.start + 1 + self.is_image


def run(text: str, at: int) -> Run:
    """The run that begins at a sign, and whether it can open and close (left- and right-flanking, 6.2)."""
    sign = text[at]
    end = at + 1
    while text[end : end + 1] == sign:
        end += 1
    before = text[at - 1] if at else "\n"
    after = text[end : end + 1] or "\n"
    if before.isalnum() and after.isalnum():
        is_left = is_right = True
        opens = closes = sign != "_"
        return Run(sign, end - at, end - at, opens, closes)
    white_before, white_after = is_white(before), is_white(after)
    mark_before, mark_after = is_punctuation(before), is_punctuation(after)
    is_left = not white_after and (not mark_after or white_before or mark_before)
    is_right = not white_before and (not mark_before or white_after or mark_after)
    if sign == "_":
        opens = is_left and (not is_right or mark_before)
        closes = is_right and (not is_left or mark_after)
    else:
        opens, closes = is_left, is_right
    return Run(sign, end - at, end - at, opens, closes)


def fill(element: Element, nodes: Iterable[object]) -> None:
    """Adds nodes to an element. What is no element is text."""
    last: Element | None = element[-1] if len(element) else None
    parts: list[str] = []  # put together once: thousands of them would be copied again for each
    for node in nodes:
        if isinstance(node, Element):
            if parts:
                _add(element, last, parts)
            element.append(node)
            last = node
        else:
            parts.append(str(node))
    if parts:
        _add(element, last, parts)


def _add(element: Element, last: Element | None, parts: list[str]) -> None:
    """Adds the text of `parts`, behind the last child where there is one, and empties them."""
    text = "".join(parts)
    if last is None:
        element.text = element.text + text if element.text else text
    else:
        last.tail = last.tail + text if last.tail else text
    parts.clear()


class _Openers:
    """Runs that may open, with their numbers among the nodes; and how far down a search for one is worth it."""

    def __init__(self) -> None:
        self.runs: list[tuple[Run, int]] = []
        self._bottoms: dict[tuple[str, bool, int], int] = {}

    def find(self, closer: Run) -> int:
        """The number of the opener that belongs to a closer, or -1."""
        is_deletion = closer.sign == "~"
        key = (closer.sign, closer.opens, closer.count if is_deletion else closer.length % 3)
        for number in range(len(self.runs) - 1, self._bottoms.get(key, 0) - 1, -1):
            opener = self.runs[number][0]
            if opener.sign != closer.sign:
                continue
            if is_deletion:
                if opener.count == closer.count:
                    return number
            elif not (
                (opener.closes or closer.opens)
                and (opener.length + closer.length) % 3 == 0
                and (opener.length % 3 or closer.length % 3)
            ):
                return number
        self._bottoms[key] = len(self.runs)
        return -1

    def cut(self, size: int) -> None:
        del self.runs[size:]
        for key, bottom in self._bottoms.items():
            if bottom > size:
                self._bottoms[key] = size


def emphasized(nodes: list[object]) -> list[object]:
    """The nodes with an element for each pair of runs, and what stood between them in it."""
    if Run not in map(type, nodes):
        return nodes
    out: list[object] = []
    openers = _Openers()
    for node in nodes:
        if isinstance(node, Run):
            if node.closes:
                _close(node, out, openers)
            if not node.count:
                continue
            if node.opens:
                openers.runs.append((node, len(out)))
        out.append(node)
    return out


def _close(closer: Run, out: list[object], openers: _Openers) -> None:
    while closer.count and (number := openers.find(closer)) >= 0:
        opener, at = openers.runs[number]
        if closer.sign == "~":
            size, tag = closer.count, "del"
        elif opener.count >= 2 and closer.count >= 2:
            size, tag = 2, "strong"
        else:
            size, tag = 1, "em"
        element = Element(tag)
        fill(element, out[at + 1 :])
        del out[at + 1 :]
        opener.count -= size
        closer.count -= size
        openers.cut(number + 1)
        if not opener.count:
            openers.cut(number)
            del out[at]
        out.append(element)
