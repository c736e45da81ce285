"""A problem with a page of the tree names the source that an author can mend, whoever built the tree."""

from pathlib import Path

import pytest

from imagebake.policy import header
from imagebake.recipes import page_sources
from sealpress.config import sitefile
from sealpress.config.settings import ImageSettings
from sealpress.problems import Exit, Place, Problem
from sealpress.tree import tree
from tests.imagebake.conftest import write_tree

SITE = '[site]\ntitle = "A"\nurl = "https://a.example/"\n'


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALPRESS_CACHE", str(tmp_path / "cache"))


def refused(folder: Path, sources: dict[str, str], pages: dict[str, str]) -> list[Problem]:
    root = write_tree(folder / "blog", {"site.toml": SITE.encode(), **{k: v.encode() for k, v in sources.items()}})
    write_tree(root / "public", {path: text.encode() for path, text in pages.items()})
    with pytest.raises(Problem) as caught, page_sources.named(sitefile.load(root / "site.toml"), root / "public"):
        header.compute(tree.scan(root / "public"), ImageSettings())
    return list(caught.value.each)


IMAGE = "<p><img src='https://cdn.example/a.png'></p>"


def test_the_line_of_the_source_is_shown_and_the_page_named(tmp_path: Path) -> None:
    text = "---\ntitle: Shed\n---\n\nA shed: ![](https://cdn.example/a.png)\n"
    (problem,) = refused(tmp_path, {"content/posts/shed.md": text}, {"posts/shed/index.html": IMAGE})
    assert str(problem.place) == "content/posts/shed.md:5:13"
    assert problem.place is not None
    assert problem.place.text == "A shed: ![](https://cdn.example/a.png)"
    assert problem.message.endswith("third parties of this site (in the tree: posts/shed/index.html:1:14)")
    assert problem.hint
    assert "third_parties" in problem.hint


def test_of_several_sources_the_one_of_this_page_is_named(tmp_path: Path) -> None:
    sources = {f"content/posts/{name}.md": "![](https://cdn.example/a.png)" for name in ("barn", "shed", "hut")}
    pages = {"posts/hut/index.html": IMAGE}
    (problem,) = refused(tmp_path, sources, pages)
    assert str(problem.place) == "content/posts/hut.md:1:5"


def test_what_a_template_asks_for_is_found_there(tmp_path: Path) -> None:
    sources = {
        "templates/base.html": "<link rel=stylesheet href='https://fonts.example/a.css?b&amp;c'>",
        "content/x.md": "",
    }
    pages = {"x/index.html": "<link rel=stylesheet href='https://fonts.example/a.css?b&amp;c'>"}
    (problem,) = refused(tmp_path, sources, pages)
    assert str(problem.place).startswith("templates/base.html:1:")


def test_the_host_is_enough(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, {"content/x.md": "{{ cdn('cdn.example') }}"}, {"x/index.html": IMAGE})
    assert str(problem.place) == "content/x.md:1:9"


def test_the_site_s_own_host_is_not_looked_for(tmp_path: Path) -> None:
    """It stands in site.toml, which is not to blame."""
    (problem,) = refused(tmp_path, {}, {"x/index.html": "<p><img src='http://a.example/a.png'></p>"})
    assert str(problem.place) == "x/index.html:1:14"


def test_a_page_that_shows_nothing_of_it_is_named_by_its_name(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, {"content/notes/x.md": "text", "content/y.md": ""}, {"notes/x/index.html": IMAGE})
    assert str(problem.place) == "content/notes/x.md"


def test_where_nothing_fits_the_page_is_named(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, {"content/y.md": ""}, {"x/index.html": IMAGE})
    assert str(problem.place) == "x/index.html:1:14"
    assert "in the tree" not in problem.message


def test_links_hidden_files_and_the_tree_itself_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.md").write_text(IMAGE)
    (tmp_path / "blog/content").mkdir(parents=True)
    (tmp_path / "blog/content/link.md").symlink_to(tmp_path / "elsewhere.md")
    sources = {".cache/x.md": IMAGE, "node_modules/x.md": IMAGE}
    (problem,) = refused(tmp_path, sources, {"x/index.html": IMAGE})
    assert str(problem.place) == "x/index.html:1:14"


def test_all_problems_are_told_and_other_ones_left_as_they_are(tmp_path: Path) -> None:
    sources = {"content/x.md": "https://cdn.example/a.png"}
    found = refused(tmp_path, sources, {"x/index.html": IMAGE + "<img src=https://e.example/>"})
    assert [str(one.place) for one in found] == ["content/x.md:1:1", "content/x.md"]
    site = sitefile.load(tmp_path / "blog/site.toml")
    with pytest.raises(Problem) as caught, page_sources.named(site, tmp_path / "blog/public"):
        raise Problem("a lock", place=Place("imagebake.lock", 1, 1, "text"), code=Exit.LOCK)
    assert str(caught.value.place) == "imagebake.lock:1:1"
