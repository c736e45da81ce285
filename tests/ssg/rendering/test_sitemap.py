"""sitemap.xml and robots.txt. Source: the sitemap protocol 0.9, and Google's hreflang annotations in it."""

from xml.etree import ElementTree as ET

from ssg.rendering import sitemap

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


def test_a_large_site_has_an_index_of_sitemaps(blog):
    """The protocol allows 50,000 URLs in a file."""
    scene = blog.scene()
    whole = sitemap.sitemap(scene, "sitemap.xml")
    names = sitemap.names(len(scene.subjects()), limit=10)
    outputs = {name: sitemap.sitemap(scene, name, limit=10) for name in names}
    index = ET.fromstring(outputs["sitemap.xml"])
    assert index.tag == MAP + "sitemapindex"
    parts = [loc.text.removeprefix(SITE + "/") for loc in index.iter(MAP + "loc")]
    assert set(parts) == outputs.keys() - {"sitemap.xml"}
    assert [loc for part in parts for loc in urls(outputs[part])] == list(urls(whole))
    assert all(len(urls(outputs[part])) <= 10 for part in parts)


def test_letters_of_every_script_are_encoded(empty):
    empty.page("content/été.md")
    empty.page("content/fr/index.md")
    assert f"{SITE}/%C3%A9t%C3%A9/" in urls(empty.rendered()["sitemap.xml"])


def test_robots_txt_leads_to_the_sitemap(blog):
    assert blog.rendered()["robots.txt"] == f"User-agent: *\nDisallow:\n\nSitemap: {SITE}/sitemap.xml\n"
