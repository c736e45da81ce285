"""The switch: every step, and nothing that isn't ours is touched."""

from dataclasses import replace

import pytest

from publish.engines.protocol import Container, Endpoint, RunState
from publish.releases import history, prune, rollback
from publish.releases.release import SITE_SERVICE, generation_of
from sealpress import labels
from sealpress.problems import Exit, Problem
from tests.publish.deployments import changed, switch
from tests.publish.worlds import LINE, SITE, World, steps


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
    assert world.history() == [(2, "b", RunState.RUNNING), (1, "a", RunState.EXITED)]
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
    history.stop(world.engine, LINE)
    assert world.answers() == ""
    outcome = world.publish("a")
    assert not outcome.unchanged
    assert world.answers() == "a"
    assert world.history() == [(2, "a", RunState.RUNNING)]


def test_the_same_release_for_another_readers_port_is_published_anew():
    world = World()
    world.publish("a")
    outcome = switch(world.job("a", line=replace(LINE, readers=Endpoint("127.0.0.1", 8081))))
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
    assert caught.value.code == (Exit.ROLLED_BACK if behaviour == "dies as server" else Exit.RELEASE)
    name = f"sealpress-{SITE}.production-2" + ("" if behaviour == "dies as server" else "-candidate")
    # What it logged can't drive the terminal.
    assert str(caught.value).split("\n")[1] == f"  | {name} says \\x1b[31mhello"
    assert (world.engine.running, world.engine.loaded) == before
    assert world.answers() == "a"


def test_a_broken_first_release_leaves_nothing_behind():
    world = World()
    with pytest.raises(Problem) as caught:
        world.publish("a", "dies as server")
    assert caught.value.code is Exit.RELEASE  # there was nothing to go back to
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
    elsewhere = replace(LINE, readers=Endpoint("0.0.0.0", 5432), knows=lambda _commit: True)
    world.journal.clear()
    with pytest.raises(Problem, match="port 5432 of a host in memory is taken: something answers") as caught:
        switch(world.job("b", line=elsewhere))
    assert caught.value.code is Exit.ENGINE
    assert steps(world) == [("look", "failed")]
    # What speaks no HTTP is seen in the flip, which is taken back.
    world.engine.behaviours["other-image"] = "hangs"
    world.journal.clear()
    with pytest.raises(Problem, match="port 5432 is already in use") as caught:
        switch(world.job("b", line=elsewhere))
    assert caught.value.code is Exit.ROLLED_BACK
    assert ("restore", "done") in steps(world)
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
    world.engine.load([f"image-again\nlocalhost/site/{SITE}:production.a2\n{SITE}\nsha256:a".encode()])
    world.engine.tag("image-again", f"localhost/site/{SITE}:production.a")
    assert world.engine.loaded["image-a"].references == ()
    assert prune.prune_images(world.engine, LINE) == ()
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
    container = Container("x", "x", RunState.EXITED, {labels.GENERATION: "٣x"}, "")
    assert generation_of(container) == 0


def test_rollback_is_a_new_generation_of_the_previous_release():
    world = World()
    for release in "abc":
        world.publish(release)
    back = rollback.choose(history.read(world.engine, LINE), None, 3)
    assert back.generation == 2
    outcome = switch(changed(world.job("b"), ship=rollback.ship_again(back, back.site.image, LINE)))
    assert outcome.generation == 4
    assert world.answers() == "b"
    # Each release stands in the list once: the old container of b is forgotten.
    assert [(number, name) for number, name, _ in world.history()] == [(4, "b"), (3, "c"), (1, "a")]


def test_rollback_to_a_generation_that_is_not_there_names_those_that_are():
    world = World()
    for release in "ab":
        world.publish(release)
    with pytest.raises(Problem) as caught:
        rollback.choose(history.read(world.engine, LINE), 7, 3)
    assert str(caught.value) == "there is no generation 7 on the host\nhint: these are there: 2, 1"


def test_rollback_of_an_only_release_is_refused():
    world = World()
    world.publish("a")
    with pytest.raises(Problem, match="there is no release before generation 1"):
        rollback.choose(history.read(world.engine, LINE), None, 3)


def test_rollback_after_somebody_else_removed_what_was_stopped_says_so_and_does_not_blame_keep():
    world = World()
    for release in "abc":
        world.publish(release)
    for one in history.read(world.engine, LINE)[1:]:
        world.engine.remove(one.site.id)
    found = history.read(world.engine, LINE)
    with pytest.raises(Problem) as caught:
        rollback.choose(found, None, 3)
    assert caught.value.message == "there is no release before generation 3 on the host"
    assert "so others were removed on the host, as by `docker container prune`" in caught.value.hint
    assert "git worktree add ../old COMMIT" in caught.value.hint
    with pytest.raises(Problem, match="docker container prune"):
        rollback.choose(found, 2, 3)
    # What publish itself lets go is none of that.
    with pytest.raises(Problem) as caught:
        rollback.choose(found, None, 1)
    assert "with `keep` = 1" in caught.value.hint
    for release in "def":
        world.publish(release)
    with pytest.raises(Problem) as caught:
        rollback.choose(history.read(world.engine, LINE), 3, 3)
    assert caught.value.hint == "these are there: 6, 5, 4"


def test_rollback_to_a_release_whose_image_is_gone_names_its_commit():
    world = World()
    for release in "ab":
        world.publish(release)
    back = rollback.choose(history.read(world.engine, LINE), None, 3)
    del world.engine.loaded["image-a"]
    with pytest.raises(Problem) as caught:
        switch(changed(world.job("a"), ship=rollback.ship_again(back, back.site.image, LINE)))
    assert "the image of generation 1 is gone from the host" in str(caught.value)
    assert "commit-of-a" in str(caught.value)
    assert world.answers() == "b"


def test_a_second_publish_at_once_is_refused():
    world = World()
    with world.host.lock(LINE.name), pytest.raises(Problem, match="another publish"):
        world.publish("a")


def test_an_image_of_another_release_than_the_one_baked_is_refused():
    world = World()
    world.publish("a")
    with pytest.raises(Problem, match="the image on the host is release sha256:a, not sha256:b"):
        switch(changed(world.job("b"), ship=world.job("a").release.images[SITE_SERVICE].ship))
    assert world.answers() == "a"
