"""What can happen to a host behind an edge while a release changes: a full disk, no memory left, a release that dies in
front of its readers, an edge with a bad configuration, an engine that is killed.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest

from imagebake.recipes.edge import CONFIGURATION, RELOAD, SAVED
from publish.probing import probe
from sealpress.problems import Exit, Problem
from tests.engine.edges import SOAK, Behind, Load, ask, held, left_as_found
from tests.engine.machine import Machine, start_machine, stop_machine
from tests.engine.perlsite import SERVER, heavier, seal
from tests.engine.test_edge_sites import Wrapped

BOTH = frozenset([b"one", b"two"])
GREEDY = "my @all; push @all, 'x' x (8 << 20) while 1;"
# Its candidate answers, and so does its server until somebody comes by the edge.
DIES = "kill('TERM', getppid), exit if /^X-Forwarded-For/i;"
DIES_OF_READERS = SERVER.replace("while (<$client>) {", f"while (<$client>) {{ {DIES}")


@pytest.fixture
def target(machine: Machine) -> Iterator[Behind]:
    with left_as_found(machine) as found:
        yield found


def test_a_release_without_memory_and_one_that_dies_of_its_readers_leave_the_old_one(
    target: Behind, machine: Machine
) -> None:
    target.publish(seal({"index.html": "one"}))
    before = held(machine)
    with Load(machine.address, frozenset([b"one"]), readers=2).at_it() as load, pytest.raises(Problem) as caught:
        target.publish(seal({"index.html": "greedy"}, server=GREEDY))
    assert (caught.value.code, load.lost) == (Exit.RELEASE, [])
    assert "did not become healthy: it ended with code 137" in caught.value.message
    assert held(machine) == before
    with pytest.raises(Problem) as caught:
        replace(target, timeout=4).publish(seal({"index.html": "dies"}, server=DIES_OF_READERS))
    assert caught.value.code is Exit.ROLLED_BACK
    assert ask(machine)[2] == b"one"
    assert held(machine) == before


def test_an_edge_whose_configuration_was_spoilt_by_hand_is_mended_by_the_next_publish(
    target: Behind, machine: Machine
) -> None:
    target.publish(seal({"index.html": "one"}))
    edge = target.edge.container()
    with Load(machine.address, BOTH, readers=2).at_it() as load:
        for path in (SAVED, CONFIGURATION):
            target.edge.engine.write(edge.id, path, b'{"apps": {"http": 1}', (102, 102))
        code, said = target.edge.engine.run(edge.id, RELOAD)
        assert (code, "Error: " in said) == (1, True)
        load.until(50)
        target.publish(seal({"index.html": "two"}))
        load.until(50)
    assert load.lost == []
    assert ask(machine)[2] == b"two"


class Acting:
    """An engine to whose host something happens, once, before a call of a kind."""

    def __init__(self, engine, call: str, act: Callable[[], None]) -> None:
        self._engine, self._call, self._act = engine, call, act

    def __getattr__(self, name: str):
        found = getattr(self._engine, name)
        return partial(self._called, name, found) if callable(found) else found

    def _called(self, name: str, function, *arguments):
        if name == self._call:
            self._call = ""
            self._act()
        return function(*arguments)


@pytest.fixture(scope="module")
def small() -> Iterator[Machine]:
    """A machine of its own, whose engine has a disk of its own, with little room, and may be killed."""
    machine = start_machine()
    command = next(line for line in machine.processes().values() if line.startswith("dockerd "))
    try:
        kill(machine)
        machine.run("mount", "-t", "tmpfs", "-o", "size=220m", "none", "/var/lib/docker")
        start(machine, command)
        yield machine
    finally:
        stop_machine(machine)


def kill(machine: Machine) -> None:
    """As a crash does: containers run on, until the next one comes."""
    machine.stop("dockerd")
    machine.stop("containerd")
    machine.run("rm", "-f", "/run/docker.pid", "/run/docker/containerd/containerd.pid")


def start(machine: Machine, command: str) -> None:
    machine.run("sh", "-c", f"setsid {command} >>{machine.folder}/dockerd.log 2>&1 </dev/null &")
    assert probe.wait(lambda: None if is_up(machine) else "silent", 20) is None, machine.logs()


def is_up(machine: Machine) -> bool:
    try:
        machine.inventory()
    except Exception:  # noqa: BLE001 - whatever docker-py says of a socket where nobody listens
        return False
    return True


def fill(machine: Machine, left: int) -> None:
    machine.run("sh", "-c", "dd if=/dev/zero of=/var/lib/docker/filler bs=64k 2>/dev/null || true")
    machine.run("truncate", "-s", f"-{left}", "/var/lib/docker/filler")


def test_a_disk_that_is_full_is_told_and_the_site_answers(small: Machine) -> None:
    """While the image is loaded; and when only the container is to be created still."""
    with left_as_found(small) as target:
        target.publish(seal({"index.html": "one"}))
        with Load(small.address, BOTH, readers=2).at_it() as load:
            for call, left, image in (("load", 4 << 20, heavier(seal({"index.html": "two"}), 24)), ("create", 0, TWO)):
                engine = Acting(target.host.engine, call, partial(fill, small, left))
                with pytest.raises(Problem) as caught:
                    replace(target, host=Wrapped(target.host, engine)).publish(image)
                assert caught.value.code is Exit.ENGINE
                assert "no space left on device" in caught.value.message.lower()
                assert "docker system df" in (caught.value.hint or "")
                load.until(50)
                small.run("rm", "/var/lib/docker/filler")
            target.publish(TWO)
        assert load.lost == []
        assert ask(small)[2] == b"two"


TWO = seal({"index.html": "two"})
DEATHS = ("load", "create", "start", "write", "stop")


@pytest.mark.parametrize("call", DEATHS if SOAK else ("write",))
def test_an_engine_that_is_killed_has_the_site_back_by_itself(small: Machine, call: str) -> None:
    """It comes back as by systemd. The publish ends, in whichever way, and the next one ends well."""
    command = next(line for line in small.processes().values() if line.startswith("dockerd "))
    came: list[float] = []

    def crash() -> None:
        kill(small)
        start(small, command)
        came.append(time.monotonic())

    with left_as_found(small) as target:
        target.publish(seal({"index.html": "one"}))
        doomed = replace(target, host=Wrapped(target.host, Acting(target.host.engine, call, crash)))
        with contextlib.suppress(Problem):
            doomed.publish(TWO)
        # Five seconds on a machine that has nothing else to do.
        assert probe.wait(lambda: wrong(small), came[0] + 15 - time.monotonic()) is None
    with left_as_found(small) as target:
        target.publish(TWO)
        assert ask(small)[2] == b"two"


def wrong(machine: Machine) -> str | None:
    try:
        found = ask(machine)[2]
    except OSError as error:
        return repr(error)
    return None if found in BOTH else repr(found)
