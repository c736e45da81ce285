"""What images and rendering warn of is told by every build alike: clean or not, by one process or by several."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sealpress.processes import workers
from ssg.build.build import build
from ssg.build.inputs import Request
from ssg.build.result import Built
from ssg.rendering import unsafe_values
from tests.ssg.blogs import Blog, told, tried
from tests.ssg.images.pictures import gradient, save

pytestmark = pytest.mark.long

TEMPLATE = "<!doctype html><html lang={{ lang.tag }}><title>{{ page.title }}</title>{{ page.content }}</html>"
NO_DOCTYPE = "pages of this template don't begin with <!doctype html>"
NO_TITLE = "pages of this template don't have a <title>"
NO_LANGUAGE = "pages of this template don't say their language"
LIE = 'this is a JPEG image, though its name ends in ".png"'


@pytest.fixture(params=[1, 2])
def blog(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Blog:
    monkeypatch.setattr(workers, "ALONE", 2)
    made = Blog(tmp_path, workers=request.param)
    made.page("index.md", "Home.")
    for name in "ab":
        made.page(f"posts/{name}.md", "Post.")
    made.write("templates/post.html", TEMPLATE)
    return made


def warned(blog: Blog) -> list[tuple[str, str]]:
    """Place and message of each warning, which the next build and a clean one tell, too."""
    built = blog.built()
    assert isinstance(built, Built), built
    assert told(blog.built()) == told(built) == told(blog.clean())
    return [(str(one.place), one.message) for one in built.warnings]


def test_what_a_template_lacks_is_told_once_and_as_long_as_it_does(blog: Blog) -> None:
    assert warned(blog) == []
    blog.write("templates/post.html", TEMPLATE.replace("<!doctype html>", ""))
    expected = [("templates/post.html", NO_DOCTYPE)]
    assert warned(blog) == expected
    blog.body("posts/a.md", "Edited: one of its pages is made anew, the other isn't.")
    assert warned(blog) == expected
    blog.page("about.md", "A page of another template.")
    assert warned(blog) == expected
    (blog.root / "content/posts/a.md").unlink()
    assert warned(blog) == expected
    blog.write("templates/post.html", TEMPLATE)
    assert warned(blog) == []


def test_a_warning_of_rendering_is_told_into_another_folder_and_where_the_store_has_the_page(blog: Blog) -> None:
    blog.write("templates/post.html", TEMPLATE.replace("<title>", "<b>").replace("</title>", "</b>"))
    expected = [("templates/post.html", NO_TITLE)]
    assert warned(blog) == expected
    blog.place = "other"
    assert warned(blog) == expected
    blog.write("templates/post.html", TEMPLATE)
    assert warned(blog) == []
    blog.write("templates/post.html", TEMPLATE.replace("<title>", "<b>").replace("</title>", "</b>"))
    assert warned(blog) == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (b"<html lang=en><title>x</title>", [NO_DOCTYPE]),
        (b"<!-- x -->\n<!DOCTYPE HTML>\n<HTML LANG='en'><TITLE>x</TITLE>", []),
        (b"x<!doctype html><html lang=en><title>x</title>", [NO_DOCTYPE]),
        (b"<!doctype html><html><title> </title>", [NO_TITLE, NO_LANGUAGE]),
        (b'<!doctype html><html data-x lang=""><title>x</title>', [NO_LANGUAGE]),
        (b"<li>a part of a page</li>", []),
        (b"<htmlx>", []),
    ],
)
def test_what_a_whole_page_needs(html: bytes, expected: list[str]) -> None:
    assert [one.message for one in unsafe_values.doubts(html, "x.html")] == expected


def test_an_image_of_another_format_than_its_ending_says_is_told_and_shown(blog: Blog) -> None:
    save(blog.root / "content/posts/x.png", gradient(900, 600), format="jpeg")
    blog.page("posts/a.md", "![x](x.png)")
    expected = [("content/posts/x.png", LIE)]
    assert warned(blog) == expected
    assert 'width="900" height="600"' in (blog.output / "posts/a/index.html").read_text("utf-8")
    blog.body("posts/b.md", "Nothing of images changes.")
    assert warned(blog) == expected
    save(blog.root / "content/posts/y.jpg", gradient(90, 60))
    assert warned(blog) == expected
    save(blog.root / "content/posts/x.png", gradient(900, 600))
    assert warned(blog) == []
    save(blog.root / "content/posts/x.png", gradient(900, 600), format="jpeg")  # which the store knows
    assert warned(blog) == expected
    (blog.root / "content/posts/x.png").unlink()
    blog.page("posts/a.md", "No image.")
    assert warned(blog) == []


def lie(blog: Blog) -> None:
    save(blog.root / "content/x.png", gradient(90, 60), format="jpeg")


def bare(blog: Blog) -> None:
    blog.write("templates/post.html", TEMPLATE.replace("<!doctype html>", ""))


@pytest.mark.parametrize("make", [lie, bare])
def test_where_a_build_is_strict_it_stops_with_nothing_put_in_place(make: Callable[[Blog], None], blog: Blog) -> None:
    make(blog)
    request = blog.request(blog.output, blog.store, blog.workers)
    strict = Request(request.site, blog.output, in_git=False, store=blog.store, workers=blog.workers, strict=True)
    for _ in range(2):
        stopped = tried(lambda: build(strict))
        assert isinstance(stopped, list), stopped
        assert not (blog.output / "index.html").exists()
    assert len(warned(blog)) == 1
    assert tried(lambda: build(strict)) == stopped  # which finds nothing changed
