"""Which variants an image gives and what they are called: known before any is made."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealpress.config.settings import ImagesSettings
from sealpress.tree.tree import CacheClass, cache_class, media_type
from ssg.images.variants import HIGHEST, Dimensions, Variant, format_of, picture, widths

DEFAULT = ImagesSettings()
SHA256 = hashlib.sha256(b"an image").hexdigest()


def variants(
    source: str = "content/photo.jpg",
    width: int = 1000,
    height: int = 750,
    sha256: str = SHA256,
    settings: ImagesSettings = DEFAULT,
    pillow: str = "13.0.0",
) -> tuple[Variant, ...]:
    return picture(source, sha256, Dimensions(width, height, is_still=True), settings, pillow).variants


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (1, ()),
        (480, ()),  # as small as the smallest would be
        (481, (480, 481)),
        (1000, (480, 800, 1000)),
        (1200, (480, 800, 1200)),
        (1600, (480, 800, 1200, 1600)),
        (9000, (480, 800, 1200, 1600)),
    ],
)
def test_widths_go_up_to_the_image_s_own_and_never_beyond(width: int, expected: tuple[int, ...]) -> None:
    assert widths(Dimensions(width, 10, is_still=True), DEFAULT.widths) == expected


def test_an_animation_and_a_site_without_widths_have_none() -> None:
    assert widths(Dimensions(1000, 10, is_still=False), DEFAULT.widths) == ()
    assert widths(Dimensions(1000, 10, is_still=True), ()) == ()


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.lists(st.integers(16, 8192), min_size=1, max_size=6))
def test_proportions_stay_and_every_variant_can_be_encoded(width: int, height: int, wanted: list[int]) -> None:
    settings = ImagesSettings(widths=tuple(sorted(set(wanted))))
    for one in variants(width=width, height=height, settings=settings):
        assert 1 <= one.width <= min(width, settings.widths[-1])
        assert 1 <= one.height <= min(height, HIGHEST)
        assert abs(one.height - height * one.width / width) <= max(0.5, 1 - height * one.width / width)


def test_a_name_is_kept_for_ever_by_browsers_and_served_as_webp() -> None:
    for number in range(200):
        for one in variants(sha256=hashlib.sha256(str(number).encode()).hexdigest()):
            assert cache_class(one.output) is CacheClass.IMMUTABLE, one
            assert media_type(one.output) == "image/webp"


def test_a_name_changes_with_all_that_the_bytes_depend_on() -> None:
    names = {
        variants()[0].output,
        variants(sha256="0" * 64)[0].output,
        variants(pillow="13.0.1")[0].output,
        variants(settings=ImagesSettings(quality=79))[0].output,
        variants()[1].output,
    }
    assert len(names) == 5


def test_a_name_does_not_change_with_the_folder_or_with_other_widths() -> None:
    again = variants("content/en/deep/photo.JPEG", settings=ImagesSettings(widths=(480, 600)))
    assert again[0] == variants()[0]


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("IMG_2041.JPG", "img-2041"),
        ("a b.c.png", "a-b-c"),
        ("été.jpg", "t"),
        ("фото.png", "image"),
        ("..png", "image"),
        ("a" * 300 + ".png", "a" * 60),
        ('"><script>.png', "script"),
    ],
)
def test_a_name_is_safe_in_every_url_and_on_every_disk(name: str, stem: str) -> None:
    found = variants(f"content/{name}")[0].output
    assert found.startswith(f"assets/{stem}-480.")


def test_images_are_looked_at_by_their_endings() -> None:
    endings = ("jpg", "JPEG", "png", "webp", "gif", "avif", "bmp", "ico", "SVG")
    assert [format_of(f"x.{ending}") for ending in endings] == ["JPEG", *(ending.upper() for ending in endings[1:])]
    assert not any(format_of(name) for name in ("x.svgz", "x.heic", "x.md", "jpg", ".png", "x.jpg.txt"))
