"""What a real browser makes of a page's images: it takes a variant that fits, and keeps their proportions."""

import functools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from ssg.build.result import Built
from ssg.images.raster import look
from tests.browser.chromium import visit
from tests.browser.serving import served
from tests.ssg.blogs import Blog
from tests.ssg.images.pictures import gradient, save, with_metadata

pytestmark = pytest.mark.xdist_group("browser")

SEEN = """
<script>
addEventListener("load", () => setTimeout(() => {
  for (const one of document.images)
    one.dataset.seen = [new URL(one.currentSrc).pathname, one.clientWidth, one.clientHeight].join(" ")
}, 1000))
</script>
"""


NATURAL = """
<script>
addEventListener("load", () => {
  for (const one of document.images) one.dataset.seen = `${one.naturalWidth} ${one.naturalHeight}`
})
</script>
"""


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

    with served(functools.partial(Quiet, directory=folder)) as port:
        yield port


@pytest.mark.parametrize("ending", ["jpg", "png", "webp"])
def test_sizes_are_those_that_a_browser_sees(ending: str, browser: str, tmp_path: Path) -> None:
    """Whatever the camera said of how it was held."""
    expected = {}
    for orientation in range(1, 9):
        name = f"{orientation}.{ending}"
        found = look(with_metadata(tmp_path / name, gradient(60, 40), orientation), name)
        expected[name] = f"{found.width} {found.height}"
    page = "".join(f"<img src={name}>" for name in expected)
    (tmp_path / "index.html").write_text(f"<!doctype html>{page}{NATURAL}", encoding="utf-8")
    with serving(tmp_path) as port:
        dom = visit(browser, f"http://127.0.0.1:{port}/").dom
    assert dict(re.findall('src="([^"]*)" data-seen="([^"]*)"', dom)) == expected


def test_a_browser_takes_the_variant_that_fits_and_shows_it_upright(browser: str, tmp_path: Path) -> None:
    """The window is 800 pixels wide, the text less. No image twice: a browser shows what it has in memory already."""
    blog = Blog(tmp_path)
    for name in ("lake", "pond"):
        with_metadata(blog.root / f"content/{name}.jpg", gradient(1200, 1800), 6)
    save(blog.root / "content/tall.png", gradient(900, 1800))
    save(blog.root / "content/dot.png", gradient(40, 30))
    blog.page("about.md", f"![1](lake.jpg)\n\n![2](tall.png) ![3](pond.jpg){{width=300}} ![4](dot.png)\n{SEEN}")
    assert isinstance(blog.built(), Built)
    with serving(blog.output) as port:
        dom = visit(browser, f"http://127.0.0.1:{port}/about/").dom
    found = [seen.split() for seen in re.findall('data-seen="([^"]*)"', dom)]
    assert len(found) == 4, dom
    names = [re.sub(r"\.[0-9a-f]{12}\.", ".", path) for path, *_ in found]
    (_, wide, high), (_, narrow, tall), (_, small, low), (_, *dot) = (
        (path, *map(int, sizes)) for path, *sizes in found
    )
    assert names == ["/assets/lake-800.webp", "/assets/tall-800.webp", "/assets/pond-480.webp", "/dot.png"]
    assert narrow == wide < 800
    assert abs(wide / high - 1800 / 1200) < 0.01
    assert abs(narrow / tall - 900 / 1800) < 0.01
    assert (small, low) == (300, 200)
    assert dot == [40, 30]
