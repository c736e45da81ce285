"""Records as plain data and back, as their fields say: what a file can hold that is no code.

Text, bytes, numbers and None stay as they are, a record becomes a tuple of its fields, and what an author may write
freely (moments, lists, tables) a tuple that begins with what it is, so that no text can be taken for a mark.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from operator import attrgetter, itemgetter
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, Final, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ssg.cache.table import Plain, Table

Record = TypeVar("Record")
_Conversion = tuple[Callable[[Any], Any], Callable[[Any], Any]] | None
"""What packs a value and what unpacks it; None for one that stays as it is."""

_PLAIN: Final = (str, bytes, int, float, bool, NoneType, Any)
_FREE: Final = (dt.datetime, dt.date, dt.time, object)


class Codec(Generic[Record]):
    """Of a dataclass. The fields `besides` are left out: who unpacks one gives them. What is plain in it is not copied.

    Raises TypeError for a field of a type that it doesn't know.
    """

    __slots__ = ("_get", "_names", "_packers", "_record", "_unpackers")

    def __init__(self, record: type[Record], besides: Collection[str] = ()) -> None:
        hints = _fields(record)
        self._record = record
        self._names = [name for name in hints if name not in besides]
        found = [(place, of) for place, name in enumerate(self._names) if (of := _conversion(hints[name]))]
        self._packers = [(place, pack) for place, (pack, _) in found]
        self._unpackers = [(place, unpack) for place, (_, unpack) in found]
        get = attrgetter(*self._names)
        self._get = get if self._names[1:] else lambda record: (get(record),)

    def pack(self, record: Record) -> Plain:
        values = self._get(record)
        if not self._packers:
            return values
        packed = list(values)
        for place, pack in self._packers:
            packed[place] = pack(packed[place])
        return tuple(packed)

    def unpack(self, plain: Plain, **besides: Any) -> Record:
        """Raises TypeError or ValueError for what is no such record."""
        values = list(plain)
        if len(values) != len(self._names):
            raise ValueError(f"not {len(self._names)} fields")
        for place, unpack in self._unpackers:
            values[place] = unpack(values[place])
        if not besides:
            return self._record(*values)
        return self._record(**dict(zip(self._names, values, strict=True)), **besides)

    def at(self, *names: str) -> Callable[[Plain], Any]:
        """What stands in packed records under a name, still packed; under several, as a tuple."""
        return itemgetter(*map(self._names.index, names))


def at(record: type[Any], *names: str) -> Callable[[Plain], Any]:
    """The same for records with plain fields alone, which need no codec."""
    return itemgetter(*map(list(_fields(record)).index, names))


def number(meaning: int, *records: type[Any]) -> str:
    """Of a format: another one where a field of these records comes or goes, has another name, type or place.

    `meaning` is to be changed where none of that shows that the same data now mean something else.
    """
    return hashlib.sha256(f"{meaning} {' '.join(map(_shape, records))}".encode()).hexdigest()[:16]


def _fields(record: type[Any]) -> dict[str, Any]:
    """The types of what a record is made from, by name, in their order."""
    hints = get_type_hints(record, include_extras=True)
    return {one.name: hints[one.name] for one in fields(record) if one.init} if is_dataclass(record) else hints


def _shape(hint: Any) -> str:
    """A type as text, with those of all that it holds."""
    if is_dataclass(hint) or hasattr(hint, "_fields"):
        return f"{hint.__qualname__}({', '.join(f'{name}: {_shape(one)}' for name, one in _fields(hint).items())})"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return f"{hint.__qualname__}({[one.value for one in hint]!r})"
    if (origin := get_origin(hint)) and origin is not Literal:
        return f"{origin!r}[{', '.join(map(_shape, get_args(hint)))}]"
    return repr(hint)


def _conversion(hint: Any) -> _Conversion:
    origin, args = get_origin(hint), get_args(hint)
    if hint is Table:
        return Table.packed, Table
    if _is_plain(hint):
        return None
    if is_dataclass(hint):
        codec = Codec[Any](hint)  # type: ignore[arg-type]
        return codec.pack, codec.unpack
    if isinstance(hint, type) and issubclass(hint, Enum):
        return attrgetter("value"), hint
    if origin is tuple and args[1:] == (...,) and (one := _conversion(args[0])):
        return _each(*one)
    if origin is frozenset and _is_plain(args[0]):
        return lambda found: tuple(sorted(found)), frozenset
    if origin in {Union, UnionType} and args[1:] == (NoneType,) and is_dataclass(args[0]):
        codec = Codec[Any](args[0])  # type: ignore[arg-type]
        return lambda value: value and codec.pack(value), lambda plain: plain and codec.unpack(plain)
    if _is_free(hint):
        return _marked, _unmarked
    raise TypeError(f"no codec knows {hint!r}")


def _each(pack: Callable[[Any], Any], unpack: Callable[[Any], Any]) -> _Conversion:
    return lambda values: tuple(map(pack, values)), lambda values: tuple(map(unpack, values))


def _is_plain(hint: Any) -> bool:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _is_plain(args[0])
    if origin in {tuple, dict, Union, UnionType}:
        return all(one is ... or _is_plain(one) for one in args)
    return origin is Literal or hint in _PLAIN


def _is_free(hint: Any) -> bool:
    origin, args = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType, Mapping}:
        return all(map(_is_free, args))
    return hint in _FREE or hint in _PLAIN


_MOMENT, _DAY, _TIME, _TABLE, _LIST = "moment", "day", "time", "table", "list"


def _marked(value: object) -> Plain:
    match value:
        case dt.datetime():
            return (_MOMENT, value.isoformat())
        case dt.date():
            return (_DAY, value.isoformat())
        case dt.time():
            return (_TIME, value.isoformat())
        case Mapping():
            return (_TABLE, *((key, _marked(item)) for key, item in value.items()))
        case tuple():
            return (_LIST, *(_marked(item) for item in value))
        case _:
            return value


def _unmarked(plain: Plain) -> Any:
    if not isinstance(plain, tuple):
        return plain
    mark, *items = plain
    match mark:
        case "moment":
            return dt.datetime.fromisoformat(items[0])
        case "day":
            return dt.date.fromisoformat(items[0])
        case "time":
            return dt.time.fromisoformat(items[0])
        case "table":
            return MappingProxyType({key: _unmarked(item) for key, item in items})
        case _:
            return tuple(_unmarked(item) for item in items)
