"""A kind of output says all that is asked about its files: which there are, what makes them, what they are called.

Each is declared once, beside what makes its files (`PAGE` in pages.py, `FEED` in feeds.py), and stands in the list of
ssg.rendering.plan. The build, the checks and `ssg why` ask the kind of a file, and know none by its name.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from sealpress.commands.console import Progress
from sealpress.frozen import frozen
from sealpress.problems import Problem
from ssg.content.findings import TREE
from ssg.rendering.queries.site_queries import SiteQueries

_HEAVY: Final = 100  # pages


class Subject(StrEnum):
    """What the subject of a file names."""

    PAGE = "page"  # the source of the page that the file is
    FILE = "file"  # a source whose bytes the file is made of
    THEME = "theme"  # a file in the theme's static/
    OTHER = "other"  # no file: a list by its path, a feed by its language


class Rendering(Protocol):
    """What files are made with."""

    @property
    def queries(self) -> SiteQueries:
        """The site. What is asked of it is recorded for the file."""

    def rendered(self, template: str, language: str, page: object, origin: str) -> bytes:
        """What a template makes of `page`, which is its variable of that name. Raises Problem at the template's line.

        `origin` is what messages call the file.
        """


@frozen
class OutputFile:
    """One file to make. `path` is where in the tree, `origin` what messages call it, `subject` what it is made of."""

    path: str
    kind: "OutputKind"
    subject: str
    origin: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class OutputKind:
    """`name` is what the last build knows it by; `subject`, what that of a file names.

    `files` are those of a site: they hang on its structure and settings alone. `make` gives the bytes of one, and asks
    all that these hang on of the site's queries; None: a file is its subject, byte for byte.

    `code` is a digest of the code that makes the files, so that none is taken from before an edit of it. It is "" for
    what is part of ssg: the digest of that (ssg.cache.software) counts for every file. `is_reusable`: what was made is
    kept in the store, and taken from there where all answers are the same; not what somebody else keeps already.

    `words` say what a file is, of its `origin` and the source that it alone is made of ("" for none); `relation` what
    it is to that source. `tools` are those that it may depend on, None: all.

    `template` names what a file is rendered with, `body` the page whose body stands in it whole. `has_addresses`: they
    are looked at in what was made. `faults` are what can be known of files before they are made, told under `topic`
    (ssg.content.findings) like what goes wrong while they are. `named_by` are questions from whose answers, and from
    the content of its subject, a file's own name follows. `weight` is the time that one takes, in pages.
    """

    name: str
    files: Callable[[SiteQueries], Iterable[OutputFile]]
    make: Callable[[Rendering, OutputFile], bytes] | None
    code: str = ""
    is_reusable: bool = True
    subject: Subject = Subject.OTHER
    words: Callable[[str, str], str] = lambda origin, _source: origin
    relation: str = ""
    tools: Sequence[str] | None = None
    template: Callable[[SiteQueries, OutputFile], str] | None = None
    body: Callable[[SiteQueries, OutputFile], str] = lambda _queries, _file: ""
    has_addresses: bool = True
    faults: Callable[[SiteQueries, Sequence[OutputFile], int, Progress], Iterable[Problem]] | None = None
    topic: str = TREE
    named_by: frozenset[str] = frozenset()
    weight: int = 1

    @property
    def is_copy(self) -> bool:
        return self.make is None

    @property
    def is_heavy(self) -> bool:
        """Whether a single one is worth a process of its own."""
        return self.weight >= _HEAVY
