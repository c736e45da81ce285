"""The feeds are valid Atom. Source: RFC 4287; the section stands beside each rule."""

import datetime as dt
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from ssg.content.formats import dates

ATOM = "{http://www.w3.org/2005/Atom}"
XML = "{http://www.w3.org/XML/1998/namespace}"


def feed_of(blog, path="feed.xml"):
    return ET.fromstring(blog.rendered()[path])


def texts(element, name):
    return [found.text for found in element.findall(ATOM + name)]


def is_date(text):
    """Section 3.3: RFC 3339 with a zone, and no fraction is needed."""
    return dt.datetime.fromisoformat(text).tzinfo is not None and text[10] == "T"


def links(element, rel):
    return [found for found in element.findall(ATOM + "link") if found.get("rel") == rel]


def check(feed):
    assert feed.tag == ATOM + "feed"
    # 4.1.1: one id, title, updated; an author, since entries may lack one; one alternate; it should link to itself.
    for name in ("id", "title", "updated"):
        assert len(texts(feed, name)) == 1
    assert is_date(texts(feed, "updated")[0])
    assert texts(feed.find(ATOM + "author"), "name")[0]
    assert len(links(feed, "self")) == 1
    assert len(links(feed, "alternate")) == 1
    ids = []
    for entry in feed.findall(ATOM + "entry"):
        # 4.1.2
        for name in ("id", "title", "updated"):
            assert len(texts(entry, name)) == 1
        for name in ("published", "summary", "content"):
            assert len(texts(entry, name)) <= 1
        assert all(is_date(moment) for moment in texts(entry, "updated") + texts(entry, "published"))
        assert len(links(entry, "alternate")) == 1
        ids += texts(entry, "id")
        for found in entry.findall(ATOM + "category"):
            assert found.get("term")
    # 4.2.6: an id is an IRI, and 4.1.1 wants each once
    assert len(ids) == len(set(ids))
    assert all(urlsplit(one).scheme == "https" for one in ids)


def test_both_feeds_are_valid(blog):
    rendered = blog.rendered()
    for path in ("feed.xml", "fr/feed.xml"):
        assert rendered[path].startswith(
            '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom"'
        )
        check(ET.fromstring(rendered[path]))


def test_a_feed_names_its_language_and_its_pages(blog):
    feed = feed_of(blog, "fr/feed.xml")
    assert feed.get(XML + "lang") == "fr"
    assert texts(feed, "title") == ["L’Atelier"]
    assert texts(feed, "subtitle") == ["Notes sur le verre."]
    own, alternate = links(feed, "self")[0], links(feed, "alternate")[0]
    assert (own.get("href"), own.get("type")) == ("https://shed.example.org/fr/feed.xml", "application/atom+xml")
    assert (alternate.get("href"), alternate.get("hreflang")) == ("https://shed.example.org/fr/posts/", "fr")
    entry = feed.find(ATOM + "entry")
    assert texts(entry, "id") == ["https://shed.example.org/fr/posts/deux/"]
    assert links(entry, "alternate")[0].get("href") == "https://shed.example.org/fr/posts/deux/"


def test_dates_come_from_the_posts(blog):
    """Newest first; `updated` is when a post last changed, of the feed the latest of these, never the clock's."""
    feed = feed_of(blog)
    entries = feed.findall(ATOM + "entry")
    assert [texts(entry, "title")[0] for entry in entries] == ["Three", "Two", "One"]
    assert texts(entries[1], "published") == ["2026-05-02T00:00:00+02:00"]
    assert texts(entries[1], "updated") == ["2026-05-09T00:00:00+02:00"]
    assert texts(feed, "updated") == ["2026-05-09T00:00:00+02:00"]


def test_bodies_are_whole_with_absolute_links(blog):
    """And without the characters that XML has no place for."""
    entry = feed_of(blog).find(ATOM + "entry")
    content = entry.find(ATOM + "content")
    assert content.get("type") == "html"
    assert content.text == '<p>See <a href="https://shed.example.org/about/">us</a>\nand  more</p>'
    assert entry.find(ATOM + "summary").get(XML + "base") == "https://shed.example.org/posts/three/"


def test_a_feed_can_be_short(blog):
    blog.settings_text += "\n[feeds]\nfull = false\nlimit = 1\n"
    feed = feed_of(blog)
    assert len(feed.findall(ATOM + "entry")) == 1
    assert feed.find(f"{ATOM}entry/{ATOM}content") is None
    assert feed.find(f"{ATOM}entry/{ATOM}summary").text.startswith("<p>See")
    check(feed)


def test_feeds_can_be_off(blog):
    blog.settings_text += "\n[feeds]\nenabled = false\n"
    rendered = blog.rendered()
    assert "feed.xml" not in rendered
    assert "feed.xml" not in rendered["index.html"]


def test_authors_and_tags(blog):
    entries = feed_of(blog).findall(ATOM + "entry")
    assert texts(entries[1].find(ATOM + "author"), "name") == ["Guest"]
    assert [(found.get("term"), found.get("label")) for found in entries[1].findall(ATOM + "category")] == [
        ("glass", "Glass"),
        ("wood", "Wood"),
    ]


def test_a_site_without_an_author_still_has_a_valid_feed(blog):
    blog.settings_text = blog.settings_text.replace('author = "Ada"\n', "")
    feed = feed_of(blog)
    check(feed)
    assert texts(feed.find(ATOM + "author"), "name") == ["The Shed"]


def test_an_empty_feed_is_valid(blog):
    blog.given = [(source, given) for source, given in blog.given if "fr/posts" not in source]
    feed = feed_of(blog, "fr/feed.xml")
    check(feed)
    assert feed.findall(ATOM + "entry") == []
    assert texts(feed, "updated") == ["2026-12-31T00:00:00+02:00"]


def test_offsets_that_no_timestamp_can_hold_are_told_in_utc() -> None:
    """RFC 3339, section 5.6: an offset is hours and minutes."""
    paris = dt.timezone(dt.timedelta(minutes=9, seconds=21))
    assert dates.rfc3339(dt.datetime(1900, 1, 1, 12, 0, tzinfo=paris)) == "1900-01-01T11:50:39+00:00"
    summer = dt.timezone(dt.timedelta(hours=2))
    assert dates.rfc3339(dt.datetime(2026, 5, 4, 21, 30, tzinfo=summer)) == "2026-05-04T21:30:00+02:00"
