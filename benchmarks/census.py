"""What a build has made, counted in its output alone, so that nobody wins by leaving things out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

_KIND: Final = re.compile(rb'<body class="?([a-z]+)')
_PRE: Final = re.compile(rb"<pre.*?</pre>", re.DOTALL)
_ANCHORED: Final = re.compile(rb"<h[2-4][^>]*\sid=")
_NOTE: Final = re.compile(rb"<li[^>]*\sid=[\"']?(?:fn|footnote)")
_ENTRY: Final = re.compile(rb"<(?:entry|item)[ >]")
_LOC: Final = re.compile(rb"<loc>")


@dataclass(frozen=True, slots=True)
class Census:
    """Counts. Kinds of pages are told by the class of their body, which the themes of all peers set alike.

    `entries` are those of the site's feed, `addresses` the URLs in its sitemaps, `files` and `size` (bytes) all that
    there is. In posts: `highlighted` blocks of code that have marked tokens, `tables`, `notes` and headings with
    `anchors`.
    """

    posts: int = 0
    index: int = 0
    tag: int = 0
    tags: int = 0
    highlighted: int = 0
    tables: int = 0
    notes: int = 0
    anchors: int = 0
    entries: int = 0
    addresses: int = 0
    files: int = 0
    size: int = 0


ALIKE: Final = ("posts", "index", "tag", "tags", "highlighted", "tables", "notes", "anchors", "entries")
"""What must be the same in all. Sitemaps differ in the lists that they name, files in what is not a page."""

_FEEDS: Final = ("feed.xml", "index.xml", "rss.xml")


def count(output: Path) -> Census:
    """Counts the files below a folder."""
    found = dict.fromkeys((field.name for field in fields(Census)), 0)
    for file in output.rglob("*"):
        if not file.is_file():
            continue
        data = file.read_bytes()
        found["files"] += 1
        found["size"] += len(data)
        if file.suffix == ".html":
            _page(data, found)
        elif file.parent == output and file.name in _FEEDS:
            found["entries"] += len(_ENTRY.findall(data))
        elif file.suffix == ".xml" and file.name.startswith("sitemap"):
            found["addresses"] += 0 if b"<sitemapindex" in data else len(_LOC.findall(data))
    return Census(**found)


def _page(data: bytes, found: dict[str, int]) -> None:
    kind = _KIND.search(data)
    match kind[1] if kind else b"":
        case b"post":
            found["posts"] += 1
            found["highlighted"] += sum(b"<span" in block for block in _PRE.findall(data))
            found["tables"] += data.count(b"<table")
            found["notes"] += len(_NOTE.findall(data))
            found["anchors"] += len(_ANCHORED.findall(data))
        case b"index" | b"tag" | b"tags" as name:
            found[name.decode()] += 1
        case _:
            pass


def differences(counts: Mapping[str, Census]) -> list[str]:
    """Where peers have not built the same, each as a sentence. The first is what the others are compared with."""
    first, *others = counts
    found = [
        f"{other} has {getattr(counts[other], name)} {name}, {first} has {getattr(counts[first], name)}"
        for other in others
        for name in ALIKE
        if getattr(counts[other], name) != getattr(counts[first], name)
    ]
    return found + [
        f"{name}'s sitemap has {census.addresses} URLs for {census.posts} posts"
        for name, census in counts.items()
        if census.addresses < census.posts
    ]
