"""The records of sources and pages as a build keeps them: plain, and each made only when somebody asks for it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ssg.cache.codec import Codec, number
from ssg.cache.table import Plain, Table
from ssg.content.model import FrontMatter, Page, ParsedPage

FRONT: Final = Codec(FrontMatter)
PARSED_PAGES: Final = Codec(ParsedPage)
PAGES: Final = Codec(Page, besides=("source", "front_matter"))
"""Without what stands elsewhere already: in the row's name, and in the parsed page."""

ROWS: Final = number(1, ParsedPage, Page)
"""What both kinds of rows of a LastBuild are."""


class LazyPages(Mapping[str, Page]):
    """The pages of the last build, each made when it is asked for."""

    def __init__(self, pages: Mapping[str, object], parsed_pages: Mapping[str, ParsedPage]) -> None:
        self._plain = pages
        self._parsed_pages = parsed_pages
        self._made: dict[str, Page] = {}

    def __getitem__(self, source: str) -> Page:
        if source not in self._made:
            front = self._parsed_pages[source].front_matter
            self._made[source] = PAGES.unpack(self._plain[source], source=source, front_matter=front)
        return self._made[source]

    def __iter__(self) -> Iterator[str]:
        return iter(self._plain)

    def __len__(self) -> int:
        return len(self._plain)


class ParsedPages(Mapping[str, ParsedPage]):
    """All manuscripts, each made when it is asked for: those of the last build, and over them those that were read."""

    def __init__(self, last: Table) -> None:
        self._last = last
        self._read: dict[str, Plain] = {}
        self._made: dict[str, ParsedPage] = {}

    def add(self, source: str, parsed_page: Plain) -> None:
        self._made.pop(source, None)
        self._read[source] = parsed_page

    def plain(self, source: str) -> Plain:
        """As ssg.build.records has it; None for one that isn't there."""
        return self._read.get(source) or self._last.get(source)

    def table(self, sources: Iterable[str]) -> Table:
        """Those of some sources, plain, in their order."""
        return (self._last | self._read).only(sources)

    def __getitem__(self, source: str) -> ParsedPage:
        if source not in self._made:
            self._made[source] = PARSED_PAGES.unpack(self._read.get(source) or self._last[source])
        return self._made[source]

    def __iter__(self) -> Iterator[str]:
        return iter(self._last | self._read)

    def __len__(self) -> int:
        return len(self._last | self._read)
