"""A document's text as browsers see it, piece by piece: however long it is, memory holds a part of it.

UTF-8, as the server says, with one kind of line end. Source: the Encoding Standard (WHATWG), "UTF-8 decode"; the HTML
Standard, section 13.2.3.5 "Preprocessing the input stream".
"""

import codecs
import io
from collections.abc import Iterable, Iterator
from typing import Final

LONGEST: Final = 64 << 20
"""Characters of what has to be held as a whole: a style sheet, a script, an attribute. Each takes up to four bytes."""


class TooLongError(ValueError):
    """Something that has to be held as a whole is longer than LONGEST."""


class TextSource:
    """Text that is taken in parts; `is_done` once there is no more."""

    def __init__(self, pieces: Iterable[str]) -> None:
        self._pieces = iter(pieces)
        self._ahead = ""
        self._advance()

    @property
    def is_done(self) -> bool:
        return not self._ahead

    def take(self, least: int) -> str:
        """At least so many characters, fewer only at the end."""
        parts: list[str] = []
        size = 0
        while self._ahead and size < least:
            parts.append(self._ahead)
            size += len(self._ahead)
            self._advance()
        return "".join(parts)

    def whole(self) -> str:
        """All that is left. Raises TooLongError."""
        text = self.take(LONGEST)
        if not self.is_done:
            raise TooLongError
        return text

    def _advance(self) -> None:
        self._ahead = next((piece for piece in self._pieces if piece), "")


def texts(data: Iterable[bytes]) -> Iterator[str]:
    """The text of a document's bytes. Raises UnicodeError for UTF-16, whose mark would overrule the server."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), translate=True)
    is_first = True
    for piece in data:
        if is_first and piece.startswith((b"\xfe\xff", b"\xff\xfe")):
            raise UnicodeError("UTF-16")
        text = decoder.decode(piece)
        yield text.removeprefix("\ufeff") if is_first else text
        is_first = False
    yield decoder.decode(b"", final=True)
