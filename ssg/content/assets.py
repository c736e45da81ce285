"""Files that go into the tree as they are: those beside pages, and the static folder."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Final

from sealpress.config.settings import Settings
from ssg.content.model import Asset, Page, output_of, prefix
from ssg.content.sources import Sources


def content_assets(settings: Settings, sources: Sources, pages: Iterable[Page]) -> tuple[Asset, ...]:
    """Files below the content folder that are no pages.

    In a bundle they go where their page goes, in the first of the site's languages that has it; elsewhere they keep
    their path. The files beside a page that is not published (a draft) are not published either, unless another page
    of their folder is.
    """
    below = sources.below(settings.build.content)
    files = [PurePosixPath(file) for file in below if not file.endswith(".md")]
    if not files:
        return ()
    pages = tuple(pages)
    shown = {above for folder in _folders(page.source for page in pages) for above in (folder, *folder.parents)}
    hidden = _folders(file for file in below if file.endswith(".md")) - shown
    homes = _bundles(settings, pages)
    return tuple(
        _asset(_path(settings, homes, file), str(file), sources) for file in files if hidden.isdisjoint(file.parents)
    )


def _folders(files: Iterable[str]) -> set[PurePosixPath]:
    return set(map(PurePosixPath, {file.rpartition("/")[0] for file in files}))


def static_assets(settings: Settings, sources: Sources) -> tuple[Asset, ...]:
    """The static folder, file by file, at the root of the site."""
    folder = PurePosixPath(settings.build.static)
    return tuple(
        _asset(f"/{PurePosixPath(file).relative_to(folder)}", file, sources) for file in sources.below(str(folder))
    )


def _asset(path: str, file: str, sources: Sources) -> Asset:
    return Asset(file, path, output_of(path), sources.root / file)


def _bundles(settings: Settings, pages: Iterable[Page]) -> dict[PurePosixPath, Page]:
    """Of each folder on disk with an index page: that page, in the first language that has one."""
    order = {language: number for number, language in enumerate(settings.site.languages)}
    homes: dict[PurePosixPath, Page] = {}
    found = [page for page in pages if page.is_index and page.path.endswith("/")]
    for page in sorted(found, key=lambda page: (order[page.language], page.source)):
        homes.setdefault(PurePosixPath(page.source).parent, page)
    return homes


def _path(settings: Settings, homes: Mapping[PurePosixPath, Page], file: PurePosixPath) -> str:
    for folder in file.parents:
        if folder in homes:
            return homes[folder].path + str(file.relative_to(folder))
    parts = file.relative_to(PurePosixPath(settings.build.content)).parts
    if len(parts) > 1 and parts[0] in settings.site.languages:
        return f"{prefix(settings, parts[0])}/{'/'.join(parts[1:])}"
    return "/" + "/".join(parts)


FOLDER: Final = "/assets/"


_LENGTH: Final = 12


def fingerprint(content: bytes) -> str:
    """Twelve hex digits of the content's sha256, with a letter and a digit among them.

    A run of digits alone could be a date, and sealpress.tree.tree would not take it for a digest.
    """
    digest = hashlib.sha256(content).hexdigest()
    windows = (digest[start : start + _LENGTH] for start in range(len(digest) - _LENGTH))
    return next(window for window in windows if not window.isdecimal() and not window.isalpha())
