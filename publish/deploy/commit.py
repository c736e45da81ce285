"""Committing what was staged on a host, so that readers see it: flip, verify, prune. And taking it back: restore,
discard.
"""

from dataclasses import replace
from typing import Final

from publish.deploy.deployment import Deployment, Standing, names
from publish.deploy.health import must_answer
from publish.engines.protocol import Role
from publish.probing import probe
from publish.releases import history
from publish.releases import prune as pruning
from publish.releases.release import generation_of, is_server
from sealpress.problems import Problem, ReleaseProblem


def flip(one: Deployment, standing: Standing) -> Standing:
    servers = one.flip.forward(one.engine, standing.before, one.specs(standing, Role.SERVER))
    return replace(standing, servers=servers, detail=names(servers))


def verify(one: Deployment, standing: Standing) -> Standing:
    for server, (service, replica) in zip(standing.servers, one.release.replicas(), strict=True):
        where = f" on the readers' port {service.endpoint(Role.SERVER, replica).port}" if service.readers else ""
        must_answer(one, server, f"was healthy, but does not answer{where}")
    return standing


def prune(one: Deployment, standing: Standing) -> Standing:
    warnings = pruning.prune(one.engine, one.line, one.keep)
    return replace(standing, warnings=standing.warnings + warnings)


PAUSES: Final = (0.5, 2.0)  # before the second and the third attempt to put the old servers back


def restore(one: Deployment, standing: Standing) -> Standing:
    """Tries more than once: a site that is down is worth it."""
    for pause in (*PAUSES, None):
        try:
            _back(one, standing)
            break
        except (Exception, KeyboardInterrupt) as error:
            if pause is None:
                said = error.message if isinstance(error, Problem) else repr(error)
                raise ReleaseProblem(
                    f"the old release could not be put back: {said}",
                    hint="the site may be down: run publish again, or publish start, as soon as the host answers",
                ) from error
            one.clock.sleep(pause)
    wrong = probe.wait(lambda: history.wrong_with(one.host, standing.before, one.fetch), one.timeout, one.clock)
    if wrong:
        raise ReleaseProblem(
            f"the old release was started again, but does not answer rightly: {wrong}",
            hint="look at publish status, and at the container's logs on the host",
        )
    if standing.before:
        generations = ", ".join(dict.fromkeys(str(generation_of(each)) for each in standing.before))
        one.progress.note(f"the old release, generation {generations}, answers again")
    return standing


def _back(one: Deployment, standing: Standing) -> None:
    servers = filter(is_server, history.containers(one.engine, one.line))
    new = tuple(each for each in servers if generation_of(each) == standing.generation)
    one.flip.back(one.engine, standing.before, new)


def discard(one: Deployment, standing: Standing) -> Standing:
    """Takes away the candidates and every image of the line that no container is made from."""
    warnings = (*pruning.remove_candidates(one.engine, one.line), *pruning.prune_images(one.engine, one.line))
    return replace(standing, warnings=standing.warnings + warnings)
