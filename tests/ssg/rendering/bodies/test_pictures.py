"""The img tags of a body: what is added, and what of the author's own stays."""

import pytest

from ssg.images.variants import Picture, Size, Variant
from ssg.markup.text.converted import link_marker
from ssg.rendering.bodies.pictures import fitted, measured

SMALL = Picture(1000, 750, (Variant("assets/p-480.a.webp", 480, 360), Variant("assets/p-800.b.webp", 800, 600)))
SRCSET = 'srcset="/b/assets/p-480.a.webp 480w, /b/assets/p-800.b.webp 800w"'
LAZY = 'loading="lazy" decoding="async"'


def img(number: int, rest: str = "") -> str:
    return f'<img alt="" src="{link_marker(number)}"{rest}>'


def known(number: int) -> Picture | None:
    """Of the links 0 and 1 an image, of 2 one without variants, of 3 none."""
    return {0: SMALL, 1: SMALL, 2: Picture(30, 20, ())}.get(number)


def size(number: int) -> Size | None:
    found = known(number)
    return (found.width, found.height) if found else None


def fit(html: str, eager: int = 1) -> str:
    return fitted(html, known, lambda path: f"/b{path}", "50vw", eager)


def test_the_first_image_comes_at_once_and_the_others_when_they_are_near() -> None:
    assert fit(f"<p>{img(0)} {img(1)}</p>") == (
        f'<p><img width="1000" height="750" {SRCSET} sizes="50vw" {img(0)[5:]} '
        f'<img {LAZY} width="1000" height="750" {SRCSET} sizes="auto, 50vw" {img(1)[5:]}</p>'
    )


def test_in_a_summary_all_may_wait() -> None:
    assert fit(img(0), eager=0).startswith(f"<img {LAZY} ")


def test_an_image_without_variants_has_its_size_and_another_file_nothing() -> None:
    assert fit(img(2)) == f'<img width="30" height="20" {img(2)[5:]}'
    assert fit(img(3)) == img(3)
    assert fit(img(3), eager=0) == f"<img {LAZY} {img(3)[5:]}"


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (' width="300"', f'height="225" {SRCSET} sizes="(max-width: 300px) 100vw, 300px"'),
        (' height="75"', f'width="100" {SRCSET} sizes="50vw"'),
        (' WIDTH="50%"', f'{SRCSET} sizes="50vw"'),
        (' width="30" height="30"', f'{SRCSET} sizes="(max-width: 30px) 100vw, 30px"'),
        (' sizes="10em"', f'width="1000" height="750" {SRCSET}'),
        (' srcset="mine.png 2x"', 'width="1000" height="750"'),
        (' loading="lazy"', f'width="1000" height="750" {SRCSET} sizes="auto, 50vw"'),
    ],
)
def test_what_the_author_wrote_stays(own: str, expected: str) -> None:
    assert fit(img(0, own)) == f"<img {expected} {img(0, own)[5:]}"


def test_an_author_s_word_on_loading_counts() -> None:
    assert 'loading="lazy"' not in fit(img(0, ' loading="eager"'), eager=0)
    assert fit(img(3, ' decoding="sync"'), eager=0) == f'<img loading="lazy" {img(3)[5:-1]} decoding="sync">'


def test_what_leads_elsewhere_is_left_alone() -> None:
    for html in (
        '<img src="https://e.example/x.png">',
        "<!-- <img src='x.png'> -->",
        f'<a href="{link_marker(0)}">x</a>',
        f'<video poster="{link_marker(0)}"></video>',
        f'<picture><source srcset="{link_marker(0)}"></picture>',
    ):
        assert fit(html, eager=0) == html
        assert measured(html, size) == html


def test_a_feed_s_images_have_their_size_alone() -> None:
    assert measured(img(0) + img(0), size) == f'<img width="1000" height="750" {img(0)[5:]}' * 2
    assert measured(img(3), size) == img(3)
