"""Fixtures of the tests with a real browser: the packages of a real image, Chromium, and a blog with its preview."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import PROGRAM
from tests.browser.preview import Preview, Tab, driven, previewed
from tests.imagebake.conftest import image, open_folder, rootfs, site_lock
from tests.needs import unavailable
from tests.ssg.blogs import Blog

__all__ = ["browser", "image", "open_folder", "rootfs", "site_lock"]

PARAGRAPHS = "".join(f"\nParagraph {number}.\n" for number in range(200))
BODY = f"The first words.\n{PARAGRAPHS}\nThe last words."


@pytest.fixture(scope="session")
def browser() -> str:
    """The program. Skips the test where there is none; under CI=true that is a failure."""
    if PROGRAM is None:
        unavailable("no Chromium on this machine: tools/test-machine installs it")
    return PROGRAM


@pytest.fixture(scope="module")
def chromium(browser: str) -> Iterator[Browser]:
    with driven(browser) as found:
        yield found


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    blog = Blog(tmp_path)
    blog.page("index.md", "Home.")
    blog.page("index.fr.md", "Accueil.")
    blog.page("posts/one.md", BODY)
    blog.page("posts/one.fr.md", "Les premiers mots.\n\nLes derniers mots.")
    blog.page("posts/two.md", "The second post.")
    return blog


@pytest.fixture
def preview(blog: Blog) -> Iterator[Preview]:
    with previewed(blog) as found:
        yield found


@pytest.fixture
def tab(chromium: Browser, preview: Preview) -> Iterator[Callable[[str], Tab]]:
    """Opens an address of the preview. None of the tabs may ask anything beyond this machine, or complain of anything
    but what its test says: a 404 that was asked for.
    """
    tabs = []
    contexts = []

    def opened(path: str) -> Tab:
        contexts.append(chromium.new_context(viewport={"width": 800, "height": 600}))
        tab = Tab(contexts[-1].new_page())
        tabs.append(tab)
        tab.page.goto(preview.address + path)
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert [tab.strangers for tab in tabs] == [[] for _ in tabs]
    assert [line for tab in tabs for line in tab.said if "status of 404" not in line] == []
