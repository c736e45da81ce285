"""A release of two services with two replicas each, on real engines: Docker over ssh, and Podman."""

from collections.abc import Iterator

import pytest

from publish.deploy.deployment import Deployment
from publish.deploy.ship import ship
from publish.deploy.state_machine import Outcome, deploy
from publish.engines.protocol import Endpoint, Host, RunState
from publish.probing import probe
from publish.releases import history, prune, rollback
from publish.releases.ownership import ReleaseLine
from publish.releases.release import SITE_SERVICE, ReleaseSpec, ServiceImage, ServiceSpec, place_of
from publish.target.hosts import open_host
from sealpress import labels
from sealpress.commands.console import SILENT
from sealpress.problems import Problem
from tests.engine.machine import Machine
from tests.engine.perlsite import SealedImage, seal

READERS = (Endpoint("0.0.0.0", 8080), Endpoint("0.0.0.0", 8081))
LINE = ReleaseLine("blog", "production", READERS[0], "https://blog.example/")
SERVICES = (
    ServiceSpec(replicas=2, readers=READERS),
    ServiceSpec("comments", replicas=2, health="/healthz", environment={"GREETING": "hello"}),
)
PLACES = [(SITE_SERVICE, 1), (SITE_SERVICE, 2), ("comments", 1), ("comments", 2)]
DIES = 'print STDERR "no such table: comments\\n"; exit 7;'


@pytest.fixture(params=["docker", "podman"])
def host(request, machine: Machine) -> Iterator[Host]:
    if request.param == "podman":
        machine.start_podman()
    with open_host(machine.target("root", engine=request.param), SILENT) as opened:
        yield opened
        for container in opened.engine.containers("blog"):
            opened.engine.remove(container.id)
        prune.prune_images(opened.engine, LINE)
    assert machine.inventory(request.param) == {"images": [], "containers": [], "volumes": []}


def publish(host: Host, text: str, **comments: str) -> Outcome:
    def made_of(image: SealedImage) -> ServiceImage:
        digest = image.labels[labels.RELEASE]
        return ServiceImage(digest, lambda engine, progress: ship(engine, image, progress, LINE))

    images = {
        SITE_SERVICE: made_of(seal({"index.html": text})),
        "comments": made_of(seal({"index.html": f"comments of {text}"}, **comments)),
    }
    (outcome,) = deploy([Deployment(host, LINE, ReleaseSpec(SERVICES, images, ""), timeout=30)])
    return outcome


def read(host: Host) -> list[str]:
    """What the readers of each replica of the site get, as the host itself asks."""
    told = []
    for readers in READERS:
        with host.reach(readers) as reached:
            told.append(probe.fetch(reached, "/").body.decode())
    return told


def test_all_of_it_is_probed_flipped_taken_back_pruned_stopped_and_started_together(host):
    assert (publish(host, "one").generation, read(host)) == (1, ["one", "one"])
    assert publish(host, "one").unchanged
    assert publish(host, "two").generation == 2
    assert read(host) == ["two", "two"]
    with pytest.raises(Problem, match=r"production-3-comments-1-candidate of the new release did not become") as caught:
        publish(host, "three", server=DIES)
    assert "no such table: comments" in str(caught.value)
    assert read(host) == ["two", "two"]

    newest, older = history.status(host, LINE)
    assert [place_of(one) for one in newest.containers] == PLACES
    assert (newest.answers, newest.state, older.answers, older.state) == (True, RunState.RUNNING, None, RunState.EXITED)
    again = rollback.again(rollback.choose((newest, older), None, 3), SERVICES, LINE)
    (outcome,) = deploy([Deployment(host, LINE, again, timeout=30)])
    assert (outcome.generation, read(host)) == (3, ["one", "one"])
    assert prune.prune(host.engine, LINE, 1) == ()
    assert [len(one.containers) for one in history.read(host.engine, LINE)] == [4]
    assert len(host.engine.images("blog")) == 2
    assert len(history.stop(host.engine, LINE)) == 4
    assert history.start(host.engine, LINE).state is RunState.RUNNING
