"""The text of a page as readers see it, and how two of them differ, word by word.

Python's own html.parser is enough here: what it makes of a page is shown to a person, and goes into no output byte.
"""

import difflib
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from typing import Final, Literal, NamedTuple

WordsKind = Literal["same", "added", "removed"]

_CONTEXT: Final = 6  # words that are shown before and behind a change
_COMPARED: Final = 4_000_000  # pairs of words that are looked at one by one: half a second
_UNSEEN: Final = frozenset({"script", "style", "template", "noscript", "svg", "math", "head", "iframe", "object"})
_WITHIN: Final = frozenset(
    """a abbr b bdi bdo br cite code data del dfn em i img ins kbd mark q rp rt ruby s samp small span strong sub sup
    time u var wbr""".split()  # noqa: SIM905
)
"""Elements within a line: any other begins a block."""


class Piece(NamedTuple):
    """Words, with one blank between two. A "same" one that is "" stands for what is left out between two changes."""

    kind: WordsKind
    text: str


def blocks(page: bytes) -> tuple[str, ...]:
    """What a reader reads, cut at paragraphs, list items, cells and such; the title in front. Blanks are folded."""
    reader = _Reader()
    reader.feed(page.decode("utf-8", "replace"))
    reader.close()
    reader.cut()
    return tuple(reader.found)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._line: list[str] = []
        self._unseen: list[str] = []
        self._is_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen.append(tag)
        elif tag == "body":  # whatever was left open before it
            self._unseen.clear()
        if tag not in _WITHIN or tag == "br":
            self.cut()
        if tag == "img" and (alternative := dict(attrs).get("alt")):
            self.handle_data(f" [{alternative}] ")
        # One in an SVG is none of the page.
        self._is_title = tag == "title" and self._unseen in ([], ["head"])

    def handle_endtag(self, tag: str) -> None:
        if tag in self._unseen:
            del self._unseen[self._unseen.index(tag) :]
        if tag not in _WITHIN:
            self.cut()
        self._is_title = False

    def handle_data(self, data: str) -> None:
        if self._is_title or not self._unseen:
            self._line.append(data)

    def cut(self) -> None:
        if text := " ".join("".join(self._line).split()):
            self.found.append(text)
        self._line.clear()


def difference(before: Sequence[str], after: Sequence[str]) -> tuple[Piece, ...]:
    """What changed between two texts, each as blocks, with a few words around each change; () where nothing did."""
    found: list[Piece] = []
    for kind, i, j, k, m in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            found.append(Piece("same", " ".join(before[i:j])))
        else:
            found += _words(" ".join(before[i:j]).split(), " ".join(after[k:m]).split())
    if all(piece.kind == "same" for piece in found):
        return ()
    return tuple(_shortened(tuple(_joined(found))))


def _words(before: list[str], after: list[str]) -> Iterator[Piece]:
    if len(before) * len(after) > _COMPARED:
        yield from _pieces(("removed", before), ("added", after))
        return
    for kind, i, j, k, m in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from _pieces(("same", before[i:j]))
        else:
            yield from _pieces(("removed", before[i:j]), ("added", after[k:m]))


def _pieces(*parts: tuple[WordsKind, list[str]]) -> Iterator[Piece]:
    return (Piece(kind, " ".join(words)) for kind, words in parts if words)


def _joined(pieces: list[Piece]) -> Iterator[Piece]:
    """Neighbours of one kind as one."""
    last: Piece | None = None
    for piece in pieces:
        if last and last.kind == piece.kind:
            last = Piece(last.kind, f"{last.text} {piece.text}")
            continue
        if last:
            yield last
        last = piece
    if last:
        yield last


def _shortened(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Of what stayed, only the words next to a change."""
    last = len(pieces) - 1
    for number, piece in enumerate(pieces):
        words = piece.text.split()
        head = words[:_CONTEXT] if number else []
        tail = words[-_CONTEXT:] if number < last else []
        if piece.kind != "same" or len(words) <= len(head) + len(tail):
            yield piece
        else:
            yield from _pieces(("same", head))
            yield Piece("same", "")
            yield from _pieces(("same", tail))
