"""Fixtures of the tests on real daemons; see machine.py for what a machine is."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.machine import Machine, drop_what_docker_py_left_open, start_machine, stop_machine


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


@pytest.fixture(autouse=True, scope="module")
def forgiven() -> Iterator[None]:
    """docker-py's forgotten sockets go with the module that left them, where they are forgiven."""
    yield
    drop_what_docker_py_left_open()


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
