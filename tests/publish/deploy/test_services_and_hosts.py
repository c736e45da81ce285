"""A release of two services with three replicas each, on two hosts: staged everywhere before any reader sees it."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from publish.deploy.deployment import Deployment
from publish.deploy.journal import Event
from publish.deploy.state_machine import Outcome, deploy
from publish.engines.protocol import Container, Endpoint, LoadedImage, RunState, Volume
from publish.releases import history, prune, rollback
from publish.releases.release import SITE_SERVICE, ReleaseSpec, ServiceImage, ServiceSpec, place_of
from sealpress import labels
from sealpress.problems import Exit, Problem
from tests.publish.memory import Behaviour, MemoryClock, MemoryEngine, MemoryHost, no_fault
from tests.publish.worlds import LINE, SITE, Faults

READERS = tuple(Endpoint("0.0.0.0", 80 + number) for number in range(3))
SERVICES = (
    ServiceSpec(replicas=3, readers=READERS, networks=("blog",)),
    ServiceSpec(
        "comments",
        replicas=3,
        port=8000,
        health="/ok",
        memory=64,
        environment={"WORKERS": "1"},
        volumes=(Volume("blog-comments", "/db"),),
        networks=("blog",),
    ),
)
PLACES = [(SITE_SERVICE, 1), (SITE_SERVICE, 2), (SITE_SERVICE, 3), ("comments", 1), ("comments", 2), ("comments", 3)]


@dataclass
class Fleet:
    """Two hosts that serve one site."""

    hosts: tuple[MemoryHost, ...] = field(default_factory=lambda: (MemoryHost(title="one"), MemoryHost(title="two")))
    journal: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def engines(self) -> list[MemoryEngine]:
        return [host.engine for host in self.hosts]

    def wanted(self, release: str, behaviours: dict[str, Behaviour]) -> ReleaseSpec:
        images = {
            name: ServiceImage(f"sha256:{name}-{release}", self._ship(name, release, behaviours.get(name, "serves")))
            for name in (SITE_SERVICE, "comments")
        }
        return ReleaseSpec(SERVICES, images, f"commit-of-{release}")

    def _ship(self, name: str, release: str, behaviour: Behaviour) -> Callable[[MemoryEngine, object], LoadedImage]:
        digest = f"sha256:{name}-{release}"
        reference = LINE.reference({labels.RELEASE: digest})

        def ship(engine: MemoryEngine, _progress: object) -> LoadedImage:
            engine.behaviours[digest] = behaviour
            engine.load([f"{digest}\n{reference}\n{SITE}\n{digest}".encode()])
            found = engine.image(reference)
            assert found is not None
            return found

        return ship

    def deployments(self, release: ReleaseSpec) -> list[Deployment]:
        def recorder(title: str) -> Callable[[Event], None]:
            return lambda event: self.journal.append((title, str(event.step), event.outcome))

        return [
            Deployment(
                host, LINE, release, timeout=10, fetch=host.fetch, clock=MemoryClock(), record=recorder(host.title)
            )
            for host in self.hosts
        ]

    def publish(self, release: str, **behaviours: Behaviour) -> tuple[Outcome, ...]:
        self.journal.clear()
        return deploy(self.deployments(self.wanted(release, behaviours)))

    def serve(self) -> list[str]:
        """What each host serves: the generations' states, then what the readers of each replica get."""
        told = []
        for host in self.hosts:
            answers = []
            for readers in READERS:
                try:
                    body = host.engine.answer(replace(readers, address="127.0.0.1"), "/").body
                    answers.append(body.decode().partition("-")[2].partition("<")[0])
                except Problem:
                    answers.append("")
            told.append(" ".join(answers))
        return told

    def servers(self, engine: MemoryEngine) -> dict[int, list[Container]]:
        return {one.generation: list(one.containers) for one in history.read(engine, LINE)}


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
        assert one.spec.networks == ("blog",)
        assert one.spec.volumes == (() if is_site else (Volume("blog-comments", "/db"),))
        assert dict(one.spec.environment) == ({} if is_site else {"WORKERS": "1"})
        assert [*one.spec.ports] == [8080 if is_site else 8000]
        assert one.spec.memory == (128 if is_site else 64)


def test_all_hosts_are_staged_before_the_first_is_committed_and_none_is_pruned_before_all_are(fleet: Fleet) -> None:
    fleet.publish("b")
    staged = ["load", "create", "start", "probe"]
    assert [(title, step) for title, step, _ in fleet.journal] == [
        ("one", "look"), ("two", "look"),
        *(("one", step) for step in staged), *(("two", step) for step in staged),
        ("one", "flip"), ("one", "verify"), ("two", "flip"), ("two", "verify"),
        ("one", "prune"), ("two", "prune"),
    ]  # fmt: skip


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
        {"networks": ("blog", "mail")},
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
    assert fleet.serve() == ["a a a", "a a a"]
    assert [(engine.running, engine.loaded) for engine in fleet.engines] == before
    assert fleet.journal[-3:] == [("two", "load", "failed"), ("two", "discard", "done"), ("one", "discard", "done")]


def test_a_host_that_fails_while_it_is_committed_takes_the_release_back_from_all(fleet: Fleet) -> None:
    def fault(name: str, moment: str) -> None:
        if name == "stop":
            raise Problem("the engine is gone", code=Exit.ENGINE)

    fleet.engines[1].fault = fault
    with pytest.raises(Problem, match="two: the engine is gone"):
        fleet.publish("b")
    fleet.engines[1].fault = no_fault
    assert fleet.serve() == ["a a a", "a a a"]
    for engine in fleet.engines:
        assert sorted(map(place_of, engine.containers(SITE))) == sorted(PLACES)
        assert [one.state for one in engine.containers(SITE)] == [RunState.RUNNING] * 6
        images = {one.labels[labels.RELEASE] for one in engine.images(SITE)}
        assert images == {"sha256:comments-a", "sha256:site-a"}
    assert ("one", "verify", "done") in fleet.journal
    assert fleet.journal[-2:] == [("one", "restore", "done"), ("one", "discard", "done")]


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
    try:
        fleet.publish("b")
    except Problem:
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
