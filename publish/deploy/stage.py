"""Staging a release on a host, which no reader sees: look, load, create, start, probe.

Each step takes how the host stands and gives how it stands after it; each can meet its own half-done work.
"""

from dataclasses import replace

from publish.deploy.deployment import Deployment, HostState, names
from publish.deploy.health import must_answer, wrong_with
from publish.deploy.port_conflicts import check_free, check_silent, left_alone
from publish.engines.protocol import LoadedImage, Role, RunState
from publish.releases.history import containers, settle
from publish.releases.ownership import overlap, readers_of
from publish.releases.reach import edge_at
from publish.releases.release import ServiceImage, generation_of, generations, is_server
from sealpress import labels
from sealpress.problems import EngineProblem


def look(one: Deployment, state: HostState) -> HostState:
    everything = one.engine.containers()
    check_free(one.line, everything)
    for sentence in (*left_alone(one.line, everything), *settle(one.host, one.line)):
        one.progress.note(sentence)
    ours = containers(one.engine, one.line)
    running = tuple(each for each in ours if is_server(each) and each.state is RunState.RUNNING)
    served = one.flip.served(running)
    # By generation, and by place in it: as the release has them.
    made_of = tuple(generations(served or running).values())
    before = tuple(each for ones in (made_of if served else made_of[:1]) for each in ones)
    if before and not served:
        # Its edge is gone, or leads to what is gone: readers get what runs before anything else is done.
        one.flip.back(one.engine, before, ())
    if one.is_made_of(before) and not one.flip.is_stale() and wrong_with(one, before) is None:
        # Where a publish that was cut off had come so far, those of before run still.
        one.flip.retire(one.engine, tuple(each for each in running if each not in before))
        return replace(
            state,
            unchanged=True,
            generation=generation_of(before[0]),
            servers=before,
            before=before,
            detail="this release already runs and answers",
        )
    edge = edge_at(one.engine, one.line.readers) if one.line.hosts else None
    if not edge and not any(overlap(readers_of(each), one.line.readers) for each in before):
        check_silent(one.host, one.line, one.fetch)
    # Also of containers that are another's, but are named like ours: a name is had once.
    named = (*ours, *filter(one.line.is_namesake, everything))
    generation = 1 + max(map(generation_of, named), default=0)
    return replace(state, generation=generation, before=before, detail=f"generation {generation}")


def load(one: Deployment, state: HostState) -> HostState:
    images = {service.name: _loaded(one, one.release.images[service.name]) for service in one.release.services}
    one.flip.prepare()
    return replace(state, images=images, detail=", ".join(map(one.reference, images.values())))


def _loaded(one: Deployment, wanted: ServiceImage) -> LoadedImage:
    image = wanted.ship(one.engine, one.progress)
    if (release := image.labels.get(labels.RELEASE, "")) != wanted.release:
        message = f"the image on the host is release {release or 'unknown'}, not {wanted.release}"
        raise EngineProblem(message)
    return image


def create(one: Deployment, state: HostState) -> HostState:
    candidates = tuple(map(one.engine.create, one.specs(state, Role.CANDIDATE)))
    return replace(state, candidates=candidates, detail=names(candidates))


def start(one: Deployment, state: HostState) -> HostState:
    for candidate in state.candidates:
        one.engine.start(candidate.id)
    return replace(state, detail=names(state.candidates))


def probe(one: Deployment, state: HostState) -> HostState:
    for candidate in state.candidates:
        must_answer(one, candidate, "did not become healthy")
    return state
