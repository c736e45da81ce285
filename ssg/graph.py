"""The build graph: what has to be made anew, and why; all else stays as the last build left it.

A source is read again where it looks different, a page is converted again where its text differs, and a file is made
again where a question that was asked for it has another answer (ssg.tracing). Where only bodies changed, the site's
structure stands: which pages there are, their order, their tags. Its questions are then answered from memory.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ssg import plain
from ssg.lastbuild import Known, LastBuild, Output, Source
from ssg.model import Manuscript, Page
from ssg.plain import Plain
from ssg.rendering.plan import Job, Make
from ssg.rendering.scene import Scene
from ssg.stamps import Stamp
from ssg.tracing import GONE, Key, Scope, scope_of

FIRST: Final = "nothing was built into this folder before"
OTHER: Final = "sealpress or its tools are other versions"
NEW: Final = "it is new"
TOUCHED: Final = "the file in the output folder was changed or is gone"


@dataclass(frozen=True, slots=True)
class Stale:
    """A file to be made anew, and what asks for it: sentences, and questions whose answers changed."""

    job: Job
    because: tuple[str | Key, ...]


class LazyPages(Mapping[str, Page]):
    """The pages of the last build, each made when it is asked for."""

    def __init__(self, pages: Mapping[str, object], manuscripts: Mapping[str, Manuscript]) -> None:
        self._plain = pages
        self._manuscripts = manuscripts
        self._made: dict[str, Page] = {}

    def __getitem__(self, source: str) -> Page:
        if source not in self._made:
            front = self._manuscripts[source].front_matter
            self._made[source] = plain.page(source, self._plain[source], front)
        return self._made[source]

    def __iter__(self) -> Iterator[str]:
        return iter(self._plain)

    def __len__(self) -> int:
        return len(self._plain)


class Manuscripts(Mapping[str, Manuscript]):
    """All manuscripts: those of the last build, made when they are asked for, and over them those that were read."""

    def __init__(self, last: Mapping[str, Plain]) -> None:
        self.plain: dict[str, Plain] = dict(last)
        self._made: dict[str, Manuscript] = {}

    def add(self, source: str, manuscript: Plain) -> None:
        self._made.pop(source, None)
        self.plain[source] = manuscript

    def keep(self, sources: Iterable[str]) -> None:
        """Forgets all others."""
        self.plain = {source: self.plain[source] for source in sources if source in self.plain}

    def __getitem__(self, source: str) -> Manuscript:
        if source not in self._made:
            self._made[source] = plain.manuscript(self.plain[source])
        return self._made[source]

    def __iter__(self) -> Iterator[str]:
        return iter(self.plain)

    def __len__(self) -> int:
        return len(self.plain)


def changed_questions(scene: Scene, known: Known, pages: Collection[str] | None, *, structure: bool) -> list[Key]:
    """The questions whose answers, as they are known, are others now.

    `pages` are those whose facts may have changed, None: all. `structure`: whether queries may have.
    """
    names = _named(Scope.PART) | (_named(Scope.QUERY) if structure else frozenset())
    facts = _named(Scope.FACT)
    if pages is None:
        names |= facts
    asked = {key: answer for key, answer in known.items() if key[0] in names and answer is not GONE}
    for page in sorted(pages or ()):
        of_page = ((key, known.answer(key)) for fact in sorted(facts) for key in [(fact, page)])
        asked |= {key: answer for key, answer in of_page if answer is not GONE}
    return scene.changed(asked)


def _named(scope: Scope) -> frozenset[str]:
    """The questions of a scope."""
    return frozenset(name for name in dir(Scene) if scope_of(Scene, (name,)) is scope)


def stale(
    jobs: Iterable[Job],
    last: LastBuild,
    changed: Sequence[Key],
    on_disk: Mapping[str, Stamp],
    copied: Mapping[str, Source],
    known: Known,
) -> Iterator[Stale]:
    """Those of the jobs whose file isn't what it would be if it were made now. `copied` are the sources of copies."""
    among = known.among(changed)
    for job in jobs:
        plain_output = last.outputs.get(job.path)
        old = Output._make(plain_output) if plain_output else None
        if old is None or (old.make, old.subject) != (job.make, job.subject):
            yield Stale(job, (_new(last),))
        elif on_disk.get(job.path) != old.stamp:
            yield Stale(job, (TOUCHED,))
        elif job.make is Make.COPY and copied[job.subject][1] != old.sha256:
            yield Stale(job, (f"content of {job.subject}",))
        elif hits := among.of(old.asked):
            yield Stale(job, tuple(hits))


def _new(last: LastBuild) -> str:
    """Why a file that the last build did not make is made: where all are, not since it is new itself."""
    if last.outputs:
        return NEW
    return OTHER if last.world else FIRST
