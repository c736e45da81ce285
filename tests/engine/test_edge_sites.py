"""Several sites behind one real edge; how a site comes to one and leaves it; an edge that somebody took away."""

import contextlib
import http.client
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from imagebake.recipes.recipe import Image
from publish.engines.protocol import RunState
from publish.probing import probe
from publish.releases import history
from publish.target.hosts import open_host
from sealpress.commands.console import SILENT
from sealpress.problems import Exit, Problem
from tests.engine.edges import READERS, Behind, Load, ask, left_as_found, sealed, states
from tests.engine.machine import Machine, drop_what_docker_py_left_open
from tests.engine.newer import podman_helpers
from tests.engine.test_publish import restart_engine


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Image]:
    folder = tmp_path_factory.mktemp("sites")
    made = {name: sealed(folder / name, {"index.html": name.encode()}) for name in ("one", "two")}
    return made | {"notes": sealed(folder / "notes", {"index.html": b"notes"}, "notes")}


@pytest.fixture
def target(machine: Machine) -> Iterator[Behind]:
    with left_as_found(machine, keeps=True) as found:
        yield found


def test_two_sites_share_an_edge_and_neither_notices_the_other(
    target: Behind, machine: Machine, images: Mapping[str, Image]
) -> None:
    blog = replace(target, hosts=("blog.example", "www.blog.example"))
    notes = replace(target, hosts=("notes.example",), site="notes")
    blog.publish(images["one"])
    with Load(machine.address, frozenset([b"one"]), name="blog.example").at_it() as load:
        load.until(100)
        notes.publish(images["notes"])
        assert ask(machine, name="notes.example")[2] == b"notes"
        assert ask(machine, name="NOTES.example:8080")[2] == b"notes"
        status, told, _ = ask(machine, "/a?b=c", name="www.blog.example")
        assert (status, told["Location"]) == (308, "https://blog.example/a?b=c")
        assert ask(machine, name="other.example")[0] == 404
        with pytest.raises(Problem, match=r"notes\.example at port 8080 leads to the site notes") as caught:
            replace(target, hosts=("x.example", "notes.example"), target="staging").publish(images["two"])
        assert caught.value.code is Exit.ENGINE
        # All that nobody else has may be a third one's.
        replace(target, target="staging").publish(images["two"])
        assert ask(machine, name="other.example")[2] == b"two"
        notes.flip.stop()
        assert ask(machine, name="notes.example")[2] == b"two"
        history.stop(target.host.engine, notes.line)
        release = history.start(target.host.engine, notes.line)
        notes.flip.start(release.containers)
        assert ask(machine, name="notes.example")[2] == b"notes"
        load.until(100)
    assert load.lost == []


def test_an_edge_that_is_gone_is_mended_by_the_next_publish_of_any_site(
    target: Behind, machine: Machine, images: Mapping[str, Image]
) -> None:
    """Also for the sites that are not published: the labels of their containers tell."""
    blog, notes = replace(target, hosts=("blog.example",)), replace(target, hosts=("notes.example",), site="notes")
    blog.publish(images["one"])
    notes.publish(images["notes"])
    edge = blog.edge.container()
    for command in (("stop", edge.name), ("rm", "--force", "--volumes", edge.name)):
        machine.run("docker", *command)
        assert blog.publish(images["one"]).unchanged
        assert [ask(machine, name=name)[2] for name in ("blog.example", "notes.example")] == [b"one", b"notes"]
    assert blog.publish(images["two"]).generation == 2
    assert ask(machine, name="blog.example")[2] == b"two"


def test_the_edge_says_503_while_nobody_answers_and_comes_back_by_itself(
    target: Behind, machine: Machine, images: Mapping[str, Image]
) -> None:
    (server,) = target.publish(images["one"]).servers
    machine.run("docker", "kill", server.name)
    status, told, body = ask(machine)
    assert (status, told["Retry-After"], told["Cache-Control"]) == (503, "5", "no-store")
    assert body == b"Nobody answers here just now.\n"
    machine.run("docker", "start", server.name)
    assert ask(machine)[2] == b"one"
    machine.run("docker", "kill", target.edge.container().name)
    machine.run("docker", "start", target.edge.container().name)
    assert probe.wait(lambda: target.edge.stands() and history.wrong_with(target.host, (server,)), 20) is None
    assert ask(machine)[2] == b"one"


def test_edge_and_site_come_back_by_themselves_after_a_crash_and_with_the_daemon(
    fresh_machine: Machine, images: Mapping[str, Image]
) -> None:
    """Five seconds are promised, on a machine that does nothing else."""
    with open_host(fresh_machine.target(), SILENT) as host:
        Behind(host).publish(images["one"])
    for what, crash in {
        "the edge": lambda: kill(fresh_machine, "sealpress-edge-0-0-0-0-8080"),
        "the site": lambda: kill(fresh_machine, "sealpress-blog.production-1"),
        "dockerd": lambda: restart_engine(fresh_machine),
    }.items():
        crash()
        began = time.monotonic()
        while answers(fresh_machine) != b"one" and time.monotonic() < began + 20:
            time.sleep(0.02)
        assert time.monotonic() - began < 10, what
    with open_host(fresh_machine.target(), SILENT) as host:
        assert Behind(host).publish(images["one"]).unchanged
    drop_what_docker_py_left_open()


def kill(machine: Machine, name: str) -> None:
    """A container's own process, as a crash does: whoever asks the engine for it wants it to stay down."""
    machine.run("kill", "-KILL", machine.run("docker", "inspect", "--format", "{{.State.Pid}}", name).strip())


def answers(machine: Machine) -> bytes:
    connection = http.client.HTTPConnection(machine.address, 8080, timeout=1)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/")
        return connection.getresponse().read()
    return b""


def test_a_site_comes_to_an_edge_on_its_port_and_leaves_it(
    target: Behind, machine: Machine, images: Mapping[str, Image]
) -> None:
    """And where that fails, it answers as before."""
    plain = replace(target, has_edge=False)
    plain.publish(images["one"])
    with pytest.raises(Problem, match="no such thing"):
        target.publish(images["two"], flip=Broken(target.flip))
    assert ask(machine)[2] == b"one"
    assert target.edge.container() is None
    target.publish(images["two"])
    assert ask(machine)[2] == b"two"
    with pytest.raises(Problem, match="port 8080 is the edge's"):
        replace(plain, target="staging", site="notes").publish(images["notes"])
    with pytest.raises(Problem, match="no such thing"):
        plain.publish(images["one"], flip=Broken(plain.flip))
    assert ask(machine)[2] == b"two"
    plain.publish(images["one"])
    assert ask(machine)[2] == b"one"
    assert target.edge.container() is None
    assert [state for _, state in states(target)] == [RunState.RUNNING, RunState.EXITED]


class Broken:
    """A flip that fails at its end."""

    def __init__(self, flip) -> None:
        self.flip = flip
        self.prepare, self.is_stale, self.gap = flip.prepare, flip.is_stale, flip.gap
        self.back, self.served, self.retire = flip.back, flip.served, flip.retire

    def forward(self, *arguments):
        self.flip.forward(*arguments)
        raise Problem("no such thing", code=Exit.ENGINE)


class Killed(BaseException):
    """The publish ends here, and puts nothing right."""


# Calls of the engine: which of its kind, and whether the publish ends before it or after.
DEATHS = (
    ("create", 2, "after"),  # the server's; the first is the candidate's
    ("start", 2, "after"),
    ("write", 1, "after"),
    ("run", 1, "before"),
    ("run", 1, "after"),
    ("stop", 1, "before"),
    ("stop", 1, "after"),
    ("remove", 1, "after"),
)


def test_a_publish_that_is_killed_anywhere_loses_no_request_and_the_next_one_ends_well(
    target: Behind, machine: Machine, images: Mapping[str, Image]
) -> None:
    target.publish(images["one"])
    names = ("two", "one")
    with Load(machine.address, frozenset([b"one", b"two"]), readers=2).at_it() as load:
        for number, death in enumerate(DEATHS):
            doomed = replace(target, host=Wrapped(target.host, Dying(target.host.engine, *death)))
            name = names[number % 2]
            with pytest.raises(Killed):
                doomed.publish(images[name])
            target.publish(images[name])
            assert ask(machine)[2] == name.encode(), death
            assert states(target)[0][1] is RunState.RUNNING
            assert [state for _, state in states(target)].count(RunState.RUNNING) == 1, death
    assert load.lost == []


class Dying:
    """An engine that ends its user at the n-th call of a kind, and answers nothing from then on."""

    def __init__(self, engine, call: str, count: int, moment: str) -> None:
        self._engine, self._call, self._left, self._moment = engine, call, count, moment
        self._is_dead = False

    def __getattr__(self, name: str):
        found = getattr(self._engine, name)
        return partial(self._called, name, found) if callable(found) else found

    def _called(self, name: str, function, *arguments):
        if name == self._call:
            self._left -= 1
            self._is_dead = self._is_dead or (self._left == 0 and self._moment == "before")
        if self._is_dead:
            raise Killed
        answer = function(*arguments)
        if name == self._call and self._left == 0:
            self._is_dead = True
            raise Killed
        return answer


class Wrapped:
    """A host with another engine."""

    def __init__(self, host, engine) -> None:
        self._host, self.engine = host, engine

    def __getattr__(self, name: str):
        return getattr(self._host, name)


def test_the_sites_log_has_the_network_of_the_reader_and_not_the_edge(
    target: Behind, machine: Machine, images: Mapping[str, Image]
) -> None:
    (server,) = target.publish(images["one"]).servers
    ask(machine, "/from-afar", X_Forwarded_For="203.0.113.7")
    (line,) = (one for one in machine.run("docker", "logs", server.name).splitlines() if "from-afar" in one)
    assert line.split()[0] == machine.address.rpartition(".")[0] + ".0"


def test_podman_loses_no_request_either(fresh_machine: Machine, images: Mapping[str, Image], tmp_path: Path) -> None:
    """With the network of its own that Debian recommends for it, which knows containers by their names; IPv4 alone."""
    fresh_machine.start_podman(named=podman_helpers(tmp_path / "root"))
    fresh_machine.run("iptables", "--policy", "FORWARD", "ACCEPT")  # dockerd, beside it, forbids what isn't its own
    with open_host(fresh_machine.target("root", engine="podman"), SILENT) as host:
        target = Behind(host, replicas=2, readers=READERS)
        target.publish(images["one"])
        with Load(fresh_machine.address, frozenset([b"one", b"two"])).at_it() as load:
            load.until(200)
            target.publish(images["two"])
            load.until(200)
        assert load.lost == []
        assert set(load.bodies) == {b"one", b"two"}
        assert "[::]" not in fresh_machine.run("ss", "--no-header", "--listening", "--tcp", "--numeric", "sport = 8080")
        assert target.publish(images["two"]).unchanged
        assert states(target) == [(2, RunState.RUNNING), (1, RunState.EXITED)]
        target.flip.stop()
        assert target.edge.container() is None
