"""`ssg why` of images: of an original, of its smaller ones, of the pages that show it."""

from pathlib import Path

import pytest

from sealpress import VERSION, tools
from ssg.build.stale import NEW
from ssg.explain.why import Use
from tests.ssg.explain.whys import SITE, begun, made, part, post, shown, why, write
from tests.ssg.images.pictures import corners, gradient, save


@pytest.fixture
def pictured(tmp_path: Path) -> Path:
    """The post in the middle shows an image, the late one links to it."""
    blog = begun(tmp_path)
    save(blog / "content/posts/p.png", gradient(60, 40))
    write(blog, "content/posts/middle.md", post("Middle", 2, "![P](p.png)"))
    write(blog, "content/posts/late.md", post("Late", 3, "[P](p.png)"))
    write(blog, "site.toml", f"{SITE}[images]\nwidths = [20, 40]\n")
    made(blog)
    return blog


def variants(root: Path) -> list[str]:
    return sorted(file.relative_to(root / "public").as_posix() for file in root.glob("public/assets/p-*"))


def test_a_variant_names_its_image_and_what_made_it(pictured: Path) -> None:
    found = shown(pictured, variants(pictured)[0])
    assert found[1].startswith("a variant of content/posts/p.png, 20 px wide, ")
    assert "Source: content/posts/p.png" in found
    assert part(found, "Settings") == ["[images] quality"]
    assert part(found, "Tools") == [f"sealpress {VERSION}, pillow {tools.of_tree()['pillow']}"]
    assert part(found, "Last made anew because") == [NEW]


def test_an_image_names_its_copy_its_variants_and_the_pages_that_show_it(pictured: Path) -> None:
    found = why(pictured, "content/posts/p.png")
    assert isinstance(found, Use)
    assert {path for path, made in found.made.items() if made != "a copy of it"} == {*variants(pictured)}
    lines = shown(pictured, "content/posts/p.png")
    assert "posts/p.png a copy of it" in lines
    assert f"{variants(pictured)[0]} a smaller image of it" in lines
    assert "posts/middle/index.html address of it, size and variants of it" in lines
    assert "posts/late/index.html address of it" in lines
    assert "feed.xml address of it, size of it" in lines
    assert part(shown(pictured, "posts/middle/"), "Asked of the site").count("size and variants of content/posts/p.png")


def test_an_edited_image_is_told_before_and_after_the_build(pictured: Path) -> None:
    before = variants(pictured)
    save(pictured / "content/posts/p.png", corners(60, 40))
    for path in (before[0], "posts/middle/index.html", "posts/p.png"):
        assert "changed since the last build: content/posts/p.png" in shown(pictured, path)
    made(pictured)
    assert {*before}.isdisjoint(variants(pictured))
    because = [part(shown(pictured, path), "Last made anew because") for path in variants(pictured)]
    assert because == [["content of content/posts/p.png"]] * 2
    page = part(shown(pictured, "posts/middle/"), "Last made anew because")
    assert page == ["size and variants of content/posts/p.png"]


def test_another_quality_is_why_variants_have_other_names(pictured: Path) -> None:
    write(pictured, "site.toml", f"{SITE}[images]\nwidths = [20, 40]\nquality = 40\n")
    made(pictured)
    assert part(shown(pictured, variants(pictured)[0]), "Last made anew because") == ["[images] quality"]
    assert f"{variants(pictured)[0]} [images] quality" in shown(pictured, "site.toml", whole=True)
