"""Several hosts side by side, and one after the other where readers see it: what fails on one stops all the others."""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from publish.deploy.state_machine import Outcome, deploy
from publish.engines.protocol import Host
from sealpress.commands.console import Silent
from sealpress.problems import Exit, Problem
from tests.publish.fleet import Fleet
from tests.publish.memory import MemoryClock

WATCHED = 60
WITHIN = 30.0  # seconds for the other host, which is a matter of none


@dataclass
class Notes(Silent):
    """What is told on the way."""

    told: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.told.append(text)


@dataclass
class Then(MemoryClock):
    """A clock by which something happens once so many seconds are over."""

    at: float = 0.0
    happens: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        if self.time >= self.at:
            self.happens()


@pytest.fixture
def fleet() -> Fleet:
    made = Fleet()
    made.publish("a")
    return made


def publish(fleet: Fleet, release: str, *, clock: MemoryClock | None = None, watch: int = 0) -> tuple[Outcome, ...]:
    """The first host is a canary for `watch` seconds by `clock`."""
    fleet.journal.clear()
    first, second = fleet.deployments(fleet.wanted(release, {}))
    return deploy([replace(first, watch=watch, clock=clock or MemoryClock()), second])


def test_hosts_are_staged_at_once(fleet):
    both = threading.Barrier(2, timeout=WITHIN)

    def meet(name: str, moment: str) -> None:
        if (name, moment) == ("load", "before") and not both.broken:
            both.wait()

    for engine in fleet.engines:
        engine.fault = meet
    fleet.publish("b")
    assert fleet.serve() == ["b b b", "b b b"]


def test_a_host_that_fails_makes_the_others_leave_off_before_their_next_step(fleet):
    def fail(name: str, moment: str) -> None:
        if name == "load":
            raise Problem("no space left", code=Exit.ENGINE)

    def wait(name: str, moment: str) -> None:
        while (name, moment) == ("load", "before") and ("one", "load", "failed") not in fleet.journal:
            threading.Event().wait(0.001)

    fleet.engines[0].fault, fleet.engines[1].fault = fail, wait
    with pytest.raises(Problem) as caught:
        fleet.publish("b")
    assert str(caught.value) == "one: no space left"
    assert fleet.steps("two") in (["look", "discard"], ["look", "load", "discard"])
    assert fleet.serve() == ["a a a", "a a a"]


def test_a_host_that_fails_ends_the_waiting_of_another(fleet):
    """Which would have gone on for as long as a release has to answer."""

    def fail(name: str, moment: str) -> None:
        if name == "create":
            raise Problem("refused", code=Exit.ENGINE)

    fleet.engines[0].fault = fail
    release = fleet.wanted("b", {"site": "hangs"})
    first, second = fleet.deployments(release)

    def happens() -> None:
        while ("one", "create", "failed") not in fleet.journal:
            threading.Event().wait(0.001)

    patient = Then(at=0.0, happens=happens)
    with pytest.raises(Problem, match="one: refused"):
        deploy([first, replace(second, clock=patient, timeout=3600)])
    assert patient.time < 60
    assert fleet.serve() == ["a a a", "a a a"]


@pytest.mark.parametrize("call", ["load", "create", "start"])
def test_ctrl_c_while_hosts_are_staged_leaves_all_as_they_were(fleet, call):
    before = [(dict(engine.running), dict(engine.loaded)) for engine in fleet.engines]
    told = threading.Event()

    def interrupt(name: str, moment: str) -> None:
        if (name, moment) == (call, "before") and not told.is_set():
            told.set()
            os.kill(os.getpid(), signal.SIGINT)

    fleet.engines[1].fault = interrupt
    with pytest.raises(KeyboardInterrupt):
        fleet.publish("b")
    assert told.is_set()
    assert fleet.serve() == ["a a a", "a a a"]
    assert [(engine.running, engine.loaded) for engine in fleet.engines] == before
    fleet.publish("c")
    assert fleet.serve() == ["c c c", "c c c"]


def test_a_canary_has_the_release_alone_for_a_while(fleet):
    seen: list[list[str]] = []
    outcomes = publish(fleet, "b", clock=Then(at=1.0, happens=lambda: seen.append(fleet.serve())), watch=WATCHED)
    assert len(seen) == WATCHED
    assert all(serve == ["b b b", "a a a"] for serve in seen)
    assert fleet.serve() == ["b b b", "b b b"]
    assert [one.generation for one in outcomes] == [2, 2]
    assert fleet.steps("one")[5:] == ["flip", "verify", "watch", "prune"]
    assert fleet.steps("two")[5:] == ["flip", "verify", "prune"]
    assert outcomes[0].journal[-2].seconds >= WATCHED


def test_a_canary_that_answers_no_more_is_put_back_and_the_others_never_had_the_release(fleet):
    def happens() -> None:
        fleet.engines[0].behaviours["sha256:site-b"] = "hangs"

    notes = Notes()
    first, second = fleet.deployments(fleet.wanted("b", {}))
    canary = replace(first, watch=WATCHED, clock=Then(at=40.0, happens=happens), progress=notes)
    fleet.journal.clear()
    with pytest.raises(Problem, match=r"one: the new release answered, and then no more: .*nothing listens there"):
        deploy([canary, replace(second, progress=notes)])
    assert fleet.serve() == ["a a a", "a a a"]
    assert "flip" not in fleet.steps("two")
    assert "was put back, and has generation 1 as before" in notes.told
    assert "was not switched, and has generation 1 as before" in notes.told


def test_a_canary_may_miss_one_answer(fleet):
    asked: list[float] = []

    clock = MemoryClock()
    fetch = fleet.hosts[0].fetch

    def lossy(endpoint, path: str):
        if clock.time >= 20 and not asked:
            asked.append(clock.time)
            raise Problem("no answer in time", code=Exit.RELEASE)
        return fetch(endpoint, path)

    first, second = fleet.deployments(fleet.wanted("b", {}))
    deploy([replace(first, watch=WATCHED, clock=clock, fetch=lossy), second])
    assert asked
    assert fleet.serve() == ["b b b", "b b b"]


def test_ctrl_c_while_a_canary_is_watched_puts_it_back(fleet):
    clock = Then(at=5.0, happens=lambda: os.kill(os.getpid(), signal.SIGINT) if clock.time < 6 else None)
    with pytest.raises(KeyboardInterrupt):
        publish(fleet, "b", clock=clock, watch=WATCHED)
    assert fleet.serve() == ["a a a", "a a a"]


def test_a_canary_that_has_the_release_already_is_not_waited_for(fleet):
    deploy(fleet.deployments(fleet.wanted("b", {}))[:1])
    clock = MemoryClock()
    assert [one.unchanged for one in publish(fleet, "b", clock=clock, watch=WATCHED)] == [True, False]
    assert clock.time < WATCHED
    assert fleet.serve() == ["b b b", "b b b"]


def test_locks_are_taken_in_one_order_whatever_the_site_file_has(fleet):
    taken: list[str] = []

    def noting(host: Host) -> Callable[[str], object]:
        @contextmanager
        def lock(_name: str):
            taken.append(host.title)
            yield

        return lock

    for host in fleet.hosts:
        host.lock = noting(host)
    made = fleet.deployments(fleet.wanted("a", {}))
    deploy(made)
    deploy(made[::-1])
    assert taken == ["one", "two"] * 2
