"""What a program or a library needs to run, from its own bytes: 64-bit little-endian ELF, as amd64 and arm64 are.

Source: System V ABI, "Object Files", "Program Loading and Dynamic Linking" (generic ABI, draft of 10 June 2013).
"""

import struct
from typing import Final

from sealpress.config.settings import Architecture
from sealpress.frozen import frozen
from sealpress.problems import LockProblem

MAGIC: Final = b"\x7fELF"
MACHINES: Final[dict[int, Architecture]] = {62: "amd64", 183: "arm64"}  # e_machine

_HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT: Final = struct.Struct("<IIQQQQQQ")
_DYNAMIC: Final = struct.Struct("<qQ")
_LOAD, _DYNAMIC_SEGMENT, _INTERPRETER = 1, 2, 3  # p_type
_PLAIN_SEGMENTS: Final = 128  # real ones have about a dozen
_PLAIN_TAGS: Final = 4096


@frozen
class Elf:
    """`needed`: sonames in the file's order. `interpreter`: an absolute path; "" for a library. `soname` may be ""."""

    machine: Architecture
    needed: tuple[str, ...]
    soname: str
    interpreter: str


@frozen
class _Segment:
    kind: int
    offset: int
    address: int
    size: int


def parse(data: bytes, name: str) -> Elf:
    """Reads the headers and the dynamic section. Raises Problem (exit 4) that begins with `name`."""
    try:
        return _parse(data)
    except _Broken as error:
        raise LockProblem(f"{name} is no program or library that can run: {error}") from None


class _Broken(Exception):  # noqa: N818 - it says what the file is
    pass


def _parse(data: bytes) -> Elf:
    if not data.startswith(MAGIC):
        raise _Broken("it is no ELF file")
    if len(data) < _HEADER.size or data[4:6] != b"\x02\x01":
        raise _Broken("it is not 64-bit little-endian")
    header = _HEADER.unpack_from(data)
    machine, table, entry_size, count = header[2], header[5], header[9], header[10]
    if machine not in MACHINES:
        raise _Broken(f"it is for the machine {machine}, not amd64 or arm64")
    if count and (entry_size != _SEGMENT.size or count > _PLAIN_SEGMENTS or table + count * entry_size > len(data)):
        raise _Broken("its segments are broken")
    found = (_SEGMENT.unpack_from(data, table + number * _SEGMENT.size) for number in range(count))
    segments = [_Segment(kind, offset, address, size) for kind, _, offset, address, _, size, _, _ in found]
    needed, soname = _dynamic(data, segments)
    interpreters = [_string(data, one.offset, one.size) for one in segments if one.kind == _INTERPRETER]
    if len(interpreters) > 1 or not all(name.startswith("/") for name in interpreters):
        raise _Broken("its interpreter is broken")
    return Elf(MACHINES[machine], needed, soname, interpreters[0] if interpreters else "")


def _dynamic(data: bytes, segments: list[_Segment]) -> tuple[tuple[str, ...], str]:
    needed: list[int] = []
    soname = strings = None
    for segment in segments:
        if segment.kind != _DYNAMIC_SEGMENT:
            continue
        if segment.offset + segment.size > len(data) or segment.size > _PLAIN_TAGS * _DYNAMIC.size:
            raise _Broken("its dynamic section is broken")
        end = segment.offset + segment.size - segment.size % _DYNAMIC.size
        for tag, value in _DYNAMIC.iter_unpack(data[segment.offset : end]):
            match tag:
                case 0:  # DT_NULL
                    break
                case 1:  # DT_NEEDED
                    needed.append(value)
                case 5:  # DT_STRTAB
                    strings = value
                case 14:  # DT_SONAME
                    soname = value
                case _:
                    pass
    if not needed and soname is None:
        return (), ""
    if strings is None:
        raise _Broken("its string table is missing")
    table = _offset(segments, strings)
    names = tuple(_string(data, table + at) for at in needed)
    if any("/" in name for name in names):
        raise _Broken("it needs a library by its path")
    return names, "" if soname is None else _string(data, table + soname)


def _offset(segments: list[_Segment], address: int) -> int:
    """Where in the file the bytes stand that are loaded to `address`."""
    for segment in segments:
        if segment.kind == _LOAD and segment.address <= address < segment.address + segment.size:
            return address - segment.address + segment.offset
    raise _Broken("its string table is missing")


def _string(data: bytes, at: int, size: int = 4096) -> str:
    end = data.find(b"\0", at, at + size)
    text = data[at:end]
    if end <= at or not text.isascii() or not all(0x20 < byte < 0x7F for byte in text):
        raise _Broken("a name in it is broken")
    return text.decode("ascii")
