"""Which file answers a request: as the sealed nginx does, by the names of the tree's files alone.

A file comes first; then a folder's index page, a page without its ending, a folder that lacks its last slash; then what
has moved or is gone; then the nearest page for what isn't there.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from sealpress.config.redirects import GONE, Redirect
from sealpress.frozen import frozen
from sealpress.tree.tree import REDIRECTS

INDEX: Final = "index.html"
NOT_FOUND: Final = "404.html"

_RANGE: Final = re.compile(
    r"[ \t]*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)[ \t]*(?:;[ \t]*[qQ]=([01](?:\.[0-9]{0,3})?))?[ \t]*"
)
_PLAIN: Final = "/!$&'()*+,;=:@[]~"
"""What nginx leaves as it is in an address (NGX_ESCAPE_URI), besides letters, digits and "-._"."""

_LANGUAGE_FOLDER: Final = re.compile(r"(?:[A-Za-z0-9._-]+/)*")
"""Where a 404 page is that of a part of the site: folders as languages are named."""

_ORIGIN: Final = re.compile(r"^https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?(?=/)", re.IGNORECASE)
"""Before the path, of a client that takes a server for a proxy."""


def requested(target: str) -> tuple[str | None, str]:
    """The decoded path that a request's target names, and its query, as nginx reads them: "//", "." and ".." are
    resolved. None: it names none (400). `target` holds bytes as characters, as http.server has it.
    """
    path, _, query = target.partition("#")[0].partition("?")
    path = _ORIGIN.sub("", path)
    if not path.startswith("/") or re.search("%(?![0-9A-Fa-f]{2})", path):
        return None, query
    parts: list[bytes] = []
    part = b""
    for part in unquote_to_bytes(path.encode("latin-1", "replace")).split(b"/"):
        if part == b".." and not parts:
            return None, query
        if part == b"..":
            parts.pop()
        elif part not in {b"", b"."}:
            parts.append(part)
    end = b"" if not parts or part not in {b"", b".", b".."} else b"/"
    decoded = b"/" + b"/".join(parts) + end
    return (None if b"\0" in decoded else decoded.decode("utf-8", "surrogateescape")), query


@frozen
class Answer:
    """A status, with the tree's file that is sent ("" for none) or where a redirect leads."""

    status: int
    file: str = ""
    location: str = ""


@frozen
class SiteAnswers:
    """`files` are the tree's, `below` the path of the site's URL ("blog/", or ""), `moved` its redirects; `languages`
    what "/" chooses among, by tag: the folder of each, "" for the one that is there.
    """

    files: Collection[str]
    below: str = ""
    moved: Sequence[Redirect] = ()
    languages: Mapping[str, str] | None = None

    def to(
        self, path: str, accept_language: str = "", *, query: str = "", from_site: bool = False, reads: bool = True
    ) -> Answer:
        """The answer to a path as `requested` gives it. `from_site`: a page of the site leads there. Not `reads`: the
        method is one that would change something.
        """
        if self.below and path == "/":
            return _written(f"/{quote(self.below)}", query)
        if f"/{self.below}".startswith(f"{path}/"):
            return _led(301, f"{path}/", query)
        if not path.startswith(f"/{self.below}"):
            return self._moved(path, "", query)
        inner = path[len(self.below) + 1 :]
        if inner == "" and self.languages and not from_site and (folder := self._chosen(accept_language)):
            return _written(f"/{quote(self.below)}{folder}/", query)
        for name in (inner, f"{inner}{INDEX}" if not inner or inner.endswith("/") else f"{inner}.html"):
            if name in self.files and name != REDIRECTS:
                return Answer(200, name) if reads else Answer(405)
        if inner and not path.endswith("/") and any(file.startswith(f"{inner}/") for file in self.files):
            return _led(301, f"{path}/", query)
        return self._moved(path, inner, query)

    def _moved(self, path: str, inner: str, query: str) -> Answer:
        folded = _folded(path)
        for rule in self.moved:
            if _folded(rule.path) == folded:
                if rule.status == GONE:
                    return Answer(GONE, self._not_found(inner))
                to, mark, fragment = rule.to.partition("#")
                return Answer(rule.status, location=_asked(to, "" if "?" in to else query) + mark + fragment)
        return Answer(404, self._not_found(inner))

    def _not_found(self, inner: str) -> str:
        folder = inner.rpartition("/")[0]
        while folder:
            if _LANGUAGE_FOLDER.fullmatch(f"{folder}/") and f"{folder}/{NOT_FOUND}" in self.files:
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
            languages = self.languages or {}
            for tag in sorted(languages, key=len, reverse=True):
                if f"{wanted}-".startswith(f"{tag}-"):
                    return languages[tag]
            for tag in languages:
                if tag.startswith(f"{wanted}-"):
                    return languages[tag]
        return ""


def _written(to: str, query: str) -> Answer:
    """As it stands in nginx's configuration, and not as nginx would write it."""
    return Answer(302, location=_asked(to, query))


def _led(status: int, path: str, query: str) -> Answer:
    return Answer(status, location=_asked(quote(path, safe=_PLAIN), query))


def _asked(address: str, query: str) -> str:
    return f"{address}?{query}" if query else address


def _folded(path: str) -> str:
    """As nginx's maps compare: case in ASCII doesn't count."""
    return "".join(char.lower() if char.isascii() else char for char in path)
