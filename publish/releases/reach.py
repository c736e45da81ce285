"""How a container is asked: by its port on the host, or through the edge that it is behind, for it alone."""

from dataclasses import replace

from imagebake.recipes.edge import PROBE_PORT
from publish.engines.protocol import Container, ContainerEngine, Endpoint, RunState
from publish.releases.ownership import readers_of
from publish.releases.release import generation_of, is_candidate
from sealpress import labels


def endpoint_of(engine: ContainerEngine, container_id: str, port: int) -> Endpoint | None:
    """Where a container's `port` answers just now; None where it doesn't run, or its edge does not."""
    if direct := engine.endpoint(container_id, port):
        return direct
    found = engine.inspect(container_id)
    if found is None or found.state is not RunState.RUNNING:
        return None
    if labels.HOSTS not in found.labels and labels.SHARED not in found.labels:
        return None
    edge = edge_at(engine, readers_of(found))
    at = engine.endpoint(edge.id, PROBE_PORT) if edge and edge.state is RunState.RUNNING else None
    return replace(at, name=f"{container_id[:12]}.{port}") if at else None


def edge_at(engine: ContainerEngine, readers: Endpoint | None) -> Container | None:
    """The edge that has a port, in whatever state it is: see `edges_at`."""
    return next((one for one in edges_at(engine, readers) if not is_candidate(one)), None)


def edges_at(engine: ContainerEngine, readers: Endpoint | None) -> tuple[Container, ...]:
    """The containers of the edge of a port. Where a publish was killed between two, the one that runs stands first, or
    else the older one, which is known to be good.
    """
    found = (one for one in engine.containers(labels.EDGE) if readers and readers_of(one) == readers)
    return tuple(sorted(found, key=lambda one: (one.state is not RunState.RUNNING, generation_of(one))))
