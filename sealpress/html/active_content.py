"""What a document can run, load or send somebody to: attributes, URLs and their schemes, said once for all rooms.

Sources: the HTML Standard (WHATWG), its index of attributes, 4.2.5.3 "Pragma directives" (refresh), 8.1.8 "Events",
13.2.5 "Tokenization"; the URL Standard, 4.4 "URL parsing"; SVG 2, 16 "Linking", and SVG Animations Level 2; Content
Security Policy Level 3, 4.2.3 (a `javascript:` URL runs as an inline script does).
"""

import html
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from html.entities import html5
from types import MappingProxyType
from typing import Final
from urllib.parse import SplitResult


class Url(StrEnum):
    """How an attribute holds URLs."""

    ONE = "one"
    SET = "set"  # with widths or densities, between commas: srcset
    LIST = "list"  # between white space: ping
    REFRESH = "refresh"  # behind seconds: <meta http-equiv="refresh" content="5; url=…">
    VALUES = "values"  # what an SVG animation sets an attribute to, between semicolons
    DOCUMENT = "document"  # a whole page: srcdoc


_ONE: Final = (
    *("href", "src", "action", "formaction", "poster", "background", "cite", "longdesc", "manifest"),
    *("lowsrc", "dynsrc", "codebase", "classid", "icon", "profile"),  # of old browsers
)
_ANY: Final = MappingProxyType(
    dict.fromkeys(_ONE, Url.ONE)
    | dict.fromkeys(("srcset", "imagesrcset"), Url.SET)
    | dict.fromkeys(("ping", "attributionsrc"), Url.LIST)
    | {"srcdoc": Url.DOCUMENT}
)
_OF: Final[Mapping[tuple[str, str], Url]] = MappingProxyType(
    {
        ("object", "data"): Url.ONE,
        ("meta", "content"): Url.REFRESH,
        **{
            (element, attribute): Url.VALUES
            for element in ("set", "animate", "animatetransform", "animatemotion", "animatecolor")
            for attribute in ("to", "from", "by", "values")
        },
    }
)

_HANDLER: Final = re.compile(r"on[a-z]{3,}")  # the shortest events are `cut` and `end`

SCRIPTS: Final = frozenset({"javascript", "vbscript", "livescript"})
"""Schemes of URLs that are a script."""

ACTIVE: Final = SCRIPTS | {"data", "blob", "filesystem", "view-source", "jar", "feed", "mhtml", "mk", "ms-its", "mocha"}
"""Schemes that can run something, or hide what they lead to: nothing on a site needs one. An image may be `data:`."""

PLAIN: Final = frozenset(
    """alt aria-describedby aria-hidden aria-label aria-labelledby aria-level checked class colspan dir disabled
    download height href hreflang id lang loading decoding rel reversed role rowspan scope sizes src srcset start
    target title translate type value width""".split()  # noqa: SIM905
)
"""Attributes with which nobody can run anything, cover a page, or wake a script that waits for its own."""

_OUTSIDE: Final = "".join(map(chr, range(0x21)))  # C0 controls and the space are taken off both ends of a URL
_INSIDE: Final = str.maketrans("", "", "\t\n\r")  # these are taken out everywhere
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_PORTS: Final = MappingProxyType({"http": 80, "https": 443})
_IMAGE: Final = re.compile(r"data:[\t\n\r ]*image/", re.IGNORECASE)


def plain_url(url: str) -> str:
    """A URL as browsers read it: without what they take out before they look at it."""
    return url.strip(_OUTSIDE).translate(_INSIDE)


def scheme(url: str) -> str:
    """The scheme as browsers find it, in small letters; "" where there is none."""
    found = _SCHEME.match(plain_url(url))
    return found[1].lower() if found else ""


def origin(url: SplitResult) -> tuple[str, str, int | None]:
    """Scheme, host and port of a whole URL (4.7): two that have the same lead to one site.

    Raises ValueError for a host or a port that is none.
    """
    host = (url.hostname or "").lower()
    port = _PORTS.get(url.scheme) if url.port is None else url.port
    return url.scheme, host if host.isascii() else host.encode("idna").decode(), port


def is_script(url: str) -> bool:
    """Whether to follow or load the URL is to run a script."""
    return scheme(url) in SCRIPTS


def active_scheme(url: str, *, is_image: bool = False) -> str:
    """The scheme of a URL that no link may have, as written, with its colon; "" for any other URL.

    `is_image`: the URL is only ever shown as an image.
    """
    plain = plain_url(url)
    found = _SCHEME.match(plain)
    if not found or found[1].lower() not in ACTIVE or (is_image and _IMAGE.match(plain)):
        return ""
    return found[0]


def is_handler(attribute: str) -> bool:
    """Whether an attribute is a script that waits for an event. `attribute` is in small letters."""
    return _HANDLER.fullmatch(attribute) is not None


@lru_cache(4096)
def urls_of(element: str, attribute: str) -> Url | None:
    """How an attribute holds URLs; None: it holds none. Both names are in small letters.

    `href` has any prefix: it is XLink's wherever that is declared with another one.
    """
    prefix, _, local = attribute.rpartition(":")
    name = "href" if prefix and local == "href" else attribute
    return _ANY.get(name) or _OF.get((element, name))


def is_refresh(http_equiv: str) -> bool:
    """Whether a <meta> of this `http-equiv` leads somewhere by itself."""
    return http_equiv.lower() == "refresh"


_REFRESH: Final = re.compile(
    r"""[\t\n\f\r\ ]*(?:[0-9]+[0-9.]*|\.[0-9.]*)(?:[\t\n\f\r\ ]*[;,]|[\t\n\f\r\ ])[\t\n\f\r\ ]*
        (?:[Uu][Rr][Ll][\t\n\f\r\ ]*=[\t\n\f\r\ ]*)?(?:"(?P<double>[^"]*)|'(?P<single>[^']*)|(?P<bare>.*))""",
    re.VERBOSE | re.DOTALL,
)


def refresh(content: str) -> tuple[int, int] | None:
    """Where the URL of a `refresh` begins and ends in its `content`; None where it only loads the page again."""
    found = _REFRESH.match(content)
    if not found or not found.lastgroup or not found[found.lastgroup].strip():
        return None
    return found.span(found.lastgroup)


_CANDIDATE: Final = re.compile(r"[\t\n\f\r ,]*+([^\t\n\f\r ]++)([^,(]*+(?:\([^)]*\)?[^,(]*+)*)")


def candidates(srcset: str) -> Iterator[tuple[str, int]]:
    """The URLs of a `srcset`, and where each begins (HTML, 4.8.4.2.1)."""
    position = 0
    while one := _CANDIDATE.match(srcset, position):
        url = one[1]
        position = one.end()
        if url.endswith(","):
            url, position = url.rstrip(","), one.end(1)
        if url:
            yield url, one.start(1)


def urls(kind: Url, value: str) -> list[str]:
    """All URLs of an attribute's value, but for a DOCUMENT, whose own attributes have them."""
    match kind:
        case Url.ONE:
            return [value]
        case Url.SET:
            return [url for url, _ in candidates(value)]
        case Url.LIST:
            return value.split()
        case Url.VALUES:
            return value.split(";")
        case Url.REFRESH:
            return [value[slice(*at)]] if (at := refresh(value)) else []
        case Url.DOCUMENT:
            return []


_REFERENCE: Final = re.compile(r"&(?:#[^&;]{1,12};?|([A-Za-z][A-Za-z0-9]*)(;?)(=?))")


def attribute_value(written: str) -> str:
    """An attribute's value with its character references replaced, by the rules for attributes (HTML, 13.2.5.72)."""
    return _REFERENCE.sub(_character, written) if "&" in written else written


def _character(reference: re.Match[str]) -> str:
    whole, name, closed, equals = reference[0], reference[1], reference[2], reference[3]
    if name is None:
        return html.unescape(whole)
    if closed:
        return html5.get(f"{name};", f"&{name};") + equals
    # Without its semicolon, and with "=" behind it, it is a part of a URL: `?a=1&copy=2`.
    return whole if equals or name not in html5 else html5[name]
