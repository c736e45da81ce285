"""Where a URL leads, as a Content-Security-Policy names it: a source expression.

Sources: the URL Standard (WHATWG), section 4.4 "URL parsing", as far as an origin goes; Content Security Policy
Level 3, section 6.7.2 "URL Matching Algorithms".
"""

import re
from typing import Final

from sealpress.html.active_content import plain_url

SELF: Final = "'self'"

INVALID: Final = "?"
"""The source of what no browser would load either."""

SCRIPT: Final = "javascript:"

_PORTS: Final = {"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21"}

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_RELATIVE_SCHEME: Final = re.compile(r"[/\\]{2}")
_AUTHORITY_END: Final = re.compile(r"[/\\?#]")
_HOST: Final = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?")
_EXPRESSION: Final = re.compile(r"(?:([a-z][a-z0-9+.-]*)://)?([^/:]+)(?::([0-9]+|\*))?(?:/.*)?", re.IGNORECASE)


def source(url: str, base: str = SELF) -> str | None:
    """The source of a URL in a document whose relative URLs lead to `base`. None: nothing is loaded from anywhere.

    `https://host` and `https://host:port` for other sites, `host` where the URL takes over the page's scheme, `data:`
    and its like for what has no host, SCRIPT, or INVALID.
    """
    url = plain_url(url)
    if not url or url.startswith("#"):
        return None
    if found := _SCHEME.match(url):
        scheme = found[1].lower()
        if scheme in _PORTS:
            return _origin(scheme, url[found.end() :])
        return None if scheme == "about" else f"{scheme}:"
    if _RELATIVE_SCHEME.match(url):
        return _origin("", url)
    return base


def _origin(scheme: str, rest: str) -> str:
    authority = _AUTHORITY_END.split(rest.lstrip("/\\"), maxsplit=1)[0].rpartition("@")[2]
    host, colon, port = authority.partition(":")
    if colon and not re.fullmatch(r"[0-9]{0,5}", port):
        return INVALID  # an IPv6 address, too: no policy can name one
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return INVALID
    host = host.lower()
    if not _HOST.fullmatch(host):
        return INVALID
    port = port.lstrip("0")
    shown = f"{host}:{port}" if port and port != _PORTS.get(scheme) else host
    return f"{scheme}://{shown}" if scheme else shown


def allows(listed: str, found: str) -> bool:
    """Whether a listed source expression covers what was found; paths are left out of account."""
    if listed == found or (listed == "*" and not found.endswith(":")):
        return True
    if listed.endswith(":") or found.endswith(":"):
        return listed.endswith(":") and _scheme_fits(listed[:-1].lower(), found.partition(":")[0])
    one, other = _EXPRESSION.fullmatch(listed), _EXPRESSION.fullmatch(found)
    if not one or not other or listed.startswith("'") or found.startswith("'"):
        return False
    host = one[2].lower()
    is_host = other[2].endswith(host[1:]) if host.startswith("*.") else host in {other[2], "*"}
    is_scheme = not one[1] or not other[1] or _scheme_fits(one[1].lower(), other[1])
    return is_host and is_scheme and (one[3] == "*" or one[3] == other[3])


def _scheme_fits(listed: str, found: str) -> bool:
    """A listed scheme takes its secure form, too."""
    return found == listed or (listed, found) in {("http", "https"), ("ws", "wss")}
