"""Data files: tables and lists that templates read as `site.data`, from TOML, YAML and JSON below the data folder.

A file's name is what templates call it: data/team/people.toml is `site.data.team.people`. Files with other endings are
left alone. Nothing is parsed before somebody asks for it, or wants it checked.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, Final

from sealpress.config import toml
from sealpress.config.document import text_of
from sealpress.files import given
from sealpress.problems import Exit, Place, Problem, raise_all
from ssg.content.formats import json
from ssg.content.sources import Sources

ENDINGS: Final = (".toml", ".yaml", ".yml", ".json")
_BITS: Final = 1024
DEPTH: Final = 20  # as in ssg.content.formats.yaml, which takes long to load

# What a template reaches as an attribute of every table.
_TAKEN: Final = frozenset({"get", "items", "keys", "values"})


@dataclass(frozen=True)
class DataFiles:
    """Those of one site. `folder` is the one that they lie in, relative to the site's."""

    folder: str
    sources: Sources
    _values: dict[str, object] = field(default_factory=dict, compare=False, repr=False)

    def holds(self, source: str) -> bool:
        """Whether a source is a data file."""
        return source.startswith(self._start) and source.endswith(ENDINGS)

    @cached_property
    def _start(self) -> str:
        return f"{PurePosixPath(self.folder)}/"

    @cached_property
    def names(self) -> Mapping[str, str]:
        """The source of each data file by its name ("team/people"); "" for a folder of them.

        Raises Problem or Problems (exit 3) where a name is none that a template could say, or where two have one.
        """
        found: dict[str, str] = {}
        problems: dict[str, Problem] = {}
        for source in filter(self.holds, self.sources.below(self.folder)):
            name = PurePosixPath(source.removeprefix(self._start)).with_suffix("")
            for part in (*reversed(name.parents[:-1]), name):
                at, mine = (source, source) if part == name else (f"{self._start}{part}", "")
                if wrong := _wrong_name(part.name, at):
                    problems.setdefault(at, wrong)
                elif found.setdefault(str(part), mine) != mine:  # a file comes before the folder of its name
                    problems.setdefault(at, _clash(found[str(part)], source, part))
        raise_all(list(problems.values()))
        return MappingProxyType(found)

    def within(self, folder: str) -> tuple[str, ...]:
        """The names right in a folder, "" for the outermost, in alphabetical order."""
        start = f"{folder}/" if folder else ""
        rest = (name.removeprefix(start) for name in self.names if name.startswith(start))
        return tuple(sorted(name for name in rest if "/" not in name))

    def value(self, source: str) -> object:
        """What a data file says: read-only tables, tuples, texts, numbers, true and false, dates, None.

        Raises Problem (exit 3) at its place.
        """
        if source not in self._values:
            try:
                data = given.read(self.sources.root / source, given.TEXT)
            except OSError as error:
                raise Problem(f"can't read {source}: {error.strerror}", code=Exit.MACHINE) from None
            self._values[source] = read(data, source)
        return self._values[source]

    def check(self, sources: Iterable[str]) -> None:
        """Reads those of the `sources` that are data files. Raises Problem or Problems (exit 3)."""
        problems: list[Problem] = []
        for source in filter(self.holds, sources):
            try:
                self.value(source)
            except Problem as problem:
                problems += problem.each
        raise_all(problems)


NONE: Final = DataFiles("data", Sources(Path(), {}))


def read(data: bytes, source: str) -> object:
    """Raises Problem (exit 3) at its place in `source`."""
    text = text_of(data, source).replace("\r\n", "\n").replace("\r", "\n")
    line, said = next((one for one in enumerate(text.split("\n"), 1) if one[1].strip()), (1, text))
    place = Place(source, line, len(said) - len(said.lstrip()) + 1, said, max(1, len(said.strip())))
    match PurePosixPath(source).suffix:
        case ".toml":
            value = frozen(toml.values(text, source), source)
        case ".json":
            value = frozen(json.parse(text, source), source)
        case _:
            from ssg.content.formats import yaml  # noqa: PLC0415 - a site without YAML need not load it

            node = yaml.parse(text, source, first_line=1)
            value, place = node.plain(), node.place
    if isinstance(value, Mapping | tuple):
        return value
    is_tight = isinstance(value, str) and re.match(r"\w+:\S", value)
    raise Problem(
        "a data file holds a table or a list, not one value alone",
        place=place,
        hint="a space belongs behind the colon" if is_tight else "give it a name: a table has keys with values",
    )


def frozen(value: Any, source: str, depth: int = 0) -> Any:
    """The same, read-only. Raises Problem (exit 3) for what is nested deeper than YAML may be, and for what Python can
    read but not write: a number of thousands of digits.
    """
    if depth > DEPTH:
        raise Problem(
            "nested too deeply", place=Place(source), hint=f"{DEPTH} tables or lists in one another are enough"
        )
    match value:
        case dict():
            return MappingProxyType({key: frozen(item, source, depth + 1) for key, item in value.items()})
        case list():
            return tuple(frozen(item, source, depth + 1) for item in value)
        case int() if value.bit_length() > _BITS:
            raise Problem("a number of too many digits", place=Place(source), hint="put it between quotes")
        case _:
            return value


def _wrong_name(name: str, at: str) -> Problem | None:
    if name in _TAKEN:
        hint = f"choose another: templates call {', '.join(sorted(_TAKEN))} on every table"
        return Problem(f'"{name}" can\'t be the name of data', place=Place(at), hint=hint)
    if _is_name(name):
        return None
    mended = re.sub(r"\W+", "_", name).strip("_")
    hint = "a template writes it as site.data.NAME: letters, digits and underscores, a letter first"
    if _is_name(mended):
        hint = f'rename it to "{mended}": {hint}'
    return Problem(f'"{name}" can\'t be the name of data', place=Place(at), hint=hint)


def _is_name(name: str) -> bool:
    """Whether a template can write it behind a dot. A leading underscore is for what templates may not reach."""
    return name.isidentifier() and not name.startswith("_")


def _clash(one: str, other: str, name: PurePosixPath) -> Problem:
    called = ".".join(("site.data", *name.parts))
    return Problem(
        f"{one} and {other} would both be {called}", place=Place(other), hint="keep one of them, or rename it"
    )
