"""Where a page was written: the source in a site's folder that a problem with a page of the tree comes from.

A tree doesn't tell, and whoever wrote it may be any generator. So what the problem points at, an address mostly, is
looked for in the sources, once there is a problem: that costs nothing otherwise, and finds templates as well.
"""

import html
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from sealpress.config.sitefile import SiteFile
from sealpress.files import files
from sealpress.frozen import frozen
from sealpress.problems import Exit, Place, Problem, raise_all

_ENDINGS: Final = (
    *(".md", ".markdown", ".mdx", ".rst", ".adoc", ".org", ".txt"),
    *(".html", ".htm", ".j2", ".njk", ".liquid", ".css", ".svg", ".toml", ".yaml", ".yml", ".json"),
)
_PROSE: Final = _ENDINGS[:7]
_LARGEST: Final = 4 << 20  # bytes of a source
_MOST: Final = 20_000  # sources
_ALL: Final = 256 << 20  # bytes of them together
_LONGEST: Final = 200  # characters that are looked for
_PASSED_OVER: Final = frozenset({"node_modules", "__pycache__"})

_VALUE: Final = re.compile(r"""(?:url\(\s*)?["']?([^"'\s<>()]+)""", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W_]+")
_COMMON: Final = frozenset({"index", "html", "htm", "md", "content"})


@frozen
class _Hit:
    """A source that has what is looked for. The least is the likeliest."""

    rank: tuple[int, int, bool, str]
    place: Place


@contextmanager
def named(site: SiteFile | None, tree: Path) -> Iterator[None]:
    """Lets problems with the tree at `tree` name the sources of the site that its pages come from, where they can."""
    try:
        yield
    except Problem as problem:
        if site is None or all(one.code is not Exit.TREE for one in problem.each):
            raise
        raise_all([_sourced(site, tree, one) for one in problem.each])


def _sourced(site: SiteFile, tree: Path, problem: Problem) -> Problem:
    place = problem.place
    if problem.code is not Exit.TREE or place is None or not (tree / place.file).is_file():
        return problem
    if not (found := _source(site.root, tree, place, site.settings.site.url)):
        return problem
    return Problem(f"{problem.message} (in the tree: {place})", place=found, hint=problem.hint, code=problem.code)


def _source(root: Path, tree: Path, place: Place, url: str) -> Place | None:
    wanted = _wanted(place, urlsplit(url).netloc)
    page = _words(place.file)
    best: _Hit | None = None
    for path in _sources(root, tree):
        if (hit := _hit(root, path, wanted, page)) and (best is None or hit.rank < best.rank):
            best = hit
    return best.place if best else None


def _wanted(place: Place, own: str) -> list[str]:
    """What the place points at, and the host in it, but for the site's own, which site.toml has."""
    if place.text is None or place.column is None or not (found := _VALUE.match(place.text, place.column - 1)):
        return []
    value = html.unescape(found[1])[:_LONGEST]
    try:
        host = urlsplit(value).netloc
    except ValueError:
        host = ""
    return [value, *([host] if host and host not in {value, own} else [])]


def _hit(root: Path, path: str, wanted: list[str], page: frozenset[str]) -> _Hit | None:
    """Ranked by what was found, then by how much the names have in common; prose before templates."""
    common = -len(page & _words(path))
    is_other = not path.endswith(_PROSE)
    try:
        with files.opened(root / path) as file:
            text = file.read(_LARGEST).decode("utf-8", "replace")
    except OSError:
        return None
    for number, one in enumerate(wanted):
        if (at := text.find(one)) >= 0:
            line = text.count("\n", 0, at) + 1
            start = text.rfind("\n", 0, at) + 1
            whole = text[start:].split("\n", 1)[0].rstrip("\r")
            return _Hit((number, common, is_other, path), Place(path, line, at - start + 1, whole, len(one)))
    if not is_other and page and page == _words(path):
        return _Hit((len(wanted), common, is_other, path), Place(path))
    return None


def _words(path: str) -> frozenset[str]:
    return frozenset(_WORD.findall(path.lower())) - _COMMON


def _sources(root: Path, tree: Path) -> Iterator[str]:
    """Text files of the site, relative to its folder, sorted: nothing hidden, no link, and none of the tree itself."""
    own = tree.resolve()
    count = total = 0
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name not in _PASSED_OVER and (here / name).resolve() != own
        )
        for name in sorted(names):
            file = here / name
            size = _size(file) if name.endswith(_ENDINGS) else None
            if size is not None and size <= _LARGEST:
                count, total = count + 1, total + size
                if count > _MOST or total > _ALL:
                    return
                yield PurePosixPath(file.relative_to(root)).as_posix()


def _size(file: Path) -> int | None:
    """In bytes; None for what is no file, such as a link."""
    try:
        found = file.lstat()
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None
