"""One release for one host: what shall come there, what is known so far, and what containers are made of it."""

from collections.abc import Callable, Mapping
from dataclasses import field
from types import MappingProxyType

from publish.deploy.flip import Flip, Replace
from publish.deploy.journal import Event
from publish.engines.protocol import Container, ContainerEngine, ContainerSpec, Host, LoadedImage, Role
from publish.probing import probe
from publish.releases.ownership import ReleaseLine
from publish.releases.release import SITE_SERVICE, ReleaseSpec, ServiceSpec, place_of
from sealpress import labels
from sealpress.commands.console import SILENT, Progress
from sealpress.frozen import frozen
from sealpress.problems import EngineProblem


@frozen
class Deployment:
    """One release to be put on one host. `record` sees every line of the journal as it is written.

    `watch`: seconds for which the host must answer before the next one is committed; 0: that it answers is enough.
    """

    host: Host
    line: ReleaseLine
    release: ReleaseSpec
    keep: int = 3
    timeout: int = 60
    watch: int = 0
    flip: Flip = field(default_factory=Replace)
    progress: Progress = SILENT
    fetch: probe.Fetch = probe.fetch
    clock: probe.Clock = probe.SYSTEM_CLOCK
    record: Callable[[Event], None] = lambda _event: None

    @property
    def engine(self) -> ContainerEngine:
        return self.host.engine

    def labels(self, service: ServiceSpec, replica: int) -> dict[str, str]:
        """What two containers for the same place in the same release have in common."""
        release = self.release
        # A site alone is told by the line's readers, as an older sealpress did.
        is_plain = service.settings == ServiceSpec(readers=(self.line.readers,)).settings
        told = {
            labels.SEAL: release.seal if service.name == SITE_SERVICE else "",
            labels.HEALTH: service.health,
            labels.SETTINGS: "" if is_plain else service.settings,
        }
        return {
            **self.line.labels,
            labels.RELEASE: release.images[service.name].release,
            labels.COMMIT: release.commit,
            labels.READERS: f"{self.line.labels[labels.READERS]} {service.memory}",
            labels.PORT: str(service.port),
            labels.SERVICE: service.name,
            labels.REPLICA: str(replica),
            **{name: text for name, text in told.items() if text},
        }

    def is_made_of(self, servers: tuple[Container, ...]) -> bool:
        """Whether these are this very release, whole, made for the same readers."""
        by_place = {place_of(one): one for one in servers}
        wanted = {
            (service.name, replica): self.labels(service, replica) for service, replica in self.release.replicas()
        }
        return (
            len(servers) == len(by_place)
            and by_place.keys() == wanted.keys()
            and all(_is_same(by_place[place].labels, told) for place, told in wanted.items())
        )

    def specs(self, state: "HostState", role: Role) -> tuple[ContainerSpec, ...]:
        """The containers to create, in the order of ReleaseSpec.replicas."""
        return tuple(
            self._spec(state.generation, role, service, replica, state.images[service.name])
            for service, replica in self.release.replicas()
        )

    def _spec(
        self, generation: int, role: Role, service: ServiceSpec, replica: int, image: LoadedImage
    ) -> ContainerSpec:
        told = {labels.PUBLISHED: self.release.published, labels.SUBJECT: self.release.subject}
        own = {labels.GENERATION: str(generation), labels.ROLE: str(role)}
        # Whoever leads readers by the author's labels shall not lead them to what is still to be probed.
        authors = service.labels if role is Role.SERVER else {}
        marks = {**authors} | self.labels(service, replica) | own | {name: text for name, text in told.items() if text}
        # An edge reaches it on its own network: the host needs no port.
        is_behind = bool(self.line.hosts) and role is Role.SERVER and service.name == SITE_SERVICE
        which = "" if (service.name, replica) == (SITE_SERVICE, 1) else f"{service.name}-{replica}"
        return ContainerSpec(
            name=self.line.container_name(generation, role, which),
            reference=self.reference(image),
            ports=MappingProxyType({} if is_behind else {service.port: service.endpoint(role, replica)}),
            labels=MappingProxyType(marks),
            memory=service.memory,
            # A candidate that crashes shall stay down, so that it is seen.
            restart=role is Role.SERVER,
            environment=service.environment,
            volumes=service.volumes,
            networks=service.networks,
            joins=service.joins,
        )

    def reference(self, image: LoadedImage) -> str:
        """The line's own name of the image, where it has several."""
        name = self.line.reference(image.labels)
        if name not in image.references:
            raise EngineProblem(f"the image {image.id} has no name of {self.line.name} on the host")
        return name


@frozen
class HostState:
    """How far a host is. `before` are the servers that ran when we came; `images` are by service; `candidates` and
    `servers` are in the order of ReleaseSpec.replicas.
    """

    generation: int = 0
    before: tuple[Container, ...] = ()
    images: Mapping[str, LoadedImage] = field(default_factory=lambda: MappingProxyType({}))
    candidates: tuple[Container, ...] = ()
    servers: tuple[Container, ...] = ()
    unchanged: bool = False
    detail: str = ""
    warnings: tuple[str, ...] = ()


def names(containers: tuple[Container, ...]) -> str:
    return ", ".join(one.name for one in containers)


def _is_same(held: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """What a release of an older sealpress does not tell is the site's first replica, and without a health path."""
    before = {labels.SERVICE: SITE_SERVICE, labels.REPLICA: "1"}
    compared = {*wanted, labels.SEAL, labels.HEALTH, labels.SETTINGS, labels.HOSTS, labels.TLS}
    return all(held.get(name, before.get(name, "")) == wanted.get(name, "") for name in compared)
