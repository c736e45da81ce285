"""What a build finds wrong: faults, which end it with nothing put in place, and warnings, which are told after it.

A room tells what it found about a subject: a page's source, or its own word for a part of the site. Of what a build
doesn't look at again it keeps what the last one found, so that it warns of all that a clean build warns of.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field
from typing import Final

from sealpress.config.sitefile import NAME
from sealpress.frozen import frozen
from sealpress.problems import Exit, Place, Problem, raise_all
from ssg.cache.last_build import WARNINGS, KeptWarning
from ssg.cache.table import Plain

PAGES: Final = "pages"
THEME: Final = "theme"
IMAGES: Final = "images"
TREE: Final = "tree"
"""Subjects that are no source: pages as they are arranged; the theme with its options and strings; what images hold;
the tree as a whole, its paths, menus and data.
"""


@frozen
class Findings:
    """`last` are the warnings of the last build by subject, plain. `strict`: a warning ends the build too."""

    last: Mapping[str, Plain] = field(default_factory=dict)
    strict: bool = False
    _found: dict[str, list[Problem]] = field(default_factory=dict)
    _kept: set[str] = field(default_factory=set)

    def tell(self, subject: str, problems: Iterable[Problem] = ()) -> None:
        """What was found about a subject, faults and warnings alike; with none, that nothing was."""
        self._found.setdefault(subject, []).extend(one for found in problems for one in found.each)

    def retell(self, subject: str, better: Callable[[list[Problem]], list[Problem]]) -> None:
        """What was found about a subject, in other words or at other places."""
        if found := self._found.get(subject):
            self._found[subject] = better(found)

    def keep(self, subjects: Iterable[str]) -> None:
        """Of these, what the last build warned of is as true as it was then."""
        self._kept.update(subjects)

    @contextmanager
    def collecting(self, subject: str) -> Iterator[None]:
        """Takes a Problem that is raised within for told: what comes behind it may find more."""
        try:
            yield
        except Problem as raised:
            self.tell(subject, [raised])

    def check(self) -> None:
        """Raises what faults there are, as Problem or Problems, by place; where it is strict, warnings with them."""
        if self.strict:
            raise_all(_in_order([*self.faults, *as_faults(self.warnings)]))
        raise_all(self.faults, self.warnings)

    def is_at_fault(self, subject: str) -> bool:
        return any(not one.is_warning for one in self._found.get(subject, ()))

    @property
    def at_fault(self) -> frozenset[str]:
        """The subjects that are."""
        return frozenset(filter(self.is_at_fault, self._found))

    def faults_of(self, subjects: Collection[str]) -> tuple[Problem, ...]:
        return _in_order(one for name in subjects for one in self._found.get(name, ()) if not one.is_warning)

    @property
    def faults(self) -> tuple[Problem, ...]:
        return _in_order(one for found in self._found.values() for one in found if not one.is_warning)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        told = [one for found in self._found.values() for one in found if one.is_warning]
        told += [problem(one) for subject in self._kept - self._found.keys() for one in self.last.get(subject, ())]
        return _in_order(told)

    def plain(self) -> dict[str, Plain]:
        """For the next build: by subject; () for one that the last build warned of, and this one doesn't."""
        found = {subject: self.last[subject] for subject in self.last if subject in self._kept}
        for subject, problems in self._found.items():
            found[subject] = tuple(of_problem(one) for one in problems if one.is_warning)
        return {
            subject: found.get(subject, ())
            for subject in sorted({*self.last, *found})
            if found.get(subject) or subject in self.last
        }


def as_faults(warnings: Sequence[Problem]) -> list[Problem]:
    """The same as what ends a build."""
    return [
        Problem(one.message, place=one.place, hint=one.hint, code=one.code, said=one.said, block=one.block)
        for one in warnings
    ]


def _in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Each once, by place, the site file before all: in whichever order the rooms were at work."""
    return tuple({_where(one): one for one in sorted(problems, key=_where)}.values())


def _where(one: Problem) -> tuple[bool, str, int, int, str]:
    place = one.place or Place("")
    return place.file != NAME, place.file, place.line or 0, place.column or 0, one.message


def of_problem(one: Problem) -> Plain:
    """A warning as ssg.cache.last_build keeps it."""
    return WARNINGS.pack(KeptWarning(one.message, one.place, one.hint, int(one.code), one.said, one.block))


def problem(plain: Plain) -> Problem:
    kept = WARNINGS.unpack(plain)
    code = Exit(kept.code)
    return Problem(
        kept.message, place=kept.place, hint=kept.hint, code=code, said=kept.said, block=kept.block, is_warning=True
    )
