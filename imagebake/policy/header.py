"""The Content-Security-Policy of a tree: what its documents need, as far as site.toml allows it, in one header.

It begins with `default-src 'none'` and names only what was found: the site's own files, inline scripts and styles by
their sha256, and other sites where `[image] third_parties` lists them. What no file shows is what scripts do: where
there are any, they may ask the site itself, and load from it what kinds of files it has.

Findings are kept in the cache by each file's sha256, all of a site in one file, so a warm bake reads no page again.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from imagebake import cache
from imagebake.policy import origins, pages
from imagebake.policy.origins import INVALID, SCRIPT, SELF
from sealpress.contentpolicy import COMPUTED, DIRECTIVES, OFF
from sealpress.problems import Exit, Place, Problem, raise_all
from sealpress.settings import ImageSettings
from sealpress.tree import Entry, OutputTree

LARGEST: Final = 4 << 20
"""Bytes of a document. It is held in memory while it is read, in up to four bytes a character."""

LONGEST: Final = 3000
"""Characters of a policy. A proxy such as nginx takes 4 kB for all headers of an answer, unless told otherwise."""

_RULES: Final = 1
"""Counts the ways of reading documents: with each change, what the cache holds is read anew."""

Needs = frozenset[tuple[str, str]]
"""What one document needs: directives, each with a source."""

_FREE: Final = frozenset({("img-src", "data:"), ("font-src", "data:"), ("media-src", "data:"), ("img-src", "blob:")})
"""Data in the page itself that can't run: nobody else's, so it needs no listing."""

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
    }
)

# What scripts may load of the site itself, where the tree has files of the kind.
_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "text/javascript": "script-src",
        "text/css": "style-src",
        "image/": "img-src",
        "font/": "font-src",
    }
)


@dataclass(frozen=True, slots=True)
class _Found:
    """A need, and the first file of the tree that has it; how many more there are."""

    directive: str
    source: str
    first: Entry
    more: int


def compute(
    tree: OutputTree,
    settings: ImageSettings,
    *,
    url: str = "",
    name: str = "site",
    known: Mapping[str, Needs] = MappingProxyType({}),
) -> str:
    """The value of the header; "" where site.toml turns it off, or sets the header itself.

    `url` is the site's own address: absolute URLs to it are not those of a third party. `name` is whose findings the
    cache keeps them as, `known` what `read` has found already. Raises
    Problem or Problems (exit 5), each at its place in the tree: a third party that isn't
    listed, an object, a `javascript:` URL, a file that can't be read as its type, a policy that is too long.
    """
    if _is_foreign(settings):
        return ""
    if settings.policy != COMPUTED:
        return " ".join(settings.policy.split())
    found = _needs(tree, name, known)
    own = origins.source(url) if url else None
    sources: dict[str, set[str]] = {}
    problems: list[Problem] = []
    for one in found:
        listed = settings.policy_sources.get(one.directive, ())
        if any(origins.allows(source, one.source) for source in listed):
            if one.directive == "object-src":
                # An object that turns out to be a document is a frame to browsers.
                sources.setdefault("frame-src", set()).add(one.source)
            continue
        if _is_own(one, own) or any(origins.allows(source, one.source) for source in settings.third_parties):
            sources.setdefault(one.directive, set()).add(one.source)
        else:
            problems.append(_refused(tree, one))
    raise_all(problems)
    _add_what_no_page_says(tree, sources)
    text = _text(sources, settings)
    if len(text) > LONGEST:
        raise _too_long(text, sources)
    return text


def _is_foreign(settings: ImageSettings) -> bool:
    return settings.policy == OFF or any(header.lower() == "content-security-policy" for header in settings.headers)


def unread(tree: OutputTree, settings: ImageSettings, name: str) -> list[Entry]:
    """The documents that `compute` would have to read, since the cache doesn't know them."""
    if _is_foreign(settings) or settings.policy != COMPUTED:
        return []
    known = _recall(_index(name))
    return [entry for entry in tree.entries if entry.media_type in pages.READERS and _key(entry) not in known]


def read(tree: OutputTree, entries: Iterable[Entry]) -> dict[str, Needs]:
    """What these documents need, for `compute`. It leaves out those that can't be read, and `compute` says why."""
    found: dict[str, Needs] = {}
    for entry in entries:
        with suppress(Problem):
            found[_key(entry)] = _needs_of(tree, entry)
    return found


def _is_own(one: _Found, own: str | None) -> bool:
    """Whether a need asks nobody's leave: the site itself, or what stands in the page."""
    if one.directive in {SCRIPT, "object-src"}:
        return False
    return one.source.startswith("'") or one.source == own or (one.directive, one.source) in _FREE


def _add_what_no_page_says(tree: OutputTree, sources: dict[str, set[str]]) -> None:
    kinds = {entry.media_type for entry in tree.entries}
    if any(entry.path == "favicon.ico" for entry in tree.entries):
        sources.setdefault("img-src", set()).add(SELF)  # browsers ask for it unasked
    if any(kind.startswith(("audio/", "video/")) for kind in kinds):
        # Opened by itself, it is shown in a page that the browser makes, and that loads it under its own policy.
        sources.setdefault("media-src", set()).add(SELF)
    if not sources.keys() & {"script-src", pages.HANDLERS}:
        return
    sources.setdefault("connect-src", set()).add(SELF)
    for kind, directive in _KINDS.items():
        if any(one.startswith(kind) for one in kinds):
            sources.setdefault(directive, set()).add(SELF)
    if "text/javascript" in kinds:
        sources.setdefault("worker-src", set()).add(SELF)
    if "application/wasm" in kinds:
        sources.setdefault("script-src", set()).add("'wasm-unsafe-eval'")


def _text(found: Mapping[str, set[str]], settings: ImageSettings) -> str:
    sources = {directive: set(some) for directive, some in found.items()}
    for directive in (pages.HANDLERS, pages.STYLES):
        if directive in sources:
            sources[directive].add("'unsafe-hashes'")
    sources.setdefault("default-src", set())
    sources.setdefault("object-src", set())
    sources.setdefault("base-uri", set())
    sources.setdefault("form-action", set())
    sources.setdefault("frame-ancestors", set()).add(SELF)
    for directive, more in settings.policy_sources.items():
        if "'none'" in more:
            sources[directive] = set()
        elif "'unsafe-inline'" in more:
            # Beside a hash it has no effect.
            sources[directive] = {one for one in sources.get(directive, set()) if not _is_hash(one)} | set(more)
        else:
            sources.setdefault(directive, set()).update(more)
    parts = [
        " ".join([directive, *(sorted(sources[directive], key=_rank) or ["'none'"])])
        for directive in DIRECTIVES
        if directive in sources
    ]
    if settings.hsts:
        parts.append("upgrade-insecure-requests")
    return "; ".join(parts)


def _is_hash(source: str) -> bool:
    return source.startswith("'sha") or source == "'unsafe-hashes'"


def _rank(source: str) -> tuple[int, str]:
    """Keywords, then hashes, then the others."""
    return (2 if not source.startswith("'") else 1 if source.startswith("'sha") else 0), source


def _index(name: str) -> Path:
    return cache.folder() / "policies" / f"{name}.json"


def _needs(tree: OutputTree, name: str, read_before: Mapping[str, Needs]) -> list[_Found]:
    """What the tree's documents need, each once, in the order in which the tree has it first."""
    index = _index(name)
    kept = _recall(index)
    known = {**kept, **read_before}
    needs: dict[str, Needs] = {}
    problems: list[Problem] = []
    documents = [entry for entry in tree.entries if entry.media_type in pages.READERS]
    for entry in documents:
        key = _key(entry)
        if key in needs:
            continue
        if (found := known.get(key)) is not None:
            needs[key] = found
            continue
        try:
            needs[key] = _needs_of(tree, entry)
        except Problem as problem:
            problems.append(problem)
    raise_all(problems)
    if needs != kept:
        _keep(index, needs)
    return _firsts(documents, needs)


def _firsts(documents: Iterable[Entry], needs: Mapping[str, Needs]) -> list[_Found]:
    firsts: dict[Needs, Entry] = {}
    counts: dict[Needs, int] = {}
    for entry in documents:
        one = needs[_key(entry)]
        firsts.setdefault(one, entry)
        counts[one] = counts.get(one, 0) + 1
    found: dict[tuple[str, str], _Found] = {}
    for one, entry in firsts.items():
        for directive, source in sorted(one):
            before = found.get((directive, source))
            found[directive, source] = _Found(
                directive,
                source,
                before.first if before else entry,
                before.more + counts[one] if before else counts[one] - 1,
            )
    return list(found.values())


def _key(entry: Entry) -> str:
    """Files of the same bytes are read alike where they are of one type."""
    return f"{entry.sha256} {entry.media_type}"


def _needs_of(tree: OutputTree, entry: Entry) -> Needs:
    loads = pages.READERS[entry.media_type](_read(tree, entry))
    return frozenset((load.directive, load.source) for load in loads)


def _read(tree: OutputTree, entry: Entry) -> str:
    if entry.size > LARGEST:
        raise Problem(
            f"the document has {entry.size} bytes; for a policy, {LARGEST} can be read",
            place=Place(entry.path),
            hint='split it, or write the policy yourself: policy = "…" under [image]',
            code=Exit.TREE,
        )
    data = tree.read(entry)
    try:
        return pages.text_of(data)
    except UnicodeError:
        raise Problem(
            "the document is UTF-16", place=Place(entry.path), hint="write it as UTF-8", code=Exit.TREE
        ) from None


def _recall(index: Path) -> dict[str, Needs]:
    """What the cache knows; nothing where its file is missing, damaged or of other rules."""
    try:
        digest, _, data = index.read_bytes().partition(b"\n")
    except OSError:
        return {}
    if digest.decode("ascii", "replace") != hashlib.sha256(data).hexdigest():
        return {}
    said = json.loads(data)
    if said["rules"] != _RULES:
        return {}
    sets = [frozenset((directive, source) for directive, source in one) for one in said["sets"]]
    return {key: sets[number] for key, number in said["files"].items()}


def _keep(index: Path, needs: Mapping[str, Needs]) -> None:
    numbers: dict[Needs, int] = {}
    files = {key: numbers.setdefault(one, len(numbers)) for key, one in needs.items()}
    said = {"rules": _RULES, "sets": [sorted(one) for one in numbers], "files": files}
    data = json.dumps(said).encode()
    cache.keep(index, hashlib.sha256(data).hexdigest().encode() + b"\n" + data)


def _refused(tree: OutputTree, one: _Found) -> Problem:
    return Problem(_complaint(one), place=_place(tree, one), hint=_mend(one), code=Exit.TREE)


def _complaint(one: _Found) -> str:
    more = f" (and {one.more} more file{'s' if one.more > 1 else ''})" if one.more else ""
    if one.directive == SCRIPT:
        return f"a javascript: URL, which no policy can allow in every browser{more}"
    if one.source == INVALID:
        return f"this is not a URL that a browser would load{more}"
    whom = "the site itself" if one.source == SELF else one.source
    what = _LOADS.get(one.directive, f"needs for {one.directive}")
    if one.directive == "object-src":
        return f"the page {what} {whom}, which a policy had better not allow{more}"
    return f"the page {what} {whom}, which is not among the third parties of this site{more}"


def _mend(one: _Found) -> str:
    if one.directive == SCRIPT:
        return "use a button, and add its listener in a script file"
    if one.source == INVALID:
        return "write it as https://host/path"
    allowed = f'policy_sources = {{ {one.directive} = ["{one.source}"] }}'
    if one.directive == "object-src":
        return f"use img, iframe, audio or video; or allow it: {allowed} under [image]"
    if one.source.endswith(":"):
        return f"allow it: {allowed} under [image]"
    origin = one.source if "//" in one.source else f"https://{one.source}"
    return f'copy it into your site; or list it: third_parties = ["{origin}"] under [image]'


def _place(tree: OutputTree, one: _Found) -> Place:
    """Where the first file asks for it: read once more, since the cache keeps no places."""
    text = _read(tree, one.first)
    for load in pages.READERS[one.first.media_type](text):
        if (load.directive, load.source) == (one.directive, one.source):
            line = text.count("\n", 0, load.at) + 1
            start = text.rfind("\n", 0, load.at) + 1
            return Place(one.first.path, line, load.at - start + 1, text[start:].split("\n", 1)[0])
    return Place(one.first.path)


def _too_long(text: str, sources: Mapping[str, set[str]]) -> Problem:
    worst = max(sources, key=lambda directive: (sum(map(len, sources[directive])), directive))
    hint = {
        "script-src": "move inline scripts into files",
        "style-src": "move inline styles into style sheets",
        pages.STYLES: "use classes; or allow them all, under [image]:"
        " policy_sources = { style-src-attr = [\"'unsafe-inline'\"] }",
        pages.HANDLERS: "add listeners in a script file",
    }.get(worst, 'write a wider one yourself: policy = "…" under [image]')
    return Problem(
        f"the policy would have {len(text)} characters, most of them for the {len(sources[worst])} sources of {worst};"
        f" proxies take no more than {LONGEST}",
        hint=hint,
        code=Exit.TREE,
    )
