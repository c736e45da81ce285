"""The switch: whatever fails, and wherever, some release answers, and nothing that isn't ours is touched."""

import contextlib
import os
import signal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from publish.deploy.journal import TAKEN_BACK_BY
from publish.releases import history, rollback
from sealpress.problems import Exit, Problem
from tests.publish.deployments import changed, switch
from tests.publish.memory import no_fault
from tests.publish.worlds import LINE, SITE, Faults, World, steps

UNDOING = set().union(*TAKEN_BACK_BY.values())


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
        is_flipped = "flip" in [step for step, _ in steps(world)]
        if isinstance(raised, Problem):
            assert raised.each[0].code is (Exit.ROLLED_BACK if is_flipped else Exit.ENGINE)
        assert world.answers() == "a"
        assert [one for one in world.history() if one[1] == "a"] == before
        bad = [event for event in world.journal if event.outcome != "done"]
        assert bad
        assert bad[0].outcome == ("interrupted" if error is KeyboardInterrupt else "failed")
        assert [event.step for event in world.journal if event.step in UNDOING] == list(TAKEN_BACK_BY[bad[0].step])
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
@settings(max_examples=300)
@example({21: Problem, 22: Problem, 23: Problem, 24: KeyboardInterrupt}, "before", ["dies as server"])
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
        said, is_needed = "", False
        try:
            world.publish(f"b{index}", behaviour)
        except Problem as problem:
            said, code = str(problem), problem.each[0].code
            is_needed = code is Exit.NEEDS_HAND
            assert is_needed == ("could not be put back" in said or "does not answer rightly" in said)
        except KeyboardInterrupt:
            is_needed = False
        world.engine.fault = no_fault
        notes.append(said)
        now = world.answers()
        assert now in (before, f"b{index}") or (is_needed and now == "") or before == ""
        assert world.others() == others
    world.publish("last")
    assert world.answers() == "last"
    assert world.others() == others
    assert len(world.history()) <= 3
    assert world.candidates() == []


@given(number=st.integers(0, 80), behaviour=st.sampled_from(["serves", "dies as server", "dies"]))
@settings(max_examples=200)
def test_a_publish_that_dies_anywhere_is_put_right_by_the_next_one(number, behaviour):
    """As if the process was killed: from one call on, nothing works any more, not even putting things right."""
    world = World()
    world.publish("a")
    faults = Faults(dict.fromkeys(range(number, 1000), Problem), "before")
    world.engine.fault = faults
    with contextlib.suppress(Problem):
        world.publish("b", behaviour)
    world.engine.fault = no_fault
    history.settle(world.host, LINE)
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


def test_what_breaks_every_step_is_said_once():
    """A connection that was cut fails the step, and then what would tidy up after it."""
    world = World()
    world.publish("a")

    def cut(name: str, _moment: str) -> None:
        if broken or name == "load":
            broken.append(name)
            raise Problem("the connection was cut", hint="run it again", code=Exit.HOST)

    broken: list[str] = []
    world.engine.fault = cut
    with pytest.raises(Problem) as caught:
        world.publish("b")
    assert len(broken) > 1
    assert str(caught.value) == "the connection was cut\nhint: run it again"
    assert caught.value.code is Exit.HOST


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [("serves", Problem), ("serves", KeyboardInterrupt), ("dies as server", Problem)],
)
def test_a_rollback_that_fails_needs_a_hand_and_what_it_says_to_run_brings_the_old_release_back(behaviour, error):
    world = World()
    world.publish("a")

    def fault(name: str, moment: str) -> None:
        if moment == "after" and name == "stop" and behaviour == "serves":
            raise Problem("cut", code=Exit.HOST) if error is Problem else error
        if name in {"start", "remove"} and ("verify", "failed") in steps(world):
            raise Problem("the engine is gone", code=Exit.ENGINE)
        if name == "start" and [step for step, was in steps(world) if was != "done"] == ["flip"]:
            raise Problem("the engine is gone", code=Exit.ENGINE)

    world.engine.fault = fault
    with pytest.raises(Problem) as caught:
        world.publish("b", behaviour)
    world.engine.fault = no_fault
    assert {one.code for one in caught.value.each} == {Exit.NEEDS_HAND}
    told = caught.value.each[-1] if behaviour == "serves" else caught.value.each[1]
    assert told.message == "the old release could not be put back: the engine is gone"
    assert f"sealpress-{SITE}.production-1 on a host in memory: exited" in told.said
    assert told.block == ("publish status production", "publish rollback production --to 1")
    assert world.answers() == ""
    back = rollback.choose(history.read(world.engine, LINE), 1, 3)
    switch(changed(world.job("a"), ship=rollback.ship_again(back, back.site.image, LINE)))
    assert world.answers() == "a"
    assert world.candidates() == []


def test_an_old_release_that_does_not_answer_again_needs_a_hand():
    world = World()
    world.publish("a")

    def fault(name: str, moment: str) -> None:
        if ("verify", "failed") in steps(world):
            world.engine.behaviours["image-a"] = "hangs"

    world.engine.fault = fault
    with pytest.raises(Problem) as caught:
        world.publish("b", "dies as server")
    assert {one.code for one in caught.value.each} == {Exit.NEEDS_HAND}
    assert "the old release was started again, but does not answer rightly" in str(caught.value)


def test_a_host_that_is_gone_does_not_tell_what_runs_and_the_commands_are_said_all_the_same():
    world = World()
    world.publish("a")

    def fault(name: str, moment: str) -> None:
        if gone or (name == "stop" and moment == "after"):
            gone.append(name)
            raise Problem("the connection was cut", code=Exit.HOST)

    gone: list[str] = []
    world.engine.fault = fault
    with pytest.raises(Problem) as caught:
        world.publish("b")
    (told,) = (one for one in caught.value.each if one.block)
    assert told.said == ("what runs on a host in memory is not known: the connection was cut",)
    assert caught.value.each[0].code is Exit.NEEDS_HAND
