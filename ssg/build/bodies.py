"""Converted bodies, as rendering asks for them: a few in memory, the rest on disk."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ssg.build.convert import Converter, decoded
from ssg.content.model import Page, ParsedPage
from ssg.markup.text.converted import Converted
from ssg.rendering.queries.excerpts import Excerpt

_KEPT = 8  # whole bodies in memory: a page asks for its own several times in a row


@dataclass(frozen=True, slots=True)
class KeptBodies:
    """Answers ssg.rendering.queries.excerpts.Bodies. `excerpts` are those that are known already, by source."""

    converter: Converter
    parsed_pages: Mapping[str, ParsedPage]
    excerpts: dict[str, Excerpt]
    _recent: dict[str, Converted] = field(default_factory=dict)

    def converted(self, page: Page) -> Converted:
        found = self._recent.get(page.source)
        if found is None:
            data = self.converter.store.get(self.parsed_pages[page.source].key)
            found = decoded(data) if data else self.converter.converted(page)
            if len(self._recent) >= _KEPT:
                self._recent.pop(next(iter(self._recent)))
            self._recent[page.source] = found
        return found

    def excerpt(self, page: Page) -> Excerpt:
        if page.source not in self.excerpts:
            self.excerpts[page.source] = Excerpt.of(self.converted(page))
        return self.excerpts[page.source]
