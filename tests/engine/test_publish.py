"""Whole publishes onto a real dockerd, through a real sshd, with readers at the site all the while."""

import http.client
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from publish.deploy.deployment import Deployment
from publish.deploy.flip import Replace
from publish.deploy.journal import DeployStep, Event
from publish.deploy.ship import ship
from publish.engines.protocol import Endpoint, RunState
from publish.engines.sockets import answers
from publish.probing import probe
from publish.releases import history, prune, rollback
from publish.releases.ownership import ReleaseLine
from publish.target.hosts import open_host
from sealpress import labels
from sealpress.commands.console import SILENT
from sealpress.problems import Exit, Problem
from tests.engine.machine import drop_what_docker_py_left_open
from tests.engine.perlsite import SERVER, seal
from tests.publish.deployments import changed, deployment, switch

SITE = "blog"
LINE = ReleaseLine(SITE, "production", Endpoint("0.0.0.0", 8080), "https://blog.example/")
DIES = 'print STDERR "no such file: nginx.conf\\n"; exit 7;'
HANGS = "sleep 1000;"
OTHER = SERVER.replace("$body = <$file>;", "$body = <$file>; $body =~ s/^sha256:./sha256:x/;")


def job(host, image, line=LINE, **changes) -> Deployment:
    made = deployment(
        host=host,
        line=line,
        release=image.labels[labels.RELEASE],
        commit="",
        ship=lambda engine, progress: ship(engine, image, progress, line),
        expectations=(probe.Expectation("/"),),
        timeout=30,
    )
    return changed(made, **changes)


@dataclass
class Reader:
    """Asks for the front page again and again, on a new connection each time, as it is said to be the hardest."""

    address: str
    pages: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def read(self) -> str:
        connection = http.client.HTTPConnection(self.address, 8080, timeout=5)
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            return answer.read().decode() if answer.status == 200 else f"status {answer.status}"
        finally:
            connection.close()

    @contextmanager
    def at_it(self):
        stop = threading.Event()

        def keep_reading() -> None:
            while not stop.is_set():
                try:
                    self.pages.append(self.read())
                except (OSError, http.client.HTTPException) as error:
                    self.failures.append(repr(error))
                stop.wait(0.005)

        thread = threading.Thread(target=keep_reading)
        thread.start()
        try:
            yield self
        finally:
            stop.set()
            thread.join()


@pytest.fixture
def host(machine):
    """The session's machine, left without anything of the site."""
    with open_host(machine.target(), SILENT) as opened:
        yield opened
    with open_host(machine.target(), SILENT) as opened:
        for container in opened.engine.containers(SITE):
            opened.engine.remove(container.id)
        prune.prune_images(opened.engine, LINE)


@pytest.fixture
def reader(machine):
    return Reader(machine.address)


def generations(host) -> list[tuple[int, RunState]]:
    return [(one.generation, one.state) for one in history.read(host.engine, LINE)]


def test_publish_edit_broken_edit_rollback_and_prune(machine, host, reader):
    stranger = machine.inventory()
    first, second = seal({"index.html": "one"}), seal({"index.html": "two"})
    outcome = switch(job(host, first))
    assert (outcome.generation, reader.read()) == (1, "one")
    assert switch(job(host, first)).unchanged

    with reader.at_it():
        switch(job(host, second))
    assert reader.read() == "two"
    # What readers got was one whole release or the other, with a gap between that isn't long.
    assert set(reader.pages) <= {"one", "two"}
    assert reader.pages == sorted(reader.pages)

    with Reader(machine.address).at_it() as through_it_all:
        for server, said in (
            (DIES, "it ended with code 7\n  | no such file: nginx.conf"),
            (HANGS, "in 2 s: GET /.well-known/release: "),
            (OTHER, 'in 2 s: GET /.well-known/release: answered "sha256:x'),
        ):
            with pytest.raises(Problem) as caught:
                switch(job(host, seal({"index.html": "three"}, server=server), timeout=2))
            assert caught.value.code is Exit.RELEASE
            assert f"the new release did not become healthy: {said}".replace(": in", " in") in str(caught.value)
            assert generations(host) == [(2, RunState.RUNNING), (1, RunState.EXITED)]
            assert len(host.engine.images(SITE)) == 2
    assert through_it_all.failures == []
    assert set(through_it_all.pages) == {"two"}
    assert len(through_it_all.pages) > 50

    back = rollback.choose(history.read(host.engine, LINE), None, 3)
    switch(job(host, first, ship=rollback.ship_again(back, back.site.image, LINE)))
    assert reader.read() == "one"
    assert generations(host) == [(3, RunState.RUNNING), (2, RunState.EXITED)]
    assert [one.answers for one in history.status(host, LINE)] == [True, None]

    for number in range(3):
        switch(job(host, seal({"index.html": str(number)})))
    assert generations(host) == [(6, RunState.RUNNING), (5, RunState.EXITED), (4, RunState.EXITED)]
    assert len(host.engine.images(SITE)) == 3
    assert prune.prune(host.engine, LINE, 1) == ()
    assert generations(host) == [(6, RunState.RUNNING)]
    assert len(host.engine.images(SITE)) == 1
    assert reader.read() == "2"

    host.engine.remove(history.read(host.engine, LINE)[0].site.id)
    assert prune.prune_images(host.engine, LINE) == ()
    assert machine.inventory() == stranger


def test_prune_touches_nothing_without_our_labels(machine, host):
    """Not even what is made from our image, or looks like ours by its name."""
    switch(job(host, seal({"index.html": "0"})))
    ours = history.read(host.engine, LINE)[0]
    machine.run("docker", "tag", ours.site.image, "mine:1")
    machine.run("docker", "create", "--name", "sealpress-blog-900", "--label", "org.sealpress.site=", "mine:1")
    for number in range(1, 5):
        switch(job(host, seal({"index.html": str(number)})))
    names = machine.run("docker", "ps", "--all", "--format", "{{.Names}}").split()
    images = machine.run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").split()
    machine.run("docker", "rm", "sealpress-blog-900")
    machine.run("docker", "rmi", "mine:1")
    assert sorted(names) == ["sealpress-blog-900", *(f"sealpress-blog.production-{number}" for number in (3, 4, 5))]
    assert "mine:1" in images
    assert ours.site.image not in images


class DiesBetween(Replace):
    """The publish is killed after the old server was stopped: nothing is put right any more."""

    def forward(self, engine, old, new):
        for wanted in new:
            engine.create(wanted)
        for container in old:
            engine.stop(container.id, 1)
        raise SystemExit


def test_a_publish_that_was_killed_in_its_gap_is_put_right_by_the_next(host, reader):
    switch(job(host, seal({"index.html": "one"})))
    with pytest.raises(SystemExit):
        switch(job(host, seal({"index.html": "two"}), flip=DiesBetween()))
    with pytest.raises(OSError):
        reader.read()
    with pytest.raises(Problem, match="did not become healthy"):
        switch(job(host, seal({"index.html": "three"}, server=DIES)))
    # The broken one did not come; but the old one is back.
    assert reader.read() == "one"
    switch(job(host, seal({"index.html": "two"})))
    assert reader.read() == "two"
    assert [one.name for one in host.engine.containers(SITE)] == [
        "sealpress-blog.production-1",
        "sealpress-blog.production-2",
    ]


def test_a_readers_port_that_is_taken_leaves_the_old_site_as_it_was(machine, host, reader):
    switch(job(host, seal({"index.html": "one"})))
    events: list[Event] = []
    # sshd has it.
    elsewhere = replace(LINE, readers=Endpoint("0.0.0.0", 22), knows=lambda _commit: True)
    with pytest.raises(Problem) as caught:
        switch(job(host, seal({"index.html": "two"}), elsewhere, record=events.append))
    assert caught.value.code is Exit.ROLLED_BACK
    assert "address already in use" in caught.value.message
    assert caught.value.hint
    assert [event.step for event in events if event.outcome == "failed"] == [DeployStep.FLIP]
    assert events[-2].step is DeployStep.RESTORE
    assert reader.read() == "one"
    assert generations(host) == [(1, RunState.RUNNING)]
    assert len(host.engine.images(SITE)) == 1


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # docker-py forgets a socket that did not connect
def test_a_connection_that_is_cut_in_the_gap_says_that_the_site_may_be_down(machine, reader, host):
    class Cut(Replace):
        def forward(self, engine, old, new):
            servers = [engine.create(wanted) for wanted in new]
            for container in old:
                engine.stop(container.id, 1)
            machine.cut_connections()
            for server in servers:
                engine.start(server.id)
            return tuple(servers)

    switch(job(host, seal({"index.html": "one"})))
    with pytest.raises(Problem) as caught, open_host(machine.target(), SILENT) as doomed:
        switch(job(doomed, seal({"index.html": "two"}), flip=Cut()))
    assert caught.value.each[0].code is Exit.NEEDS_HAND
    assert "the old release could not be put back" in str(caught.value)
    assert "publish rollback production --to 1" in str(caught.value)
    with open_host(machine.target(), SILENT) as again:
        switch(job(again, seal({"index.html": "two"})))
    assert reader.read() == "two"
    del caught
    drop_what_docker_py_left_open()


def restart_engine(machine) -> None:
    """As a reboot does: dockerd ends, with all its containers, and starts again."""
    command = next(line for line in machine.processes().values() if line.startswith("dockerd "))
    script = f"""
        kill $(cat /run/docker.pid)
        while [ -e /run/docker.pid ]; do sleep 0.05; done
        setsid {command} >>{machine.folder}/dockerd.log 2>&1 </dev/null &
    """
    machine.run("sh", "-c", script)
    assert probe.wait(lambda: None if answers(machine.docker_socket, 5) else "silent", 20) is None, machine.logs()


def test_the_current_release_and_no_other_comes_back_with_the_daemon(fresh_machine):
    reader = Reader(fresh_machine.address)
    with open_host(fresh_machine.target(), SILENT) as host:
        for text in ("one", "two", "three"):
            switch(job(host, seal({"index.html": text})))
    restart_engine(fresh_machine)
    with open_host(fresh_machine.target(), SILENT) as host:
        until = time.monotonic() + 20
        while generations(host)[0][1] is not RunState.RUNNING and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(1)
        assert generations(host) == [
            (3, RunState.RUNNING),
            (2, RunState.EXITED),
            (1, RunState.EXITED),
        ]
    assert reader.read() == "three"
