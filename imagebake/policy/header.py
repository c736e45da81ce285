"""The Content-Security-Policy of a tree: what its documents need, as far as site.toml allows it, in one header.

It begins with `default-src 'none'` and names only what was found: the site's own files, inline scripts and styles by
their sha256, and other sites where `[image] third_parties` lists them. What no file shows is what scripts do: where
there are any, they may ask the site itself, and load from it what kinds of files it has. A third party's script or
style sheet may load from that party what its kind does.

Drawings, which are SVG files, have a policy of their own for whoever opens one by itself: an `img` asks none.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from imagebake.policy import needs, origins, pages
from imagebake.policy.elements import BEFOREHAND
from imagebake.policy.needs import FoundNeed, Needs
from imagebake.policy.origins import INVALID, SCRIPT, SELF
from sealpress.commands.console import Progress
from sealpress.config.content_policy import COMPUTED, DIRECTIVES, LONGEST, OFF
from sealpress.config.settings import ImageSettings
from sealpress.problems import Problem, TreeProblem, raise_all
from sealpress.tree.tree import OutputTree, TreeFile

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
        BEFOREHAND: "connects beforehand to",
    }
)

# What scripts may load of the site itself, where the tree has files of the kind.
_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {"text/javascript": "script-src", "text/css": "style-src", "image/": "img-src", "font/": "font-src"}
)


@dataclass(frozen=True, slots=True)
class Policies:
    """The values of the header, "" for none: of pages and all else, and of drawings (SVG) by themselves.

    `withheld` says, in lines, what drawings by themselves don't get of other sites.
    """

    pages: str = ""
    drawings: str = ""
    withheld: tuple[str, ...] = field(default=(), compare=False)

    def tell(self, progress: Progress) -> None:
        for line in self.withheld:
            progress.note(line)


NO_POLICY: Final = Policies()

_DRAWING: Final = "image/svg+xml"
_SHOWN: Final = 3
_SHEET: Final = "text/css"

# What may come from a party whose style sheet or script a page loads: what such a file asks for, it asks from there.
_BY_SHEET: Final = ("style-src", "img-src", "font-src")
_BY_SCRIPT: Final = (*_BY_SHEET, "connect-src", "frame-src", "media-src")


def compute(
    tree: OutputTree,
    settings: ImageSettings,
    *,
    url: str = "",
    name: str = "site",
    known: Mapping[str, Needs] = MappingProxyType({}),
) -> Policies:
    """The values of the header; "" where site.toml turns it off, or sets the header itself.

    `url` is the site's own address: absolute URLs to it are not those of a third party. `name` is whose findings the
    cache keeps them as, `known` what `needs.read` has found already. Raises
    Problem or Problems (exit 5), each at its place in the tree: a third party that isn't
    listed, an object, a `javascript:` URL, a file that can't be read as its type, a policy that is too long.
    """
    if _is_foreign(settings):
        return NO_POLICY
    if settings.policy != COMPUTED:
        text = " ".join(settings.policy.split())
        return Policies(text, text)
    found = needs.of(tree, name, known)
    documents = needs.documents(tree)
    drawings = [one for one in documents if one.media_type == _DRAWING]
    sheets = [one for one in documents if one.media_type == _SHEET]
    own = origins.source(url) if url else None
    shown = _SourceLists(tree, settings, own)
    shown.take(needs.firsts([one for one in documents if one.media_type != _DRAWING], found))
    drawn = _SourceLists(tree, settings, own, are_drawings=True)
    drawn.take(needs.firsts(drawings, found))
    raise_all([*shown.problems, *drawn.problems])
    if any(not source.startswith("'sha") for source in drawn.sources.get("style-src", ())):
        drawn.take(needs.firsts(sheets, found))  # those that are no drawing's are not told apart
    _add_what_no_page_says(tree, shown.sources)
    listed = [party for party in settings.third_parties if party in shown.asked or party not in drawn.asked]
    _add_what_third_parties_ask(listed, shown)
    return Policies(
        _text(shown.sources, settings),
        _text(_drawn(tree, drawn.sources), settings, "drawings") if drawings else "",
        _withheld(tree, drawn.withheld, own),
    )


def unread(tree: OutputTree, settings: ImageSettings, name: str) -> list[TreeFile]:
    """The documents that `compute` would have to read, since the cache doesn't know them."""
    return [] if _is_foreign(settings) or settings.policy != COMPUTED else needs.unread(tree, name)


def _is_foreign(settings: ImageSettings) -> bool:
    return settings.policy == OFF or any(header.lower() == "content-security-policy" for header in settings.headers)


class _SourceLists:
    """What documents need, as far as it is allowed: sources by directive, and problems with the rest.

    `asked`: of each third party that is listed, the directives that files name it for. What drawings ask of others is
    no problem, but `withheld`: an `img` loads none of it in any browser, and that is how most are shown.
    """

    def __init__(
        self, tree: OutputTree, settings: ImageSettings, own: str | None, *, are_drawings: bool = False
    ) -> None:
        self.sources: dict[str, set[str]] = {}
        self.asked: dict[str, set[str]] = {}
        self.problems: list[Problem] = []
        self.withheld: list[FoundNeed] = []
        self._are_drawings = are_drawings
        self._tree = tree
        self._settings = settings
        self._own = own

    def take(self, found: Iterable[FoundNeed]) -> None:
        for one in found:
            if one.directive == BEFOREHAND:
                if not self._is_named(one.source) and not _is_own(one, self._own):
                    self._refuse(one)
                continue
            listed = self._settings.policy_sources.get(one.directive, ())
            if any(origins.allows(source, one.source) for source in listed):
                if one.directive == "object-src":
                    # An object that turns out to be a document is a frame to browsers.
                    self.sources.setdefault("frame-src", set()).add(one.source)
                continue
            parties = [party for party in self._settings.third_parties if origins.allows(party, one.source)]
            for party in parties:
                self.asked.setdefault(party, set()).add(one.directive)
            if parties or _is_own(one, self._own):
                self.sources.setdefault(one.directive, set()).add(one.source)
            else:
                self._refuse(one)

    def _refuse(self, one: FoundNeed) -> None:
        if self._are_drawings and one.source not in {SCRIPT, INVALID} and one.directive not in {SCRIPT, "object-src"}:
            self.withheld.append(one)
        else:
            self.problems.append(_refused(self._tree, one, self._own))

    def _is_named(self, source: str) -> bool:
        """Whether site.toml names it for anything."""
        named = [
            *self._settings.third_parties,
            *(one for some in self._settings.policy_sources.values() for one in some),
        ]
        return any(origins.allows(one, source) for one in named)


def _is_own(one: FoundNeed, own: str | None) -> bool:
    """Whether a need asks nobody's leave: the site itself, or what stands in the page."""
    if one.directive in {SCRIPT, "object-src"}:
        return False
    is_ours = own is not None and one.source in {own, own.partition("//")[2]}  # with or without its scheme
    return one.source.startswith("'") or is_ours or (one.directive, one.source) in _FREE


def _add_what_no_page_says(tree: OutputTree, sources: dict[str, set[str]]) -> None:
    kinds = {entry.media_type for entry in tree.entries}
    if any(entry.path == "favicon.ico" for entry in tree.entries):
        sources.setdefault("img-src", set()).add(SELF)  # browsers ask for it unasked
    if any(kind.startswith(("audio/", "video/")) for kind in kinds):
        # Opened by itself, it is shown in a page that the browser makes, and that loads it under its own policy.
        sources.setdefault("media-src", set()).add(SELF)
    if not sources.keys().isdisjoint({"script-src", pages.HANDLERS}):
        _add_what_scripts_ask(tree, sources)


def _add_what_scripts_ask(tree: OutputTree, sources: dict[str, set[str]]) -> None:
    kinds = {entry.media_type for entry in tree.entries}
    sources.setdefault("connect-src", set()).add(SELF)
    for kind, directive in _KINDS.items():
        if any(one.startswith(kind) for one in kinds):
            sources.setdefault(directive, set()).add(SELF)
    if "text/javascript" in kinds:
        sources.setdefault("worker-src", set()).add(SELF)
    if "application/wasm" in kinds:
        sources.setdefault("script-src", set()).add("'wasm-unsafe-eval'")


def _add_what_third_parties_ask(listed: Collection[str], shown: _SourceLists) -> None:
    """A party whose script or style sheet is loaded is asked for more by that, and so may one be that no file names.

    Source: Content Security Policy Level 3, section 6: what a script or a sheet loads is asked of the page's policy.
    """
    sources = shown.sources
    has_scripts = not sources.keys().isdisjoint({"script-src", pages.HANDLERS})
    has_sheets = any("style-src" in asked for asked in shown.asked.values())
    for party in listed:
        asked = shown.asked.get(party, set())
        more: set[str] = set()
        if "style-src" in asked or (has_sheets and not asked):
            more.update(_BY_SHEET)
        if "script-src" in asked or (has_scripts and not asked):
            more.update(_BY_SCRIPT, {"script-src"})
        if has_scripts:
            more.add("connect-src")
        for directive in more:
            here = sources.setdefault(directive, set())
            if not any(origins.allows(party, source) and directive in asked for source in here):
                here.add(party)


def _drawn(tree: OutputTree, found: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The sources of drawings. Their styles are allowed as they are: one has more style attributes than a header holds
    hashes, and a drawing by itself has nothing that a style could steal. Scripts run by hash, as in pages.
    """
    sources = {directive: set(some) for directive, some in found.items() if directive != pages.STYLES}
    styles = sources.get("style-src", set())
    if pages.STYLES in found or any(map(_is_hash, styles)):
        sources["style-src"] = {one for one in styles if not _is_hash(one)} | {"'unsafe-inline'"}
    if not sources.keys().isdisjoint({"script-src", pages.HANDLERS}):
        _add_what_scripts_ask(tree, sources)
    return sources


def _text(found: Mapping[str, set[str]], settings: ImageSettings, whose: str = "pages") -> str:
    sources = {directive: set(some) for directive, some in found.items()}
    for directive in (pages.HANDLERS, pages.STYLES):
        if directive in sources:
            sources[directive].add("'unsafe-hashes'")
    sources.setdefault("default-src", set())
    sources.setdefault("object-src", set())
    sources.setdefault("base-uri", set())
    sources.setdefault("form-action", set())
    sources.setdefault("frame-ancestors", set()).add(SELF)
    for above, directive in (("script-src", pages.HANDLERS), ("style-src", pages.STYLES)):
        if "'unsafe-inline'" in settings.policy_sources.get(above, ()):
            sources.pop(directive, None)  # a directive of their own would take from attributes what that gives them
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
    text = "; ".join(parts)
    if len(text) > LONGEST:
        raise _too_long(text, sources, whose)
    return text


def _is_hash(source: str) -> bool:
    return source.startswith("'sha") or source == "'unsafe-hashes'"


def _rank(source: str) -> tuple[int, str]:
    """Keywords, then hashes, then the others."""
    return (2 if not source.startswith("'") else 1 if source.startswith("'sha") else 0), source


def _withheld(tree: OutputTree, found: Sequence[FoundNeed], own: str | None) -> tuple[str, ...]:
    lines = [
        f"{needs.place(tree, one)}: {_complaint(one)}: where it is opened by itself, that is missing; {_mend(one, own)}"
        for one in found[:_SHOWN]
    ]
    rest = len(found) - _SHOWN
    return (*lines, f"{rest} more of the kind, in other drawings") if rest > 0 else tuple(lines)


def _refused(tree: OutputTree, one: FoundNeed, own: str | None) -> Problem:
    return TreeProblem(_complaint(one), place=needs.place(tree, one), hint=_mend(one, own))


def _complaint(one: FoundNeed) -> str:
    more = f" (and {one.more} more file{'s' if one.more > 1 else ''})" if one.more else ""
    what_is_it = "drawing" if one.first.media_type == _DRAWING else "page"
    if one.directive == SCRIPT:
        return f"a javascript: URL, which no policy can allow in every browser{more}"
    if one.source == INVALID:
        return f"this is not a URL that a browser would load{more}"
    whom = "the site itself" if one.source == SELF else one.source
    what = _LOADS.get(one.directive, f"needs for {one.directive}")
    if one.directive == "object-src":
        return f"the {what_is_it} {what} {whom}, which a policy had better not allow{more}"
    return f"the {what_is_it} {what} {whom}, which is not among the third parties of this site{more}"


def _mend(one: FoundNeed, own: str | None) -> str:
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


def _too_long(text: str, sources: Mapping[str, set[str]], whose: str) -> Problem:
    worst = max(sources, key=lambda directive: (sum(map(len, sources[directive])), directive))
    hint = {
        "script-src": "move inline scripts into files",
        "style-src": "move inline styles into style sheets",
        pages.STYLES: "use classes; or allow them all, under [image]:"
        " policy_sources = { style-src-attr = [\"'unsafe-inline'\"] }",
        pages.HANDLERS: "add listeners in a script file",
    }.get(worst, 'write a wider one yourself: policy = "…" under [image]')
    count = len(sources[worst] - {"'unsafe-hashes'"})
    return TreeProblem(
        f"the policy of {whose} would have {len(text)} characters, most of them for the {count} sources"
        f" of {worst}; proxies take no more than {LONGEST}",
        hint=hint,
    )
