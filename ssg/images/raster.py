"""Pillow: what an image file holds, and smaller images of it. The one module that imports it.

A variant is WebP, turned the right way up. It keeps the colour profile and nothing else that a camera wrote: no place,
no time, no owner. The same original gives the same bytes on every machine with the same Pillow and architecture.
"""

import io
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import BinaryIO, Final

from PIL import Image, ImageCms, UnidentifiedImageError

from sealpress.commands import console
from sealpress.files import given
from sealpress.problems import Exit, Place, Problem
from ssg.images.truncation import seems_cut
from ssg.images.variants import FORMATS, POINTER, REDUCED, Dimensions, Variant, format_of

MEMORY: Final = 512_000_000
"""Bytes that working on one image may take: a file of a few kB can claim any number of pixels, and all cores work."""

# Bytes of a pixel as Pillow holds it, and as RGB beside that; what is not listed takes as much as any.
_HELD: Final[Mapping[str, int]] = MappingProxyType(
    {"RGB": 4, "RGBA": 4, "1": 1 + 4, "L": 1 + 4, "P": 1 + 4, "LA": 4 + 4, "PA": 4 + 4, "CMYK": 4 + 4, "YCbCr": 4 + 4}
)
_MOST: Final = 12  # 16 bits of grey: 2, and 4 twice on the way
_OPACITY: Final = 4  # once more, multiplied by it, before the image is made smaller
_OF_A_DECODER: Final[Mapping[str, int]] = MappingProxyType({"WEBP": 8, "AVIF": 8})  # frames of its own

Image.MAX_IMAGE_PIXELS = None  # Pillow's own limit warns first: _check() has the one that counts

_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {"JPEG": "JPEG", "PNG": "PNG", "WEBP": "WebP", "GIF": "GIF", "AVIF": "AVIF", "BMP": "BMP", "ICO": "ICO"}
)
_ORIENTATION: Final = 0x0112  # Exif 2.32, 4.6.4
_TURNS: Final[Mapping[int, Image.Transpose]] = MappingProxyType(
    {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
)
_ON_ITS_SIDE: Final = 5  # from this orientation on, width and height are exchanged
_EFFORT: Final = 4  # of the encoder, 0 to 6: 6 takes twice as long for 1 % less
_SPARE: Final = 2  # times the wanted size that a JPEG is decoded to: what is thrown away then is not seen


def look(file: Path, shown: str) -> Dimensions:
    """An image by its header and its end. `shown` is its name in messages.

    Raises Problem (exit 3) for what can't be shown, or is not there to its end.
    """
    with _opened(file, shown) as image:
        width, height = _turned(image.size, _orientation(image))
        # Some cameras put a second picture behind the first (MPO): that is no animation.
        is_animated = image.format != "MPO" and (image.format == "GIF" or getattr(image, "is_animated", False))
        _check_end(file, image, Place(shown), is_animated=is_animated)
        doubts = tuple(_doubts(shown, _kind(image)))
        return Dimensions(width, height, _kind(image) in REDUCED and not is_animated, doubts)


def encoded(file: Path, shown: str, variant: Variant, quality: int) -> bytes:
    """A variant's content. Raises Problem (exit 3) for a file that is damaged behind its header."""
    with _opened(file, shown) as image:
        orientation = _orientation(image)
        size = _turned((variant.width, variant.height), orientation)
        image.draft(image.mode, (size[0] * _SPARE, size[1] * _SPARE))
        pixels, profile = _coloured(image)
        pixels = pixels.resize(size, Image.Resampling.LANCZOS)
        if orientation in _TURNS:
            pixels = pixels.transpose(_TURNS[orientation])
        out = io.BytesIO()
        pixels.save(out, "WEBP", quality=quality, method=_EFFORT, icc_profile=profile, exif=b"", xmp=b"")
        return out.getvalue()


@contextmanager
def _opened(file: Path, shown: str) -> Iterator[Image.Image]:
    """The image in a file, its pixels not yet read. All that Pillow says of a bad one becomes a Problem."""
    place = Place(shown)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damage that no browser minds either
            with given.opened(file) as stream:
                _check_size(stream, place)
                with Image.open(stream, formats=tuple(_NAMES)) as image:
                    _check(image, place)
                    yield image
    except Problem:
        raise
    except UnidentifiedImageError:
        raise _not_an_image(file, place) from None
    except OSError as error:
        if error.errno:
            raise Problem(f"can't read {file}: {error.strerror}", code=Exit.MACHINE) from None
        raise _damaged(place) from None
    except Exception:  # noqa: BLE001 - a damaged file ends in an error of almost any kind
        raise _damaged(place) from None


def _check_end(file: Path, image: Image.Image, place: Place, *, is_animated: bool) -> None:
    """Some images lack their end, and can be seen all the same: the decoder knows. But it would see one picture of
    many, and what an icon holds can be larger than it says.
    """
    with given.opened(file) as stream:
        is_cut = seems_cut(stream, str(image.format))
    if is_cut and (is_animated or image.format == "ICO"):
        raise _damaged(place)
    if is_cut:
        image.load()


def _check_size(file: BinaryIO, place: Place) -> None:
    if os.fstat(file.fileno()).st_size > given.ASSET:  # some decoders read the whole of it first
        raise Problem(f"this image has more than {console.size(given.ASSET)}", place=place)


def _check(image: Image.Image, place: Place) -> None:
    width, height = image.size
    # Asked of the header; nothing was decoded yet.
    each = _HELD.get(image.mode, _MOST) + _OF_A_DECODER.get(str(image.format), 0)
    needed = width * height * (each + (_OPACITY if image.has_transparency_data else 0))
    if needed > MEMORY:
        raise Problem(
            f"this image of {width} × {height} pixels takes {console.size(needed)} of memory, and no more than "
            f"{console.size(MEMORY)} is given to one",
            place=place,
            hint="make it smaller, or put it into static/, whose files are published as they are",
        )


def _doubts(shown: str, kind: str) -> Iterator[tuple[str, str]]:
    """Browsers go by an image's first bytes; not all that shows images does. What is called .ico often is another."""
    path = PurePosixPath(shown)
    if format_of(shown) not in {kind, "ICO"}:
        ending = next(ending for ending, name in FORMATS.items() if name == kind)
        message = f'this is a {_NAMES[kind]} image, though its name ends in "{path.suffix}"'
        yield message, f'call it "{path.stem}{ending}": readers of feeds, previews and programs go by the ending'


def _kind(image: Image.Image) -> str:
    return "JPEG" if image.format == "MPO" else str(image.format)


def _not_an_image(file: Path, place: Place) -> Problem:
    with file.open("rb") as opened:
        if opened.read(len(POINTER)) == POINTER:
            return Problem("this is a pointer of Git LFS, not the image itself", place=place, hint="run: git lfs pull")
    return Problem(
        f"this is no {_NAMES[format_of(place.file)]} image, or nothing that can be read is left of it",
        place=place,
        hint="save it anew from where it came, or give what is no image another ending",
    )


def _damaged(place: Place) -> Problem:
    return Problem(
        "this image is damaged, or only a part of it is there",
        place=place,
        hint="save it anew from where it came; a file in static/ is published as it is",
    )


def _orientation(image: Image.Image) -> int:
    """How a browser turns it (Exif, never XMP): 1 to 8, 1 for as it is. Chromium shows WebP as it is."""
    if image.format == "WEBP":
        return 1
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif", b""))
        found = exif.get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - browsers pass over what is damaged there
        return 1
    return found if isinstance(found, int) and found in _TURNS else 1


def _turned(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    return (size[1], size[0]) if orientation >= _ON_ITS_SIDE else size


def _coloured(image: Image.Image) -> tuple[Image.Image, bytes]:
    """The pixels as RGB or RGBA, with the profile that they are to be seen by; b"" for sRGB."""
    profile = image.info.get("icc_profile") or b""
    mode = "RGBA" if image.has_transparency_data else "RGB"
    if image.mode.startswith(("I", "F")):  # 16 bits of grey
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    # ICC.1:2022, 7.2: the colour space of the pixels. A profile for print or grey says nothing of RGB.
    if profile and profile[16:20] != b"RGB ":
        return _in_srgb(image, profile, mode), b""
    return image if image.mode == mode else image.convert(mode), profile


def _in_srgb(image: Image.Image, profile: bytes, mode: str) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        found = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):  # the profile is damaged, or of another kind of pixels
        return image.convert(mode)
    assert found is not None  # noqa: S101 - only inPlace gives none
    if mode == "RGBA":
        found.putalpha(image.convert("RGBA").getchannel("A"))
    return found
