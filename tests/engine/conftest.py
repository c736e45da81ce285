"""Fixtures of the tests on real daemons; see machine.py for what a machine is."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from publish.engines.docker import open_engine
from publish.ssh.connection import CONFIG
from tests.engine import newer
from tests.engine.edges import let_go
from tests.engine.machine import Machine, drop_what_docker_py_left_open, need_root, start_machine, stop_machine
from tests.engine.newer import CONTAINERD, docker_root, podman_helpers

ENGINES = ("docker", "containerd", "podman")
BESIDES = ("test_edge_certificates.py", "test_edge_grace.py", "test_edge_tls.py")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks at the marks, also where this folder alone is asked for
def pytest_collection_modifyitems(items):
    """Each test here is marked, and goes in one of two rows that take about as long, each on one of xdist's workers
    with a machine of its own: what is done by each engine in turn, with some rooms besides, and what is done to a host.
    A third row would leave no worker for what keeps a processor busy.
    """
    for item in items:
        if "tests/engine" in item.path.as_posix():
            item.add_marker(pytest.mark.engine)
            is_first = is_of_each(item) or item.path.name in BESIDES
            item.add_marker(pytest.mark.xdist_group("each engine" if is_first else "a host"))
            # docker-py forgets to close a socket that could not connect, as after a cut connection.
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))


def is_of_each(item: pytest.Item) -> bool:
    """Whether a test is made once for each engine, or is of the newer one, which a machine takes long to have."""
    given = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return "newer_machine" in item.fixturenames or any(one in ENGINES for one in given if isinstance(one, str))


@pytest.fixture(scope="session")
def machine(tmp_path_factory) -> Iterator[Machine]:
    """A host that publish can reach over ssh, one for the session: tests leave it as they found it."""
    match os.environ.get("SEALPRESS_ENGINE", "docker"):
        case "containerd":
            machine = start_machine(docker_root(tmp_path_factory.mktemp("newer") / "root"), CONTAINERD)
        case "podman":
            machine = start_machine()
            machine.start_podman(named=podman_helpers(tmp_path_factory.mktemp("helpers") / "root"))
            _podman_alone(machine)
            machine.engine = "podman"
        case _:
            machine = start_machine()
    yield machine
    stop_machine(machine)


def _podman_alone(machine: Machine) -> None:
    machine.stop("dockerd")
    machine.run("rm", "-f", "/run/docker.sock")
    machine.run("iptables", "-P", "FORWARD", "ACCEPT")  # what dockerd has changed


@pytest.fixture(scope="session")
def newer_machine(tmp_path_factory) -> Iterator[Machine]:
    """As `machine`, with a newer Docker that keeps images in containerd's store."""
    need_root()  # before anything is fetched
    folder = tmp_path_factory.mktemp("newer") / "root"
    machine = start_machine(docker_root(folder), CONTAINERD)
    yield machine
    stop_machine(machine)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def podman_machine() -> Iterator[Machine]:
    """A second host, which has Podman alone."""
    machine = start_machine()
    try:
        machine.start_podman()
        _podman_alone(machine)
        yield machine
    finally:
        stop_machine(machine)


class Place(NamedTuple):
    """An engine of a machine: "docker", "containerd" or "podman", and its socket as it is seen from here."""

    machine: Machine
    engine: str
    socket: Path

    def inventory(self) -> dict[str, list]:
        return self.machine.inventory("podman" if self.engine == "podman" else "docker")


@pytest.fixture(params=ENGINES)
def place(request) -> Iterator[Place]:
    """Each engine in turn; what a test made there for the site "blog" is gone after it."""
    found = place_of(request, request.param)
    yield found
    with contextlib.closing(open_engine(found.socket)) as engine:
        for container in engine.containers("blog"):
            engine.remove(container.id)
        for image in engine.images("blog"):
            for reference in image.references:
                engine.remove_image(reference)
    assert found.inventory() == {"images": [], "containers": [], "volumes": []}


def place_of(request: pytest.FixtureRequest, name: str) -> Place:
    machine: Machine = request.getfixturevalue("newer_machine" if name == "containerd" else "machine")
    if name == "podman":
        machine.start_podman()
    return Place(machine, name, machine.podman_socket if name == "podman" else machine.docker_socket)


@pytest.fixture
def socket(place: Place) -> Path:
    return place.socket


@pytest.fixture(autouse=True, scope="module")
def forgiven() -> Iterator[None]:
    """docker-py's forgotten sockets go with the module that left them, where they are forgiven; and what it kept."""
    yield
    let_go()
    drop_what_docker_py_left_open()


@pytest.fixture(autouse=True)
def own_ssh_config(monkeypatch) -> None:
    """What Machine.target writes into the environment goes with the test."""
    monkeypatch.setenv(CONFIG, "")


@pytest.fixture
def fresh_machine() -> Iterator[Machine]:
    """The same, for a test that wants an engine without anything in it, or does harm."""
    machine = start_machine()
    yield machine
    stop_machine(machine)


@pytest.fixture
def runtime(monkeypatch) -> Iterator[Path]:
    """Where connections keep their sockets in this test; short enough for one, as pytest's own folders are not."""
    with tempfile.TemporaryDirectory(prefix="sp-", dir="/tmp") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield Path(folder)


@pytest.fixture(scope="session")
def newer_curl(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    return newer.curl(tmp_path_factory.mktemp("newer") / "curl")
