"""The feeds of an output tree, Atom or RSS, whatever made them: which items they hold.

Sources: RFC 4287, 4.1.2 "atom:entry"; the RSS 2.0 specification, "Elements of <item>".
"""

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from sealpress.frozen import frozen
from sealpress.tree.tree import MEDIA_TYPES, OutputTree

_ATOM: Final = "{http://www.w3.org/2005/Atom}"
_KINDS: Final = frozenset(MEDIA_TYPES[ending] for ending in ("atom", "rss", "xml"))
_LIMIT: Final = 64 << 20


@frozen
class FeedItem:
    """One item of a feed: the `id` that readers' programs know it by, and the path of what it leads to, "" for none."""

    id: str
    path: str
    title: str


def items(tree: OutputTree) -> tuple[FeedItem, ...]:
    """Those of all feeds of a tree, each once, in the feeds' order."""
    found: dict[tuple[str, str], FeedItem] = {}
    for entry in tree.served:
        if entry.media_type in _KINDS and entry.size < _LIMIT:
            for item in read(tree.read(entry)):
                found.setdefault((item.id, item.path), item)
    return tuple(found.values())


def read(data: bytes) -> tuple[FeedItem, ...]:
    """The items of one document; () for what is no feed."""
    # Its beginning tells: a sitemap of a large site need not be read whole.
    if not any(mark in data[:4096] for mark in (b"<feed", b"<rss", b"<atom:feed")):
        return ()
    try:
        root = ET.fromstring(data)  # noqa: S314 - the author's own; expat itself stops entities that grow
    except ET.ParseError:
        return ()
    found = _atom(root) if root.tag == f"{_ATOM}feed" else _rss(root)
    return tuple(item for item in found if item.id)


def _atom(root: ET.Element) -> Iterator[FeedItem]:
    for entry in root.iterfind(f"{_ATOM}entry"):
        links = (one.get("href", "") for one in entry.iterfind(f"{_ATOM}link") if one.get("rel") in {None, "alternate"})
        yield _item(entry.findtext(f"{_ATOM}id"), next(links, ""), entry.findtext(f"{_ATOM}title"))


def _rss(root: ET.Element) -> Iterator[FeedItem]:
    for item in root.iterfind("channel/item"):
        link = item.findtext("link") or ""
        yield _item(item.findtext("guid") or link, link, item.findtext("title"))


def _item(identity: str | None, link: str, title: str | None) -> FeedItem:
    try:
        path = urlsplit(link.strip()).path
    except ValueError:
        path = ""
    return FeedItem(_folded(identity), path, _folded(title))


def _folded(text: str | None) -> str:
    return " ".join((text or "").split())
