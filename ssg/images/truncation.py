"""Whether the end of an image is there, by what its parts say of their own sizes: nothing is decoded.

Sources: GIF89a, 18 to 27; PNG, 5.2 to 5.6; ITU T.81, B.1; the WebP container, "RIFF File Format"; ISO 14496-12, 4.2;
for icons, the folder of pictures that they begin with.
"""

import mmap
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import BinaryIO, Final

Data = mmap.mmap | bytes


def seems_cut(file: BinaryIO, kind: str) -> bool:
    """Whether the end is missing. `kind` is what Pillow calls the image; True for a kind that doesn't tell."""
    walk = _WALKS.get(kind)
    if walk is None:
        return True
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return walk(data)


def _gif(data: Data) -> bool:
    """Of one without its last byte, the trailer, all pictures can be whole: that is not told."""
    size = len(data)
    if size < 13:
        return True
    at = 13 + _table(data[10])
    awaited = True  # a picture: the first one, or one of which the settings were there
    while at < size:
        match data[at]:
            case 0x21:  # an extension
                awaited = awaited or data[at + 1 : at + 2] == b"\xf9"
                at = _behind_blocks(data, at + 2)
            case 0x2C:  # a picture
                if at + 10 >= size:
                    return True
                at = _behind_blocks(data, at + 11 + _table(data[at + 9]))
                awaited = False
            case 0x00:  # some writers leave one
                at += 1
            case _:  # the trailer; browsers stop at anything else, too
                return awaited
    return awaited or at > size


def _table(flags: int) -> int:
    """Bytes of a colour table."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _behind_blocks(data: Data, at: int) -> int:
    """Where a row of data blocks is over; behind the end of the data where it isn't."""
    size = len(data)
    while at < size:
        length = data[at]
        at += 1 + length
        if not length:
            return at
    return size + 1


def _png(data: Data) -> bool:
    at = 8
    while at + 12 <= len(data):
        if data[at + 4 : at + 8] == b"IEND":
            return False
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return True


def _jpeg(data: Data) -> bool:
    at = 2
    while data[at : at + 1] == b"\xff" and data[at + 1 : at + 2] != b"\xda":
        at += 1 if data[at + 1 : at + 2] == b"\xff" else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return data.find(b"\xff\xd9", at) < 0


def _webp(data: Data) -> bool:
    return 8 + int.from_bytes(data[4:8], "little") > len(data)


def _boxes(data: Data) -> bool:
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if size == 0:  # up to the end, wherever that is
            return False
        if size < 8:
            return True
        at += size
    return at > len(data)


def _icon(data: Data) -> bool:
    size = len(data)
    behind = 6 + 16 * int.from_bytes(data[4:6], "little")
    if behind > size:
        return True
    parts = ((data[at + 8 : at + 12], data[at + 12 : at + 16]) for at in range(6, behind, 16))
    return any(int.from_bytes(offset, "little") + int.from_bytes(length, "little") > size for length, offset in parts)


_WALKS: Final[Mapping[str, Callable[[Data], bool]]] = MappingProxyType(
    {"GIF": _gif, "PNG": _png, "JPEG": _jpeg, "MPO": _jpeg, "WEBP": _webp, "AVIF": _boxes, "ICO": _icon}
)
