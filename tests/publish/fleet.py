"""Two hosts in memory that serve one site: a release of two services, each with three replicas."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from publish.deploy.deployment import Deployment
from publish.deploy.journal import Event
from publish.deploy.state_machine import Outcome, deploy
from publish.engines.protocol import Container, Endpoint, LoadedImage, Network, Volume
from publish.releases import history
from publish.releases.release import SITE_SERVICE, ReleaseSpec, ServiceImage, ServiceSpec
from sealpress import labels
from sealpress.problems import Problem
from tests.publish.memory import Behaviour, MemoryClock, MemoryEngine, MemoryHost
from tests.publish.worlds import LINE, SITE

READERS = tuple(Endpoint("0.0.0.0", 80 + number) for number in range(3))
SERVICES = (
    ServiceSpec(replicas=3, readers=READERS, networks=(Network("blog"),)),
    ServiceSpec(
        "comments",
        replicas=3,
        port=8000,
        health="/ok",
        memory=64,
        environment={"WORKERS": "1"},
        volumes=(Volume("blog-comments", "/db"),),
        networks=(Network("blog"),),
    ),
)
PLACES = [(SITE_SERVICE, 1), (SITE_SERVICE, 2), (SITE_SERVICE, 3), ("comments", 1), ("comments", 2), ("comments", 3)]


@dataclass
class Fleet:
    """Two hosts that serve one site."""

    hosts: tuple[MemoryHost, ...] = field(default_factory=lambda: (MemoryHost(title="one"), MemoryHost(title="two")))
    journal: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def engines(self) -> list[MemoryEngine]:
        return [host.engine for host in self.hosts]

    def wanted(self, release: str, behaviours: dict[str, Behaviour]) -> ReleaseSpec:
        images = {
            name: ServiceImage(f"sha256:{name}-{release}", self._ship(name, release, behaviours.get(name, "serves")))
            for name in (SITE_SERVICE, "comments")
        }
        return ReleaseSpec(SERVICES, images, f"commit-of-{release}")

    def _ship(self, name: str, release: str, behaviour: Behaviour) -> Callable[[MemoryEngine, object], LoadedImage]:
        digest = f"sha256:{name}-{release}"
        reference = LINE.reference({labels.RELEASE: digest})

        def ship(engine: MemoryEngine, _progress: object) -> LoadedImage:
            engine.behaviours[digest] = behaviour
            engine.load([f"{digest}\n{reference}\n{SITE}\n{digest}".encode()])
            found = engine.image(reference)
            assert found is not None
            return found

        return ship

    def deployments(self, release: ReleaseSpec) -> list[Deployment]:
        def recorder(title: str) -> Callable[[Event], None]:
            return lambda event: self.journal.append((title, str(event.step), event.outcome))

        return [
            Deployment(
                host, LINE, release, timeout=10, fetch=host.fetch, clock=MemoryClock(), record=recorder(host.title)
            )
            for host in self.hosts
        ]

    def publish(self, release: str, **behaviours: Behaviour) -> tuple[Outcome, ...]:
        self.journal.clear()
        return deploy(self.deployments(self.wanted(release, behaviours)))

    def steps(self, title: str) -> list[str]:
        """Of the last publish, those that were done on a host."""
        return [step for host, step, was in self.journal if host == title and was == "done"]

    def serve(self) -> list[str]:
        """What each host serves: the generations' states, then what the readers of each replica get."""
        told = []
        for host in self.hosts:
            answers = []
            for readers in READERS:
                try:
                    body = host.engine.answer(replace(readers, address="127.0.0.1"), "/").body
                    answers.append(body.decode().partition("-")[2].partition("<")[0])
                except Problem:
                    answers.append("")
            told.append(" ".join(answers))
        return told

    def servers(self, engine: MemoryEngine) -> dict[int, list[Container]]:
        return {one.generation: list(one.containers) for one in history.read(engine, LINE)}
