"""Committing what was staged on a host, so that readers see it: flip, verify, prune."""

from dataclasses import replace

from publish.deploy.deployment import Deployment, Standing, names
from publish.deploy.health import must_answer
from publish.engines.protocol import Role
from publish.releases import prune as pruning


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
