"""What templates know while they are rendered, taken apart behind them.

A context knows its macros, and these know it: whatever it shows of the site would stay in memory until Python's
collector comes, which is seldom, and in a preview in the middle of an edit.
"""

from typing import Any

import jinja2.runtime


class Contexts:
    """Those of one environment: of the templates that are rendered now, and of imports, which are kept for others."""

    def __init__(self) -> None:
        self._now: list[Context] = []
        self._kept: list[jinja2.runtime.Context] = []

    def add(self, context: "Context") -> None:
        self._now.append(context)

    def keep(self, context: jinja2.runtime.Context) -> None:
        """That of an import stays until `close`."""
        self._kept.append(context)

    def forget(self) -> None:
        """A page is rendered."""
        kept = set(map(id, self._kept))
        _take_apart(*(one for one in self._now if id(one) not in kept))
        self._now.clear()

    def close(self) -> None:
        """Nothing is rendered any more."""
        _take_apart(*self._now, *self._kept)


def _take_apart(*contexts: jinja2.runtime.Context) -> None:
    for one in contexts:
        vars(one).clear()


class Context(jinja2.runtime.Context):
    """One that its environment's `contexts` know."""

    def __init__(self, environment: Any, *arguments: Any, **options: Any) -> None:
        super().__init__(environment, *arguments, **options)
        environment.contexts.add(self)
