"""The in-memory twin of an engine and its host: the same protocol with no container behind it, for tests and examples.

Each call can be made to fail, before it did its work or after; time passes only by sleeping.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from publish.engines.protocol import Container, ContainerSpec, Endpoint, LoadedImage, RunState
from publish.probing.probe import HEALTH_PATH, RELEASE_PATH, SiteAnswer
from sealpress import labels
from sealpress.config.settings import Architecture
from sealpress.problems import Exit, Problem

Behaviour = Literal["serves", "dies", "hangs", "wrong", "dies as server", "empty"]
"""What a container of an image does: serve its pages; end at once; never answer; answer as another release; serve as a
candidate but end on the readers' port; answer all but its pages."""

Fault = Callable[[str, Literal["before", "after"]], None]
"""Called around every call with its name; raises what the call shall raise."""


def no_fault(call: str, moment: Literal["before", "after"]) -> None:
    del call, moment


@dataclass
class MemoryClock:
    time: float = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@dataclass(frozen=True, slots=True)
class Running:
    """A container with what it was created from, and where it is published while it runs."""

    container: Container
    spec: ContainerSpec
    image_id: str
    endpoints: Mapping[int, Endpoint] = field(default_factory=dict)


@dataclass
class MemoryEngine:
    title: str = "memory"
    behaviours: dict[str, Behaviour] = field(default_factory=dict)  # by image id; "serves" where it has none
    loaded: dict[str, LoadedImage] = field(default_factory=dict)  # by image id
    running: dict[str, Running] = field(default_factory=dict)  # by container id
    fault: Fault = no_fault
    count: int = 0

    def architecture(self) -> Architecture:
        return "amd64"

    def load(self, archive: Iterable[bytes]) -> None:
        """Not an archive of layers: the lines `id`, `reference`, `site`, `release`."""
        with self._call("load"):
            identity, reference, site, release = b"".join(archive).decode().split("\n")
            found = {labels.SITE: site, labels.RELEASE: release} if site else {}
            others = self.loaded[identity].references if identity in self.loaded else ()
            names = tuple(dict.fromkeys([*others, reference]))
            self.loaded[identity] = LoadedImage(identity, names, (identity,), found)

    def image(self, reference: str) -> LoadedImage | None:
        with self._call("image"):
            return self._image(reference)

    def images(self, site: str) -> tuple[LoadedImage, ...]:
        with self._call("images"):
            return tuple(one for _, one in sorted(self.loaded.items()) if one.labels.get(labels.SITE) == site)

    def tag(self, image_id: str, reference: str) -> None:
        with self._call("tag"):
            self._untag(reference)
            image = self.loaded[image_id]
            self.loaded[image_id] = replace(image, references=(*image.references, reference))

    def remove_image(self, reference: str) -> None:
        with self._call("remove_image"):
            image = self._image(reference)
            if image is None:
                return
            if any(one.image_id == image.id for one in self.running.values()) and len(image.references) <= 1:
                raise _refused(f"image {reference} is in use")
            self._untag(reference)
            if not image.references:
                del self.loaded[image.id]

    def containers(self, site: str | None = None) -> tuple[Container, ...]:
        with self._call("containers"):
            every = (one.container for one in self.running.values() if labels.SITE in one.container.labels)
            ours = [one for one in every if site in {None, one.labels[labels.SITE]}]
            return tuple(sorted(ours, key=lambda one: one.name))

    def create(self, spec: ContainerSpec) -> Container:
        with self._call("create"):
            image = self._image(spec.reference)
            if image is None:
                raise _refused(f"no such image: {spec.reference}")
            if any(one.container.name == spec.name for one in self.running.values()):
                raise _refused(f"the name {spec.name} is in use")
            self.count += 1
            container = Container(f"c{self.count}", spec.name, RunState.CREATED, dict(spec.labels), spec.reference)
            self.running[container.id] = Running(container, spec, image.id)
            return container

    def start(self, container_id: str) -> None:
        with self._call("start"):
            one = self._container(container_id)
            if one.container.state is RunState.RUNNING:
                return
            endpoints = {
                port: Endpoint("127.0.0.1", at.port or 50000 + 10 * int(container_id[1:]) + number)
                for number, (port, at) in enumerate(one.spec.ports.items())
            }
            taken = {at.port for other in self.running.values() for at in other.endpoints.values()}
            for at in endpoints.values():
                if at.port in taken:
                    raise _refused(f"port {at.port} is already in use")
            behaviour = self.behaviours.get(one.image_id, "serves")
            if behaviour == "dies" or (
                behaviour == "dies as server" and any(at.port for at in one.spec.ports.values())
            ):
                container = replace(one.container, state=RunState.EXITED, exit_code=1)
                self.running[container_id] = replace(one, container=container, endpoints={})
            else:
                container = replace(one.container, state=RunState.RUNNING, exit_code=None)
                self.running[container_id] = replace(one, container=container, endpoints=endpoints)

    def stop(self, container_id: str, seconds: int) -> None:
        del seconds
        with self._call("stop"):
            one = self._container(container_id)
            if one.container.state is RunState.RUNNING:
                container = replace(one.container, state=RunState.EXITED, exit_code=0)
                self.running[container_id] = replace(one, container=container, endpoints={})

    def remove(self, container_id: str) -> None:
        with self._call("remove"):
            self.running.pop(container_id, None)

    def inspect(self, container_id: str) -> Container | None:
        with self._call("inspect"):
            one = self.running.get(container_id)
            return one.container if one else None

    def logs(self, container_id: str, lines: int) -> str:
        del lines
        with self._call("logs"):
            return f"{self._container(container_id).container.name} says \x1b[31mhello\n"

    def endpoint(self, container_id: str, port: int) -> Endpoint | None:
        with self._call("endpoint"):
            one = self.running.get(container_id)
            return one.endpoints.get(port) if one else None

    def answer(self, endpoint: Endpoint, path: str) -> SiteAnswer:
        """What a reader gets there. Raises Problem where nothing answers."""
        for one in self.running.values():
            if endpoint in one.endpoints.values() and self.behaviours.get(one.image_id) != "hangs":
                return self._page(one, path)
        raise Problem(f"GET {path}: nothing listens there", code=Exit.RELEASE)

    @contextmanager
    def _call(self, name: str) -> Iterator[None]:
        self.fault(name, "before")
        yield
        self.fault(name, "after")

    def _page(self, one: Running, path: str) -> SiteAnswer:
        behaviour = self.behaviours.get(one.image_id, "serves")
        release = self.loaded[one.image_id].labels.get(labels.RELEASE, "")
        if health := one.spec.labels.get(labels.HEALTH):  # no sealed site
            return SiteAnswer(200 if path == health and behaviour != "wrong" else 404, b"")
        pages: Mapping[str, bytes] = {
            RELEASE_PATH: b"sha256:other" if behaviour == "wrong" else release.encode() + b"\n",
            HEALTH_PATH: b"ok\n",
        }
        if path in pages:
            return SiteAnswer(200, pages[path])
        if path == "/":
            return SiteAnswer(500, b"") if behaviour == "empty" else SiteAnswer(200, f"<h1>{release}</h1>".encode())
        return SiteAnswer(404, b"not here")

    def _image(self, reference: str) -> LoadedImage | None:
        return next((one for one in self.loaded.values() if reference in (one.id, *one.references)), None)

    def _container(self, container_id: str) -> Running:
        if container_id not in self.running:
            raise _refused(f"no such container: {container_id}")
        return self.running[container_id]

    def _untag(self, reference: str) -> None:
        """The image goes with its last name, unless a container is made from it."""
        for image in list(self.loaded.values()):
            if reference in image.references:
                left = tuple(name for name in image.references if name != reference)
                self.loaded[image.id] = replace(image, references=left)
                if not left and not any(one.image_id == image.id for one in self.running.values()):
                    del self.loaded[image.id]


@dataclass
class MemoryHost:
    engine: MemoryEngine = field(default_factory=MemoryEngine)
    title: str = "a host in memory"
    is_by_folder: bool = False
    locked: set[str] = field(default_factory=set)

    @contextmanager
    def reach(self, endpoint: Endpoint) -> Iterator[Endpoint]:
        self.engine.fault("reach", "before")
        yield endpoint

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        if name in self.locked:
            raise Problem(f"another publish of {name} is under way", code=Exit.HOST)
        self.locked.add(name)
        try:
            yield
        finally:
            self.locked.remove(name)

    def fetch(self, endpoint: Endpoint, path: str) -> SiteAnswer:
        self.engine.fault("fetch", "before")
        return self.engine.answer(endpoint, path)


READERS: Final = Endpoint("0.0.0.0", 80)


def _refused(said: str) -> Problem:
    return Problem(f"the engine refused: {said}", code=Exit.ENGINE)
