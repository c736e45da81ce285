"""Records that nobody changes, made fast: what a program of two hundred of them pays at each start."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

Record = TypeVar("Record")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(record: type[Record]) -> type[Record]:
    """As @dataclass(frozen=True, slots=True), but that the type checker alone forbids to set a field.

    The standard one compiles six methods for each class, and its instances are filled by a call for each field: made
    by this one, a class takes a third of the time and an instance half of it (benchmarks/RESULTS.md, "tricks").
    """
    made = dataclass(slots=True, eq=False, repr=False)(record)
    names = tuple(one.name for one in fields(made) if one.compare)  # type: ignore[arg-type]
    of: Callable[[Any], Any] = attrgetter(*names) if names else lambda _: ()

    def equal(self: Any, other: Any) -> Any:
        return of(self) == of(other) if other.__class__ is self.__class__ else NotImplemented

    def digest(self: Any) -> int:
        return hash(of(self))

    for name, method in (("__eq__", equal), ("__hash__", digest)):
        if record.__dict__.get(name) is None:
            setattr(made, name, method)
    if made.__repr__ is object.__repr__:
        made.__repr__ = _shown  # type: ignore[method-assign]
    return made


def _shown(record: Any) -> str:
    values = (f"{one.name}={getattr(record, one.name)!r}" for one in fields(record) if one.repr)
    return f"{type(record).__qualname__}({', '.join(values)})"
