"""What Pillow makes of images: the right size, the right way up, the right colours, and nothing that a camera wrote."""

import hashlib
import platform
import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from sealpress.problems import Exit, Problem
from ssg.images import raster
from ssg.images.raster import encoded, look
from ssg.images.variants import RECIPE, Dimensions, Variant
from tests.ssg.images.pictures import bomb, colour, corners, gradient, lab, opened, save, srgb, with_metadata

QUALITY = 78


def made(file: Path, width: int, height: int) -> Image.Image:
    """A variant, seen again."""
    return opened(encoded(file, file.name, Variant("", width, height), QUALITY))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_what_a_camera_held_on_its_side_stands_upright(ending: str, orientation: int, tmp_path: Path) -> None:
    stored = corners()
    back = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    if orientation > 1:
        turn = back.get(orientation) or raster._TURNS[orientation]
        stored = stored.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = save(tmp_path / f"x.{ending}", stored, exif=exif)
    assert look(file, "x." + ending) == Dimensions(60, 40, is_still=True)
    image = made(file, 30, 20)
    assert image.size == (30, 20)
    assert [colour(image, x, y) for x, y in [(7, 5), (22, 5), (7, 15), (22, 15)]] == ["red", "green", "blue", "white"]


def test_webp_is_not_turned_since_browsers_do_not(tmp_path: Path) -> None:
    file = with_metadata(tmp_path / "x.webp", corners(), 6)
    assert look(file, "x.webp") == Dimensions(60, 40, is_still=True)
    assert colour(made(file, 30, 20), 22, 5) == "green"


@pytest.mark.parametrize("ending", ["jpg", "webp"])
def test_a_variant_keeps_the_profile_and_tells_nothing_else(ending: str, tmp_path: Path) -> None:
    file = with_metadata(tmp_path / f"x.{ending}", gradient(60, 40), 6)
    assert b"Secret Camera" in file.read_bytes()
    data = encoded(file, file.name, Variant("", 20, 30), QUALITY)
    image = opened(data)
    assert image.format == "WEBP"
    assert image.info.get("icc_profile") == srgb()
    assert not image.getexif()
    assert {"exif", "xmp", "comment"}.isdisjoint(image.info)
    assert b"ecret" not in data
    assert b"EXIF" not in data


def test_transparency_stays_and_its_edges_have_no_halo(tmp_path: Path) -> None:
    """Of a red disc on nothing, no pixel takes the colour of the nothing, which is black."""
    image = Image.new("RGBA", (80, 80), (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), (21, 21, 59, 59))
    small = made(save(tmp_path / "x.png", image), 40, 40)
    assert small.mode == "RGBA"
    assert small.getpixel((2, 2))[3] == 0  # type: ignore[index]
    assert small.getpixel((20, 20))[3] == 255  # type: ignore[index]
    seen = [pixel for pixel in small.get_flattened_data() if pixel[3] > 40]  # type: ignore[index]
    assert min(pixel[0] for pixel in seen) > 200  # type: ignore[index]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "RGB", "RGBA"])
def test_every_kind_of_png_is_shown_as_it_is(mode: str, tmp_path: Path) -> None:
    grey = Image.linear_gradient("L")
    wide = Image.frombytes("I;16", grey.size, b"".join(struct.pack("<H", 257 * value) for value in grey.tobytes()))
    image = wide if mode == "I;16" else grey.convert(mode)
    small = made(save(tmp_path / "x.png", image), 64, 64)
    assert small.mode == "RGB"  # opaque, whatever the mode could hold
    found = [small.getpixel((32, y))[0] for y in (4, 32, 60)]  # type: ignore[index]
    if mode != "1":
        assert [round(value / 50) for value in found] == [0, 3, 5]


def test_a_palette_s_transparent_colour_stays_transparent(tmp_path: Path) -> None:
    image = Image.new("P", (40, 40), 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.paste(1, (0, 0, 20, 40))
    small = made(save(tmp_path / "x.png", image, transparency=0), 20, 20)
    assert small.getpixel((15, 10))[3] == 0  # type: ignore[index]
    assert colour(small, 4, 10) == "red"


def test_print_colours_become_screen_colours(tmp_path: Path) -> None:
    file = save(tmp_path / "x.jpg", corners(mode="CMYK"))
    assert colour(made(file, 30, 20), 7, 5) == "red"


def test_a_profile_of_other_colours_is_not_kept(tmp_path: Path) -> None:
    """It would say something wrong of RGB."""
    for profile in (lab(), b"x" * 200):
        file = save(tmp_path / "x.jpg", corners(mode="L"), icc_profile=profile)
        assert "icc_profile" not in made(file, 30, 20).info


def test_an_animation_is_left_alone(tmp_path: Path) -> None:
    frames = [corners(), gradient(60, 40)]
    for ending in ("gif", "png", "webp"):
        file = save(tmp_path / f"x.{ending}", frames[0], save_all=True, append_images=frames[1:])
        assert look(file, file.name) == Dimensions(60, 40, is_still=False)
    assert not look(save(tmp_path / "y.gif", frames[0]), "y.gif").is_still


def test_the_second_picture_of_a_camera_s_file_is_no_animation(tmp_path: Path) -> None:
    file = save(tmp_path / "x.jpg", corners(), format="MPO", save_all=True, append_images=[gradient(60, 40)])
    assert look(file, "x.jpg").is_still
    assert colour(made(file, 30, 20), 7, 5) == "red"


def test_damage_in_what_a_camera_wrote_does_no_harm(tmp_path: Path) -> None:
    file = save(tmp_path / "x.jpg", corners(), exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert look(file, "x.jpg") == Dimensions(60, 40, is_still=True)
    assert made(file, 30, 20).size == (30, 20)


def says(file: Path, shown: str = "content/x.png") -> str:
    """What is said of a bad image, when it is looked at or when a variant is made."""

    def shrunk() -> None:
        found = look(file, shown)
        encoded(file, shown, Variant("", found.width // 2, found.height // 2), QUALITY)

    with pytest.raises(Problem) as caught:
        shrunk()
    assert caught.value.place is not None
    assert caught.value.place.file == shown
    assert caught.value.code is Exit.SITE
    return f"{caught.value.message}|{caught.value.hint}"


@pytest.mark.parametrize("left", [0, 1, 8, 20, 33, 40, 60, 200, 500])
@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "gif"])
def test_a_part_of_an_image_is_a_problem(ending: str, left: int, tmp_path: Path) -> None:
    file = save(tmp_path / "x", gradient(300, 200), format={"jpg": "jpeg"}.get(ending, ending))
    data = file.read_bytes()
    assert len(data) > 500
    file.write_bytes(data[:left])
    words = says(file, f"content/x.{ending}")
    assert "is damaged" in words or "or nothing that can be read is left of it" in words


def test_a_flipped_bit_is_a_problem_or_seen_past_but_never_a_traceback(tmp_path: Path) -> None:
    for ending in ("jpeg", "png", "webp", "gif"):
        data = save(tmp_path / "x", gradient(60, 40), format=ending).read_bytes()
        for at in range(0, min(len(data), 400), 3):
            (tmp_path / "y").write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
            try:
                look(tmp_path / "y", f"y.{ending}")
                assert encoded(tmp_path / "y", f"y.{ending}", Variant("", 30, 20), QUALITY)
            except Problem as problem:
                assert problem.place  # noqa: PT017 - many flips are seen past


def test_text_and_pointers_are_no_images(tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    file.write_text("Hello")
    assert says(file).startswith("this is no PNG image")
    file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    assert says(file) == "this is a pointer of Git LFS, not the image itself|run: git lfs pull"


def test_an_ending_that_lies_is_a_doubt(tmp_path: Path) -> None:
    file = save(tmp_path / "x", corners(), format="jpeg")
    ((message, hint),) = look(file, "content/a.b.PNG").doubts
    assert message == 'this is a JPEG image, though its name ends in ".PNG"'
    assert hint.startswith('call it "a.b.jpg": ')
    assert not look(file, "content/a.jpeg").doubts
    assert not look(file, "content/favicon.ico").doubts


def test_an_image_of_too_many_pixels_is_not_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(bomb(50_000, 50_000))
    assert "50000 × 50000 pixels takes 12.50 GB of memory, and no more than 512.00 MB is given" in says(file)
    file.write_bytes(bomb(2**31 - 1, 2**31 - 1))
    assert "GB of memory" in says(file)
    file.write_bytes(bomb(10_000, 10_000))
    assert look(file, "x.png") == Dimensions(10_000, 10_000, is_still=True)


def test_a_file_that_may_not_be_read_is_the_machine_s_fault(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="can't read") as caught:
        look(tmp_path / "gone.png", "gone.png")
    assert caught.value.code is Exit.MACHINE


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the encoder uses floating point")
def test_other_bytes_ask_for_another_name(tmp_path: Path) -> None:
    """If this fails, variants have other bytes than before: raise RECIPE, so that no browser shows the old ones."""
    image = gradient(300, 200)
    image.putalpha(Image.radial_gradient("L").resize((300, 200)))
    whole = hashlib.sha256()
    for file in (save(tmp_path / "x.png", image), save(tmp_path / "x.jpg", gradient(300, 200), quality=80)):
        whole.update(encoded(file, file.name, Variant("", 120, 80), QUALITY))
    assert (RECIPE, whole.hexdigest()[:16]) == (1, "aa7ad3b3bdbe97d4")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1", "I;16", "LA"])
def test_what_is_worked_on_takes_no_more_memory_than_was_reckoned(mode: str, tmp_path: Path) -> None:
    """In a process of its own, whose peak is the image's."""
    file = tmp_path / "x.png"
    Image.new(mode, (4000, 3000)).save(file, compress_level=1)
    script = (
        "import resource, sys; from pathlib import Path; from ssg.images import raster, variants\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\n"
        "file = Path(sys.argv[1]); variant = variants.Variant('x', 400, 300)\n"
        "small = file.with_name('small.png'); before = raster.Image.open(file); mode = before.mode; before.close()\n"
        "raster.Image.new(mode, (40, 30)).save(small); raster.encoded(small, 'x.png', variant, 78); idle = peak()\n"
        "raster.encoded(file, 'x.png', variant, 78); used = peak() - idle\n"
        "raster.MEMORY = 1\n"
        "try: raster.look(file, 'x.png')\n"
        "except Exception as problem: print(used, problem.message)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(file)], capture_output=True, text=True, check=True)
    used, _, said = done.stdout.partition(" ")
    reckoned = float(re.search(r"takes ([0-9.]+) MB", said)[1]) * 1e6
    assert int(used) < reckoned * 1.2 + 8e6
