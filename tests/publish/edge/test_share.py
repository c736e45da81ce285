"""The route of what is shared: before its line's, by TLS where that has it, and read back as it was made."""

import json
from typing import Any

from publish.edge import certificates, configuration, share
from publish.edge.certificates import CertificateSource
from publish.edge.configuration import ALL_HOSTS, SiteBehindEdge
from publish.edge.share import SharedRelease

BLOG = SiteBehindEdge("blog.production", ("blog.example", "www.blog.example"), "https://blog.example", 8080)
REST = SiteBehindEdge("a.rest", (ALL_HOSTS,), "", 8080)
SHARED = SharedRelease("draft", "0123456789abcdef" * 2, 1_800_000_000)
ID = "c" * 64


def shared_by(site: SiteBehindEdge, below: str = "") -> dict[str, Any]:
    return share.route(SHARED, site, ID, below, is_secure=True)


def names(document: bytes, server: str) -> list[str]:
    found = json.loads(document)["apps"]["http"]["servers"][server]["routes"]
    return [one["@id"] for one in found if "@id" in one]


def test_it_stands_before_its_line_and_behind_whoever_is_named() -> None:
    routes = {one.line: configuration.route(one, [ID]) for one in (BLOG, REST)}
    routes |= {f"{one.line}/draft": shared_by(one) for one in (BLOG, REST)}
    document = configuration.document(routes)
    assert names(document, "readers") == ["blog.production/draft", "blog.production", "a.rest/draft", "a.rest"]
    assert configuration.routes_of(document) == routes


def test_where_its_line_has_tls_it_is_had_by_that_alone() -> None:
    tls = CertificateSource("internal")
    site = SiteBehindEdge(BLOG.line, BLOG.hosts, BLOG.origin, 8080, tls=tls)
    routes = {site.line: configuration.route(site, [ID]), f"{site.line}/draft": shared_by(site)}
    assert certificates.is_whole(routes[site.line]["tls"])
    document = configuration.document(routes)
    assert SHARED.secret not in json.dumps(json.loads(document)["apps"]["http"]["servers"]["readers"])
    assert names(document, "secure") == ["blog.production/draft", "blog.production"]
    assert configuration.routes_of(document) == routes


def test_each_way_in_wants_the_host_the_secret_and_the_time() -> None:
    found = shared_by(BLOG, "notes of mine/")
    for one in found["match"]:
        assert one["host"] == ["blog.example"]
        assert one["expression"] == "int({time.now.unix}) < 1800000000"
        assert SHARED.secret in json.dumps(one.get("path") or one["header_regexp"])
    opens, leaves, proxied = found["handle"][0]["routes"]
    assert opens["handle"][0]["headers"]["Location"] == ["/notes%20of%20mine/"]
    (cookie,) = opens["handle"][0]["headers"]["Set-Cookie"]
    assert cookie.startswith(f"sealpress-share={SHARED.secret}; Path=/; Expires=Fri, 15 Jan 2027 08:00:00 GMT; ")
    assert cookie.endswith("; HttpOnly; SameSite=Lax; Secure")
    assert SHARED.secret not in json.dumps(leaves)
    assert proxied["handle"][0]["headers"]["request"] == {"delete": ["Cookie"]}


def test_it_is_read_back_and_what_has_another_shape_is_none() -> None:
    name = share.route_name(BLOG.line, SHARED.name)
    assert share.read(name, shared_by(BLOG)) == SHARED
    for other in ({}, {"match": 1}, {"match": [{}]}, {"match": [{"path": [1], "expression": ""}]}):
        assert share.read(name, other) is None
    longer = json.loads(json.dumps(shared_by(BLOG)).replace(SHARED.secret, "../" + SHARED.secret))
    assert share.read(name, longer) is None
