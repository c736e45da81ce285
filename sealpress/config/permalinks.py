"""What the permalinks of site.toml may be."""

import re
import string
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from sealpress.config import quantities
from sealpress.config.document import CheckedText, KeyPath
from sealpress.config.settings import PermalinkSettings
from sealpress.problems import did_you_mean

# What a permalink may be made of, by what it is for; the second set is what tells two pages apart.
_FIELDS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = MappingProxyType(
    {
        "post": (frozenset({"slug", "path", "section", "year", "month", "day"}), frozenset({"slug", "path"})),
        "page": (frozenset({"slug", "path", "section"}), frozenset({"slug", "path"})),
        "tag": (frozenset({"slug"}), frozenset({"slug"})),
        "posts": (frozenset(), frozenset()),
        "tags": (frozenset(), frozenset()),
        "archive": (frozenset(), frozenset()),
    }
)


def texts(path: KeyPath, permalinks: PermalinkSettings) -> list[CheckedText]:
    """Each of them with the path of its key, and what checks it."""
    return [((*path, kind), getattr(permalinks, kind), partial(wrong, kind)) for kind in _FIELDS]


def wrong(kind: str, pattern: str) -> str | None:
    """What is wrong with a pattern that stands where that of `kind` might; None where nothing is."""
    known, telling = _FIELDS[kind]
    try:
        parts = list(string.Formatter().parse(pattern))
    except ValueError:
        return f'"{pattern}" has a brace without its twin'
    if foreign := re.search(r"(?<![^/-]):(\w+)", pattern):
        return f'has ":{foreign[1]}": a field stands in braces here, such as {{slug}}'
    names = {name for _, name, _, _ in parts if name is not None}
    if unknown := sorted(names - known):
        possible = ", ".join(f"{{{name}}}" for name in sorted(known)) or "none"
        return f"has an unknown field {{{unknown[0]}}}{did_you_mean(unknown[0], known)}; possible here: {possible}"
    if any(spec or conversion for _, _, spec, conversion in parts):
        return "has a format in a field; a plain {name} is all there is"
    if telling and not names & telling:
        return "would put every page on one path: use " + " or ".join(f"{{{name}}}" for name in sorted(telling))
    if len(pattern) > quantities.LONGEST_PERMALINK:
        return f"has more than {quantities.LONGEST_PERMALINK} characters"
    if not pattern.startswith("/"):
        return 'must begin with "/"'
    if not (pattern.endswith(("/", ".html"))):
        return 'must end with "/" or ".html"'
    if any(part in {".", ".."} for part in pattern.split("/")) or "//" in pattern:
        return "is not a plain path"
    if any(char in "?#%\\" or char.isspace() or not char.isprintable() for char in pattern):
        return "has a character that has another meaning in a URL (space, ?, #, % or a backslash)"
    return None
