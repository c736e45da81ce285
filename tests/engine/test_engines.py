"""Real engines, Docker and Podman: what they are asked for, and what their refusals say."""

import contextlib
import re
import time
import urllib.error
import urllib.request

import pytest
from docker import APIClient

from publish.engines.docker import open_engine
from publish.engines.protocol import ContainerEngine, ContainerSpec, Endpoint, Network, Role, RunState, Volume
from publish.engines.sockets import answers
from publish.target.hosts import open_host
from sealpress import labels
from sealpress.commands.console import SILENT
from sealpress.problems import Exit, Problem
from tests.engine.perlsite import SERVER, seal
from tests.publish.deployments import ship

LOOPBACK = Endpoint("127.0.0.1", 0)


@pytest.fixture
def engine(socket):
    """The machine's engine, without ssh."""
    with contextlib.closing(open_engine(socket)) as engine:
        yield engine


@pytest.fixture
def image(engine):
    return ship(engine, seal({"index.html": "Hello"}), SILENT)


def spec(image, name="blog-1", **changes):
    settings = {"ports": {8080: LOOPBACK}, "labels": {labels.SITE: "blog", labels.ROLE: Role.SERVER}}
    return ContainerSpec(name, image.references[0], **(settings | changes))


def read(endpoint, path="/"):
    """What the site answers, as soon as it does."""
    for _ in range(100):
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            url = f"http://{endpoint.address}:{endpoint.port}{path}"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.read().decode()
        time.sleep(0.05)
    raise AssertionError("nobody answers")


def test_it_is_an_engine(engine):
    as_protocol: ContainerEngine = engine
    assert re.fullmatch(r"(Docker|Podman) [0-9]+\.[0-9]+\.[0-9]+", as_protocol.title)


def test_a_container_is_hardened_whatever_the_image_says(socket, engine, image):
    """Read back from the engine itself, not from what we asked."""
    made = engine.create(spec(image, memory=64))
    is_podman = engine.title.startswith("Podman")
    with contextlib.closing(APIClient(f"unix://{socket}", version="auto")) as client:
        found = client.inspect_container(made.id)
    limits = found["HostConfig"]
    assert limits["ReadonlyRootfs"] is True
    # Podman names each one that it dropped; that none is left, the next test sees from within.
    assert limits["CapDrop"] == ["ALL"] or (is_podman and len(limits["CapDrop"]) > 9)
    assert not limits["CapAdd"]
    assert limits["SecurityOpt"] == ["no-new-privileges"]
    assert limits["Privileged"] is False
    # Podman adds two of its own to every read-only container.
    assert set(limits["Tmpfs"]) - ({"/run", "/var/tmp"} if is_podman else set()) == {"/tmp"}
    assert {"noexec", "nosuid", "nodev"} <= set(limits["Tmpfs"]["/tmp"].split(","))
    assert limits["Memory"] == limits["MemorySwap"] == 64 << 20
    assert limits["PidsLimit"] == 256
    assert limits["LogConfig"]["Type"] == "json-file"
    if not is_podman:  # which does not tell
        assert limits["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}
    assert limits["RestartPolicy"]["Name"] == "unless-stopped"
    assert [binding["HostIp"] for binding in limits["PortBindings"]["8080/tcp"]] == ["127.0.0.1"]
    assert not limits["Binds"]
    assert found["Config"]["User"] == "101:101"


def test_the_hardening_holds_from_within(engine):
    """A server that tries to write, to become root and to count its capabilities tells what it saw."""
    probe = r"""
        open(my $status, '<', '/proc/self/status'); print grep { /^(CapEff|CapBnd|NoNewPrivs|Uid)/ } <$status>;
        for my $path ('/probe', '/etc/probe', '/tmp/probe') {
            print "$path ", (open(my $file, '>', $path) ? 'written' : 'refused'), "\n";
        }
    """
    image = ship(engine, seal({"index.html": "x"}, server=probe), SILENT)
    made = engine.create(spec(image, restart=False))
    engine.start(made.id)
    ended = ending(engine, made.id)
    assert (ended.state, ended.exit_code) == (RunState.EXITED, 0)
    lines = engine.logs(made.id, 20).split("\n")
    assert "/probe refused" in lines
    assert "/etc/probe refused" in lines
    assert "/tmp/probe written" in lines
    assert "NoNewPrivs:\t1" in lines
    assert "CapEff:\t0000000000000000" in lines
    assert "CapBnd:\t0000000000000000" in lines
    assert "Uid:\t101\t101\t101\t101" in lines


def test_a_service_has_its_environment_its_volumes_its_networks_and_several_ports(socket, engine):
    """Seen from within, and by the engine itself. What is mounted for reading can't be written, even by its owner."""
    tells = SERVER.replace(
        'print "serving\\n";',
        r"""
        print "GREETING $ENV{GREETING}\n";
        open(my $mounts, '<', '/proc/self/mounts');
        for (<$mounts>) { my @part = split; print "$part[1] ", substr($part[3], 0, 2), "\n" if $part[1] =~ m{^/data}; }
        print "serving\n";
    """,
    )
    image = ship(engine, seal({"index.html": "Hello"}, server=tells), SILENT)
    service = {
        "ports": {8080: LOOPBACK, 8081: LOOPBACK},
        "environment": {"GREETING": "hello world"},
        "volumes": (Volume("blog-data", "/data"), Volume("blog-data", "/data-to-read", is_read_only=True)),
    }
    networks = (Network("blog-front"), Network("blog-back"))
    if engine.title.startswith("Podman"):  # Debian 12's own way of networks
        with pytest.raises(Problem, match="on this Podman containers don't know each other by name"):
            engine.create(spec(image, networks=networks))
        networks = ()
    with contextlib.closing(APIClient(f"unix://{socket}", version="auto")) as client, contextlib.ExitStack() as stack:
        for one in networks:
            stack.callback(client.remove_network, one.name)
        stack.callback(client.remove_volume, "blog-data")
        for name in ("blog-1", "blog-2"):
            made = engine.create(spec(image, name, networks=networks, **service))
            stack.callback(engine.remove, made.id)
            engine.start(made.id)
            serving(engine, made.id)
            said = engine.logs(made.id, 9).splitlines()
            assert sorted(said) == ["/data rw", "/data-to-read ro", "GREETING hello world", "serving"]
            assert engine.endpoint(made.id, 8081).port not in {0, engine.endpoint(made.id, 8080).port}
            found = client.inspect_container(made.id)["NetworkSettings"]["Networks"]
            assert {*found} == ({one.name for one in networks} or {"podman"})
            for one in networks:
                assert client.inspect_network(one.name)["Labels"] == {labels.NETWORK: one.name}
            engine.remove(made.id)
        # They outlive their containers: what a service wrote is not lost with a release.
        assert "blog-data" in [one["Name"] for one in client.volumes()["Volumes"]]


def test_a_network_of_somebody_else_is_not_joined(socket, engine, image):
    with contextlib.closing(APIClient(f"unix://{socket}", version="auto")) as client, contextlib.ExitStack() as stack:
        client.create_network("blog-front")
        stack.callback(client.remove_network, "blog-front")
        with pytest.raises(Problem, match='the host has a network "blog-front" that sealpress did not make'):
            engine.create(spec(image, networks=(Network("blog-front"),)))


def ending(engine, container):
    for _ in range(200):
        found = engine.inspect(container)
        if found.state is RunState.EXITED:
            return found
        time.sleep(0.05)
    raise AssertionError("it does not end")


def serving(engine, container):
    """Until then it can't have said what a signal means to it, and as process 1 it would not notice one."""
    for _ in range(200):
        if "serving" in engine.logs(container, 5):
            return
        time.sleep(0.05)
    raise AssertionError("it does not begin")


def test_a_container_lives_from_created_to_gone(engine, image):
    made = engine.create(spec(image))
    assert (made.name, made.state, made.image) == ("blog-1", RunState.CREATED, image.references[0])
    assert made.labels[labels.ROLE] == "server"
    assert engine.endpoint(made.id, 8080) is None
    engine.start(made.id)
    assert engine.inspect(made.id).state is RunState.RUNNING
    assert engine.endpoint(made.id, 8080).port > 0
    assert engine.endpoint(made.id, 81) is None
    assert [one.name for one in engine.containers("blog")] == ["blog-1"]
    assert engine.containers("other") == ()
    serving(engine, made.id)
    engine.stop(made.id, 5)
    stopped = engine.inspect(made.id)
    assert (stopped.state, stopped.exit_code) == (RunState.EXITED, 0)
    engine.stop(made.id, 5)
    assert engine.endpoint(made.id, 8080) is None
    engine.remove(made.id)
    assert engine.inspect(made.id) is None
    engine.remove(made.id)
    engine.stop(made.id, 1)


def test_a_port_of_the_host_is_reached_as_long_as_the_host_is_open(place, engine, image):
    made = engine.create(spec(image))
    engine.start(made.id)
    with open_host(place.machine.target(), SILENT) as host, host.reach(engine.endpoint(made.id, 8080)) as near:
        assert near.address == "127.0.0.1"
        assert read(near) == "Hello"
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://{near.address}:{near.port}/", timeout=2)


def test_a_taken_name_says_by_what(engine, image):
    engine.create(spec(image))
    with pytest.raises(Problem) as caught:
        engine.create(spec(image))
    assert caught.value.message == f"the host already has a container blog-1 (created, of {image.references[0]})"
    assert caught.value.code is Exit.ENGINE


def test_a_taken_port_says_so_and_how_to_find_out(engine, image):
    first = engine.create(spec(image, ports={8080: Endpoint("127.0.0.1", 8081)}))
    engine.start(first.id)
    second = engine.create(spec(image, "blog-2", ports={8080: Endpoint("127.0.0.1", 8081)}))
    with pytest.raises(Problem) as caught:
        engine.start(second.id)
    assert "8081" in caught.value.message
    assert "\n" not in caught.value.message
    assert "`port`" in caught.value.hint


def test_an_image_in_use_is_not_removed(engine, image):
    engine.create(spec(image))
    with pytest.raises(Problem) as caught:
        engine.remove_image(image.references[0])
    assert caught.value.code is Exit.ENGINE
    assert engine.image(image.references[0]) is not None


def test_what_is_not_there_is_none_and_not_an_error(engine):
    assert engine.image("localhost/site/blog:none") is None
    assert engine.images("blog") == ()
    assert engine.inspect("none") is None
    assert engine.endpoint("none", 80) is None
    engine.remove_image("localhost/site/blog:none")


def test_a_container_of_no_image_is_refused_in_the_engines_words(engine):
    with pytest.raises(Problem, match=r"(?i)no such image: localhost/site/blog:none") as caught:
        engine.create(ContainerSpec("blog-1", "localhost/site/blog:none", {8080: LOOPBACK}))
    assert caught.value.code is Exit.ENGINE


def test_a_crashing_container_comes_back_only_if_it_should(engine):
    """A candidate that dies stays dead, with its last words."""
    image = ship(engine, seal({"index.html": "x"}, server="print STDERR qq(no config\\n); exit 3"), SILENT)
    made = engine.create(spec(image, restart=False))
    engine.start(made.id)
    assert ending(engine, made.id).exit_code == 3
    assert "no config" in engine.logs(made.id, 10)


def test_an_engine_that_is_gone_is_said_to_be(fresh_machine):
    with contextlib.closing(open_engine(fresh_machine.docker_socket)) as engine:
        fresh_machine.stop("dockerd")
        with pytest.raises(Problem) as caught:
            engine.images("blog")
    assert caught.value.code is Exit.ENGINE
    assert caught.value.message.startswith("Docker ")
    assert not answers(fresh_machine.docker_socket)


def test_no_engine_behind_a_socket_is_a_problem(tmp_path):
    with pytest.raises(Problem) as caught:
        open_engine(tmp_path / "none.sock")
    assert caught.value.code is Exit.ENGINE
    assert "\n" not in caught.value.message
