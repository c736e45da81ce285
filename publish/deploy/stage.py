"""Staging a release on a host, which no reader sees: look, load, create, start, probe.

Each step takes how the host stands and gives how it stands after it; each can meet its own half-done work.
"""

from dataclasses import replace

from publish.deploy.deployment import Deployment, Standing, names
from publish.deploy.health import must_answer, wrong_with
from publish.deploy.port_conflicts import check_free, check_silent, left_alone
from publish.engines.protocol import LoadedImage, Role, RunState
from publish.releases.history import containers, settle
from publish.releases.ownership import overlap, readers_of
from publish.releases.release import ServiceImage, generation_of, generations, is_server
from sealpress import labels
from sealpress.problems import EngineProblem


def look(one: Deployment, standing: Standing) -> Standing:
    everything = one.engine.containers()
    check_free(one.line, everything)
    for sentence in (*left_alone(one.line, everything), *settle(one.host, one.line)):
        one.progress.note(sentence)
    ours = containers(one.engine, one.line)
    running = [each for each in ours if is_server(each) and each.state is RunState.RUNNING]
    # By generation, and by place in it: as the release has them.
    before = tuple(each for made_of in generations(running).values() for each in made_of)
    if one.is_made_of(before) and wrong_with(one, before) is None:
        return replace(
            standing,
            unchanged=True,
            generation=generation_of(before[0]),
            servers=before,
            before=before,
            detail="this release already runs and answers",
        )
    if not any(overlap(readers_of(each), one.line.readers) for each in before):
        check_silent(one.host, one.line, one.fetch)
    # Also of containers that are another's, but are named like ours: a name is had once.
    named = (*ours, *filter(one.line.is_namesake, everything))
    generation = 1 + max(map(generation_of, named), default=0)
    return replace(standing, generation=generation, before=before, detail=f"generation {generation}")


def load(one: Deployment, standing: Standing) -> Standing:
    images = {service.name: _loaded(one, one.release.images[service.name]) for service in one.release.services}
    return replace(standing, images=images, detail=", ".join(map(one.reference, images.values())))


def _loaded(one: Deployment, wanted: ServiceImage) -> LoadedImage:
    image = wanted.ship(one.engine, one.progress)
    if (release := image.labels.get(labels.RELEASE, "")) != wanted.release:
        message = f"the image on the host is release {release or 'unknown'}, not {wanted.release}"
        raise EngineProblem(message)
    return image


def create(one: Deployment, standing: Standing) -> Standing:
    candidates = tuple(map(one.engine.create, one.specs(standing, Role.CANDIDATE)))
    return replace(standing, candidates=candidates, detail=names(candidates))


def start(one: Deployment, standing: Standing) -> Standing:
    for candidate in standing.candidates:
        one.engine.start(candidate.id)
    return replace(standing, detail=names(standing.candidates))


def probe(one: Deployment, standing: Standing) -> Standing:
    for candidate in standing.candidates:
        must_answer(one, candidate, "did not become healthy")
    return standing
