"""What a content file's place says of it: its language, its folder, its kind; and the permalink that follows.

content/posts/x.md, x.fr.md            two languages by file name
content/en/posts/x.md, fr/posts/x.md   two languages by folder
content/posts/x/index.md               a bundle: a page in a folder of its own
content/docs/index.md                  the page of a folder
"""

import datetime as dt
import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final

from sealpress.config.settings import Settings
from sealpress.frozen import frozen
from sealpress.problems import Place, Problem, did_you_mean
from ssg.content.model import PageKind, prefix
from ssg.l10n.language import Language
from ssg.l10n.slugs import slug

POSTS: Final = "posts"

_LANGUAGE: Final = re.compile(r"[A-Za-z]{2}([-_][A-Z]{2}|-[A-Z][a-z]{3})?")
"""What a reader would take for a language: fr, FR, pt-BR, pt_BR, zh-Hant."""


_MARKDOWN: Final = frozenset("markdown md mdown mdtext mdtxt mdwn mdx mkd mkdn mkdown qmd rmd".split())  # noqa: SIM905
_HTML: Final = frozenset({"htm", "html", "xhtml"})
_FENCES: Final = frozenset({b"---", b"+++"})
_LINE: Final = 64


@frozen
class Location:
    """`folder` and `stem` are without the content folder and without language; an index's folder is its own."""

    source: str
    language: str
    folder: str
    stem: str

    @property
    def is_index(self) -> bool:
        return self.stem == "index"

    @property
    def is_home(self) -> bool:
        return self.is_index and not self.folder

    @property
    def is_posts_index(self) -> bool:
        """content/posts/index.md: the head of the list of posts, itself no post."""
        return self.is_index and self.folder == POSTS

    @property
    def kind(self) -> PageKind:
        is_below = self.folder == POSTS or self.folder.startswith(POSTS + "/")
        return PageKind.POST if is_below and not self.is_posts_index else PageKind.PAGE

    @property
    def name(self) -> str:
        """What a slug is made from where the front matter gives none."""
        return self.folder.rpartition("/")[2] if self.is_index else self.stem


def locate(settings: Settings, source: str) -> Location:
    """Raises Problem (exit 3) for a file name that ends in what looks like a language the site doesn't have, and for
    another generator's name of a folder's page.
    """
    languages = settings.site.languages
    language = settings.site.default_language
    *folders, name = source.removeprefix(_start(settings.build.content)).split("/")
    stem = name.removesuffix(".md")
    if stem.partition(".")[0] == "_index":
        raise Problem(
            f'"{name}" is how Hugo and Zola call the page of a folder',
            place=Place(source),
            hint=f"rename it: {name[1:]}",
        )
    if folders and folders[0] in languages:
        language = folders.pop(0)
    name, dot, suffix = stem.rpartition(".")
    if dot and suffix in languages:
        stem, language = name, suffix
    elif dot and _LANGUAGE.fullmatch(suffix):
        raise Problem(
            f'"{suffix}" is not one of the site\'s languages{did_you_mean(suffix, languages)}',
            place=Place(source),
            hint=f'add "{suffix}" to [site] languages, or rename the file without ".{suffix}"',
        )
    return Location(source, language, "/".join(folders), stem)


def check_no_page(root: Path, file: str) -> None:
    """Raises Problem (exit 3) for a file of the content folder that would be published as it is, and was written to be
    a page: Markdown under another ending, or HTML with front matter.
    """
    name = file.rpartition("/")[2]
    stem, _, ending = name.rpartition(".")
    if stem and ending.lower() in _MARKDOWN:
        raise Problem(
            f'"{name}" is no page, since its name does not end in .md: it would be published as it is',
            place=Place(file),
            hint=f"rename it: {stem}.md; a file to download belongs into the static folder",
        )
    if ending.lower() in _HTML:
        with (root / file).open("rb") as opened:
            line = opened.readline(_LINE).removeprefix(BOM_UTF8).strip()
        if line in _FENCES:
            raise Problem(
                f'"{name}" has front matter, which readers would see: HTML is published as it is',
                place=Place(file, 1, 1, line.decode(), len(line)),
                hint=f"make it a page: {stem}.md, which may hold HTML; or take the front matter out",
            )


@cache
def _start(folder: str) -> str:
    return f"{PurePosixPath(folder)}/"


@frozen
class Permalinks:
    """From a location to a path. `slugs` are those of the folders that have an index page, by folder and language."""

    settings: Settings
    languages: Mapping[str, Language]
    slugs: Mapping[tuple[str, str], str]

    def path(self, where: Location, own: str, date: dt.datetime | None) -> str:
        """The page's path, its language's prefix before it. `own` is the page's slug."""
        before = prefix(self.settings, where.language)
        permalinks = self.settings.language[where.language].permalinks or self.settings.permalinks
        if where.is_home:
            return f"{before}/"
        if where.is_posts_index:
            return before + permalinks.posts
        is_post = where.kind is PageKind.POST
        folders = self._folders(where)
        filled = (permalinks.post if is_post else permalinks.page).format_map(
            {
                "slug": own,
                "path": "/".join([*folders, own]),
                "section": folders[0] if folders else "",
                "year": f"{date.year:04}" if date else "",
                "month": f"{date.month:02}" if date else "",
                "day": f"{date.day:02}" if date else "",
            }
        )
        # An empty field leaves two slashes behind.
        return before + "/" + "/".join(part for part in filled.split("/") if part) + ("/" if filled[-1] == "/" else "")

    def _folders(self, where: Location) -> list[str]:
        """The folders above the page, each as its own index page calls it. "posts" itself is the pattern's business."""
        above = (where.folder.rpartition("/")[0] if where.is_index else where.folder).split("/")
        language = self.languages[where.language]
        names = [
            self.slugs.get(("/".join(above[: end + 1]), where.language)) or slug(name, language) or ""
            for end, name in enumerate(above)
            if name
        ]
        return names[1:] if where.kind is PageKind.POST else names
