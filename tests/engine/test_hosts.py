"""One target on two real hosts, Docker on one and Podman on the other, each behind its own sshd: what fails on one."""

import contextlib
import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import pytest

from publish.deploy.deployment import Deployment
from publish.deploy.flip import Replace
from publish.deploy.ship import ship
from publish.deploy.state_machine import Outcome, deploy
from publish.engines.protocol import ContainerSpec, Endpoint, Host
from publish.releases import history, prune
from publish.releases.ownership import ReleaseLine
from publish.target.hosts import open_host
from sealpress import labels
from sealpress.commands.console import SILENT
from sealpress.problems import Exit, Problem
from tests.engine.machine import Machine, configuration
from tests.engine.perlsite import SERVER, SealedImage, heavier, seal
from tests.publish.deployments import deployment

LINE = ReleaseLine("blog", "production", Endpoint("0.0.0.0", 8080), "https://blog.example/")
CANDIDATE = "sealpress-blog.production-2-candidate"


@dataclass
class Hosts:
    """The two machines and their hosts, opened as the target's: the first has Docker, the second Podman."""

    machines: tuple[Machine, Machine]
    opened: list[Host]

    def publish(self, *images: SealedImage, **changes) -> tuple[Outcome, ...]:
        """An image for each host, or one for both; `changes` are of the second's deployment."""
        first, second = (self.job(host, image) for host, image in zip(self.opened, images * 2, strict=False))
        return deploy([first, replace(second, **changes)])

    def job(self, host: Host, image: SealedImage) -> Deployment:
        def bring(engine, progress):
            return ship(engine, image, progress, LINE)

        return deployment(host, LINE, image.labels[labels.RELEASE], bring, timeout=30)

    def read(self) -> list[str]:
        """The front page of each, "" for none."""
        pages = []
        for machine in self.machines:
            connection = http.client.HTTPConnection(machine.address, 8080, timeout=5)
            try:
                connection.request("GET", "/")
                pages.append(connection.getresponse().read().decode())
            except (OSError, http.client.HTTPException):
                pages.append("")
            finally:
                connection.close()
        return pages

    @contextmanager
    def asked(self) -> Iterator[set[tuple[str, ...]]]:
        """What readers of both get, again and again, as long as the context lasts."""
        seen: set[tuple[str, ...]] = set()
        over = threading.Event()

        def ask() -> None:
            while not over.is_set():
                seen.add(tuple(self.read()))

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield seen
        finally:
            over.set()
            thread.join()

    def inventories(self) -> list[dict[str, list]]:
        docker, podman = self.machines
        return [docker.inventory(), podman.inventory("podman")]


@contextmanager
def connected(*machines: Machine, **changes) -> Iterator[list[Host]]:
    with ExitStack() as stack:
        lines = configuration(*machines)
        targets = [one.target("root", config=lines, **changes) for one in machines]
        yield [stack.enter_context(open_host(one, SILENT)) for one in targets]


@pytest.fixture
def hosts(machine, podman_machine) -> Iterator[Hosts]:
    """Both serve "one" already; what a test made there is gone after it."""
    machines = (machine, podman_machine)
    with connected(*machines) as opened:
        found = Hosts(machines, opened)
        assert [host.engine.title.partition(" ")[0] for host in opened] == ["Docker", "Podman"]
        found.publish(seal({"index.html": "one"}))
        assert found.read() == ["one", "one"]
        yield found
    with connected(*machines) as opened:
        for host in opened:
            for container in host.engine.containers():
                host.engine.remove(container.id)
            prune.prune_images(host.engine, LINE)
            for image in host.engine.images("blog"):
                for reference in image.references:
                    host.engine.remove_image(reference)


def test_two_engines_get_one_release_and_one_generation(hosts):
    assert [(one.generation, one.unchanged) for one in hosts.publish(seal({"index.html": "two"}))] == [(2, False)] * 2
    assert hosts.read() == ["two", "two"]
    assert [one.unchanged for one in hosts.publish(seal({"index.html": "two"}))] == [True, True]


def foreign(hosts: Hosts) -> None:
    """The name of the container to be is taken on the second host: its `create` fails."""
    engine = hosts.opened[1].engine
    image = history.read(engine, LINE)[0].site.image
    engine.create(ContainerSpec(CANDIDATE, image, {}, {labels.SITE: "another"}, restart=False))


def cut(hosts: Hosts) -> None:
    hosts.machines[1].cut_connections()


class Refusing(Replace):
    """The second host's `flip` fails: readers' port is taken at the worst moment. `seen`: what readers got before."""

    def __init__(self, hosts: Hosts) -> None:
        self.machine, self.hosts = hosts.machines[1], hosts

    def forward(self, engine, old, new):
        self.seen = self.hosts.read()
        made = tuple(map(engine.create, new))
        for one in old:
            engine.stop(one.id, 1)
        with self.taken():
            for one in made:
                engine.start(one.id)
        return made

    @contextmanager
    def taken(self) -> Iterator[None]:
        script = "use Socket; socket(S, PF_INET, SOCK_STREAM, 6); setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1);"
        script += " bind(S, sockaddr_in(8080, INADDR_ANY)) or die; listen(S, 1); $| = 1; print 1; sleep 100"
        with self.machine.started("perl", "-e", script) as process:
            assert process.stdout.read(1) == b"1"
            yield


DIES = 'print STDERR "no such file\\n"; exit 7;'
# Serves as a candidate, whose port is any; as a server it ends once it was asked for its release.
WITHOUT = SERVER.replace("'/site$path'", "'/none$path'").replace('"/site$path"', '"/none$path"')


@pytest.mark.parametrize(
    ("prepare", "server", "said", "code"),
    [
        (foreign, SERVER, f"the host already has a container {CANDIDATE}", Exit.ENGINE),
        (lambda _hosts: None, DIES, "the new release did not become healthy: it ended with code 7", Exit.RELEASE),
        (lambda _hosts: None, WITHOUT, "did not become healthy in 2 s", Exit.RELEASE),
        (cut, SERVER, "was cut", Exit.HOST),
    ],
    ids=["create", "start", "probe", "look"],
)
def test_what_fails_on_one_host_while_it_is_staged_is_seen_by_no_reader_of_any(hosts, prepare, server, said, code):
    prepare(hosts)
    before = hosts.inventories()
    bad = seal({"index.html": "two"}, server=server)
    with hosts.asked() as seen, pytest.raises(Problem) as caught:
        hosts.publish(seal({"index.html": "two"}), bad, timeout=2)
    assert said in str(caught.value.each[0])
    assert caught.value.each[0].code is code
    assert hosts.opened[1].title in str(caught.value.each[0])
    assert seen == {("one", "one")}
    assert hosts.inventories() == before


def test_a_connection_that_is_cut_in_mid_load_changes_nothing_on_either(hosts):
    def spoil(archive):
        for number, piece in enumerate(archive):
            if number == 20:
                hosts.machines[1].cut_connections()
            yield piece

    image = heavier(seal({"index.html": "two"}), 20)
    before = hosts.inventories()
    with hosts.asked() as seen, pytest.raises(Problem) as caught:
        hosts.publish(image, replace(image, spoil=spoil))
    assert caught.value.each[0].code is Exit.HOST
    assert seen == {("one", "one")}
    assert hosts.inventories()[0] == before[0]
    with connected(*hosts.machines) as opened:
        Hosts(hosts.machines, opened).publish(seal({"index.html": "three"}))
    assert hosts.read() == ["three", "three"]


def test_a_flip_that_fails_on_the_second_puts_the_first_back(hosts):
    flip = Refusing(hosts)
    with hosts.asked() as seen, pytest.raises(Problem, match="address already in use"):
        hosts.publish(seal({"index.html": "two"}), flip=flip)
    assert flip.seen == ["two", "one"]
    assert hosts.read() == ["one", "one"]
    assert {page for _, page in seen} <= {"one", ""}
    for host in hosts.opened:
        assert [one.generation for one in history.read(host.engine, LINE)] == [1]


def test_a_host_that_the_network_swallows_in_mid_load_ends_the_publish_and_changes_nothing(
    machine, podman_machine, hosts
):
    """No end of the connection is heard of: packets are dropped, both ways."""

    def rule(action: str) -> None:
        for chain, way in (("INPUT", "-i"), ("OUTPUT", "-o")):
            podman_machine.run("iptables", action, chain, way, "eth0", "-j", "DROP")

    swallowed: list[Callable[[], None]] = []

    def spoil(archive):
        for number, piece in enumerate(archive):
            if number == 20:
                rule("-I")
                swallowed.append(lambda: rule("-D"))
            yield piece

    image = heavier(seal({"index.html": "two"}), 40)
    options = ("ServerAliveInterval=1", "ServerAliveCountMax=2")
    try:
        with connected(*hosts.machines, ssh_options=options) as opened, pytest.raises(Problem) as caught:
            Hosts(hosts.machines, opened).publish(image, replace(image, spoil=spoil))
    finally:
        for back in swallowed:
            back()
    assert caught.value.each[0].code is Exit.HOST
    assert podman_machine.address in str(caught.value)
    assert hosts.read() == ["one", "one"]
    with contextlib.suppress(Problem):  # the old connection ends some time
        hosts.opened[1].engine.containers()
    until = time.monotonic() + 150  # the host frees the lock after 120 s of silence, or once it hears of the end
    with connected(*hosts.machines) as opened:
        while hosts.read() == ["one", "one"]:
            try:
                Hosts(hosts.machines, opened).publish(seal({"index.html": "three"}))
            except Problem as problem:
                if "the lock frees itself" not in problem.hint or time.monotonic() > until:
                    raise
                time.sleep(0.5)
    assert hosts.read() == ["three", "three"]


def test_a_canary_that_answers_no_more_is_put_back_and_the_other_never_had_it(machine, hosts):
    image = seal({"index.html": "two"})
    first, second = (hosts.job(host, image) for host in hosts.opened)
    served: list[list[str]] = []

    def look(event) -> None:
        if str(event.step) == "verify":
            served.append(hosts.read())
            machine.run("docker", "kill", "--signal", "STOP", "sealpress-blog.production-2")

    with hosts.asked() as seen, pytest.raises(Problem, match="the new release answered, and then no more"):
        deploy([replace(first, watch=30, record=look), second])
    assert hosts.read() == ["one", "one"]
    assert served == [["two", "one"]]
    assert {page for _, page in seen} == {"one"}


def test_of_two_publishes_at_once_one_has_all_hosts_and_the_other_says_who_has_them(hosts):
    image = seal({"index.html": "two"})
    with connected(*hosts.machines) as opened:
        first, second = (hosts.job(host, image) for host in reversed(opened))
        told: list[Problem] = []

        def meanwhile(event) -> None:
            if str(event.step) == "load":
                with pytest.raises(Problem) as caught:
                    hosts.publish(seal({"index.html": "three"}))
                told.append(caught.value)

        deploy([replace(first, record=meanwhile), second])
    assert hosts.read() == ["two", "two"]
    (problem,) = told
    assert problem.code is Exit.HOST
    assert "is being published to" in problem.message
    assert "since 2" in problem.message
