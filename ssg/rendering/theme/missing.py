"""What a template asks for and isn't there: what it was asked of, and what could have been meant."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import jinja2
from jinja2.exceptions import UndefinedError
from jinja2.utils import missing


class NoSuchNameError(UndefinedError):
    """A name that isn't there: of `owner`, or None of the template itself. `known` are the names that are."""

    def __init__(self, name: str, owner: str | None, known: Iterable[str], folder: str | None = None) -> None:
        super().__init__(f'"{name}" is not defined')
        self.name = name
        self.owner = owner
        self.known = tuple(known)
        self.folder = folder  # of data


class Missing(jinja2.StrictUndefined):
    """An undefined value that remembers what could have been meant."""

    __slots__ = ()

    def __init__(self, hint: str | None = None, obj: Any = missing, name: Any = None, exc: Any = None) -> None:
        super().__init__(hint, obj, name, exc or UndefinedError)
        if exc is None and hint is None:
            self._undefined_exception = self._named  # type: ignore[assignment]

    def _named(self, _message: str) -> NoSuchNameError:
        owner = self._undefined_obj
        if owner is missing:
            return NoSuchNameError(str(self._undefined_name), None, ())
        return NoSuchNameError(
            str(self._undefined_name), describe(owner), _members(owner), getattr(owner, "_folder", None)
        )


def describe(value: object) -> str:
    """What a value is, for the author of a template: "page", "a list", "text"."""
    match value:
        case None:
            return "nothing (None)"
        case str():
            return "text"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case dt.date():
            return "a date"
        case list() | tuple():
            return "a list"
        case Mapping() if type(value).__name__ != "DataView":
            return "the table"
        case _ if callable(value):
            return f"the function {getattr(value, '__name__', 'here')}"
        case _:
            return type(value).__name__.removesuffix("View").lower()


def _members(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [str(key) for key in value]
    if type(value).__name__.endswith("View"):
        return [name for name in dir(type(value)) if not name.startswith("_")]
    return []
