"""sitemap.xml and robots.txt, for search engines. Source: the sitemap protocol 0.9; RFC 9309."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree import ElementTree as ET

from ssg.model import Output, Page
from ssg.rendering import xml
from ssg.rendering.listings import Listing, ListKind
from ssg.rendering.scene import Scene

LIMIT: Final = 50_000  # URLs that one sitemap may hold

_NAMESPACE: Final = "http://www.sitemaps.org/schemas/sitemap/0.9"
_ORIGIN: Final = "the sitemap"


def sitemap(scene: Scene, limit: int = LIMIT) -> Iterator[Output]:
    """sitemap.xml; beyond `limit` URLs an index of that name, and sitemap-1.xml and so on."""
    every: list[Page | Listing] = [*scene.pages, *scene.listings]
    subjects = sorted((subject for subject in every if _is_listed(subject)), key=lambda subject: subject.path)
    parts = [subjects[start : start + limit] for start in range(0, len(subjects), limit)] or [[]]
    if len(parts) == 1:
        yield Output("sitemap.xml", xml.document(_urls(scene, parts[0])), _ORIGIN)
        return
    index = ET.Element("sitemapindex", {"xmlns": _NAMESPACE})
    for number, part in enumerate(parts, 1):
        name = f"sitemap-{number}.xml"
        xml.child(xml.child(index, "sitemap"), "loc", scene.site.absolute_url(f"/{name}"))
        yield Output(name, xml.document(_urls(scene, part)), _ORIGIN)
    yield Output("sitemap.xml", xml.document(index), _ORIGIN)


def robots(scene: Scene) -> Iterator[Output]:
    """Everybody may read everything. The site's own static/robots.txt comes before this one."""
    if all(asset.output != "robots.txt" for asset in scene.site.assets):
        text = f"User-agent: *\nDisallow:\n\nSitemap: {scene.site.absolute_url('/sitemap.xml')}\n"
        yield Output("robots.txt", text.encode(), "robots.txt")


def _is_listed(subject: Page | Listing) -> bool:
    # A list's further pages hold nothing that isn't found from its first one.
    if isinstance(subject, Page):
        return True
    return subject.number == 1 and subject.kind is not ListKind.MISSING and not subject.repeats


def _urls(scene: Scene, subjects: Sequence[Page | Listing]) -> ET.Element:
    site = scene.site
    root = ET.Element("urlset", {"xmlns": _NAMESPACE, "xmlns:xhtml": "http://www.w3.org/1999/xhtml"})
    for subject in subjects:
        url = xml.child(root, "url")
        xml.child(url, "loc", site.absolute_url(subject.path))
        if changed := _changed(subject):
            xml.child(url, "lastmod", xml.moment(changed))
        versions = scene.versions(subject)
        if len(versions) > 1:
            paths = dict(versions)
            default = paths.get(site.settings.site.default_language, versions[0][1])
            for language, path in (*versions, ("x-default", default)):
                xml.child(url, "xhtml:link", rel="alternate", hreflang=language, href=site.absolute_url(path))
    return root


def _changed(subject: Page | Listing) -> dt.datetime | None:
    pages = [subject] if isinstance(subject, Page) else subject.posts
    return max((moment for page in pages for moment in (page.date, page.updated) if moment), default=None)
