"""What every answer carries besides what nginx works out: the defaults, the site's own, HSTS, caching.

All of it stands in `server` alone: a location with a header of its own would lose the others.
"""

import re
from collections.abc import Mapping
from typing import Final

from imagebake.nginx.directives import Directive, choice, directive, literal
from sealpress.config import serving
from sealpress.config.serving import CSP
from sealpress.config.settings import ImageSettings
from sealpress.policy.source_lists import Policies
from sealpress.problems import Place, Problem
from sealpress.tree.tree import ALWAYS_REVALIDATED, FINGERPRINT

HSTS: Final = "Strict-Transport-Security"
KEPT: Final = "public, max-age=31536000, immutable"
ASKED_ANEW: Final = "no-cache"
"""Cache-Control of a file whose name holds a digest of its content, and of all else."""


def in_http(settings: ImageSettings, policy: Policies) -> tuple[Directive, ...]:
    """The variables that `in_server` uses."""
    drawn = choice(
        "$uri",
        "$policy",
        ("default", literal(policy.pages)),
        ("~*\\.svg$", literal(policy.drawings)),
        why="For a drawing that is opened by itself. As a picture in a page it asks no policy.",
    )
    caching = (
        *([drawn] if _differ(policy) else []),
        choice(
            "$uri",
            "$kept",
            ("default", ASKED_ANEW),
            ("~" + "|".join(re.escape(ending) + "$" for ending in ALWAYS_REVALIDATED), ASKED_ANEW),
            ("~" + FINGERPRINT.pattern, KEPT),
            why="A name that holds a digest of its content is kept for ever; all else is asked about each time.",
        ),
        choice(
            "$status",
            "$cache",
            ("default", ASKED_ANEW),
            *((status, "$kept") for status in ("200", "206", "304")),
            why="That a file is not there, or has moved, may be otherwise tomorrow.",
        ),
    )
    if not settings.hsts:
        return caching
    secure = choice(
        "$http_x_forwarded_proto",
        "$hsts",
        ("default", hsts(settings)),
        ("http", ""),
        why="RFC 6797, section 7.2: not where a proxy says that the reader came without TLS.",
    )
    return (*caching, secure)


def in_server(settings: ImageSettings, policy: Policies) -> tuple[Directive, ...]:
    """The headers themselves.

    Raises Problem (exit 3) for a header that can't be set.
    """
    own = _checked(settings.headers)
    taken = {name.lower() for name in own}
    fixed = serving.headers(own, policy.pages)
    why = "Headers stand here alone: a location with one of its own would lose all of these."
    return (
        directive("add_header", "Cache-Control", "$cache", "always", why=why),
        directive("add_header", "Last-Modified", ""),
        *(
            directive("add_header", name, "$policy" if name == CSP and _differ(policy) else literal(value), "always")
            for name, value in fixed.items()
        ),
        *([directive("add_header", HSTS, "$hsts", "always")] if settings.hsts and HSTS.lower() not in taken else []),
        *([directive("add_header", "Vary", "$vary", "always")] if settings.negotiate_languages else []),
    )


def _differ(policy: Policies) -> bool:
    return policy.drawings not in {"", policy.pages}


def hsts(settings: ImageSettings) -> str:
    """The value of HSTS. Source: RFC 6797, section 6.1; `preload` is a word of the browsers' list."""
    words = [f"max-age={settings.hsts}"]
    words += ["includeSubDomains"] if settings.hsts_subdomains else []
    words += ["preload"] if settings.hsts_preload else []
    return "; ".join(words)


def _checked(own: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in own.items():
        if wrong := serving.wrong_header(name, value):
            raise Problem(f'the header "{name}" {wrong}', place=Place("site.toml"), hint="see [image] headers")
    return own
