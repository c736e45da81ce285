"""Which items the feeds of a tree hold, whatever made them."""

import pytest

from publish.publishing import feeds
from publish.publishing.feeds import FeedItem
from sealpress.tree import tree

ATOM = b"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><id>x</id>
<entry><id> tag:a,2026:1 </id><title>One</title><link rel="self" href="/no"/>
<link rel="alternate" href="https://a.example/one/"/></entry>
<entry><id>urn:2</id><link href="https://a.example/two/?q#f"/></entry><entry><title>without id</title></entry></feed>"""
RSS = b"""<rss version="2.0"><channel><title>t</title><item><title>One</title><link>https://a.example/one/</link>
<guid isPermaLink="false">abc</guid></item><item><link>https://a.example/two/</link></item></channel></rss>"""


def test_items_of_atom_have_their_ids_and_where_they_lead():
    assert feeds.read(ATOM) == (FeedItem("tag:a,2026:1", "/one/", "One"), FeedItem("urn:2", "/two/", ""))


def test_items_of_rss_without_a_guid_are_known_by_their_link():
    two = "https://a.example/two/"
    assert feeds.read(RSS) == (FeedItem("abc", "/one/", "One"), FeedItem(two, "/two/", ""))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<feed",
        b"<html><feed></html>",
        b"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'/>",
        b'<!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa">'
        + b"".join(
            f'<!ENTITY {two} "{f"&{one};" * 10}">'.encode() for one, two in zip("abcdefgh", "bcdefghi", strict=True)
        )
        + b"]><rss><channel><item><guid>&i;</guid></item></channel></rss>",
        b'<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]><rss><channel><item><guid>&a;</guid></item></channel></rss>',
    ],
)
def test_what_is_no_feed_has_no_items(data):
    assert feeds.read(data) == ()


def test_every_feed_of_a_tree_counts_and_each_item_once(tmp_path):
    for name in ("feed.xml", "fr/atom.xml", "index.xml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(ATOM)
    (tmp_path / "index.html").write_bytes(RSS)
    assert [item.id for item in feeds.items(tree.scan(tmp_path))] == ["tag:a,2026:1", "urn:2"]
