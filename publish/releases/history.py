"""The releases of a line on a host: read back by label, newest first; which one to go back to; which ones to forget.

A release is a server container with its image. Generations count up for each target and give the order; the newest one
is the current release. Going back to an old release makes it a new generation, with the same probing and flipping as a
publish; its old container is then forgotten, so each release stands in the list once.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from publish.engines.protocol import Container, Engine, Host, LoadedImage, Role, RunState
from publish.probing import probe
from publish.releases.line import Line
from sealpress import labels
from sealpress.console import Progress
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


def containers(engine: Engine, line: Line) -> tuple[Container, ...]:
    """All of the line's, sorted by name."""
    return tuple(one for one in engine.containers(line.site) if line.holds(one))


def read(engine: Engine, line: Line) -> tuple[Release, ...]:
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


def status(host: Host, line: Line, fetch: probe.Fetch = probe.fetch) -> tuple[Release, ...]:
    """All releases, newest first, each running one asked whether it answers."""
    return tuple(
        replace(one, answers=wrong_with(host, one.container, fetch) is None) if one.state is RunState.RUNNING else one
        for one in read(host.engine, line)
    )


# Going back.


def choose(found: tuple[Release, ...], to: int | None, keep: int) -> Release:
    """The release to go back to: generation `to`, or the one before the current. Raises Problem (exit 2, 8)."""
    if not found:
        raise Problem("there is no release of this site on the host", hint="publish it first", code=Exit.RELEASE)
    have = ", ".join(str(one.generation) for one in found)
    newest = found[0].generation
    if to is not None:
        for one in found:
            if one.generation == to:
                return one
        is_lost = newest - keep < to < newest and len(found) < keep
        hint = f"these are there: {have}" + (f"; {_lost(keep)}" if is_lost else "")
        raise Problem(f"there is no generation {to} on the host", hint=hint, code=Exit.USAGE)
    if len(found) > 1:
        return found[1]
    if newest == 1:
        hint = "it is the first one"
    elif keep == 1:
        hint = f"with `keep` = 1 in site.toml, publish keeps none to go back to; {_AGAIN}"
    else:
        hint = _lost(keep)
    raise Problem(f"there is no release before generation {newest} on the host", hint=hint, code=Exit.RELEASE)


_AGAIN: Final = (
    "an older commit can be published again: git worktree add ../old COMMIT, publish --site ../old/site.toml"
)


def _lost(keep: int) -> str:
    """What became of releases that publish itself would have left there."""
    return (
        f"publish keeps {keep}, as `keep` in site.toml says, so others were removed on the host, as by `docker "
        f"container prune`, which takes all that is stopped; {_AGAIN}"
    )


def ship_again(release: Release, line: Line) -> Callable[[Engine, Progress], LoadedImage]:
    """In the place of shipping: the image that an old release left on the host, under the line's own name."""

    def look_up(engine: Engine, progress: Progress) -> LoadedImage:
        del progress
        if image := engine.image(release.image):
            name = line.reference(image.labels)
            if name not in image.references:
                engine.tag(image.id, name)
            return engine.image(name) or image
        raise Problem(
            f"the image of generation {release.generation} is gone from the host",
            hint=f"publish its commit again: {release.commit}" if release.commit else None,
            code=Exit.ENGINE,
        )

    return look_up


# Putting right, stopping, forgetting.


def settle(host: Host, line: Line) -> tuple[str, ...]:
    """Puts right what a publish that died has left, and tells what was done. Nothing left: nothing happens.

    A candidate is there only while a publish is under way. If one died between its stop and its start, no server runs:
    then the newest one that ran before it is started. Its own server is trusted only where it runs.
    """
    engine = host.engine
    found = containers(engine, line)
    candidates = [one for one in found if is_candidate(one)]
    servers = [one for one in found if is_server(one)]
    stale = {generation_of(one) for one in candidates}
    done: list[str] = []
    for one in servers:
        # A server that never ran, or that its own publish did not see through.
        if one.state is RunState.CREATED or (one.state is RunState.EXITED and generation_of(one) in stale):
            engine.remove(one.id)
            done.append(f"removed {one.name}, which a publish that was cut off has left")
    if candidates and not any(one.state is RunState.RUNNING for one in servers):
        ran = [one for one in servers if one.state is RunState.EXITED and generation_of(one) not in stale]
        if ran:
            last = max(ran, key=generation_of)
            engine.start(last.id)
            done.append(f"started {last.name} again, which a publish that was cut off had stopped")
    for one in candidates:
        engine.remove(one.id)
        done.append(f"removed {one.name}, which a publish that was cut off has left")
    return tuple(done)


def remove_candidates(engine: Engine, line: Line) -> tuple[str, ...]:
    """Removes the line's candidates. What could not be removed is told, one line each."""
    return _each(
        [(one.name, one.id) for one in containers(engine, line) if is_candidate(one)],
        engine.remove,
    )


def prune(engine: Engine, line: Line, keep: int) -> tuple[str, ...]:
    """Forgets candidates, and all releases but the newest `keep`, by label and generation alone.

    A running server always stays. Of two generations that are alike in release, commit and seal only the newer one
    counts. Images go when no container of the site is made from them. What could not be removed is told, one line each.
    """
    warnings = remove_candidates(engine, line)
    kept: set[tuple[str, str, str]] = set()
    forgotten: list[Release] = []
    for one in read(engine, line):
        identity = (one.release, one.commit, one.seal)
        stays = len(kept) < max(keep, 1) and identity not in kept
        if stays or one.state is RunState.RUNNING:
            kept.add(identity)
        else:
            forgotten.append(one)
    removed = _each([(one.container.name, one.container.id) for one in forgotten], engine.remove)
    return (*warnings, *removed, *prune_images(engine, line, [one.image for one in forgotten]))


def prune_images(engine: Engine, line: Line, forgotten: Iterable[str] = ()) -> tuple[str, ...]:
    """Removes the line's names of images which no container of the site is made from.

    Releases of before had other names: of those only what `forgotten` ones were made from goes. An image that lost its
    last name goes too, as soon as no container is made from it; which ones those are only the engine knows, so its
    refusal counts as an answer.
    """
    used = {one.image for one in engine.containers(line.site)}
    images = engine.images(line.site)
    for image in images:
        if not image.references:
            with suppress(Problem):
                engine.remove_image(image.id)
    ours = {name for name in forgotten if name.startswith(f"localhost/site/{line.site}:")}
    names = [name for image in images for name in image.references if line.owns(name) or name in ours]
    return _each([(name, name) for name in names if name not in used], engine.remove_image)


def stop(engine: Engine, line: Line) -> tuple[Container, ...]:
    """Stops the line's servers; gives those that ran."""
    running = tuple(one for one in containers(engine, line) if is_server(one) and one.state is RunState.RUNNING)
    for one in running:
        engine.stop(one.id, STOP_SECONDS)
    return running


def start(engine: Engine, line: Line) -> Release:
    """Starts the current release again, where it doesn't run. Raises Problem (exit 8) where there is none."""
    found = read(engine, line)
    if not found:
        raise Problem("there is no release of this site on the host", hint="publish it first", code=Exit.RELEASE)
    if found[0].state is not RunState.RUNNING:
        engine.start(found[0].container.id)
        found = read(engine, line)
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
