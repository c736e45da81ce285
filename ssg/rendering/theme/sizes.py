"""How large a text, a list or a number gets that a template asks for, worked out before it is made.

Sources: Python, "printf-style String Formatting" and "Format Specification Mini-Language".
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from jinja2 import TemplateRuntimeError
from markupsafe import Markup

TEXT: Final = 16_000_000
"""Characters of a file, and of any text on the way to it."""

ITEMS: Final = 1_000_000
"""Of a list, with all lists in it."""

BITS: Final = 10_000
"""Of a whole number."""

CONTAINERS: Final = (list, tuple, dict)
ESCAPED: Final = 6  # as many characters may stand for one in HTML

# Python, "printf-style String Formatting": % (key) flags width .precision
_CONVERSION: Final = re.compile(r"%(?:\([^)]*\))?[-#0 +]*(\*|[0-9]+)?(?:\.(\*|[0-9]+))?")


def percent_size(left: str | bytes, right: Any) -> int:
    """At most as many characters has what is formatted with %."""
    text = left if isinstance(left, str) else left.decode("latin-1")
    values = right if isinstance(right, tuple) else tuple(right.values()) if isinstance(right, Mapping) else (right,)
    largest = max(map(extent, values), default=0)
    size = len(text)
    for found in _CONVERSION.finditer(text):
        size += largest
        for number in found.groups(""):
            if number == "*":
                size += max((abs(one) for one in values if isinstance(one, int)), default=0)
            elif number:
                size += int(number[:18])
    return size * (ESCAPED if isinstance(left, Markup) else 1)


def replaced_size(text: str | bytes, old: str | bytes, new: str | bytes) -> int:
    count = text.count(old) if type(text) is type(old) else len(text)  # type: ignore[arg-type]
    return len(text) + count * len(new) if old else len(text) + (len(text) + 1) * len(new)


def extent(value: Any) -> int:
    """About as many characters has the value as a text."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, int):
        return 1 + value.bit_length() // 3
    return sum(_extents(value)) if type(value) in CONTAINERS else 16


def _extents(value: Any) -> Iterator[int]:
    yield items(value) * 4
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        for one in (*inner, *inner.values()) if isinstance(inner, dict) else inner:
            if type(one) in CONTAINERS:
                waiting.append(one)
            else:
                yield extent(one)


def items(value: Any) -> int:
    """How many items a value has, with all that is in them. Raises for more than a list may have."""
    found = 0
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        if type(inner) not in CONTAINERS:
            continue
        found += len(inner)
        if found > ITEMS:
            raise too_many(found)
        waiting += [one for one in (inner.values() if type(inner) is dict else inner) if type(one) in CONTAINERS]
    return found


def too_long(size: int) -> TemplateRuntimeError:
    return TemplateRuntimeError(f"this makes a text of {size:,} characters; a file has {TEXT:,} at most")


def too_many(items: int) -> TemplateRuntimeError:
    return TemplateRuntimeError(f"this makes a list of {items:,} items; a list has {ITEMS:,} at most")


def too_large_number() -> TemplateRuntimeError:
    return TemplateRuntimeError("this number has more than 3,000 digits")
