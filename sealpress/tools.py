"""The one list of what is pinned: software whose other versions could give other bytes.

pyproject.toml pins each to one version (tests/sealpress/test_version.py holds the two against each other). Python's own
version is none of them: no output byte depends on it.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final

from sealpress import VERSION

TREE: Final = ("markdown", "pygments", "jinja2", "markupsafe", "babel", "tzdata", "pyyaml", "pillow")
"""The distributions that an output tree depends on."""

IMAGE: Final = ("brotli",)
"""Those that an image depends on besides its tree."""


def of_tree() -> Mapping[str, str]:
    """The versions that the bytes of a tree depend on, as installed here; sealpress's own is the first."""
    return _versions(TREE)


def of_image() -> Mapping[str, str]:
    """Those that the bytes of an image depend on besides its tree."""
    return _versions(IMAGE)


def _versions(names: Iterable[str]) -> Mapping[str, str]:
    installed = dict(_installed())
    return MappingProxyType(
        {"sealpress": VERSION} | {name: installed.get(name) or _told_version(name) for name in names}
    )


def _installed() -> Iterator[tuple[str, str]]:
    """Names and versions by the folders of installed packages (PEP 376, PEP 503), the first found last.

    importlib.metadata says the same, and takes longer to load than a build in which nothing changed takes for the rest.
    """
    for folder in reversed(sys.path):
        with suppress(OSError):
            for name in sorted(os.listdir(folder or ".")):  # noqa: PTH208
                if name.endswith(".dist-info"):
                    package, _, version = name.removesuffix(".dist-info").rpartition("-")
                    yield package.lower().replace("_", "-"), version


def _told_version(name: str) -> str:
    from importlib.metadata import version  # noqa: PLC0415 - see above

    return version(name)
