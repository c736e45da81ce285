"""sitemap.xml and robots.txt. Source: the sitemap protocol 0.9, and Google's hreflang annotations in it."""

from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from ssg.rendering import sitemap
from ssg.rendering.sitemap import Limits

MAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
XHTML = "{http://www.w3.org/1999/xhtml}"
SITE = "https://shed.example.org"


def urls(text):
    root = ET.fromstring(text)
    assert root.tag == MAP + "urlset"
    return {url.find(MAP + "loc").text: url for url in root}


def test_every_page_that_search_engines_should_know(blog):
    """Each once, sorted; no further pages of lists, nothing that is not there."""
    rendered = blog.rendered()
    found = list(urls(rendered["sitemap.xml"]))
    pages = {"/" + path.removesuffix("index.html") for path in rendered if path.endswith("index.html")}
    assert set(found) == {SITE + path for path in pages if "/page/" not in path}
    assert found == sorted(found)


def test_translations_name_each_other(blog):
    found = urls(blog.rendered()["sitemap.xml"])
    versions = {
        loc: {link.get("hreflang"): link.get("href") for link in url.findall(XHTML + "link")}
        for loc, url in found.items()
    }
    about = {"en": f"{SITE}/about/", "fr": f"{SITE}/fr/a-propos/", "x-default": f"{SITE}/about/"}
    assert versions[f"{SITE}/about/"] == versions[f"{SITE}/fr/a-propos/"] == about
    assert versions[f"{SITE}/posts/one/"] == {}
    for loc, links in versions.items():
        assert all(versions[href] == links for href in links.values()), loc


def test_lastmod_is_the_pages_own(blog):
    found = urls(blog.rendered()["sitemap.xml"])
    lastmod = {loc.removeprefix(SITE): url.findtext(MAP + "lastmod") for loc, url in found.items()}
    assert lastmod["/posts/one/"] == "2025-01-01T00:00:00+02:00"
    assert lastmod["/posts/two/"] == "2026-05-09T00:00:00+02:00"
    assert lastmod["/tags/glass/"] == "2026-05-09T00:00:00+02:00"
    assert lastmod["/docs/"] is None


def split(queries, limits):
    names = sitemap.names(queries, limits)
    return {name: sitemap.sitemap(queries, name, limits) for name in names}


@pytest.mark.parametrize("limits", [Limits(urls=10), Limits(urls=1), Limits(size=2000), Limits(size=900)])
def test_a_large_site_has_an_index_of_sitemaps(blog, limits):
    """The protocol allows 50,000 URLs and 50 MB in a file."""
    queries = blog.queries()
    whole = sitemap.sitemap(queries, "sitemap.xml")
    outputs = split(queries, limits)
    index = ET.fromstring(outputs["sitemap.xml"])
    assert index.tag == MAP + "sitemapindex"
    parts = [loc.text.removeprefix(SITE + "/") for loc in index.iter(MAP + "loc")]
    assert parts == [name for name in outputs if name != "sitemap.xml"]
    assert [loc for part in parts for loc in urls(outputs[part])] == list(urls(whole))
    for part in parts:
        found = urls(outputs[part])
        assert len(found) <= limits.urls
        assert len(outputs[part]) <= limits.size or len(found) == 1


def test_no_sitemap_is_smaller_than_it_has_to_be(blog):
    """Two that stand side by side would not fit into one."""
    queries = blog.queries()
    outputs = split(queries, Limits(size=3000))
    sizes = [len(content) for name, content in outputs.items() if name != "sitemap.xml"]
    assert len(sizes) > 2
    assert all(one + other > 2000 for one, other in pairwise(sizes))


def test_the_size_of_a_sitemap_is_never_guessed_too_small(blog):
    queries = blog.queries()
    for subject in queries.subjects():
        written = "".join(sitemap._url(queries, subject))
        assert len(written.encode()) <= sitemap._size(queries, subject) <= len(written) + 300
    whole = sitemap.sitemap(queries, "sitemap.xml")
    longest = max(map(len, urls(whole)))
    assert len(whole) <= sitemap._at_most(queries, len(queries.subjects()), longest)


def test_a_sitemap_is_the_document_that_an_xml_library_would_write(blog):
    whole = sitemap.sitemap(blog.queries(), "sitemap.xml")
    ET.register_namespace("", MAP[1:-1])
    ET.register_namespace("xhtml", XHTML[1:-1])
    assert whole.partition(b"?>\n")[2] == ET.tostring(ET.fromstring(whole), encoding="utf-8") + b"\n"


def test_letters_of_every_script_are_encoded(empty):
    empty.page("content/été.md")
    empty.page("content/fr/index.md")
    assert f"{SITE}/%C3%A9t%C3%A9/" in urls(empty.rendered()["sitemap.xml"])


def test_robots_txt_leads_to_the_sitemap(blog):
    assert blog.rendered()["robots.txt"] == f"User-agent: *\nDisallow:\n\nSitemap: {SITE}/sitemap.xml\n"
