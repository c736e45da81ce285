"""A process that is at work ahead gives what this one would have come to, whatever becomes of it."""

import os
import signal
import time
from pathlib import Path
from types import MappingProxyType

import pytest

from sealpress.problems import Place, Problem
from sealpress.processes import workers
from tests.sealpress.processes.test_workers import is_alive


def who(*_given: object) -> int:
    return os.getpid()


def twice(number: int) -> int:
    return 2 * number


def big(size: int) -> bytes:
    return bytes(size)


def keys(mapping: MappingProxyType[str, int]) -> tuple[type, list[str]]:
    return type(mapping), list(mapping)


def refuse() -> None:
    raise Problem("no", place=Place("x.md", 3))


def end_here() -> int:
    """Ends whoever isn't the test's own process."""
    if os.getpid() != PARENT:
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


PARENT = os.getpid()


def test_it_is_another_process_and_does_all_in_its_turn() -> None:
    with workers.mate(who, lambda: "second") as (mate, (first, second)):
        asked = [mate.begin(twice, number) for number in range(5)]
        pid = mate.begin(who)
        assert [wait() for wait in reversed(asked)] == [8, 6, 4, 2, 0]
        assert second() == "second"
        assert first() == pid() != os.getpid()
        assert first() == first()
    assert not is_alive(pid())


def test_it_takes_and_gives_what_no_pipe_holds_at_once() -> None:
    with workers.mate() as (mate, _):
        assert mate.begin(len, bytes(1 << 20))() == 1 << 20
        assert mate.begin(big, 3 << 20)() == bytes(3 << 20)


def test_read_only_mappings_cross_over() -> None:
    with workers.mate() as (mate, _):
        assert mate.begin(keys, MappingProxyType({"b": 1, "a": 2}))() == (MappingProxyType, ["b", "a"])


def test_what_it_raises_is_raised_where_it_is_waited_for() -> None:
    with workers.mate(refuse) as (mate, (first,)):
        later = mate.begin(refuse)
        assert mate.begin(twice, 4)() == 8
        for wait in (first, later):
            with pytest.raises(Problem) as caught:
                wait()
            assert (caught.value.message, caught.value.place) == ("no", Place("x.md", 3))


def test_one_that_is_killed_costs_only_time() -> None:
    with workers.mate(who, end_here) as (mate, (first, second)):
        third = mate.begin(twice, 21)
        assert third() == 42
        assert second() == os.getpid()
        assert first() != os.getpid()
        time.sleep(0.05)
        assert mate.begin(who)() == os.getpid()


def test_it_ends_with_the_process_that_it_works_for(tmp_path: Path) -> None:
    def show() -> None:
        (tmp_path / str(os.getpid())).touch()

    child = os.fork()
    if not child:
        with workers.mate(show):
            time.sleep(60)
        os._exit(0)
    until = time.monotonic() + 30
    while not list(tmp_path.iterdir()):
        assert time.monotonic() < until
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    (pid,) = (int(file.name) for file in tmp_path.iterdir())
    while is_alive(pid):
        assert time.monotonic() < until
        time.sleep(0.005)


def test_nobody_is_left_after_an_error() -> None:
    pids: list[int] = []

    def failing() -> None:
        with workers.mate(who) as (_, (first,)):
            pids.append(first())
            refuse()

    with pytest.raises(Problem):
        failing()
    assert not is_alive(*pids)
