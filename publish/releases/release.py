"""What a release is: a generation of services, each in replicas alike; as it is wanted, and as a host has it.

The least release is a site alone: one service, one replica. A container whose labels tell of no service or replica, as
an older sealpress made them, is the first replica of the site.
"""

import calendar
import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from itertools import groupby
from types import MappingProxyType
from typing import Final

from publish.engines.protocol import Container, ContainerEngine, Endpoint, LoadedImage, Network, Role, RunState, Volume
from publish.probing.probe import RELEASE_PATH, Expectation, of_release
from sealpress import labels
from sealpress.commands.console import Progress
from sealpress.frozen import frozen

SITE_SERVICE: Final = "site"
TIME: Final = "%Y-%m-%dT%H:%M:%SZ"  # of labels.PUBLISHED
DEFAULT_PORT: Final = 8080

Ship = Callable[[ContainerEngine, Progress], LoadedImage]
"""Brings an image to the engine, if it isn't there yet, and proves that it is the one that was baked."""


@frozen
class ServiceSpec:
    """A program that runs in `replicas` containers alike, as site.toml has it.

    `readers`: where on the host they are published, one for each replica; () for a service that only others of its
    release reach. `port` is the image's own. `health`: the path that answers 200; "" for a sealed site, which tells its
    release. `memory` in MiB. `joins` are networks of somebody else's; `labels` are the author's own, of servers alone.
    """

    name: str = SITE_SERVICE
    replicas: int = 1
    readers: tuple[Endpoint, ...] = ()
    port: int = DEFAULT_PORT
    health: str = ""
    memory: int = 128
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    volumes: tuple[Volume, ...] = ()
    networks: tuple[Network, ...] = ()
    joins: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def settings(self) -> str:
        """A digest, in hex, of what its containers are created with beside their memory."""
        told: tuple[object, ...] = (
            sorted(self.environment.items()),
            *map(repr, (self.volumes, self.networks, self.readers)),
        )
        if self.joins or self.labels:  # an older sealpress knew neither
            told = (*told, self.joins, sorted(self.labels.items()))
        return hashlib.sha256(repr(told).encode("utf-8", "surrogatepass")).hexdigest()

    def endpoint(self, role: Role, replica: int) -> Endpoint:
        """Where a replica's port appears on the host. What no reader is to see gets one of the loopback."""
        if role is Role.CANDIDATE or not self.readers:
            return Endpoint("127.0.0.1", 0)
        return self.readers[replica - 1]


@frozen
class ServiceImage:
    """What a service is made from: the image whose label names it `release`; each container must give these answers."""

    release: str
    ship: Ship
    expectations: tuple[Expectation, ...] = ()


@frozen
class ReleaseSpec:
    """A release that readers shall see: services, each with the image of its name.

    `commit` and its `subject` are "" where no commit holds just this; `seal` is the digest of the site's statement, ""
    for none; `published` is now, "2026-11-19T02:12:54Z".
    """

    services: tuple[ServiceSpec, ...]
    images: Mapping[str, ServiceImage]
    commit: str
    seal: str = ""
    published: str = ""
    subject: str = ""

    @property
    def release(self) -> str:
        """The site's, which stands for the whole."""
        return self.images[SITE_SERVICE].release

    def replicas(self) -> Iterator[tuple[ServiceSpec, int]]:
        """Each container that it shall have."""
        for service in self.services:
            for replica in range(1, service.replicas + 1):
                yield service, replica

    def answers(self, service: ServiceSpec) -> tuple[Expectation, ...]:
        image = self.images[service.name]
        own = (Expectation(service.health, (200, 204)),) if service.health else of_release(image.release)
        return (*own, *image.expectations)


@frozen
class Release:
    """One generation on a host: all of its servers, the site's first replica in front. `is_current`: the newest.

    `answers` is None for one that doesn't run. What labels don't tell, as when it was published, is "".
    """

    generation: int
    containers: tuple[Container, ...]
    is_current: bool
    answers: bool | None = None

    @property
    def site(self) -> Container:
        return self.containers[0]

    @property
    def release(self) -> str:
        return self.told(labels.RELEASE)

    @property
    def commit(self) -> str:
        return self.told(labels.COMMIT)

    def told(self, label: str) -> str:
        return self.site.labels.get(label, "")

    @property
    def identity(self) -> tuple[object, ...]:
        """Alike in two generations that are the same release."""
        made_of = {(service_of(one), one.labels.get(labels.RELEASE, "")) for one in self.containers}
        return frozenset(made_of), self.commit, self.told(labels.SEAL)

    @property
    def runs(self) -> bool:
        """Whether any of it does."""
        return any(one.state is RunState.RUNNING for one in self.containers)

    @property
    def state(self) -> RunState:
        """That of the container which is worst off."""
        order = (RunState.CREATED, RunState.EXITED, RunState.RUNNING)
        return min((one.state for one in self.containers), key=order.index)

    def as_data(self) -> dict[str, object]:
        return {
            "generation": self.generation,
            "release": self.release,
            "commit": self.commit,
            "subject": self.told(labels.SUBJECT) or None,
            "published": self.told(labels.PUBLISHED) or None,
            "state": str(self.state),
            "image": self.site.image,
            "current": self.is_current,
            "answers": self.answers,
        }


# What a container says of itself.


def is_server(container: Container) -> bool:
    return container.labels.get(labels.ROLE) == Role.SERVER


def is_candidate(container: Container) -> bool:
    return container.labels.get(labels.ROLE) == Role.CANDIDATE


def generation_of(container: Container) -> int:
    """0 for a container whose label is not a number: it then stands behind all others."""
    return _number(container, labels.GENERATION, 0)


def port_of(container: Container) -> int:
    return _number(container, labels.PORT, DEFAULT_PORT)


def service_of(container: Container) -> str:
    return container.labels.get(labels.SERVICE, SITE_SERVICE)


def place_of(container: Container) -> tuple[str, int]:
    """Which service's replica it is."""
    return service_of(container), _number(container, labels.REPLICA, 1)


def published_at(container: Container) -> int | None:
    """In seconds since 1970, by the clock of who published it; None where its labels don't tell."""
    return seconds_of(container.labels.get(labels.PUBLISHED, ""))


def seconds_of(published: str) -> int | None:
    try:
        return calendar.timegm(time.strptime(published, TIME))
    except ValueError:
        return None


def answer_of(container: Container) -> Expectation:
    """What it must answer, as far as its labels tell."""
    if health := container.labels.get(labels.HEALTH):
        return Expectation(health, (200, 204))
    return Expectation(RELEASE_PATH, body=container.labels.get(labels.RELEASE, "").encode())


def generations(containers: Iterable[Container]) -> Mapping[int, tuple[Container, ...]]:
    """These by generation, newest first; in each, the site's first replica in front."""
    in_order = sorted(containers, key=lambda one: (-generation_of(one), service_of(one) != SITE_SERVICE, place_of(one)))
    return MappingProxyType({generation: tuple(ones) for generation, ones in groupby(in_order, generation_of)})


def _number(container: Container, label: str, otherwise: int) -> int:
    text = container.labels.get(label, "")
    return int(text) if re.fullmatch("[0-9]{1,15}", text) else otherwise
