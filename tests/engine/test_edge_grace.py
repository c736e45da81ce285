"""Files that only pages of before ask for, through a real edge: from the release of before, while its time lasts."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace

import pytest

from imagebake.recipes.recipe import Image
from publish.edge.flip import ThroughEdge
from publish.engines.protocol import RunState
from publish.releases import history
from sealpress.problems import Exit, Problem
from tests.engine.edges import Behind, ask, left_as_found, sealed, states
from tests.engine.machine import Machine
from tests.engine.perlsite import seal

OLD, NEW = "/look-1a2b3c4d5e.css", "/look-9f8e7d6c5b.css"
SHEET = b"body { color: black; }\n" * 200  # long enough to be compressed
PAGES = {
    "one": {"index.html": b"one", OLD[1:]: SHEET, "about/index.html": b"about", "2025-12345678.txt": b"a date"},
    "two": {"index.html": b"two", NEW[1:]: b"body { color: white; }"},
    "three": {"index.html": b"three"},
}


class Cut(ThroughEdge):
    """Whose connection is cut right after the flip."""

    __slots__ = ()

    def forward(self, engine, old, new):
        super().forward(engine, old, new)
        raise Problem("the connection was cut", code=Exit.HOST)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Image]:
    folder = tmp_path_factory.mktemp("sites")
    return {name: sealed(folder / name, pages) for name, pages in PAGES.items()}


@pytest.fixture
def target(machine: Machine) -> Iterator[Behind]:
    with left_as_found(machine, keeps=True) as found:
        yield replace(found, grace=3600)


def test_the_release_of_before_is_asked_for_what_is_kept_for_ever_and_for_nothing_else(
    target: Behind, machine: Machine, images: Mapping[str, Image]
) -> None:
    target.publish(images["one"])
    status, before, body = ask(machine, OLD)
    assert (status, body) == (200, SHEET)
    target.publish(images["two"])
    assert states(target) == [(2, RunState.RUNNING), (1, RunState.RUNNING)]
    status, headers, body = ask(machine, OLD)
    assert (status, body) == (200, SHEET)
    unlike = {"date", "server"}
    assert sorted((k, v) for k, v in headers.items() if k.lower() not in unlike) == sorted(
        (k, v) for k, v in before.items() if k.lower() not in unlike
    )
    # HEAD, a range, what a browser has still, and compressed.
    assert (ask(machine, OLD, "HEAD")[0], ask(machine, OLD, "HEAD")[2]) == (200, b"")
    assert ask(machine, OLD, "HEAD")[1]["Content-Length"] == str(len(SHEET))
    assert [ask(machine, OLD, Range="bytes=5-8")[at] for at in (0, 2)] == [206, SHEET[5:9]]
    assert [ask(machine, OLD, If_None_Match=headers["ETag"])[at] for at in (0, 2)] == [304, b""]
    assert ask(machine, OLD, Accept_Encoding="gzip")[1]["Content-Encoding"] == "gzip"
    assert ask(machine, OLD, "POST")[0] in {404, 405}
    # All else is the current release's own, its page for what is not there, too.
    for path in ("/about/", "/2025-12345678.txt", "/never-0a0a0a0a0a.css", "/nothing"):
        status, headers, body = ask(machine, path)
        assert (status, body, headers["Cache-Control"]) == (404, b"not here", "no-cache"), path
    # Its end is no reason to answer anything but that.
    previous = history.read(target.host.engine, target.line)[1]
    target.host.engine.stop(previous.site.id, 1)
    assert [ask(machine, OLD)[at] for at in (0, 2)] == [404, b"not here"]
    assert ask(machine, NEW)[0] == 200


def test_it_ends_with_the_next_release_or_the_first_publish_after_its_time(
    target: Behind, machine: Machine, images: Mapping[str, Image]
) -> None:
    target.publish(images["one"])
    target.publish(images["two"])
    # A release that fails takes nothing from it.
    with pytest.raises(Problem) as caught:
        target.publish(seal({"index.html": "four"}, server="exit 7;"))
    assert caught.value.code is Exit.RELEASE
    with pytest.raises(Problem) as caught:
        target.publish(images["three"], flip=Cut(*(getattr(target.flip, one.name) for one in fields(target.flip))))
    assert caught.value.code is Exit.ROLLED_BACK
    assert ask(machine)[2] == b"two"
    assert ask(machine, OLD)[2] == SHEET
    assert target.publish(images["two"]).unchanged
    assert states(target) == [(2, RunState.RUNNING), (1, RunState.RUNNING)]

    target.publish(images["three"])
    assert states(target) == [(3, RunState.RUNNING), (2, RunState.RUNNING), (1, RunState.EXITED)]
    assert [ask(machine, path)[0] for path in (OLD, NEW)] == [404, 200]

    later = replace(target.flip, now=lambda: 4e9)
    assert target.publish(images["three"], flip=later).unchanged
    assert states(target) == [(3, RunState.RUNNING), (2, RunState.EXITED), (1, RunState.EXITED)]
    assert [ask(machine, path)[0] for path in (OLD, NEW, "/")] == [404, 404, 200]


def test_a_rollback_within_its_time_gives_the_files_of_both(
    target: Behind, machine: Machine, images: Mapping[str, Image]
) -> None:
    target.publish(images["one"])
    target.publish(images["two"])
    target.roll_back()
    assert [ask(machine, path)[2] for path in ("/", OLD, NEW)] == [b"one", SHEET, b"body { color: white; }"]
    assert [state for _, state in states(target)] == [RunState.RUNNING, RunState.RUNNING]
    history.stop(target.host.engine, target.line)
    target.flip.stop()
    assert {state for _, state in states(target)} == {RunState.EXITED}
