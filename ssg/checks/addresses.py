"""Addresses of the site itself in what was rendered and in its style sheets: each must lead to a file of the tree.

Links of bodies are looked at where they are written (ssg.content.links). What a template, an option of the theme, front
matter or a style sheet writes is seen here, in the bytes that readers get: a quick look at the tags of a page that no
page before had, and where one of them leads nowhere, a careful one. What is wrong is said by ssg.checks.dead_ends.
"""

import re
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from sealpress.config import redirects
from sealpress.config.sitefile import SiteFile
from sealpress.files import given
from sealpress.frozen import frozen
from sealpress.html import active_content
from sealpress.html.active_content import plain_url
from sealpress.problems import Problem
from sealpress.tree.tree import REDIRECTS
from ssg.checks import hypertext
from ssg.content.model import output_of

PAGES: Final = (".html", ".xml")
SHEETS: Final = ".css"

SERVED: Final = frozenset({"/.well-known/release", "/.well-known/seal.json", "/healthz"})
"""What the image answers besides the tree (imagebake/nginx/answers.py)."""

_ABSOLUTE: Final = ("/", "https://", "http://")
_PLAIN: Final = re.compile(r"(?:/[\w~-][\w.~-]*)+/?|/")

Aim = tuple[str, str]
"""A file of the tree, and the anchor in it that an address names, decoded; "" for none."""


@frozen
class Looked:
    """What was seen in a file of the tree.

    `dead` are addresses that lead to no file, `twice` ids that two things have. `aims` are addresses that name an
    anchor which another look must find, each behind the file that it should be in. `anchors` are those of this file,
    between zero bytes.
    """

    dead: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()
    aims: tuple[tuple[str, str], ...] = ()
    anchors: bytes = b""

    def has(self, anchor: str) -> bool:
        return anchor.encode("utf-8", "replace") in self.anchors.split(b"\0")


@dataclass(frozen=True)
class Reach:
    """What an address can lead to: the files of a site's tree, all of them in `outputs`, and what is moved or gone."""

    site: SiteFile
    outputs: Collection[str]
    _fine: set[bytes] = field(default_factory=set)  # tags whose addresses lead somewhere wherever they stand
    _anchors: dict[bytes, bytes] = field(default_factory=dict)  # by the tag that gives it

    def look(self, path: str, content: bytes) -> Looked | None:
        """What is to be seen in a file at `path` of the tree; None in one that is neither a page nor a style sheet."""
        if path.endswith(SHEETS):
            return Looked(tuple(url for url in hypertext.sheet_addresses(content) if self.is_dead(url, path)))
        if not path.endswith(PAGES):
            return None
        return self._glance(path, content) or self._careful(path, content)

    def aim(self, url: str, path: str) -> Aim | None:
        """What an address in the file at `path` leads to; None where that is no business of the tree."""
        found = self._target(url, path)
        if found is None:
            return None
        target, fragment = found
        name = output_of(target)
        if not fragment and name in self.outputs:  # as nearly all are
            return name, ""
        if target in SERVED or target in self._moved or target.startswith(self.site.settings.build.elsewhere):
            return None
        # A server sends who leaves the slash of a folder out to the folder.
        if name not in self.outputs and not target.endswith("/") and f"{name}/index.html" in self.outputs:
            name = f"{name}/index.html"
        return name, _anchor(fragment) if name.endswith(".html") else ""

    def is_dead(self, url: str, path: str) -> bool:
        """Whether an address in the file at `path` leads to a file that the tree doesn't have."""
        aim = self.aim(url, path)
        return aim is not None and aim[0] not in self.outputs

    def _glance(self, path: str, content: bytes) -> Looked | None:
        """None where something may be wrong. What is fine on one page is fine on all, unless it is relative."""
        found = hypertext.TAG.findall(content)
        if b"<style" in content.lower():
            found += hypertext.STYLE.findall(content)
        here: list[str] = []
        aims: set[tuple[str, str]] = set()
        aiming: list[bytes] = []
        for raw in set(found) - self._fine:
            if (read := hypertext.of_tag(raw)) is None:
                return None
            addresses, anchor = read
            if anchor:
                self._anchors[raw] = anchor
            is_fine = True
            for url in addresses:
                if url[:1] == "#":
                    here.append(url[1:])
                    is_fine = False
                elif aim := self.aim(url, path):
                    if aim[0] not in self.outputs:
                        return None
                    if aim[1]:
                        aims.add((aim[0], url))
                        aiming.append(raw)
                    is_fine &= not aim[1] and url.startswith(_ABSOLUTE)
            if is_fine:
                self._fine.add(raw)
        anchors = [anchor for anchor in map(self._anchors.get, found) if anchor]
        there = set(anchors)
        if len(there) < len(anchors) or not all(_is_among(there, fragment) for fragment in here):
            return None
        if aiming and hypertext.hides(content, aiming):
            return None
        return Looked(aims=tuple(sorted(aims)), anchors=b"\0".join(anchors))

    def _careful(self, path: str, content: bytes) -> Looked:
        marks = hypertext.marks(content.decode("utf-8", "replace"))
        aims = [(url, aim) for url in marks.addresses if (aim := self.aim(url, path))]
        lost = {aim for _, aim in aims if aim[1] and aim[0] in self.outputs} - {(path, one) for one in marks.anchors}
        return Looked(
            tuple(url for url, (name, _) in aims if name not in self.outputs),
            tuple(one for one, count in Counter(marks.ids).items() if count > 1),
            tuple(sorted((aim[0], url) for url, aim in aims if aim in lost)),
            b"\0".join(sorted(anchor.encode("utf-8", "replace") for anchor in marks.anchors)),
        )

    def _target(self, url: str, path: str) -> tuple[str, str] | None:
        """The path of the site that a URL names, decoded, and its fragment as written; None for another site's."""
        plain = url if url[:1] == "/" else url.removeprefix(self._root)
        if _PLAIN.fullmatch(plain):  # as nearly all are
            return (plain[len(self._below) :], "") if plain.startswith(f"{self._below}/") else None
        plain = plain_url(url).replace("\\", "/")
        if plain.startswith("#"):
            return f"/{path}", plain[1:]
        if not plain or active_content.scheme(plain) not in {"", "http", "https"}:
            return None
        try:
            whole = urlsplit(urljoin(f"{self._root}{self._below}/{path}", plain))
            if active_content.origin(whole) != active_content.origin(self._base):
                return None
        except ValueError:  # a host or a port that is none
            return None
        found, below = unquote(whole.path) or "/", unquote(self._below)
        if not found.startswith(f"{below}/"):
            return None  # another site of the same host
        return found[len(below) :], whole.fragment

    @cached_property
    def _moved(self) -> frozenset[str]:
        """Paths that have a rule. What is wrong with one is told by whoever seals the tree."""
        build = self.site.settings.build
        rules: list[redirects.Redirect] = []
        with suppress(Problem):
            rules += redirects.of_table(self.site.settings.image.redirects, None)
        if REDIRECTS in self.outputs:
            with suppress(Problem, OSError):
                rules += redirects.parse(given.read(self.site.root / build.static / REDIRECTS, given.TEXT).decode())
        return frozenset(rule.path for rule in rules)

    @cached_property
    def _base(self) -> SplitResult:
        return urlsplit(self.site.settings.site.url)

    @cached_property
    def _root(self) -> str:
        return f"{self._base.scheme}://{self._base.netloc}"

    @cached_property
    def _below(self) -> str:
        return self._base.path.rstrip("/")


def _anchor(fragment: str) -> str:
    """The id that must be there; "" for the top of a page (HTML, 7.4.6.3), and for what a script makes of it.

    What stands behind ":~:" is no part of it (URL Fragment Text Directives, 3.3).
    """
    anchor = unquote(fragment.partition(":~:")[0])
    return "" if anchor.lower() == "top" or anchor.startswith(("!", "/")) else anchor


def _is_among(anchors: Collection[bytes], fragment: str) -> bool:
    if fragment.encode("utf-8", "replace") in anchors:
        return True
    anchor = _anchor(fragment)
    return not anchor or anchor.encode("utf-8", "replace") in anchors
