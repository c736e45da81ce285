"""One run of one command: wall time, CPU time and peak memory of it and all its processes, within a limit of time."""

import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sealpress.problems import Problem

_EVERY: Final = 0.02  # seconds between two looks at the memory
_PAGE: Final = resource.getpagesize()


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took. `wall` and `cpu` are seconds, `memory` is bytes.

    `cpu` is user and system time of the process and of all that it waited for. `memory` is the largest sum of resident
    sizes of all its processes at one moment, as seen every 20 ms, or the largest of one process as the kernel keeps it,
    whichever is more. What forked processes share counts in each, so many workers look larger than they are.
    """

    wall: float
    cpu: float
    memory: int


class Overtime(Problem):
    """The command did not end within its limit, and was ended."""


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str], limit: float, log: Path) -> Run:
    """Runs a command in `folder` to its end, what it says going into `log`.

    Raises Overtime after `limit` seconds, with all its processes ended; Problem where it fails.
    """
    with log.open("wb") as said:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            # A checkout of sealpress keeps its compiled modules, as an installation of any of its peers has them.
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environment},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        watch = _Watch(process.pid)
        watch.start()
        timer = threading.Timer(limit, _end, [process.pid])
        timer.start()
        # wait4, because it tells what this child used; it alone takes the exit code away.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        is_late = not timer.is_alive()
        timer.cancel()
        watch.stop()
    if is_late and process.returncode:
        raise Overtime(f"not done after {limit:.0f} s")
    if process.returncode:
        lines = log.read_text("utf-8", "replace").strip().splitlines() or ["it said nothing"]
        raise Problem(f"failed with exit code {process.returncode}: {lines[-1].strip()}", hint=f"all it said: {log}")
    # A process begins as a copy of the one that starts it, whose size the kernel goes on counting.
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    largest = usage.ru_maxrss * 1024 if usage.ru_maxrss > own else 0
    return Run(wall, usage.ru_utime + usage.ru_stime, max(largest, watch.peak))


def resident(pid: int) -> int:
    """Bytes in memory of a process and of all below it."""
    return sum(map(_resident, _family(pid)))


def _end(pid: int) -> None:
    # The command leads a session of its own, so its group is all that it started.
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


class _Watch(threading.Thread):
    """Looks at the memory of a process and its children until it is stopped."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._pid = pid
        self._over = threading.Event()

    def run(self) -> None:
        is_over = False
        while not is_over:
            self.peak = max(self.peak, resident(self._pid), _most(self._pid))
            is_over = self._over.wait(_EVERY)

    def stop(self) -> None:
        self._over.set()
        self.join()


def _family(pid: int) -> list[int]:
    """The process and all below it. Source: proc(5), /proc/pid/task/tid/children."""
    found = [pid]
    for one in found:
        try:
            for children in Path(f"/proc/{one}/task").glob("*/children"):
                found += map(int, children.read_text("ascii").split())
        except OSError:
            continue  # it has just ended
    return found


def _most(pid: int) -> int:
    """The most bytes that the process has had in memory since it became this program. Source: proc(5), VmHWM."""
    try:
        return int(Path(f"/proc/{pid}/status").read_text("utf-8").partition("VmHWM:")[2].split()[0]) * 1024
    except (OSError, IndexError):
        return 0


def _resident(pid: int) -> int:
    """Bytes in memory; 0 for a process that has ended. Source: proc(5), /proc/pid/statm."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0
