"""A site beside a proxy of the author's own: its labels, its network, and what `publish export` prints for it."""

import contextlib
import http.client
import shlex
from dataclasses import replace

import pytest

from publish.engines.protocol import ContainerSpec, Endpoint
from publish.probing import probe
from publish.releases import history
from publish.target import export
from publish.target.hosts import open_host
from sealpress import labels
from sealpress.commands.console import SILENT
from sealpress.problems import Exit, Problem
from tests.engine.edges import held
from tests.engine.machine import Machine
from tests.engine.perlsite import seal
from tests.engine.test_publish import LINE, Reader, job
from tests.publish.deployments import switch


@pytest.fixture
def host(machine: Machine):
    before = held(machine)
    with open_host(machine.target(), SILENT) as found:
        yield found
        for one in found.engine.containers("blog"):
            found.engine.remove(one.id)
        for image in found.engine.images("blog"):
            for reference in image.references:
                found.engine.remove_image(reference)
    assert held(machine) == before


@pytest.fixture
def proxy(machine: Machine, host):
    """A network that somebody else made; it is theirs afterwards, too."""
    machine.run("docker", "network", "create", "proxy")
    told = machine.run("docker", "network", "inspect", "--format", "{{.Id}} {{.Labels}}", "proxy")
    yield "proxy"
    assert machine.run("docker", "network", "inspect", "--format", "{{.Id}} {{.Labels}}", "proxy") == told
    for one in host.engine.containers("blog"):
        host.engine.remove(one.id)
    machine.run("docker", "network", "rm", "proxy")


def answers(reader: Reader) -> str:
    with contextlib.suppress(OSError, http.client.HTTPException):
        return reader.read()
    return ""


def test_the_site_has_the_labels_and_is_in_the_network_of_somebody_else(machine: Machine, host, proxy: str) -> None:
    told = {"traefik.http.routers.blog.rule": "Host(`blog.example`)"}
    wanted = job(host, seal({"index.html": "one"}), labels=told, joins=(proxy,))
    switch(wanted)
    assert Reader(machine.address).read() == "one"
    (server,) = host.engine.containers("blog")
    assert server.labels.items() >= told.items()
    form = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}"
    assert machine.run("docker", "inspect", "--format", form, server.id).split() == [proxy]
    assert switch(wanted).unchanged


def test_a_network_that_is_not_there_is_told_before_anything_changes(machine: Machine, host) -> None:
    switch(job(host, seal({"index.html": "one"})))
    before = held(machine)
    with pytest.raises(Problem) as caught:
        switch(job(host, seal({"index.html": "two"}), joins=("nowhere",)))
    assert caught.value.code is Exit.ENGINE
    assert str(caught.value) == (
        'the host has no network "nowhere"\n'
        "hint: make it there: docker network create nowhere; or take it out of `networks` in site.toml"
    )
    assert held(machine) == before
    assert Reader(machine.address).read() == "one"


def test_the_service_that_is_exported_runs_what_publish_ran_and_is_none_of_its_own(machine: Machine, host) -> None:
    """The command of the unit, run by hand; a publish afterwards says whose the port is."""
    switch(job(host, seal({"index.html": "one"})))
    (published,) = history.read(host.engine, LINE)
    history.stop(host.engine, LINE)
    spec = ContainerSpec("by-hand", published.site.image, {8080: Endpoint("", 8080)}, {"proxy.rule": 'a "b" $c'})
    unit = export.systemd(spec, "docker").splitlines()
    (line,) = [line for line in unit if line.startswith("ExecStart=")]
    command = [word.replace("$$", "$") for word in shlex.split(line.partition("=")[2])]
    machine.run(command[0], command[1], "--detach", *command[2:])
    try:
        reader = Reader(machine.address)
        wrong = probe.wait(lambda: None if answers(reader) == "one" else "not yet", 20)
        assert not wrong
        told = machine.run("docker", "inspect", "--format", '{{index .Config.Labels "proxy.rule"}}', "by-hand")
        assert told == 'a "b" $c\n'
        assert [one.generation for one in history.read(host.engine, LINE)] == [1]
        with pytest.raises(Problem, match="something answers there that is no release of this target"):
            switch(job(host, seal({"index.html": "two"}), replace(LINE)))
        assert reader.read() == "one"
    finally:
        machine.run("docker", "rm", "--force", "by-hand")
    assert labels.TARGET not in spec.labels
