"""What stands before sites and is known to change their answers: whose habit a difference is, and how to end it."""

import re
from collections.abc import Callable
from typing import Final

from sealpress.problems import Problem
from sealpress.tree.tree import TreeFile

Originals = Callable[[TreeFile], bytes]
"""Gives a file's bytes. Raises Problem."""

_TRACES: Final = (
    (
        rb"/cdn-cgi/l/email-protection|email-decode\.min\.js",
        'Cloudflare hides e-mail addresses: "Email Address Obfuscation"',
    ),
    (rb"rocket-loader", 'Cloudflare loads scripts otherwise: "Rocket Loader"'),
    (rb"static\.cloudflareinsights\.com", 'Cloudflare counts readers by a script of its own: "Web Analytics"'),
    (
        rb"/cdn-cgi/challenge-platform/",
        'Cloudflare puts a script into pages: "Bot Fight Mode", "JavaScript Detections"',
    ),
    (rb"/cdn-cgi/", "Cloudflare put something of its own into the page"),
    (rb"(?i)cloudflare managed", 'Cloudflare writes robots.txt: "Managed robots.txt"'),
    (rb"pagespeed", "PageSpeed rewrites pages"),
)
_OFF: Final = "turn that off for this site"

_HEADERS: Final = {
    "Cache-Control": 'a CDN says how long files are kept: leave that to the site (Cloudflare: "Browser Cache TTL")',
    "Set-Cookie": "the site sets no cookie: a CDN's protection against bots does, as Cloudflare's __cf_bm",
    "Content-Encoding": "what stands before the site compresses for who can't read it",
    "Vary": "without it, a cache gives readers what is for others",
    "X-Robots-Tag": "search engines are told to leave the site out: a setting for trials, of what stands before it?",
}
_STATUS: Final = {
    403: "what stands before the site lets no programs in: allow this one, whose User-Agent is sealpress",
    429: "what stands before the site lets through fewer requests than this asks: allow more from here",
    503: "what stands before the site lets no programs in, or the site does not answer it",
}
_BLANK: Final = re.compile(rb"<!--.*?-->|/\*.*?\*/|[\s\"';]+", re.DOTALL)
_MINIFIED: Final = re.compile(r"text/(?:html|css|javascript)")


def hint(what: str, status: int, body: bytes, file: TreeFile | None, originals: Originals | None) -> str:
    """What may have made this difference, and what mends it; "" where nothing is known.

    `what`: as in compare.Difference. `body` is what came, not compressed any more.
    """
    if what == "status":
        return _STATUS.get(status, "")
    if what != "body" or file is None:
        return _HEADERS.get(what, "")
    for trace, whose in _TRACES:
        if re.search(trace, body) and not re.search(trace, _original(file, originals)):
            return f"{whose}: {_OFF}"
    if file.media_type.startswith("image/") and body:
        return (
            f'a CDN makes other images of them, as by Cloudflare\'s "Polish", or this one is of another release: {_OFF}'
        )
    if _MINIFIED.match(file.media_type) and _squeezed(body) == _squeezed(_original(file, originals)):
        return f"only blanks and comments differ: a proxy or a CDN minifies files: {_OFF}"
    return ""


def _original(file: TreeFile, originals: Originals | None) -> bytes:
    try:
        return originals(file) if originals else b""
    except Problem:  # that of the difference is told
        return b""


def _squeezed(text: bytes) -> bytes:
    return _BLANK.sub(b"", text)
