"""The edge's configuration: Caddy's JSON, put together from routes, one for each line of releases.

A route is known by its `@id`, the line's name. All others are taken over as they stand, whoever wrote them: so what is
changed for one site never touches another one. Every site's server is named by the first digits of its container's
id, which the engine's own name service knows on the edge's network, and which is never given twice.

A route with certificates (certificates.py) is had by TLS, and by http leads there as soon as there is one. Beside the
readers' ports, one of the loopback alone answers for single replicas, by a Host as "0123456789ab.8080":
they have no port on the host by which they could be asked.

The release of before is asked for one thing alone: a file whose name holds a digest of its content, that the current
one does not have. Its own server tells which these are, by its Cache-Control; of all else it says, nothing is handed
on.

What is shared (share.py) has a route of its own, before that of its line, and goes with it: "LINE/NAME".

Source: Caddy's JSON structure, of 2.6 as Debian 13 has it: it refuses keys that it doesn't know.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from imagebake.recipes.edge import ADMIN, CERTIFICATES, PORT, PROBE_PORT, SECURE_PORT
from publish.edge import certificates
from publish.edge.certificates import CertificateSource
from sealpress.frozen import frozen

ALL_HOSTS: Final = "*"
ID_DIGITS: Final = 12

_HEALTH_PATH: Final = "/healthz"
_ANSWER: Final = "5s"  # until an answer begins; then another replica is asked
_CONNECT: Final = "1s"
_CHECK: Final = "2s"
_TRIES: Final = 5
_PAUSE: Final = "200ms"  # between two tries
_LEFT_OUT: Final = "5s"  # how long a failure is held against a replica

_FINGERPRINT: Final = r"[.-][0-9a-f]{8,64}\.[A-Za-z0-9.]+$"
"""All that sealpress.tree.tree.FINGERPRINT finds, and some more: Go's expressions can't look ahead."""

_IF_NOT_HERE: Final = "handle_response"
_CHECKS: Final = "health_checks"

Routes = Mapping[str, Mapping[str, Any]]
"""By the names of their lines."""


@frozen
class SiteBehindEdge:
    """How one line's site is reached. `hosts`: the canonical first, others lead to `origin`; or ALL_HOSTS alone.

    `origin` as "https://blog.example.org", with `tls` by the scheme of the request. `interval` in seconds, `failures`:
    see PublishTarget.
    """

    line: str
    hosts: tuple[str, ...]
    origin: str
    port: int
    interval: int = 2
    failures: int = 2
    tls: CertificateSource | None = None


def replica_name(container_id: str, port: int) -> str:
    """The Host by which a single replica is asked."""
    return f"{container_id[:ID_DIGITS]}.{port}"


def upstream(container_id: str, port: int) -> str:
    """By which name and port the edge reaches a container."""
    return f"{container_id[:ID_DIGITS]}:{port}"


def route(site: SiteBehindEdge, replicas: Sequence[str], previous: Sequence[str] = ()) -> dict[str, Any]:
    """A line's route to the containers with these ids. `previous`: upstreams of the release of before."""
    parts: list[dict[str, Any]] = []
    if others := site.hosts[1:]:
        moved = static(308, "", {"Location": [f"{site.origin}{{http.request.uri}}"]})
        parts.append({"match": [{"host": list(others)}], "handle": [moved], "terminal": True})
    asked = proxy(site, replicas) | _or_before(previous)
    parts.append({"handle": [_or_whoever_is_there(asked) if _CHECKS in asked else asked]})
    match = {} if site.hosts == (ALL_HOSTS,) else {"match": [{"host": list(site.hosts)}]}
    tls = {"tls": certificates.part(site.line, site.hosts, site.tls)} if site.tls else {}
    return {"@id": site.line, **match, "handle": [{"handler": "subroute", "routes": parts}], "terminal": True, **tls}


def proxy(site: SiteBehindEdge, replicas: Sequence[str]) -> dict[str, Any]:
    """The handler that asks a site's containers. Of several replicas, who is dead is left out until it answers again.
    One alone is always asked: instead of it there would be nobody. So are all, where all of them seem dead (`route`).
    """
    checks = {
        "active": {"uri": _HEALTH_PATH, "interval": f"{site.interval}s", "timeout": _CHECK, "expect_status": 200},
        "passive": {"fail_duration": _LEFT_OUT, "max_fails": site.failures},
    }
    return {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": upstream(one, site.port)} for one in replicas],
        "transport": {"protocol": "http", "dial_timeout": _CONNECT, "response_header_timeout": _ANSWER},
        "load_balancing": {
            "selection_policy": {"policy": "round_robin"},
            "retries": _TRIES,
            "try_interval": _PAUSE,
            "retry_match": [{"method": ["GET", "HEAD", "OPTIONS"]}],
        },
        # Beside the edge's own, it would be there twice.
        "headers": {"response": {"delete": ["Server"]}},
        **({_CHECKS: checks} if len(replicas) > 1 else {}),
    }


def _or_whoever_is_there(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Where every replica is left out, each is asked all the same: on a busy host, checks fail that readers would not.
    Caddy's error is 503 only where it asked nobody; what was asked and failed is not asked again.
    """
    everyone = {key: value for key, value in asked.items() if key != _CHECKS}
    nobody_asked = [{"expression": "{http.error.status_code} == 503"}]
    routes = [
        {"match": nobody_asked, "handle": [everyone], "terminal": True},
        {"handle": [{"handler": "error", "status_code": "{http.error.status_code}"}]},
    ]
    return {"handler": "subroute", "routes": [{"handle": [dict(asked)]}], "errors": {"routes": routes}}


def _or_before(previous: Sequence[str]) -> dict[str, Any]:
    """Where the current release has no such file: the one of before, where that keeps it for ever; else the 404."""
    if not previous:
        return {}
    as_it_is = {"handle": [{"handler": "copy_response"}]}
    before = {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": one} for one in previous],
        "transport": {"protocol": "http", "dial_timeout": _CONNECT, "response_header_timeout": _ANSWER},
        _IF_NOT_HERE: [
            {"match": {"headers": {"Cache-Control": ["*immutable*"]}}, "routes": [as_it_is]},
            {"routes": [{"handle": [{"handler": "error", "status_code": 404}]}]},
        ],
    }
    # Dead or without the file, it is as if it had not been asked.
    asked = {"handler": "subroute", "routes": [{"handle": [before]}], "errors": {"routes": [as_it_is]}}
    match = [{"method": ["GET", "HEAD"], "path_regexp": {"pattern": _FINGERPRINT}}]
    routes = [{"match": match, "handle": [asked], "terminal": True}, as_it_is]
    return {_IF_NOT_HERE: [{"match": {"status_code": [404]}, "routes": routes}]}


def document(routes: Routes) -> bytes:
    """The whole configuration. Whoever is named comes before who takes all other names, and what is shared before its
    line.
    """
    lines = {name: line_of(name) if line_of(name) in routes else name for name in routes}
    in_order = sorted(lines, key=lambda name: ("match" not in routes[lines[name]], name == lines[name], name))
    secure = [routes[name] for name in in_order if is_secure(routes[lines[name]]) or is_secure(routes[name])]
    plain = [
        _by_http(routes[name]) if is_secure(routes[name]) else dict(routes[name])
        for name in in_order
        if is_secure(routes[name]) or not is_secure(routes[lines[name]])
    ]
    servers = {
        "readers": _server(PORT, [*plain, {"handle": [_nobody()]}]),
        "replicas": _server(PROBE_PORT, [_single(), {"handle": [_nobody()]}]),
    }
    told: dict[str, Any] = {
        "admin": {"listen": ADMIN},
        "logging": {"logs": {"default": {"level": "WARN"}}},
        "apps": {"http": {"servers": servers}},
    }
    if secure:
        by_tls = [{key: value for key, value in one.items() if key != "tls"} for one in secure]
        servers["secure"] = _server(SECURE_PORT, [_http3(), *by_tls, {"handle": [_nobody()]}])
        servers["secure"]["tls_connection_policies"] = [{}]
        told["storage"] = {"module": "file_system", "root": CERTIFICATES}
        told["apps"] |= certificates.apps(one["tls"] for one in secure if is_secure(one))
    return (json.dumps(told, indent=1) + "\n").encode()


def line_of(name: str) -> str:
    """Whose route that of this name is, or goes with. Neither sites nor targets have a slash."""
    return name.partition("/")[0]


def is_secure(route: Mapping[str, Any]) -> bool:
    """Whether a route is one with certificates."""
    return certificates.is_whole(route.get("tls"))


def _by_http(route: Mapping[str, Any]) -> dict[str, Any]:
    """What a route with certificates is without TLS: each of its names leads there once it has one."""
    hosts = [name for one in route.get("match", ()) for name in one.get("host", ())]
    ready = [certificates.held(route["tls"], host) for host in hosts]
    moved = static(308, "", {"Location": ["https://{http.request.host}{http.request.uri}"]})
    parts = [{"match": ready, "handle": [moved], "terminal": True}, {"handle": route["handle"]}]
    return {"match": route["match"], "handle": [{"handler": "subroute", "routes": parts}], "terminal": True}


def _http3() -> dict[str, Any]:
    """Caddy would tell of the port that it has itself in its container."""
    return {"handle": [{"handler": "headers", "response": {"set": {"Alt-Svc": ['h3=":443"; ma=2592000']}}}]}


def _server(port: int, routes: list[dict[str, Any]]) -> dict[str, Any]:
    down = static(503, "Nobody answers here just now.\n", {"Retry-After": ["5"], "Cache-Control": ["no-store"]})
    return {
        "listen": [f":{port}"],
        "routes": routes,
        "errors": {"routes": [{"handle": [down]}]},
        "automatic_https": {"disable": True},
        # Who sends too slowly makes room for others, as in the site's own server.
        "read_header_timeout": "10s",
        "idle_timeout": "60s",
    }


def _single() -> dict[str, Any]:
    """Names of containers and ports as they come, but nothing else of the network."""
    name = {"name": "replica", "pattern": f"^([0-9a-f]{{{ID_DIGITS}}})\\.([0-9]{{1,5}})$"}
    upstream = {"dial": "{http.regexp.replica.1}:{http.regexp.replica.2}"}
    proxy = {"handler": "reverse_proxy", "upstreams": [upstream]}
    return {"match": [{"header_regexp": {"Host": name}}], "handle": [proxy], "terminal": True}


def _nobody() -> dict[str, Any]:
    return static(404, "No site has this name here.\n", {"Cache-Control": ["no-store"]})


def static(status: int, body: str, headers: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The handler that always answers this."""
    kind = {"Content-Type": ["text/plain; charset=utf-8"]} if body else {}
    told = {"headers": {**kind, **headers}} | ({"body": body} if body else {})
    return {"handler": "static_response", "status_code": status, **told}


def routes_of(data: bytes) -> Routes:
    """The routes of a configuration, whatever stands in it: {} for what is none."""
    try:
        found = json.loads(data)["apps"]
        servers = found["http"]["servers"]
        plain, secure = (servers.get(name, {"routes": []})["routes"] for name in ("readers", "secure"))
        parts = certificates.parts_of(found)
        named = [one for one in (*plain, *secure) if isinstance(one, dict) and isinstance(one.get("@id"), str)]
        return {one["@id"]: one | ({"tls": parts[one["@id"]]} if one["@id"] in parts else {}) for one in named}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}


def replicas_of(found: object) -> frozenset[str]:
    """The first digits of the ids of the containers that a route leads to."""
    return _named(found, is_previous=False)


def previous_of(found: object) -> frozenset[str]:
    """The same of those that are asked for what these don't have."""
    return _named(found, is_previous=True)


def _named(found: object, *, is_previous: bool) -> frozenset[str]:
    dials = (one.get("dial") for one, is_inner in _all(found, is_inner=False) if is_inner == is_previous)
    return frozenset(one.partition(":")[0] for one in dials if isinstance(one, str))


def _all(found: object, *, is_inner: bool) -> Iterable[tuple[dict[str, Any], bool]]:
    """Each object, and whether it is within what is done where a file is not here."""
    if isinstance(found, dict):
        yield found, is_inner
        for key, one in found.items():
            yield from _all(one, is_inner=is_inner or key == _IF_NOT_HERE)
    for one in found if isinstance(found, list) else ():
        yield from _all(one, is_inner=is_inner)
