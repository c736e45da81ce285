"""An edge that a publish makes anew, with readers at it: of another lock, one that fails, and killed meanwhile."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from imagebake.recipes.recipe import Image
from sealpress import labels
from sealpress.problems import Exit, Problem
from tests.engine.edges import Behind, Load, edge_image, left_as_found, sealed
from tests.engine.machine import Machine
from tests.engine.perlsite import seal
from tests.engine.test_edge_sites import Dying, Killed, Wrapped

OLD, NEW = "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"
LONGEST = 10.0  # seconds without an answer; two are usual


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return sealed(tmp_path_factory.mktemp("sites") / "one", {"index.html": b"one"})


@pytest.fixture
def target(machine: Machine) -> Iterator[Behind]:
    with left_as_found(machine) as found:
        yield found


def standing(target: Behind) -> list[str]:
    """The locks of all edges that there are."""
    return [one.labels[labels.LOCK] for one in target.host.engine.containers(labels.EDGE)]


def test_a_newer_edge_takes_the_place_of_the_old_one_and_one_that_fails_does_not(
    target: Behind, machine: Machine, image: Image
) -> None:
    target = replace(target, lock=OLD)
    newer = replace(target, lock=NEW, made_of=edge_image(1))
    target.publish(image)
    edge = target.edge.container()
    with Load(machine.address, frozenset([b"one"]), readers=2).at_it() as load:
        broken = replace(newer, made_of=seal({}, name=labels.EDGE, server="exit 7;"))
        with pytest.raises(Problem) as caught:
            broken.publish(image)
        assert caught.value.code is Exit.ENGINE
        load.until(100)
        assert load.lost == []
        assert target.edge.container() == edge
        # Killed at the worst moment: the old one has stopped, and the new one was not started.
        doomed = replace(newer, host=Wrapped(target.host, Dying(target.host.engine, "stop", 1, "after")))
        with pytest.raises(Killed):
            doomed.publish(image)
        assert newer.publish(image).generation == 3
        load.until(100)
    assert max(load.silent.values()) < LONGEST
    assert standing(target) == [NEW]
    assert newer.publish(image).unchanged
    assert len(target.host.engine.images(labels.EDGE)) == 1
