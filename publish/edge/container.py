"""What the edge's container is made of, and how all that belongs to an edge is called on a host."""

from dataclasses import replace
from types import MappingProxyType
from typing import Final

from imagebake.recipes.edge import CERTIFICATES, PORT, PROBE_PORT, SECURE_PORT
from publish.engines.protocol import ContainerSpec, Endpoint, LoadedImage, Network, Role, Volume
from publish.releases.ownership import ReleaseLine
from sealpress import labels

SECURE: Final = 443
"""Where readers reach sites by TLS. It is no setting: a CA asks there, and who types a name comes there."""

# A changed Caddy listens anew beside itself, and then closes its old socket, with all connections that nobody has taken
# from it yet. So Linux gives them to the new one. Source: ip-sysctl, tcp_migrate_req; Linux 5.14.
MIGRATE: Final = MappingProxyType({"net.ipv4.tcp_migrate_req": "1"})

_MEMORY: Final = 256  # MiB


def line_of(readers: Endpoint) -> ReleaseLine:
    """The line of releases that an edge is, so that its image is shipped and named as a site's is."""
    address = readers.address.replace(":", "x").replace(".", "-")
    return ReleaseLine(labels.EDGE, f"{address}-{readers.port}" if address else str(readers.port), readers)


def name_at(readers: Endpoint) -> str:
    """What the edge of a port is called: its first container, its network and its lock."""
    return f"{labels.EDGE}-{line_of(readers).target}"


def network_at(readers: Endpoint) -> Network:
    """By which it knows the sites behind it."""
    return Network(name_at(readers), has_ipv6=readers.has_ipv6)


def volume_at(readers: Endpoint) -> str:
    """What the volume with an edge's certificates and keys is called."""
    return f"{name_at(readers)}-certificates"


def server(readers: Endpoint, image: LoadedImage, generation: int, lock: str, *, is_secure: bool) -> ContainerSpec:
    """That which has the readers' port, the `generation`-th there. `lock`: as labels.LOCK has it."""
    line = line_of(readers)
    secure = {SECURE_PORT: replace(readers, port=SECURE)} if is_secure else {}
    marks = {labels.RELEASE: image.labels.get(labels.RELEASE, ""), labels.LOCK: lock}
    marks |= {labels.ROLE: str(Role.SERVER), labels.GENERATION: str(generation), labels.PORT: str(PORT)}
    marks |= {labels.TLS: str(SECURE)} if secure else {}
    return ContainerSpec(
        name=f"{name_at(readers)}-{generation}" if generation > 1 else name_at(readers),
        reference=line.reference(image.labels),
        ports=MappingProxyType({PORT: readers, PROBE_PORT: Endpoint("127.0.0.1", 0), **secure}),
        udp=MappingProxyType(secure),
        volumes=(Volume(volume_at(readers), CERTIFICATES, is_ours=True),) if secure else (),
        labels=MappingProxyType({**line.labels, **marks}),
        memory=_MEMORY,
        networks=(network_at(readers),),
        sysctls=MIGRATE,
    )


def candidate(readers: Endpoint, image: LoadedImage) -> ContainerSpec:
    """One that no reader reaches, to see whether such a container runs."""
    made = server(readers, image, 0, "", is_secure=False)
    return replace(
        made,
        name=f"{name_at(readers)}-candidate",
        ports=MappingProxyType({PROBE_PORT: Endpoint("127.0.0.1", 0)}),
        labels=MappingProxyType({**made.labels, labels.ROLE: str(Role.CANDIDATE)}),
        restart=False,
    )
