"""SVG: how large a drawing is by itself, and whether it is well formed. Sources: SVG 2, 8 and 10; CSS Values 3, 6.2.

Nothing is drawn. Expat reads the whole, loads nothing that the file names, and stops where entities within entities
would make it many times as long.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final
from xml.parsers import expat

from sealpress import problems
from sealpress.files import given
from sealpress.problems import Exit, Place, Problem
from ssg.images.variants import POINTER, Dimensions

LARGEST: Final = 16 << 20
"""Bytes. A larger one is published as it is, and nobody looks into it."""

UNKNOWN: Final = Dimensions(0, 0, is_still=False)
"""Of a drawing that says nothing of its size: it takes what room it gets."""

_SPACE: Final = "http://www.w3.org/2000/svg"
_PIXELS: Final[Mapping[str, float]] = MappingProxyType(
    {"": 1, "px": 1, "in": 96, "cm": 96 / 2.54, "mm": 96 / 25.4, "q": 96 / 101.6, "pt": 4 / 3, "pc": 16}
)
_NUMBER: Final = r"[+-]?(?:[0-9]{1,9}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:[eE][+-]?[0-9]{1,2})?"
_LENGTH: Final = re.compile(rf"\s*({_NUMBER})(|px|in|cm|mm|q|pt|pc)\s*", re.IGNORECASE | re.ASCII)
_BOX: Final = re.compile(rf"\s*{_NUMBER}[\s,]+{_NUMBER}[\s,]+({_NUMBER})[\s,]+({_NUMBER})\s*", re.ASCII)
_MOST: Final = 100_000  # pixels; more is no size of a picture


def look(file: Path, shown: str) -> Dimensions:
    """A drawing's size in pixels, UNKNOWN where it has none. `shown` is its name in messages.

    Raises Problem (exit 3) for what is no SVG, or is not well formed, at its line and column.
    """
    try:
        with given.opened(file) as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise Problem(f"can't read {file}: {error.strerror}", code=Exit.MACHINE) from None
    return UNKNOWN if len(data) > LARGEST else measured(data, shown)


def measured(data: bytes, shown: str) -> Dimensions:
    """The same of a drawing's bytes."""
    root: list[tuple[str, Mapping[str, str]]] = []

    def started(name: str, attributes: dict[str, str]) -> None:
        root.append((name, attributes))
        parser.StartElementHandler = None

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = started
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        if data.startswith(POINTER):
            raise Problem(
                "this is a pointer of Git LFS, not the image itself", place=Place(shown), hint="run: git lfs pull"
            ) from None
        raise _not_well_formed(error, data, shown, has_root=bool(root)) from None
    except (ValueError, LookupError):  # an encoding that Python lacks, or that has more than one byte to a character
        return UNKNOWN
    name, attributes = root[0]
    if name != f"{_SPACE} svg":
        raise Problem(
            f"this is no SVG image: its outermost element is {problems.shown(name)}",
            place=Place(shown),
            hint=f'its outermost element must be <svg xmlns="{_SPACE}">',
        )
    return _size(attributes)


def _size(attributes: Mapping[str, str]) -> Dimensions:
    width, height = (_pixels(attributes.get(side, "")) for side in ("width", "height"))
    box = _BOX.fullmatch(attributes.get("viewBox", ""))
    wide, high = (float(box[1]), float(box[2])) if box else (0.0, 0.0)
    if wide > 0 and high > 0:
        if width is None:
            width = wide if height is None else height * wide / high
        if height is None:
            height = width * high / wide
    if width is None or height is None or not (0 < width <= _MOST and 0 < height <= _MOST):
        return UNKNOWN
    return Dimensions(max(1, round(width)), max(1, round(height)), is_still=False)


def _pixels(length: str) -> float | None:
    """What a length comes to; None for one that depends on where the drawing stands, as 100% and 2em do."""
    found = _LENGTH.fullmatch(length)
    return float(found[1]) * _PIXELS[found[2].lower()] if found else None


def _not_well_formed(error: expat.ExpatError, data: bytes, shown: str, *, has_root: bool) -> Problem:
    if error.code == expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS] and not has_root:
        message = "this is no SVG image: there is no element in it"
    else:
        message = f"this SVG image is not well formed: {expat.ErrorString(error.code)}"
    lines = data.split(b"\n")
    line = lines[error.lineno - 1].decode("utf-8", "replace") if error.lineno <= len(lines) else None
    return Problem(
        message,
        place=Place(shown, error.lineno, error.offset + 1, line),
        hint="save it anew from where it came: browsers show nothing of it",
    )
