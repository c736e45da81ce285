"""Private keys and tokens, known by what a file holds, whatever it is called.

A document that shows a key is none: in HTML, XML and Markdown only a file that begins with the key counts, and a key
has a body that can be decoded. Sources: RFC 7468 (PEM), RFC 4716 (SSH2), RFC 9580 section 6.2 (OpenPGP), PuTTY's and
age's own formats, and service accounts as JSON.
"""

import re
from typing import IO, Final

MARKS: Final = (b"PRIVATE KEY", b"PuTTY-User-Key-File-", b"AGE-SECRET-KEY-1", "PRIVATE KEY".encode("utf-16-le"))
"""A file without one of these holds no key that is known here."""

_OVERLAP: Final = max(map(len, MARKS)) - 1  # bytes of a piece that are looked at again with the next one

PRIVATE_KEY: Final = "a private key"
TOKEN: Final = "a token or a password"  # noqa: S105 - what it is called
PERHAPS: Final = "what is not plainly public, by a name that keys have"

_LINE: Final = 1 << 16  # bytes; what is longer is no line of a key
_READ: Final = 1 << 20  # bytes of a file that is judged as a whole

_BEGIN: Final = re.compile(rb"(-----|---- )BEGIN ([A-Z0-9 ]* )?PRIVATE KEY( BLOCK)?(-----| ----)")
_BODY: Final = re.compile(rb"[A-Za-z0-9+/=]{16,}")
_HEADER: Final = re.compile(rb"[A-Za-z-]+: .*")
_PLAIN: Final = re.compile(rb"PuTTY-User-Key-File-[0-9]+: .+|AGE-SECRET-KEY-1[0-9A-Z]{50,}")
_IN_JSON: Final = re.compile(
    rb'"private_?key"\s*:\s*"-----BEGIN [A-Z ]*PRIVATE KEY-----(\\r)?\\n[\w+/]{16}', re.IGNORECASE
)
_BLOCK: Final = re.compile(rb"---- ?-?BEGIN ([A-Z0-9 ]+?) ?----")
_TOKEN: Final = re.compile(
    rb"^[ \t]*+(?![#;]).*(?:auth|authtoken|authident|password)[\"']?[ \t]*+[=:][ \t]*+\S", re.IGNORECASE | re.MULTILINE
)
_KEYNOTE: Final = b"PK\x03\x04"  # slides of that program end in `.key`, too

_DOCUMENTS: Final = ("text/html", "text/markdown", "xml")


class KeySearch:
    """A quick look at a file, piece by piece: `is_marked` where a closer one is worth its while."""

    __slots__ = ("_last", "is_marked")

    def __init__(self) -> None:
        self.is_marked = False
        self._last = b""

    def update(self, piece: bytes) -> None:
        if self.is_marked:
            return
        for mark in MARKS:
            if mark in piece or (self._last and mark in self._last + piece[:_OVERLAP]):
                self.is_marked = True
        self._last = (self._last + piece if len(piece) < _OVERLAP else piece)[-_OVERLAP:]


def key_in(file: IO[bytes], media_type: str) -> str:
    """What a file holds that nobody else may have, "" for nothing. It is read in lines, wherever it stands."""
    is_document = media_type.endswith(_DOCUMENTS)
    begun = 0  # lines since a key began
    is_first = True
    while line := file.readline(_LINE):
        text = line.translate(None, b"\0\xff\xfe").strip(b"\xef\xbb\xbf \t\r\n")  # as in UTF-16, too
        if not text:
            continue
        if is_document and not is_first and not begun:
            return ""
        indented = is_document and line[:1] in b" \t"
        is_first = False
        if _PLAIN.fullmatch(text):
            return PRIVATE_KEY
        if _BEGIN.fullmatch(text) and not indented:
            begun = 1
        elif begun and _BODY.fullmatch(text):
            return PRIVATE_KEY
        else:
            begun = begun + 1 if begun and _HEADER.fullmatch(text) and begun < 16 else 0
            if b"PRIVATE KEY" in text and _IN_JSON.search(text):
                return PRIVATE_KEY
    return ""


def secret_by_name(file: IO[bytes], name: str) -> str:
    """The same of a file whose name speaks against it: a certificate is public, a configuration may have no token."""
    data = file.read(_READ)
    if "npmrc" in name or "pypirc" in name or "yarnrc" in name:
        return TOKEN if _TOKEN.search(data) else ""
    if data.startswith(_KEYNOTE):
        return ""
    blocks = _BLOCK.findall(data)
    if blocks and len(data) < _READ and not any(b"PRIVATE" in block for block in blocks):
        return ""
    return PRIVATE_KEY if blocks else PERHAPS
