"""What a rendered site promises as a whole."""

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.ssg.rendering.reading import output_at, pages

SITE = "https://shed.example.org"


def test_every_page_list_and_file_has_its_place(blog):
    """The paths of a whole small site, as a reader would guess them."""
    names = [re.sub(r"\.[0-9a-f]{12}\.", ".HASH.", path) for path in blog.rendered()]
    assert sorted(names) == [
        "404.html",
        "about/index.html",
        "archive/2025/index.html",
        "archive/2026/index.html",
        "archive/index.html",
        "assets/code.HASH.css",
        "assets/favicon.HASH.svg",
        "assets/style.HASH.css",
        "docs/coat/index.html",
        "docs/how-to/grind/index.html",
        "docs/how-to/index.html",
        "docs/index.html",
        "feed.xml",
        "fr/404.html",
        "fr/a-propos/index.html",
        "fr/archive/2026/index.html",
        "fr/archive/index.html",
        "fr/feed.xml",
        "fr/index.html",
        "fr/posts/deux/index.html",
        "fr/posts/index.html",
        "fr/tags/glass/index.html",
        "fr/tags/index.html",
        "index.html",
        "posts/index.html",
        "posts/one/index.html",
        "posts/page/2/index.html",
        "posts/three/index.html",
        "posts/two/index.html",
        "robots.txt",
        "sitemap.xml",
        "tags/glass/index.html",
        "tags/index.html",
        "tags/wood/index.html",
    ]


def test_no_internal_link_is_dead(blog):
    """Every href and src of every page leads to an output, and every anchor to an id."""
    rendered = blog.rendered()
    read = pages(rendered)
    for path, page in read.items():
        ids = {found["id"] for _, found in page.tags if "id" in found}
        for _, attributes in page.tags:
            href = attributes.get("href") or attributes.get("src")
            if href is None:
                continue
            if href.startswith("#"):
                assert unquote(href[1:]) in ids, (path, href)
            elif href.startswith(("/", SITE)):
                assert output_at(href) in rendered, (path, href)
            else:
                raise AssertionError((path, href))


def test_translations_name_each_other(blog):
    """hreflang is the same set on every page of it, the page itself and x-default in it."""
    rendered = blog.rendered()
    read = pages(rendered)
    seen = 0
    for path, page in read.items():
        links = {
            found["hreflang"]: found["href"] for found in page.all("link", rel="alternate") if found.get("type") is None
        }
        if not links:
            continue
        seen += 1
        assert page.all("link", rel="canonical")[0]["href"] == links["fr" if path.startswith("fr/") else "en"]
        assert links["x-default"] == links["en"]
        for href in links.values():
            other = read[output_at(href)]
            theirs = {
                found["hreflang"]: found["href"]
                for found in other.all("link", rel="alternate")
                if found.get("type") is None
            }
            assert theirs == links
    # home, about, post two, posts, archive, its year 2026, tags, tag glass; each in two languages
    assert seen == 16


def test_the_switcher_leads_to_the_translation_else_to_the_home_page(blog):
    rendered = pages(blog.rendered())
    about = list(rendered["about/index.html"].all("a", hreflang="fr"))
    assert [(found["href"], found["lang"], found.get("rel")) for found in about] == [
        ("/fr/a-propos/", "fr", "alternate")
    ]
    coat = list(rendered["docs/coat/index.html"].all("a", hreflang="fr"))
    assert [(found["href"], found.get("rel"), found["title"]) for found in coat] == [
        ("/fr/", None, "Français: home page")
    ]


@pytest.mark.parametrize(
    "path", ["index.html", "posts/two/index.html", "docs/coat/index.html", "tags/glass/index.html", "404.html"]
)
def test_a_page_is_well_formed_and_accessible(blog, path):
    """One h1, one main, a skip link to it, a language, labelled landmarks, ids used once, no heading level left out."""
    page = pages(blog.rendered())[path]
    assert page.all("html")[0]["lang"] == "en"
    assert page.all("html")[0]["dir"] == "ltr"
    assert len(page.all("h1")) == 1
    assert len(page.all("main")) == 1
    assert page.all("a")[0]["href"] == "#" + page.all("main")[0]["id"]
    assert all("aria-label" in nav or "aria-labelledby" in nav for nav in page.all("nav"))
    ids = [found["id"] for _, found in page.tags if "id" in found]
    assert len(ids) == len(set(ids))


def test_nothing_is_inline_and_nothing_is_a_script(blog):
    """A Content-Security-Policy of default-src 'self' is enough."""
    for path, page in pages(blog.rendered()).items():
        assert not page.all("script"), path
        assert not page.all("style"), path
        assert not [
            found for _, found in page.tags if "style" in found or any(key.startswith("on") for key in found)
        ], path


def test_text_is_escaped_and_set(blog):
    """A title is text in every place it stands, with the quotes of its language."""
    rendered = blog.rendered()
    about = rendered["about/index.html"]
    assert "<h1>About “us” &amp; &lt;them&gt;</h1>" in about
    assert "<title>About “us” &amp; &lt;them&gt; – The Shed</title>" in about
    assert "L’Atelier" in rendered["fr/index.html"]
    blog.settings_text += "\n[markdown]\ntypography = false\n"
    assert "L&#39;Atelier" in blog.rendered()["fr/index.html"]


def test_docs_have_a_tree_a_way_back_and_a_way_on(blog):
    rendered = blog.rendered()
    page = pages(rendered)["docs/how-to/grind/index.html"]
    text = rendered["docs/how-to/grind/index.html"]
    tree = text[text.index('<nav class="section"') :]
    assert re.findall(r'href="([^"]+)"( aria-current="page")?', tree)[:4] == [
        ("/docs/", ""),
        ("/docs/how-to/", ""),
        ("/docs/how-to/grind/", ' aria-current="page"'),
        ("/docs/coat/", ""),
    ]
    crumbs = re.search(r'<nav class="breadcrumbs".*?</ol>', text, re.DOTALL)
    assert re.findall(r'href="([^"]+)"', crumbs[0]) == ["/", "/docs/", "/docs/how-to/"]
    assert [found["href"] for found in page.all("a", rel="prev")] == ["/docs/how-to/"]
    assert [found["href"] for found in page.all("a", rel="next")] == ["/docs/coat/"]
    assert "<nav" not in rendered["about/index.html"].split("<main", 1)[1].split("</main>")[0]


def test_contents_stand_where_a_page_is_long_or_asks_for_them(blog):
    coat = blog.rendered()["docs/coat/index.html"]
    nav = re.search(r'<nav class="contents".*?</nav>', coat, re.DOTALL)[0]
    assert re.findall(r'href="(#[^"]+)">(.*?)</a>', nav) == [
        ("#a", "A"),
        ("#b", "<code>B &amp; C</code>"),
        ("#été", "Été"),
    ]
    blog.settings_text += "\n[theme]\ncontents_from = 4\n"
    assert 'class="contents"' not in blog.rendered()["docs/coat/index.html"]
    blog.given[7][1]["toc"] = True
    assert 'class="contents"' in blog.rendered()["docs/coat/index.html"]


def test_a_post_shows_when_by_whom_and_what_comes_next(blog):
    two = blog.rendered()["posts/two/index.html"]
    assert (
        '<time datetime="2026-05-02">May 2, 2026</time><span>updated on May 9, 2026</span><span>by Guest</span>' in two
    )
    assert 'rel="prev" href="/posts/one/"' in two
    assert 'rel="next" href="/posts/three/"' in two
    assert re.findall(r'href="([^"]+)" rel="tag">([^<]+)<', two) == [("/tags/glass/", "Glass"), ("/tags/wood/", "Wood")]
    assert "by Ada" not in blog.rendered()["posts/one/index.html"]


def test_lists_have_pages_in_order(blog):
    rendered = blog.rendered()
    first, second = rendered["posts/index.html"], rendered["posts/page/2/index.html"]
    titles = re.compile(r'<h2><a href="([^"]+)">')
    assert titles.findall(first) == ["/posts/three/", "/posts/two/"]
    assert titles.findall(second) == ["/posts/one/"]
    assert '<link rel="next" href="/posts/page/2/">' in first
    assert '<link rel="prev" href="/posts/">' in second
    assert "<title>Posts – page 2 of 2 – The Shed</title>" in second


def test_without_a_home_page_the_posts_are_the_home_page(blog):
    """And /posts/ shows them too, with the home page as its canonical one."""
    blog.given = [(source, given) for source, given in blog.given if source != "content/index.md"]
    rendered = blog.rendered()
    assert re.findall(r'<h2><a href="([^"]+)">', rendered["index.html"]) == ["/posts/three/", "/posts/two/"]
    assert "page/2/index.html" in rendered
    assert "posts/page/2/index.html" not in rendered
    repeated = rendered["posts/index.html"]
    assert f'<link rel="canonical" href="{SITE}/">' in repeated
    assert '<link rel="next" href="/page/2/">' in repeated
    assert 'hreflang="x-default"' not in repeated
    assert f"{SITE}/posts/<" not in rendered["sitemap.xml"]
    assert f'hreflang="en" href="{SITE}/"' in rendered["fr/index.html"]


def test_a_page_at_posts_stands_above_the_list(blog):
    blog.page("content/posts/index.md", title="Journal", body="All that happens.")
    rendered = blog.rendered()
    assert "<h1>Journal</h1>" in rendered["posts/index.html"]
    assert "<p>All that happens.</p>" in rendered["posts/index.html"]
    assert "<p>All that happens.</p>" not in rendered["posts/page/2/index.html"]
    assert '<a href="/posts/">Journal</a>' in rendered["index.html"]


def test_a_site_without_posts_has_no_lists_and_no_feed(empty):
    empty.page("content/index.md", title="Welcome")
    empty.page("content/fr/index.md", title="Bienvenue")
    rendered = empty.rendered()
    assert {path for path in rendered if not path.startswith("assets/")} == {
        "index.html",
        "fr/index.html",
        "404.html",
        "fr/404.html",
        "sitemap.xml",
        "robots.txt",
    }
    assert "feed" not in rendered["index.html"].lower()


def test_an_empty_language_has_lists_that_say_so(empty):
    """French has no page at all, and yet a home page, an archive, tags and a feed: no link of a switcher is dead."""
    empty.post("one", day_one(), title="One", tags=("Glass",))
    rendered = empty.rendered()
    assert "Il n’y a pas encore de billet." in rendered["fr/index.html"]
    assert {"fr/archive/index.html", "fr/tags/index.html", "fr/feed.xml", "fr/404.html"} <= rendered.keys()


def day_one():
    import datetime as dt

    return dt.datetime(2026, 5, 1, tzinfo=dt.UTC)


def test_a_large_archive_counts_and_leads_on(empty, monkeypatch):
    from ssg.rendering.views import lists

    monkeypatch.setattr(lists, "WHOLE_ARCHIVE", 2)
    for number in range(1, 4):
        empty.post(f"p{number}", day_one().replace(day=number), title=f"P{number}")
    rendered = empty.rendered()
    assert '<a href="/archive/2026/#2026-05">May</a> <small>3 posts</small>' in rendered["archive/index.html"]
    assert 'id="2026-05"' in rendered["archive/2026/index.html"]
    assert rendered["archive/2026/index.html"].count("/posts/p") == 3


def test_a_site_below_a_path_keeps_its_links_below_it(blog):
    """url = https://host/blog/: every root-relative link begins with /blog/."""
    blog.settings_text = blog.settings_text.replace("shed.example.org/", "shed.example.org/blog/")
    for path, page in pages(blog.rendered()).items():
        for _, attributes in page.tags:
            for key in ("href", "src"):
                href = attributes.get(key) or ""
                # The body in memory has a link of its own, which only the converter would resolve.
                assert not href.startswith("/") or href.startswith("/blog/") or href == "/about/", (path, href)


def test_the_code_style_sheet_is_linked_where_code_is(blog):
    blog.page("content/code.md", body='<pre class="highlight">x</pre>')
    rendered = blog.rendered()
    assert "/assets/code." in rendered["code/index.html"]
    assert "/assets/code." not in rendered["about/index.html"]


def test_a_template_of_the_front_matter_is_used(blog):
    blog.write("templates/wide.html", "{{ page.title }}, wide")
    blog.page("content/wide.md", title="W", template="wide.html")
    assert blog.rendered()["wide/index.html"] == "W, wide"


def test_an_unknown_template_is_a_problem_at_its_place(blog, problem_of):
    blog.page("content/wide.md", title="W", template="pge.html")
    assert problem_of(blog) == (
        'content/wide.md:3:12: there is no template "pge.html" (did you mean "page.html"?)\n'
        '3 | template = "pge.html"\n'
        "               ^^^^^^^^^^\n"
        "hint: templates: 404.html, archive.html, base.html, home.html, list.html, macros.html, page.html, post.html, "
        "tag.html, tags.html, taxonomy.html, term.html"
    )


def test_missing_pages_are_kept_from_search_engines(blog):
    rendered = blog.rendered()
    for path in ("404.html", "fr/404.html"):
        assert '<meta name="robots" content="noindex">' in rendered[path]
        assert "canonical" not in rendered[path]
    assert "404" not in rendered["sitemap.xml"]


def test_files_of_the_site_come_before_ours(blog):
    """static/404.html and static/robots.txt are the site's own, and no second output wants their path."""
    blog.assets += ["/404.html", "/robots.txt"]
    rendered = blog.rendered()
    assert "404.html" not in rendered
    assert "robots.txt" not in rendered
    assert "fr/404.html" in rendered


SCRIPT = """
import hashlib, importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("blog", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["blog"] = module
spec.loader.exec_module(module)
blog = module.Blog(Path(sys.argv[2]))
module.fill(blog)
if sys.argv[3] == "backwards":
    blog.given.reverse()
every = hashlib.sha256()
for path, content in blog.outputs():
    every.update(path.encode() + b"\\0" + content)
print(every.hexdigest())
"""


def test_the_same_bytes_whatever_the_machine(tmp_path):
    """Hash seed, time zone, locale, folder and the order of pages leave no trace."""
    conftest = Path(__file__).with_name("conftest.py")
    digests = set()
    for number, (seed, zone, locale, order) in enumerate(
        [("1", "UTC", "C", "forwards"), ("4242", "Pacific/Kiritimati", "tr_TR.UTF-8", "backwards")]
    ):
        folder = tmp_path / f"at{number}"
        folder.mkdir()
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LANG": locale, "LC_ALL": locale}
        command = [sys.executable, "-c", SCRIPT, str(conftest), str(folder), order]
        digests.add(subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60).stdout)
    assert len(digests) == 1
