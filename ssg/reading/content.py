"""The content folder becomes pages: each file is located, its front matter read, its path found."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sealpress.git import FileDates
from sealpress.problems import Place, Problem, raise_all
from sealpress.settings import Settings
from ssg.l10n.language import Language
from ssg.l10n.slugs import slug
from ssg.model import Kind, Page, output_of
from ssg.reading.frontmatter import Document, read
from ssg.reading.location import Location, Permalinks, locate
from ssg.reading.sources import Sources

Clock = Callable[[Iterable[dt.datetime]], dt.datetime]
"""The moment that a build is of, from the dates of its pages: for a folder that no commit dates."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a build takes in besides the published pages."""

    drafts: bool = False
    future: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """The published pages, sorted by source. `drafts` and `scheduled` are the sources that were left out."""

    pages: tuple[Page, ...]
    as_of: dt.datetime
    drafts: tuple[str, ...] = ()
    scheduled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Reading:
    """One reading of the content folder: what all its steps need, and what they found wrong."""

    settings: Settings
    languages: Mapping[str, Language]
    zone: dt.tzinfo
    dates: Mapping[str, FileDates]
    problems: list[Problem] = field(default_factory=list)


def read_content(
    settings: Settings,
    sources: Sources,
    languages: Mapping[str, Language],
    zone: dt.tzinfo,
    clock: Clock,
    options: Options,
) -> Content:
    """All pages below the content folder. Raises Problem or Problems (exit 3), all that one pass can find."""
    wants_dates = settings.build.git_dates and sources.repository
    dates = sources.repository.dates(sources.root) if wants_dates and sources.repository else {}
    reading = _Reading(settings, languages, zone, dates)
    documents = _documents(reading, sources)
    raise_all(reading.problems)
    slugs = {where: _slug(reading, where, document) for where, document in documents.items()}
    folders = {(where.folder, where.language): own for where, own in slugs.items() if where.is_index and where.folder}
    permalinks = Permalinks(settings, languages, folders)
    pages = [_page(reading, where, document, slugs[where], permalinks) for where, document in documents.items()]
    raise_all(reading.problems)
    content = _published(pages, clock, options)
    _check_keys(content.pages)
    return content


def _documents(reading: _Reading, sources: Sources) -> dict[Location, Document]:
    documents = {}
    for file in sources.below(reading.settings.build.content):
        if file.endswith(".md"):
            try:
                documents[locate(reading.settings, file)] = read((sources.root / file).read_bytes(), file)
            except Problem as problem:
                reading.problems.extend(problem.each)
            except OSError as error:
                hint = "ssg reads it as the user that runs it: look at its mode and owner"
                reading.problems.append(Problem(f"can't be read: {error.strerror}", place=Place(file), hint=hint))
    return documents


def _slug(reading: _Reading, where: Location, document: Document) -> str:
    wanted = document.front_matter.slug
    made = slug(wanted or where.name, reading.languages[where.language]) or ""
    if wanted and made != wanted:
        reading.problems.append(
            Problem(
                f'the slug "{wanted}" can\'t stand in a URL as it is',
                place=_place(document, where, "slug"),
                hint=f'write "{made}"' if made else "use letters, digits and dashes",
            )
        )
    elif not made and not where.is_home:
        reading.problems.append(
            Problem("the file's name gives no slug", place=Place(where.source), hint="set slug in the front matter")
        )
    return made


def _page(reading: _Reading, where: Location, document: Document, own: str, permalinks: Permalinks) -> Page:
    front = document.front_matter
    date = _moment(front.date, reading.zone)
    updated = _moment(front.updated, reading.zone)
    if date is None and where.kind is Kind.POST:
        message, hint = "a post needs a date", "add the key date to the front matter: a day, such as 2026-05-04"
        reading.problems.append(Problem(message, place=_place(document, where, "title"), hint=hint))
    if date and updated and updated < date:
        message, hint = "updated is before date", "updated is when the page last changed: leave it out if it did not"
        reading.problems.append(Problem(message, place=_place(document, where, "updated"), hint=hint))
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
        body=document.body,
        body_line=document.body_line,
        front_matter=front,
        document=document.node,
        folder=where.folder,
        is_index=where.is_index,
        date=date,
        # A post that git has seen only before its date was not updated since.
        updated=updated or (git.last if git and not (date and git.last < date) else None),
        tags=_tags(reading, where, document),
        author=front.author or language.author or reading.settings.site.author,
    )


def _place(document: Document, where: Location, key: str) -> Place:
    node = document.node.at(key)
    return node.place if node else Place(where.source)


def _moment(value: dt.datetime | dt.date | None, zone: dt.tzinfo) -> dt.datetime | None:
    """A date is its midnight, and a local time is in the site's zone."""
    if value is None:
        return None
    moment = value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time())
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _tags(reading: _Reading, where: Location, document: Document) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for number, tag in enumerate(document.front_matter.tags):
        if slug(tag, reading.languages[where.language]):
            names[" ".join(tag.split())] = None
        else:
            node = document.node.at("tags", number)
            place = node.place if node else Place(where.source)
            message, hint = f'the tag "{tag}" has no letter or digit', "its page needs a path: give it a name in words"
            reading.problems.append(Problem(message, place=place, hint=hint))
    return tuple(names)


def _published(pages: list[Page], clock: Clock, options: Options) -> Content:
    finished = [page for page in pages if options.drafts or not page.front_matter.draft]
    now = clock(page.date for page in finished if page.date)
    kept: list[Page] = []
    scheduled: list[Page] = []
    for page in finished:
        (kept if options.future or not page.date or page.date <= now else scheduled).append(page)
    return Content(
        pages=tuple(sorted(kept, key=lambda page: page.source)),
        as_of=now,
        drafts=tuple(page.source for page in pages if page.front_matter.draft and not options.drafts),
        scheduled=tuple(page.source for page in scheduled),
    )


def _check_keys(pages: tuple[Page, ...]) -> None:
    """Two pages of one language can't both be the translation of a third."""
    problems: list[Problem] = []
    seen: dict[tuple[str, str], Page] = {}
    for page in pages:
        twin = seen.setdefault((page.key, page.language), page)
        if twin is not page:
            node = page.document.at("key")
            problems.append(
                Problem(
                    f'the key "{page.key}" is already that of {twin.source}, in the same language',
                    place=node.place if node else Place(page.source),
                    hint="give each page of a language a key of its own",
                )
            )
    raise_all(problems)
