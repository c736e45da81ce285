"""A release belongs to a site and a target: what serves other readers of the same host is never touched."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publish.engines.protocol import Container, ContainerSpec, Endpoint, LoadedImage, Role, RunState
from publish.probing import probe
from publish.releases import history, prune, rollback
from publish.releases.ownership import ReleaseLine, overlap
from publish.releases.release import SITE_SERVICE
from sealpress import labels
from sealpress.commands.console import Silent
from sealpress.problems import Exit, Problem
from tests.publish.deployments import changed, switch
from tests.publish.worlds import LINE, SITE, World

STAGING = replace(LINE, target="staging", readers=Endpoint("", 8081))


class Notes(Silent):
    """What is told on the way."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


def served(world: World, port: int) -> str:
    """What a reader gets there, or "" for nothing."""
    try:
        answer = world.engine.answer(Endpoint("127.0.0.1", port), probe.RELEASE_PATH)
    except Problem:
        return ""
    return answer.body.decode().strip().removeprefix("sha256:")


def generations(world: World, line: ReleaseLine) -> list[int]:
    return [one.generation for one in history.read(world.engine, line)]


def test_two_targets_on_one_host_have_releases_of_their_own():
    world = World()
    for release in "abcde":
        switch(world.job(release))
        switch(world.job(release, line=STAGING))
        assert (served(world, 80), served(world, 8081)) == (release, release)
    assert generations(world, LINE) == generations(world, STAGING) == [5, 4, 3]
    back = rollback.choose(history.read(world.engine, LINE), None, 3)
    switch(changed(world.job("d"), ship=rollback.ship_again(back, back.site.image, LINE)))
    assert (served(world, 80), served(world, 8081)) == ("d", "e")
    history.stop(world.engine, STAGING)
    assert (served(world, 80), served(world, 8081)) == ("d", "")
    assert history.start(world.engine, STAGING).state is RunState.RUNNING
    assert prune.prune(world.engine, LINE, 1) == ()
    assert (generations(world, LINE), generations(world, STAGING)) == ([6], [5, 4, 3])
    # Each image is there as long as some target has a release of it, under that target's name.
    assert sorted(name.rpartition(":")[2] for one in world.engine.images(SITE) for name in one.references) == [
        "production.d", "staging.c", "staging.d", "staging.e",
    ]  # fmt: skip


def test_a_broken_release_at_one_target_leaves_the_image_that_arrives_for_another():
    """Two publishes at once, each under a lock of its own: what has no container yet is not litter."""
    world = World()
    world.publish("a")
    arriving = world.job("b", line=STAGING)
    arriving.release.images[SITE_SERVICE].ship(world.engine, arriving.progress)
    with world.host.lock(STAGING.name), pytest.raises(Problem, match="did not become healthy"):
        world.publish("c", "dies")
    assert world.engine.image(STAGING.reference({labels.RELEASE: "sha256:b"})) is not None
    world.publish("d")
    assert switch(arriving).generation == 1


def test_a_candidate_of_another_target_is_no_leftover():
    world = World()
    told = {**STAGING.labels, labels.ROLE: "candidate"}
    candidate = ContainerSpec("candidate", "mine/blog:1", {1: Endpoint("", 0)}, told)
    made = world.engine.create(candidate)
    world.publish("a")
    assert world.engine.inspect(made.id) is not None
    switch(world.job("a", line=STAGING))
    assert world.engine.inspect(made.id) is None


def old_release(world: World, release: str, generation: int, port: int, *, runs: bool) -> Container:
    """As sealpress made them before targets were told apart."""
    world.engine.load([f"image-{release}\nlocalhost/site/{SITE}:{release}\n{SITE}\nsha256:{release}".encode()])
    told = {
        labels.SITE: SITE,
        labels.RELEASE: f"sha256:{release}",
        labels.COMMIT: "c" * 40,
        labels.GENERATION: str(generation),
        labels.ROLE: str(Role.SERVER),
        labels.READERS: f"0.0.0.0:{port} 128",
    }
    name = f"sealpress-{SITE}-{generation}"
    made = world.engine.create(
        ContainerSpec(name, f"localhost/site/{SITE}:{release}", {8080: Endpoint("0.0.0.0", port)}, told)
    )
    world.engine.start(made.id)
    if not runs:
        world.engine.stop(made.id, 1)
    return world.engine.inspect(made.id)


def test_releases_of_before_are_carried_over_by_the_target_whose_readers_they_had():
    world = World()
    old_release(world, "a", 1, 80, runs=False)
    old_release(world, "b", 2, 80, runs=True)
    other = old_release(world, "o", 3, 8081, runs=True)
    assert generations(world, LINE) == [2, 1]
    told = Notes()
    outcome = switch(changed(world.job("c"), progress=told))
    assert outcome.generation == 3
    assert told.lines[0].startswith(
        f"sealpress-{SITE}-3 goes on at 0.0.0.0:8081: the next publish to a target with that"
    )
    # Nothing but a stop and a start lay in the gap.
    assert [str(event.step) for event in outcome.journal][4:7] == ["probe", "flip", "verify"]
    assert (served(world, 80), served(world, 8081)) == ("c", "o")
    assert world.engine.inspect(other.id) == other
    back = rollback.choose(history.read(world.engine, LINE), 1, 3)
    switch(changed(world.job("a"), commit="c" * 40, ship=rollback.ship_again(back, back.site.image, LINE)))
    assert world.history() == [
        (4, "a", RunState.RUNNING),
        (3, "c", RunState.EXITED),
        (2, "b", RunState.EXITED),
    ]
    for release in "defg":
        world.publish(release)
    assert generations(world, LINE) == [8, 7, 6]
    # The old names went with the old releases; that of the other target's stays.
    names = [name for one in world.engine.images(SITE) for name in one.references if "." not in name.rpartition(":")[2]]
    assert names == [f"localhost/site/{SITE}:o"]
    switch(world.job("e", line=STAGING))
    assert (served(world, 80), served(world, 8081)) == ("g", "e")


@pytest.mark.parametrize(
    ("line", "said", "hint"),
    [
        (
            replace(STAGING, readers=LINE.readers),
            'port 80 is taken by this site\'s target "production", generation 1',
            'if "production" is what this target was called before, call it so again',
        ),
        (
            replace(STAGING, readers=Endpoint("127.0.0.1", 80)),
            'port 80 is taken by this site\'s target "production", generation 1',
            "set another `port` or `address` for [publish.staging] in site.toml",
        ),
        (
            replace(LINE, site="other", url="https://other.example/"),
            f"port 80 is taken by the site {SITE}, target production",
            f"or stop that one: sealpress-{SITE}.production-1",
        ),
        (
            replace(LINE, url="https://notes.example/"),
            f'port 80 is taken by another site that is called "{SITE}", too (https://blog.example.org/), generation 1',
            "give this one a name of its own, [image] name",
        ),
        (
            replace(LINE, folder="/home/eve/blog"),
            "port 80 is taken by this site from , generation 1",
            "`publish stop production` in that folder",
        ),
    ],
)
def test_a_port_that_another_release_has_is_told_before_anything_is_shipped(line, said, hint):
    world = World()
    world.publish("a")
    before = dict(world.engine.running), dict(world.engine.loaded)

    def ship(*_: object) -> LoadedImage:
        raise AssertionError("it was shipped")

    with pytest.raises(Problem) as caught:
        switch(changed(world.job("b", line=line), ship=ship))
    assert (caught.value.message, caught.value.code) == (said, Exit.ENGINE)
    assert hint in caught.value.hint
    assert (world.engine.running, world.engine.loaded) == before


def test_another_site_of_the_same_name_and_target_is_left_alone():
    """By its URL; and where both have the one that their template had, by its port: no commit of it is known here."""
    for other in (
        replace(LINE, url="https://notes.example/", readers=Endpoint("", 8082)),
        replace(LINE, readers=Endpoint("", 8082)),
    ):
        world = World()
        world.publish("a")
        told = Notes()
        assert switch(changed(world.job("b", line=other), progress=told)).generation == 2
        name = f"sealpress-{SITE}.production-1"
        assert (
            f"{name} goes on at {LINE.readers.address}:80: its commit is not known here, so it may be" in told.lines[0]
        )
        for release in "cdef":
            switch(world.job(release, line=other))
        assert (served(world, 80), served(world, 8082)) == ("a", "f")
        assert generations(world, LINE) == [1]
        history.stop(world.engine, other)
        assert served(world, 80) == "a"
        # Names are had once, also where generations of the two lie among one another.
        assert switch(world.job("g")).generation == 7
        assert served(world, 80) == "g"


def test_a_site_that_gets_tls_stays_the_same():
    """Also in a clone without its history, as a CI has it."""
    world = World()
    switch(world.job("a", line=replace(LINE, url="http://blog.example.org/")))
    assert world.publish("b").generation == 2
    assert world.answers() == "b"


def test_a_target_that_moves_to_another_port_or_url_takes_its_release_along():
    world = World()
    world.publish("a")
    moved = replace(
        LINE, url="https://new.example/", readers=Endpoint("", 8082), knows=lambda commit: commit == "commit-of-a"
    )
    assert switch(world.job("b", line=moved)).generation == 2
    assert (served(world, 80), served(world, 8082)) == ("", "b")
    assert generations(world, moved) == [2, 1]


def test_clones_are_kept_apart_where_the_host_does_so(tmp_path):
    world = World()
    for name in ("ada", "eve"):
        (tmp_path / name).mkdir()
    ada = replace(LINE, folder=str(tmp_path / "ada"))
    eve = replace(LINE, folder=str(tmp_path / "eve"), readers=Endpoint("", 8082))
    assert ada.name != eve.name
    for line in (ada, eve):
        assert switch(world.job("a", line=line)).generation == 1
    switch(world.job("b", line=eve))
    assert (served(world, 80), served(world, 8082)) == ("a", "b")
    assert (generations(world, ada), generations(world, eve)) == ([1], [2, 1])
    with pytest.raises(Problem) as caught:
        switch(world.job("b", line=replace(eve, readers=LINE.readers)))
    assert caught.value.message == f"port 80 is taken by this site from {ada.folder}, generation 1"


def test_what_a_clone_that_was_moved_or_removed_has_left_is_taken_over(tmp_path):
    """By one that has its port, since nothing else could stop it."""
    world = World()
    (tmp_path / "one").mkdir()
    one = replace(LINE, folder=str(tmp_path / "one"))
    switch(world.job("a", line=one))
    (tmp_path / "one").rename(tmp_path / "two")
    two = replace(LINE, folder=str(tmp_path / "two"))
    assert generations(world, two) == [1]
    assert generations(world, replace(two, target="staging")) == []
    assert generations(world, replace(two, readers=Endpoint("", 8082))) == []
    assert switch(world.job("b", line=two)).generation == 2
    assert (served(world, 80), generations(world, two)) == ("b", [2, 1])
    for release in "cde":
        switch(world.job(release, line=two))
    assert [name for image in world.engine.images(SITE) for name in image.references if one.owns(name)] == []


def test_a_commit_of_what_was_published_before_it_was_committed_is_a_release_of_its_own():
    world = World()
    switch(changed(world.job("a"), commit=""))
    outcome = world.publish("a")
    assert (outcome.unchanged, outcome.generation) == (False, 2)
    assert outcome.site.labels[labels.COMMIT] == "commit-of-a"
    assert world.publish("a").unchanged
    # So is another statement of what it was made from.
    assert switch(changed(world.job("a"), seal="sha256:5ea1")).generation == 3


def test_no_two_lines_share_a_name():
    """Whatever sites and targets are called: names of containers, of images and of locks are had once."""
    sites = ["a", "a-b", "a.b", "a-b.c"]
    lines = [
        ReleaseLine(site, target, LINE.readers, folder=folder)
        for site in sites
        for target in ("b", "b-c", "c", "b-1", "candidate")
        for folder in ("", "/x", "/y")
    ]
    names = [
        *(one.name for one in lines),
        *(one.container_name(n, role) for one in lines for n in (1, 11) for role in Role),
        *(one.reference({labels.RELEASE: "sha256:1"}) for one in lines),
        *(one.arriving for one in lines),
    ]
    assert [first for first, second in pairwise(sorted(names)) if first == second] == []
    for one in lines:
        assert [other for other in lines if other.owns(one.arriving)] == [one]
    assert not lines[0].owns("localhost/site/a:1")
    assert not lines[0].owns("mine/a:b.1")


ADDRESSES = st.sampled_from(["", "0.0.0.0", "::", "127.0.0.1", "127.0.0.2", "::1", "0:0:0:0:0:0:0:1", "strange"])


@given(ADDRESSES, ADDRESSES)
def test_two_addresses_meet_where_one_listener_would_refuse_the_other(one, other):
    assert overlap(Endpoint(one, 80), Endpoint(other, 80)) == overlap(Endpoint(other, 80), Endpoint(one, 80))
    assert not overlap(Endpoint(one, 80), Endpoint(other, 81))
    assert overlap(Endpoint(one, 80), Endpoint(one, 80))


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("", "127.0.0.1", True),
        ("", "::1", True),
        ("0.0.0.0", "127.0.0.1", True),
        ("0.0.0.0", "::1", False),
        ("::", "::1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("::1", "0:0:0:0:0:0:0:1", True),
    ],
)
def test_which_addresses_meet(one, other, meet):
    assert overlap(Endpoint(one, 80), Endpoint(other, 80)) is meet
