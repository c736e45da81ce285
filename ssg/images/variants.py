"""Which smaller images there are of one, and their names: known from its size and its sha256, before any is made.

photo.jpg of 1000 × 750 pixels becomes /assets/photo-480.0a1b2c3d4e5f.webp, photo-800.… and photo-1000.…
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final

from sealpress.config.settings import ImagesSettings
from sealpress.frozen import frozen
from ssg.content.assets import FOLDER, fingerprint

FORMATS: Final[Mapping[str, str]] = MappingProxyType(
    {
        ".jpg": "JPEG",
        ".jpeg": "JPEG",
        ".png": "PNG",
        ".webp": "WEBP",
        ".gif": "GIF",
        ".avif": "AVIF",
        ".bmp": "BMP",
        ".ico": "ICO",
        ".svg": "SVG",
    }
)
"""What a file is by its ending. Others are copied, and nothing is asked of them."""

REDUCED: Final = frozenset({"JPEG", "PNG", "WEBP"})
"""Of what smaller images are made."""

POINTER: Final = b"version https://git-lfs.github.com/"
"""How a file begins that stands for one in Git LFS."""

RECIPE: Final = 1
"""To be raised with every change in ssg.images.raster that gives other bytes: browsers keep what a name stands for."""

HIGHEST: Final = 16_383  # pixels that WebP can hold in a row or a column
_STEM: Final = 60  # characters


Size = tuple[int, int]
"""Width and height in pixels."""


@frozen
class Dimensions:
    """An image's size in pixels as it is shown, and whether smaller ones can be made of it: of no animation, and not of
    every format. 0 × 0 for a drawing that says nothing of its size. `doubts` are what its author should know: each a
    message and a hint.
    """

    width: int
    height: int
    is_still: bool
    doubts: tuple[tuple[str, str], ...] = ()


@frozen
class Variant:
    """A smaller image: its path in the tree, and its size in pixels."""

    output: str
    width: int
    height: int


@frozen
class Picture:
    """What a page needs to know of an image to show it."""

    width: int
    height: int
    variants: tuple[Variant, ...]


def format_of(source: str) -> str:
    """What the file should be by its ending, as Pillow calls it; "" for what is no image that is looked at."""
    return FORMATS.get(PurePosixPath(source).suffix.lower(), "")


def picture(source: str, sha256: str, look: Dimensions, settings: ImagesSettings, pillow: str) -> Picture:
    """An image with its variants. `sha256` is of its content, `pillow` the version that makes them."""
    variants = []
    for width in widths(look, settings.widths):
        height = max(1, (2 * look.height * width + look.width) // (2 * look.width))
        if height <= HIGHEST:
            made_of = f"{sha256} {width} {settings.quality} {pillow} {RECIPE}"
            name = f"{_stem(source)}-{width}.{fingerprint(made_of.encode())}.webp"
            variants.append(Variant(f"{FOLDER}{name}".removeprefix("/"), width, height))
    return Picture(look.width, look.height, tuple(variants))


def widths(look: Dimensions, wanted: tuple[int, ...]) -> tuple[int, ...]:
    """Of an image's variants. Never wider than itself; none where it is as small as the smallest would be.

    All are made, even one that turns out larger than the original: which files there are is known without making them.
    """
    if not look.is_still or not wanted or look.width <= wanted[0]:
        return ()
    return tuple(sorted({*(width for width in wanted if width <= look.width), min(look.width, wanted[-1])}))


def _stem(source: str) -> str:
    stem = re.sub(r"[^a-z0-9]+", "-", PurePosixPath(source).stem.lower())[:_STEM]
    return stem.strip("-") or "image"


def images_among(files: Iterable[str]) -> frozenset[str]:
    return frozenset(file for file in files if format_of(file))
