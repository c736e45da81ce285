"""The releases of a line on a host: read back by label, newest first; asked, stopped, started.

A release is a server container with its image. Generations count up for each target and give the order; the newest one
is the current release. Going back to an old release makes it a new generation, with the same probing and flipping as a
publish; its old container is then forgotten, so each release stands in the list once.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from publish.engines.protocol import Container, Engine, Host, Role, RunState
from publish.probing import probe
from publish.releases.line import ReleaseLine
from sealpress import labels
from sealpress.problems import Exit, Problem

DEFAULT_PORT: Final = 8080
STOP_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Release:
    """One generation on a host. `is_current`: the newest. `answers` is None for one that doesn't run.

    `published`, "2026-11-19T02:12:54Z", and the commit's `subject` are "" for what labels don't tell.
    """

    generation: int
    release: str
    commit: str
    seal: str
    state: RunState
    image: str
    container: Container
    is_current: bool
    answers: bool | None = None
    published: str = ""
    subject: str = ""

    def as_data(self) -> dict[str, object]:
        return {
            "generation": self.generation,
            "release": self.release,
            "commit": self.commit,
            "subject": self.subject or None,
            "published": self.published or None,
            "state": str(self.state),
            "image": self.image,
            "current": self.is_current,
            "answers": self.answers,
        }


# What a container says of itself.


def is_server(container: Container) -> bool:
    return container.labels.get(labels.ROLE) == Role.SERVER


def is_candidate(container: Container) -> bool:
    return container.labels.get(labels.ROLE) == Role.CANDIDATE


def generation_of(container: Container) -> int:
    """0 for a container whose label is not a number: it then stands behind all others."""
    return _number(container.labels.get(labels.GENERATION, ""), 0)


def port_of(container: Container) -> int:
    return _number(container.labels.get(labels.PORT, ""), DEFAULT_PORT)


def _number(text: str, otherwise: int) -> int:
    return int(text) if re.fullmatch("[0-9]{1,15}", text) else otherwise


# Reading.


def containers(engine: Engine, line: ReleaseLine) -> tuple[Container, ...]:
    """All of the line's, sorted by name."""
    return tuple(one for one in engine.containers(line.site) if line.holds(one))


def read(engine: Engine, line: ReleaseLine) -> tuple[Release, ...]:
    """All releases, newest first. Candidates are none."""
    servers = sorted(filter(is_server, containers(engine, line)), key=generation_of, reverse=True)
    return tuple(
        Release(
            generation=generation_of(server),
            release=server.labels.get(labels.RELEASE, ""),
            commit=server.labels.get(labels.COMMIT, ""),
            seal=server.labels.get(labels.SEAL, ""),
            state=server.state,
            image=server.image,
            container=server,
            is_current=server is servers[0],
            published=server.labels.get(labels.PUBLISHED, ""),
            subject=server.labels.get(labels.SUBJECT, ""),
        )
        for server in servers
    )


def ask(
    host: Host,
    container_id: str,
    port: int,
    expectations: Iterable[probe.Expectation],
    fetch: probe.Fetch = probe.fetch,
) -> str | None:
    """What is wrong with a container's answers, in one line; None where all is right."""
    endpoint = host.engine.endpoint(container_id, port)
    if endpoint is None:
        return "it does not run"
    with host.reach(endpoint) as reached:
        return probe.check(reached, expectations, fetch)


def wrong_with(host: Host, container: Container, fetch: probe.Fetch = probe.fetch) -> str | None:
    """Why a container does not answer as the release that its label names; None where it does."""
    expected = probe.Expectation(probe.RELEASE_PATH, body=container.labels.get(labels.RELEASE, "").encode())
    return ask(host, container.id, port_of(container), (expected,), fetch)


def status(host: Host, line: ReleaseLine, fetch: probe.Fetch = probe.fetch) -> tuple[Release, ...]:
    """All releases, newest first, each running one asked whether it answers."""
    return tuple(
        replace(one, answers=wrong_with(host, one.container, fetch) is None) if one.state is RunState.RUNNING else one
        for one in read(host.engine, line)
    )


# Stopping and starting.


def stop(engine: Engine, line: ReleaseLine) -> tuple[Container, ...]:
    """Stops the line's servers; gives those that ran."""
    running = tuple(one for one in containers(engine, line) if is_server(one) and one.state is RunState.RUNNING)
    for one in running:
        engine.stop(one.id, STOP_SECONDS)
    return running


def start(engine: Engine, line: ReleaseLine) -> Release:
    """Starts the current release again, where it doesn't run. Raises Problem (exit 8) where there is none."""
    found = read(engine, line)
    if not found:
        raise Problem("there is no release of this site on the host", hint="publish it first", code=Exit.RELEASE)
    if found[0].state is not RunState.RUNNING:
        engine.start(found[0].container.id)
        found = read(engine, line)
    return found[0]
