"""The releases of a line on a host: read back by label, newest first; asked, stopped, started.

Generations count up for each target and give the order; the newest one is the current release. Going back to an old
release makes it a new generation, with the same probing and flipping as a publish; its old containers are then
forgotten, so each release stands in the list once.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from publish.engines.protocol import Container, ContainerEngine, Host, RunState
from publish.probing import probe
from publish.releases.ownership import ReleaseLine
from publish.releases.reach import endpoint_of
from publish.releases.release import (
    Release,
    answer_of,
    generation_of,
    generations,
    is_candidate,
    is_server,
    place_of,
    port_of,
)
from sealpress.problems import ReleaseProblem

STOP_SECONDS: Final = 5


def containers(engine: ContainerEngine, line: ReleaseLine) -> tuple[Container, ...]:
    """All of the line's, sorted by name."""
    return tuple(one for one in engine.containers(line.site) if line.holds(one))


def read(engine: ContainerEngine, line: ReleaseLine) -> tuple[Release, ...]:
    """All releases, newest first. Candidates are none."""
    found = generations(filter(is_server, containers(engine, line)))
    return tuple(Release(one, made_of, is_current=one == max(found)) for one, made_of in found.items())


def ask(
    host: Host,
    container_id: str,
    port: int,
    expectations: Iterable[probe.Expectation],
    fetch: probe.Fetch = probe.fetch,
) -> str | None:
    """What is wrong with a container's answers, in one line; None where all is right."""
    endpoint = endpoint_of(host.engine, container_id, port)
    if endpoint is None:
        return "it does not run"
    with host.reach(endpoint) as reached:
        return probe.check(reached, expectations, fetch)


def wrong_with(host: Host, asked: Iterable[Container], fetch: probe.Fetch = probe.fetch) -> str | None:
    """Why the first of these that does so does not answer as its labels tell; None where all do."""
    wrong = (ask(host, one.id, port_of(one), (answer_of(one),), fetch) for one in asked)
    return next(filter(None, wrong), None)


def status(host: Host, line: ReleaseLine, fetch: probe.Fetch = probe.fetch) -> tuple[Release, ...]:
    """All releases, newest first, each that runs asked whether it answers."""
    return tuple(
        replace(one, answers=wrong_with(host, one.containers, fetch) is None) if one.runs else one
        for one in read(host.engine, line)
    )


def stop(engine: ContainerEngine, line: ReleaseLine) -> tuple[Container, ...]:
    """Stops the line's servers; gives those that ran."""
    running = tuple(one for one in containers(engine, line) if is_server(one) and one.state is RunState.RUNNING)
    for one in running:
        engine.stop(one.id, STOP_SECONDS)
    return running


def start(engine: ContainerEngine, line: ReleaseLine) -> Release:
    """Starts the current release again, where it doesn't run. Raises Problem (exit 8) where there is none."""
    found = read(engine, line)
    if not found:
        raise ReleaseProblem("there is no release of this site on the host", hint="publish it first")
    stopped = [one for one in found[0].containers if one.state is not RunState.RUNNING]
    for one in stopped:
        engine.start(one.id)
    return read(engine, line)[0] if stopped else found[0]


def settle(host: Host, line: ReleaseLine) -> tuple[str, ...]:
    """Puts right what a publish that died has left, and tells what was done. Nothing left: nothing happens.

    Candidates are there only while a publish is under way. What that publish itself put in front of readers is trusted
    only where all of it runs; if it died between its stop and its start, the newest release that ran before it is
    started, whatever of it was stopped already.
    """
    engine = host.engine
    found = containers(engine, line)
    candidates = [one for one in found if is_candidate(one)]
    servers = generations(filter(is_server, found))
    cut_off = {generation_of(one) for one in candidates}
    whole = {one for one in cut_off if _stands(servers.get(one, ()), candidates, one)}
    left: list[Container] = []
    done: list[str] = []
    for generation, made_of in servers.items():
        for one in made_of:
            if one.state is RunState.CREATED or generation in cut_off - whole:
                engine.remove(one.id)
                done.append(f"removed {one.name}, which a publish that was cut off has left")
            else:
                left.append(one)
    if candidates:
        serving = {generation_of(one) for one in left if one.state is RunState.RUNNING}
        last = max(serving or map(generation_of, left), default=0)
        for one in left:
            if generation_of(one) == last and one.state is not RunState.RUNNING:
                engine.start(one.id)
                done.append(f"started {one.name} again, which a publish that was cut off had stopped")
    for one in candidates:
        engine.remove(one.id)
        done.append(f"removed {one.name}, which a publish that was cut off has left")
    return tuple(done)


def _stands(servers: tuple[Container, ...], candidates: list[Container], generation: int) -> bool:
    """Whether all servers of a generation run, one for each of its candidates."""
    wanted = {place_of(one) for one in candidates if generation_of(one) == generation}
    running = {place_of(one) for one in servers if one.state is RunState.RUNNING}
    return wanted <= running and len(running) == len(servers)
