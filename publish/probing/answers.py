"""What a sealed site answers, request by request, with bytes, status and headers: what a running one is asked for.

It is worked out from the output tree and the settings alone, as the configuration of the sealed nginx is. Files are
asked for as readers reach them: `a/index.html` as /a/, `a.html` as /a.html, each 404 page by a path that isn't there.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from imagebake.nginx import headers, languages, redirects
from imagebake.recipes import precompressed
from imagebake.recipes import site as recipe
from publish.probing.probe import missing_path
from sealpress.config import serving, sitefile
from sealpress.config.redirects import Redirect
from sealpress.config.settings import ImageSettings
from sealpress.config.sitefile import SiteFile
from sealpress.frozen import frozen
from sealpress.policy.source_lists import DRAWING, Policies
from sealpress.tree.tree import CacheClass, OutputTree, TreeFile, content_type, media_type
from ssg.preview.answers import INDEX, NOT_FOUND, Answer, SiteAnswers

_PLAIN: Final = "/-._~!$&'()*+,;=:@"
"""RFC 3986, section 3.3: what may stand in a path as it is."""

_COMPRESSED: Final = MappingProxyType({"Accept-Encoding": "gzip, br"})


@frozen
class SealedAnswer:
    """One request, `path` as it stands in its first line and the headers `asks`; and what the sealed image answers.

    `file` None: whatever the body is. `location`: as the image writes it, "" for none. `headers`: by names in small
    letters. Some of a sealed site's are not among them, since they may change on their way: see compare.py.
    """

    path: str
    status: int
    file: TreeFile | None = None
    location: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    asks: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def name(self) -> str:
        """What it is called in a message: the path, and what else was asked for."""
        return " ".join([self.path, *(f"({name}: {value})" for name, value in self.asks.items())])


def of_site(tree: OutputTree, site: SiteFile) -> tuple[SealedAnswer, ...]:
    """Those of the image that this tree is baked into. Raises Problem or Problems (exit 3, 5) as a bake does."""
    settings, document = site.settings.image, site.document
    policy = recipe.content_policy(tree, settings, sitefile.image_name(site.settings), document)
    return of(tree, settings, redirects.read(tree, settings, document), policy)


def of(
    tree: OutputTree, settings: ImageSettings, moved: Sequence[Redirect], policy: Policies
) -> tuple[SealedAnswer, ...]:
    """Each file of the tree, in its order, as it is and as browsers ask for it; then 404 pages, "/" by language, what
    has moved or is gone, and a folder without its slash.
    """
    fronts = languages.front_pages(settings, tree.paths, tree.below)
    folders = {tag: folder.strip("/").rpartition("/")[2] for tag, folder in fronts.items()}
    files = {entry.path: entry for entry in tree.served}
    site = _Site(tree, settings, policy, SiteAnswers(files.keys(), tree.below, moved, folders), files)
    return tuple(site.all())


def url_path(path: str, below: str = "") -> str:
    """The path of the URL under which readers reach a file of the tree (`below`: OutputTree.below)."""
    if path == NOT_FOUND:
        return missing_path(below)
    return quoted(_reached(path, below))


def quoted(path: str) -> str:
    """A decoded path as it stands in a URL."""
    return quote(path, safe=_PLAIN)


def _reached(path: str, below: str) -> str:
    path = f"/{below}{path}"
    return path.removesuffix(INDEX) if path.endswith(f"/{INDEX}") else path


@frozen
class _Site:
    tree: OutputTree
    settings: ImageSettings
    policy: Policies
    answers: SiteAnswers
    files: Mapping[str, TreeFile]

    def all(self) -> Iterator[SealedAnswer]:
        below = self.tree.below
        for entry in self.tree.served:
            path = _reached(entry.path, below)
            yield self._answer(path)
            if entry.size >= precompressed.SMALLEST and precompressed.is_compressible(entry.media_type):
                yield self._answer(path, _COMPRESSED)
        for page in sorted({NOT_FOUND, *languages.not_found_pages(self.files)}):
            yield self._answer(f"/{below}{page.removesuffix(NOT_FOUND)}".rstrip("/") + missing_path())
        for tag in self.settings.negotiate_languages:
            yield self._answer(f"/{below}", {"Accept-Language": tag})
        if below:
            yield self._answer("/")
        for rule in self.answers.moved:
            yield self._answer(rule.path)
        if folder := next(_folders(self.files), None):
            yield self._answer(f"/{below}{folder}")

    def _answer(self, path: str, asks: Mapping[str, str] = MappingProxyType({})) -> SealedAnswer:
        found = self.answers.to(path, asks.get("Accept-Language", ""))
        file = self.files[found.file] if found.file else None
        told = self._headers(path, found, file)
        return SealedAnswer(quoted(path), found.status, file, found.location, told, asks)

    def _headers(self, path: str, found: Answer, file: TreeFile | None) -> Mapping[str, str]:
        is_drawing = media_type(found.file or path) == DRAWING
        policy = self.policy.drawings or self.policy.pages if is_drawing else self.policy.pages
        told = {name.lower(): value for name, value in serving.headers(self.settings.headers, policy).items()}
        if self.settings.hsts:
            told.setdefault(headers.HSTS.lower(), headers.hsts(self.settings))
        is_kept = found.status == 200 and file is not None and file.cache is CacheClass.IMMUTABLE
        told["cache-control"] = headers.KEPT if is_kept else headers.ASKED_ANEW
        if file:
            told["content-type"] = content_type(file.media_type)
        if self.settings.negotiate_languages and path == f"/{self.tree.below}":
            told["vary"] = "Accept-Language, Sec-Fetch-Site"
        return MappingProxyType({name: value for name, value in told.items() if value})


def _folders(paths: Collection[str]) -> Iterator[str]:
    """Those whose name without a slash leads there: a page of that name would answer itself."""
    folders = sorted({path.rpartition("/")[0] for path in paths if "/" in path})
    return (folder for folder in folders if folder not in paths and f"{folder}.html" not in paths)
