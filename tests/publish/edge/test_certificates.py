"""What the edge is told of certificates, read back as it was written; and what a log from outside tells of CAs."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publish.edge import certificates, configuration
from publish.edge.certificates import CertificateSource, of_label, path_of, refusals
from publish.edge.configuration import SiteBehindEdge
from tests.publish.edge.test_configuration import BLOG, IDS, json_values

ACME = CertificateSource("acme", "https://ca.example:14000/dir", "me@blog.example", "0123456789ab")
SOURCES = (
    ACME,
    CertificateSource("acme"),
    CertificateSource("internal"),
    CertificateSource("own", file="0123456789ab"),
)


def site(source: CertificateSource, name: str = "blog") -> SiteBehindEdge:
    hosts = (f"{name}.example", f"www.{name}.example")
    return SiteBehindEdge(f"{name}.production", hosts, f"https://{name}.example", 8080, tls=source)


@pytest.mark.parametrize("source", SOURCES)
def test_a_site_with_tls_beside_one_without_is_read_back_as_it_was_written(source: CertificateSource) -> None:
    routes = {one.line: configuration.route(one, IDS) for one in (site(source), BLOG.__class__("b.p", ("b",), "", 80))}
    document = configuration.document(routes)
    assert configuration.routes_of(document) == routes
    assert configuration.document(configuration.routes_of(document)) == document


def test_only_the_names_of_hosts_get_certificates() -> None:
    routes = {
        one.line: configuration.route(one, IDS) for one in (site(ACME), site(CertificateSource("internal"), "notes"))
    }
    tls = json.loads(configuration.document(routes))["apps"]["tls"]
    names = ["blog.example", "www.blog.example", "notes.example", "www.notes.example"]
    assert tls["certificates"]["automate"] == names
    assert [one["subjects"] for one in tls["automation"]["policies"]] == [names[:2], names[2:]]
    assert "on_demand" not in json.dumps(tls)


def test_an_edge_without_tls_is_told_nothing_of_it() -> None:
    told = json.loads(configuration.document({BLOG.line: configuration.route(BLOG, IDS)}))
    assert (told.keys(), told["apps"].keys()) == ({"admin", "logging", "apps"}, {"http"})
    assert told["apps"]["http"]["servers"].keys() == {"readers", "replicas"}


def test_each_name_leads_to_tls_once_it_has_a_certificate() -> None:
    document = json.loads(configuration.document({"blog.production": configuration.route(site(ACME), IDS)}))
    (plain, _) = document["apps"]["http"]["servers"]["readers"]["routes"]
    moved, _ = plain["handle"][0]["routes"]
    assert [one["host"] for one in moved["match"]] == [["blog.example"], ["www.blog.example"]]
    kept = "/certificates/ca.example-14000-dir/blog.example/blog.example.crt"
    assert moved["match"][0]["file"] == {"root": "/certificates", "try_files": [kept]}
    assert path_of(ACME, "blog.example") == f"/certificates{kept}"
    assert moved["handle"][0]["headers"]["Location"] == ["https://{http.request.host}{http.request.uri}"]


@pytest.mark.parametrize("source", SOURCES)
def test_a_label_tells_the_source(source: CertificateSource) -> None:
    assert of_label(source.label) == source


@given(st.text(max_size=40) | json_values.map(json.dumps))
def test_what_is_no_label_tells_none(text: str) -> None:
    assert of_label(text) is None


@pytest.mark.parametrize(
    "told",
    [{"kind": "other"}, {"kind": "own", "file": "../a"}, {"kind": "own", "more": ""}, {"kind": "acme", "ca": 1}, []],
)
def test_a_label_of_somebody_else_tells_none(told: Any) -> None:
    assert of_label(json.dumps(told)) is None


@given(json_values)
def test_what_is_no_configuration_has_no_parts(found: Any) -> None:
    assert certificates.parts_of(found) == {}
    assert certificates.parts_of({"tls": found}) == {}
    assert not certificates.is_whole(found)


REFUSED = {"level": "error", "identifier": "a", "error": "no\n\x1b[31msuch  thing"}


def test_what_a_ca_said_last_is_told_since_the_last_configuration() -> None:
    loaded = {"level": "warn", "msg": "automatic HTTPS is completely disabled for server"}
    lines = [REFUSED | {"error": "before"}, loaded, REFUSED, {"level": "error", "identifier": "b", "error": "x"}]
    log = "\n".join(map(json.dumps, lines))
    assert refusals(log, ["a"]) == {"a": r"no \x1b[31msuch thing"}
    assert refusals(f"{log}\n{json.dumps(loaded)}", ["a"]) == {}


@given(st.text() | st.lists(json_values).map(lambda found: "\n".join(map(json.dumps, found))))
def test_a_log_of_anything_tells_of_no_refusal(log: str) -> None:
    assert refusals(log, ["a"]) == {}
