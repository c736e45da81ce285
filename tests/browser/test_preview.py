"""What a writer sees of `ssg preview` in a real browser: what an edit does to the pages that are open."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route

from imagebake.packages import lock as locks
from imagebake.packages.lock import Lock
from tests.browser.preview import Preview, Tab, driven, previewed, processes_below, saved
from tests.ssg.blogs import Blog

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(100)]

PARAGRAPHS = "".join(f"\nParagraph {number}.\n" for number in range(200))
BODY = f"The first words.\n{PARAGRAPHS}\nThe last words."
LONG_PAGE = "document.documentElement.scrollHeight > 3000"


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


def edited(blog: Blog, path: str, old: str, new: str) -> None:
    file = blog.root / path
    text = file.read_text("utf-8")
    assert old in text
    saved(file, text.replace(old, new))


def scrolled(tab: Tab, to: int = 1500) -> None:
    tab.waits(LONG_PAGE)
    tab.page.evaluate("to => scrollTo(0, to)", to)
    tab.waits("scrollY === it", to)


def test_a_body_is_swapped_and_the_page_stays(blog: Blog, tab: Callable[[str], Tab]) -> None:
    """Its object, how far it was scrolled, and what has the focus."""
    page = tab("posts/one/")
    page.mark()
    scrolled(page)
    page.page.evaluate("document.getElementById('_content').tabIndex = -1")
    for number in range(3):
        edited(
            blog, "content/posts/one.md", "The last words" if not number else f"Words {number - 1}", f"Words {number}"
        )
        page.shows(f"Words {number}")
    assert page.is_marked
    assert page.page.evaluate("scrollY") == 1500
    assert page.page.evaluate("document.scripts.length") == 0


def test_another_title_is_swapped_in(blog: Blog, tab: Callable[[str], Tab]) -> None:
    page = tab("posts/one/")
    page.mark()
    for title in ("Another title", "A <third> & last"):
        edited(blog, "content/posts/one.md", page.page.title().partition(" – ")[0], title)
        page.waits("document.title.startsWith(it)", title)
        assert page.page.locator('meta[property="og:title"]').get_attribute("content") == title
    assert page.is_marked


def test_another_head_reloads(blog: Blog, tab: Callable[[str], Tab]) -> None:
    """And the browser finds where it was."""
    page = tab("posts/one/")
    page.mark()
    scrolled(page)
    blog.write(
        "templates/post.html",
        '{% extends "theme/post.html" %}{% block head %}<meta name="robots" content="all">{% endblock %}',
    )
    page.waits("document.querySelector('meta[name=robots]')")
    page.waits("scrollY === 1500")
    assert not page.is_marked


def test_a_style_sheet_is_swapped(blog: Blog, tab: Callable[[str], Tab]) -> None:
    """The site's own and the theme's, two at once too, and what an option gives."""
    blog.own_theme()
    blog.set("site", "theme", "own")
    blog.set("theme", "stylesheet", "/custom.css")
    blog.write("static/custom.css", "body { color: rgb(0, 2, 3) }")
    page = tab("posts/one/")
    page.waits("getComputedStyle(document.body).color === 'rgb(0, 2, 3)'")
    page.mark()
    scrolled(page)
    for colour in (1, 2, 3):
        saved(blog.root / "static/custom.css", f"body {{ color: rgb({colour}, 2, 3) }}")
        if colour != 2:
            page.waits("getComputedStyle(document.body).color === `rgb(${it}, 2, 3)`", colour)
    style = blog.root / "own/static/style.css"
    saved(style, style.read_text() + "h1 { text-indent: 7px } body { color: rgb(9, 9, 9) }")
    page.waits("getComputedStyle(document.querySelector('h1')).textIndent === '7px'")
    page.waits("document.querySelectorAll('link[rel=stylesheet]').length === 2")
    assert page.page.evaluate("getComputedStyle(document.body).color") == "rgb(3, 2, 3)"  # the last one still
    blog.set("theme", "accent", "green")
    page.waits("document.documentElement.dataset.accent === 'green'")
    assert page.is_marked
    assert page.page.evaluate("scrollY") == 1500


def test_a_page_with_a_script_is_reloaded(blog: Blog, tab: Callable[[str], Tab]) -> None:
    blog.write(
        "static/own.js", "document.documentElement.dataset.ran = document.querySelector('h1 + p, .prose').innerText"
    )
    edited(blog, "content/posts/two.md", "The second post.", "The second post.\n\n<script src='/own.js'></script>")
    page = tab("posts/two/")
    page.waits("document.documentElement.dataset.ran")
    page.mark()
    edited(blog, "content/posts/two.md", "---\nThe second post.", "---\nThe second post.\n\nAnother text.")
    page.shows("Another text.")
    page.waits("document.documentElement.dataset.ran.includes('Another text.') || document.documentElement.dataset.ran")
    assert not page.is_marked


def test_a_fault_is_told_over_the_last_good_page(blog: Blog, tab: Callable[[str], Tab]) -> None:
    """With its place and the hint, until it is mended. Other pages go on."""
    page, other = tab("posts/one/"), tab("posts/two/")
    page.mark()
    edited(blog, "content/posts/one.md", "title: one", "tilte: one")
    told = page.overlay()
    assert "content/posts/one.md:2:1: " in told
    assert "title" in told
    assert "^" in told
    page.shows("The last words.")
    edited(blog, "content/posts/two.md", "The second post.", "It goes on.")
    other.shows("It goes on.")
    page.page.reload()
    page.shows("The last words.")
    page.overlay()
    edited(blog, "content/posts/one.md", "tilte: one", "title: one")
    page.without_overlay()
    other.without_overlay()
    page.shows("The last words.")


def test_a_broken_site_toml_keeps_the_last_good_site(blog: Blog, tab: Callable[[str], Tab]) -> None:
    page = tab("posts/one/")
    text = (blog.root / "site.toml").read_text()
    saved(blog.root / "site.toml", text + "[site\n")
    assert "site.toml:" in page.overlay()
    page.page.reload()
    page.shows("The last words.")
    saved(blog.root / "site.toml", text)
    page.without_overlay()
    saved(blog.root / "site.toml", text.replace('"One"', '"Another name"'))
    page.waits("document.title.includes('Another name')")


def test_hostile_text_is_text(blog: Blog, tab: Callable[[str], Tab]) -> None:
    """In a title, and in what a fault says of it."""
    hostile = "</script><img src=/nowhere onerror=window.stolen=1>"
    page = tab("posts/one/")
    edited(blog, "content/posts/one.md", "title: one", f"title: {json.dumps(hostile)}")
    page.waits("document.title.includes('onerror')")
    edited(blog, "content/posts/one.md", "title: ", f"{json.dumps('<img src=/x onerror=window.stolen=1>')}: 1\ntitle: ")
    assert "<img src=/x onerror=window.stolen=1>" in page.overlay()
    assert page.page.evaluate("window.stolen") is None
    assert page.page.locator("sealpress-overlay img").count() == 0
    assert not any(url.endswith(("/nowhere", "/x")) for url in page.asked)


def test_two_tabs_in_two_languages(blog: Blog, tab: Callable[[str], Tab]) -> None:
    """Each shows what is its own."""
    english, french, home = tab("posts/one/"), tab("fr/posts/one/"), tab("")
    for page in (english, french):
        page.mark()
    edited(blog, "content/posts/one.fr.md", "Les derniers mots.", "Les mots changés.")
    french.shows("Les mots changés.")
    edited(blog, "content/posts/one.md", "The last words.", "The changed words.")
    english.shows("The changed words.")
    assert english.is_marked
    assert french.is_marked
    edited(blog, "content/posts/one.md", "title: one", "title: Seen from home")
    home.shows("Seen from home")
    english.shows("Seen from home")


def test_back_and_forward(blog: Blog, tab: Callable[[str], Tab]) -> None:
    """After swaps and reloads a page has its place in the history once; what was edited meanwhile is there."""
    page = tab("posts/two/")
    length = page.page.evaluate("history.length")
    edited(blog, "content/posts/two.md", "title: two", "title: Second")
    page.waits("document.title.startsWith('Second')")
    assert page.page.evaluate("history.length") == length
    page.page.goto(page.page.url.replace("two", "one"))
    edited(blog, "content/posts/two.md", "The second post.", "Edited behind its back.")
    page.page.go_back()
    page.shows("Edited behind its back.")
    edited(blog, "content/posts/two.md", "Edited behind its back.", "Edited before its eyes.")
    page.shows("Edited before its eyes.")
    page.page.go_forward()
    page.shows("The last words.")
    edited(blog, "content/posts/one.md", "The last words.", "After all that.")
    page.shows("After all that.")


def test_a_deleted_page_comes_back(blog: Blog, tab: Callable[[str], Tab]) -> None:
    page = tab("posts/two/")
    file = blog.root / "content/posts/two.md"
    text = file.read_text()
    for number in range(2):
        file.unlink()
        page.shows("Page not found")
        saved(file, f"{text}\nBack {number}.\n")
        page.shows(f"Back {number}.")


def test_a_page_that_was_asked_for_before_it_was_there(blog: Blog, tab: Callable[[str], Tab]) -> None:
    page = tab("posts/three/")
    page.shows("Page not found")
    blog.page("posts/three.md", "The third post.")
    page.shows("The third post.")


def test_a_template_and_a_picture(blog: Blog, tab: Callable[[str], Tab]) -> None:
    picture = "<svg xmlns='http://www.w3.org/2000/svg' width='{0}' height='{0}'><circle r='{0}'/></svg>"
    blog.write("static/picture.svg", picture.format(40))
    edited(blog, "content/posts/two.md", "The second post.", "The second post.\n\n![A picture](/picture.svg)")
    page = tab("posts/two/")
    page.waits("document.querySelector('.prose img')?.naturalWidth === 40")
    page.mark()
    saved(blog.root / "static/picture.svg", picture.format(60))
    page.waits("document.querySelector('.prose img')?.naturalWidth === 60")
    blog.write("templates/404.html", '{% extends "base.html" %}{% block main %}<h1>Lost</h1>{% endblock %}')
    lost = tab("nowhere/")
    lost.shows("Lost")
    edited(blog, "templates/404.html", "Lost", "Astray")
    lost.shows("Astray")


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
