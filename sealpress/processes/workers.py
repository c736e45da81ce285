"""Work that is shared among the cores: processes that are forked when all that they need is in memory, beside this one.

Each takes one slice of the work after the other, and the results do not depend on who did what. A process that is
killed costs only time: what it left is done here. One whose parent is gone ends with its slice.

    parent ──numbers of slices, all written before the first fork──▶ queue ──▶ each child reads the next one
    parent ◀── a pipe from each child: length and pickle of each result, and the end of file when it is done
"""

import fcntl
import os
import pickle
import selectors
import signal
import struct
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, TypeVar

T = TypeVar("T")
R = TypeVar("R")

ALONE: Final = 40  # pages that one process has done before others have started
_SLICES: Final = 24  # of each worker's share: small enough to show progress, large enough to be cheap to hand over
_TOKEN: Final = struct.Struct("=I")  # read whole or not at all: a pipe parts nothing that was written at once
_LENGTH: Final = struct.Struct("=Q")
_PIPE: Final = 1 << 20  # bytes: nobody reads while a slice is done here, and no child should wait for that


@dataclass(slots=True)
class _Child:
    """A process at work, and what has come from it of its next result."""

    pid: int
    results: int
    waiting: bytearray = field(default_factory=bytearray)

    def received(self) -> Iterator[bytes]:
        """The results that are whole."""
        while len(self.waiting) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self.waiting)
            end = _LENGTH.size + length
            if len(self.waiting) < end:
                return
            yield bytes(self.waiting[_LENGTH.size : end])
            del self.waiting[:end]


def go_on() -> None:
    """Nothing else is to be done."""


def shared(
    work: Callable[[Sequence[T]], R],
    items: Sequence[T],
    workers: int,
    alone: int | None = None,
    *,
    joining: Callable[[], object] = go_on,
) -> Iterator[tuple[Sequence[T], R]]:
    """`work` done on all items, slice by slice, as slices are finished; each with its items.

    `work` gets a sequence of items. What it changes in memory is lost where another process does it, so it returns all
    that matters, in what pickle takes. What it raises is raised here, and ends the others. Fewer items than `alone`
    (None: ALONE) are not worth a second process.

    This process is one of the workers. `joining` is called when the others have been started, before it takes slices:
    a process whose memory is small is best forked before anything else begins.
    """
    if workers < 2 or len(items) < (ALONE if alone is None else alone):
        joining()
        step = max(1, -(-len(items) // _SLICES))
        for start in range(0, len(items), step):
            part = items[start : start + step]
            yield part, work(part)
        return
    count = min(len(items), workers * _SLICES)
    left = set(range(count))
    children: list[_Child] = []
    try:
        with _forked(children, work, items, count, workers - 1) as queue, _listening(children) as waiting:
            joining()
            while token := os.read(queue, _TOKEN.size):
                (mine,) = _TOKEN.unpack(token)
                part = items[mine::count]
                left.discard(mine)
                yield part, work(part)
                for number, result in _results(waiting, 0):
                    left.discard(number)
                    yield items[number::count], result
            while waiting.get_map():
                for number, result in _results(waiting):
                    left.discard(number)
                    yield items[number::count], result
    finally:
        # Before anybody takes away the folder that they write into: on Ctrl-C, or where one of them has failed.
        _end(children)
    for number in sorted(left):
        part = items[number::count]
        yield part, work(part)


@contextmanager
def _forked(
    children: list[_Child], work: Callable[[Sequence[T]], R], items: Sequence[T], count: int, workers: int
) -> Iterator[int]:
    """Starts the others; gives the queue that they and this process read the numbers of slices from."""
    queue, tokens = os.pipe()
    os.write(tokens, b"".join(map(_TOKEN.pack, range(count))))
    os.close(tokens)
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        for _ in range(min(workers, count)):
            results, out = os.pipe()
            with suppress(AttributeError, OSError):  # where there is such a thing
                fcntl.fcntl(out, fcntl.F_SETPIPE_SZ, _PIPE)
            with _uninterrupted():
                pid = _fork()
                if not pid:
                    for other in (*(child.results for child in children), results):
                        os.close(other)
                    _work(work, items, count, queue, out)
                os.close(out)
                children.append(_Child(pid, results))
        yield queue
    finally:
        os.close(queue)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits: it would fall into a child that doesn't know yet how to take it, or between a fork and its note."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(work: Callable[[Sequence[T]], R], items: Sequence[T], count: int, queue: int, out: int) -> NoReturn:
    """A child's life. It ends without what Python does at an end, which is the parent's business."""
    code = 1
    try:
        # Ctrl-C reaches the whole group of processes; what it means is the first one's business.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        while token := os.read(queue, _TOKEN.size):
            (number,) = _TOKEN.unpack(token)
            _send(out, (number, work(items[number::count]), None))
        code = 0
    except BaseException as error:  # noqa: BLE001 - the parent raises it
        with suppress(OSError):
            _send(out, (-1, None, _portable(error)))
    finally:
        os._exit(code)


def _fork() -> int:
    """A child of a process that runs no thread beside this one: another's locks would stay closed in it for ever."""
    assert threading.active_count() == 1, "a process is forked beside a thread"  # noqa: S101 - of ours alone
    return os.fork()


def _send(out: int, message: tuple[int, Any, BaseException | None]) -> None:
    _write(out, _packed(message))


def _packed(message: object) -> bytes:
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return _LENGTH.pack(len(data)) + data


def _write(out: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(out, view) :]


def _portable(error: BaseException) -> BaseException:
    """The error as it can be sent, with the place where it was raised."""
    told = "".join(traceback.format_exception(error))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own, a moment ago
    except Exception:  # noqa: BLE001 - whatever it is, its text can be sent
        return RuntimeError(told)
    error.add_note(told)
    return error


@contextmanager
def _listening(children: Sequence[_Child]) -> Iterator[selectors.BaseSelector]:
    with selectors.DefaultSelector() as selector:
        for child in children:
            selector.register(child.results, selectors.EVENT_READ, child)
        yield selector


def _results(waiting: selectors.BaseSelector, timeout: float | None = None) -> Iterator[tuple[int, Any]]:
    """The number of each slice that came in now with what came of it; who is done is waited for no more."""
    for key, _ in waiting.select(timeout):
        data = os.read(key.fd, _PIPE)
        if not data:
            waiting.unregister(key.fd)
        key.data.waiting += data
        for message in key.data.received():
            number, result, error = pickle.loads(message)  # noqa: S301 - from our own child
            if error is not None:
                raise error
            yield number, result


def _end(children: Sequence[_Child]) -> None:
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)
        os.close(child.results)
        os.waitpid(child.pid, 0)


def cores() -> int:
    """How many processors this process may use; all that there are where the system can't tell."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
