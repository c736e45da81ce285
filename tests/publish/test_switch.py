"""The switch: whatever fails, and wherever, some release answers, and nothing that isn't ours is touched."""

import contextlib
import os
import signal
from dataclasses import dataclass, field, replace
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publish import probe, releases
from publish.host import Container, ContainerSpec, Endpoint, LoadedImage, Role, State
from publish.journal import AFTER, Event, Step
from publish.memory import READERS, Behaviour, MemoryClock, MemoryEngine, MemoryHost, no_fault
from publish.switch import Job, Outcome, switch
from sealpress import labels
from sealpress.problems import Exit, Problem

SITE = "blog.example.org"
FRONT = Endpoint("127.0.0.1", 80)


@dataclass
class World:
    """A host with one site, and somebody else's things beside it."""

    host: MemoryHost = field(default_factory=MemoryHost)
    journal: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        engine = self.host.engine
        engine.load([b"other-image\nlocalhost/other:1\n\n"])
        engine.load([b"user-image\nmine/blog:1\n\n"])
        other = engine.create(ContainerSpec("other", "localhost/other:1", 1, Endpoint("127.0.0.1", 5432)))
        engine.start(other.id)
        engine.create(ContainerSpec("sealpress-lookalike-1", "mine/blog:1", 1, Endpoint("127.0.0.1", 5433)))
        # Another site of ours on the same host.
        engine.load([b"neighbour\nlocalhost/site/neighbour.example:1\nneighbour.example\nsha256:n"])
        mine = {labels.SITE: "neighbour.example", labels.ROLE: "candidate", labels.GENERATION: "9"}
        engine.create(ContainerSpec("n", "localhost/site/neighbour.example:1", 1, Endpoint("", 5434), mine))

    @property
    def engine(self) -> MemoryEngine:
        return self.host.engine

    def job(self, release: str, behaviour: Behaviour = "serves") -> Job:
        reference = f"localhost/site/{SITE}:{release}"

        def ship(engine: MemoryEngine, progress: object) -> LoadedImage:
            engine.behaviours[f"image-{release}"] = behaviour
            if engine.image(reference) is None:
                engine.load([f"image-{release}\n{reference}\n{SITE}\nsha256:{release}".encode()])
            found = engine.image(reference)
            assert found is not None
            return found

        return Job(
            host=self.host,
            site=SITE,
            release=f"sha256:{release}",
            commit=f"commit-of-{release}",
            ship=ship,
            readers=READERS,
            expectations=(probe.Expectation("/"),),
            timeout=10,
            fetch=self.host.fetch,
            clock=MemoryClock(),
            record=self.journal.append,
        )

    def publish(self, release: str, behaviour: Behaviour = "serves") -> Outcome:
        self.journal.clear()
        return switch(self.job(release, behaviour))

    def answers(self) -> str:
        """The release that a reader gets, or "" for none."""
        try:
            return self.engine.answer(FRONT, probe.RELEASE_PATH).body.decode().strip().removeprefix("sha256:")
        except Problem:
            return ""

    def history(self) -> list[tuple[int, str, State]]:
        return [(one.generation, one.release.removeprefix("sha256:"), one.state) for one in self._read()]

    def _read(self) -> tuple[releases.Release, ...]:
        return releases.read(self.engine, SITE)

    def others(self) -> tuple[list[Container], list[LoadedImage]]:
        """All that is not this site's."""
        containers = [
            one.container for one in self.engine.running.values() if one.container.labels.get(labels.SITE) != SITE
        ]
        return containers, [one for one in self.engine.loaded.values() if one.labels.get(labels.SITE) != SITE]

    def candidates(self) -> list[Container]:
        return [one for one in self.engine.containers(SITE) if one.labels.get(labels.ROLE) == Role.CANDIDATE]

    def image_names(self) -> list[str]:
        return sorted(name.rpartition(":")[2] for one in self.engine.images(SITE) for name in one.references)


def steps(world: World) -> list[tuple[str, str]]:
    return [(str(event.step), event.outcome) for event in world.journal]


class Faults:
    """Raises at the calls with these numbers, counted from 0, before or after they did their work."""

    def __init__(self, at: dict[int, type[BaseException]], moment: Literal["before", "after"]) -> None:
        self.at = at
        self.moment = moment
        self.count = 0
        self.names: list[str] = []

    def __call__(self, name: str, moment: str) -> None:
        if moment != self.moment:
            return
        number, self.count = self.count, self.count + 1
        self.names.append(name)
        if (error := self.at.get(number)) is Problem:
            raise Problem(f"call {number} ({name}) failed", code=Exit.ENGINE)
        if error is not None:
            raise error


def test_a_first_publish_goes_through_every_step_and_answers_to_readers():
    world = World()
    outcome = world.publish("a")
    assert steps(world) == [
        (name, "done") for name in ("look", "load", "create", "start", "probe", "flip", "verify", "prune")
    ]
    assert (outcome.generation, outcome.unchanged, outcome.warnings) == (1, False, ())
    assert outcome.journal == tuple(world.journal)
    assert world.answers() == "a"
    assert world.candidates() == []


def test_an_edit_becomes_the_next_generation_and_the_old_one_stays_stopped():
    world = World()
    world.publish("a")
    assert world.publish("b").generation == 2
    assert world.history() == [(2, "b", State.RUNNING), (1, "a", State.EXITED)]
    assert world.answers() == "b"


def test_the_same_release_twice_is_nothing_to_do():
    world = World()
    world.publish("a")
    before = dict(world.engine.running)
    outcome = world.publish("a")
    assert outcome.unchanged
    assert outcome.generation == 1
    assert steps(world) == [("look", "done")]
    assert world.engine.running == before


def test_the_same_release_that_no_longer_runs_is_brought_back():
    world = World()
    world.publish("a")
    releases.stop(world.engine, SITE)
    assert world.answers() == ""
    outcome = world.publish("a")
    assert not outcome.unchanged
    assert world.answers() == "a"
    assert world.history() == [(2, "a", State.RUNNING)]


def test_the_same_release_for_another_readers_port_is_published_anew():
    world = World()
    world.publish("a")
    outcome = switch(replace(world.job("a"), readers=Endpoint("127.0.0.1", 8081)))
    assert not outcome.unchanged
    assert world.engine.answer(Endpoint("127.0.0.1", 8081), "/").status == 200


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ("dies", "the new release did not become healthy: it ended with code 1"),
        (
            "hangs",
            "the new release did not become healthy in 10 s: GET /.well-known/release: nothing listens there",
        ),
        (
            "wrong",
            (
                "the new release did not become healthy in 10 s: GET /.well-known/release: "
                'answered "sha256:other", expected "sha256:b"'
            ),
        ),
        ("empty", "the new release did not become healthy in 10 s: GET /: status 500, expected 200"),
        (
            "dies as server",
            "the new release was healthy, but does not answer on the readers' port 80: it ended with code 1",
        ),
    ],
)
def test_a_broken_release_is_removed_with_its_logs_shown_and_the_old_one_answers(behaviour, said):
    world = World()
    world.publish("a")
    before = dict(world.engine.running), dict(world.engine.loaded)
    with pytest.raises(Problem) as caught:
        world.publish("b", behaviour)
    assert caught.value.message.split("\n")[0] == said
    assert caught.value.code == Exit.RELEASE
    name = f"sealpress-{SITE}-2" + ("" if behaviour == "dies as server" else "-candidate")
    # What it logged can't drive the terminal.
    assert caught.value.message.split("\n")[1] == f"  | {name} says \\x1b[31mhello"
    assert (world.engine.running, world.engine.loaded) == before
    assert world.answers() == "a"


def test_a_broken_first_release_leaves_nothing_behind():
    world = World()
    with pytest.raises(Problem):
        world.publish("a", "dies as server")
    assert world.engine.containers(SITE) == ()
    assert world.engine.images(SITE) == ()
    assert steps(world)[-4:] == [("flip", "done"), ("verify", "failed"), ("restore", "done"), ("discard", "done")]


def test_a_broken_release_does_not_take_an_image_that_an_older_release_needs():
    world = World()
    for release in "ab":
        world.publish(release)
    with pytest.raises(Problem):
        world.publish("a", "dies")
    assert world.image_names() == ["a", "b"]
    assert world.answers() == "b"


def test_a_readers_port_that_somebody_else_has_is_a_problem_and_the_old_site_answers():
    world = World()
    world.publish("a")
    with pytest.raises(Problem, match="port 5432 is already in use"):
        switch(replace(world.job("b"), readers=Endpoint("0.0.0.0", 5432)))
    assert world.answers() == "a"


def test_prune_keeps_the_last_three_releases_and_their_images():
    world = World()
    others = world.others()
    for release in "abcde":
        world.publish(release)
    assert [(number, name) for number, name, _ in world.history()] == [(5, "e"), (4, "d"), (3, "c")]
    assert world.image_names() == ["c", "d", "e"]
    assert world.others() == others


def test_prune_leaves_a_name_that_a_user_gave_to_our_image():
    world = World()
    world.publish("a")
    world.engine.tag("image-a", "mine/keep:me")
    for release in "bcde":
        world.publish(release)
    assert world.image_names() == ["c", "d", "e", "me"]


def test_an_image_that_lost_its_name_goes_with_its_last_container():
    world = World()
    for release in "ab":
        world.publish(release)
    # The same release, baked for another commit, takes the name over.
    world.engine.load([f"image-again\nlocalhost/site/{SITE}:a2\n{SITE}\nsha256:a".encode()])
    world.engine.tag("image-again", f"localhost/site/{SITE}:a")
    assert world.engine.loaded["image-a"].references == ()
    assert releases.prune_images(world.engine, SITE) == ()
    assert "image-a" in world.engine.loaded
    world.publish("a")
    assert "image-a" not in world.engine.loaded
    assert world.answers() == "a"


def test_generations_are_numbers_read_from_the_host_and_order_as_numbers():
    world = World()
    for number in range(12):
        world.publish(f"r{number}")
    assert [number for number, _, _ in world.history()] == [12, 11, 10]


def test_a_generation_label_that_is_no_number_is_older_than_all():
    container = Container("x", "x", State.EXITED, {labels.GENERATION: "٣x"}, "")
    assert releases.generation_of(container) == 0


def test_rollback_is_a_new_generation_of_the_previous_release():
    world = World()
    for release in "abc":
        world.publish(release)
    back = releases.choose(releases.read(world.engine, SITE), None)
    assert back.generation == 2
    outcome = switch(replace(world.job("b"), ship=releases.ship_again(back)))
    assert outcome.generation == 4
    assert world.answers() == "b"
    # Each release stands in the list once: the old container of b is forgotten.
    assert [(number, name) for number, name, _ in world.history()] == [(4, "b"), (3, "c"), (1, "a")]


def test_rollback_to_a_generation_that_is_not_there_names_those_that_are():
    world = World()
    for release in "ab":
        world.publish(release)
    with pytest.raises(Problem) as caught:
        releases.choose(releases.read(world.engine, SITE), 7)
    assert str(caught.value) == "there is no generation 7 on the host\nhint: these are there: 2, 1"


def test_rollback_of_an_only_release_is_refused():
    world = World()
    world.publish("a")
    with pytest.raises(Problem, match="there is no release before generation 1"):
        releases.choose(releases.read(world.engine, SITE), None)


def test_rollback_to_a_release_whose_image_is_gone_names_its_commit():
    world = World()
    for release in "ab":
        world.publish(release)
    back = releases.choose(releases.read(world.engine, SITE), None)
    del world.engine.loaded["image-a"]
    with pytest.raises(Problem) as caught:
        switch(replace(world.job("a"), ship=releases.ship_again(back)))
    assert "the image of generation 1 is gone from the host" in str(caught.value)
    assert "commit-of-a" in str(caught.value)
    assert world.answers() == "b"


def test_a_second_publish_at_once_is_refused():
    world = World()
    with world.host.lock(SITE), pytest.raises(Problem, match="another publish"):
        world.publish("a")


def test_an_image_of_another_release_than_the_one_baked_is_refused():
    world = World()
    world.publish("a")
    with pytest.raises(Problem, match="the image on the host is release sha256:a, not sha256:b"):
        switch(replace(world.job("b"), ship=world.job("a").ship))
    assert world.answers() == "a"


def calls_of_a_publish() -> list[tuple[int, str, str]]:
    """(number, moment, name) of every call that publishing an edit makes."""
    found = []
    for moment in ("before", "after"):
        world = World()
        world.publish("a")
        faults = Faults({}, moment)
        world.engine.fault = faults
        world.publish("b")
        found += [(number, moment, name) for number, name in enumerate(faults.names)]
    return found


@pytest.mark.parametrize("error", [Problem, KeyboardInterrupt, ZeroDivisionError])
@pytest.mark.parametrize(("number", "moment", "name"), calls_of_a_publish())
def test_one_failure_anywhere_leaves_a_release_answering_and_all_else_as_it_was(number, moment, name, error):
    world = World()
    world.publish("a")
    others, before = world.others(), world.history()
    faults = Faults({number: error}, moment)
    world.engine.fault = faults
    raised: BaseException | None = None
    try:
        outcome = world.publish("b")
    except (Problem, KeyboardInterrupt, ZeroDivisionError) as caught:
        raised, outcome = caught, None
    world.engine.fault = no_fault

    assert raised is None or isinstance(raised, error)
    assert faults.names[number] == name
    assert world.others() == others
    if outcome:
        # A probe that failed once is asked again; tidying that failed is told.
        assert world.answers() == "b"
        assert outcome.warnings or "fetch" in name or name == "logs" or steps(world)[-1] == ("prune", "done")
    elif steps(world)[-1][0] == "prune":
        assert world.answers() == "b"
    else:
        assert world.answers() == "a"
        assert [one for one in world.history() if one[1] == "a"] == before
        bad = [event for event in world.journal if event.outcome != "done"]
        assert bad
        assert bad[0].outcome == ("interrupted" if error is KeyboardInterrupt else "failed")
        assert AFTER[bad[0].step][1] in (Step.FAILED, Step.DISCARD, Step.RESTORE)
    # The next publish finds a host that it can work with.
    world.publish("c")
    assert world.answers() == "c"
    assert world.candidates() == []
    assert set(world.image_names()) <= {"a", "b", "c"}
    assert world.others() == others


@given(
    at=st.dictionaries(st.integers(0, 60), st.sampled_from([Problem, KeyboardInterrupt]), max_size=12),
    moment=st.sampled_from(["before", "after"]),
    behaviours=st.lists(
        st.sampled_from(["serves", "serves", "dies", "hangs", "wrong", "dies as server"]), min_size=1, max_size=4
    ),
)
@settings(max_examples=300, deadline=None)
def test_any_failures_in_any_number_either_leave_a_release_answering_or_say_that_the_site_may_be_down(
    at, moment, behaviours
):
    world = World()
    world.publish("a")
    others = world.others()
    notes: list[str] = []
    for index, behaviour in enumerate(behaviours):
        world.engine.fault = Faults(dict(at), moment)
        before = world.answers()
        said = ""
        try:
            world.publish(f"b{index}", behaviour)
        except Problem as problem:
            said = str(problem)
        except KeyboardInterrupt:
            said = "; ".join(event.detail for event in world.journal)
        world.engine.fault = no_fault
        notes.append(said)
        now = world.answers()
        assert now in (before, f"b{index}") or ("old release" in said and now == "") or before == ""
        assert world.others() == others
    world.publish("last")
    assert world.answers() == "last"
    assert world.others() == others
    assert len(world.history()) <= 3
    assert world.candidates() == []


@given(number=st.integers(0, 80), behaviour=st.sampled_from(["serves", "dies as server", "dies"]))
@settings(max_examples=200, deadline=None)
def test_a_publish_that_dies_anywhere_is_put_right_by_the_next_one(number, behaviour):
    """As if the process was killed: from one call on, nothing works any more, not even putting things right."""
    world = World()
    world.publish("a")
    faults = Faults(dict.fromkeys(range(number, 1000), Problem), "before")
    world.engine.fault = faults
    with contextlib.suppress(Problem):
        world.publish("b", behaviour)
    world.engine.fault = no_fault
    releases.settle(world.host, SITE)
    assert world.answers() in ("a", "b")
    assert world.candidates() == []
    world.publish("c")
    assert world.answers() == "c"


def test_a_signal_while_things_are_put_right_waits_until_they_are(monkeypatch):
    world = World()
    world.publish("a")

    def interrupt(name: str, moment: str) -> None:
        if moment == "before" and name == "remove":
            os.kill(os.getpid(), signal.SIGINT)

    world.engine.fault = interrupt
    with pytest.raises((Problem, KeyboardInterrupt)):
        world.publish("b", "dies as server")
    assert world.answers() == "a"
    assert world.candidates() == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_while_the_candidate_is_probed_takes_it_away():
    world = World()
    world.publish("a")

    def interrupt(name: str, moment: str) -> None:
        if name == "fetch":
            os.kill(os.getpid(), signal.SIGTERM)

    world.engine.fault = interrupt
    with pytest.raises(KeyboardInterrupt):
        world.publish("b")
    assert steps(world)[-2:] == [("probe", "interrupted"), ("discard", "done")]
    assert world.answers() == "a"
    assert world.candidates() == []
    assert world.image_names() == ["a"]
