"""The route of a release that is shared: beside the live one, on the same host, for whoever knows its secret address.

The address sets a cookie, and leads to the front page; who has the cookie is led to the shared release, everybody else
to the live one. So pages and links are as they will be, and neither DNS nor another certificate or port is wanted. The
edge itself looks at its clock with every request: what has run out is as if it had never been, whether anybody comes to
clear it away or not. The secret is in the edge's configuration, and nowhere else on the host.

Search engines are told to leave it, caches to keep nothing of it. The site's own server sees no cookie.
"""

import re
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from publish.edge import configuration
from publish.edge.configuration import ALL_HOSTS, SiteBehindEdge, static
from sealpress.frozen import frozen

PATH: Final = "/_share/"
"""Below which secret addresses lie; by itself, it leads who has the cookie back to the live site."""

COOKIE: Final = "sealpress-share"

_UNSEEN: Final = {
    "X-Robots-Tag": ["noindex, nofollow"],
    "Cache-Control": ["private, no-store"],
}


@frozen
class SharedRelease:
    """What is shared: by which `secret` of 32 hex digits, and `until` when, in seconds since 1970."""

    name: str
    secret: str
    until: int

    @property
    def path(self) -> str:
        return f"{PATH}{self.secret}/"


def route_name(line: str, name: str) -> str:
    """What a route is known by: with its line's name before it, so that it goes with that."""
    return f"{line}/{name}"


def route(
    shared: SharedRelease, site: SiteBehindEdge, container_id: str, below: str, *, is_secure: bool
) -> dict[str, Any]:
    """The route to a container. `below`: OutputTree.below; `is_secure`: readers come by TLS."""
    cookie = {"header_regexp": {"Cookie": {"pattern": f"(?:^|;)\\s*{COOKIE}={shared.secret}\\s*(?:;|$)"}}}
    address = {"path": [shared.path, shared.path.removesuffix("/")]}
    lasting = {"expression": f"int({{time.now.unix}}) < {shared.until}"}
    host = {} if site.hosts == (ALL_HOSTS,) else {"host": [site.hosts[0]]}
    proxy = configuration.proxy(site, [container_id])
    proxy["headers"] = {"request": {"delete": ["Cookie"]}, "response": proxy["headers"]["response"] | {"set": _UNSEEN}}
    parts = [
        {"match": [address], "handle": [_led(_cookie(shared.secret, shared.until, is_secure=is_secure), below)]},
        {"match": [{"path": [PATH]}], "handle": [_led(_cookie("", 0, is_secure=is_secure), below)]},
        {"handle": [proxy]},
    ]
    return {
        "@id": route_name(site.line, shared.name),
        "match": [{**host, **address, **lasting}, {**host, **cookie, **lasting}],
        "handle": [{"handler": "subroute", "routes": [{**part, "terminal": True} for part in parts]}],
        "terminal": True,
    }


def read(name: str, found: Mapping[str, Any]) -> SharedRelease | None:
    """What a route of that name shares; None for one that has another shape."""
    try:
        first = found["match"][0]
        secret = re.fullmatch(f"{re.escape(PATH)}([0-9a-f]{{32}})/", first["path"][0])
        until = re.search("< ([0-9]{1,12})$", first["expression"])
    except (LookupError, TypeError, AttributeError):
        return None
    return SharedRelease(name.partition("/")[2], secret[1], int(until[1])) if secret and until else None


def _led(cookie: str, below: str) -> dict[str, Any]:
    told = {"Location": [f"/{quote(below)}"], "Set-Cookie": [cookie], "Referrer-Policy": ["no-referrer"], **_UNSEEN}
    return static(302, "", told)


def _cookie(secret: str, until: int, *, is_secure: bool) -> str:
    """It comes along with links from elsewhere (Lax), else the address itself would lead to the live site."""
    ends = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(until))
    return f"{COOKIE}={secret}; Path=/; Expires={ends}; HttpOnly; SameSite=Lax" + ("; Secure" if is_secure else "")
