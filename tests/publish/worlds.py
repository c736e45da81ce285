"""A host in memory with one site and other people's things, for tests of the switch."""

from dataclasses import dataclass, field
from typing import Literal

from publish.deploy.deployment import Deployment
from publish.deploy.journal import Event
from publish.deploy.state_machine import Outcome
from publish.engines.protocol import Container, ContainerSpec, Endpoint, LoadedImage, Role, RunState
from publish.probing import probe
from publish.releases.history import Release, read
from publish.releases.ownership import ReleaseLine
from sealpress import labels
from sealpress.problems import Exit, Problem
from tests.publish.deployments import deployment, switch
from tests.publish.memory import READERS, Behaviour, MemoryClock, MemoryEngine, MemoryHost

SITE = "blog.example.org"
LINE = ReleaseLine(SITE, "production", READERS, "https://blog.example.org/")
FRONT = Endpoint("127.0.0.1", 80)


@dataclass
class World:
    """A host with one site, and somebody else's things beside it."""

    host: MemoryHost = field(default_factory=MemoryHost)
    journal: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        engine = self.host.engine
        engine.load([b"other-image\nlocalhost/other:1\n\n"])
        engine.load([b"user-image\nmine/blog:1\n\n"])
        other = engine.create(ContainerSpec("other", "localhost/other:1", {1: Endpoint("127.0.0.1", 5432)}))
        engine.start(other.id)
        engine.create(ContainerSpec("sealpress-lookalike-1", "mine/blog:1", {1: Endpoint("127.0.0.1", 5433)}))
        # Another site of ours on the same host.
        engine.load([b"neighbour\nlocalhost/site/neighbour.example:1\nneighbour.example\nsha256:n"])
        mine = {labels.SITE: "neighbour.example", labels.ROLE: "candidate", labels.GENERATION: "9"}
        engine.create(ContainerSpec("n", "localhost/site/neighbour.example:1", {1: Endpoint("", 5434)}, mine))

    @property
    def engine(self) -> MemoryEngine:
        return self.host.engine

    def job(self, release: str, behaviour: Behaviour = "serves", line: ReleaseLine = LINE) -> Deployment:
        reference = line.reference({labels.RELEASE: f"sha256:{release}"})

        def ship(engine: MemoryEngine, progress: object) -> LoadedImage:
            engine.behaviours[f"image-{release}"] = behaviour
            if engine.image(reference) is None:
                engine.load([f"image-{release}\n{reference}\n{SITE}\nsha256:{release}".encode()])
            found = engine.image(reference)
            assert found is not None
            return found

        return deployment(
            host=self.host,
            line=line,
            release=f"sha256:{release}",
            commit=f"commit-of-{release}",
            ship=ship,
            expectations=(probe.Expectation("/"),),
            timeout=10,
            fetch=self.host.fetch,
            clock=MemoryClock(),
            record=self.journal.append,
        )

    def publish(self, release: str, behaviour: Behaviour = "serves") -> Outcome:
        self.journal.clear()
        return switch(self.job(release, behaviour))

    def answers(self) -> str:
        """The release that a reader gets, or "" for none."""
        try:
            return self.engine.answer(FRONT, probe.RELEASE_PATH).body.decode().strip().removeprefix("sha256:")
        except Problem:
            return ""

    def history(self) -> list[tuple[int, str, RunState]]:
        return [(one.generation, one.release.removeprefix("sha256:"), one.state) for one in self._read()]

    def _read(self) -> tuple[Release, ...]:
        return read(self.engine, LINE)

    def others(self) -> tuple[list[Container], list[LoadedImage]]:
        """All that is not this site's."""
        containers = [
            one.container for one in self.engine.running.values() if one.container.labels.get(labels.SITE) != SITE
        ]
        return containers, [one for one in self.engine.loaded.values() if one.labels.get(labels.SITE) != SITE]

    def candidates(self) -> list[Container]:
        return [one for one in self.engine.containers(SITE) if one.labels.get(labels.ROLE) == Role.CANDIDATE]

    def image_names(self) -> list[str]:
        return sorted(
            name.rpartition(":")[2].rpartition(".")[2] for one in self.engine.images(SITE) for name in one.references
        )


def steps(world: World) -> list[tuple[str, str]]:
    return [(str(event.step), event.outcome) for event in world.journal]


class Faults:
    """Raises at the calls with these numbers, counted from 0, before or after they did their work."""

    def __init__(self, at: dict[int, type[BaseException]], moment: Literal["before", "after"]) -> None:
        self.at = at
        self.moment = moment
        self.count = 0
        self.names: list[str] = []

    def __call__(self, name: str, moment: str) -> None:
        if moment != self.moment:
            return
        number, self.count = self.count, self.count + 1
        self.names.append(name)
        if (error := self.at.get(number)) is Problem:
            raise Problem(f"call {number} ({name}) failed", code=Exit.ENGINE)
        if error is not None:
            raise error
