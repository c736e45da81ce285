"""Which files a rendering makes, and how each is made: the one entry to rendering.

    kinds()                     every kind of output, by name
    files(queries, kinds)       every file of a site, in its order
    Renderer(queries).make      one of them

What is made depends on the site's structure alone; how it looks, on what its template asks.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

from sealpress.problems import Problem
from ssg.cache.tracing import Trace
from ssg.rendering import unsafe_values
from ssg.rendering.assets import COPY, IMAGE, THEME
from ssg.rendering.feeds import FEED
from ssg.rendering.functions import functions
from ssg.rendering.output_kind import OutputFile, OutputKind
from ssg.rendering.pages import LIST, PAGE
from ssg.rendering.queries.site_queries import SiteQueries
from ssg.rendering.sitemap import ROBOTS, SITEMAP
from ssg.rendering.theme.stopwatch import Stopwatch, watch
from ssg.rendering.theme.templates import Templates, environments
from ssg.rendering.theme.theme import ThemeFile
from ssg.rendering.views.shared import language_view
from ssg.rendering.views.sites import OptionsView, SiteView

KINDS: Final = (COPY, THEME, IMAGE, PAGE, LIST, FEED, SITEMAP, ROBOTS)
"""ssg's own, in the order in which files are told of."""


def kinds(more: Iterable[OutputKind] = ()) -> Mapping[str, OutputKind]:
    """All kinds by name: ssg's own, and `more`. Raises ValueError where two have one name."""
    every = (*KINDS, *more)
    found = {kind.name: kind for kind in every}
    if len(found) < len(every):
        raise ValueError(f"two kinds of output have one name: {', '.join(kind.name for kind in every)}")
    return MappingProxyType(found)


def files(queries: SiteQueries, kinds: Mapping[str, OutputKind]) -> Iterator[OutputFile]:
    """Every file of the tree. Two may be for one path: who writes them sees that."""
    return (file for kind in kinds.values() for file in kind.files(queries))


class Renderer:
    """Makes files of one scene. Templates are compiled when the first of them is needed, and measured if wanted."""

    def __init__(self, queries: SiteQueries, stopwatch: Stopwatch | None = None) -> None:
        self.queries = queries
        self._stopwatch = stopwatch
        self._warned: list[Problem] = []

    def faults(self, files: Iterable[OutputFile]) -> Iterator[Problem]:
        """What can be known of the templates that these files need before one is rendered."""
        wanted: dict[str, None] = {}
        for file in files:
            if file.kind.template:
                try:
                    wanted[file.kind.template(self.queries, file)] = None
                except Problem as problem:
                    yield problem
        yield from self._templates[self.queries.default_language()].faults(wanted)

    def templates(self, file: OutputFile) -> list[ThemeFile]:
        """What a file is rendered with: its template, and those that this names; nothing where it has none."""
        if not file.kind.template:
            return []
        return self._templates[self.queries.default_language()].named(file.kind.template(self.queries, file))

    def make(self, file: OutputFile) -> tuple[bytes, Trace, tuple[Problem, ...]]:
        """A file's content, the questions that were asked for it, and what its author should know of it: warnings.

        Raises Problem (exit 3) at a template's line, or at the front matter that names a template which isn't there.
        """
        if not file.kind.make:
            raise ValueError("a copy is not rendered")
        self._warned.clear()
        with self.queries.traced() as trace:
            content = file.kind.make(self, file)
        return content, frozenset(trace), tuple(self._warned)

    def rendered(self, template: str, language: str, page: object, origin: str) -> bytes:
        """As ssg.rendering.output_kind.Rendering has it."""
        text = self._templates[language].render(template, {"page": page}, origin).encode()
        if template.endswith(".html"):
            shown = self.queries.theme.templates[template].shown
            unsafe_values.check(text, origin, shown)
            self._warned += unsafe_values.doubts(text, shown)
        return text

    def close(self) -> None:
        """Nothing is made any more. Templates and what they are made with know each other: without this, all that they
        know of the site would stay until Python's collector comes.
        """
        for one in vars(self).get("_templates", {}).values():
            one.close()

    @cached_property
    def _templates(self) -> Mapping[str, Templates]:
        queries = self.queries
        values: dict[str, Mapping[str, Any]] = {
            language: {
                "site": SiteView(queries, language),
                "lang": language_view(queries, language),
                "theme": OptionsView(queries, language),
            }
            for language in queries.languages()
        }
        templates = environments(queries.theme.templates, functions(queries), values, queries)
        if self._stopwatch:
            watch(templates.values(), self._stopwatch)
        return templates
