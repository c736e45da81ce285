"""An image without its end, in every format, wherever it was cut."""

import struct
from pathlib import Path

import pytest
from PIL import Image

from sealpress.problems import Problem
from ssg.images.raster import look
from tests.ssg.images.pictures import corners, gradient, save

STILL = ["jpg", "png", "webp", "gif", "avif", "bmp", "ico"]
MOVING = ["gif", "png", "webp", "avif"]


def still(folder: Path, ending: str) -> Path:
    return save(folder / f"x.{ending}", gradient(*((64, 64) if ending == "ico" else (200, 150))))


def moving(folder: Path, ending: str) -> Path:
    frames = [gradient(64, 48), corners(64, 48), gradient(64, 48).rotate(90, expand=False)]
    return save(folder / f"x.{ending}", frames[0], save_all=True, append_images=frames[1:], duration=100, loop=0)


@pytest.mark.parametrize("ending", STILL)
def test_a_whole_image_has_its_size(ending: str, tmp_path: Path) -> None:
    found = look(still(tmp_path, ending), f"x.{ending}")
    assert (found.width, found.height) == ((64, 64) if ending == "ico" else (200, 150))
    assert found.is_still == (ending in {"jpg", "png", "webp"})


@pytest.mark.parametrize("ending", MOVING)
def test_an_animation_has_its_size_and_is_left_alone(ending: str, tmp_path: Path) -> None:
    file = moving(tmp_path, ending)
    before = file.read_bytes()
    found = look(file, file.name)
    assert (found.width, found.height, found.is_still) == (64, 48, False)
    assert file.read_bytes() == before


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9])
@pytest.mark.parametrize(("make", "ending"), [*((still, one) for one in STILL), *((moving, one) for one in MOVING)])
def test_an_image_that_is_cut_is_a_problem(make: object, ending: str, share: float, tmp_path: Path) -> None:
    file = make(tmp_path, ending)  # type: ignore[operator]
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(Problem, match=r"is damaged, or only a part|nothing that can be read"):
        look(file, f"content/{file.name}")


def test_a_gif_that_lacks_its_last_byte_alone_is_whole(tmp_path: Path) -> None:
    file = moving(tmp_path, "gif")
    data = file.read_bytes()
    assert data.endswith(b";")
    file.write_bytes(data[:-1])
    assert look(file, "x.gif").width == 64
    file.write_bytes(data + b"what comes behind")
    assert look(file, "x.gif").width == 64


def test_a_gif_that_is_cut_between_two_pictures_and_announces_one_is_cut(tmp_path: Path) -> None:
    file = moving(tmp_path, "gif")
    data = file.read_bytes()
    last = data.rindex(b"!\xf9\x04")
    file.write_bytes(data[: last + 8])
    with pytest.raises(Problem, match="only a part"):
        look(file, "x.gif")


@pytest.mark.parametrize("ending", STILL)
def test_what_stands_behind_an_image_is_no_part_of_it(ending: str, tmp_path: Path) -> None:
    file = still(tmp_path, ending)
    before = look(file, file.name)
    file.write_bytes(file.read_bytes() + b"\0\0\0\x15what comes behind")
    assert look(file, file.name) == before


def test_a_png_whose_pixels_are_all_there_is_whole(tmp_path: Path) -> None:
    file = still(tmp_path, "png")
    file.write_bytes(file.read_bytes()[:-12])
    assert look(file, file.name).width == 200


def test_the_end_of_a_preview_is_not_the_end_of_the_photograph(tmp_path: Path) -> None:
    preview = still(tmp_path, "jpg").read_bytes()
    file = save(tmp_path / "y.jpg", gradient(300, 200), exif=b"Exif\0\0" + preview)
    data = file.read_bytes()
    assert data.count(b"\xff\xd9") == 2
    file.write_bytes(data[: len(preview) + (len(data) - len(preview)) // 2])
    with pytest.raises(Problem, match="only a part"):
        look(file, "y.jpg")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_avif_that_is_turned_has_the_size_that_it_is_shown_in(orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = look(save(tmp_path / "x.avif", corners(), exif=exif), "x.avif")
    assert (found.width, found.height) == ((40, 60) if orientation >= 5 else (60, 40))


@pytest.mark.parametrize("ending", ["gif", "bmp", "avif", "ico"])
def test_an_image_of_too_many_pixels_is_not_unpacked(ending: str, tmp_path: Path) -> None:
    file = still(tmp_path, ending)
    data = bytearray(file.read_bytes())
    if ending == "gif":
        data[6:10] = struct.pack("<HH", 65_000, 65_000)
    elif ending == "bmp":
        data[18:26] = struct.pack("<ii", 60_000, 60_000)
    elif ending == "avif":
        at = data.index(b"ispe") + 8
        data[at : at + 8] = struct.pack(">II", 60_000, 60_000)
    else:
        # The folder says 64 pixels, the picture itself 60,000: it is not unpacked.
        at = data.index(b"IHDR") + 4
        data[at : at + 8] = struct.pack(">II", 60_000, 60_000)
        file.write_bytes(data)
        assert look(file, "x.ico").width == 64
        return
    file.write_bytes(data)
    with pytest.raises(Problem, match=r"of memory|damaged|nothing that can be read"):
        look(file, f"x.{ending}")


def test_an_icon_may_be_of_another_format(tmp_path: Path) -> None:
    file = save(tmp_path / "x.ico", corners(), format="png")
    assert look(file, "x.ico").width == 60
