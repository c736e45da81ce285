"""Manuscripts become pages: each file is located, its slug and path found, its terms checked."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from sealpress.config.settings import Settings
from sealpress.git.repository import NO_DATE, FileDates
from sealpress.problems import Place, Problem
from ssg.content import other_generators, taxonomies
from ssg.content.findings import PAGES, Findings
from ssg.content.location import POSTS, Location, Permalinks, locate
from ssg.content.model import FrontMatter, Page, PageKind, output_of
from ssg.content.places import in_front_matter
from ssg.content.sources import Options, Sources
from ssg.l10n.language import Language
from ssg.l10n.slugs import LIMIT, slug

Clock = Callable[[Iterable[dt.datetime]], dt.datetime]
"""The moment that a build is of, from the dates of its pages: for a folder that no commit dates."""


@dataclass(frozen=True, slots=True)
class PublishedPages:
    """The published pages, sorted by source. `drafts` and `scheduled` are the sources that were left out.

    `next` is when the first of the scheduled pages is due.
    """

    pages: tuple[Page, ...]
    as_of: dt.datetime
    drafts: tuple[str, ...] = ()
    scheduled: tuple[str, ...] = ()
    next: dt.datetime | None = None


Heads = Mapping[str, tuple[FrontMatter, int]]
"""Of each page's source: its front matter and the line on which its body begins."""


@dataclass(frozen=True, slots=True)
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
    clock: Clock,
    options: Options,
    findings: Findings,
    unsure: set[str],
) -> PublishedPages:
    """All pages below the content folder, which are those that `heads` has.

    Tells `findings` what is wrong with them. A page with a fault is among them all the same, as far as it is known.
    `unsure` are those that may have another path than it seems; it is added to.
    """
    dates = sources.history.dates() if settings.build.git_dates and sources.history else {}
    reading = _PageReading(sources.root, settings, languages, zone, dates, unsure)
    located = {locate(settings, source): head for source, head in heads.items()}
    slugs = {where: _slug(reading, where, front) for where, (front, _) in located.items()}
    folders = {(where.folder, where.language): own for where, own in slugs.items() if where.is_index and where.folder}
    permalinks = Permalinks(settings, languages, folders)
    pages = [_page(reading, where, *head, slugs[where], permalinks) for where, head in located.items()]
    content = published(pages, clock, options)
    reading.problems.extend(_foreign_folders(reading, located))
    reading.problems.extend(_shared_keys(reading, content.pages))
    reading.problems.extend(taxonomies.shared(content.pages, languages, lambda page: reading.place(page.source)))
    findings.tell(PAGES, reading.problems)
    return content


def _foreign_folders(reading: _PageReading, located: Mapping[Location, tuple[FrontMatter, int]]) -> Iterator[Problem]:
    """A Problem for each folder that another generator calls so, and that means something else here, or nothing."""
    content = reading.settings.build.content
    told: set[str] = set()
    for where, (front, _) in located.items():
        folder = where.folder.partition("/")[0]
        if folder in told or folder not in other_generators.FOLDERS or not (folder.startswith("_") or front.date):
            continue
        told.add(folder)
        at = where.source[: where.source.index(f"/{folder}/") + len(folder) + 1]
        posts = f"{content}/{POSTS}"
        # git mv would put the folder itself into one that is there.
        files = f"{at}/*" if any(one.source.startswith(f"{posts}/") for one in located) else at
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
        key=front.key or "/".join(part for part in (where.folder, where.stem) if part),
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


def published(pages: Iterable[Page], clock: Clock, options: Options) -> PublishedPages:
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


def _shared_keys(reading: _PageReading, pages: tuple[Page, ...]) -> list[Problem]:
    """Two pages of one language can't both be the translation of a third."""
    problems: list[Problem] = []
    seen: dict[tuple[str, str], Page] = {}
    for page in pages:
        if page.source in reading.unsure:
            continue
        twin = seen.setdefault((page.key, page.language), page)
        if twin is not page:
            place = in_front_matter(reading.root, page.source, "key")
            problems.append(
                Problem(
                    f'the key "{page.key}" is already that of {twin.source}, in the same language',
                    place=place,
                    hint="give each page of a language a key of its own",
                )
            )
    return problems
