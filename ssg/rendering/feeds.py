"""The Atom feed of each language. Source: RFC 4287; RFC 3339 for dates."""

from collections.abc import Iterator
from typing import Final
from xml.etree import ElementTree as ET

from ssg.content.formats import dates
from ssg.content.model import output_of
from ssg.rendering import xml
from ssg.rendering.bodies import closing
from ssg.rendering.output_kind import OutputFile, OutputKind
from ssg.rendering.queries.site_queries import SiteQueries


def _feeds(queries: SiteQueries) -> Iterator[OutputFile]:
    for language in queries.languages() if queries.has_feeds() else ():
        yield OutputFile(output_of(queries.feed_path(language)), FEED, language, f"the feed ({language})")


FEED: Final[OutputKind] = OutputKind(
    name="feed", files=_feeds, make=lambda rendering, file: feed(rendering.queries, file.subject)
)


def feed(queries: SiteQueries, language: str) -> bytes:
    """A language's feed. One without posts has a feed without entries, dated by the clock of the build."""
    limit, is_full = queries.feed_wishes()
    posts = queries.posts(language, limit, None)
    home = queries.absolute_url(queries.home_path(language))
    feed = ET.Element("feed", {"xmlns": "http://www.w3.org/2005/Atom", "xml:lang": language})
    # The ids are permalinks: what a reader's memory of "seen" hangs on must not depend on the build.
    xml.child(feed, "id", home)
    xml.child(feed, "title", queries.site_title(language))
    if description := queries.site_description(language):
        xml.child(feed, "subtitle", description)
    newest = max((moment for post in posts if (moment := queries.last_change(post))), default=None)
    xml.child(feed, "updated", dates.rfc3339(newest or queries.as_of()))
    own = queries.absolute_url(queries.feed_path(language))
    xml.child(feed, "link", rel="self", type="application/atom+xml", hreflang=language, href=own)
    alternate = queries.absolute_url(queries.posts_path(language))
    xml.child(feed, "link", rel="alternate", type="text/html", hreflang=language, href=alternate)
    # RFC 4287, 4.1.1: a feed needs an author unless each entry has one.
    _author(feed, queries.site_author(language) or queries.site_title(language))
    for post in posts:
        _entry(queries, feed, post, is_full=is_full)
    return xml.document(feed)


def _entry(queries: SiteQueries, feed: ET.Element, post: str, *, is_full: bool) -> None:
    url = queries.absolute_url(queries.path(post))
    entry = xml.child(feed, "entry")
    xml.child(entry, "id", url)
    xml.child(entry, "title", queries.title(post))
    xml.child(entry, "link", rel="alternate", type="text/html", hreflang=queries.language(post), href=url)
    if date := queries.date(post):
        xml.child(entry, "published", dates.rfc3339(date))
    if changed := queries.last_change(post):
        xml.child(entry, "updated", dates.rfc3339(changed))
    if author := queries.author(post):
        _author(entry, author)
    language = queries.language(post)
    for taxonomy in queries.taxonomies():
        for slug in queries.terms_of(post, taxonomy):
            xml.child(entry, "category", term=slug, label=queries.term(taxonomy, language, slug)[0])
    xml.child(entry, "summary", closing.summary(queries, post, absolute=True), type="html", xml__base=url)
    if is_full:
        xml.child(entry, "content", closing.body(queries, post, absolute=True), type="html", xml__base=url)


def _author(parent: ET.Element, name: str) -> None:
    xml.child(xml.child(parent, "author"), "name", name)
