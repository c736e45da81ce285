"""The grammar of a Content-Security-Policy, as far as site.toml may write one: directives, sources, third parties.

Each check takes a text and gives what is wrong with it, or None. Source: Content Security Policy Level 3 (W3C),
sections 2.3.1 "Source Lists" and 6 "Content Security Policy Directives".
"""

import re
from collections.abc import Iterator
from typing import Final

from sealpress.config.document import CheckedText
from sealpress.config.settings import ImageSettings
from sealpress.problems import did_you_mean

LONGEST: Final = 3000
"""Characters of a policy. A proxy such as nginx takes 4 kB for all headers of an answer, unless told otherwise."""

COMPUTED: Final = "computed"
OFF: Final = "off"

FETCHES: Final = (
    *("script-src", "script-src-elem", "script-src-attr", "style-src", "style-src-elem", "style-src-attr", "img-src"),
    *("font-src", "media-src", "frame-src", "child-src", "connect-src", "manifest-src", "worker-src", "object-src"),
)
"""Directives that say where something may be loaded from, and run."""

DIRECTIVES: Final = ("default-src", *FETCHES, "base-uri", "form-action", "frame-ancestors")
"""All directives that take a list of sources."""

_OTHERS: Final = frozenset(
    {"report-to", "report-uri", "require-trusted-types-for", "sandbox", "trusted-types", "upgrade-insecure-requests"}
)

KEYWORDS: Final = (
    *("'none'", "'self'", "'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", "'wasm-unsafe-eval'"),
    *("'strict-dynamic'", "'report-sample'", "'inline-speculation-rules'"),
)

_HASH: Final = re.compile(r"'sha(256|384|512)-[A-Za-z0-9+/_-]+={0,2}'")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_PORT: Final = r"(:([0-9]{1,5}|\*))?"
_NAME: Final = r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*"
_HOST: Final = re.compile(rf"([A-Za-z][A-Za-z0-9+.-]*://)?(\*|(\*\.)?{_NAME}){_PORT}(/[A-Za-z0-9._~!$&()*+=:@%/-]*)?")
_ORIGIN: Final = re.compile(rf"(https?|wss?)://(\*\.)?{_NAME}(:[0-9]{{1,5}})?")


def texts(image: ImageSettings) -> Iterator[CheckedText]:
    """What a site.toml says of the policy: each text with the path of its key, and what checks it."""
    yield ("image", "policy"), image.policy, check_policy
    for number, origin in enumerate(image.third_parties):
        yield ("image", "third_parties", number), origin, check_third_party
    for directive, sources in image.policy_sources.items():
        yield ("image", "policy_sources", directive), directive, check_directive
        yield ("image", "policy_sources", directive), " ".join(sources), check_none
        for number, source in enumerate(sources):
            yield ("image", "policy_sources", directive, number), source, check_source


def check_third_party(text: str) -> str | None:
    """An origin: `https://cdn.example.org`, or `https://*.example.org`."""
    if _ORIGIN.fullmatch(text):
        return None
    if _ORIGIN.fullmatch(text.rstrip("/")):
        return f'has "{text}": leave out the slash at its end'
    return f'has "{text}", which is not an origin such as "https://cdn.example.org" or "https://*.example.org"'


def check_directive(name: str) -> str | None:
    """The name of a directive that takes sources."""
    if name in DIRECTIVES:
        return None
    return f"is not a directive that takes sources{did_you_mean(name, DIRECTIVES)}"


def check_source(text: str) -> str | None:
    """One source: a keyword in its quotes, a hash, a scheme or a host."""
    if text in KEYWORDS or _HASH.fullmatch(text) or _SCHEME.fullmatch(text):
        return None
    if f"'{text}'" in KEYWORDS:
        return f'has "{text}" without its own quotes: write "\'{text}\'"'
    if text.startswith("'nonce-"):
        return "has a nonce: pages that are files have the same one each time, which protects from nothing"
    if _HOST.fullmatch(text):
        return None
    return f'has "{text}", which is no source: a keyword, a hash, a scheme ("data:") or a host ("https://example.org")'


def check_none(sources: str) -> str | None:
    """The sources of one directive, with spaces between them: 'none' stands alone."""
    words = sources.split()
    return "has 'none' beside other sources" if "'none'" in words and len(words) > 1 else None


def check_policy(text: str) -> str | None:
    """A whole policy, "computed" or "off"."""
    if text in {COMPUTED, OFF}:
        return None
    seen: set[str] = set()
    for part in text.split(";"):
        if not (words := part.split()):
            continue
        name = words[0].lower()
        if name in seen:
            return f'has the directive "{name}" twice: browsers take the first alone'
        seen.add(name)
        if name in _OTHERS:
            continue
        if name not in DIRECTIVES:
            known = (*DIRECTIVES, *_OTHERS)
            return f'has "{words[0]}", which is no directive{did_you_mean(name, known)}'
        for source in words[1:]:
            if wrong := check_source(source):
                return f"{wrong} (in {name})"
    if not seen:
        return f'is empty: "{OFF}" is how to have no policy'
    if not text.isascii() or not text.isprintable():
        return "has a character that no header may hold (control or not ASCII)"
    if len(text) + 8 * text.count("$") > LONGEST:
        return f"has {len(text)} characters; proxies take no more than {LONGEST}"
    return None
