"""A target of two hosts, each with an edge of its own: no reader of either loses a request, and they stay alike."""

import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from imagebake.packages import lock as locks
from tests.engine.commands import git, publish
from tests.engine.edges import edge_lock
from tests.engine.machine import Machine, configuration, start_machine, stop_machine
from tests.publish.locks import real_lock

pytestmark = pytest.mark.network

SITE = """
[site]
title = "A blog"
url = "http://pair.example:8082/"

[publish.fleet]
host = ["root@{first}", "root@{second}"]
port = 8082
edge = "caddy"
drain = 1
grace = 0
"""


@pytest.fixture
def machines(machine: Machine) -> Iterator[tuple[Machine, Machine]]:
    second = start_machine()
    try:
        yield machine, second
    finally:
        stop_machine(second)
        ours = "--filter label=org.sealpress.site"
        for command in (
            f"docker ps -aq {ours} | xargs -r docker rm -f",
            f"docker images -q {ours} | sort -u | xargs -r docker rmi -f",
            "docker network rm sealpress-edge-8082 || true",
            "docker volume ls -q --filter name=sealpress-edge-8082 | xargs -r docker volume rm",
        ):
            machine.run("sh", "-c", command)
        for file in (Path.home() / ".local/state/sealpress/records").glob("pair-example.fleet.*"):
            file.unlink()  # root has one home on all machines


def page(machine: Machine) -> str:
    with urllib.request.urlopen(f"http://{machine.address}:8082/", timeout=20) as answer:
        text = answer.read().decode()
    return next(one for one in ("First.", "Second.") if one in text)


@contextmanager
def asked(*machines: Machine) -> Iterator[list[list[str]]]:
    """What readers of each host are given in the meantime, each request on a connection of its own."""
    seen: list[list[str]] = [[] for _ in machines]
    over = threading.Event()

    def read(machine: Machine, found: list[str]) -> None:
        while not over.is_set():
            try:
                found.append(page(machine))
            except (OSError, StopIteration) as error:
                found.append(repr(error))
            time.sleep(0.01)

    threads = [threading.Thread(target=read, args=pair) for pair in zip(machines, seen, strict=True)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        over.set()
        for thread in threads:
            thread.join(30)


def test_no_reader_of_two_hosts_loses_a_request(tmp_path, machines, runtime):
    blog = tmp_path / "blog"
    (blog / "content").mkdir(parents=True)
    machines[0].target("root", config=configuration(*machines))
    first, second = (one.address for one in machines)
    (blog / "site.toml").write_text(SITE.format(first=first, second=second))
    locks.save(real_lock(), blog / "imagebake.lock")
    locks.save(edge_lock(), blog / "edge.lock")
    git(blog, "init", "-q")

    def write(text: str) -> None:
        (blog / "content/index.md").write_text(f"---\ntitle: Hello\n---\n{text}\n")
        git(blog, "add", ".")
        git(blog, "commit", "-q", "-m", text)

    write("First.")
    code, _, err = publish(blog, "fleet", "--no-sign")
    assert code == 0, err
    assert [page(one) for one in machines] == ["First.", "First."]
    write("Second.")
    with asked(*machines) as seen:
        code, _, err = publish(blog, "fleet", "--no-sign")
        assert code == 0, err
    assert publish(blog, "verify", "fleet")[0] == 0
    assert publish(blog, "stop", "fleet")[0] == 0
    for one in seen:
        assert len(one) > 50
        assert set(one) == {"First.", "Second."}, [text for text in one if text not in {"First.", "Second."}]
        assert one == sorted(one)  # never back
