"""Each runner of a sealed image, with an engine and without: the same answers, and an end when it is told to end."""

import http.client
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from imagebake.image.oci import Runtime
from imagebake.nginx import runners
from imagebake.nginx.runners import Bubblewrap, DynamicLoader, Runner
from imagebake.recipes import site
from sealpress.tree import tree
from tests.engine.containers import EngineRunner
from tests.imagebake.conftest import CREATED, HERE, PAGES, SETTINGS, write_tree
from tests.needs import unavailable
from tests.ports import free_port
from tests.publish.locks import real_lock

pytestmark = pytest.mark.network


@dataclass(frozen=True)
class Stage:
    """A runner, and where what it runs listens: on this machine, or on one of ours."""

    runner: Runner
    listen: str
    reach: str


@pytest.fixture(scope="module")
def rootfs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runners")
    scanned = tree.scan(write_tree(folder / "tree"))
    (image,) = site.bake(scanned, real_lock(), SETTINGS, [HERE], CREATED, name="blog")
    runners.unpack(image.layers, folder / "rootfs")
    return folder / "rootfs"


@pytest.fixture(params=["docker", "podman", "bubblewrap", "ld.so"])
def stage(request, monkeypatch, rootfs) -> Iterator[Stage]:
    if request.param in {"bubblewrap", "ld.so"}:
        runner = {"bubblewrap": Bubblewrap(), "ld.so": DynamicLoader()}[request.param]
        if runner not in runners.available():
            unavailable(f"{request.param} can't run here")
        yield Stage(runner, "127.0.0.1", "127.0.0.1")
        return
    machine = request.getfixturevalue("machine")
    if not shutil.which(request.param):
        unavailable(f"needs the command {request.param}")
    if request.param == "podman":
        machine.start_podman()
    monkeypatch.setenv("DOCKER_HOST", f"unix://{machine.docker_socket}")
    monkeypatch.setenv("CONTAINER_HOST", f"unix://{machine.podman_socket}")
    engine = EngineRunner(request.param)
    yield Stage(engine, "0.0.0.0", machine.address)
    engine.forget(rootfs)
    assert machine.inventory(request.param) == {"images": [], "containers": [], "volumes": []}


def get(stage: Stage, port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(stage.reach, port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_it_serves_the_site_until_it_is_told_to_end(stage, rootfs, tmp_path):
    port = free_port()
    command = stage.runner.command(rootfs, port, stage.listen, tmp_path)
    with (tmp_path / "log").open("w+b") as log:
        process = subprocess.Popen(["timeout", "60", *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            until = time.monotonic() + 20
            while time.monotonic() < until and process.poll() is None:
                with socket.socket() as probe:
                    if probe.connect_ex((stage.reach, port)) == 0:
                        break
                time.sleep(0.02)
            assert process.poll() is None, (tmp_path / "log").read_text()
            assert get(stage, port, "/posts/cats/") == (200, PAGES["posts/cats/index.html"])
            assert get(stage, port, "/nowhere") == (404, PAGES["404.html"])
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    # The kernel ends what is left of a namespace when its first process is gone, and that takes a moment.
    until = time.monotonic() + 20
    while is_open(stage, port) and time.monotonic() < until:
        time.sleep(0.02)
    assert not is_open(stage, port)


def is_open(stage, port):
    with socket.socket() as probe:
        return probe.connect_ex((stage.reach, port)) == 0


def test_it_runs_any_program_of_an_image(stage, rootfs):
    """The image's own nginx, asked for its version."""
    asked = Runtime(("/usr/sbin/nginx",), "101:101", None, "SIGTERM", environment=("LANG=C",))
    command = stage.runner.program(rootfs, asked, ("-v",))
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.startswith("nginx version: nginx/")) == (0, True), done.stderr
