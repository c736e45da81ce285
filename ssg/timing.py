"""Where the time of a build went: by phase, and of the pages and templates that took longest."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Timings:
    """Seconds. `phases` are wall time, in their order; pages and templates that of the processes that made them."""

    phases: dict[str, float] = field(default_factory=dict)
    pages: dict[str, float] = field(default_factory=dict)
    templates: dict[str, float] = field(default_factory=dict)

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
