"""Releases through a real edge: Caddy before nginx in containers, with readers who ask all the while."""

import contextlib
import hashlib
import http.client
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from imagebake.recipes.recipe import Image
from publish.engines.protocol import RunState
from publish.releases import history
from sealpress.problems import Exit, Problem
from tests.engine.edges import SOAK, Behind, Load, ask, held, left_as_found, sealed, states
from tests.engine.machine import Machine
from tests.engine.perlsite import SERVER, seal

BIG = hashlib.shake_128(b"big").digest(24 << 20)
PAGES: Mapping[str, Mapping[str, bytes]] = {
    "one": {"index.html": b"one", "same.txt": b"0123456789" * 100, "big.bin": BIG},
    "two": {"index.html": b"two", "same.txt": b"0123456789" * 100},
}
BOTH = frozenset([b"one", b"two"])


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Image]:
    folder = tmp_path_factory.mktemp("sites")
    return {name: sealed(folder / name, pages) for name, pages in PAGES.items()}


@pytest.fixture
def target(machine: Machine) -> Iterator[Behind]:
    with left_as_found(machine, keeps=True) as found:
        yield found


def test_3000_requests_through_publishes_a_failing_release_and_a_rollback_lose_none(
    target: Behind, machine: Machine, images: Mapping[str, Image]
) -> None:
    assert target.publish(images["one"]).generation == 1
    assert target.publish(images["one"]).unchanged
    with Load(machine.address, BOTH).at_it() as load:
        load.until(200)
        assert target.publish(images["two"]).generation == 2
        load.until(200)
        assert set(load.bodies) == BOTH
        with pytest.raises(Problem, match="did not become healthy: it ended with code 7") as caught:
            target.publish(seal({"index.html": "three"}, server="exit 7;"))
        assert caught.value.code is Exit.RELEASE
        load.until(200)
        assert target.roll_back().generation == 3
        load.until(1000)
    assert load.lost == []
    assert load.count >= 3000
    assert ask(machine)[2] == b"one"
    assert states(target) == [(3, RunState.RUNNING), (2, RunState.EXITED)]
    names = machine.run("docker", "ps", "--format", "{{.Names}} {{.Ports}}").splitlines()
    (found,) = (line for line in names if "blog" in line)
    assert found.startswith("sealpress-blog.production-3 ")
    assert "->" not in found  # none of the host's


def test_a_replica_that_is_killed_or_frozen_and_an_edge_that_reloads_lose_none(
    target: Behind, machine: Machine, images: Mapping[str, Image]
) -> None:
    target = replace(target, replicas=3)
    first, second, _ = target.publish(images["one"]).servers
    with Load(machine.address, frozenset([b"one"])).at_it() as load:
        load.until(200)
        machine.run("docker", "kill", first.name)
        load.until(300)
        machine.run("docker", "pause", second.name)
        load.until(300)
        machine.run("docker", "unpause", second.name)
        machine.run("docker", "start", first.name)
        edge = target.edge.container()
        for _ in range(8):
            machine.run("docker", "exec", edge.name, "/usr/bin/caddy", "reload", "--force", *CONFIGURED)
            load.until(100, parts=8)
    assert load.lost == []
    for one in target.publish(images["two"]).servers:
        assert history.wrong_with(target.host, (one,)) is None
    assert ask(machine)[2] == b"two"


UNWELL = SERVER.replace(
    "print $client", "if ($unwell && $path eq '/healthz') { $status = '500 Unwell' }\n    print $client", 1
).replace("$| = 1;", "my $unwell = 0; $SIG{USR1} = sub { $unwell = 1 }; $| = 1;", 1)


def test_replicas_that_all_fail_their_checks_are_asked_all_the_same(target: Behind, machine: Machine) -> None:
    found = replace(target, replicas=2).publish(seal({"index.html": "one"}, server=UNWELL))
    with Load(machine.address, frozenset([b"one"])).at_it() as load:
        load.until(50)
        for one in found.servers:
            machine.run("docker", "kill", "--signal", "USR1", one.name)
            assert ask(machine, "/healthz")[0] in (200, 500)
        time.sleep(4)  # checks of two seconds, once a second
        before = load.count
        load.until(100)
    assert load.lost == []
    assert load.count >= before + 100
    # Who is dead is told as before, once for a reader.
    for one in found.servers:
        machine.run("docker", "kill", one.name)
    status, headers, body = ask(machine)
    assert (status, headers["Retry-After"], body) == (503, "5", b"Nobody answers here just now.\n")


CONFIGURED = ("--config", "/config/caddy/autosave.json", "--address", "unix//tmp/admin.sock")


def test_publishes_in_a_row_leave_nothing_that_is_not_wanted(target: Behind, machine: Machine) -> None:
    """No container, image, network or volume, and nothing on the disk, whose names nobody lists."""
    for number in range(100 if SOAK else 5):
        target.publish(seal({"index.html": f"page {number}"}), keep=2)
        if number == 2:
            before, files = counts(machine), files_of_engine(machine)
    assert counts(machine) == before
    assert files_of_engine(machine) <= files + 10
    assert len(states(target)) == 2


def counts(machine: Machine) -> dict[str, int]:
    return {kind: len(found) for kind, found in held(machine).items()}


def files_of_engine(machine: Machine) -> int:
    folder = "containers/storage" if machine.engine == "podman" else "docker"
    return len(machine.run("find", f"/var/lib/{folder}", "-xdev").splitlines())


def test_head_ranges_and_304_are_right_on_both_sides_of_the_flip(
    target: Behind, machine: Machine, images: Mapping[str, Image]
) -> None:
    answers = []
    for name in ("one", "two"):
        target.publish(images[name])
        status, told, body = ask(machine, "/same.txt", Accept_Encoding="identity")
        assert (status, len(body), told.get_all("Server")) == (200, 1000, ["Caddy"])
        status, head, nothing = ask(machine, "/same.txt", "HEAD", Accept_Encoding="identity")
        assert (status, nothing, head["Content-Length"], head["ETag"]) == (200, b"", "1000", told["ETag"])
        status, part, body = ask(machine, "/same.txt", Range="bytes=3-5", If_Range=told["ETag"])
        assert (status, part["Content-Range"], body) == (206, "bytes 3-5/1000", b"345")
        assert ask(machine, "/same.txt", Range="bytes=3000-")[0] == 416
        assert ask(machine, "/same.txt", If_None_Match=told["ETag"])[::2] == (304, b"")
        assert ask(machine, "/none")[::2] == (404, b"not here")
        assert ask(machine, "/", "POST")[0] == 405
        answers.append(told["ETag"])
        front = ask(machine)[1]["ETag"]
        answers.append(front)
    assert answers[0] == answers[2]
    assert ask(machine, If_None_Match=answers[1])[2] == b"two"
    status, told, body = ask(machine, "/same.txt", Accept_Encoding="gzip")
    assert (told["Content-Encoding"], "Vary" in told, told["Via"]) == ("gzip", True, None)


def test_a_slow_download_goes_on_whole_while_the_release_changes(
    target: Behind, machine: Machine, images: Mapping[str, Image]
) -> None:
    target.publish(images["one"])
    got = hashlib.sha256()
    began, flipped = threading.Event(), threading.Event()
    sizes: list[int] = []

    def read_slowly() -> None:
        connection = http.client.HTTPConnection(machine.address, 8080, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", "/big.bin")
            answer = connection.getresponse()
            while piece := answer.read(1 << 16):
                got.update(piece)
                sizes.append(len(piece))
                began.set()
                time.sleep(0 if flipped.is_set() else 0.05)

    reader = threading.Thread(target=read_slowly)
    reader.start()
    assert began.wait(20)

    class Watched(type(target.flip)):
        def retire(self, engine, old):
            assert sum(sizes) < len(BIG) / 2
            assert ask(machine)[2] == b"two"
            flipped.set()
            super().retire(engine, old)

    flip = target.flip
    target.publish(images["two"], flip=Watched(flip.edge, flip.line, flip.behind, 30, 20))
    reader.join(60)
    assert (sum(sizes), got.digest()) == (len(BIG), hashlib.sha256(BIG).digest())
    assert states(target) == [(2, RunState.RUNNING), (1, RunState.EXITED)]
