"""What a host holds that a sealpress published to which knew of one container alone: it is this site's still."""

import json
from dataclasses import replace

import pytest

from publish.engines.protocol import Container, ContainerSpec, Endpoint, Role, RunState
from publish.releases import history, prune, rollback
from publish.releases.release import place_of
from sealpress import labels
from sealpress.problems import Problem
from tests.ports import free_port
from tests.publish.deployments import changed, switch
from tests.publish.worlds import LINE, SITE, World


def made_before(world: World, release: str, generation: int, role: Role = Role.SERVER, *, runs: bool) -> Container:
    """With the names and labels that it was given then, and no others."""
    reference = f"localhost/site/{SITE}:production.{release}"
    if world.engine.image(reference) is None:
        world.engine.load([f"image-{release}\n{reference}\n{SITE}\nsha256:{release}".encode()])
    told = {
        "org.sealpress.site": SITE,
        "org.sealpress.target": "production",
        "org.sealpress.url": "https://blog.example.org/",
        "org.sealpress.readers": "0.0.0.0:80 128",
        "org.sealpress.release": f"sha256:{release}",
        "org.sealpress.commit": f"commit-of-{release}",
        "org.sealpress.port": "8080",
        "org.sealpress.generation": str(generation),
        "org.sealpress.role": str(role),
        "org.sealpress.published": "2026-11-19T02:12:54Z",
        "org.sealpress.subject": f"Write {release}",
    }
    is_server = role is Role.SERVER
    name = f"sealpress-{SITE}.production-{generation}" + ("" if is_server else "-candidate")
    at = Endpoint("0.0.0.0", 80) if is_server else Endpoint("127.0.0.1", 0)
    made = world.engine.create(ContainerSpec(name, reference, {8080: at}, told))
    world.engine.start(made.id)
    if not runs:
        world.engine.stop(made.id, 1)
    return world.engine.inspect(made.id)


@pytest.fixture
def world() -> World:
    made = World()
    made_before(made, "a", 1, runs=False)
    made_before(made, "b", 2, runs=True)
    assert made.answers() == "b"
    return made


def test_its_releases_are_found(world):
    newest, older = history.status(world.host, LINE, world.host.fetch)
    assert (newest.generation, newest.release, newest.commit, newest.answers) == (2, "sha256:b", "commit-of-b", True)
    assert [place_of(one) for one in newest.containers] == [("site", 1)]
    assert newest.as_data()["subject"] == "Write b"
    assert newest.as_data()["published"] == "2026-11-19T02:12:54Z"
    assert (older.generation, older.state, older.answers) == (1, RunState.EXITED, None)


def test_the_same_release_runs_already(world):
    assert world.publish("b").unchanged
    assert world.history() == [(2, "b", RunState.RUNNING), (1, "a", RunState.EXITED)]


def test_its_server_gives_way_to_an_edit_and_comes_back_when_that_fails(world):
    with pytest.raises(Problem, match="did not become healthy"):
        world.publish("c", "dies")
    with pytest.raises(Problem, match="does not answer on the readers' port 80"):
        world.publish("c", "dies as server")
    assert world.answers() == "b"
    assert world.publish("c").generation == 3
    assert world.answers() == "c"
    assert world.history() == [(3, "c", RunState.RUNNING), (2, "b", RunState.EXITED), (1, "a", RunState.EXITED)]


def test_its_releases_can_be_gone_back_to(world):
    old = rollback.choose(history.read(world.engine, LINE), None, 3)
    assert old.generation == 1
    again = rollback.again(old, world.job("x").release.services, LINE)
    assert (again.release, again.commit, again.subject) == ("sha256:a", "commit-of-a", "Write a")
    assert switch(replace(world.job("x"), release=again)).generation == 3
    assert world.answers() == "a"
    # It is the same release as generation 1, which is thus forgotten.
    assert [(number, name) for number, name, _ in world.history()] == [(3, "a"), (2, "b")]


def test_its_releases_are_pruned_stopped_and_started(world):
    assert prune.prune(world.engine, LINE, 1) == ()
    assert world.history() == [(2, "b", RunState.RUNNING)]
    assert world.image_names() == ["b"]
    history.stop(world.engine, LINE)
    assert world.answers() == ""
    history.start(world.engine, LINE)
    assert world.answers() == "b"


def test_what_it_left_when_it_died_is_put_right(world):
    """Between its stop and its start, with a candidate that runs and a server that never did."""
    made_before(world, "c", 3, Role.CANDIDATE, runs=True)
    server = made_before(world, "b", 4, Role.CANDIDATE, runs=False)
    for one in history.containers(world.engine, LINE):
        if one.labels[labels.ROLE] == Role.SERVER:
            world.engine.stop(one.id, 1)
    assert world.answers() == ""
    told = history.settle(world.host, LINE)
    assert f"started sealpress-{SITE}.production-2 again, which a publish that was cut off had stopped" in told
    assert f"removed {server.name}, which a publish that was cut off has left" in told
    assert world.answers() == "b"
    assert world.candidates() == []
    assert switch(changed(world.job("c"))).generation == 3


def test_the_embedded_runner_reads_its_records(embedded, site_image):
    engine, image, port = embedded.engine, site_image("a"), free_port()
    engine.load(image.archive(image.reference))
    folder = engine.folder / "containers" / "0123456789abcdef"
    (folder / "scratch").mkdir(parents=True)
    record = {
        "image_id": engine.image(image.reference).id,
        "labels": {"org.sealpress.site": "s", "org.sealpress.role": "server"},
        "memory": 128,
        "name": "sealpress-s.here-1",
        "port": 8080,
        "publish": ["127.0.0.1", port],
        "reference": image.reference,
        "restart": True,
    }
    (folder / "spec.json").write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
    (found,) = engine.containers("s")
    assert (found.name, found.state) == ("sealpress-s.here-1", RunState.CREATED)
    engine.start(found.id)
    assert engine.endpoint(found.id, 8080) == Endpoint("127.0.0.1", port)
