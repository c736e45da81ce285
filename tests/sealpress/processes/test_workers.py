"""Work that is shared gives what one process gives, whoever dies on the way."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sealpress.problems import Exit, Place, Problem
from sealpress.processes import workers as pool

ITEMS = list(range(200))


def squares(part: Sequence[int]) -> list[int]:
    return [number * number for number in part]


def done(
    work: Callable[[Sequence[int]], list[int]],
    workers: int,
    items: Sequence[int] = ITEMS,
    joining: Callable[[], object] = pool.go_on,
) -> dict[int, int]:
    found: dict[int, int] = {}
    for part, results in pool.shared(work, items, workers, joining=joining):
        assert not found.keys() & set(part)
        found |= dict(zip(part, results, strict=True))
    return found


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("count", [0, 1, pool.ALONE - 1, pool.ALONE, 200])
def test_each_item_is_done_once_whoever_does_it(workers: int, count: int) -> None:
    found = done(squares, workers, ITEMS[:count])
    assert found == {number: number * number for number in ITEMS[:count]}


def together(folder: Path, count: int) -> Callable[[Sequence[int]], list[int]]:
    """Work that says who did it, and goes on when so many are at it; who is, stands in a folder that is new."""
    folder.mkdir()

    def who(part: Sequence[int]) -> list[int]:
        (folder / str(os.getpid())).touch()
        while len(list(folder.iterdir())) < count:
            time.sleep(0.002)
        return [os.getpid()] * len(part)

    return who


def test_others_do_the_work_where_there_is_enough_of_it(tmp_path: Path) -> None:
    assert set(done(together(tmp_path / "alone", 1), 1).values()) == {os.getpid()}
    assert set(done(together(tmp_path / "few", 1), 2, ITEMS[: pool.ALONE - 1]).values()) == {os.getpid()}
    found = set(done(together(tmp_path / "three", 3), 3).values())
    assert os.getpid() in found
    assert len(found) == 3


def test_who_joins_begins_when_the_others_have(tmp_path: Path) -> None:
    begun: list[str] = []
    work, parent = together(tmp_path / "two", 2), os.getpid()

    def who(part: Sequence[int]) -> list[int]:
        assert begun == ([] if os.getpid() != parent else ["here"])
        return work(part)

    assert len(set(done(who, 2, joining=lambda: begun.append("here")).values())) == 2
    assert begun == ["here"]
    assert set(done(who, 1, joining=lambda: begun.clear() or begun.append("here")).values()) == {parent}  # type: ignore[func-returns-value]


def test_what_the_others_say_while_one_works_fills_no_pipe() -> None:
    """Each result is larger than a pipe holds: whoever waited for it to be read would wait for ever."""
    found = [result for _, result in pool.shared(lambda part: bytes(1_200_000 * len(part)), ITEMS[:50], 3)]
    assert sum(map(len, found)) == 1_200_000 * 50


def test_a_worker_that_is_killed_costs_only_time() -> None:
    parent = os.getpid()

    def deadly(part: Sequence[int]) -> list[int]:
        if os.getpid() != parent and 77 in part:
            os.kill(os.getpid(), signal.SIGKILL)
        return squares(part)

    assert done(deadly, 2) == done(squares, 1)


def test_a_fault_in_a_worker_ends_the_work_with_all_that_it_says() -> None:
    def faulty(part: Sequence[int]) -> list[int]:
        if 77 in part:
            raise Problem("no", place=Place("x.md", 3, 2, "text", 4), hint="do", code=Exit.MACHINE)
        return squares(part)

    for workers in (1, 2):
        with pytest.raises(Problem) as caught:
            done(faulty, workers)
        found = caught.value
        assert (found.message, found.place, found.hint, found.code) == (
            "no",
            Place("x.md", 3, 2, "text", 4),
            "do",
            Exit.MACHINE,
        )


def test_whoever_stops_listening_leaves_no_worker(tmp_path: Path) -> None:
    parent = os.getpid()

    def told(part: Sequence[int]) -> list[int]:
        if os.getpid() != parent:
            (tmp_path / str(os.getpid())).touch()
        while len(list(tmp_path.iterdir())) < 2:
            time.sleep(0.002)
        return squares(part)

    work = pool.shared(told, ITEMS, 3)
    next(work)
    work.close()  # type: ignore[attr-defined] - it is a generator
    pids = [int(file.name) for file in tmp_path.iterdir()]
    assert len(pids) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_workers_end_with_the_process_that_they_work_for(tmp_path: Path) -> None:
    """Else they would wait for it for ever, and hold its locks."""

    def slow(part: Sequence[int]) -> list[int]:
        (tmp_path / str(os.getpid())).touch()
        time.sleep(0.01)
        return squares(part)

    child = os.fork()
    if not child:
        done(slow, 3, ITEMS * 20)
        os._exit(0)
    until = time.monotonic() + 30
    while len(list(tmp_path.iterdir())) < 3:
        assert time.monotonic() < until
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    pids = [int(file.name) for file in tmp_path.iterdir()]
    while any(map(is_alive, pids)):
        assert time.monotonic() < until
        time.sleep(0.005)


def is_alive(pid: int) -> bool:
    """Not a zombie either, which waits only to be counted."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


FORKED = """
import os, signal
from sealpress.processes import workers
os.register_at_fork(after_in_child=lambda: os.killpg(0, signal.SIGINT))
try:
    for _ in workers.shared(list, range(200), 3):
        pass
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interrupt_in_the_midst_of_a_fork_is_the_first_one_s_business() -> None:
    command = [sys.executable, "-c", FORKED]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, start_new_session=True)
    assert (found.returncode, found.stdout, found.stderr) == (0, "interrupted\n", "")
