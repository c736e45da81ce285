"""Work that is shared among the cores: processes that are forked when all that they need is in memory.

Each takes slices of the work, and the results do not depend on who did what. A process that is killed costs only time:
what it left is done here.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

T = TypeVar("T")
R = TypeVar("R")

ALONE: Final = 40  # pages that one process has done before others have started
_SLICES: Final = 24  # of each worker's share: small enough to show progress, large enough to be cheap to hand over

_work: Callable[[Sequence[Any]], Any] | None = None
_items: Sequence[Any] = ()


def shared(work: Callable[[Sequence[T]], R], items: Sequence[T], workers: int) -> Iterator[tuple[Sequence[T], R]]:
    """`work` done on all items, slice by slice, as slices are finished; each with its items.

    `work` gets a sequence of items. What it changes in memory is lost where another process does it, so it returns all
    that matters, in what pickle takes.
    """
    if workers < 2 or len(items) < ALONE:
        step = max(1, -(-len(items) // _SLICES))
        for start in range(0, len(items), step):
            part = items[start : start + step]
            yield part, work(part)
        return
    yield from _by_many(work, items, workers)


def _by_many(work: Callable[[Sequence[T]], R], items: Sequence[T], workers: int) -> Iterator[tuple[Sequence[T], R]]:
    # Where there is nothing to share, nothing of this need be loaded.
    from concurrent.futures import ProcessPoolExecutor, as_completed  # noqa: PLC0415
    from concurrent.futures.process import BrokenProcessPool  # noqa: PLC0415
    from multiprocessing import get_context  # noqa: PLC0415

    global _work, _items
    _work, _items = work, items
    count = min(len(items), workers * _SLICES)
    left = set(range(count))
    try:
        with ProcessPoolExecutor(workers, mp_context=get_context("fork"), initializer=_begin) as pool:
            futures = {pool.submit(_slice, number, count): number for number in range(count)}
            try:
                with suppress(BrokenProcessPool):
                    for future in as_completed(futures):
                        result = future.result()
                        number = futures.pop(future)
                        left.discard(number)
                        yield items[number::count], result
            except BaseException:
                # What is at work comes to an end first: nobody may write into a folder that is being taken away.
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        for number in sorted(left):
            part = items[number::count]
            yield part, work(part)
    finally:
        _work, _items = None, ()


def _slice(number: int, count: int) -> Any:
    assert _work is not None  # noqa: S101 - set before the fork
    return _work(_items[number::count])


def _begin() -> None:
    """A worker's beginning.

    Ctrl-C reaches the whole group of processes; what it means is the first one's business. Where that one is killed,
    its workers end too: they would wait for it for ever, and hold the lock of the output folder.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    from multiprocessing import parent_process  # noqa: PLC0415

    parent = parent_process()
    assert parent is not None  # noqa: S101 - a worker has one
    parent.join()
    os._exit(1)


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))
