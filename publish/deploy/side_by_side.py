"""Several hosts at work at once, a thread each: where one can't go on, or somebody interrupts, the others leave off."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager

from publish.deploy.interrupts import Interrupts
from publish.probing.probe import Clock
from sealpress.commands.console import Advance, Progress, Unit


class Stop:
    """Tells hosts that work side by side to leave off. It stands where Interrupts stand for one that works alone."""

    def __init__(self) -> None:
        self._told = threading.Event()

    def tell(self) -> None:
        self._told.set()

    def forget(self) -> None:
        """Before hosts are put right, which none of them leaves off."""
        self._told.clear()

    def heed(self) -> None:
        """Raises KeyboardInterrupt where hosts shall leave off."""
        if self._told.is_set():
            raise KeyboardInterrupt

    @contextmanager
    def let_in(self, *, when: bool) -> Iterator[None]:
        """As Interrupts has it."""
        if when:
            self.heed()
        yield


class StoppableProgress:
    """sealpress.commands.console.Progress of long work that leaves off when told to."""

    def __init__(self, progress: Progress, stop: Stop) -> None:
        self._progress, self._stop = progress, stop

    @contextmanager
    def track(self, label: str, total: int | None, unit: Unit = "items") -> Iterator[Advance]:
        with self._progress.track(label, total, unit) as advance:

            def heeding(more: int) -> None:
                self._stop.heed()
                advance(more)

            yield heeding

    def note(self, text: str) -> None:
        self._progress.note(text)


class StoppableClock:
    """publish.probing.probe.Clock of one who waits, and leaves off when told to."""

    def __init__(self, clock: Clock, stop: Stop) -> None:
        self._clock, self._stop = clock, stop

    def now(self) -> float:
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)
        self._stop.heed()


def run(works: Sequence[Callable[[], None]], held: Interrupts, stop: Stop, *, is_sheltered: bool = False) -> bool:
    """Does all of them at once, and waits until each has ended. Gives whether an interrupt came, on which they were
    told to leave off; one that comes while they are `is_sheltered` waits.
    """
    interrupted = False
    with ThreadPoolExecutor(len(works)) as pool:
        futures = [pool.submit(work) for work in works]
        left = set(futures)
        while left:
            try:
                with held.let_in(when=not (is_sheltered or interrupted)):
                    _, left = wait(left, return_when=FIRST_COMPLETED)
            except KeyboardInterrupt:
                interrupted = True
                stop.tell()
    for future in futures:
        future.result()
    return interrupted
