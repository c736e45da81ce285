"""The canonical tar: one description of files gives one stream of bytes, on every machine.

    order      entries by the UTF-8 bytes of their paths; every parent folder once, before what it holds
    owner      0:0, without names; a folder may have another
    mode       files 0644 or 0755, folders 0755 or 1777, links 0777; a folder with another owner has its own
    mtime      files: 31 bits of the content's sha256; folders and links: 0
    format     ustar; a pax record only where a path or a target is longer than 100 bytes or not ASCII

nginx makes its ETag of mtime and size. With one mtime for all, an edit that keeps a page's length would keep its ETag,
and browsers would be told 304 for ever. Taken from the content, the mtime changes whenever the content does.

Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Header Block"; OCI image-spec v1.1, layer.md.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Final

from imagebake.image.entries import (
    CHUNK,
    Directory,
    Entry,
    File,
    FileContent,
    FromFile,
    Produced,
    Symlink,
    folded,
    leads_out,
)
from sealpress.frozen import frozen
from sealpress.problems import Place, Problem, TreeProblem
from sealpress.tree.tree import changed, unfit

BLOCK: Final = 512
_END: Final = bytes(2 * BLOCK)
_NAME_LIMIT: Final = 100  # bytes in ustar's name and linkname fields
_PATH_LIMIT: Final = 4095  # bytes of a path from the root, for Linux
_SIZE_LIMIT: Final = 8**11  # ustar's size field has 11 octal digits
_OWNER_LIMIT: Final = 8**7  # its uid and gid fields have 7
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\\]")


@frozen
class TarDigest:
    """What a layer is named by: "sha256:" and 64 hex digits over the uncompressed tar, and the tar's size in bytes."""

    diff_id: str
    size: int


def stream(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The tar, in pieces of at most CHUNK bytes. Memory holds the descriptions and one piece, never a large file.

    Raises Problem (exit 5), before the first byte, for what can't be written the same everywhere (see `arranged`),
    and where a file turns out to have other bytes than its description says.
    """
    for entry in arranged(entries):
        match entry:
            case Directory(path, mode, owner):
                yield header(path + "/", b"5", mode=mode, owner=owner)
            case Symlink(path, target):
                yield header(path, b"2", mode=0o777, target=target)
            case File(path, content, mode):
                yield from _file(path, content, mode)
    yield _END


def digest(entries: Iterable[Entry]) -> TarDigest:
    """Name and size of the tar that `stream` gives for these entries. Raises as `stream` does."""
    sha = hashlib.sha256()
    size = 0
    for piece in stream(entries):
        sha.update(piece)
        size += len(piece)
    return TarDigest("sha256:" + sha.hexdigest(), size)


def measure(entries: Iterable[Entry]) -> int:
    """The size in bytes of the tar that `stream` gives for these entries, without reading any content."""
    total = len(_END)
    for entry in arranged(entries):
        match entry:
            case Directory(path, mode, owner):
                total += len(header(path + "/", b"5", mode=mode, owner=owner))
            case Symlink(path, target):
                total += len(header(path, b"2", mode=0o777, target=target))
            case File(path, content, mode):
                total += len(header(path, b"0", mode=mode)) + content.size + -content.size % BLOCK
    return total


def arranged(entries: Iterable[Entry]) -> list[Entry]:
    """The entries in the order and with the modes of the tar, with every parent folder.

    Raises Problem (exit 5) that names the path: absolute, empty, `.` or `..` in it, not UTF-8, a control character or
    backslash; two entries of one name, or of names that are one on a file system that folds case or accents; an entry
    below a link or a file; a set-user-id file; a link that points above the image's root; a file over 8 GiB.
    """
    given: dict[str, Entry] = {}
    for entry in entries:
        _check_path(entry.path)
        if entry.path in given:
            raise _refused(entry.path, "stands twice in one layer")
        given[entry.path] = _normal(entry)
    parents: dict[str, Entry] = {}
    for path in given:
        _add_parents(path, given, parents)
    found = given | parents
    _check_folding(found)
    return [found[path] for path in sorted(found, key=str.encode)]


def _add_parents(path: str, given: dict[str, Entry], parents: dict[str, Entry]) -> None:
    while (path := path.rpartition("/")[0]) and path not in parents:
        match given.get(path):
            case None:
                parents[path] = Directory(path)
            case Symlink():
                raise _refused(path, "is a link, and another entry would be written through it")
            case File():
                raise _refused(path, "is a file, and another entry stands below it")
            case Directory():
                pass


def _normal(entry: Entry) -> Entry:
    match entry:
        case File(path, content, mode):
            if mode & 0o7000:
                raise _refused(path, f"has the mode {mode:o}; set-user-id and its like never stand in an image")
            if content.size >= _SIZE_LIMIT:
                raise _refused(path, "is larger than 8 GiB")
            return File(path, content, 0o755 if mode & 0o100 else 0o644)
        case Directory(path, mode, (0, 0)):
            return Directory(path, 0o1777 if mode == 0o1777 else 0o755)
        case Directory(path, mode, owner):
            if mode & ~0o777 or not all(0 <= number < _OWNER_LIMIT for number in owner):
                raise _refused(path, f"has the mode {mode:o} and the owner {owner}, which no image can say")
            return entry
        case Symlink(path, target):
            _check_target(path, target)
            return entry


def _check_path(path: str) -> None:
    _check_text(path, path)
    if wrong := unfit(path, _PATH_LIMIT):
        raise _refused(path, wrong)
    parts = path.split("/")
    if path.startswith("/"):
        raise _refused(path, "is absolute; paths are relative to the image's root")
    if ".." in parts or "." in parts:
        raise _refused(path, "has a `.` or `..` part")
    if "" in parts:
        raise _refused(path, "has an empty part")


def _check_target(path: str, target: str) -> None:
    _check_text(path, target)
    if not target:
        raise _refused(path, "is a link to nothing")
    if leads_out(path, target):
        raise _refused(path, "is a link that points above the image's root")


def _check_text(path: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _refused(path.encode("utf-8", "backslashreplace").decode(), "is not UTF-8") from None
    if _CONTROL.search(text):
        raise _refused(path, "has a control character or a backslash")


def _check_folding(found: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for path in found:
        if (twin := seen.setdefault(folded(path), path)) != path:
            first, second = sorted((path, twin), key=str.encode)
            raise _refused(first, f'and "{second}" are one name on a file system that folds case or accents')


def _refused(path: str, why: str) -> Problem:
    return TreeProblem(f'"{path}" {why}', place=Place(path) if path else None)


def _file(path: str, content: FileContent, mode: int) -> Iterator[bytes]:
    known = content.sha256 if isinstance(content, FromFile | Produced) else ""
    if isinstance(content, Produced) and content.is_checked:
        yield header(path, b"0", mode=mode, size=content.size, mtime=mtime(known))
        yield from _counted(path, content)
    elif content.size <= CHUNK:
        # Small enough to hold: read once.
        data = b"".join(_counted(path, content))
        found = hashlib.sha256(data).hexdigest()
        if known and found != known:
            raise changed(path)
        yield header(path, b"0", mode=mode, size=len(data), mtime=mtime(found))
        if data:
            yield data
    else:
        # The time stands before the content: what isn't known has to be read twice.
        known = known or _sha256(_counted(path, content))
        yield header(path, b"0", mode=mode, size=content.size, mtime=mtime(known))
        sha = hashlib.sha256()
        for chunk in _counted(path, content):
            sha.update(chunk)
            yield chunk
        if sha.hexdigest() != known:
            raise changed(path)
    if padding := -content.size % BLOCK:
        yield bytes(padding)


def _sha256(chunks: Iterator[bytes]) -> str:
    sha = hashlib.sha256()
    for chunk in chunks:
        sha.update(chunk)
    return sha.hexdigest()


def _counted(path: str, content: FileContent) -> Iterator[bytes]:
    left = content.size
    for chunk in content.chunks():
        left -= len(chunk)
        if left < 0:
            break
        yield chunk
    if left:
        raise changed(path)


def mtime(sha256: str) -> int:
    """The time of a file whose content has this sha256 (in hex), in seconds after 1970."""
    return int(sha256[:8], 16) >> 1


def header(
    path: str,
    kind: bytes,
    *,
    mode: int,
    size: int = 0,
    mtime: int = 0,
    target: str = "",
    owner: tuple[int, int] = (0, 0),
) -> bytes:
    """What stands before a member's content. `kind` is ustar's type; a folder's path ends with "/"."""
    records = b"".join(
        _record(key, text)
        for key, text in (("linkpath", target), ("path", path))
        if not text.isascii() or len(text) > _NAME_LIMIT
    )
    block = _block(_fitted(path), kind, mode=mode, size=size, mtime=mtime, target=_fitted(target), owner=owner)
    if not records:
        return block
    # The extended header's own name is shown by no reader; it only must be there.
    extended = _block(b"PaxHeaders/path", b"x", mode=0o644, size=len(records), mtime=0, target=b"")
    return extended + records + bytes(-len(records) % BLOCK) + block


def _fitted(text: str) -> bytes:
    # What a reader without pax would show: the start of the name.
    return text.encode("ascii", "replace")[:_NAME_LIMIT]


def _record(key: str, text: str) -> bytes:
    """One pax record: "LENGTH KEY=VALUE" and a line feed, where LENGTH counts its own digits too."""
    rest = f" {key}={text}\n".encode()
    length = len(rest)
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def _block(
    name: bytes, kind: bytes, *, mode: int, size: int, mtime: int, target: bytes, owner: tuple[int, int] = (0, 0)
) -> bytes:
    before = b"%-100b%07o\0%07o\0%07o\0%011o\0%011o\0" % (name.ljust(100, b"\0"), mode, *owner, size, mtime)
    after = kind + target.ljust(100, b"\0") + b"ustar\x0000" + bytes(64) + b"0000000\x000000000\0"
    # The checksum is taken with its own eight bytes as spaces.
    checksum = sum(before) + 8 * 0x20 + sum(after)
    return (before + b"%06o\0 " % checksum + after).ljust(BLOCK, b"\0")
