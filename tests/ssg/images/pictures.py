"""Images for tests, made by Pillow: of every kind that an author has, and of some that nobody should have."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms

ORIENTATION = 0x0112
GPS = 0x8825
MAKER = 0x010F


def corners(width: int = 60, height: int = 40, mode: str = "RGB") -> Image.Image:
    """Red at the left top, green at the right top, blue at the left bottom, white at the right bottom."""
    image = Image.new("RGB", (width, height), "white")
    half = (width // 2, height // 2)
    image.paste("red", (0, 0, *half))
    image.paste((0, 255, 0), (half[0], 0, width, half[1]))
    image.paste("blue", (0, half[1], half[0], height))
    return image.convert(mode)


def gradient(width: int, height: int) -> Image.Image:
    """With something to see everywhere."""
    grey = Image.linear_gradient("L").resize((width, height))
    return Image.merge("RGB", (grey, grey.transpose(Image.Transpose.FLIP_TOP_BOTTOM), grey.rotate(180)))


def save(file: Path, image: Image.Image, **options: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    image.save(file, **options)
    return file


def with_metadata(file: Path, image: Image.Image, orientation: int) -> Path:
    """A photograph that tells who took it and where."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[MAKER] = "Secret Camera"
    exif.get_ifd(GPS)[1] = "N"
    exif.get_ifd(GPS)[2] = (48.0, 51.0, 29.0)
    return save(file, image, exif=exif, icc_profile=srgb(), comment=b"secret comment")


def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def lab() -> bytes:
    """A profile that is not of RGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def colour(image: Image.Image, x: int, y: int) -> str:
    """The name of the corner's colour that a pixel is nearest to."""
    found = image.convert("RGB").getpixel((x, y))
    assert isinstance(found, tuple)
    names = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}
    return min(names, key=lambda name: sum((one - two) ** 2 for one, two in zip(found, names[name], strict=True)))


def bomb(width: int, height: int) -> bytes:
    """The head of a PNG that claims to be large."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
