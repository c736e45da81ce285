"""URLs are read as browsers read them, however they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealpress.policy import origins

SELF = origins.SELF


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("a.css", SELF),
        ("/a.css", SELF),
        ("?q", SELF),
        ("a:b/c", "a:"),
        ("./a:b", SELF),
        ("", None),
        ("#part", None),
        (" \n", None),
        ("about:blank", None),
        ("https://Example.ORG/x", "https://example.org"),
        ("HTTPS://example.org", "https://example.org"),
        (" https://example.org ", "https://example.org"),
        ("ht\ntps://exa\tmple.org/x", "https://example.org"),
        ("https:\\\\example.org\\x", "https://example.org"),
        ("https:/example.org/x", "https://example.org"),
        ("https://example.org:443/", "https://example.org"),
        ("https://example.org:0443/", "https://example.org"),
        ("https://example.org:8443/", "https://example.org:8443"),
        ("http://example.org:80", "http://example.org"),
        ("https://user:pass@example.org@evil.example/", "https://evil.example"),
        ("https://example.org?q@evil.example", "https://example.org"),
        ("//example.org/x", "example.org"),
        ("\\/example.org/x", "example.org"),
        ("https://bücher.example/", "https://xn--bcher-kva.example"),
        ("https://[::1]/", origins.INVALID),
        ("https://exa mple/", origins.INVALID),
        ("https://", origins.INVALID),
        ("https://a:b/", origins.INVALID),
        ("data:image/png;base64,AA", "data:"),
        ("blob:x", "blob:"),
        ("JavaScript:alert(1)", origins.SCRIPT),
        ("\x01java\nscript:alert(1)", origins.SCRIPT),
    ],
)
def test_a_url_leads_where_browsers_go(url: str, source: str | None) -> None:
    assert origins.source(url) == source


def test_relative_urls_lead_to_the_base() -> None:
    assert origins.source("a.css", "https://example.org") == "https://example.org"
    assert origins.source("//other.example/a.css", "https://example.org") == "other.example"


@pytest.mark.parametrize(
    ("listed", "found", "expected"),
    [
        ("https://a.example", "https://a.example", True),
        ("https://a.example", "https://b.example", False),
        ("https://a.example", "http://a.example", False),
        ("http://a.example", "https://a.example", True),
        ("https://a.example", "a.example", True),
        ("a.example", "https://a.example", True),
        ("https://A.example/path/", "https://a.example", True),
        ("https://*.a.example", "https://b.a.example", True),
        ("https://*.a.example", "https://c.b.a.example", True),
        ("https://*.a.example", "https://a.example", False),
        ("https://*.a.example", "https://xa.example", False),
        ("https://a.example:8443", "https://a.example", False),
        ("https://a.example", "https://a.example:8443", False),
        ("https://a.example:*", "https://a.example:8443", True),
        ("https:", "https://a.example", True),
        ("http:", "https://a.example", True),
        ("https:", "http://a.example", False),
        ("https:", "data:", False),
        ("data:", "data:", True),
        ("*", "https://a.example", True),
        ("*", "data:", False),
        ("'self'", "'self'", True),
        ("'self'", "https://a.example", False),
        ("https://a.example", "'self'", False),
    ],
)
def test_what_is_listed_covers_what_the_specification_says(listed: str, found: str, *, expected: bool) -> None:
    assert origins.allows(listed, found) is expected


@given(st.text() | st.from_regex(r"[a-z]{0,6}:?[/\\]{0,3}[^ ]{0,20}", fullmatch=True))
def test_any_text_has_a_source_that_fits_a_header(url: str) -> None:
    source = origins.source(url)
    assert source is None or (source.isascii() and source.isprintable() and not set(source) & set(' ;,"\\'))
