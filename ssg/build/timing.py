"""Where the time of a build went: by phase, and of the pages, templates and languages of code that took longest."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Timings:
    """Seconds. `phases` are wall time, in their order; pages, templates and code that of the processes that made them.

    `conversions` counts the pages whose text was read, `kept` those of them that were converted in an earlier build.
    `templates` stays empty where nobody asked for it: see ssg.rendering.theme.stopwatch.
    """

    phases: dict[str, float] = field(default_factory=dict)
    pages: dict[str, float] = field(default_factory=dict)
    templates: dict[str, float] = field(default_factory=dict)
    code: dict[str, float] = field(default_factory=dict)  # by language: what was highlighted and not kept
    conversions: int = 0
    kept: int = 0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.phases[name] = self.phases.get(name, 0.0) + time.perf_counter() - began

    def page(self, name: str, seconds: float) -> None:
        self.pages[name] = self.pages.get(name, 0.0) + seconds

    def template(self, name: str, seconds: float) -> None:
        self.templates[name] = self.templates.get(name, 0.0) + seconds

    def highlighting(self, times: Mapping[str, float]) -> None:
        for language, seconds in times.items():
            self.code[language] = self.code.get(language, 0.0) + seconds

    def conversion(self, *, kept: bool) -> None:
        self.conversions += 1
        self.kept += kept


def slowest(times: Mapping[str, float], count: int) -> list[tuple[str, float]]:
    """Slowest first; of one time, by name."""
    return sorted(times.items(), key=lambda one: (-one[1], one[0]))[:count]
