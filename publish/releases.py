"""The releases of a site on a host: read back by label, newest first; which one to go back to; which ones to forget.

A release is a server container with its image. Generations count up on each host and give the order; the newest one is
the current release. Going back to an old release makes it a new generation, with the same probing and flipping as a
publish; its old container is then forgotten, so each release stands in the list once.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from publish import probe
from publish.host import (
    LABEL_COMMIT,
    LABEL_GENERATION,
    LABEL_RELEASE,
    LABEL_ROLE,
    Container,
    Engine,
    Host,
    LoadedImage,
    Role,
    State,
)
from sealpress.console import Progress
from sealpress.problems import Exit, Problem

# What else a server's labels tell, so that it can be asked and compared without site.toml.
LABEL_READERS: Final = "org.sealpress.readers"  # "ADDRESS:PORT MEMORY": what it was created for
LABEL_PORT: Final = "org.sealpress.port"  # the port inside the container

DEFAULT_PORT: Final = 8080
STOP_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Release:
    """One generation on a host. `is_current`: the newest. `answers` is None for one that doesn't run."""

    generation: int
    release: str
    commit: str
    state: State
    image: str
    container: Container
    is_current: bool
    answers: bool | None = None

    def as_data(self) -> dict[str, object]:
        return {
            "generation": self.generation,
            "release": self.release,
            "commit": self.commit,
            "state": str(self.state),
            "image": self.image,
            "current": self.is_current,
            "answers": self.answers,
        }


# What a container says of itself.


def container_name(site: str, generation: int, role: Role) -> str:
    suffix = "-candidate" if role is Role.CANDIDATE else ""
    return f"sealpress-{site}-{generation}{suffix}"


def is_server(container: Container) -> bool:
    return container.labels.get(LABEL_ROLE) == Role.SERVER


def is_candidate(container: Container) -> bool:
    return container.labels.get(LABEL_ROLE) == Role.CANDIDATE


def generation_of(container: Container) -> int:
    """0 for a container whose label is not a number: it then stands behind all others."""
    return _number(container.labels.get(LABEL_GENERATION, ""), 0)


def port_of(container: Container) -> int:
    return _number(container.labels.get(LABEL_PORT, ""), DEFAULT_PORT)


def is_our_name(reference: str, site: str) -> bool:
    """Whether an image's name is one that sealpress gives: `localhost/site/NAME:DIGEST`. A user's own tag is not."""
    return reference.startswith(f"localhost/site/{site}:")


def _number(text: str, otherwise: int) -> int:
    return int(text) if re.fullmatch("[0-9]{1,15}", text) else otherwise


# Reading.


def read(engine: Engine, site: str) -> tuple[Release, ...]:
    """All releases, newest first. Candidates are none."""
    servers = sorted(filter(is_server, engine.containers(site)), key=generation_of, reverse=True)
    return tuple(
        Release(
            generation=generation_of(server),
            release=server.labels.get(LABEL_RELEASE, ""),
            commit=server.labels.get(LABEL_COMMIT, ""),
            state=server.state,
            image=server.image,
            container=server,
            is_current=server is servers[0],
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
    expected = probe.Expectation(probe.RELEASE_PATH, body=container.labels.get(LABEL_RELEASE, "").encode())
    return ask(host, container.id, port_of(container), (expected,), fetch)


def status(host: Host, site: str, fetch: probe.Fetch = probe.fetch) -> tuple[Release, ...]:
    """All releases, newest first, each running one asked whether it answers."""
    return tuple(
        replace(one, answers=wrong_with(host, one.container, fetch) is None) if one.state is State.RUNNING else one
        for one in read(host.engine, site)
    )


# Going back.


def choose(found: tuple[Release, ...], to: int | None) -> Release:
    """The release to go back to: generation `to`, or the one before the current. Raises Problem (exit 2, 8)."""
    have = ", ".join(str(one.generation) for one in found)
    if not found:
        raise Problem("there is no release of this site on the host", code=Exit.RELEASE)
    if to is not None:
        for one in found:
            if one.generation == to:
                return one
        raise Problem(f"there is no generation {to} on the host", hint=f"these are there: {have}", code=Exit.USAGE)
    if len(found) == 1:
        raise Problem(
            f"there is no release before generation {have}",
            hint="publish keeps as many as `keep` in site.toml says; an older commit can be published again",
            code=Exit.RELEASE,
        )
    return found[1]


def ship_again(release: Release) -> Callable[[Engine, Progress], LoadedImage]:
    """In the place of shipping: the image that an old release left on the host."""

    def look_up(engine: Engine, progress: Progress) -> LoadedImage:
        del progress
        if image := engine.image(release.image):
            return image
        raise Problem(
            f"the image of generation {release.generation} is gone from the host",
            hint=f"publish its commit again: {release.commit}" if release.commit else None,
            code=Exit.ENGINE,
        )

    return look_up


# Putting right, stopping, forgetting.


def settle(host: Host, site: str) -> tuple[str, ...]:
    """Puts right what a publish that died has left, and tells what was done. Nothing left: nothing happens.

    A candidate is there only while a publish is under way. If one died between its stop and its start, no server runs:
    then the newest one that ran before it is started. Its own server is trusted only where it runs.
    """
    engine = host.engine
    containers = engine.containers(site)
    candidates = [one for one in containers if is_candidate(one)]
    servers = [one for one in containers if is_server(one)]
    stale = {generation_of(one) for one in candidates}
    done: list[str] = []
    for one in servers:
        # A server that never ran, or that its own publish did not see through.
        if one.state is State.CREATED or (one.state is State.EXITED and generation_of(one) in stale):
            engine.remove(one.id)
            done.append(f"removed {one.name}, which a publish that was cut off has left")
    if candidates and not any(one.state is State.RUNNING for one in servers):
        ran = [one for one in servers if one.state is State.EXITED and generation_of(one) not in stale]
        if ran:
            last = max(ran, key=generation_of)
            engine.start(last.id)
            done.append(f"started {last.name} again, which a publish that was cut off had stopped")
    for one in candidates:
        engine.remove(one.id)
        done.append(f"removed {one.name}, which a publish that was cut off has left")
    return tuple(done)


def remove_candidates(engine: Engine, site: str) -> tuple[str, ...]:
    """Removes the site's candidates. What could not be removed is told, one line each."""
    return _each(
        [(one.name, one.id) for one in engine.containers(site) if is_candidate(one)],
        engine.remove,
    )


def prune(engine: Engine, site: str, keep: int) -> tuple[str, ...]:
    """Forgets candidates, and all releases but the newest `keep`, by label and generation alone.

    A running server always stays. Of two generations of one release only the newer one counts. Images go when no
    container of the site is made from them. What could not be removed is told, one line each.
    """
    warnings = remove_candidates(engine, site)
    kept: set[str] = set()
    forget: list[tuple[str, str]] = []
    for one in read(engine, site):
        stays = len(kept) < max(keep, 1) and one.release not in kept
        if stays or one.state is State.RUNNING:
            kept.add(one.release)
        else:
            forget.append((one.container.name, one.container.id))
    return (*warnings, *_each(forget, engine.remove), *prune_images(engine, site))


def prune_images(engine: Engine, site: str) -> tuple[str, ...]:
    """Removes the names that sealpress gave to images which no container of the site is made from.

    An image that lost its name to a newer one of the same release goes too, as soon as no container is made from it;
    which ones those are only the engine knows, so its refusal counts as an answer.
    """
    used = {one.image for one in engine.containers(site)}
    images = engine.images(site)
    for image in images:
        if not image.references:
            with suppress(Problem):
                engine.remove_image(image.id)
    names = [name for image in images for name in image.references if is_our_name(name, site) and name not in used]
    return _each([(name, name) for name in names], engine.remove_image)


def stop(engine: Engine, site: str) -> tuple[Container, ...]:
    """Stops the site's servers; gives those that ran."""
    running = tuple(one for one in engine.containers(site) if is_server(one) and one.state is State.RUNNING)
    for one in running:
        engine.stop(one.id, STOP_SECONDS)
    return running


def start(engine: Engine, site: str) -> Release:
    """Starts the current release again, where it doesn't run. Raises Problem (exit 8) where there is none."""
    found = read(engine, site)
    if not found:
        raise Problem("there is no release of this site on the host", hint="publish it first", code=Exit.RELEASE)
    if found[0].state is not State.RUNNING:
        engine.start(found[0].container.id)
    return found[0]


def _each(items: list[tuple[str, str]], remove: Callable[[str], None]) -> tuple[str, ...]:
    """Removes one after the other; one that can't be removed does not stop the rest."""
    warnings: list[str] = []
    for name, key in items:
        try:
            remove(key)
        except Problem as problem:
            warnings.append(f"{name} could not be removed: {problem.message}")
    return tuple(warnings)
