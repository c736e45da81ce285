"""What a writer sees of `ssg preview` in a real browser: the bar, the policy, the editor, its end and its return."""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route

from imagebake.packages import lock as locks
from imagebake.packages.lock import Lock
from tests.browser.preview import Preview, Tab, edited, previewed, processes_below
from tests.ssg.blogs import Blog

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(100)]


def test_an_edit_between_the_answer_and_the_first_message(blog: Blog, chromium: Browser, preview: Preview) -> None:
    """A page that was loaded just before it, and listens only after it, is not left with what it had."""
    context = chromium.new_context()
    try:
        page = Tab(context.new_page())
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        page.page.route("**/_sealpress/events*", hold)
        page.page.goto(preview.address + "posts/one/")
        page.shows("The last words.")
        edited(blog, "content/posts/one.md", "The last words.", "Words that nobody told of.")
        other = Tab(context.new_page())
        other.page.goto(preview.address + "posts/one/")
        other.shows("Words that nobody told of.")
        assert len(held) == 1
        held[0].continue_()
        page.shows("Words that nobody told of.")
        assert page.said == []
    finally:
        context.close()


def test_the_bar_at_the_foot(blog: Blog, tab: Callable[[str], Tab]) -> None:
    """It says what there is to say, stays while the body is swapped, in its own looks, and closes by a click."""
    blog.write(
        "static/custom.css", "button, section, sealpress-bar { display: none !important; color: red !important }"
    )
    blog.set("theme", "stylesheet", "/custom.css")
    page = tab("posts/one/")
    bar = page.page.locator("sealpress-bar")
    bar.get_by_role("link", name="edit").wait_for()
    assert bar.locator("section").text_content() == "edit×"
    assert not page.page.evaluate("document.elementFromPoint(9, innerHeight - 9).closest('sealpress-bar')")
    page.mark()
    edited(blog, "content/posts/one.md", "The last words.", "Its text.\n\n{{ x }}")
    page.shows("Its text.")
    bar.get_by_text("1 warning").click()
    link = bar.get_by_role("link", name="is shown as it is")
    assert str(link.get_attribute("href")).rpartition("/")[2].startswith("one.md:")
    assert page.is_marked
    bar.get_by_role("button", name="Close").click()
    assert bar.count() == 0
    page.page.reload()
    edited(blog, "content/posts/one.md", "Its text.", "Another text.")
    page.shows("Another text.")
    assert bar.count() == 0
    edited(blog, "content/posts/one.md", "{{ x }}", "Words. {{ x }}")
    bar.get_by_text("1 warning").wait_for()  # elsewhere now
    assert (
        page.page.locator("sealpress-bar").evaluate("bar => getComputedStyle(bar.shadowRoot.firstChild).display")
        == "flex"
    )


def test_a_page_is_under_the_policy_that_it_will_have(blog: Blog, tab: Callable[[str], Tab]) -> None:
    """Its own scripts and styles run by their hashes, those that come with an edit too; nothing is complained of."""
    edited(blog, "content/posts/one.md", "The last words.", "<p style='text-indent: 3px'>Styled.</p>")
    page = tab("posts/one/")
    page.waits("getComputedStyle(document.querySelector('.prose [style]')).textIndent === '3px'")
    page.mark()
    edited(blog, "content/posts/one.md", "Styled.", "Still styled.")
    page.shows("Still styled.")
    assert page.is_marked
    edited(blog, "content/posts/one.md", "text-indent: 3px", "text-indent: 4px")
    page.waits("getComputedStyle(document.querySelector('.prose [style]')).textIndent === '4px'")
    edited(blog, "content/posts/one.md", "Still styled.</p>", "Run.</p><script>document.body.dataset.ran = 1</script>")
    page.waits("document.body.dataset.ran === '1'")
    refused = "document.body.append(Object.assign(document.createElement('script'), {text: 'window.stolen = 1'}))"
    page.page.evaluate(refused)
    assert page.page.evaluate("window.stolen") is None
    assert ["Content Security Policy" in line for line in page.said] == [True]
    page.said.clear()


@pytest.mark.parametrize("policy", ["default-src 'self'", "default-src 'none'; style-src 'self'; img-src 'self'"])
def test_what_the_sealed_site_would_refuse_is_refused(blog: Blog, chromium: Browser, policy: str) -> None:
    """And edits show all the same."""
    blog.set("image", "policy", policy)
    edited(blog, "content/posts/two.md", "The second post.", "Words.\n\n<script>window.stolen = 1</script>")
    context = chromium.new_context()
    try:
        with previewed(blog) as preview:
            page = Tab(context.new_page())
            page.page.goto(preview.address + "posts/two/")
            edited(blog, "content/posts/two.md", "Words.", "Other words.")
            page.shows("Other words.")
            assert page.page.evaluate("window.stolen") is None
            assert page.said
            assert all("inline script" in line and "Content Security Policy" in line for line in page.said)
            other = Tab(context.new_page())
            other.page.goto(preview.address + "posts/one/")
            other.mark()
            edited(blog, "content/posts/one.md", "The last words.", "Swapped words.")
            other.shows("Swapped words.")
            assert other.is_marked
            assert other.said == []
    finally:
        context.close()


def test_a_click_opens_the_editor(
    blog: Blog, chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = tmp_path / "opened"
    script = tmp_path / "edits"
    script.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.new\nmv {opened}.new {opened}\n')
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    context = chromium.new_context()
    try:
        with previewed(blog) as preview:
            page = Tab(context.new_page())
            page.page.goto(preview.address + "posts/one/")
            page.page.locator("sealpress-bar").get_by_role("button", name="edit").click()
            end = time.monotonic() + 20
            while not opened.exists() and time.monotonic() < end:
                page.page.wait_for_timeout(20)
            assert opened.read_text() == str(blog.root / "content/posts/one.md")
            assert page.said == []
    finally:
        context.close()


def test_a_preview_that_was_started_anew(blog: Blog, chromium: Browser) -> None:
    """The page that stayed open goes on with it, on the port that it knows."""
    context = chromium.new_context()
    try:
        with previewed(blog) as first:
            page = Tab(context.new_page())
            page.page.goto(first.address + "posts/one/")
            assert first.interrupt() == 0
        edited(blog, "content/posts/one.md", "The last words.", "Written while nobody looked.")
        with previewed(blog, port=first.port) as second:
            assert second.port == first.port
            page.shows("Written while nobody looked.")
            edited(blog, "content/posts/one.md", "Written while nobody looked.", "Written while it looked.")
            page.shows("Written while it looked.")
    finally:
        context.close()


@pytest.mark.parametrize("times", [1, 2])
def test_the_end_leaves_nothing(blog: Blog, preview: Preview, tab: Callable[[str], Tab], times: int) -> None:
    """Ctrl-C with a page open: at once, and nothing in the output folder. A wrapper may hand it on besides."""
    page = tab("posts/one/")
    edited(blog, "content/posts/one.md", "The last words.", "Words.")
    page.shows("Words.")
    began = time.monotonic()
    assert preview.interrupt(times) == 0
    assert time.monotonic() - began < 5
    assert processes_below(blog.folder) == []
    assert not (blog.root / "public").exists()
    page.page.close()
    page.said.clear()  # that nobody answers any more, where it asked again


@pytest.mark.network
def test_a_page_of_the_sealed_image_shows_what_is_baked(blog: Blog, chromium: Browser, site_lock: Lock) -> None:
    """Under the policy of the image, and with a fault that only a bake finds."""
    locks.save(site_lock, blog.root / "imagebake.lock")
    with previewed(blog, "--sealed") as preview, closing(chromium.new_context()) as context:
        tab = Tab(context.new_page())
        tab.page.goto(f"{preview.address}posts/one/")
        edited(blog, "content/posts/one.md", "The first words", "Other first words")
        tab.shows("Other first words")
        blog.write("static/_redirects", "/old /nowhere/\n")
        assert "/nowhere/" in tab.overlay()
        tab.shows("Other first words")
        blog.write("static/_redirects", "/old /posts/one/\n")
        tab.without_overlay()
        tab.page.goto(f"{preview.address}old")
        tab.shows("Other first words")
        assert (tab.strangers, tab.said) == ([], [])
        assert preview.interrupt() == 0
