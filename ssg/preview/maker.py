"""What makes a site while it is previewed: the engine of ssg, or another that answers alike."""

import datetime as dt
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from sealpress.problems import Problem
from ssg.build.engine import Turn, never
from ssg.build.inputs import Request
from ssg.build.overlay import Snapshot
from ssg.build.prepare import Prepared
from ssg.content.sources import Options


class Maker(Protocol):
    """As ssg.build.engine.Engine has it."""

    @property
    def request(self) -> Request: ...

    @property
    def problems(self) -> tuple[Problem, ...]: ...

    @property
    def warnings(self) -> tuple[Problem, ...]: ...

    @property
    def prepared(self) -> Prepared | None:
        """None: nobody but its maker knows what a file is made of."""
        ...

    @property
    def left(self) -> frozenset[str]: ...

    @property
    def snapshot(self) -> Snapshot: ...

    def ask(self, options: Options, as_of: dt.datetime | None) -> None: ...

    def turn(
        self,
        paths: Collection[str] | None = None,
        first: Iterable[str] = (),
        cut: Callable[[], bool] = ...,
        shown: Callable[[Turn], None] = ...,
    ) -> Turn | None:
        """None: nothing has changed that anything is made of."""
        ...

    def make(self, path: str) -> bool: ...

    def rest(self, cut: Callable[[], bool] = ...) -> Iterable[str]: ...


class Whole:
    """A maker that has made all of a site when its turn is over."""

    @property
    def left(self) -> frozenset[str]:
        return frozenset()

    def make(self, path: str) -> bool:
        del path
        return False

    def rest(self, cut: Callable[[], bool] = never) -> Iterable[str]:
        del cut
        return ()


Opened = Callable[[Callable[[], bool]], AbstractContextManager[Maker]]
"""Opens a maker. It is told by what it knows that the preview ends."""
