"""Addresses of the site itself in what was rendered and in its style sheets: each must lead to a file of the tree.

Links of bodies are looked at where they are written (ssg.linking). What a template, an option of the theme, front
matter or a style sheet writes is seen here, in the bytes that readers get: a quick look at all of a page's addresses,
of which hardly one is new; and where one of them leads nowhere, a careful one, which knows text from tags.

Sources: as sealpress.activecontent and sealpress.stylesheets; the Open Graph protocol, for `og:image` and its like.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from sealpress import activecontent, files, given, redirects, stylesheets
from sealpress.activecontent import Url, plain_url
from sealpress.document import Node
from sealpress.problems import Place, Problem, raise_all
from sealpress.sitefile import SiteFile
from sealpress.tree import REDIRECTS
from ssg.model import output_of
from ssg.rendering.plan import Job
from ssg.rendering.scene import Scene

if TYPE_CHECKING:
    from ssg.markup.tags import Tag

PAGES: Final = (".html", ".xml")
SHEETS: Final = ".css"

SERVED: Final = frozenset({"/.well-known/release", "/.well-known/seal.json", "/healthz"})
"""What the image answers besides the tree (imagebake/nginx/answers.py)."""

_PLACED: Final = 200  # addresses that are looked for in sources; where there are more, one mistake made them all
_LOOKED_AT: Final = 20  # sources of pages, for the place of an address that is in all of them
_PORTS: Final = {"http": 80, "https": 443}
_TAG: Final = re.compile(rb"<[a-zA-Z][^>]*=[^>]*>")
_PLAIN: Final = re.compile(r"(?:/[\w~-][\w.~-]*)+/?|/")
_METAS: Final = re.compile(r"(?:og|twitter):(?:image|url|audio|video)(?::(?:url|secure_url|src))?", re.IGNORECASE)


@dataclass(frozen=True)
class Reach:
    """What an address can lead to: the files of a site's tree, all of them in `outputs`, and what is moved or gone."""

    site: SiteFile
    outputs: Collection[str]
    _fine: set[bytes] = field(default_factory=set)

    def dead(self, path: str, content: bytes) -> list[str]:
        """The addresses in a file at `path` of the tree that lead nowhere, as they are written, each once."""
        if path.endswith(SHEETS):
            found: Iterator[str] = (url for _, url, _ in stylesheets.loads(content.decode("utf-8", "replace")))
        elif path.endswith(PAGES) and self._is_suspect(path, content):
            found = _written(content.decode("utf-8", "replace"))
        else:
            return []
        return [url for url in dict.fromkeys(found) if not self.is_there(url, path)]

    def dead_at(self, root: Path, path: str) -> tuple[str, ...]:
        """The same of a file that stands in the tree since an earlier build."""
        if not path.endswith((*PAGES, SHEETS)):
            return ()
        with suppress(OSError), files.opened(root / path) as file:
            return tuple(self.dead(path, file.read()))
        return ()

    def is_there(self, url: str, path: str) -> bool:
        """Whether an address in the file at `path` leads to the tree, or to another site."""
        target = self._target(url, path)
        if target is None or target in SERVED or target.startswith(self.site.settings.build.elsewhere):
            return True
        name = output_of(target)
        # A server sends who leaves the slash of a folder out to the folder.
        is_folder = not target.endswith("/") and f"{name}/index.html" in self.outputs
        return name in self.outputs or is_folder or target in self._moved

    def _is_suspect(self, path: str, content: bytes) -> bool:
        """Whether any address may lead nowhere. What is fine on one page is fine on all, unless it is relative."""
        from ssg.markup.tags import tag  # noqa: PLC0415 - where nothing is rendered, nobody needs it

        for raw in {*_TAG.findall(content)} - self._fine:
            one = tag(raw.decode("utf-8", "replace"))
            urls = list(_addresses(one))
            if not one.name or not all(self.is_there(url, path) for url in urls):
                return True
            if all(url.startswith("/") or activecontent.scheme(url) for url in urls):
                self._fine.add(raw)
        return b"<style" in content

    def _target(self, url: str, path: str) -> str | None:
        """The path of the site that a URL names, decoded; None where it names another site, or a part of the page."""
        if _PLAIN.fullmatch(url):  # as nearly all are
            return url[len(self._below) :] if url.startswith(f"{self._below}/") else None
        plain = plain_url(url).replace("\\", "/")
        if not plain or plain.startswith("#"):
            return None
        base = self._base
        here = f"{base.scheme}://{base.netloc}{self._below}/{path}"
        try:
            whole = urlsplit(urljoin(here, plain))
            if _origin(whole) != _origin(base):
                return None
        except ValueError:  # a host or a port that is none
            return None
        found = unquote(whole.path)
        if not found.startswith(f"{self._below}/"):
            return None  # another site of the same host
        return found[len(self._below) :]

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
    def _below(self) -> str:
        return self._base.path.rstrip("/")


def _origin(url: SplitResult) -> tuple[str, str, int | None]:
    """The URL Standard, 4.7: scheme, host, port. Raises ValueError for a port that is none."""
    return url.scheme, (url.hostname or "").lower(), url.port or _PORTS.get(url.scheme)


def check(
    scene: Scene,
    jobs: Mapping[str, Job],
    root: Path,
    reach: Reach,
    found: Mapping[str, tuple[str, Sequence[str]]],
    *,
    everywhere: bool,
) -> None:
    """Raises Problem or Problems (exit 3) for dead addresses: those that were `found`, by path, with what files are of.

    `everywhere`: something is gone that they could lead to, and so the rest of the tree at `root` is looked at, too.
    """
    left = [job for path, job in jobs.items() if path not in found] if everywhere else []
    rest = [(job.origin, reach.dead_at(root, job.path)) for job in left]
    raise_all(list(_faults(reach.site, [*found.values(), *rest], scene)))


def _faults(site: SiteFile, found: Iterable[tuple[str, Sequence[str]]], scene: Scene) -> Iterator[Problem]:
    """A Problem for each address that leads nowhere, where it is written: in site.toml, a template, a source.

    `found` are such addresses in the files of the tree, with what messages call these.
    """
    dead: dict[str, dict[str, None]] = {}
    for origin, addresses in found:
        for address in addresses:
            dead.setdefault(address, {})[origin] = None
    theirs = [(one.shown, one.path) for one in (*scene.theme.templates.values(), *scene.theme.static.values())]
    read: dict[Path, str] = {}
    for number, (address, named) in enumerate(dead.items()):
        origins = list(named)
        names = _spellings(address, site.settings.site.url)
        place = Place(origins[0])
        if number < _PLACED:
            own = [(one, site.root / one) for one in origins[:_LOOKED_AT] if (site.root / one).is_file()]
            place = _in_settings(site.document, names) or _in_files([*own, *theirs], names, read) or place
        more = f" and {len(origins) - 1} more lead" if len(origins) > 1 else " leads"
        message = f'nothing on the site is at "{address}", to which {origins[0]}{more}'
        if number < _PLACED and (absent := scene.absent_at(unquote(address))):
            yield absent[1].problem(message, absent[0], place)
            continue
        yield Problem(
            message,
            place=place,
            hint="correct the address; or where another program serves it, name its beginning:"
            f' elsewhere = ["{_beginning(names[-1])}"] under [build]',
        )


def _beginning(path: str) -> str:
    """The outermost folder of a path, as an example: "/comments/"."""
    first, slash, _ = path.lstrip("/").partition("/")
    return f"/{first}{slash}"


def _spellings(address: str, url: str) -> list[str]:
    """An address as it may be written in a source: whole, without the site's own URL, and below its path."""
    base = urlsplit(url)
    path = address.removeprefix(f"{base.scheme}://{base.netloc}").removeprefix(f"//{base.netloc}")
    return list(dict.fromkeys([address, path, path.removeprefix(base.path.rstrip("/"))]))


def _in_settings(node: Node, names: Collection[str]) -> Place | None:
    match node.value:
        case Mapping() as table:
            parts: Iterable[Node] = table.values()
        case tuple() as items:
            parts = items
        case str() as text:
            return node.place if text in names or f"/{text}" in names else None
        case _:
            return None
    return next((place for part in parts if (place := _in_settings(part, names))), None)


def _in_files(files: Iterable[tuple[str, Path]], names: Sequence[str], read: dict[Path, str]) -> Place | None:
    """Where one of the names stands first. `read` are files that were read for it already."""
    wanted = re.compile(rf"(?<![\w/.-])(?:{'|'.join(map(re.escape, names))})(?![\w/-])")
    for shown, path in files:
        if path not in read:
            read[path] = ""
            with suppress(OSError, Problem):
                read[path] = given.read(path, given.TEXT).decode("utf-8", "replace")
        text = read[path]
        if found := wanted.search(text):
            start = text.rfind("\n", 0, found.start()) + 1
            line = text[start:].partition("\n")[0]
            return Place(shown, text.count("\n", 0, start) + 1, found.start() - start + 1, line, len(found[0]))
    return None


def _written(html: str) -> Iterator[str]:
    """All addresses in the tags and styles of a page."""
    from ssg.markup.tags import cut  # noqa: PLC0415 - as above

    before = ""
    for tag in cut(html).tags:
        if before == "style" and not tag.name:
            yield from (url for _, url, _ in stylesheets.loads(tag.raw))
        yield from _addresses(tag)
        before = tag.name


def _addresses(tag: "Tag") -> Iterator[str]:
    for written, value in tag.attributes.items():
        name = written.lower()
        if not value:
            continue
        kind = activecontent.urls_of(tag.name, name)
        if kind is Url.REFRESH:
            others = {name.lower(): value or "" for name, value in tag.attributes.items()}
            if activecontent.is_refresh(others.get("http-equiv", "")):
                yield from activecontent.urls(kind, value)
            elif _METAS.fullmatch(others.get("property") or others.get("name") or ""):
                yield value
        elif kind and kind is not Url.VALUES:
            yield from activecontent.urls(kind, value)
        elif name == "style":
            yield from (url for _, url, _ in stylesheets.loads(value))
