"""Links between pages: written as source paths, resolved to where readers find the target, and checked with anchors.

[x](../post.md#part)   a page, by its source: the reader's language where it is translated, else as it is
[x](/docs/index.md)    the same, from the content folder
![x](photo.png)        a file beside the page, by its source
[x](/tags/)            a path of the site
[x](#part)             an anchor of the page itself
"""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from sealpress.problems import Place, Problem, did_you_mean
from ssg.markup.converted import Converted, Link
from ssg.model import Page, Site, output_of

PAGE_ENDING: Final = ".md"


@dataclass(frozen=True, slots=True)
class SitePath:
    """Where a link leads: a path of the site, and behind it what the link adds ("#part", "?q=1#part")."""

    path: str
    rest: str


@dataclass(frozen=True, slots=True)
class Linker:
    """Resolves links. `converted` is by source; `left_out` are sources that are not published, with the reason."""

    site: Site
    converted: Mapping[str, Converted]
    assets: Mapping[str, str]  # the path of each asset, by source
    left_out: Mapping[str, str]

    def resolve(self, page: Page, link: Link) -> SitePath:
        """Raises Problem (exit 3) at the link for a target that isn't there.

        A path of the site is only read here: which paths there are is known when all is rendered, see `missing`.
        """
        parts = urlsplit(link.target)
        target = unquote(parts.path)
        rest = (f"?{parts.query}" if parts.query else "") + (f"#{parts.fragment}" if parts.fragment else "")
        if not target:
            self._check_anchor(page, link, page, parts.fragment)
            return SitePath(page.path, rest) if parts.query else SitePath("", rest)
        if target.endswith(PAGE_ENDING):
            found = self._page(page, link, target)
            self._check_anchor(page, link, found, parts.fragment)
            return SitePath(found.path, rest)
        if target.startswith("/"):
            return SitePath(target, rest)
        source = self._source(page, target)
        if source not in self.assets:
            raise self._dead_file(page, link, source)
        return SitePath(self.assets[source], rest)

    def missing(self, page: Page, link: Link, outputs: frozenset[str]) -> Problem | None:
        """The Problem of a link to a path of the site that no output is at."""
        target = unquote(urlsplit(link.target).path)
        if not target.startswith("/") or target.endswith(PAGE_ENDING) or output_of(target) in outputs:
            return None
        folder = target + "/"
        hint = f'write "{folder}"' if output_of(folder) in outputs else "link to a page by its source: [x](/docs/x.md)"
        return Problem(f'nothing on the site is at "{target}"', place=_place(page, link), hint=hint)

    def _source(self, page: Page, target: str) -> str:
        """The source path that `target` means, seen from the page; a leading "/" is the content folder."""
        if target.startswith("/"):
            return posixpath.normpath(self.site.settings.build.content + target)
        return posixpath.normpath(posixpath.join(posixpath.dirname(page.source), target))

    def _page(self, page: Page, link: Link, target: str) -> Page:
        source = self._source(page, target)
        named = self.site.by_source.get(source)
        if named is None:
            raise self._dead_page(page, link, source)
        return self.site.translation(named, page.language) or named

    def _dead_page(self, page: Page, link: Link, source: str) -> Problem:
        if reason := self.left_out.get(source):
            return Problem(
                f'this links to "{source}", which is {reason}',
                place=_place(page, link),
                hint="publish that page too, or take the link out",
            )
        meant = did_you_mean(source, self.site.by_source)
        return Problem(f'this links to "{source}", which is not there{meant}', place=_place(page, link))

    def _dead_file(self, page: Page, link: Link, source: str) -> Problem:
        if reason := self.left_out.get(source):
            return Problem(
                f'"{source}" is {reason}', place=_place(page, link), hint="git add it, or build with --dirty"
            )
        if any(other.startswith(source + "/") for other in self.site.by_source):
            index = posixpath.join(posixpath.relpath(source, posixpath.dirname(page.source)), "index.md")
            return Problem(
                f'"{source}" is a folder', place=_place(page, link), hint=f'link to a page by its source: "{index}"'
            )
        if f"{source}{PAGE_ENDING}" in self.site.by_source:
            hint = f'link to a page by its source: "{link.target}{PAGE_ENDING}"'
            return Problem(f'there is no file "{source}"', place=_place(page, link), hint=hint)
        folder = self.site.settings.build.content
        if not source.startswith(folder + "/"):
            return Problem(
                f'"{source}" is not in the content folder',
                place=_place(page, link),
                hint=f"put it beside the page, or into {self.site.settings.build.static}/ and link to it as /x.pdf",
            )
        return Problem(
            f'there is no file "{source}"{did_you_mean(source, self.assets)}',
            place=_place(page, link),
            hint="a file is named as seen from the page; a page by its source, which ends in .md",
        )

    def _check_anchor(self, page: Page, link: Link, target: Page, fragment: str) -> None:
        anchor = unquote(fragment)
        # "#" and "#top" lead to the top of every page (HTML, 7.4.6.3).
        if not anchor or anchor.lower() == "top":
            return
        ids = self.converted[target.source].ids
        if anchor not in ids:
            where = "on this page" if target is page else f'in "{target.source}"'
            listed = ", ".join(f"#{known}" for known in sorted(ids)[:12])
            raise Problem(
                f'there is no anchor "#{anchor}" {where}{did_you_mean(anchor, ids)}',
                place=_place(page, link),
                hint=f"anchors there: {listed}" if listed else "that page has no anchors",
            )


def _place(page: Page, link: Link) -> Place:
    return page.place(link.line, link.column, link.length)
