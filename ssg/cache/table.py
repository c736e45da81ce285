"""A table of plain data whose rows stay packed until somebody asks for them: after an edit, few are asked for."""

import marshal
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Plain = Any
"""Text, bytes, numbers, None, and tuples, lists and dicts of them."""


class Table(Mapping[str, Plain]):
    """Rows by name, in their order. A row is anything plain but bytes: those are a row as marshal packed it.

    A table is never changed. One that is made from another shares its rows, so that most of what both have is known to
    be the same without a look into it.
    """

    __slots__ = ("_rows",)

    def __init__(self, rows: Mapping[str, Plain] | None = None) -> None:
        self._rows: dict[str, Plain] = dict(_as_kept(rows or {}))

    def __getitem__(self, name: str) -> Plain:
        return _unpacked(self._rows[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def __or__(self, rows: Mapping[str, Plain]) -> "Table":
        """With other rows in the places of those that have their names, and behind all where a name is new."""
        made = Table(self)
        made._rows.update(_as_kept(rows))
        return made

    def only(self, names: Iterable[str]) -> "Table":
        """The rows of these names, in their order; of those that there are."""
        return Table({name: self._rows[name] for name in names if name in self._rows})

    def packed(self) -> dict[str, bytes]:
        """For a file; `Table` takes it back."""
        return {name: row if type(row) is bytes else marshal.dumps(row) for name, row in self._rows.items()}


def since(new: Mapping[str, Plain], old: Mapping[str, Plain]) -> dict[str, Plain]:
    """The rows of `new` that `old` doesn't have, or has with another value. Rows that both share are not looked at."""
    before = _as_kept(old)
    found: dict[str, Plain] = {}
    for name, row in _as_kept(new).items():
        if before.get(name) is not row and (name not in before or new[name] != old[name]):
            found[name] = new[name]
    return found


def _as_kept(rows: Mapping[str, Plain]) -> Mapping[str, Plain]:
    return rows._rows if isinstance(rows, Table) else rows  # noqa: SLF001 - its own


def _unpacked(row: Plain) -> Plain:
    return marshal.loads(row) if type(row) is bytes else row  # noqa: S302 - signed by this user, see sealpress.files.signing
