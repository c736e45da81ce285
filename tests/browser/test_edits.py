"""What an edit does in a real browser to the pages of `ssg preview` that are open."""

import json
from collections.abc import Callable

import pytest

from tests.browser.preview import Tab, edited, saved
from tests.ssg.blogs import Blog

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.timeout(100)]

LONG_PAGE = "document.documentElement.scrollHeight > 3000"


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
    page.waits("document.documentElement.dataset.ran")
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
