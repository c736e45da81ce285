"""The URL ledger: what releases have served must be answered for ever, by a page, by where it has moved, or as gone.

It knows every URL that a release has answered once it was live, and by which id feeds have named what is there. Names
that hold a digest of their content are left out: nobody types or keeps those. The host's records keep it (it never
enters an image), and `urls.txt` beside site.toml, where that is committed, counts too. A line is a URL's path, and
behind a blank the id of a feed item that leads there.

A rollback is never stopped, and a release that failed was never live.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import Final
from urllib.parse import unquote

from imagebake.nginx import answers, redirects
from publish.probing.answers import quoted, url_path
from publish.publishing import feeds
from publish.publishing.feeds import FeedItem
from publish.releases import records
from publish.target.targets import OpenTarget
from sealpress.config.redirects import GONE, Redirect
from sealpress.config.sitefile import SiteFile
from sealpress.files import given
from sealpress.frozen import frozen
from sealpress.problems import Exit, Place, Problem
from sealpress.tree.tree import CacheClass, OutputTree

FILE: Final = "urls.txt"
_RECORD: Final = "urls"
_HEAD: Final = (
    "# What releases of this site have served, as publish ledger --write has it: publish lets none of it be lost.\n"
)
_FOREVER: Final = frozenset({301, 308})

ServedUrl = tuple[str, str]
"""A URL's path with the id of a feed item that leads there; with "", the URL itself. No id is without its URL."""


@frozen
class Served:
    """What a release answers: files, what has moved for good or is gone, and the items of its feeds."""

    entries: frozenset[ServedUrl]
    items: tuple[FeedItem, ...]
    answered: answers.ServedPaths
    moved: dict[str, Redirect]

    def has_answer(self, url: str) -> bool:
        """Whether a URL's path gets 200, 301, 308 or 410."""
        path = unquote(url)
        if self.answered.answered(path) or (path in self.answered.folders and self.answered.answered(f"{path}/")):
            return True
        rule = self.moved.get(redirects.folded(path))
        return rule is not None and rule.status in {*_FOREVER, GONE}

    def leads_to(self, url: str) -> str:
        """Where a reader ends who asks for it."""
        path = unquote(url)
        rule = None if self.answered.answered(path) else self.moved.get(redirects.folded(path))
        return quoted(rule.inner) if rule and rule.inner else url


@frozen
class Lost:
    """What would be lost: a URL, or the feed's `id` of what it leads to. `line`: what keeps it."""

    url: str
    id: str = ""
    now: str = ""
    line: str = ""

    def problem(self) -> Problem:
        insist = "publish --allow-lost-urls lets it go"
        if self.id:
            message = f'the feed calls {self.url} "{self.now}" now, and an earlier release "{self.id}"'
            return Problem(message, code=Exit.SITE, hint=f"give it that id again, or readers see it as new; {insist}")
        message = f"{self.url} was served by an earlier release, and nothing answers there any more"
        return Problem(message, code=Exit.SITE, hint=f"add to [image.redirects] in site.toml: {self.line}; {insist}")

    def as_data(self) -> dict[str, object]:
        return {"url": self.url, "id": self.id or None, "id_now": self.now or None, "line": self.line or None}


@frozen
class Ledger:
    """All that counts, and what was given up with --allow-lost-urls since it was served last."""

    entries: frozenset[ServedUrl] = frozenset()
    given_up: frozenset[ServedUrl] = field(default=frozenset())

    def with_committed(self, committed: Iterable[ServedUrl]) -> "Ledger":
        return Ledger(self.entries | frozenset(committed), self.given_up)

    @classmethod
    def of_all(cls, each: Iterable["Ledger"]) -> "Ledger":
        """Of several hosts: what any of them has served."""
        told = tuple(each)
        held = frozenset[ServedUrl]().union(*(one.entries for one in told))
        return cls(held, frozenset[ServedUrl]().union(*(one.given_up for one in told)) - held)


def served(tree: OutputTree, moved: Iterable[Redirect]) -> Served:
    """What the image of a tree with these rules answers. Raises Problem (exit 5) where a feed can't be read."""
    rules = {redirects.folded(rule.path): rule for rule in moved}
    urls = {
        url_path(one.path, tree.below)
        for one in tree.served
        if one.path != answers.NOT_FOUND and one.cache is not CacheClass.IMMUTABLE
    }
    urls |= {quoted(rule.path) for rule in rules.values() if rule.status in _FOREVER}
    items = feeds.items(tree)
    entries = {(url, "") for url in urls}
    entries |= {(item.path, item.id) for item in items if item.path in urls}
    return Served(frozenset(entries), items, answers.of(tree.paths, tree.below), rules)


def read(there: OpenTarget) -> Ledger:
    """What the host's records tell. Raises Problem (exit 6)."""
    held: set[ServedUrl] = set()
    given_up: set[ServedUrl] = set()
    for line in records.read(there.host, there.line, _RECORD):
        entry = _entry(line[2:])
        if entry and line.startswith("+ "):
            held |= {entry, (entry[0], "")}
        elif entry and line.startswith("- "):
            gone = {entry} if entry[1] else {entry, *(one for one in held if one[0] == entry[0])}
            held -= gone
            given_up |= gone
        # Any other line was cut off by a full disk.
    return Ledger(frozenset(held), frozenset(given_up - held))


def committed(site: SiteFile) -> frozenset[ServedUrl]:
    """What `urls.txt` beside site.toml tells. Raises Problem (exit 3) for a line that is none."""
    file = site.root / FILE
    if not file.is_file():
        return frozenset()
    found: set[ServedUrl] = set()
    text = given.content(file, given.TEXT, FILE, Exit.SITE).decode("utf-8", "replace")
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        entry = _entry(line)
        if entry is None:
            hint = "a line is a path of the site: /posts/first-light/"
            raise Problem(f"{FILE} has a line that is no URL's path", place=Place(FILE, number, 1, line), hint=hint)
        found |= {entry, (entry[0], "")}
    return frozenset(found)


def lost(known: Ledger, new: Served) -> tuple[Lost, ...]:
    """What an earlier release has served and this one would not; sorted by address."""
    fresh = sorted({url for url, _ in new.entries} - {url for url, _ in known.entries})
    urls = sorted({url for url, _ in known.entries if not new.has_answer(url)})
    return (*(Lost(url, line=_line(url, fresh)) for url in urls), *_lost_ids(known, new))


def _lost_ids(known: Ledger, new: Served) -> Iterator[Lost]:
    """Of what is still in a feed: what grew too old for it is lost to nobody."""
    for url, identity in sorted(known.entries):
        there = new.leads_to(url)
        now = [item.id for item in new.items if item.path == there] if identity else []
        # A permalink moves with its page, and its old address leads there.
        if now and identity not in now and (there == url or not identity.endswith(url)):
            yield Lost(url, identity, now[0])


def keep(there: OpenTarget, known: Ledger, new: Served, given_up: Iterable[Lost] = ()) -> None:
    """Adds what a release serves that is live now to what the host is `known` to keep, and takes out what was given up
    for it. Raises Problem (exit 6).
    """
    lines = [f"- {_text((one.url, one.id))}" for one in given_up]
    lines += [f"+ {line}" for line in _lines(new.entries - known.entries)]
    records.add(there.host, there.line, _RECORD, lines)


def text(entries: Iterable[ServedUrl]) -> str:
    """The file."""
    return _HEAD + "".join(f"{line}\n" for line in _lines(entries))


def _lines(entries: Iterable[ServedUrl]) -> list[str]:
    """Sorted. A line with an id tells its URL, too."""
    found = set(entries)
    with_id = {url for url, identity in found if identity}
    return [_text(entry) for entry in sorted(found) if entry[1] or entry[0] not in with_id]


def _text(entry: ServedUrl) -> str:
    return " ".join(filter(None, entry))


def _entry(line: str) -> ServedUrl | None:
    found = re.fullmatch(r"(/[!-~]*)(?: (\S.*?))?\s*", line)
    return (found[1], found[2] or "") if found else None


def _line(url: str, fresh: list[str]) -> str:
    """The redirect to add: to what looks as if it had taken its place, else that it is gone."""
    last = url.rstrip("/").rpartition("/")[2]
    same = [one for one in fresh if last and one.rstrip("/").rpartition("/")[2] == last]
    near = same or difflib.get_close_matches(url, fresh[:2000], 1, 0.7)
    return f'"{url}" = "{near[0] if near else GONE}"'
