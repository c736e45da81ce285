"""Whether containers of a release answer as it: asked until they do, or until the time is over."""

from typing import Final

from publish.deploy.deployment import Deployment
from publish.engines.protocol import Container, Endpoint, RunState
from publish.probing import probe
from publish.releases import history
from publish.releases.release import SITE_SERVICE, service_of
from sealpress.problems import Problem, ReleaseProblem

LOG_LINES: Final = 20


def wrong_with(one: Deployment, containers: tuple[Container, ...]) -> str | None:
    """Why the first of these that does so does not answer as its part of the release; None where all do."""
    return next(filter(None, (_ask(one, container) for container in containers)), None)


def must_answer(one: Deployment, container: Container, failing: str) -> None:
    """Waits until a container answers. Raises Problem (exit 8) with its last log lines where it doesn't in time.

    `failing`: how a sentence about it goes on, "did not become healthy".
    """
    is_all = len([*one.release.replicas()]) == 1
    sentence = f"the new release {failing}" if is_all else f"{container.name} of the new release {failing}"

    def check_once() -> str | None:
        if wrong := _ask(one, container):
            now = one.engine.inspect(container.id)
            if now is None or now.state is RunState.EXITED:
                code = "" if now is None or now.exit_code is None else f" with code {now.exit_code}"
                raise _unhealthy(one, container, f"{sentence}: it ended{code}")
            return wrong
        return None

    if wrong := probe.wait(check_once, one.timeout, one.clock):
        raise _unhealthy(one, container, f"{sentence} in {one.timeout} s: {wrong}")


def through_edge(one: Deployment, before: tuple[Container, ...]) -> None:
    """Waits until readers get the release. Raises Problem (exit 8) where they don't in time."""

    def check_once() -> str | None:
        return wrong_through_edge(one, before, is_last=False)

    if probe.wait(check_once, one.timeout, one.clock) and (wrong := wrong_through_edge(one, before)):
        raise ReleaseProblem(f"the new release was healthy, but readers do not get it through the edge: {wrong}")


def wrong_through_edge(one: Deployment, before: tuple[Container, ...], *, is_last: bool = True) -> str | None:
    """Why readers do not get the release; None where they do. The rest as Flip.wrong_for_readers."""
    (service,) = (each for each in one.release.services if each.name == SITE_SERVICE)

    def check(endpoint: Endpoint) -> str | None:
        with one.host.reach(endpoint) as reached:
            return probe.check(reached, one.release.answers(service), one.fetch)

    return one.flip.wrong_for_readers(check, before, is_last=is_last)


def _unhealthy(one: Deployment, container: Container, sentence: str) -> Problem:
    """Logs come from outside, and are worth more than the certainty of having them."""
    try:
        logs = one.engine.logs(container.id, LOG_LINES).strip("\n")
    except Problem as problem:
        logs = f"(no logs: {problem.message})"
    return ReleaseProblem(sentence, said=logs.splitlines() or ["(it logged nothing)"])


def _ask(one: Deployment, container: Container) -> str | None:
    service = next(each for each in one.release.services if each.name == service_of(container))
    return history.ask(one.host, container.id, service.port, one.release.answers(service), one.fetch)
