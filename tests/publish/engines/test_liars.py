"""An engine that lies costs neither time nor memory, and what comes of it is one message with exit code 7."""

import contextlib
import functools
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from publish.engines import docker_wire
from publish.engines.docker import DockerEngine, open_engine
from publish.engines.protocol import ContainerSpec, Endpoint, Network
from publish.engines.sockets import answers
from sealpress.problems import Exit, Problem
from tests.publish.liars import ID, LIES, PODMAN, STATUSES, TRUE, Liar

pytestmark = pytest.mark.long

SPEC = ContainerSpec("blog-1", "blog:1", {8080: Endpoint("127.0.0.1", 0)})
CALLS: dict[str, tuple[Callable[[DockerEngine], object], tuple[str, ...]]] = {
    "load": (lambda one: one.load([b"archive"]), ("POST /images/load",)),
    "image": (lambda one: one.image("blog:1"), ("GET /images/NAME/json",)),
    "images": (lambda one: one.images("blog"), ("GET /images/json", "GET /images/NAME/json")),
    "tag": (lambda one: one.tag("a", "blog:1"), ("POST /images/NAME/tag",)),
    "remove_image": (lambda one: one.remove_image("blog:1"), ("DELETE /images/NAME",)),
    "containers": (lambda one: one.containers("blog"), ("GET /containers/json", "GET /containers/NAME/json")),
    "create": (lambda one: one.create(SPEC), ("POST /containers/create", "GET /containers/NAME/json")),
    "start": (lambda one: one.start(ID), ("POST /containers/NAME/start",)),
    "stop": (lambda one: one.stop(ID, 0), ("POST /containers/NAME/stop",)),
    "remove": (lambda one: one.remove(ID), ("DELETE /containers/NAME",)),
    "inspect": (lambda one: one.inspect(ID), ("GET /containers/NAME/json",)),
    "logs": (lambda one: one.logs(ID, 20), ("GET /containers/NAME/logs", "GET /containers/NAME/json")),
    "endpoint": (lambda one: one.endpoint(ID, 8080), ("GET /containers/NAME/json",)),
    "run": (
        lambda one: one.run(ID, ["caddy"]),
        ("POST /containers/NAME/exec", "POST /exec/NAME/start", "GET /exec/NAME/json"),
    ),
}
BOTH = replace(SPEC, ports={8080: Endpoint("", 80)})
SERVICE = replace(SPEC, networks=(Network("front"), Network("back")))
# Where it is Podman's, which has a network for readers of both families.
PODMAN_CALLS: dict[str, tuple[Callable[[DockerEngine], object], tuple[str, ...]]] = {
    "create": (lambda one: one.create(BOTH), ("GET /networks/NAME", "POST /networks/create")),
    "create a service": (
        lambda one: one.create(SERVICE),
        ("GET /networks/NAME", "POST /networks/NAME/connect", "GET /v4.0.0/NAME/json"),
    ),
    "start": (lambda one: one.start(ID), ("POST /networks/NAME/connect", "POST /networks/NAME/disconnect")),
    "remove": (lambda one: one.remove(ID), ("GET /networks/NAME", "DELETE /networks/NAME")),
}
OPENING = ("GET /version", "GET /info")
# Questions whose answer is a status alone, and those whose text is shown to a person as it is.
_BODILESS = {"POST /images/NAME/tag", "DELETE /images/NAME", "DELETE /containers/NAME", "GET /containers/NAME/logs"}
_BODILESS.add("POST /exec/NAME/start")
_BODILESS |= {f"POST /containers/NAME/{verb}" for verb in ("start", "stop")}


# What passes elsewhere besides "nothing is there". A table without an error is no refusal of an archive: whether the
# image is there is asked next. Of a container's settings, logs take one that docker-py asks for.
_PLAIN = {
    "load": {"empty table", "nulls", "numbers", "tables", "lists", "not UTF-8", "length that is none", "status 206"},
    "logs": {"tables"},
}


def said(call: Callable[[DockerEngine], object], one: DockerEngine) -> Problem | None:
    try:
        call(one)
    except Problem as problem:
        return problem
    return None


_open = functools.partial(open_engine, call=(1, 1), load=(1, 1))
"""With time limits of a second, so that silence is heard soon."""


@pytest.fixture
def liar() -> Iterator[Liar]:
    with (
        tempfile.TemporaryDirectory(prefix="sp-", dir="/tmp") as folder,
        contextlib.closing(Liar(Path(folder) / "s")) as one,
    ):
        yield one


@contextlib.contextmanager
def bounded(seconds: float = 10.0) -> Iterator[None]:
    """No more than some seconds and 100 MB for what stands inside."""
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert time.monotonic() - started < seconds
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_an_honest_engine_is_believed(liar):
    assert answers(liar.path)
    with contextlib.closing(_open(liar.path)) as one:
        assert one.title == "Docker 20.10.24"
        assert [image.references for image in one.images("blog")] == [("blog:1",)]
        assert [container.name for container in one.containers("blog")] == ["blog-1"]
        assert one.endpoint(ID, 8080) == Endpoint("0.0.0.0", 49153)
        for call, _ in CALLS.values():
            call(one)


@pytest.mark.parametrize("lie", LIES)
def test_whatever_is_said_before_it_is_open_is_one_message(liar, lie):
    for question in OPENING:
        liar.lies = {question: LIES[lie]}
        with bounded(), contextlib.suppress(Problem), contextlib.closing(_open(liar.path)):
            assert question == "GET /info"  # of which nothing need be there: an unknown store is the classic one
            continue
        with pytest.raises(Problem) as caught:
            _open(liar.path)
        assert caught.value.code is Exit.ENGINE
        assert len(str(caught.value)) < 3000


@pytest.mark.parametrize("lie", [*LIES, *STATUSES])
def test_whatever_is_said_to_a_question_is_one_message_or_a_plain_answer(liar, lie):
    with contextlib.closing(_open(liar.path)) as one:
        for name, (call, questions) in CALLS.items():
            for question in questions:
                liar.lies = {question: (LIES | STATUSES)[lie]}
                with bounded():
                    problem = said(call, one)
                if problem:
                    assert problem.code is Exit.ENGINE, (name, question)
                    assert len(str(problem)) < 3000
                else:
                    plain = _PLAIN.get(name, set()) | {"status 404", "reason of lists"}
                    assert question in _BODILESS or lie in plain, (name, question)


@pytest.mark.parametrize("lie", [*LIES, *STATUSES])
def test_whatever_podman_says_of_networks_is_one_message_or_a_plain_answer(liar, lie):
    liar.truths |= PODMAN
    with contextlib.closing(_open(liar.path)) as one:
        for name, (call, questions) in PODMAN_CALLS.items():
            for question in questions:
                liar.lies = {question: (LIES | STATUSES)[lie]}
                if name == "start":
                    liar.lies["POST /containers/NAME/start"] = STATUSES["status 500"]
                elif question in {"POST /networks/create", "GET /v4.0.0/NAME/json"}:
                    liar.lies["GET /networks/NAME"] = STATUSES["status 404"]
                with bounded():
                    problem = said(call, one)
                assert problem is None or (problem.code is Exit.ENGINE and len(str(problem)) < 3000), (name, question)
                # Nothing is asked to run in a network that may be anybody's.
                assert (
                    problem
                    or name != "create"
                    or question == "POST /networks/create"
                    or lie in {"status 404", "reason of lists"}
                )


@pytest.mark.parametrize("lie", LIES)
def test_a_socket_behind_which_no_engine_answers_is_none(liar, lie):
    """/_ping is asked before all else; any answer with 200 will do, none without an end."""
    liar.lies = {"GET /_ping": LIES[lie]}
    with bounded(6):
        answers(liar.path, 1)


def test_every_question_that_is_asked_is_one_of_the_table():
    calls = [*CALLS.values(), *PODMAN_CALLS.values()]
    assert {question for _, questions in calls for question in questions} | {*OPENING, "GET /_ping"} == {*TRUE}
    assert docker_wire.client.__doc__
