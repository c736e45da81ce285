"""What is wrong with an image is told where a page shows it: once, at the first place, with the image's name."""

from pathlib import Path

import pytest

from ssg.build.result import Built
from tests.ssg.blogs import Blog
from tests.ssg.images.pictures import gradient, save

NO_IMAGE = 'this is no PNG image, or nothing that can be read is left of it: "content/posts/bad.png"'


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    made = Blog(tmp_path)
    made.page("index.md", "Home.")
    made.page("posts/a.md", "A.")
    made.write("content/posts/bad.png", "no image")
    return made


def told(blog: Blog) -> list[tuple[str, str]]:
    """Message and place of what stops a build, which is the same for a clean one."""
    result = blog.built()
    assert isinstance(result, list), result
    assert blog.clean() == result
    return [(message, str(place)) for message, place, *_ in result]  # type: ignore[misc, has-type]


@pytest.mark.parametrize(
    ("body", "params", "place"),
    [
        ("![x](bad.png)", "", "content/posts/a.md:7:6"),
        ("[x](bad.png)", "", "content/posts/a.md:7:5"),
        ("[![x](bad.png)](/)", "", "content/posts/a.md:7:7"),
        ("![x][r]\n\n[r]: bad.png", "", "content/posts/a.md:9:6"),
        ("![x](/posts/bad.png)\n\n![x](./bad.png)", "", "content/posts/a.md:7:6"),
        ('<p><img alt="" src="bad.png"></p>', "", "content/posts/a.md:7:21"),
        ('<picture><source srcset="bad.png 2x"></picture>', "", "content/posts/a.md:7:26"),
        ("Text.", "{cover: bad.png}", "content/posts/a.md:5:17"),
        ("![x](bad.png)", "{cover: {image: /posts/bad.png}}", "content/posts/a.md:5:25"),
        ("Text.", "{images: [x, https://t.example.org/posts/bad.png]}", "content/posts/a.md:5:22"),
        ("Text.", "", "content/posts/bad.png"),
    ],
)
def test_it_is_told_where_the_page_names_it(body: str, params: str, place: str, blog: Blog) -> None:
    blog.page("posts/a.md", body, params=params or "{}")
    message = NO_IMAGE if "a.md" in place else NO_IMAGE.partition(": ")[0]
    assert told(blog) == [(message, place)]


def test_it_is_told_once_and_at_the_first_page(blog: Blog) -> None:
    for name in ("c", "b"):
        blog.page(f"posts/{name}.md", "![x](bad.png)\n\n![x](bad.png)")
    blog.page("posts/z/index.md", "![x](../bad.png)", date="2026-01-01")
    assert told(blog) == [(NO_IMAGE, "content/posts/b.md:6:6")]


@pytest.mark.parametrize("workers", [1, 2])
def test_one_that_comes_later_is_told_as_in_a_clean_build(workers: int, blog: Blog) -> None:
    (blog.root / "content/posts/bad.png").unlink()
    blog.workers = workers
    assert isinstance(blog.built(), Built)
    blog.write("content/posts/bad.png", "no image")
    assert told(blog) == [(NO_IMAGE.partition(": ")[0], "content/posts/bad.png")]
    blog.page("posts/b.md", "![x](bad.png)")
    assert told(blog) == [(NO_IMAGE, "content/posts/b.md:6:6")]


@pytest.mark.parametrize("workers", [1, 2])
def test_damage_that_only_a_decoder_sees_is_told_there_too(workers: int, blog: Blog) -> None:
    (blog.root / "content/posts/bad.png").unlink()
    blog.workers = workers
    blog.page("posts/b.md", "![x](noise.png)")
    save(blog.root / "content/posts/noise.png", gradient(900, 900))
    assert isinstance(blog.built(), Built)
    file = blog.root / "content/posts/noise.png"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 255
    file.write_bytes(bytes(data))
    message = 'this image is damaged, or only a part of it is there: "content/posts/noise.png"'
    assert told(blog) == [(message, "content/posts/b.md:6:6")]


def test_a_drawing_is_told_with_its_own_line(blog: Blog) -> None:
    (blog.root / "content/posts/bad.png").unlink()
    blog.write("content/x.svg", '<svg xmlns="http://www.w3.org/2000/svg">\n  <g>\n</svg>\n')
    blog.page("about.md", "![x](x.svg)")
    message = 'this SVG image is not well formed: mismatched tag: "content/x.svg:3:3"'
    assert told(blog) == [(message, "content/about.md:4:6")]
