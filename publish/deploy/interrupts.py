"""Ctrl-C, SIGTERM and SIGHUP, held back while a release changes places, and let in where it can be left off."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """Lets signals in only where the machine can take them; elsewhere they wait.

    So none can fall between two steps, or into the middle of putting things right.
    """

    def __init__(self) -> None:
        self.is_pending = False
        self._is_open = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The handler of the signals. Raises KeyboardInterrupt where one may come in."""
        del number, frame
        if self._is_open:
            self._is_open = False
            raise KeyboardInterrupt
        self.is_pending = True

    @contextmanager
    def let_in(self, *, when: bool) -> Iterator[None]:
        """Opens for the length of the context, if `when`: then what waited comes first, as KeyboardInterrupt."""
        self._is_open = when
        try:
            if when and self.is_pending:
                self.is_pending = False
                raise KeyboardInterrupt
            yield
        finally:
            self._is_open = False


@contextmanager
def held_back() -> Iterator[Interrupts]:
    """Takes the signals over as long as the context lasts."""
    interrupts = Interrupts()
    if threading.current_thread() is not threading.main_thread():
        # Python gives signals to the main thread only.
        yield interrupts
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, interrupts.handle) for number in numbers}
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
