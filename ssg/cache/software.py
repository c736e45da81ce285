"""sealpress itself as an input of all that it makes: how its files look, and what they hold.

What another code has made is never taken for what this one would make. A last build is of use where all files look as
they did then; on another machine or in another checkout they don't, so results in the store are kept by what they hold.
"""

import hashlib
import marshal
from functools import cache
from pathlib import Path
from typing import Final

from ssg.cache import stamps
from ssg.cache.stamps import Stamp

_TOP: Final = Path(__file__).parents[2]
_CODE: Final = ("sealpress", "ssg")
"""The packages that an output byte can depend on: `make check` holds that ssg imports no other."""
_THEMES: Final = "themes"
"""The built-in ones, in a checkout. What an output asks of a theme is recorded for it, so this is no code."""


def looks(top: Path = _TOP) -> str:
    """A digest of how the code and the built-in themes look from outside, when this process first looked."""
    return first_look(top)


@cache
def first_look(top: Path) -> str:
    return _digest_of(_found(top))


@cache
def digest(top: Path = _TOP) -> str:
    """A digest of the code: part of every key in the store.

    Where a file was edited since this process began, the one that runs may be neither the old code nor the new one:
    then it is a digest that no other process has.
    """
    found = _found(top)
    if _digest_of(found) != looks(top):
        return looks(top)
    sha256 = hashlib.sha256()
    for name in found:
        if name.startswith(_CODE) and name.endswith(".py"):
            content = (top / name).read_bytes()
            sha256.update(f"{name}\0{len(content)}\0".encode() + content)
    return sha256.hexdigest()


def _found(top: Path) -> dict[str, Stamp]:
    """The files by their paths, in their order."""
    names = (name for name in (*_CODE, _THEMES) if (top / name).is_dir())
    return dict(
        sorted(
            (f"{name}/{path}", stamp)
            for name in names
            for path, stamp in stamps.below(str(top / name), nowhere="__pycache__")
        )
    )


def _digest_of(found: dict[str, Stamp]) -> str:
    return hashlib.sha256(marshal.dumps(tuple(found.items()), 2)).hexdigest()
