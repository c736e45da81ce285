"""A release of two services with three replicas each, on two hosts: staged everywhere before any reader sees it.

What hosts do side by side, and a canary, is in test_rollout.py.
"""

import contextlib
from dataclasses import replace

import pytest

from publish.deploy.deployment import Deployment
from publish.deploy.flip import Replace
from publish.deploy.state_machine import deploy
from publish.engines.protocol import Endpoint, Network, RunState, Volume
from publish.releases import history, prune, rollback
from publish.releases.release import SITE_SERVICE, ReleaseSpec, ServiceImage, ServiceSpec, place_of
from sealpress import labels
from sealpress.problems import Exit, Problem
from tests.publish.fleet import PLACES, READERS, SERVICES, Fleet
from tests.publish.memory import MemoryHost, no_fault
from tests.publish.worlds import LINE, SITE, Faults


@pytest.fixture
def fleet() -> Fleet:
    made = Fleet()
    made.publish("a")
    assert made.serve() == ["a a a", "a a a"]
    return made


def test_a_release_is_a_set_of_containers_in_each_generation(fleet: Fleet) -> None:
    outcomes = fleet.publish("b")
    assert [(one.generation, one.unchanged, one.warnings) for one in outcomes] == [(2, False, ())] * 2
    assert fleet.serve() == ["b b b", "b b b"]
    for engine in fleet.engines:
        newest, older = history.read(engine, LINE)
        assert [place_of(one) for one in newest.containers] == PLACES == [place_of(one) for one in older.containers]
        assert (newest.generation, newest.state, newest.is_current) == (2, RunState.RUNNING, True)
        assert (older.generation, older.state, older.is_current) == (1, RunState.EXITED, False)
        names = [one.name.removeprefix(f"sealpress-{LINE.name}-2") for one in newest.containers]
        assert names == ["", "-site-2", "-site-3", "-comments-1", "-comments-2", "-comments-3"]
        assert len(engine.running) == 12


def test_containers_know_the_environment_the_volumes_and_the_networks_of_their_service(fleet: Fleet) -> None:
    for one in fleet.engines[0].running.values():
        is_site = place_of(one.container)[0] == SITE_SERVICE
        assert one.spec.networks == (Network("blog"),)
        assert one.spec.volumes == (() if is_site else (Volume("blog-comments", "/db"),))
        assert dict(one.spec.environment) == ({} if is_site else {"WORKERS": "1"})
        assert [*one.spec.ports] == [8080 if is_site else 8000]
        assert one.spec.memory == (128 if is_site else 64)


def test_all_hosts_are_staged_before_the_first_is_committed_and_none_is_pruned_before_all_are(fleet: Fleet) -> None:
    fleet.publish("b")
    staged = ["load", "create", "start", "probe"]
    steps = [(title, step) for title, step, _ in fleet.journal]
    assert sorted(steps[:2]) == [("one", "look"), ("two", "look")]
    for name in ("one", "two"):
        assert [step for title, step in steps[2:10] if title == name] == staged
    assert steps[10:14] == [("one", "flip"), ("one", "verify"), ("two", "flip"), ("two", "verify")]
    assert sorted(steps[14:]) == [("one", "prune"), ("two", "prune")]


def test_the_same_release_twice_is_nothing_to_do_and_less_than_all_of_it_is_something(fleet: Fleet) -> None:
    assert [one.unchanged for one in fleet.publish("a")] == [True, True]
    # One replica of one service ended on one host: that host alone gets the release anew.
    last = history.read(fleet.engines[1], LINE)[0].containers[-1]
    fleet.engines[1].stop(last.id, 1)
    assert [(one.unchanged, one.generation) for one in fleet.publish("a")] == [(True, 1), (False, 2)]
    assert [[*fleet.servers(engine)] for engine in fleet.engines] == [[1], [2]]


@pytest.mark.parametrize(
    "change",
    [
        {"environment": {"WORKERS": "2"}},
        {"volumes": (Volume("blog-comments", "/db", is_read_only=True),)},
        {"networks": (Network("blog"), Network("mail"))},
        {"readers": tuple(Endpoint("127.0.0.1", 90 + number) for number in range(3))},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_same_images_with_other_settings_are_another_release(fleet: Fleet, change: dict[str, object]) -> None:
    release = fleet.wanted("a", {})
    site, comments = release.services
    other = fleet.deployments(replace(release, services=(site, replace(comments, **change))))
    assert [(one.unchanged, one.generation) for one in deploy(other)] == [(False, 2)] * 2
    assert [(one.unchanged, one.generation) for one in deploy(other)] == [(True, 2)] * 2


def test_the_authors_labels_are_those_of_servers_alone_and_make_another_release(fleet: Fleet) -> None:
    """Whoever leads readers by them would lead them to what is not probed yet."""
    release = fleet.wanted("a", {})
    seen: list[tuple[str, str | None, tuple[str, ...]]] = []

    def watch(name: str, moment: str) -> None:
        if (name, moment) == ("create", "after"):
            spec = [*fleet.engines[0].running.values()][-1].spec
            seen.append((spec.labels[labels.ROLE], spec.labels.get("proxy.rule"), spec.joins))

    fleet.engines[0].fault = watch
    site = replace(release.services[0], replicas=1, readers=READERS[:1], labels={"proxy.rule": "x"}, joins=("proxy",))
    labelled = fleet.deployments(replace(release, services=(site,)))
    assert [one.unchanged for one in deploy(labelled)] == [False, False]
    assert seen == [("candidate", None, ("proxy",)), ("server", "x", ("proxy",))]
    assert [one.unchanged for one in deploy(labelled)] == [True, True]
    other = replace(release, services=(replace(site, labels={"proxy.rule": "y"}),))
    assert [one.unchanged for one in deploy(fleet.deployments(other))] == [False, False]


def test_a_site_alone_has_no_label_that_an_older_sealpress_would_miss() -> None:
    line = replace(LINE, readers=Endpoint("0.0.0.0", 80))
    release = ReleaseSpec((ServiceSpec(readers=(line.readers,)),), {SITE_SERVICE: ServiceImage("sha256:a", print)}, "")
    one = Deployment(MemoryHost(), line, release)
    assert labels.SETTINGS not in one.labels(release.services[0], 1)


def test_a_generation_has_one_number_on_all_hosts(fleet: Fleet) -> None:
    """Also where one of them has had more releases than the other."""
    deploy(fleet.deployments(fleet.wanted("b", {}))[:1])
    assert fleet.serve() == ["b b b", "a a a"]
    assert [one.generation for one in fleet.publish("c")] == [3, 3]
    assert [[*fleet.servers(engine)] for engine in fleet.engines] == [[3, 2, 1], [3, 1]]


@pytest.mark.parametrize("service", [SITE_SERVICE, "comments"])
@pytest.mark.parametrize("behaviour", ["dies", "hangs", "wrong"])
def test_a_service_that_is_not_healthy_leaves_all_hosts_as_they_were(fleet: Fleet, service, behaviour) -> None:
    before = [(dict(engine.running), dict(engine.loaded)) for engine in fleet.engines]
    with pytest.raises(Problem, match=r"one: sealpress-.*-2.*-candidate of the new release did not become") as caught:
        fleet.publish("b", **{service: behaviour})
    assert caught.value.code is Exit.RELEASE
    assert [(engine.running, engine.loaded) for engine in fleet.engines] == before
    assert "flip" not in [step for _, step, _ in fleet.journal]


def test_a_host_that_fails_while_it_is_staged_leaves_all_hosts_serving_the_old_release(fleet: Fleet) -> None:
    before = [(dict(engine.running), dict(engine.loaded)) for engine in fleet.engines]

    def fault(name: str, moment: str) -> None:
        if name == "load":
            raise Problem("no space left", code=Exit.ENGINE)

    fleet.engines[1].fault = fault
    with pytest.raises(Problem) as caught:
        fleet.publish("b")
    assert str(caught.value) == "two: no space left"
    assert caught.value.code is Exit.ENGINE
    assert fleet.serve() == ["a a a", "a a a"]
    assert [(engine.running, engine.loaded) for engine in fleet.engines] == before
    assert ("two", "load", "failed") in fleet.journal
    assert sorted(fleet.journal[-2:]) == [("one", "discard", "done"), ("two", "discard", "done")]


class Unprepared(Replace):
    """An edge whose image can't be brought."""

    def prepare(self) -> None:
        raise Problem("no space left", code=Exit.ENGINE)


def test_what_a_flip_needs_is_brought_before_any_host_is_committed(fleet: Fleet) -> None:
    fleet.journal.clear()
    first, second = fleet.deployments(fleet.wanted("b", {}))
    with pytest.raises(Problem, match="two: no space left") as caught:
        deploy([first, replace(second, flip=Unprepared())])
    assert caught.value.code is Exit.ENGINE
    assert fleet.serve() == ["a a a", "a a a"]
    assert "flip" not in [step for _, step, _ in fleet.journal]


def test_a_host_that_fails_while_it_is_committed_takes_the_release_back_from_all(fleet: Fleet) -> None:
    def fault(name: str, moment: str) -> None:
        if name == "stop":
            raise Problem("the engine is gone", code=Exit.ENGINE)

    fleet.engines[1].fault = fault
    with pytest.raises(Problem, match="two: the engine is gone") as caught:
        fleet.publish("b")
    assert caught.value.code is Exit.ROLLED_BACK
    fleet.engines[1].fault = no_fault
    assert fleet.serve() == ["a a a", "a a a"]
    for engine in fleet.engines:
        assert sorted(map(place_of, engine.containers(SITE))) == sorted(PLACES)
        assert [one.state for one in engine.containers(SITE)] == [RunState.RUNNING] * 6
        images = {one.labels[labels.RELEASE] for one in engine.images(SITE)}
        assert images == {"sha256:comments-a", "sha256:site-a"}
    assert ("one", "verify", "done") in fleet.journal
    put_back = [step for title, *step in fleet.journal if title == "one"]
    assert put_back[-2:] == [["restore", "done"], ["discard", "done"]]


def test_a_release_is_gone_back_to_pruned_stopped_and_started_as_a_whole(fleet: Fleet) -> None:
    fleet.publish("b")
    old = rollback.choose(history.read(fleet.engines[0], LINE), None, 3)
    again = rollback.again(old, SERVICES, LINE)
    assert [one.generation for one in deploy(fleet.deployments(again))] == [3, 3]
    assert fleet.serve() == ["a a a", "a a a"]
    engine = fleet.engines[0]
    # What release 1 was is now 3: its six containers are forgotten.
    assert {generation: len(ones) for generation, ones in fleet.servers(engine).items()} == {3: 6, 2: 6}
    assert prune.prune(engine, LINE, 1) == ()
    assert {generation: len(ones) for generation, ones in fleet.servers(engine).items()} == {3: 6}
    assert len(engine.images(SITE)) == 2
    assert len(history.stop(engine, LINE)) == 6
    assert fleet.serve()[0] == "  "
    assert history.start(engine, LINE).state is RunState.RUNNING
    (current,) = history.status(fleet.hosts[0], LINE, fleet.hosts[0].fetch)
    assert current.answers


def calls_of_a_publish() -> list[tuple[int, int, str]]:
    """(host, number, name) of every call of a publish to two hosts; of calls alike in a row, the outer ones."""
    found = []
    for index in (0, 1):
        fleet = Fleet()
        fleet.publish("a")
        fleet.engines[index].fault = faults = Faults({}, "before")
        fleet.publish("b")
        names = faults.names
        edges = [n for n, name in enumerate(names) if names[n - 1 : n] != [name] or names[n + 1 : n + 2] != [name]]
        found += [(index, number, names[number]) for number in edges]
    return found


@pytest.mark.parametrize(("index", "number", "name"), calls_of_a_publish())
def test_one_failure_anywhere_on_any_host_leaves_both_with_the_same_release(index, number, name) -> None:
    fleet = Fleet()
    fleet.publish("a")
    fleet.engines[index].fault = Faults({number: Problem}, "before")
    code = Exit.OK
    try:
        fleet.publish("b")
    except Problem as problem:
        code = problem.each[0].code
    is_flipped = "flip" in [step for _, step, _ in fleet.journal]
    if code:
        assert code is (Exit.ROLLED_BACK if is_flipped else Exit.ENGINE)
        assert fleet.serve() == ["a a a", "a a a"]
    else:
        assert fleet.serve() == ["b b b", "b b b"]
    fleet.engines[index].fault = no_fault
    fleet.publish("c")
    assert fleet.serve() == ["c c c", "c c c"]
    assert all(len(engine.containers(SITE)) <= 18 for engine in fleet.engines)


@pytest.mark.parametrize("number", range(0, 160, 3))
def test_a_host_on_which_a_publish_died_anywhere_serves_one_whole_release(number: int) -> None:
    """As if the process was killed: from one call on, nothing works any more, not even putting things right."""
    fleet = Fleet()
    fleet.publish("a")
    faults = Faults(dict.fromkeys(range(number, 2000), Problem), "before")
    for engine in fleet.engines:
        engine.fault = faults
    with contextlib.suppress(Problem):
        fleet.publish("b")
    for engine, host in zip(fleet.engines, fleet.hosts, strict=True):
        engine.fault = no_fault
        history.settle(host, LINE)
        serving = [one for one in history.read(engine, LINE) if one.runs]
        assert [one.state for one in serving] == [RunState.RUNNING]
        assert [place_of(one) for one in serving[0].containers] == PLACES
    assert set(fleet.serve()) <= {"a a a", "b b b"}
    fleet.publish("c")
    assert fleet.serve() == ["c c c", "c c c"]
