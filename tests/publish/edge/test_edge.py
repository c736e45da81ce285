"""The edge's container: made with what its Linux must do for it, or without where that Linux can't."""

from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from publish.edge.edge import Edge
from publish.engines.protocol import Container, ContainerSpec, EdgeEngine, Endpoint, LoadedImage, RunState
from publish.probing.probe import SiteAnswer
from sealpress import labels
from sealpress.problems import EngineProblem, Exit, Problem
from tests.publish.memory import MemoryClock, MemoryEngine, no_fault

READERS = Endpoint("", 80)
ROUTE = {"@id": "blog.production", "handle": []}


@dataclass
class Caddies(MemoryEngine):
    """An engine with files in its containers. `refuses`: what it says of a container with sysctls."""

    refuses: str = ""
    made: list[ContainerSpec] = field(default_factory=list)
    files: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def start(self, container_id: str) -> None:
        if self.refuses and self.running[container_id].spec.sysctls:
            raise EngineProblem(self.refuses)
        super().start(container_id)

    def create(self, spec: ContainerSpec) -> Container:
        self.made.append(spec)
        return super().create(spec)

    def write(self, container_id: str, path: str, data: bytes, owner: tuple[int, int]) -> None:
        del owner
        self.files[container_id, path] = data

    def read(self, container_id: str, path: str, limit: int) -> bytes | None:
        del limit
        return self.files.get((container_id, path))

    def run(self, container_id: str, command) -> tuple[int, str]:
        del container_id, command
        return 0, ""

    def remove_network(self, name: str) -> None: ...


@dataclass
class OneHost:
    engine: Caddies
    title: str = "a host in memory"
    held: int = 0

    @contextmanager
    def reach(self, endpoint: Endpoint):
        yield endpoint

    @contextmanager
    def lock(self, name: str):
        if self.held:
            self.held -= 1
            raise Problem(f"{name} is being published", code=Exit.HOST)
        yield


@pytest.fixture
def edge(monkeypatch: pytest.MonkeyPatch) -> Edge:
    engine = Caddies()
    held = {labels.SITE: labels.EDGE, labels.RELEASE: "sha256:" + "a" * 64}
    engine.loaded["i"] = LoadedImage("i", ("localhost/site/sealpress-edge:80." + "a" * 16,), ("i",), held)
    monkeypatch.setattr("publish.probing.probe.fetch", lambda *_: SiteAnswer(404, b""))
    return Edge(OneHost(engine), READERS, lambda: engine.loaded["i"], clock=MemoryClock())


def test_an_older_linux_has_an_edge_without_what_it_can_not_do(edge: Edge) -> None:
    assert isinstance(edge.engine, EdgeEngine)
    edge.engine.refuses = "open /proc/sys/net/ipv4/tcp_migrate_req: no such file or directory"
    edge.tell("blog.production", ROUTE)
    assert [dict(one.sysctls) for one in edge.engine.made] == [{"net.ipv4.tcp_migrate_req": "1"}, {}]
    assert edge.stands()
    assert edge.routes() == {"blog.production": ROUTE}


def test_an_edge_that_can_not_start_is_not_left_there(edge: Edge) -> None:
    edge.engine.refuses = "port is already allocated"
    with pytest.raises(Problem, match="already allocated"):
        edge.tell("blog.production", ROUTE)
    assert edge.container() is None
    assert len(edge.engine.made) == 1


def test_it_waits_for_its_turn_and_not_for_ever(edge: Edge) -> None:
    edge.host.held = 20
    edge.tell("blog.production", ROUTE)
    edge.host.held = 10**6
    with pytest.raises(Problem, match="sealpress-edge-80 is being published"):
        edge.tell("blog.production", None)
    assert edge.clock.now() < 30


def test_the_last_site_takes_it_along_and_others_keep_it(edge: Edge) -> None:
    other = {"@id": "notes.production", "handle": [], "written": "by somebody else"}
    edge.tell("blog.production", ROUTE)
    edge.tell("notes.production", other)
    edge.tell("blog.production", None)
    assert edge.routes() == {"notes.production": other}
    assert [one.state for one in edge.engine.containers(labels.EDGE)] == [RunState.RUNNING]
    edge.tell("notes.production", None)
    assert edge.container() is None
    assert edge.engine.images(labels.EDGE) == ()


def made_of(edge: Edge, digit: str, lock: str) -> Edge:
    """The edge as another lock has it, with an image of its own."""
    engine = edge.engine
    told = {labels.SITE: labels.EDGE, labels.RELEASE: "sha256:" + digit * 64}
    if digit not in engine.loaded:
        engine.loaded[digit] = LoadedImage(digit, (f"localhost/site/sealpress-edge:80.{digit * 16}",), (digit,), told)
    return replace(edge, ship=lambda: engine.loaded[digit], dated=lambda: lock)


def told(edge: Edge, route=ROUTE) -> None:
    """As a publish has it."""
    edge.prepare()
    edge.tell(route["@id"], route, is_renewed=True)


def stands(edge: Edge) -> list[tuple[str, RunState]]:
    return [(one.labels[labels.LOCK], one.state) for one in edge.engine.containers(labels.EDGE)]


OLD, NEW = "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"


def test_it_is_made_anew_of_another_lock_by_a_publish_and_by_nothing_else(edge: Edge) -> None:
    old, new = made_of(edge, "1", OLD), made_of(edge, "2", NEW)
    told(old)
    assert old.older() is None
    assert new.older() == (OLD, NEW)
    new.tell("blog.production", {**ROUTE, "terminal": True})
    assert stands(edge) == [(OLD, RunState.RUNNING)]
    told(replace(new, renews=False))
    assert stands(edge) == [(OLD, RunState.RUNNING)]
    told(new)
    assert stands(edge) == [(NEW, RunState.RUNNING)]
    assert [one.name for one in edge.engine.containers(labels.EDGE)] == ["sealpress-edge-80-2"]
    assert edge.routes() == {"blog.production": ROUTE}
    assert "1" not in edge.engine.loaded
    count = len(edge.engine.made)
    told(new)
    assert len(edge.engine.made) == count


def test_of_several_sites_the_newest_lock_counts_and_one_alone_may_go_back(edge: Edge) -> None:
    old, new = made_of(edge, "1", OLD), made_of(edge, "2", NEW)
    for site in ("blog", "notes"):
        edge.engine.loaded[site] = LoadedImage(site, (site,), (site,), {})
        behind = {labels.SITE: site, labels.TARGET: "production", labels.HOSTS: "*", labels.READERS: ":80 128"}
        edge.engine.create(ContainerSpec(site, site, {}, labels=behind))
    told(new)
    told(old)
    assert stands(edge) == [(NEW, RunState.RUNNING)]
    edge.engine.remove(next(one.id for one in edge.engine.containers("notes")))
    told(old)
    assert stands(edge) == [(OLD, RunState.RUNNING)]
    assert made_of(edge, "1", "").older() is None


def test_a_new_one_that_ends_at_once_never_touches_the_old_one(edge: Edge) -> None:
    old, new = made_of(edge, "1", OLD), made_of(edge, "2", NEW)
    told(old)
    edge.engine.behaviours["2"] = "dies"
    with pytest.raises(Problem, match="does not answer: it ended with code 1"):
        told(new)
    assert stands(edge) == [(OLD, RunState.RUNNING)]
    assert edge.clock.now() == 0


def test_a_new_one_that_fails_in_front_of_readers_gives_the_old_one_its_port_again(edge: Edge) -> None:
    old, new = made_of(edge, "1", OLD), made_of(edge, "2", NEW)
    told(old)
    edge.engine.behaviours["2"] = "dies as server"
    with pytest.raises(Problem, match="ended with code 1"):
        new.tell("blog.production", {**ROUTE, "terminal": True}, is_renewed=True)
    assert stands(edge) == [(OLD, RunState.RUNNING)]
    assert edge.routes() == {"blog.production": ROUTE}


class Killed(BaseException): ...


def test_killed_at_any_call_of_the_engine_the_next_publish_ends_with_the_new_one_alone(edge: Edge) -> None:
    old, new = made_of(edge, "1", OLD), made_of(edge, "2", NEW)
    number = 0
    while True:
        number += 1
        edge.engine.running.clear()
        made_of(edge, "1", OLD)
        told(old)
        left = number

        def fault(_call: str, _moment: str) -> None:
            nonlocal left
            left -= 1
            if left <= 0:  # and from then on
                raise Killed

        edge.engine.fault = fault
        try:
            told(new)
        except Killed:
            is_over = False
        else:
            is_over = True
        edge.engine.fault = no_fault
        told(new)
        assert stands(edge) == [(NEW, RunState.RUNNING)], number
        assert edge.routes() == {"blog.production": ROUTE}
        if is_over:
            break
    assert number > 20


def test_what_is_shared_stays_when_its_line_is_led_elsewhere_and_goes_with_it(edge: Edge) -> None:
    share, other = {"@id": "blog.production/draft", "handle": []}, {"@id": "blog.production2", "handle": []}
    for route in (ROUTE, share, other):
        edge.tell(str(route["@id"]), route)
    edge.tell("blog.production", ROUTE | {"terminal": True})
    assert edge.routes().keys() == {"blog.production", "blog.production/draft", "blog.production2"}
    edge.tell("blog.production", None)
    assert edge.routes().keys() == {"blog.production2"}
