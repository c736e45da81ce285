"""Manuscripts become pages: each file is located, its slug and path found, its terms checked."""

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import partial
from pathlib import Path
from typing import Final

from sealpress.config.settings import Settings
from sealpress.frozen import frozen
from sealpress.git.repository import NO_DATE, FileDates
from sealpress.problems import Place, Problem
from ssg.content import other_generators, taxonomies, translations
from ssg.content.findings import PAGES, Findings
from ssg.content.location import POSTS, Location, Permalinks, locate
from ssg.content.model import FrontMatter, Page, PageKind, output_of
from ssg.content.places import in_front_matter
from ssg.content.sources import Options, Sources
from ssg.l10n.language import Language
from ssg.l10n.slugs import LIMIT, slug

AsOf = Callable[[Iterable[dt.datetime]], dt.datetime]
"""The moment that a build is of, from the dates of its pages: for a folder that no commit dates."""


@frozen
class PlacedPages:
    """Pages by source that have their place, published or not, and the slugs of `folders` that their paths hang on."""

    pages: Mapping[str, Page] = field(default_factory=dict)
    folders: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def only(self, sources: Collection[str]) -> "PlacedPages":
        """Those of some sources."""
        return PlacedPages({source: page for source, page in self.pages.items() if source in sources}, self.folders)


NOWHERE: Final = PlacedPages()
"""None has its place yet."""


@frozen
class PublishedPages:
    """The published pages, sorted by source. `drafts` and `scheduled` are the sources that were left out.

    `next` is when the first of the scheduled pages is due. `placed` are all pages without a fault.
    """

    pages: tuple[Page, ...]
    as_of: dt.datetime
    drafts: tuple[str, ...] = ()
    scheduled: tuple[str, ...] = ()
    next: dt.datetime | None = None
    placed: PlacedPages = NOWHERE


Heads = Mapping[str, tuple[FrontMatter, int]]
"""Of each page's source: its front matter and the line on which its body begins."""


@frozen
class _PageReading:
    """One reading of the content folder: what all its steps need, and what they found wrong."""

    root: Path
    settings: Settings
    languages: Mapping[str, Language]
    zone: dt.tzinfo
    dates: Mapping[str, FileDates]
    unsure: set[str]
    problems: list[Problem] = field(default_factory=list)

    def place(self, source: str) -> Callable[..., Place]:
        """Where values of a page's front matter stand."""
        return partial(in_front_matter, self.root, source)

    def path_is_unsure(self, where: Location, problem: Problem) -> None:
        self.problems.append(problem)
        self.unsure.add(where.source)


def read_content(
    settings: Settings,
    sources: Sources,
    heads: Heads,
    languages: Mapping[str, Language],
    zone: dt.tzinfo,
    clock: AsOf,
    options: Options,
    findings: Findings,
    unsure: set[str],
    placed: PlacedPages = NOWHERE,
) -> PublishedPages:
    """All pages below the content folder, which are those that `heads` has. Of these, `placed` are as they were: an
    earlier reading with the same settings placed them, and their heads are the same.

    Tells `findings` what is wrong with them. A page with a fault is among them all the same, as far as it is known.
    `unsure` are those that may have another path than it seems; it is added to.
    """
    dates = sources.history.dates() if settings.build.git_dates and sources.history else {}
    reading = _PageReading(sources.root, settings, languages, zone, dates, unsure)
    pages, folders = _placed(reading, heads, placed)
    at_fault = {problem.place.file for problem in reading.problems if problem.place}
    content = published(pages, clock, options)
    reading.problems.extend(_foreign_folders(reading, pages))
    sure = [page for page in content.pages if page.source not in unsure]
    reading.problems.extend(translations.shared_keys(reading.root, sure))
    reading.problems.extend(taxonomies.shared(content.pages, languages, lambda page: reading.place(page.source)))
    findings.tell(PAGES, reading.problems)
    fit = {page.source: page for page in pages if page.source not in at_fault}
    return replace(content, placed=PlacedPages(fit, folders))


def _placed(reading: _PageReading, heads: Heads, placed: PlacedPages) -> tuple[list[Page], dict[tuple[str, str], str]]:
    """The pages in the order of their heads, and the slugs of the folders that have an index page."""
    settings = reading.settings
    located = {source: locate(settings, source) for source in heads if source not in placed.pages}
    slugs = {source: _slug(reading, where, heads[source][0]) for source, where in located.items()}
    named = [(one.folder, one.language, one.slug) for one in placed.pages.values() if one.is_index]
    named += [(where.folder, where.language, slugs[source]) for source, where in located.items() if where.is_index]
    folders = {(folder, language): own for folder, language, own in named if folder}
    if placed.pages and folders != placed.folders:
        reading.problems.clear()  # which are found again
        return _placed(reading, heads, NOWHERE)
    permalinks = Permalinks(settings, reading.languages, folders)
    pages = [
        placed.pages.get(source) or _page(reading, located[source], *heads[source], slugs[source], permalinks)
        for source in heads
    ]
    return pages, folders


def _foreign_folders(reading: _PageReading, pages: Sequence[Page]) -> Iterator[Problem]:
    """A Problem for each folder that another generator calls so, and that means something else here, or nothing."""
    content = reading.settings.build.content
    told: set[str] = set()
    for page in pages:
        folder = page.folder.partition("/")[0]
        is_dated = page.front_matter.date
        if folder in told or folder not in other_generators.FOLDERS or not (folder.startswith("_") or is_dated):
            continue
        told.add(folder)
        at = page.source[: page.source.index(f"/{folder}/") + len(folder) + 1]
        posts = f"{content}/{POSTS}"
        # git mv would put the folder itself into one that is there.
        files = f"{at}/*" if any(one.source.startswith(f"{posts}/") for one in pages) else at
        hint = other_generators.FOLDERS[folder].format(files=files, posts=posts)
        message = f'"{folder}" is no folder of posts here'
        yield Problem(message, place=Place(at), hint=hint, is_warning=not folder.startswith("_"))


def _slug(reading: _PageReading, where: Location, front: FrontMatter) -> str:
    wanted = front.slug
    made = slug(wanted or where.name, reading.languages[where.language]) or ""
    if (size := len(wanted.encode())) > LIMIT:
        place = in_front_matter(reading.root, where.source, "slug")
        hint = f'shorten it: "{made}"' if made else None
        reading.path_is_unsure(
            where, Problem(f"the slug has {size} bytes; {LIMIT} is the most", place=place, hint=hint)
        )
    elif wanted and made != wanted:
        reading.path_is_unsure(
            where,
            Problem(
                f'the slug "{wanted}" can\'t stand in a URL as it is',
                place=in_front_matter(reading.root, where.source, "slug"),
                hint=f'write "{made}"' if made else "use letters, digits and dashes",
            ),
        )
    elif not made and not where.is_home:
        hint = "set slug in the front matter"
        reading.path_is_unsure(where, Problem("the file's name gives no slug", place=Place(where.source), hint=hint))
    return made


def _page(
    reading: _PageReading, where: Location, front: FrontMatter, body_line: int, own: str, permalinks: Permalinks
) -> Page:
    date = moment(front.date, reading.zone)
    updated = moment(front.updated, reading.zone)
    if date is None and where.kind is PageKind.POST:
        place = in_front_matter(reading.root, where.source, "title")
        wrong = in_front_matter(reading.root, where.source, "date")
        if where.source not in reading.unsure or (place.line and not wrong.line):  # else that is told already
            message, hint = "a post needs a date", "add the key date to the front matter: a day, such as 2026-05-04"
            reading.path_is_unsure(where, Problem(message, place=place, hint=hint))
        date = NO_DATE
    elif date and updated and updated < date:
        message, hint = "updated is before date", "updated is when the page last changed: leave it out if it did not"
        reading.problems.append(
            Problem(message, place=in_front_matter(reading.root, where.source, "updated"), hint=hint)
        )
    _check_title(reading, where, front)
    path = permalinks.path(where, own, date)
    git = reading.dates.get(where.source)
    language = reading.settings.language[where.language]
    return Page(
        source=where.source,
        kind=where.kind,
        language=where.language,
        key=translations.key_of(where, front),
        title=front.title,
        slug=own,
        path=path,
        output=output_of(path),
        body_line=body_line,
        front_matter=front,
        folder=where.folder,
        is_index=where.is_index,
        date=date,
        # A post that git has seen only before its date was not updated since.
        updated=updated or (git.last if git and not (date and git.last < date) else None),
        terms=taxonomies.names_of(
            front, reading.languages[where.language], reading.place(where.source), reading.problems
        ),
        author=front.author or language.author or reading.settings.site.author,
    )


def moment(value: dt.datetime | dt.date | None, zone: dt.tzinfo) -> dt.datetime | None:
    """A date is its midnight, and a local time is in the site's zone; the offset alone is kept of that."""
    if value is None:
        return None
    found = value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time())
    offset = found.utcoffset() if found.tzinfo else found.replace(tzinfo=zone).utcoffset()
    return found.replace(tzinfo=dt.timezone(offset or dt.timedelta()))


LONGEST_TITLE: Final = 1000  # characters: it stands in each list, each feed, and on the pages beside its own


def _check_title(reading: _PageReading, where: Location, front: FrontMatter) -> None:
    if len(front.title) > LONGEST_TITLE:
        place = in_front_matter(reading.root, where.source, "title")
        message = f"the title has {len(front.title)} characters; at most {LONGEST_TITLE} can stand in lists and feeds"
        reading.problems.append(Problem(message, place=place, hint="what is longer belongs into the text"))


def published(pages: Iterable[Page], clock: AsOf, options: Options) -> PublishedPages:
    """What is finished and not dated after the clock."""
    pages = list(pages)
    finished = [page for page in pages if options.drafts or not page.front_matter.draft]
    now = clock(page.date for page in finished if page.date)
    kept: list[Page] = []
    scheduled: list[Page] = []
    for page in finished:
        (kept if options.future or not page.date or page.date <= now else scheduled).append(page)
    return PublishedPages(
        pages=tuple(sorted(kept, key=lambda page: page.source)),
        as_of=now,
        drafts=tuple(page.source for page in pages if page.front_matter.draft and not options.drafts),
        scheduled=tuple(page.source for page in scheduled),
        next=min((page.date for page in scheduled if page.date), default=None),
    )
