"""Committing what was staged on a host, so that readers see it: flip, verify, prune. And taking it back: restore,
discard.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from publish.deploy.deployment import Deployment, HostState, names
from publish.deploy.health import must_answer, through_edge, wrong_through_edge, wrong_with
from publish.engines.protocol import Role, RunState
from publish.probing import probe
from publish.releases import history
from publish.releases import prune as pruning
from publish.releases.release import generation_of, is_server
from sealpress.problems import Problem, ReleaseProblem, StandingProblem


def flip(one: Deployment, state: HostState) -> HostState:
    if gap := one.flip.gap(state.before):
        one.progress.note(gap)
    servers = one.flip.forward(one.engine, state.before, one.specs(state, Role.SERVER))
    return replace(state, servers=servers, detail=names(servers))


def verify(one: Deployment, state: HostState) -> HostState:
    for server, (service, replica) in zip(state.servers, one.release.replicas(), strict=True):
        where = f" on the readers' port {service.endpoint(Role.SERVER, replica).port}" if service.readers else ""
        must_answer(one, server, f"was healthy, but does not answer{where}")
    if one.line.hosts:
        through_edge(one, state.before)
    return state


_ROUND: Final = 1.0  # seconds between two looks at a canary


def watch(one: Deployment, state: HostState) -> HostState:
    """Of a canary, whose readers have the release before all others. Raises Problem (exit 8) where it does not answer
    twice in a row: once can be the way there.
    """
    until = one.clock.now() + one.watch
    while one.clock.now() < until:
        one.clock.sleep(_ROUND)
        if _wrong_with_canary(one, state):
            one.clock.sleep(_ROUND)
            if wrong := _wrong_with_canary(one, state):
                raise ReleaseProblem(f"the new release answered, and then no more: {wrong}")
    return replace(state, detail=f"{one.watch} s")


def _wrong_with_canary(one: Deployment, state: HostState) -> str | None:
    return wrong_with(one, state.servers) or (wrong_through_edge(one, state.before) if one.line.hosts else None)


def prune(one: Deployment, state: HostState) -> HostState:
    ours = history.containers(one.engine, one.line)
    old = (each for each in ours if is_server(each) and generation_of(each) != state.generation)
    one.flip.retire(one.engine, tuple(each for each in old if each.state is RunState.RUNNING))
    warnings = pruning.prune(one.engine, one.line, one.keep)
    return replace(state, warnings=state.warnings + warnings)


PAUSES: Final = (0.5, 2.0)  # before the second and the third attempt to put the old servers back


def restore(one: Deployment, state: HostState) -> HostState:
    """Tries more than once: a site that is down is worth it. Raises Problem (exit 13) where it stays so."""
    for pause in (*PAUSES, None):
        try:
            _back(one, state)
            break
        except (Exception, KeyboardInterrupt) as error:
            if pause is None:
                said = error.message if isinstance(error, Problem) else repr(error)
                raise _needs_hand(one, state, f"could not be put back: {said}") from error
            one.clock.sleep(pause)
    wrong = probe.wait(lambda: history.wrong_with(one.host, state.before, one.fetch), one.timeout, one.clock)
    if wrong:
        raise _needs_hand(one, state, f"was started again, but does not answer rightly: {wrong}")
    if state.before:
        generations = ", ".join(dict.fromkeys(str(generation_of(each)) for each in state.before))
        one.progress.note(f"the old release, generation {generations}, answers again")
    return state


def _needs_hand(one: Deployment, state: HostState, sentence: str) -> Problem:
    """What stands on the host, and the commands that bring the old release back, whatever was left half done."""
    target = one.line.target
    again = f"publish rollback {target} --to {generation_of(state.before[0])}" if state.before else f"publish {target}"
    return StandingProblem(
        f"the old release {sentence}" if state.before else f"what was begun {sentence}",
        hint="the site may be down; as soon as the host answers:",
        said=_standing(one),
        block=(f"publish status {target}", again),
    )


def _standing(one: Deployment) -> Iterator[str]:
    try:
        found = history.containers(one.engine, one.line)
    except (Problem, KeyboardInterrupt) as error:  # that a hand is needed is worth more than either
        said = error.message if isinstance(error, Problem) else "interrupted"
        yield f"what runs on {one.host.title} is not known: {said}"
        return
    yield from (f"{each.name} on {one.host.title}: {each.state}" for each in found if is_server(each))


def _back(one: Deployment, state: HostState) -> None:
    servers = filter(is_server, history.containers(one.engine, one.line))
    new = tuple(each for each in servers if generation_of(each) == state.generation)
    one.flip.back(one.engine, state.before, new)


def discard(one: Deployment, state: HostState) -> HostState:
    """Takes away the candidates and every image of the line that no container is made from."""
    warnings = (*pruning.remove_candidates(one.engine, one.line), *pruning.prune_images(one.engine, one.line))
    return replace(state, warnings=state.warnings + warnings)
