"""How long each template takes, without those that it extends, includes or imports: for `ssg build --profile`.

A template is a generator of pieces of text. Whoever is asked for the next piece is on top of a stack, and the clock
runs for the top alone. Templates are wrapped as they are loaded, so a build that nobody measures pays nothing.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import jinja2
from jinja2.runtime import Macro

from ssg.rendering.theme.templates import Templates

COMPILING: Final = "(compiling templates)"


class Stopwatch:
    """Seconds by template, of one process. `compiling` is what all compilations took: it is no page's fault."""

    def __init__(self) -> None:
        self.compiling = 0.0
        self._seconds: dict[str, float] = {}
        self._running: list[str] = []
        self._since = 0.0

    def start(self, name: str) -> None:
        self._count()
        self._running.append(name)

    def stop(self) -> None:
        self._count()
        self._running.pop()

    def taken(self) -> dict[str, float]:
        """What was measured since this was last called."""
        taken, self._seconds = self._seconds, {}
        return taken

    def _count(self) -> None:
        now = time.perf_counter()
        if self._running:
            top = self._running[-1]
            self._seconds[top] = self._seconds.get(top, 0.0) + now - self._since
            self.compiling += now - self._since if top == COMPILING else 0.0
        self._since = now


def watch(templates: Iterable[Templates], stopwatch: Stopwatch) -> None:
    """Measures all templates that are loaded from now on."""
    for one in templates:
        environment = one.environment
        environment.template_class = _watched(environment.template_class, stopwatch)
        environment.compile = _call(environment.compile, COMPILING, stopwatch)  # type: ignore[method-assign]


def _watched(template_class: type[jinja2.Template], stopwatch: Stopwatch) -> type[jinja2.Template]:
    class Watched(template_class):  # type: ignore[misc, valid-type]
        @classmethod
        def _from_namespace(cls, environment: Any, namespace: Any, globals: Any) -> Any:  # noqa: A002
            # Compiled code looks its blocks up by name, for super(): they are replaced there, too.
            name = str(namespace["name"])
            blocks = {id(one): _pieces(one, name, stopwatch) for one in namespace["blocks"].values()}
            namespace["blocks"] = {block: blocks[id(one)] for block, one in namespace["blocks"].items()}
            namespace["root"] = _pieces(namespace["root"], name, stopwatch)
            for key, value in list(namespace.items()):
                if id(value) in blocks:
                    namespace[key] = blocks[id(value)]
            return super()._from_namespace(environment, namespace, globals)

        def _get_default_module(self, ctx: Any = None) -> Any:
            module = super()._get_default_module(ctx)
            for macro in vars(module).values():
                if isinstance(macro, Macro) and not hasattr(macro._func, "__wrapped__"):  # noqa: SLF001
                    macro._func = _call(macro._func, self.name or "", stopwatch)  # noqa: SLF001
            return module

    return Watched


def _pieces(function: Callable[..., Iterator[str]], name: str, stopwatch: Stopwatch) -> Callable[..., Iterator[str]]:
    def measured(*given: Any, **named: Any) -> Iterator[str]:
        pieces = function(*given, **named)
        while True:
            stopwatch.start(name)
            try:
                piece = next(pieces)
            except StopIteration:
                return
            finally:
                stopwatch.stop()
            yield piece

    return measured


def _call(function: Callable[..., Any], name: str, stopwatch: Stopwatch) -> Callable[..., Any]:
    def measured(*given: Any, **named: Any) -> Any:
        stopwatch.start(name)
        try:
            return function(*given, **named)
        finally:
            stopwatch.stop()

    measured.__wrapped__ = function  # type: ignore[attr-defined]
    return measured
