"""What a policy refuses, in words, and what mends it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sealpress.policy import origins
from sealpress.policy.elements import BEFOREHAND
from sealpress.policy.origins import INVALID, SCRIPT, SELF
from sealpress.policy.source_lists import DRAWING, FoundNeed

_LOADS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "script-src": "loads a script from",
        "style-src": "loads a style sheet from",
        "img-src": "loads an image from",
        "font-src": "loads a font from",
        "media-src": "loads sound or video from",
        "connect-src": "sends to or fetches from",
        "frame-src": "has a frame with a page of",
        "manifest-src": "loads a manifest from",
        "worker-src": "loads a worker from",
        "object-src": "has an object or an embed from",
        "base-uri": "takes its links relative to",
        "form-action": "has a form that sends to",
        BEFOREHAND: "connects beforehand to",
    }
)


def complaint(one: FoundNeed) -> str:
    """What is wrong with a need that a policy refuses."""
    more = f" (and {one.more} more file{'s' if one.more > 1 else ''})" if one.more else ""
    what_is_it = "drawing" if one.first.media_type == DRAWING else "page"
    if one.directive == SCRIPT:
        return f"a javascript: URL, which no policy can allow in every browser{more}"
    if one.source == INVALID:
        return f"this is not a URL that a browser would load{more}"
    whom = "the site itself" if one.source == SELF else one.source
    what = _LOADS.get(one.directive, f"needs for {one.directive}")
    if one.directive == "object-src":
        return f"the {what_is_it} {what} {whom}, which a policy had better not allow{more}"
    return f"the {what_is_it} {what} {whom}, which is not among the third parties of this site{more}"


def mend(one: FoundNeed, own: str | None) -> str:
    """What to do about it. `own` is the site itself, as a source."""
    if one.directive == SCRIPT:
        return "use a button, and add its listener in a script file"
    if one.source == INVALID:
        return "write it as https://host/path"
    allowed = f'policy_sources = {{ {one.directive} = ["{one.source}"] }}'
    if one.directive == "object-src":
        return f"use img, iframe, audio or video; or allow it: {allowed} under [image]"
    if one.source.endswith(":"):
        return f"allow it: {allowed} under [image]"
    if own and origins.allows(one.source, own):
        return "that is the site itself, without TLS: write the path alone"
    origin = one.source if "//" in one.source else f"https://{one.source}"
    return f'copy it into your site; or list it: third_parties = ["{origin}"] under [image]'
