"""English and French are equals: every page has its twin, with the same parts, the same code and the same drawings."""

import re
from pathlib import Path

import pytest

from sealpress.config import sitefile
from ssg.build.build import build
from ssg.build.inputs import Request
from ssg.build.result import Built
from tests.docs.pages import SITE, anchors, blocks, name, pages, twin

ENGLISH = pages("en")
AT_LEAST = 14


def test_there_is_something_to_read() -> None:
    assert len(ENGLISH) >= AT_LEAST


@pytest.mark.parametrize("page", pages(), ids=name)
def test_every_page_has_a_twin(page: Path) -> None:
    assert twin(page).is_file(), f"{name(page)} has no {name(twin(page))}"


@pytest.mark.parametrize("page", ENGLISH, ids=name)
def test_twins_have_the_same_parts(page: Path) -> None:
    """Links to a part lead there in both languages, and no part is missing in one."""
    assert anchors(page) == anchors(twin(page))


@pytest.mark.parametrize("page", ENGLISH, ids=name)
def test_twins_show_the_same_code(page: Path) -> None:
    """The same blocks in the same order, with the same commands, markers and files."""
    ours, theirs = blocks(page), blocks(twin(page))
    assert [(block.language, block.title) for block in ours] == [(block.language, block.title) for block in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert [command.text for command in one.commands] == [command.text for command in other.commands]
        assert (bool(one.reason), one.needs_network, one.code) == (bool(other.reason), other.needs_network, other.code)


@pytest.mark.parametrize("page", ENGLISH, ids=name)
def test_twins_show_as_many_drawings(page: Path) -> None:
    image = re.compile(r"!\[[^\]]+\]\(")
    assert len(image.findall(page.read_text("utf-8"))) == len(image.findall(twin(page).read_text("utf-8")))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    site = sitefile.load(SITE / "site.toml")
    return build(Request(site, tmp_path_factory.mktemp("site") / "public", dirty=True))


def test_the_site_builds_with_as_many_pages_in_each_language(built: Built) -> None:
    """Every link, anchor and image of both languages leads somewhere."""
    assert built.pages["en"] == built.pages["fr"] >= AT_LEAST


def test_an_article_has_an_address_of_its_own_in_each_language(built: Built) -> None:
    posts = {entry.path for entry in built.tree.entries if re.search(r"(^|/)posts/[^/]+/index\.html$", entry.path)}
    english = {path.split("/")[1] for path in posts if path.startswith("posts/")}
    french = {path.split("/")[2] for path in posts if path.startswith("fr/posts/")}
    assert len(english) == len(french)
    assert english - french
