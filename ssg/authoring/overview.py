"""The pages that there are, as an author asks for them: what is published, what is a draft, what waits for its day."""

import datetime as dt
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from sealpress.config.sitefile import SiteFile
from sealpress.files import given
from sealpress.frozen import frozen
from sealpress.git.repository import NO_DATE, as_of
from sealpress.problems import MachineProblem
from ssg.content import front_matter, taxonomies
from ssg.content.findings import Findings
from ssg.content.model import Page
from ssg.content.pages import read_content
from ssg.content.sources import Options, list_sources
from ssg.l10n.language import language
from ssg.l10n.timezones import timezone

_ENDING: Final = ".md"


class Standing(StrEnum):
    """Whether a build of this commit shows a page."""

    PUBLISHED = "published"
    UNTRACKED = "untracked"
    SCHEDULED = "scheduled"
    DRAFT = "draft"


@frozen
class ListedPage:
    page: Page
    standing: Standing

    def as_data(self) -> dict[str, object]:
        page = self.page
        return {
            "source": page.source,
            "path": page.path,
            "title": page.title,
            "kind": page.kind.value,
            "language": page.language,
            "date": page.date.isoformat() if page.date else None,
            "terms": dict(page.terms),
            "standing": self.standing.value,
        }


def pages(site: SiteFile) -> list[ListedPage]:
    """Every page, the newest first, then those without a date by source; those too that git doesn't track yet.

    Nothing is converted. Raises Problem or Problems (exit 3) for front matter that can't be read.
    """
    settings = site.settings
    untracked = frozenset(list_sources(site.root, [settings.build.content]).left_out)
    sources = list_sources(site.root, [settings.build.content], dirty=True)
    findings = Findings()
    heads = {}
    for source in sources.below(settings.build.content):
        if source.endswith(_ENDING):
            with findings.collecting(source):
                page = front_matter.read(_text(site, source), source, taxonomies.keys(site))
                heads[source] = (page.front_matter, page.body_line)
    tags = {tag: language(tag, site.place("site", "languages", n)) for n, tag in enumerate(settings.site.languages)}
    zone = timezone(settings.site.timezone, site.place("site", "timezone"))
    now = as_of(sources.repository)

    def clock(dates: Iterable[dt.datetime]) -> dt.datetime:
        return now or max(dates, default=NO_DATE)

    content = read_content(
        settings, sources, heads, tags, zone, clock, Options(drafts=True, future=True), findings, set()
    )
    findings.check()
    found = [ListedPage(page, _standing(page, content.as_of, untracked)) for page in content.pages]
    return sorted(found, key=lambda one: (-(one.page.date or NO_DATE).timestamp(), one.page.source))


def _standing(page: Page, now: dt.datetime, untracked: frozenset[str]) -> Standing:
    if page.front_matter.draft:
        return Standing.DRAFT
    if page.source in untracked:  # whose commit will be later than any clock that is known now
        return Standing.UNTRACKED
    return Standing.SCHEDULED if page.date and page.date > now else Standing.PUBLISHED


def _text(site: SiteFile, source: str) -> bytes:
    try:
        return given.read(site.root / source, given.TEXT)
    except OSError as error:
        raise MachineProblem(f"can't read {source}: {error.strerror}") from None
