"""Jinja2's filters, counted: what they take, what they give, and what they would make of it."""

from collections.abc import Callable, Mapping
from functools import wraps
from types import MappingProxyType
from typing import Any, Final, Protocol

from jinja2 import TemplateRuntimeError

from ssg.rendering.theme import sizes

_DIGITS: Final = 100  # behind the point, and of an indentation


class Budget(Protocol):
    """Who counts."""

    def weighed(self, value: Any) -> Any: ...

    def reserve(self, size: int) -> None: ...


FREE: Final = frozenset(
    {"abs", "attr", "count", "d", "date", "default", "e", "escape", "first", "float", "forceescape", "int", "iso"}
    | {"last", "length", "lower", "safe", "title", "trim", "upper"}
)
"""Filters whose work is no more than that of printing what they take, which is counted then."""


def metered(environment: Budget, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter whose values and results are counted, and whose result can't outgrow what a file may have."""
    at = 0 if getattr(function, "jinja_pass_arg", None) is None else 1
    check = _CHECKS.get(name)

    @wraps(function)
    def filtered(*args: Any, **kwargs: Any) -> Any:
        value = environment.weighed(args[at])
        if check is not None:
            value = check(environment, value, *args[at + 1 :], **kwargs)
        return environment.weighed(function(*args[:at], value, *args[at + 1 :], **kwargs))

    return filtered


def _check_center(environment: Budget, value: Any, width: int = 80) -> Any:
    environment.reserve(width)
    return value


def _check_indent(environment: Budget, value: Any, width: int | str = 4, *_: Any, **__: Any) -> Any:
    blanks = len(width) if isinstance(width, str) else width
    environment.reserve(len(str(value)) + blanks * (str(value).count("\n") + 2))
    return value


def _check_wordwrap(
    environment: Budget,
    value: Any,
    width: int = 79,
    _: Any = None,
    wrapstring: str | None = None,
    *__: Any,
    **___: Any,
) -> Any:
    lines = len(str(value).split()) + len(str(value)) // max(1, width) + 2
    environment.reserve(len(str(value)) + lines * len(wrapstring or "\n"))
    return value


def _check_replace(environment: Budget, value: Any, old: Any, new: Any, *_: Any, **__: Any) -> Any:
    environment.reserve(sizes.replaced_size(str(value), str(old), str(new)))
    return value


def _check_format(environment: Budget, value: Any, *args: Any, **kwargs: Any) -> Any:
    environment.reserve(sizes.percent_size(str(value), args or kwargs) * sizes.ESCAPED)
    return value


def _check_join(environment: Budget, value: Any, d: Any = "", *_: Any, **__: Any) -> Any:
    parts = list(value)
    environment.reserve(sum(map(sizes.extent, parts)) + sizes.extent(d) * len(parts))
    return parts


def _check_count(_: Budget, value: Any, count: int, *__: Any, **___: Any) -> Any:
    if count > sizes.ITEMS:
        raise sizes.too_many(count)
    return value


def _check_digits(_: Budget, value: Any, digits: int | None = 0, *__: Any, **named: Any) -> Any:
    wanted = named.get("precision", named.get("indent", digits))
    if isinstance(wanted, int) and abs(wanted) > _DIGITS:
        raise TemplateRuntimeError(f"{wanted} is more than the {_DIGITS} digits or blanks that can be asked for")
    return value


def _check_sum(_: Budget, value: Any, attribute: Any = None, start: Any = 0) -> Any:
    del attribute
    if not isinstance(start, int | float):
        raise TemplateRuntimeError("sum adds numbers: lists are added with +, texts with join")
    return value


def _check_urlize(environment: Budget, value: Any, *args: Any, **kwargs: Any) -> Any:
    added = 100 + sum(sizes.extent(one) for one in (*args, *kwargs.values()))
    environment.reserve(len(str(value)) * sizes.ESCAPED + str(value).count(".") * added)
    return value


def _check_text(environment: Budget, value: Any, *_: Any, **__: Any) -> Any:
    environment.reserve(sizes.extent(value))
    return value


_CHECKS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "center": _check_center,
        "indent": _check_indent,
        "wordwrap": _check_wordwrap,
        "replace": _check_replace,
        "format": _check_format,
        "join": _check_join,
        "batch": _check_count,
        "slice": _check_count,
        "round": _check_digits,
        "tojson": _check_digits,
        "sum": _check_sum,
        "urlize": _check_urlize,
        "string": _check_text,
    }
)
