"""Fixtures of the tests on real daemons; see machine.py for what a machine is."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from publish.engines.docker import open_engine
from publish.ssh.connection import CONFIG
from tests.engine.machine import Machine, drop_what_docker_py_left_open, need_root, start_machine, stop_machine
from tests.engine.newer import CONTAINERD, docker_root


def pytest_collection_modifyitems(items):
    """Each test here is marked, and stays with the others on one of xdist's workers, where they share a machine."""
    for item in items:
        if "tests/engine" in item.path.as_posix():
            item.add_marker(pytest.mark.engine)
            item.add_marker(pytest.mark.xdist_group("engine"))
            # docker-py forgets to close a socket that could not connect, as after a cut connection.
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """A host that publish can reach over ssh, one for the session: tests leave it as they found it."""
    machine = start_machine()
    yield machine
    stop_machine(machine)


@pytest.fixture(scope="session")
def newer_machine(tmp_path_factory) -> Iterator[Machine]:
    """As `machine`, with a newer Docker that keeps images in containerd's store."""
    need_root()  # before anything is fetched
    folder = tmp_path_factory.mktemp("newer") / "root"
    machine = start_machine(docker_root(folder), CONTAINERD)
    yield machine
    stop_machine(machine)
    shutil.rmtree(folder)


class Place(NamedTuple):
    """An engine of a machine: "docker", "containerd" or "podman", and its socket as it is seen from here."""

    machine: Machine
    engine: str
    socket: Path

    def inventory(self) -> dict[str, list]:
        return self.machine.inventory("podman" if self.engine == "podman" else "docker")


@pytest.fixture(params=["docker", "containerd", "podman"])
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
    """docker-py's forgotten sockets go with the module that left them, where they are forgiven."""
    yield
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
