"""Two targets of one site on one real engine, and what sealpress left there before it told targets apart."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
from docker import APIClient

from publish.deploy.deployment import Deployment
from publish.deploy.ship import ship
from publish.engines.protocol import Endpoint, Host, RunState
from publish.probing import probe
from publish.releases import history, prune, rollback
from publish.releases.ownership import ReleaseLine
from publish.target.hosts import open_host
from sealpress import labels
from sealpress.commands.console import SILENT
from sealpress.problems import Problem
from tests.engine.machine import Machine
from tests.engine.perlsite import seal
from tests.publish.deployments import changed, deployment, switch
from tests.publish.deployments import ship as ship_plainly

PRODUCTION = ReleaseLine("blog", "production", Endpoint("0.0.0.0", 8080), "https://blog.example/")
STAGING = replace(PRODUCTION, target="staging", readers=Endpoint("0.0.0.0", 8081))


@pytest.fixture(params=["docker", "podman"])
def host(request, machine) -> Iterator[Host]:
    """Either engine of the session's machine; what a test made there is gone after it."""
    if request.param == "podman":
        machine.start_podman()
    target = machine.target("root", engine=request.param)
    with open_host(target, SILENT) as opened:
        yield opened
    with open_host(target, SILENT) as opened:
        for container in opened.engine.containers():
            opened.engine.remove(container.id)
        for image in opened.engine.images("blog"):
            for reference in image.references:
                opened.engine.remove_image(reference)
    assert machine.inventory(request.param) == {"images": [], "containers": [], "volumes": []}


def job(host: Host, line: ReleaseLine, text: str) -> Deployment:
    image = seal({"index.html": text})
    return deployment(
        host=host,
        line=line,
        release=image.labels[labels.RELEASE],
        commit="",
        ship=lambda engine, progress: ship(engine, image, progress, line),
        timeout=30,
    )


def read(host: Host, port: int) -> str:
    """What readers on the host itself get, "" for nothing."""
    with host.reach(Endpoint("127.0.0.1", port)) as reached:
        try:
            return probe.fetch(reached, "/").body.decode()
        except Problem:
            return ""


def test_two_targets_are_published_rolled_back_pruned_and_stopped_each_by_itself(host):
    for text in "ab":
        switch(job(host, PRODUCTION, text))
        switch(job(host, STAGING, text))
    assert (read(host, 8080), read(host, 8081)) == ("b", "b")
    back = rollback.choose(history.read(host.engine, STAGING), None, 3)
    switch(changed(job(host, STAGING, "a"), ship=rollback.ship_again(back, back.site.image, STAGING)))
    assert (read(host, 8080), read(host, 8081)) == ("b", "a")
    assert prune.prune(host.engine, PRODUCTION, 1) == ()
    assert [one.answers for one in history.status(host, PRODUCTION)] == [True]
    assert [one.answers for one in history.status(host, STAGING)] == [True, None]
    history.stop(host.engine, PRODUCTION)
    assert (read(host, 8080), read(host, 8081)) == ("", "a")
    with pytest.raises(Problem, match='port 8081 is taken by this site\'s target "staging", generation 3'):
        switch(job(host, replace(PRODUCTION, readers=STAGING.readers), "c"))
    assert read(host, 8081) == "a"


def test_a_release_of_before_is_carried_over_by_the_target_whose_readers_it_has(machine, host):
    """As sealpress made it then: without a target in labels and names."""
    for text, port in (("a", 8080), ("b", 8081)):
        old = seal({"index.html": text})
        ship_plainly(host.engine, old, SILENT)
        told = {
            **old.labels,
            labels.GENERATION: "7",
            labels.ROLE: "server",
            labels.READERS: f"0.0.0.0:{port} 128",
            "org.sealpress.port": "8080",
        }
        with contextlib.closing(raw(machine, host)) as client:
            made = client.create_container(
                old.reference,
                name=f"sealpress-blog-{port}",
                labels=told,
                ports=[(8080, "tcp")],
                host_config=client.create_host_config(port_bindings={"8080/tcp": ("0.0.0.0", port)}),
            )
            client.start(made["Id"])
    assert [(one.generation, one.state) for one in history.read(host.engine, PRODUCTION)] == [(7, RunState.RUNNING)]
    assert switch(job(host, PRODUCTION, "c")).generation == 8
    assert (read(host, 8080), read(host, 8081)) == ("c", "b")
    back = rollback.choose(history.read(host.engine, PRODUCTION), None, 3)
    switch(changed(job(host, PRODUCTION, "a"), ship=rollback.ship_again(back, back.site.image, PRODUCTION)))
    assert (read(host, 8080), read(host, 8081)) == ("a", "b")
    # The old container went, as an older one of the same release; the old name of its image with it.
    names = [name for image in host.engine.images("blog") for name in image.references]
    assert sorted("production." in name for name in names) == [False, True, True]


def raw(machine: Machine, host: Host) -> APIClient:
    socket = machine.podman_socket if host.engine.title.startswith("Podman") else machine.docker_socket
    return APIClient(f"unix://{socket}", version="auto", timeout=20)
