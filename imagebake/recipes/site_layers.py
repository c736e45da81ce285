"""Which layer each file of a site goes into, from what changes least often to what changes most; and these layers.

    assets   fingerprinted files, and all that isn't text: images, fonts, style sheets, scripts, downloads
    pages    what is read: posts and other pages, each on its own
    lists    pages that show other pages (tags, archives, sections, pagination), and the feeds below the first folder
    front    home pages, and the feeds, sitemaps and search indexes beside them: what a new post changes

All but the front are dealt into buckets by the hash of the path. So an edited page changes one bucket, and what a host
has already stays as it is; what names the release has a layer of its own (site.py). How many buckets there are depends
on the number of files alone: an edit never changes it. It is a power of two, so it changes only when a site has
doubled.

A file is known by its name and its place, so any generator's tree will do. A name that is read wrongly costs a few
kilobytes when it changes, and nothing else. Compressed siblings stand beside their files.

These layers depend on the tree alone, so they can be made on all cores before anything else is known.
"""

import hashlib
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from imagebake.image.entries import Entry, File, FromFile
from imagebake.image.layers import is_remembered
from imagebake.nginx import configuration
from imagebake.policy import needs
from imagebake.recipes import precompressed
from imagebake.recipes.recipe import RecipePart
from sealpress.commands.console import Progress
from sealpress.frozen import frozen
from sealpress.policy.source_lists import Needs
from sealpress.problems import Problem
from sealpress.processes import workers as pool
from sealpress.tree.tree import MEDIA_TYPES, CacheClass, OutputTree
from sealpress.tree.tree import TreeFile as TreeEntry

_ALONE: Final = 8  # pieces of work that one process has done before another has started
_WORKERS: Final = 8
_BATCH: Final = 32  # documents that are read at a time


class FileKind(StrEnum):
    """What a file is to those who edit the site. In the order of layers."""

    ASSET = "assets"
    PAGE = "pages"
    LIST = "lists"
    FRONT = "front"


@frozen
class Share:
    """The files of one layer. `name` is for people: "pages 07/64"."""

    name: str
    kind: FileKind
    entries: tuple[TreeEntry, ...]


@frozen
class _Deal:
    """How a kind is dealt out: about so many files to a bucket, and at most so many buckets (a power of two)."""

    files: int
    most: int


# An engine takes 125 layers, packages among them; these are 80 at most. Docker's classic store makes each layer above
# an edited one anew, which costs it 50 ms and more whatever is in it: so buckets are few. What a bucket has before and
# after an edit need not be sent (publish/deploy/splice.py); but where that isn't known, all of it is, so none is large.
# Lists change many at once: more buckets of them would save little.
_DEALS: Final[Mapping[FileKind, _Deal]] = MappingProxyType(
    {
        FileKind.ASSET: _Deal(8, 8),
        FileKind.PAGE: _Deal(128, 64),
        FileKind.LIST: _Deal(512, 8),
        FileKind.FRONT: _Deal(1, 1),
    }
)

SIBLINGS: Final = (".br", ".gz", ".zst")
"""Endings of a file that holds another one's bytes, compressed."""

_PAGE_TYPES: Final = frozenset(
    {MEDIA_TYPES[ending] for ending in ("html", "xml", "atom", "rss", "json", "txt", "md", "csv", "ics")}
)
_HOMES: Final = ("index.html", "index.htm")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)  # RFC 5646, as generators name folders

# The names that generators give: Hugo, Jekyll, Pelican, Eleventy, Nikola, Zola, MkDocs, Sphinx, pagefind, and ssg.
_FEED: Final = re.compile(r"(feed|atom|rss|index)[^/]*\.(xml|atom|rss|json)|[^/]*\.(atom|rss)")
_SITEMAP: Final = re.compile(r"sitemap[^/]*\.(xml|txt)")
_SEARCH: Final = re.compile(
    r"([^/]*[-_.])?(search|lunr)[^/]*\.(json|xml)|search[-_]?index[^/]*\.js|pagefind-entry\.json|[^/]*\.pf_meta"
)
_SEARCH_PART: Final = re.compile(r"[^/]*\.pf_(index|filter|sort)")
_SEARCH_PAGE: Final = re.compile(r"[^/]*\.pf_fragment")
_LISTED: Final = re.compile(
    r"(.*/)?(tags?|categor(y|ies)|authors?|topics?|series|archives?)(/.*|\.html)"  # taxonomies
    r"|(.*/)?page[-/]?[0-9]+(/.*|\.html)"  # pagination: page/2/, page2/, page-2.html
    r"|(.*/)?index-?[0-9]+\.html"
)


def shares(entries: Iterable[TreeEntry]) -> tuple[Share, ...]:
    """The layers' files, in the order of layers; no layer is empty.

    A compressed sibling stands with the file that it is made of.
    """
    found = tuple(entries)
    kinds = kinds_of([entry.path for entry in found])
    for entry in found:
        if entry.cache is CacheClass.IMMUTABLE:
            kinds[entry.path] = FileKind.ASSET
    paths = frozenset(kinds)
    return tuple(
        share
        for kind in FileKind
        for share in _dealt(kind, [one for one in found if kinds[_whole(one.path, paths)] is kind], paths)
    )


def kinds_of(paths: Sequence[str]) -> dict[str, FileKind]:
    """The kind of each path, as its name and its neighbours tell."""
    known = frozenset(paths)
    above = _folders_above_pages(paths)
    return {path: _kind(_whole(path, known), known, above) for path in paths}


def bucket(path: str, count: int) -> int:
    """Which of `count` buckets, a power of two, a path goes into."""
    return int.from_bytes(hashlib.sha256(path.encode()).digest()[:8], "big") % count


def bucket_count(kind: FileKind, files: int) -> int:
    """How many buckets so many files are dealt into: a power of two."""
    deal = _DEALS[kind]
    return min(deal.most, 1 << max(0, -(-files // deal.files) - 1).bit_length())


def _dealt(kind: FileKind, entries: Sequence[TreeEntry], paths: frozenset[str]) -> list[Share]:
    # Siblings are not counted: with or without them, a file stays where it is.
    count = bucket_count(kind, sum(_whole(entry.path, paths) == entry.path for entry in entries))
    if count == 1:
        return [Share(kind.value, kind, tuple(entries))] if entries else []
    dealt: list[list[TreeEntry]] = [[] for _ in range(count)]
    for entry in entries:
        dealt[bucket(_whole(entry.path, paths), count)].append(entry)
    width = len(str(count))
    return [
        Share(f"{kind} {number:0{width}}/{count}", kind, tuple(held)) for number, held in enumerate(dealt, 1) if held
    ]


def _kind(path: str, paths: frozenset[str], above: frozenset[str]) -> FileKind:
    folder, _, name = path.rpartition("/")
    if _SEARCH_PAGE.fullmatch(name):
        return FileKind.PAGE
    if _SEARCH_PART.fullmatch(name):
        return FileKind.LIST
    if _SEARCH.fullmatch(name):
        return FileKind.FRONT
    if _SITEMAP.fullmatch(name) or _FEED.fullmatch(name) or name in _HOMES:
        if _is_front(folder, paths):
            return FileKind.FRONT
        if name not in _HOMES or folder in above:
            return FileKind.LIST
    if MEDIA_TYPES.get(name.rpartition(".")[2].lower(), "") not in _PAGE_TYPES:
        return FileKind.ASSET
    return FileKind.LIST if _LISTED.fullmatch(path) else FileKind.PAGE


def _is_front(folder: str, paths: frozenset[str]) -> bool:
    """Whether a home page is in this folder: the tree's own, or that of a language."""
    return not folder or (
        _LANGUAGE.fullmatch(folder) is not None and any(f"{folder}/{home}" in paths for home in _HOMES)
    )


def _folders_above_pages(paths: Iterable[str]) -> frozenset[str]:
    """Folders with a page in a folder below them: what their own page shows is those."""
    found: set[str] = set()
    for path in paths:
        if path.endswith((".html", ".htm")):
            above = path.rpartition("/")[0]
            while (above := above.rpartition("/")[0]) and above not in found:
                found.add(above)
    return frozenset(found)


def _whole(path: str, paths: frozenset[str]) -> str:
    """The file that a compressed sibling is made of; any other path is its own."""
    base, dot, ending = path.rpartition(".")
    return base if base in paths and dot + ending in SIBLINGS else path


def parts_of(tree: OutputTree, site: str) -> tuple[RecipePart, ...]:
    """The parts of a tree, from what changes least to what changes most. `site` names what siblings are cached for, and
    is in no byte.
    """
    packed = precompressed.candidates(tree)
    return tuple(_part(tree, share, packed, site) for share in shares(tree.entries))


def ahead(
    tree: OutputTree,
    parts: Sequence[RecipePart],
    documents: Sequence[TreeEntry],
    begin: Callable[[], object],
    progress: Progress,
    blobs: Path | None,
) -> dict[str, Needs]:
    """Makes the layers of these parts that the cache doesn't know, and reads documents for a policy, on all cores.

    Layers are then found in the cache and in `blobs`; what was read is the result. `begin` starts what this process has
    to do beside it. Where there is little to do, it is left to who asks for it; so is whatever goes wrong here. So
    problems come in the order in which one process alone finds them.
    """
    tasks: list[Callable[[], dict[str, Needs]]] = [
        partial(_made, part, blobs) for part in parts if not is_remembered(part.description)
    ]
    tasks += [partial(needs.read, tree, documents[at : at + _BATCH]) for at in range(0, len(documents), _BATCH)]
    # Forked beside another thread, a process may find locks that nobody will ever open.
    workers = min(pool.cores(), _WORKERS) if threading.active_count() == 1 else 1
    if workers < 2 or len(tasks) < _ALONE:
        begin()
        return {}
    found: dict[str, Needs] = {}
    with progress.track("Making layers", len(tasks)) as advance:
        for some, results in pool.shared(_all, tasks, workers, alone=_ALONE, joining=begin):
            for one in results:
                found |= one
            advance(len(some))
    return found


def _all(tasks: Sequence[Callable[[], dict[str, Needs]]]) -> list[dict[str, Needs]]:
    return [task() for task in tasks]


def _made(part: RecipePart, blobs: Path | None) -> dict[str, Needs]:
    with suppress(Problem):  # told where its turn comes
        part.layer(blobs)
    return {}


def _part(tree: OutputTree, share: Share, packed: frozenset[str], site: str) -> RecipePart:
    """One layer of the tree: files, and beside them the siblings of those in `packed` that pay."""
    return RecipePart(
        share.name,
        f"{_names(share.entries, packed)} {tree.below!a} {precompressed.RULES}",
        lambda: _files(tree, share.entries, packed, f"{site} {share.name}"),
    )


def _files(tree: OutputTree, entries: Sequence[TreeEntry], packed: frozenset[str], pack: str) -> list[Entry]:
    prefix = f"{configuration.ROOT}/{tree.below}"
    whole = [File(f"{prefix}{one.path}", FromFile(tree.file(one), one.size, one.sha256)) for one in entries]
    return [*whole, *precompressed.of(tree, (one for one in entries if one.path in packed), prefix, pack)]


def _names(entries: Iterable[TreeEntry], packed: frozenset[str]) -> str:
    lines = (f"{one.sha256} {one.path in packed} {one.path}\0" for one in entries)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
