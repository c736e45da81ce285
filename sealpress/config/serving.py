"""What [image] may say about how the site is served: headers, redirects, languages, HSTS, proxies. Each with its place.

A part of sitefile.py, which calls it when a site.toml is loaded.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from sealpress.config import content_policy, redirects
from sealpress.config.document import Node
from sealpress.config.settings import ImageSettings, Settings
from sealpress.problems import Place, Problem, shown

_LONGEST_TAG: Final = 35  # RFC 5646, section 4.4.1: what all that read tags must take
_YEAR: Final = 31_536_000  # seconds; what the browsers' list asks for at least
_LONGEST: Final = 10 * _YEAR

# nginx works these out for every answer; a second one would contradict it.
_OWN_HEADERS: Final = frozenset(
    """accept-ranges cache-control connection content-encoding content-length content-range content-type date etag
    keep-alive last-modified location server te trailer transfer-encoding upgrade vary""".split()  # noqa: SIM905
)

HEADERS_LIMIT: Final = content_policy.LONGEST
"""Characters of all headers that a site sets, for the same reason."""

_WORD_LIMIT: Final = 4000  # bytes that nginx takes of one header, as its configuration has it

At = Callable[..., Place]
"""The place of a value, `at("image", "hsts")`."""


def check(settings: Settings, document: Node, at: At) -> Iterator[Problem]:
    """What is wrong, in no particular order."""
    image = settings.image
    for name, value in image.headers.items():
        if wrong := wrong_header(name, value):
            yield Problem(f"[image.headers] {shown(name)} {wrong}", place=at("image", "headers", name))
    yield from _check_headers(image, at)
    try:
        redirects.of_table(image.redirects, document.at("image", "redirects"))
    except Problem as problem:
        yield from problem.each
    yield from _check_languages(image, at)
    yield from _check_hsts(settings, at)
    for number, text in enumerate(image.trusted_proxies):
        if wrong := _network(text):
            yield Problem(f"[image] trusted_proxies {wrong}", place=at("image", "trusted_proxies", number))


DEFAULTS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Each gives way to a header of the same name in [image] headers; an empty one there takes it out."""

CSP: Final = "Content-Security-Policy"


def headers(own: Mapping[str, str], policy: str) -> dict[str, str]:
    """What every answer carries: the defaults with a policy ("" for none), and the site's `own`."""
    defaults = {**DEFAULTS, **({CSP: policy} if policy else {})}
    taken = {name.lower() for name in own}
    return {name: value for name, value in defaults.items() if name.lower() not in taken} | dict(sorted(own.items()))


def wrong_header(name: str, value: str) -> str | None:
    """What is wrong with a header; None where it can be set. Source: RFC 9110, sections 5.1 and 5.5."""
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
        return "is not the name of a header"
    if len(name) > HEADERS_LIMIT:
        return f"has a name of {len(name)} characters"
    if name.lower() in _OWN_HEADERS:
        return "can't be set: nginx works it out for every answer"
    if any(ord(char) < 0x20 or ord(char) >= 0x7F for char in value):
        return "has a character that no header may hold (control or not ASCII)"
    # A `$` is written "${dollar}" for nginx, and these two with a backslash before them.
    if (size := len(value) + 8 * value.count("$") + value.count('"') + value.count("\\")) > _WORD_LIMIT:
        return f"is too long: nginx would be told {size} bytes, and takes {_WORD_LIMIT}"
    return None


def _check_headers(image: ImageSettings, at: At) -> Iterator[Problem]:
    """Of all headers together: none stands twice, and proxies take them."""
    first: dict[str, str] = {}
    for name in image.headers:
        if (earlier := first.setdefault(name.lower(), name)) != name:
            yield Problem(
                f"[image.headers] {shown(name)} is {shown(earlier)} once more: case makes no difference",
                place=at("image", "headers", name),
                hint="keep one of them",
            )
    sizes = {name: len(name) + len(value) + len(": \r\n") for name, value in image.headers.items()}
    if sum(sizes.values()) > HEADERS_LIMIT:
        largest = max(sizes, key=lambda name: (sizes[name], name))
        yield Problem(
            f"[image.headers] has {sum(sizes.values())} characters; proxies take no more than {HEADERS_LIMIT}",
            place=at("image", "headers", largest),
            hint="shorten this one, the largest of them",
        )


def _check_languages(image: ImageSettings, at: At) -> Iterator[Problem]:
    tags = image.negotiate_languages
    for number, tag in enumerate(tags):
        place = at("image", "negotiate_languages", number)
        if len(tag) > _LONGEST_TAG or not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", tag):
            yield Problem(
                f'[image] negotiate_languages has "{shown(tag)}",'
                ' which is not a language tag such as "en", "fr" or "pt-BR"',
                place=place,
            )
        if tag.lower() in {earlier.lower() for earlier in tags[:number]}:
            yield Problem(f'[image] negotiate_languages names "{tag}" twice', place=place)
    if len(tags) == 1:
        yield Problem(
            "[image] negotiate_languages names one language, so there is nothing to choose",
            place=at("image", "negotiate_languages"),
            hint="name all languages of the site, the default one first, or take it out",
        )


def _check_hsts(settings: Settings, at: At) -> Iterator[Problem]:
    image = settings.image
    if not 0 <= image.hsts <= _LONGEST:
        yield Problem(f"[image] hsts must lie between 0 and {_LONGEST} seconds", place=at("image", "hsts"))
    if image.hsts and settings.site.url.startswith("http:"):
        yield Problem(
            "[image] hsts needs TLS, and [site] url begins with http:",
            place=at("image", "hsts"),
            hint="browsers would ask for https: from then on; change the url, or take hsts out",
        )
    for key, is_set in (("hsts_subdomains", image.hsts_subdomains), ("hsts_preload", image.hsts_preload)):
        if is_set and not image.hsts:
            yield Problem(
                f"[image] {key} says nothing without hsts", place=at("image", key), hint=f"hsts = {_YEAR} is a year"
            )
    if image.hsts_preload and image.hsts and not (image.hsts_subdomains and image.hsts >= _YEAR):
        yield Problem(
            "[image] hsts_preload needs hsts_subdomains = true, and hsts of a year at least",
            place=at("image", "hsts_preload"),
            hint=f"hsts = {_YEAR}; the list takes no site with less",
        )


def _network(text: str) -> str | None:
    import ipaddress  # noqa: PLC0415 - only a site behind a proxy needs it

    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        if "host bits set" in str(error):
            return f'"{text}" has bits behind its mask: write {ipaddress.ip_network(text, strict=False)}'
        return f'"{text}" is neither an IP address nor a network such as "10.0.0.0/8"'
    if "%" in text:
        return f'"{text}" names a network card: leave out what begins with "%"'
    if not re.fullmatch(r"[0-9A-Fa-f:.]+(/[0-9]{1,3})?", text):  # ipaddress knows masks, too
        return f'"{text}" is not written as nginx reads it: write {network}'
    if re.fullmatch(r"([^:]+:){7}:/.*", text):
        return f'"{text}" is not written as nginx reads it: write {text.replace("::", ":0", 1)}'
    if not network.prefixlen:
        return f'"{text}" would believe everybody: name the proxy'
    return None
