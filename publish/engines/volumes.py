"""Volumes of our own, known by their label: what outlives the container that has it, and is never removed here.

Source: Docker Engine API v1.41, "Volume"; Podman's compatible API.
"""

from typing import Final

from docker import APIClient
from docker.errors import NotFound

from publish.engines import shapes
from publish.engines.protocol import ContainerSpec
from sealpress import labels
from sealpress.problems import EngineProblem

_HINT: Final = "rename or remove it there"


def make(calls: APIClient, spec: ContainerSpec) -> None:
    """Those of a container that are ours are there then, with our label. Raises as docker-py does, and Misshapen.

    Raises Problem (exit 7) where somebody else's has the name of ours.
    """
    for name in (one.name for one in spec.volumes if one.is_ours):
        try:
            found = calls.inspect_volume(name)
        except NotFound:
            calls.create_volume(name, labels={labels.VOLUME: name})
            continue
        if labels.VOLUME not in shapes.labels(found, "Labels"):
            raise EngineProblem(f'the host has a volume "{name}" that sealpress did not make', hint=_HINT)
