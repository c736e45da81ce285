"""A .deb's files as the entries of a layer, in pure Python. Anything that an image must not hold is refused by name.

    paths    relative, no `..`; `bin`, `sbin` and `lib*` are below `usr`, where Debian has merged them
    modes    0644 or 0755; set-user-id and set-group-id files are refused
    links    hard links become copies; nothing is written through a symbolic link

What it is packed in is ar, and in that xz or gzip: from hostile bytes too comes a Problem or the content, and memory
stays bounded. Source: deb(5), version 2.0.
"""

import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final

from imagebake.image import untar
from imagebake.image.entries import CHUNK, Bytes, Directory, Entry, File, Symlink, folded, leads_out, parents
from imagebake.image.untar import Member
from imagebake.packages.control import Fields, paragraphs
from sealpress.problems import LockProblem, Problem
from sealpress.tree.tree import unfit

_KEPT_LIMIT: Final = 512 << 20  # bytes of all wanted files of one package: these are held in memory

MERGED: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32")


def read(file: Path, wanted: Callable[[str], bool]) -> Mapping[str, Entry]:
    """The wanted entries by their paths, in the order of the package. `wanted` sees merged paths: "usr/lib/x".

    Raises Problem (exit 4) that names the package and what is wrong with it. Names and types are checked for the
    whole package, not just for what is wanted.
    """
    try:
        reading = _Unpacking(wanted)
        reading.read(file)
        if reading.missing:
            # A wanted hard link to a file that isn't: once more, with that file's content.
            targets = frozenset(reading.missing)
            reading = _Unpacking(lambda path: path in targets or wanted(path))
            reading.read(file)
        return {path: entry for path, entry in reading.entries.items() if wanted(path)}
    except Problem as problem:
        raise _named(file, problem) from None


def control(file: Path) -> Fields:
    """The package's own description: Package, Version, Architecture, Depends. Raises Problem (exit 4)."""
    try:
        for item in _items(file, "control.tar", lambda path: path.removeprefix("./") == "control"):
            if item.data is not None:
                found = paragraphs(item.data.decode("utf-8", "replace"))
                if len(found) != 1 or "Package" not in found[0]:
                    raise refused("its control file is broken")
                return found[0]
        raise refused("it has no control file")
    except Problem as problem:
        raise _named(file, problem) from None


def _named(file: Path, problem: Problem) -> Problem:
    return LockProblem(f"the package {file.name} is refused: {problem.message}", hint=problem.hint)


def _items(file: Path, member: str, wanted: Callable[[str], bool]) -> Iterator[Member]:
    with file.open("rb") as opened:
        for number, (name, content) in enumerate(members(opened)):
            if number == 0:
                if name != "debian-binary" or not next(content, b"").startswith(b"2."):
                    raise refused("it is no Debian package of format 2")
            elif name.startswith(member):
                yield from untar.streamed(unpacked(name, content), wanted)
                return
    raise refused(f"it has no {member}")


class _Unpacking:
    """One pass over a package's files, and what had been seen of them so far."""

    def __init__(self, wanted: Callable[[str], bool]) -> None:
        self.entries: dict[str, Entry] = {}
        self.missing: set[str] = set()  # targets of hard links whose content was passed over
        self._wanted = wanted
        self._files: set[str] = set()
        self._links: set[str] = set()
        self._folders: set[str] = set()
        self._folded: dict[str, str] = {}
        self._held = 0

    def read(self, file: Path) -> None:
        for item in _items(file, "data.tar", lambda path: self._wanted(merged(path))):
            path = merged(item.path)
            # "./" itself, and the links of merged /usr, which base-files ships.
            if path and not (item.kind == "symlink" and item.path.removeprefix("./") in MERGED):
                self._check_place(path, item)
                self._add(path, item)

    def _add(self, path: str, item: Member) -> None:
        match item.kind:
            case "file":
                if item.mode & 0o6000:
                    raise refused(f'"{path}" is a set-user-id or set-group-id file')
                self._files.add(path)
                if item.data is not None:
                    self._hold(path, File(path, Bytes(item.data), 0o755 if item.mode & 0o111 else 0o644))
            case "hard link":
                self._copy(path, merged(item.target))
            case "symlink":
                if not item.target or leads_out(path, item.target):
                    raise refused(f'the link "{path}" points outside the image: "{item.target}"')
                self._links.add(path)
                self._hold(path, Symlink(path, item.target))
            case "directory":
                self._folders.add(path)
                self._hold(path, Directory(path))
            case "device":
                raise refused(f'"{path}" is a device or a pipe')

    def _copy(self, path: str, target: str) -> None:
        if target not in self._files:
            raise refused(f'"{path}" is a hard link to "{target}", which the package does not hold before it')
        self._files.add(path)
        match self.entries.get(target):
            case File(_, content, mode):
                self._hold(path, File(path, content, mode))
            case _ if self._wanted(path):
                self.missing.add(target)
            case _:
                pass

    def _check_place(self, path: str, item: Member) -> None:
        above = parents(path)
        for parent in above:
            if parent in self._links:
                raise refused(f'"{path}" would be written through the link "{parent}"')
            if parent in self._files:
                raise refused(f'"{path}" stands below "{parent}", which is a file')
        is_folder = item.kind == "directory"
        if path in self._links or path in self._files or (path in self._folders and not is_folder):
            raise refused(f'"{path}" stands in it twice')
        self._folders.update(above)

    def _hold(self, path: str, entry: Entry) -> None:
        if not self._wanted(path):
            return
        twin = self._folded.setdefault(folded(path), path)
        if twin != path:
            raise refused(f'"{path}" and "{twin}" are one name on a file system that folds case or accents')
        if isinstance(entry, File):
            self._held += entry.content.size
            if self._held > _KEPT_LIMIT:
                raise refused(f"the files to keep have more than the {_KEPT_LIMIT} bytes that are allowed")
        self.entries[path] = entry


def merged(path: str) -> str:
    """The path below the image's root, with `lib/x` as `usr/lib/x`; "" for the root. Raises Problem (exit 4)."""
    if path.startswith("/"):
        raise refused(f'"{path}" is an absolute path')
    parts = path.removeprefix("./").removesuffix("/").split("/")
    if parts in ([""], ["."]):
        return ""
    if ".." in parts or "." in parts or "" in parts:
        raise refused(f'"{path}" has a part that leads elsewhere')
    if any(ord(char) < 0x20 or ord(char) == 0x7F or char == "\\" for char in path):
        raise refused(f'"{path}" has a control character or a backslash')
    if wrong := unfit(path):
        raise refused(f'"{path}" {wrong}')
    return "/".join(["usr", *parts] if parts[0] in MERGED else parts)


_XZ_MEMORY: Final = 96 << 20  # `xz -9` needs 65 MB to unpack


def members(file: BinaryIO) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Name and content of each member. A content not read is skipped. Raises Problem (exit 4)."""
    if file.read(8) != b"!<arch>\n":
        raise refused("it is no ar archive")
    end = file.seek(0, 2)
    at = 8
    while at < end:
        file.seek(at)
        header = file.read(60)
        if len(header) < 60 or header[58:] != b"`\n":
            raise refused("a member's header is broken")
        name = header[:16].rstrip(b" ").removesuffix(b"/")
        digits = header[48:58].rstrip(b" ")
        if not name.isascii() or not digits.isdigit():
            raise refused("a member's header is broken")
        size = int(digits)
        at += 60
        if at + size > end:
            raise refused("it is cut short")
        yield name.decode(), _slice(file, at, size)
        at += size + size % 2


def _slice(file: BinaryIO, start: int, size: int) -> Iterator[bytes]:
    file.seek(start)
    while size and (chunk := file.read(min(size, CHUNK))):
        size -= len(chunk)
        yield chunk


def unpacked(name: str, packed: Iterator[bytes]) -> Iterator[bytes]:
    """The content of `x.tar`, `x.tar.gz` or `x.tar.xz`, in pieces of at most CHUNK. Raises Problem (exit 4)."""
    match name.rpartition(".tar")[2]:
        case "":
            return packed
        case ".xz":
            return unxz(packed)
        case ".gz":
            return _ungzip(packed)
        case other:
            raise refused(f'"{name}" is packed with "{other}"; xz and gz are understood')


def unxz(packed: Iterator[bytes]) -> Iterator[bytes]:
    """One xz stream, in pieces of at most CHUNK. Raises Problem (exit 4), also where it wants too much memory."""
    unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
    try:
        for chunk in packed:
            yield unpacker.decompress(chunk, CHUNK)
            while not (unpacker.needs_input or unpacker.eof):
                yield unpacker.decompress(b"", CHUNK)
            if unpacker.eof:
                return
    except lzma.LZMAError as error:
        raise refused(f"its xz data is broken ({error})") from None
    raise refused("its xz data is cut short")


def _ungzip(packed: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        for chunk in packed:
            yield unpacker.decompress(chunk, CHUNK)
            while unpacker.unconsumed_tail and not unpacker.eof:
                yield unpacker.decompress(unpacker.unconsumed_tail, CHUNK)
            if unpacker.eof:
                return
    except zlib.error as error:
        raise refused(f"its gzip data is broken ({error})") from None
    raise refused("its gzip data is cut short")


def refused(why: str) -> Problem:
    """Says only what is wrong; who reads the archive adds its name."""
    return LockProblem(why)
