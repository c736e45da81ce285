"""What the edge is told: routes of lines that don't know each other, read back as they were written."""

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from publish.edge import configuration
from publish.edge.configuration import ALL_HOSTS, SiteBehindEdge
from publish.edge.container import line_of, name_at
from publish.edge.edge import origin
from publish.engines.protocol import Endpoint
from sealpress.tree.tree import FINGERPRINT

BLOG = SiteBehindEdge("blog.production", ("blog.example", "www.blog.example"), "https://blog.example", 8080, 3, 4)
REST = SiteBehindEdge("rest.production", (ALL_HOSTS,), "", 8080)
IDS = ("a" * 64, "0123456789ab" + "c" * 52)


def served(routes: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return json.loads(configuration.document(routes))["apps"]["http"]["servers"]["readers"]["routes"]


def test_a_site_is_reached_by_its_first_name_and_the_others_lead_there() -> None:
    (found, nobody) = served({BLOG.line: configuration.route(BLOG, IDS)})
    assert found["match"] == [{"host": ["blog.example", "www.blog.example"]}]
    moved, proxied = found["handle"][0]["routes"]
    assert moved["match"] == [{"host": ["www.blog.example"]}]
    assert moved["handle"][0]["status_code"] == 308
    assert moved["handle"][0]["headers"]["Location"] == ["https://blog.example{http.request.uri}"]
    (proxy,) = proxied["handle"][0]["routes"][0]["handle"]
    assert [one["dial"] for one in proxy["upstreams"]] == ["aaaaaaaaaaaa:8080", "0123456789ab:8080"]
    assert (proxy["health_checks"]["active"]["interval"], proxy["health_checks"]["passive"]["max_fails"]) == ("3s", 4)
    assert nobody["handle"][0]["status_code"] == 404


def test_one_replica_alone_is_always_asked() -> None:
    """Left out, there would be nobody in its place."""
    assert "health_checks" not in json.dumps(configuration.route(BLOG, IDS[:1]))


def test_who_takes_all_other_names_comes_last() -> None:
    routes = {"a": configuration.route(REST, IDS), "z": configuration.route(BLOG, IDS)}
    assert ["match" in one for one in served(routes)] == [True, False, False]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=9,
)


@given(st.dictionaries(st.text(min_size=1, max_size=9), st.dictionaries(st.text(max_size=5), json_values, max_size=3)))
def test_what_others_wrote_comes_back_as_it_was(routes: dict[str, dict[str, Any]]) -> None:
    named = {name: one | {"@id": name} for name, one in routes.items()}
    assert configuration.routes_of(configuration.document(named)) == named


@given(st.binary(max_size=99) | json_values.map(lambda value: json.dumps(value).encode()))
def test_what_is_no_configuration_has_no_routes(data: bytes) -> None:
    assert configuration.routes_of(data) == {}


def test_the_replicas_of_a_route_are_told() -> None:
    assert configuration.replicas_of(configuration.route(BLOG, IDS)) == {one[:12] for one in IDS}
    assert configuration.replicas_of(None) == frozenset()


def test_who_is_asked_for_what_is_not_here_is_no_replica() -> None:
    found = configuration.route(BLOG, IDS[:1], [configuration.upstream(IDS[1], 8081)])
    assert '"0123456789ab:8081"' in json.dumps(found)
    assert configuration.replicas_of(found) == {IDS[0][:12]}
    assert configuration.previous_of(found) == {IDS[1][:12]}
    assert configuration.previous_of(configuration.route(BLOG, IDS)) == frozenset()


@given(st.from_regex(FINGERPRINT))
def test_whatever_is_kept_for_ever_may_be_asked_for(path: str) -> None:
    assert re.search(configuration._FINGERPRINT, path)
    assert "(?" not in configuration._FINGERPRINT  # which Go's expressions have not


def test_each_address_and_port_has_an_edge_of_its_own() -> None:
    readers = (Endpoint("", 80), Endpoint("", 8080), Endpoint("127.0.0.1", 80), Endpoint("::", 80), Endpoint("::1", 80))
    names = [name_at(one) for one in readers]
    assert names[0] == "sealpress-edge-80"
    assert len({*names}) == len(readers)
    assert {line_of(one).readers for one in readers} == {*readers}


def test_the_canonical_name_leads_where_the_sites_url_says() -> None:
    assert origin("a.example", "https://a.example:8443/blog/", None) == "https://a.example:8443"
    assert origin("b.example", "https://a.example/", Endpoint("", 80)) == "http://b.example"
    assert origin("b.example", "https://a.example/", Endpoint("", 8080)) == "http://b.example:8080"
