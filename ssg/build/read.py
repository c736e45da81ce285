"""The sources of a build: which of them changed since the last one, and what they say now."""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path, PurePosixPath
from typing import Annotated

from sealpress.commands.console import Progress
from sealpress.config.settings import Settings
from sealpress.frozen import frozen
from sealpress.problems import Exit, Problem
from sealpress.tree import strays
from sealpress.tree.keys import KeySearch
from sealpress.tree.tree import CHUNK, media_type
from ssg.build.convert import Converter
from ssg.build.inputs import Inputs
from ssg.build.records import FRONT, PARSED_PAGES, ParsedPages
from ssg.build.timing import Timings
from ssg.cache import stamps
from ssg.cache.last_build import UNSEEN, LastBuild, SeenSource, seen_sha256, seen_stamp
from ssg.cache.stamps import Stamp
from ssg.cache.table import Plain
from ssg.content.location import check_no_page, locate
from ssg.content.model import FrontMatter, PageKind
from ssg.content.pages import LONGEST_TITLE, Heads
from ssg.rendering.queries.excerpts import Excerpt

PAGE_ENDING = ".md"

_content_of = PARSED_PAGES.at("sha256", "key")
_key_of = PARSED_PAGES.at("key")
_front_of = PARSED_PAGES.at("front_matter")
_title_of = FRONT.at("title")
_arranged_by = FRONT.at("date", "updated", "slug", "key", "terms", "author", "draft", "order", "template")


@frozen
class ReadSources:
    """All sources. `sources` tells of each file what it looks like and its sha256.

    `changed` are the pages whose text or conversion is another one than last time, or new. `problems` are those of
    heads of pages and of files; of pages that are `unread`, nothing else is known. `same_structure` says that no file
    came or went, and that no front matter says anything else of which pages there are, and where. `changed_files` are
    those that are no pages, and whose content is another one, or new.
    """

    sources: dict[str, Annotated[Plain, SeenSource]]
    parsed_pages: ParsedPages
    pages: tuple[str, ...]
    changed: frozenset[str]
    problems: Mapping[str, Problem]
    same_structure: bool
    excerpts: dict[str, Excerpt] = field(default_factory=dict)
    changed_files: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()

    def heads(self) -> Heads:
        """For ssg.content.pages."""
        return _Heads([source for source in self.pages if source not in self.unread], self.parsed_pages)

    def wanted_templates(self) -> set[str]:
        """The templates that front matter names."""
        return {front.template for front, _ in self.heads().values() if front.template}


class _Heads(Heads):
    """Each made when it is asked for."""

    def __init__(self, sources: Sequence[str], parsed_pages: ParsedPages) -> None:
        self._sources, self._parsed_pages = sources, parsed_pages

    def __getitem__(self, source: str) -> tuple[FrontMatter, int]:
        parsed_page = self._parsed_pages[source]
        return parsed_page.front_matter, parsed_page.body_line

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)


def read_sources(
    converter: Converter,
    inputs: Inputs,
    last: LastBuild,
    workers: int,
    timings: Timings,
    progress: Progress,
    *,
    converted_alike: bool,
    same_settings: bool,
    aside: Mapping[str, Problem] | None = None,
) -> ReadSources:
    """Reads what looks different.

    `converted_alike`: conversions depend on the same options and software as last time. `same_settings`: what may be
    published was judged by the same settings.

    `aside` are pages with a fault that was found before (None: a fault ends the build). These, and those that can't be
    read, stay as the last build read them, and are read again next time.
    """
    found, began = inputs.sources.stamps, inputs.began
    content = f"{PurePosixPath(converter.settings.build.content)}/"
    pages = tuple([file for file in inputs.sources.below(content) if file.endswith(PAGE_ENDING)])
    touched = _touched(found, last, inputs.looked)
    is_page = frozenset(pages)
    sources = dict(last.sources)
    if list(found) != list(last.sources):
        sources = {file: old for file in found if (old := last.sources.get(file))}
    new = {
        file: tuple(SeenSource(_settled(found[file], began), sha256_of(converter.root / file)))
        for file in touched
        if file not in is_page
    }
    changed_files = {
        file for file, seen in new.items() if seen_sha256(seen) != seen_sha256(last.sources.get(file, UNSEEN))
    }
    sources |= new
    others = [file for file in (touched if same_settings else found) if file not in is_page]
    problems = dict(_of_others(converter, content, others))
    parsed_pages = ParsedPages(last.parsed_pages)
    wanted = list(pages)
    if converted_alike:
        # A draft that nobody wanted was read, but not converted.
        again = {file for file in pages if not _is_converted(parsed_pages.plain(file))} if converter.drafts else set()
        again.update(touched)
        wanted = sorted(again & is_page)
    unread: set[str] = set()
    for source, problem in (aside or {}).items():
        problems[source], sources[source] = problem, UNSEEN
        if not parsed_pages.plain(source):
            unread.add(source)
    wanted = [file for file in wanted if file not in aside] if aside else wanted
    changed: set[str] = set()
    excerpts: dict[str, Excerpt] = {}
    alike = True
    for read in converter.read(wanted, workers, progress) if wanted else ():
        sources[read.source] = tuple(SeenSource(_settled(found[read.source], began), read.sha256))
        timings.page(read.source, read.seconds)
        timings.highlighting(read.code)
        if read.problem:
            problems[read.source] = read.problem
            if aside is not None:
                sources[read.source] = UNSEEN
                if not parsed_pages.plain(read.source):
                    unread.add(read.source)
                continue
        if read.parsed_page is None:
            unread.add(read.source)
            continue
        before = parsed_pages.plain(read.source)
        parsed_pages.add(read.source, read.parsed_page)
        if read.excerpt:
            timings.conversion(kept=read.kept)
            excerpts[read.source] = read.excerpt
        after = parsed_pages.plain(read.source)
        # Without what one says that was aside, all was arranged.
        alike &= last.sources.get(read.source) != UNSEEN and _stays(converter.settings, read.source, before, after)
        if before is None or _content_of(before) != _content_of(after):
            changed.add(read.source)
    return ReadSources(
        sources,
        parsed_pages,
        pages,
        frozenset(changed),
        problems,
        found.keys() == last.sources.keys() and alike and (not problems or aside is not None),
        excerpts,
        frozenset(changed_files),
        frozenset(unread),
    )


def _stays(settings: Settings, source: str, before: Plain, after: Plain) -> bool:
    """Whether what its front matter says now leaves a page where it is, and all others as they are: pages are sorted by
    title, and posts are not.
    """
    if before is None:
        return False
    old, new = _front_of(before), _front_of(after)
    if _title_of(old) != _title_of(new):
        is_post = locate(settings, source).kind is PageKind.POST
        return is_post and _arranged_by(old) == _arranged_by(new) and len(_title_of(new)) <= LONGEST_TITLE
    return bool(_arranged_by(old) == _arranged_by(new))


def _touched(found: Mapping[str, Stamp], last: LastBuild, looked: Collection[str] | None) -> list[str]:
    if looked is None:
        return [file for file, stamp in found.items() if _differs(last.sources.get(file), stamp)]
    seen = map(seen_stamp, last.sources.values())
    unsettled = [file for file, stamp in zip(last.sources, seen, strict=True) if not stamp]
    return sorted({*looked, *unsettled} & found.keys())


def _of_others(converter: Converter, content: str, others: Iterable[str]) -> Iterator[tuple[str, Problem]]:
    """What is wrong with files that are no pages, and may be no part of the tree."""
    shown = _published(converter.settings)
    for file in others:
        if file.startswith(shown):
            try:
                if file.startswith(content):
                    check_no_page(converter.root, file)
                _check_content(converter, file)
            except Problem as problem:
                yield file, problem


def _published(settings: Settings) -> tuple[str, ...]:
    """How the paths of files begin that are copied into the tree."""
    folders = (settings.build.content, settings.build.static, f"{settings.site.theme}/static")
    return tuple(f"{PurePosixPath(folder)}/" for folder in folders)


def _check_content(converter: Converter, file: str) -> None:
    """Raises Problem (exit 3) for a file that holds a private key, (exit 9) for one that can't be read."""
    try:
        with (converter.root / file).open("rb") as opened:
            look = KeySearch()
            while piece := opened.read(CHUNK):
                look.update(piece)
        if look.is_marked:
            strays.check_content(converter.root, file, media_type(file), converter.settings.build.keep, Exit.SITE)
    except OSError as error:
        raise Problem(f"can't read {file}: {error.strerror}", code=Exit.MACHINE) from None


def _is_converted(parsed_page: Plain) -> bool:
    return bool(parsed_page and _key_of(parsed_page))


def _differs(old: Plain | None, stamp: Stamp) -> bool:
    return old is None or seen_stamp(old) != stamp


def _settled(stamp: Stamp, began: int) -> Stamp | None:
    """A stamp that can be trusted next time."""
    return stamp if stamps.is_settled(stamp, began) else None


def sha256_of(file: Path) -> str:
    """In hex. Raises Problem (exit 9)."""
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise Problem(f"can't read {file}: {error.strerror}", code=Exit.MACHINE) from None
