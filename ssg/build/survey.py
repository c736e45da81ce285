"""What files of the tree show to be wrong once they are made: templates that fail, addresses that lead nowhere.

A build that found faults already makes its files too, where these leave it a site to make, and puts none in place: so
one run tells of both. Of what hangs on a fault that was told, it says nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

from sealpress.commands.console import Progress
from sealpress.config.sitefile import NAME
from sealpress.files import files
from sealpress.problems import Place, Problem
from ssg.build.prepare import Prepared
from ssg.build.render import Staged, once
from ssg.build.stale import Stale
from ssg.checks.addresses import PAGES as LOOKED_AT
from ssg.checks.addresses import SHEETS, Aim, Looked
from ssg.checks.dead_ends import DeadEnds
from ssg.checks.whereabouts import Whereabouts
from ssg.content.findings import IMAGES, THEME, TREE
from ssg.content.links import Doubts
from ssg.rendering.bodies.closing import href
from ssg.rendering.output_kind import OutputFile, OutputKind
from ssg.rendering.plan import Renderer


@dataclass(frozen=True)
class Survey:
    """Of a tree that is made `of` what was prepared. `standing` gives what a file of it holds that was not made anew;
    None where that can't be read.

    `is_ahead`: there are faults already.
    """

    of: Prepared
    standing: Callable[[str], bytes | None]
    is_ahead: bool = False

    def look_ahead(self, workers: int, progress: Progress) -> None:
        """Tells what can be known of templates and images before files are made of them.

        Raises Problem or Problems (exit 3), all that were told, where there is not enough of a site to make files of.
        """
        findings = self.of.findings
        if self.of.queries.theme.is_there:
            findings.tell(THEME, Renderer(self.of.queries).faults(self.of.files.values()))
        new: dict[OutputKind, list[OutputFile]] = {}
        for path, file in self.of.files.items():
            if file.kind.faults and path not in self.of.last.outputs:
                new.setdefault(file.kind, []).append(file)
        for kind, ahead in new.items():
            findings.tell(kind.topic, kind.faults(self.of.queries, ahead, workers, progress) if kind.faults else ())
        if not self.of.queries.theme.is_there or not findings.at_fault.isdisjoint({NAME, THEME}):
            self._locate()
            findings.check()

    def wanted(self, stale: Sequence[Stale]) -> list[Stale]:
        """What has to be made of the stale files: all; or, to be looked at alone, what may show a fault."""
        return [one for one in stale if not self.is_ahead or self._may_show(one.file)]

    def tell(self, stale: Sequence[Stale], done: Sequence[Staged], *, everywhere: bool) -> None:
        """Tells what is wrong in files that were made, and in what the last build aims at in them.

        `everywhere`: something is gone that files could lead to which were not made anew.
        """
        findings = self.of.findings
        if self._is_sound:
            failed_so: dict[str, list[Problem]] = {IMAGES: [], TREE: []}
            for one in done:
                if one.problem:
                    failed_so.setdefault(stale[one.number].file.kind.topic, []).append(one.problem)
            for topic, problems in failed_so.items():
                findings.tell(topic, once(problems))
        stale_paths = {one.file.path for one in stale}
        findings.keep(path for path in findings.last if path in self.of.files and path not in stale_paths)
        for one in done:
            findings.tell(stale[one.number].file.path, one.warnings)
        looked = {stale[one.number].file.path: one.looked for one in done if one.looked}
        made = {stale[one.number].file.path for one in done if not one.problem}
        failed = {one.file.path for one in stale} - made
        if everywhere:
            left = (file for path, file in self.of.files.items() if path not in made and path not in failed)
            looked |= {file.path: seen for file in left if self._may_show(file) and (seen := self._at(file.path))}
        ends = DeadEnds(
            self.of.queries,
            self.of.reach,
            self.of.files,
            self._whereabouts,
            lambda path: None if path in failed else self._at(path),
            Renderer(self.of.queries).templates,
            self._told,
            {problem.place for problem in findings.faults if problem.place},
            self.of.structure.doubts if self.is_ahead else Doubts(),
        )
        known = {path: aims for path, aims in self.of.last.aims.items() if path in self.of.files and path not in looked}
        leading = {path: aims for path, aims in known.items() if any(name in looked for name, _ in aims)}
        found = ends.faults({path: seen for path, seen in looked.items() if not self._is_at_fault(path)}, leading)
        findings.tell(TREE, list(found))
        self._locate()

    def _locate(self) -> None:
        """Tells what is wrong with images where pages show them, which is what an author looks at."""

        def moved(told: list[Problem]) -> list[Problem]:
            places = self._whereabouts.of_images({one.place.file for one in told if one.place})
            at = ((one, places.get(one.place.file) if one.place else None) for one in told)
            return [_moved(one, place) if place else one for one, place in at]

        self.of.findings.retell(IMAGES, moved)

    def aims(self, stale: Sequence[Stale], done: Sequence[Staged]) -> dict[str, tuple[tuple[str, str], ...]]:
        """What each file of the tree aims at; () for one that no longer does."""
        known = self.of.last.aims
        left = {path: found for path, found in known.items() if path in self.of.files}
        new = {stale[one.number].file.path: one.looked.aims for one in done if one.looked}
        return left | {path: found for path, found in new.items() if found or path in left}

    @cached_property
    def _whereabouts(self) -> Whereabouts:
        return Whereabouts(self.of.reach.site, self.of.queries, self.of.structure.pages)

    @cached_property
    def _is_sound(self) -> bool:
        """Whether nothing but bodies is at fault, so that what templates are given is whole."""
        at_fault = self.of.findings.at_fault
        return at_fault <= self.of.structure.pages.keys() and at_fault.isdisjoint(self.of.structure.reading.problems)

    @cached_property
    def _told(self) -> frozenset[Aim]:
        return frozenset(self._of_links())

    def _of_links(self) -> Iterator[Aim]:
        for source, target in self.of.links.dead:
            page = self.of.structure.pages[source]
            if aim := self.of.reach.aim(href(self.of.queries, source, target), page.output):
                yield aim if aim[0] in self.of.reach.outputs else (aim[0], "")

    def _is_at_fault(self, path: str) -> bool:
        """Whether a file shows a body of which it isn't known what it would say."""
        subject = self.of.files[path].subject
        pages = self.of.structure.pages
        return self.is_ahead and subject in pages and bool(self.of.structure.reading.parsed_pages[subject].faults)

    def _at(self, path: str) -> Looked | None:
        """What is in a file that is copied, or stands in the tree since an earlier build."""
        output = self.of.files[path]
        if not path.endswith((*LOOKED_AT, SHEETS)):
            return None
        content: bytes | None = None
        if output.kind.is_copy:
            with suppress(OSError), files.opened(self.of.reach.site.root / output.subject) as file:
                content = file.read()
        else:
            content = self.standing(path)
        return self.of.reach.look(path, content) if content is not None else None

    def _may_show(self, file: OutputFile) -> bool:
        return file.kind.has_addresses and (not file.kind.is_copy or file.path.endswith(SHEETS))


def _moved(problem: Problem, place: Place) -> Problem:
    line = problem.place.text if problem.place else None  # of a drawing, which is text
    message, said = f'{problem.message}: "{problem.place}"', [line] if line else []
    return Problem(message, place=place, hint=problem.hint, code=problem.code, said=said)
