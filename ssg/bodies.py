"""Finished bodies: every page converted, every link of it resolved, before the first template asks for one."""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from sealpress.console import Progress
from sealpress.problems import Problem, raise_all
from ssg.conversion import Job, Workshop
from ssg.l10n.language import Language
from ssg.linking import Linker, SitePath
from ssg.markup import converted as markup
from ssg.markup.converted import Converted, Heading, MarkdownOptions
from ssg.markup.prose import on_one_line
from ssg.model import Page, Site

DESCRIPTION_LENGTH: Final = 200  # characters; search engines show no more


@dataclass(frozen=True, slots=True)
class SiteBodies:
    """Answers ssg.rendering.bodies.Bodies. `links` are by source, one for each link of the converted body."""

    site: Site
    converted: Mapping[str, Converted]
    links: Mapping[str, tuple[SitePath, ...]]
    linker: Linker

    def html(self, page: Page, absolute: bool = False) -> str:  # noqa: FBT001, FBT002 - the protocol's shape
        body = self.converted[page.source].html
        if absolute:
            # Away from the page, its footnotes and headings are found only by its whole URL.
            own = html.escape(self.site.absolute_url(page.path))
            body = body.replace(f'href="#{markup.ANCHOR}', f'href="{own}#{markup.ANCHOR}')
        return markup.resolve(body, self._urls(page, absolute=absolute))

    def summary(self, page: Page, absolute: bool = False) -> str:  # noqa: FBT001, FBT002
        if page.front_matter.summary:
            return f"<p>{html.escape(page.front_matter.summary)}</p>"
        return markup.resolve(self.converted[page.source].summary_html, self._urls(page, absolute=absolute))

    def text(self, page: Page) -> str:
        return self.converted[page.source].plain_text

    def description(self, page: Page) -> str:
        front = page.front_matter
        return front.description or _shortened(front.summary or self.converted[page.source].summary_text)

    def headings(self, page: Page) -> tuple[Heading, ...]:
        return self.converted[page.source].headings

    def has_code(self, page: Page) -> bool:
        return self.converted[page.source].has_code

    def dead_paths(self, outputs: frozenset[str]) -> list[Problem]:
        """Links to paths of the site that no output is at, in the order of pages and links."""
        found = (
            self.linker.missing(page, link, outputs)
            for page in self.site.pages
            for link in self.converted[page.source].links
        )
        return [problem for problem in found if problem]

    def _urls(self, page: Page, *, absolute: bool) -> list[str]:
        url = self.site.absolute_url if absolute else self.site.url
        # An anchor of the page itself needs the page before it where the body stands elsewhere.
        own = url(page.path) if absolute else ""
        return [(url(link.path) if link.path else own) + _quoted(link.rest) for link in self.links[page.source]]


def make_bodies(
    site: Site,
    languages: Mapping[str, Language],
    options: Mapping[str, MarkdownOptions],
    left_out: Mapping[str, str],
    workshop: Workshop,
    progress: Progress,
) -> SiteBodies:
    """Converts every page and resolves its links. `options` are by language; `left_out` as in Linker.

    Raises Problem or Problems (exit 3) with everything that is wrong in any body.
    """
    jobs = [Job(page.body, options[page.language], languages[page.language]) for page in site.pages]
    converted = {page.source: body for page, body in zip(site.pages, workshop.convert(jobs, progress), strict=True)}
    problems = [
        fault.problem(page.place(fault.line, fault.column, fault.length))
        for page in site.pages
        for fault in converted[page.source].faults
    ]
    linker = Linker(site, converted, {asset.source: asset.path for asset in site.assets}, left_out)
    links: dict[str, tuple[SitePath, ...]] = {}
    for page in site.pages:
        resolved = []
        for link in converted[page.source].links:
            try:
                resolved.append(linker.resolve(page, link))
            except Problem as problem:
                problems.append(problem)
        links[page.source] = tuple(resolved)
    raise_all(problems)
    return SiteBodies(site, converted, links, linker)


def _quoted(rest: str) -> str:
    """A query and fragment as an author wrote them, made fit for a URL; what is percent-encoded already stays."""
    return quote(rest, safe="%#?&=/:@!$'()*+,;~-._")


def _shortened(text: str) -> str:
    """Cut at a word, with an ellipsis where something is gone."""
    text = on_one_line(text)
    if len(text) <= DESCRIPTION_LENGTH:
        return text
    return text[:DESCRIPTION_LENGTH].rpartition(" ")[0].rstrip(",;:.– ") + "…"
