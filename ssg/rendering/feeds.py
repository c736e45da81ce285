"""The Atom feed of each language. Source: RFC 4287; RFC 3339 for dates."""

import datetime as dt
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from ssg.model import Output, Page, output_of
from ssg.rendering import xml
from ssg.rendering.listings import posts_path
from ssg.rendering.scene import Scene


def feeds(scene: Scene) -> Iterator[Output]:
    """One for each language, or none on a site without posts. A language without posts has a feed without entries."""
    if scene.has_feeds:
        for language in scene.site.languages:
            path = output_of(scene.feed_path(language))
            yield Output(path, xml.document(_feed(scene, language)), f"the feed ({language})")


def _feed(scene: Scene, language: str) -> ET.Element:
    site = scene.site
    posts = site.posts_by_language[language][: site.settings.feeds.limit]
    home = site.absolute_url(f"{site.prefix(language)}/")
    feed = ET.Element("feed", {"xmlns": "http://www.w3.org/2005/Atom", "xml:lang": language})
    # The ids are permalinks: what a reader's memory of "seen" hangs on must not depend on the build.
    xml.child(feed, "id", home)
    xml.child(feed, "title", scene.site_title(language))
    if description := scene.site_description(language):
        xml.child(feed, "subtitle", description)
    newest = max((_updated(post) for post in posts), default=site.as_of)
    xml.child(feed, "updated", xml.moment(newest))
    own = site.absolute_url(scene.feed_path(language))
    xml.child(feed, "link", rel="self", type="application/atom+xml", hreflang=language, href=own)
    alternate = site.absolute_url(posts_path(site, language))
    xml.child(feed, "link", rel="alternate", type="text/html", hreflang=language, href=alternate)
    # RFC 4287, 4.1.1: a feed needs an author unless each entry has one.
    _author(feed, site.language_settings(language).author or site.settings.site.author or scene.site_title(language))
    for post in posts:
        _entry(scene, feed, post)
    return feed


def _entry(scene: Scene, feed: ET.Element, post: Page) -> None:
    url = scene.site.absolute_url(post.path)
    entry = xml.child(feed, "entry")
    xml.child(entry, "id", url)
    xml.child(entry, "title", scene.title(post))
    xml.child(entry, "link", rel="alternate", type="text/html", hreflang=post.language, href=url)
    if post.date:
        xml.child(entry, "published", xml.moment(post.date))
    xml.child(entry, "updated", xml.moment(_updated(post)))
    if post.author:
        _author(entry, post.author)
    for tag in scene.tags(post):
        xml.child(entry, "category", term=tag.slug, label=tag.name)
    xml.child(entry, "summary", scene.bodies.summary(post, absolute=True), type="html", xml__base=url)
    if scene.site.settings.feeds.full:
        xml.child(entry, "content", scene.bodies.html(post, absolute=True), type="html", xml__base=url)


def _author(parent: ET.Element, name: str) -> None:
    xml.child(xml.child(parent, "author"), "name", name)


def _updated(post: Page) -> dt.datetime:
    moments = [moment for moment in (post.date, post.updated) if moment]
    return max(moments)
