"""sitemap.xml and robots.txt, for search engines. Source: the sitemap protocol 0.9; RFC 9309.

A sitemap holds at most 50,000 URLs. Beyond that, sitemap.xml is an index of sitemap-1.xml and so on.
"""

from typing import Final
from xml.etree import ElementTree as ET

from ssg.rendering import xml
from ssg.rendering.scene import Scene

LIMIT: Final = 50_000  # URLs that one sitemap may hold
NAME: Final = "sitemap.xml"

_NAMESPACE: Final = "http://www.sitemaps.org/schemas/sitemap/0.9"


def names(count: int, limit: int = LIMIT) -> list[str]:
    """The files for `count` URLs: sitemap.xml alone, or the parts before it."""
    parts = -(-count // limit)
    return [f"sitemap-{number}.xml" for number in range(1, parts + 1)] + [NAME] if parts > 1 else [NAME]


def sitemap(scene: Scene, name: str, limit: int = LIMIT) -> bytes:
    """One of the files."""
    subjects = scene.subjects()
    every = names(len(subjects), limit)
    if name == NAME:
        return _urls(scene, subjects) if len(every) == 1 else _index(scene, every[:-1])
    start = every.index(name) * limit
    return _urls(scene, subjects[start : start + limit])


def robots(scene: Scene) -> bytes:
    """Everybody may read everything."""
    return f"User-agent: *\nDisallow:\n\nSitemap: {scene.absolute_url(f'/{NAME}')}\n".encode()


def _index(scene: Scene, parts: list[str]) -> bytes:
    index = ET.Element("sitemapindex", {"xmlns": _NAMESPACE})
    for name in parts:
        xml.child(xml.child(index, "sitemap"), "loc", scene.absolute_url(f"/{name}"))
    return xml.document(index)


def _urls(scene: Scene, subjects: tuple[tuple[str, bool], ...]) -> bytes:
    root = ET.Element("urlset", {"xmlns": _NAMESPACE, "xmlns:xhtml": "http://www.w3.org/1999/xhtml"})
    default_language = scene.default_language()
    for name, is_page in subjects:
        url = xml.child(root, "url")
        xml.child(url, "loc", scene.absolute_url(scene.path(name) if is_page else name))
        if changed := _changed(scene, name) if is_page else scene.newest_change(name):
            xml.child(url, "lastmod", changed)
        versions = scene.versions_of_page(name) if is_page else scene.versions_of_list(name)
        if len(versions) > 1:
            default = dict(versions).get(default_language, versions[0][1])
            for language, path in (*versions, ("x-default", default)):
                xml.child(url, "xhtml:link", rel="alternate", hreflang=language, href=scene.absolute_url(path))
    return xml.document(root)


def _changed(scene: Scene, source: str) -> str:
    moment = scene.last_change(source)
    return xml.moment(moment) if moment else ""
