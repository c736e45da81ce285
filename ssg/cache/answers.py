"""The questions of the last build with their answers, each by a number: most are asked by many outputs, so a trace is
kept as numbers.

They lie in rows by what they are about (the first argument: a page's source, a list's path), because a build after an
edit needs those of few.
"""

from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Final, NamedTuple

from ssg.cache.codec import at
from ssg.cache.table import Table
from ssg.cache.tracing import GONE, Answers, Key

Row = dict[Key, tuple[int, object]]
"""Questions about one thing, each with its number and its answer. In a table it is a tuple of plain KeptAnswers."""


class KeptAnswer(NamedTuple):
    """A question with its number and its answer. Its arguments are those `besides` what its row is about."""

    number: int
    answer: object
    asked: str
    besides: Key


_fields_of = at(KeptAnswer, "number", "answer", "asked", "besides")


class KnownAnswers:
    """`rows` are Rows by what they are about, `count` is the number that the next new question gets."""

    def __init__(self, rows: Table | None = None, count: int = 0) -> None:
        self._rows = rows or Table()
        self.count = count
        self.added: dict[Key, int] = {}
        self._open: dict[str, Row] = {}
        self._touched: set[str] = set()
        self._numbered: list[Key] = []
        self._peeked: tuple[str, Row] = ("", {})

    def table(self) -> Table:
        """The rows as they are now."""
        self._rows |= {name: _closed(self._open[name]) for name in sorted(self._touched)}
        self._touched.clear()
        return self._rows

    def items(self) -> Iterator[tuple[Key, object]]:
        """The questions with their answers; GONE for those that have none any more."""
        names = dict.fromkeys((*self._rows, *self._open))
        return ((key, answer) for name in names for key, (_, answer) in list(self._row(name).items()))

    def named(self, names: Collection[str]) -> Iterator[tuple[Key, object]]:
        """The same, of the questions of these names alone. No row is opened for the others."""
        for about in dict.fromkeys((*self._rows, *self._open)):
            if about in self._open:
                yield from [(key, answer) for key, (_, answer) in self._open[about].items() if key[0] in names]
                continue
            what = (about,) if about else ()
            for _, answer, asked, rest in map(_fields_of, self._rows[about]):
                if asked in names:
                    yield (asked, *what, *rest), answer

    def answer(self, key: Key) -> object:
        """What is known of a question; GONE for nothing."""
        return self._row(_about(key)).get(key, _NEVER)[1]

    def peek(self, key: Key) -> object:
        """The same, of a row that is not looked at again soon."""
        name = _about(key)
        if name in self._open or name not in self._rows:
            return self.answer(key)
        if name != self._peeked[0]:
            self._peeked = name, _opened(name, self._rows[name])
        return self._peeked[1].get(key, _NEVER)[1]

    def learn(self, answers: Answers) -> None:
        """Takes answers in; questions that nobody asked before are in `added`, too, with their numbers."""
        for key, answer in answers.items():
            name = _about(key)
            row = self._row(name)
            number, old = row.get(key, _NEVER)
            if number < 0:
                number = self.added[key] = self.count
                self.count += 1
            elif old == answer:
                continue
            row[key] = (number, answer)
            self._touched.add(name)

    def forget(self, keys: Iterable[Key]) -> None:
        """Their answers are true no more."""
        self.learn(dict.fromkeys(keys, GONE))

    def asked(self, trace: Iterable[Key]) -> bytes:
        """A trace as its questions' numbers, four bytes each."""
        added = self.added  # on a first build all are there
        return array("I", sorted(added[key] if key in added else self._number(key) for key in trace)).tobytes()

    def _number(self, key: Key) -> int:
        number = self._row(_about(key)).get(key, _NEVER)[0]
        if number < 0:
            self.forget([key])
            return self.added[key]
        return number

    def keys(self, asked: bytes) -> list[Key]:
        """The questions of a trace."""
        numbers = array("I", asked)
        if len(self._numbered) < self.count:
            self._numbered = self._keys()
        return [self._numbered[number] for number in numbers]

    def _keys(self) -> list[Key]:
        """All questions by their numbers. No row stays open for it: together they would take a lot of memory."""
        found: list[Key] = [()] * self.count
        for name in dict.fromkeys((*self._rows, *self._open)):
            row = self._open[name] if name in self._open else _opened(name, self._rows[name])
            for key, (number, _) in row.items():
                found[number] = key
        return found

    def hits(self, traces: Mapping[str, bytes], keys: Sequence[Key]) -> dict[str, list[Key]]:
        """The traces in which any of the questions is, by their names, each with those that are, in their order."""
        numbers = {number: key for key in keys if (number := self._row(_about(key)).get(key, _NEVER)[0]) >= 0}
        if not numbers:
            return {}
        if len(numbers) <= _FEW:
            return _searched(numbers, traces)
        found: dict[str, list[Key]] = {}
        order = {number: place for place, number in enumerate(numbers)}
        for name, trace in traces.items():
            if hits := sorted((order[number], number) for number in array("I", trace) if number in order):
                found[name] = [numbers[number] for _, number in hits]
        return found

    def _row(self, name: str) -> Row:
        row = self._open.get(name)
        if row is None:
            row = self._open[name] = _opened(name, self._rows[name]) if name in self._rows else {}
        return row


_NEVER: Final[tuple[int, object]] = (-1, GONE)
_FEW: Final = 16  # questions that are searched for in all traces as one text, which takes 1 ms each for 10,000 pages


def _searched(numbers: Mapping[int, Key], traces: Mapping[str, bytes]) -> dict[str, list[Key]]:
    """As `hits`."""
    every = b"".join(traces.values())
    ends = list(accumulate(map(len, traces.values())))
    found: dict[int, list[Key]] = {}
    for number, key in numbers.items():
        wanted, at = array("I", [number]).tobytes(), 0
        while (at := every.find(wanted, at)) >= 0:
            if at % len(wanted):  # of two numbers
                at += 1
                continue
            place = bisect_right(ends, at)
            found.setdefault(place, []).append(key)
            at = ends[place]
    names = list(traces)
    return {names[place]: found[place] for place in sorted(found)}


def _about(key: Key) -> str:
    about = key[1] if len(key) > 1 else ""
    return about if isinstance(about, str) else ""


def _closed(row: Row) -> tuple[object, ...]:
    return tuple(
        tuple(KeptAnswer(number, answer, str(key[0]), key[2:] if _about(key) else key[1:]))
        for key, (number, answer) in row.items()
    )


def _opened(name: str, row: tuple[Any, ...]) -> Row:
    about = (name,) if name else ()
    return {(asked, *about, *rest): (number, answer) for number, answer, asked, rest in map(_fields_of, row)}


def used(traces: Mapping[str, bytes]) -> list[int]:
    """The numbers of the questions that any trace has, in their order."""
    return sorted(set(array("I", b"".join(traces.values()))))


def renumbered(rows: Table, traces: Mapping[str, bytes]) -> tuple[Table, dict[str, bytes]]:
    """Rows and traces without the questions that no trace has."""
    new = {number: place for place, number in enumerate(used(traces))}
    fewer = {
        name: tuple(
            tuple(KeptAnswer(new[number], *others)) for number, *others in map(_fields_of, row) if number in new
        )
        for name, row in rows.items()
    }
    renamed = {
        path: array("I", (new[number] for number in array("I", asked))).tobytes() for path, asked in traces.items()
    }
    return Table({name: row for name, row in fewer.items() if row}), renamed
