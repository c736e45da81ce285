"""Which file answers a request: as the sealed nginx does, by the names of the tree's files alone.

A file comes first; then a folder's index page, a page without its ending, a folder that lacks its last slash; then what
has moved or is gone; then the nearest page for what isn't there.
"""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from sealpress.config.redirects import GONE, Redirect

INDEX: Final = "index.html"
NOT_FOUND: Final = "404.html"

_RANGE: Final = re.compile(
    r"[ \t]*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)[ \t]*(?:;[ \t]*q=([01](?:\.[0-9]{0,3})?))?[ \t]*"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, with the tree's file that is sent ("" for none) or where a redirect leads."""

    status: int
    file: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class SiteAnswers:
    """`files` are the tree's, `below` the path of the site's URL ("blog/", or ""), `moved` its redirects; `languages`
    what "/" chooses among, by tag: the folder of each, "" for the one that is there.
    """

    files: Container[str]
    below: str = ""
    moved: Sequence[Redirect] = ()
    languages: Mapping[str, str] | None = None

    def to(self, path: str, accept_language: str = "", *, from_site: bool = False) -> Answer:
        """The answer to a decoded path that begins with "/". `from_site`: a page of the site leads there."""
        if self.below and path == "/":
            return Answer(302, location=f"/{quote(self.below)}")
        if not f"{path}/".startswith(f"/{self.below}"):
            return Answer(404, self._not_found(""))
        if self.below and f"{path}/" == f"/{self.below}":
            return Answer(301, location=f"/{quote(self.below)}")
        inner = path[len(self.below) + 1 :]
        if inner == "" and self.languages and not from_site and (folder := self._chosen(accept_language)):
            return Answer(302, location=f"/{quote(self.below + folder)}/")
        for name in (inner, f"{inner}{INDEX}" if not inner or inner.endswith("/") else f"{inner}.html"):
            if name in self.files:
                return Answer(200, name)
        if inner and not path.endswith("/") and f"{inner}/{INDEX}" in self.files:
            return Answer(301, location=f"{quote(path)}/")
        folded = _folded(path)
        for rule in self.moved:
            if _folded(rule.path) == folded:
                if rule.status == GONE:
                    return Answer(GONE, self._not_found(inner))
                return Answer(rule.status, location=rule.to)
        return Answer(404, self._not_found(inner))

    def _not_found(self, inner: str) -> str:
        folder = inner.rpartition("/")[0]
        while folder:
            if f"{folder}/{NOT_FOUND}" in self.files:
                return f"{folder}/{NOT_FOUND}"
            folder = folder.rpartition("/")[0]
        return NOT_FOUND if NOT_FOUND in self.files else ""

    def _chosen(self, header: str) -> str:
        """The folder of the language that is asked for most (RFC 9110, 12.5.4; RFC 4647, 3.3.1 and 3.4)."""
        asked = [match for part in header.split(",") if (match := _RANGE.fullmatch(part))]
        for match in sorted(asked, key=lambda one: -float(one[2] or 1)):
            if float(match[2] or 1) == 0 or match[1] == "*":
                return ""
            wanted = match[1].lower()
            for tag, folder in (self.languages or {}).items():
                if tag == wanted or tag.startswith(f"{wanted}-") or wanted.startswith(f"{tag}-"):
                    return folder
        return ""


def _folded(path: str) -> str:
    """As nginx's maps compare: case in ASCII doesn't count."""
    return "".join(char.lower() if char.isascii() else char for char in path)
