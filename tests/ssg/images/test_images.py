"""Images in a whole build: pages offer their variants, all that is offered is there, and nothing else can change it."""

import html
import re
import time
from pathlib import Path

import pytest

from sealpress import tools
from sealpress.processes import workers as pool
from sealpress.tree import provenance
from sealpress.tree.tree import CacheClass
from ssg.build.build import build
from ssg.build.result import Built
from tests.ssg.blogs import HEAD, Blog, files, told
from tests.ssg.images.pictures import corners, gradient, opened, save, with_metadata
from tests.ssg.test_startup import SETTLED, loaded

pytestmark = pytest.mark.long

WIDTHS = [20, 40]


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    """A post in a bundle with a photograph, and a page with a small image, a drawing and the photograph's twin."""
    blog = Blog(tmp_path)
    blog.set("images", "widths", WIDTHS)
    blog.page(
        "posts/trip/index.md", "![The lake](lake.jpg)\n\nText.\n\n![Again](lake.jpg)\n\n![A dot](dot.png)", **HEAD
    )
    blog.page("posts/trip/index.fr.md", "![Le lac](lake.jpg)", **HEAD)
    blog.page("about.md", "![Drawing](me.svg) ![Lake](lake.jpg) [large](posts/trip/lake.jpg) ![Logo](/logo.png)")
    with_metadata(blog.root / "content/posts/trip/lake.jpg", gradient(60, 90), 6)
    (blog.root / "content/lake.jpg").write_bytes((blog.root / "content/posts/trip/lake.jpg").read_bytes())
    save(blog.root / "content/posts/trip/dot.png", corners(10, 10))
    save(blog.root / "static/logo.png", corners(100, 100))
    blog.write("content/me.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>")
    return blog


def images(blog: Blog, page: str) -> list[str]:
    return re.findall("<img[^>]*>", (blog.output / page).read_text("utf-8"))


def variants(root: Path) -> list[str]:
    return sorted(path for path in files(root) if path.endswith(".webp"))


def done(blog: Blog) -> Built:
    built = blog.built()
    assert isinstance(built, Built), built
    return built


def test_a_page_offers_variants_that_are_there_and_are_as_wide_as_it_says(blog: Blog) -> None:
    built = done(blog)
    first, again, dot = images(blog, "posts/trip/index.html")
    assert ' alt="The lake"' in first
    assert ' width="90" height="60"' in first  # as it is shown
    assert 'sizes="100vw"' in first
    assert "lazy" not in first
    assert all(words in again for words in ('loading="lazy"', 'decoding="async"', 'sizes="auto, 100vw"'))
    assert dot == ('<img loading="lazy" decoding="async" width="10" height="10" alt="A dot" src="/posts/trip/dot.png">')
    srcset = re.findall(r"([^ ,]+) ([0-9]+)w", re.findall('srcset="([^"]*)"', first)[0])
    assert [int(width) for _, width in srcset] == WIDTHS
    for url, width in srcset:
        data = (blog.output / url.removeprefix("/")).read_bytes()
        assert opened(data).size == (int(width), round(int(width) * 60 / 90))
        assert b"Secret" not in data
    cached = {entry.path: entry for entry in built.tree.entries}
    assert all(cached[path].cache is CacheClass.IMMUTABLE for path in variants(blog.output))
    assert all(cached[path].media_type == "image/webp" for path in variants(blog.output))


def test_two_pages_and_two_copies_of_one_image_share_its_variants(blog: Blog) -> None:
    done(blog)
    assert len(variants(blog.output)) == len(WIDTHS)
    for page in ("posts/trip/index.html", "fr/posts/trip/index.html", "about/index.html"):
        assert any(f"/{variants(blog.output)[0]} " in image for image in images(blog, page))


def test_a_drawing_has_its_size_in_pages_and_in_feeds_and_an_own_one_stays(blog: Blog) -> None:
    blog.write("content/posts/trip/me.svg", "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 30 20'/>")
    text = "![A](me.svg) ![B](me.svg){width=60} ![C](me.svg){width=7 height=9}"
    blog.page("posts/trip/index.md", text, **HEAD)
    done(blog)
    first, second, third = images(blog, "posts/trip/index.html")
    assert first == '<img width="30" height="20" alt="A" src="/posts/trip/me.svg">'
    assert ' height="40"' in second
    assert ' width="60"' in second
    assert ' width="7"' in third
    assert ' height="9"' in third
    assert 'width="30" height="20" alt="A"' in html.unescape((blog.output / "feed.xml").read_text("utf-8"))
    blog.write("content/posts/trip/me.svg", "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 30 10'/>")
    done(blog)
    assert 'width="30" height="10"' in images(blog, "posts/trip/index.html")[0]


def test_drawings_without_a_size_and_static_files_are_left_as_they_are(blog: Blog) -> None:
    done(blog)
    drawing, _, logo = images(blog, "about/index.html")
    assert drawing == '<img alt="Drawing" src="/me.svg">'
    assert 'src="/logo.png"' in logo
    assert "srcset" not in logo
    assert not any("logo" in path for path in variants(blog.output))


def test_a_feed_has_the_original_by_its_whole_url_and_its_size(blog: Blog) -> None:
    done(blog)
    text = html.unescape((blog.output / "feed.xml").read_text("utf-8"))
    assert '<img width="90" height="60" alt="The lake" src="https://t.example.org/posts/trip/lake.jpg">' in text
    assert "srcset" not in text
    assert "lazy" not in text


def test_without_widths_images_have_their_size_alone(blog: Blog) -> None:
    blog.set("images", "widths", [])
    done(blog)
    assert variants(blog.output) == []
    assert ' width="90" height="60"' in images(blog, "posts/trip/index.html")[0]


def test_addresses_lie_below_the_site_s_own_path(blog: Blog) -> None:
    blog.set("site", "url", "https://t.example.org/sub/")
    done(blog)
    assert 'srcset="/sub/assets/lake-20.' in images(blog, "posts/trip/index.html")[0]


@pytest.mark.parametrize("store", ["none", "empty", "warm"])
@pytest.mark.parametrize("workers", [1, 2, 8])
def test_workers_and_store_reach_no_byte(workers: int, store: str, blog: Blog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "ALONE", 2)
    for number in range(6):
        save(blog.root / f"content/posts/trip/more{number}.png", gradient(50 + number, 50))
    clean = told(blog.clean())
    if store == "warm":
        done(blog)
    folder = None if store == "none" else blog.store
    built = build(blog.request(blog.folder / "other", folder, workers))
    assert told(built) == clean
    assert files(blog.folder / "other") == files(blog.folder / "clean")


def test_the_version_of_pillow_is_a_part_of_names_of_the_build_and_of_the_seal(
    blog: Blog, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(blog)
    before = variants(blog.output)
    assert "pillow" in tools.TREE
    assert "pillow" in provenance.tools()
    real = tools._installed
    monkeypatch.setattr(tools, "_installed", lambda: [*real(), ("pillow", "99.0")])
    assert done(blog).made == len(files(blog.output))
    assert {*variants(blog.output)}.isdisjoint(before)


def test_an_image_is_made_only_once_for_all_builds(blog: Blog, monkeypatch: pytest.MonkeyPatch) -> None:
    done(blog)
    from ssg.images import raster

    monkeypatch.setattr(raster, "encoded", lambda *_: pytest.fail("made again"))
    monkeypatch.setattr(raster, "look", lambda *_: pytest.fail("looked at again"))
    build(blog.request(blog.folder / "elsewhere", blog.store))
    assert files(blog.folder / "elsewhere") == files(blog.output)


@pytest.mark.parametrize("edit", ["nothing", "body", "title"])
def test_pillow_is_loaded_only_for_a_new_image(edit: str, blog: Blog) -> None:
    time.sleep(SETTLED)
    arguments = ["build", "--dirty", "-o", str(blog.output)]
    assert "PIL" in loaded("ssg", *arguments, folder=blog.root)
    match edit:
        case "body":
            blog.body("posts/trip/index.md", "Edited. ![The lake](lake.jpg)")
        case "title":
            blog.page("posts/trip/index.md", "![The lake](lake.jpg)", **HEAD, title="Another")
    assert "PIL" not in loaded("ssg", *arguments, folder=blog.root)


def test_a_site_without_images_never_loads_pillow(tmp_path: Path) -> None:
    blog = Blog(tmp_path)
    blog.page("about.md", "About.")
    assert "PIL" not in loaded("ssg", "build", folder=blog.root)


def test_a_damaged_image_among_good_ones_is_one_problem(blog: Blog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "ALONE", 2)
    file = blog.root / "content/posts/trip/lake.jpg"
    file.write_bytes(file.read_bytes()[:-200])
    for workers in (1, 4):
        blog.workers = workers
        problems = blog.built()
        assert isinstance(problems, list)
        assert [(message, place.file) for message, place, *_ in problems] == [  # type: ignore[misc, has-type]
            (
                'this image is damaged, or only a part of it is there: "content/posts/trip/lake.jpg"',
                "content/about.md",
            )
        ]
        assert not blog.output.exists()
    assert blog.clean() == problems


def test_a_request_for_a_variant_s_own_path_is_checked(blog: Blog) -> None:
    """An author may link to one, as to any path of the site; when its name changes, the link is dead and is told of."""
    done(blog)
    (path, *_) = variants(blog.output)
    blog.page("docs.md", f"[small](/{path})")
    done(blog)
    save(blog.root / "content/lake.jpg", gradient(70, 70))
    save(blog.root / "content/posts/trip/lake.jpg", gradient(70, 70))
    problems = blog.built()
    assert isinstance(problems, list)
    assert problems == blog.clean()
    assert f'nothing on the site is at "/{path}"' in str(problems)
