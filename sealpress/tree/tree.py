"""OutputTree: a folder of finished files, described and named by one digest.

It is all that ssg hands to imagebake. The description is a function of the files' names and contents alone, never of
their times, owners or modes, so a tree that another generator wrote has the same standing as ours.
"""

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from io import FileIO
from pathlib import Path
from typing import Final

from sealpress.frozen import frozen
from sealpress.problems import Place, Problem, TreeProblem, raise_all
from sealpress.tree import keys, strays

CHUNK: Final = 1 << 20

MARKER: Final = ".sealpress"
"""What sealpress keeps beside site.toml; older versions of ssg left one in a tree, as no part of it."""


NAME_LIMIT: Final = 255
"""Bytes of one name, on every file system that an engine unpacks to."""

PATH_LIMIT: Final = 4000
"""Bytes of a path in a tree. Linux takes 4,095 of a whole one, and an engine puts folders of its own before it."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\\]")

REDIRECTS: Final = "_redirects"
"""A list at the top of a tree of what has moved (sealpress/config/redirects.py). It is part of the tree, but isn't
served.
"""


class CacheClass(StrEnum):
    """How long a browser may keep a file without asking."""

    IMMUTABLE = "immutable"  # its name holds a digest of its content: for ever
    REVALIDATE = "revalidate"  # asked about every time; a 304 costs no body


@dataclass(frozen=True, slots=True, order=True)
class TreeFile:
    """One file. `path` is relative, with "/" between its parts; `sha256` in hex; `size` in bytes."""

    path: str
    sha256: str
    size: int
    media_type: str
    cache: CacheClass


@frozen
class OutputTree:
    """Files below `root`, sorted by the UTF-8 bytes of their paths. `digest` is "sha256:" and 64 hex digits.

    `below` is the path of the site's URL, decoded, "blog/" or "": readers ask for a file as /blog/PATH. The digest says
    nothing of it.

    `left_out` are leftovers that lie there too, and are no part of the tree.
    """

    root: Path
    entries: tuple[TreeFile, ...]
    digest: str
    below: str = ""
    left_out: tuple[str, ...] = field(default=(), compare=False)

    @property
    def size(self) -> int:
        """All files together, in bytes."""
        return sum(entry.size for entry in self.entries)

    @property
    def served(self) -> tuple[TreeFile, ...]:
        """What readers can ask for."""
        return tuple(entry for entry in self.entries if entry.path != REDIRECTS)

    @property
    def paths(self) -> tuple[str, ...]:
        """Of what is served, as readers ask for it, without the first slash."""
        return tuple(self.below + entry.path for entry in self.served)

    def file(self, entry: TreeFile) -> Path:
        return self.root / entry.path

    def read(self, entry: TreeFile) -> bytes:
        """All bytes of a file that is small enough to hold.

        Raises Problem (exit 5) where it can't be read, or has other bytes than the tree says.
        """
        try:
            with _opened(self.root, entry.path) as file:
                data = file.readall()
        except OSError as error:
            raise unreadable(entry.path, error) from None
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise changed(entry.path)
        return data


def scan(root: Path, keep: Sequence[str] = ()) -> OutputTree:
    """Describes every file below `root`, less the leftovers (sealpress/tree/strays.py). `keep` is `[build] keep`.

    Raises Problem (exit 5) for what can't be served or sealed the same everywhere: a link, a device, a name that is
    not UTF-8 or has control characters, two names that are one on a file system without case; and for what was hardly
    meant to be published: secrets, the history of a repository.
    """
    if not root.is_dir():
        raise TreeProblem(f"no output tree at {root}", hint="build it first: ssg build, or your own generator")
    found, left_out = _walk(root, keep)
    sifted = strays.sift(root, found, keep)
    check_names(sifted.kept)
    return replace(describe(root, sifted.kept, keep), left_out=(*left_out, *sifted.left_out))


def describe(root: Path, paths: list[str], keep: Sequence[str] = ()) -> OutputTree:
    """The tree of just these files, sorted by their UTF-8 bytes. Raises Problem (exit 5) where one holds a key."""
    problems: list[Problem] = []
    entries: list[TreeFile] = []
    for path in sorted(paths, key=lambda path: path.encode()):
        try:
            entries.append(_entry(root, path, keep))
        except Problem as problem:
            problems.append(problem)
    raise_all(problems)
    return OutputTree(root, tuple(entries), digest(tuple(entries)))


def digest(entries: tuple[TreeFile, ...]) -> str:
    """sha256 over one line a file: sha256, size, cache class, media type and path, with NUL behind the path.

    NUL can't stand in a path, so no two trees give the same lines.
    """
    return digest_of((e.path, e.sha256, e.size, e.media_type, e.cache) for e in entries)


def digest_of(entries: Iterable[tuple[str, str, int, str, str]]) -> str:
    """The same of entries as tuples of their fields, sorted by the UTF-8 bytes of their paths."""
    lines = [f"{sha256} {size} {cache} {kind} {path}\0\n" for path, sha256, size, kind, cache in entries]
    return "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()


def check_names(paths: list[str]) -> None:
    """Refuses names that another file system could not hold side by side, each with its twin."""
    if all(map(str.isascii, paths)) and len({path.lower() for path in paths}) == len(paths):
        return
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    for path in paths:
        folded = unicodedata.normalize("NFC", path).casefold()
        if (twin := seen.setdefault(folded, path)) != path:
            problems.append(
                TreeProblem(
                    f'"{path}" and "{twin}" are one name on a file system that folds case or accents',
                    place=Place(path),
                    hint="rename one of them",
                )
            )
    raise_all(problems)


def _walk(root: Path, keep: Sequence[str]) -> tuple[list[str], list[str]]:
    """The files below `root`, and the folders that stay out. Of a folder that is refused, just its own name."""
    found: list[str] = []
    left_out: list[str] = []
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        folders: list[str] = []
        try:
            with os.scandir(f"{root}/{prefix}") as items:
                here = sorted(items, key=lambda item: item.name)
        except OSError as error:
            raise unreadable(prefix, error) from None
        for item in here:
            path = prefix + item.name
            if path == MARKER:
                continue
            _check_name(path, item.name)
            is_folder = item.is_dir(follow_symlinks=False)
            is_odd = not strays.is_ordinary(item.name)
            stray = strays.stray_at(f"{path}/" if is_folder else path, keep) if is_odd else None
            if is_folder and not (stray and stray.kind in {strays.StrayKind.HISTORY, strays.StrayKind.SECRET}):
                if stray and not strays.is_needed(path, keep):
                    left_out.append(f"{path}/")
                else:
                    folders.append(f"{path}/")
            elif (
                is_folder
                or item.is_file(follow_symlinks=False)
                or (stray and stray.kind is not strays.StrayKind.JUDGED)
            ):
                found.append(f"{path}/" if is_folder else path)
            else:
                kind = "a symbolic link" if item.is_symlink() else "neither a file nor a folder"
                raise TreeProblem(
                    f'"{path}" is {kind}; an output tree holds only files',
                    place=Place(path),
                    hint="write the file itself into the tree",
                )
        waiting += reversed(folders)
    return found, left_out


def _check_name(path: str, name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        raise TreeProblem(f'the name "{shown}" is not UTF-8', hint="rename the file") from None
    if _CONTROL.search(name):
        raise TreeProblem(
            f"the name {name!a} has a control character or a backslash", place=Place(path), hint="rename the file"
        )
    if wrong := unfit(path):
        raise TreeProblem(f'"{path}" {wrong}', place=Place(path), hint="rename it")


def unfit(path: str, limit: int = PATH_LIMIT) -> str:
    """Why no layer of an image can hold a file of this path; "" where one can.

    Source: OCI image-spec v1.1, layer.md, "Whiteouts"; limits.h of Linux for the lengths.
    """
    if ".wh." in path and "/.wh." in f"/{path}":
        return 'has a name that begins with ".wh.": in the layer of an image, such a file deletes another one'
    if len(path) > NAME_LIMIT // 4 and any(len(name.encode()) > NAME_LIMIT for name in path.split("/")):
        return f"has a name of more than {NAME_LIMIT} bytes, which no file system can hold"
    if len(path) > limit // 4 and len(path.encode()) > limit:
        return f"is a path of more than {limit} bytes, which an engine can't unpack"
    return ""


def unreadable(path: str, error: OSError) -> Problem:
    return TreeProblem(f'can\'t read "{path}": {error.strerror}', place=Place(path))


def changed(path: str) -> Problem:
    return TreeProblem(
        f'"{path}" changed while it was read', place=Place(path), hint="let nothing write into the tree, and bake again"
    )


def _opened(root: Path, path: str) -> FileIO:
    # No Path for each of them, and no buffer: either takes as long as reading a page.
    return open(f"{root}/{path}", "rb", buffering=0)


def _entry(root: Path, path: str, keep: Sequence[str]) -> TreeFile:
    sha = hashlib.sha256()
    size = 0
    try:
        with _opened(root, path) as file:
            look = keys.KeySearch()
            while chunk := file.read(CHUNK):
                sha.update(chunk)
                look.update(chunk)
                size += len(chunk)
        if look.is_marked:
            strays.check_content(root, path, media_type(path), keep)
    except OSError as error:
        raise unreadable(path, error) from None
    return TreeFile(path, sha.hexdigest(), size, media_type(path), cache_class(path))


# `name.0a1b2c3d.css` or `name-0a1b2c3d4e.js`: at least eight hex digits, letters among them, before the ending.
FINGERPRINT: Final = re.compile(r"[.-](?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,64}\.[A-Za-z0-9.]+$")

# What readers and machines know by its address alone, whatever the name looks like.
ALWAYS_REVALIDATED: Final = (".html", ".htm", ".xml", ".json", ".txt")


def cache_class(path: str) -> CacheClass:
    """IMMUTABLE for a name that carries a digest, as ssg, Hugo and every bundler write it.

    A run of digits alone is more likely a date (`photo-20260504.jpg`), letters alone a word: those stay REVALIDATE.
    """
    if path.endswith(ALWAYS_REVALIDATED):
        return CacheClass.REVALIDATE
    return CacheClass.IMMUTABLE if FINGERPRINT.search(path) else CacheClass.REVALIDATE


# Own table: Python's mimetypes reads the machine's /etc/mime.types. Sources: the IANA registry of media types, and
# RFC 9239 for JavaScript. Text types are served with charset=utf-8.
_TYPES: Final = """
text/html html htm
application/xhtml+xml xhtml
text/css css
text/javascript js mjs
application/json json map
application/ld+json jsonld
application/geo+json geojson
application/manifest+json webmanifest
application/xml xml
application/xslt+xml xsl
application/atom+xml atom
application/rss+xml rss
text/plain txt asc
text/markdown md
text/csv csv
text/calendar ics
text/vcard vcf
text/vtt vtt
image/svg+xml svg
image/png png
image/apng apng
image/jpeg jpg jpeg
image/gif gif
image/webp webp
image/avif avif
image/jxl jxl
image/vnd.microsoft.icon ico
image/bmp bmp
image/tiff tif tiff
font/woff woff
font/woff2 woff2
font/ttf ttf
font/otf otf
application/wasm wasm
application/pdf pdf
application/epub+zip epub
application/zip zip
application/gzip gz
application/x-bzip2 bz2
application/x-xz xz
application/zstd zst
application/x-tar tar
audio/mpeg mp3
audio/mp4 m4a
audio/aac aac
audio/webm weba
audio/ogg ogg oga opus
audio/flac flac
audio/wav wav
video/mp4 mp4 m4v
video/webm webm
video/ogg ogv
video/quicktime mov
application/octet-stream sig bin
"""

MEDIA_TYPES: Final = {ending: kind for kind, *endings in map(str.split, _TYPES.split("\n")[1:-1]) for ending in endings}

# Files that are more than their ending says.
NAMED_TYPES: Final = {"atom.xml": MEDIA_TYPES["atom"], "feed.xml": MEDIA_TYPES["atom"], "rss.xml": MEDIA_TYPES["rss"]}


def media_type(path: str) -> str:
    """The media type by the file's ending; `atom.xml`, `feed.xml` and `rss.xml` are what their names say.

    Unknown endings, and names without one, are application/octet-stream.
    """
    name = path.rsplit("/", 1)[-1].lower()
    if name in NAMED_TYPES:
        return NAMED_TYPES[name]
    return MEDIA_TYPES.get(name.rpartition(".")[2] if "." in name else "", "application/octet-stream")


def content_type(kind: str) -> str:
    """The header's value for a media type: the text of all text types is UTF-8."""
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
