"""What an <img> is given besides its own attributes, and what of the author's own stays."""

import pytest

from ssg.images.variants import Picture, Variant
from ssg.rendering.bodies.pictures import fitted, measured

SMALL = Picture(1000, 750, (Variant("assets/p-480.a.webp", 480, 360), Variant("assets/p-800.b.webp", 800, 600)))
SRCSET = 'srcset="/b/assets/p-480.a.webp 480w, /b/assets/p-800.b.webp 800w"'
LAZY = 'loading="lazy" decoding="async"'


def fit(own: dict[str, str] | None = None, picture: Picture | None = SMALL, *, is_late: bool = False) -> str:
    return fitted(own or {}, picture, lambda path: f"/b{path}", "50vw", is_late=is_late)


def test_the_first_image_comes_at_once_and_the_others_when_they_are_near() -> None:
    assert fit() == f' width="1000" height="750" {SRCSET} sizes="50vw"'
    assert fit(is_late=True) == f' {LAZY} width="1000" height="750" {SRCSET} sizes="auto, 50vw"'


def test_an_image_without_variants_has_its_size_and_another_file_nothing() -> None:
    assert fit(picture=Picture(30, 20, ())) == ' width="30" height="20"'
    assert fit(picture=None) == ""
    assert fit(picture=None, is_late=True) == f" {LAZY}"


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({"width": "300"}, f'height="225" {SRCSET} sizes="(max-width: 300px) 100vw, 300px"'),
        ({"height": "75"}, f'width="100" {SRCSET} sizes="50vw"'),
        ({"width": "50%"}, f'{SRCSET} sizes="50vw"'),
        ({"width": "30", "height": "30"}, f'{SRCSET} sizes="(max-width: 30px) 100vw, 30px"'),
        ({"sizes": "10em"}, f'width="1000" height="750" {SRCSET}'),
        ({"srcset": ""}, 'width="1000" height="750"'),
        ({"loading": "lazy"}, f'width="1000" height="750" {SRCSET} sizes="auto, 50vw"'),
    ],
)
def test_what_the_author_wrote_stays(own: dict[str, str], expected: str) -> None:
    assert fit(own) == f" {expected}"


def test_an_author_s_word_on_loading_counts() -> None:
    assert 'loading="lazy"' not in fit({"loading": "eager"}, is_late=True)
    assert fit({"decoding": "sync"}, None, is_late=True) == ' loading="lazy"'


def test_a_feed_s_images_have_their_size_alone() -> None:
    assert measured({}, (1000, 750)) == ' width="1000" height="750"'
    assert measured({"width": "100"}, (1000, 750)) == ' height="75"'
    assert measured({}, None) == ""
