"""Which engine of this machine is asked: the one that the user's own variable names, and no other in its place."""

import contextlib
import tempfile
from pathlib import Path

import pytest

from publish.engines import sockets
from publish.target.hosts import open_host
from sealpress.commands.console import SILENT
from sealpress.config.settings import PublishTarget
from sealpress.problems import Exit, Problem
from tests.publish.liars import Liar


@pytest.fixture
def engines(monkeypatch):
    """Two honest engines: a usual one, and another."""
    for variable in ("DOCKER_HOST", "CONTAINER_HOST"):
        monkeypatch.delenv(variable, raising=False)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sp-", dir="/tmp")))
        paths = [folder / "usual", folder / "other"]
        for path in paths:
            stack.enter_context(contextlib.closing(Liar(path)))
        # Where engines listen is no choice; those of this machine must not answer.
        monkeypatch.setattr(sockets, "_DOCKER", (str(paths[0]),))
        monkeypatch.setattr(sockets, "_PODMAN", (str(paths[0]),))
        yield paths


LOCAL = PublishTarget("local")


def test_without_a_variable_the_usual_socket_is_asked(engines, monkeypatch):
    assert sockets.local(LOCAL) == engines[0]
    monkeypatch.setenv("DOCKER_HOST", "")
    assert sockets.local(LOCAL) == engines[0]


@pytest.mark.parametrize(
    ("engine", "variable"), [("auto", "DOCKER_HOST"), ("docker", "DOCKER_HOST"), ("podman", "CONTAINER_HOST")]
)
def test_the_socket_that_the_variable_names_is_asked_alone(engines, monkeypatch, engine, variable):
    target = PublishTarget("local", engine=engine)
    monkeypatch.setenv(variable, f"unix://{engines[1]}")
    assert sockets.local(target) == engines[1]
    monkeypatch.setenv(variable, f"unix://{engines[1]}-none")
    with pytest.raises(Problem, match=f"no container engine answers at .*other-none, which {variable} names") as caught:
        sockets.local(target)
    assert caught.value.code is Exit.HOST


def test_a_socket_in_site_toml_is_meant_for_this_target(engines, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
    assert sockets.local(PublishTarget("local", socket=str(engines[1]))) == engines[1]


@pytest.mark.parametrize(
    "value", ["tcp://192.0.2.1:2375", "ssh://ada@blog.example", "npipe:////./pipe/docker", "unix://", "/run/x", "fd://"]
)
def test_what_is_no_socket_is_said_to_be_none_and_nothing_else_is_taken(engines, monkeypatch, value):
    """Neither another engine nor the embedded one: readers would not find the site where it was meant."""
    monkeypatch.setenv("DOCKER_HOST", value)
    with pytest.raises(Problem) as caught, open_host(LOCAL, SILENT):
        pass
    assert caught.value.code is Exit.HOST
    assert f'DOCKER_HOST is "{value}"' in caught.value.message
    assert "DOCKER_HOST" in caught.value.hint
