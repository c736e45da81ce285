"""The source lists of a Content-Security-Policy: what documents need, as far as site.toml allows it; and its text.

Nothing is read here: who knows what documents need asks, be it of a whole tree or of one page that is being written.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from sealpress.config.content_policy import COMPUTED, DIRECTIVES, LONGEST, OFF
from sealpress.config.settings import ImageSettings
from sealpress.frozen import frozen
from sealpress.policy import origins, pages
from sealpress.policy.elements import BEFOREHAND
from sealpress.policy.origins import INVALID, SCRIPT, SELF
from sealpress.problems import Problem, TreeProblem
from sealpress.tree.tree import TreeFile

if TYPE_CHECKING:
    from sealpress.commands.console import Progress

Needs = frozenset[tuple[str, str]]
"""What one document needs: directives, each with a source."""


@frozen
class FoundNeed:
    """A need, and the first file of the tree that has it; how many more there are."""

    directive: str
    source: str
    first: TreeFile
    more: int


class Files(NamedTuple):
    """Of a site's files: of which media types there are any, and whether one is the icon that browsers ask for."""

    kinds: frozenset[str]
    has_icon: bool

    @classmethod
    def of(cls, paths: Iterable[tuple[str, str]]) -> "Files":
        """Of paths in the tree with their media types."""
        found = dict(paths)
        return cls(frozenset(found.values()), "favicon.ico" in found)


_FREE: Final = frozenset({("img-src", "data:"), ("font-src", "data:"), ("media-src", "data:"), ("img-src", "blob:")})
"""Data in the page itself that can't run: nobody else's, so it needs no listing."""

# What scripts may load of the site itself, where the tree has files of the kind.
_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {"text/javascript": "script-src", "text/css": "style-src", "image/": "img-src", "font/": "font-src"}
)


@frozen
class Policies:
    """The values of the header, "" for none: of pages and all else, and of drawings (SVG) by themselves.

    `withheld` says, in lines, what drawings by themselves don't get of other sites.
    """

    pages: str = ""
    drawings: str = ""
    withheld: tuple[str, ...] = field(default=(), compare=False)

    def tell(self, progress: "Progress") -> None:
        for line in self.withheld:
            progress.note(line)


NO_POLICY: Final = Policies()

DRAWING: Final = "image/svg+xml"
_SHEET: Final = "text/css"

# What may come from a party whose style sheet or script a page loads: what such a file asks for, it asks from there.
_BY_SHEET: Final = ("style-src", "img-src", "font-src")
_BY_SCRIPT: Final = (*_BY_SHEET, "connect-src", "frame-src", "media-src")


def key(entry: TreeFile) -> str:
    """Files of the same bytes are read alike where they are of one type."""
    return f"{entry.sha256} {entry.media_type}"


def firsts(entries: Sequence[TreeFile], needs: Mapping[str, Needs]) -> list[FoundNeed]:
    """What these documents need, each once, in the order in which they have it first."""
    having: dict[Needs, TreeFile] = {}
    counts: dict[Needs, int] = {}
    for entry in entries:
        one = needs[key(entry)]
        having.setdefault(one, entry)
        counts[one] = counts.get(one, 0) + 1
    found: dict[tuple[str, str], FoundNeed] = {}
    for one, entry in having.items():
        for directive, source in sorted(one):
            before = found.get((directive, source))
            found[directive, source] = FoundNeed(
                directive,
                source,
                before.first if before else entry,
                before.more + counts[one] if before else counts[one] - 1,
            )
    return list(found.values())


def given(settings: ImageSettings) -> Policies | None:
    """What site.toml says itself; None where it is to be computed."""
    if settings.policy == OFF or any(header.lower() == "content-security-policy" for header in settings.headers):
        return NO_POLICY
    if settings.policy == COMPUTED:
        return None
    text = " ".join(settings.policy.split())
    return Policies(text, text)


class Computation:
    """The policy of documents, of which `found` tells what they need. `url` is the site's own address: absolute URLs to
    it are not those of a third party.

    `refused` is what site.toml doesn't allow, in the order in which it stands there.
    """

    def __init__(
        self, documents: Sequence[TreeFile], found: Mapping[str, Needs], settings: ImageSettings, url: str = ""
    ) -> None:
        self.own = origins.source(url) if url else None
        self._settings = settings
        self._drawings = [one for one in documents if one.media_type == DRAWING]
        self._sheets = firsts([one for one in documents if one.media_type == _SHEET], found)
        self._shown = SourceLists(settings, self.own)
        self._shown.take(firsts([one for one in documents if one.media_type != DRAWING], found))
        self._drawn = SourceLists(settings, self.own, are_drawings=True)
        self._drawn.take(firsts(self._drawings, found))
        self.refused = (*self._shown.refused, *self._drawn.refused)
        if any(not source.startswith("'sha") for source in self._drawn.sources.get("style-src", ())):
            self._drawn.take(self._sheets)  # those that are no drawing's are not told apart

    @property
    def withheld(self) -> Sequence[FoundNeed]:
        """What drawings ask of others, and don't get."""
        return self._drawn.withheld

    def policies(self, files: Files) -> Policies:
        """Of a site with these files. Raises Problem (exit 5) for one that is too long."""
        settings, shown, drawn = self._settings, self._shown, self._drawn
        _add_what_no_page_says(files, shown.sources)
        listed = [party for party in settings.third_parties if party in shown.asked or party not in drawn.asked]
        _add_what_third_parties_ask(listed, shown)
        return Policies(
            _text(shown.sources, settings),
            _text(_drawn(files, drawn.sources), settings, "drawings") if self._drawings else "",
        )


class SourceLists:
    """What documents need, as far as it is allowed: sources by directive; the rest is `refused`.

    `asked`: of each third party that is listed, the directives that files name it for. What drawings ask of others is
    no problem, but `withheld`: an `img` loads none of it in any browser, and that is how most are shown.
    """

    def __init__(self, settings: ImageSettings, own: str | None, *, are_drawings: bool = False) -> None:
        self.sources: dict[str, set[str]] = {}
        self.asked: dict[str, set[str]] = {}
        self.refused: list[FoundNeed] = []
        self.withheld: list[FoundNeed] = []
        self._are_drawings = are_drawings
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
            self.refused.append(one)

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


def _add_what_no_page_says(files: Files, sources: dict[str, set[str]]) -> None:
    if files.has_icon:
        sources.setdefault("img-src", set()).add(SELF)  # browsers ask for it unasked
    if any(kind.startswith(("audio/", "video/")) for kind in files.kinds):
        # Opened by itself, it is shown in a page that the browser makes, and that loads it under its own policy.
        sources.setdefault("media-src", set()).add(SELF)
    if not sources.keys().isdisjoint({"script-src", pages.HANDLERS}):
        _add_what_scripts_ask(files, sources)


def _add_what_scripts_ask(files: Files, sources: dict[str, set[str]]) -> None:
    sources.setdefault("connect-src", set()).add(SELF)
    for kind, directive in _KINDS.items():
        if any(one.startswith(kind) for one in files.kinds):
            sources.setdefault(directive, set()).add(SELF)
    if "text/javascript" in files.kinds:
        sources.setdefault("worker-src", set()).add(SELF)
    if "application/wasm" in files.kinds:
        sources.setdefault("script-src", set()).add("'wasm-unsafe-eval'")


def _add_what_third_parties_ask(listed: Collection[str], shown: SourceLists) -> None:
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


def _drawn(files: Files, found: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """The sources of drawings. Their styles are allowed as they are: one has more style attributes than a header holds
    hashes, and a drawing by itself has nothing that a style could steal. Scripts run by hash, as in pages.
    """
    sources = {directive: set(some) for directive, some in found.items() if directive != pages.STYLES}
    styles = sources.get("style-src", set())
    if pages.STYLES in found or any(map(_is_hash, styles)):
        sources["style-src"] = {one for one in styles if not _is_hash(one)} | {"'unsafe-inline'"}
    if not sources.keys().isdisjoint({"script-src", pages.HANDLERS}):
        _add_what_scripts_ask(files, sources)
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
