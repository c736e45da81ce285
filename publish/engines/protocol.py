"""What publish needs of a host: a container engine, and a way to reach a port there. Described here, done elsewhere.

    ContainerEngine  docker or podman over its socket (docker.py), the embedded runner (embedded/), one in memory
    Host             an engine with a way to its ports: over ssh, or this machine (publish/target/hosts.py)

The state machine (publish/deploy) is written against these two and knows no engine by name.
"""

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol, runtime_checkable

from sealpress.config.settings import Architecture
from sealpress.frozen import frozen

ARCHITECTURES: Final[Mapping[str, Architecture]] = MappingProxyType(
    {"amd64": "amd64", "x86_64": "amd64", "AMD64": "amd64", "arm64": "arm64", "aarch64": "arm64"}
)
"""By the names that engines and kernels have for them."""


PIDS: Final = 256
"""How many processes a container may have: nginx starts a worker a core."""

TMP: Final = ("/tmp", "rw,noexec,nosuid,nodev,size=16m,mode=1777")  # noqa: S108 - the container's own
"""Where it may write, with how."""


class Role(StrEnum):
    CANDIDATE = "candidate"  # on a port of its own, to be probed; never seen by a reader
    SERVER = "server"  # on the readers' port
    SHARED = "shared"  # behind an edge, for whoever knows its secret address (publish/target/shares.py)


class RunState(StrEnum):
    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"


@frozen
class LoadedImage:
    """An image that the engine holds. `id` is the engine's own name for it and differs by engine; `diff_ids` do not.

    `references` are its names; `labels` are the image's own. `reusable`: an archive for this engine may leave out
    layers that form a common prefix with this image's. `by_content`: or any layer that this image has, wherever.
    `unproven`: the engine tells what an image is made of before it has looked whether all of it is there; only a
    container that is created of it tells that.
    """

    id: str
    references: tuple[str, ...]
    diff_ids: tuple[str, ...]
    labels: Mapping[str, str]
    reusable: bool = False
    by_content: bool = False
    unproven: bool = False


@frozen
class Endpoint:
    """An address and port on the host, as the host itself would reach it; or a site's own, over TLS if `is_secure`.

    `name`: which of the sites that answer there is meant, as Host and TLS have it; "" for the address itself.
    `roots`: the certificates, in PEM, that are trusted there and no others; "" for those that the machine trusts.
    """

    address: str
    port: int
    is_secure: bool = False
    name: str = ""
    roots: str = ""

    @property
    def has_ipv6(self) -> bool:
        """Whether who listens here is asked by IPv6 as well, or alone."""
        return not self.address or ":" in self.address

    @property
    def local(self) -> "Endpoint":
        """Where to knock, on the same machine, for a port that listens here."""
        knock = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(self.address, self.address)  # noqa: S104
        return replace(self, address=knock)


@frozen
class Volume:
    """A volume of the engine by its name, made where it isn't there, and where a container finds it.

    `is_ours`: it has our label then, and somebody else's is refused.
    """

    name: str
    path: str
    is_read_only: bool = False
    is_ours: bool = False


@frozen
class Network:
    """A network of ours by its name, made where it isn't there. Without IPv6 where its readers' address has none."""

    name: str
    has_ipv6: bool = True


@frozen
class ContainerSpec:
    """What to create. The container always runs read-only, as the image's user, without capabilities, with
    no-new-privileges, a tmpfs on /tmp, and limits on memory and pids; that is not for the caller to choose.

    `ports`: where each of its ports appears on the host; port 0 there: one that the engine chooses. `udp`: the same of
    UDP. `networks` are in the place of the engine's own; `joins` are somebody else's, which must be there.
    """

    name: str
    reference: str
    ports: Mapping[int, Endpoint]
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    memory: int = 128  # MiB
    restart: bool = True  # comes back after a crash and a reboot
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    volumes: tuple[Volume, ...] = ()
    networks: tuple[Network, ...] = ()
    joins: tuple[str, ...] = ()
    udp: Mapping[int, Endpoint] = field(default_factory=lambda: MappingProxyType({}))
    sysctls: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))  # of its own network


@frozen
class Container:
    id: str
    name: str
    state: RunState
    labels: Mapping[str, str]
    image: str  # the reference it was created from
    exit_code: int | None = None


class ContainerEngine(Protocol):
    """A container engine. Every method raises Problem (exit 7) with the engine's own words where it refuses."""

    @property
    def title(self) -> str:
        """For a person: "Docker 20.10.24"."""
        ...

    def architecture(self) -> Architecture: ...

    def load(self, archive: Iterable[bytes]) -> None:
        """Takes a hybrid archive (imagebake.image.archive), piece by piece; reads the whole answer for errors."""
        ...

    def image(self, reference: str) -> LoadedImage | None: ...

    def images(self, site: str) -> tuple[LoadedImage, ...]:
        """All images that carry our label for this site."""
        ...

    def tag(self, image_id: str, reference: str) -> None: ...

    def remove_image(self, reference: str) -> None:
        """Takes the name away, and the image with its last name. No such image: nothing happens."""
        ...

    def containers(self, site: str | None = None) -> tuple[Container, ...]:
        """All containers that carry our label for this site, or for any, in any state, sorted by name."""
        ...

    def create(self, spec: ContainerSpec) -> Container: ...

    def start(self, container_id: str) -> None: ...

    def stop(self, container_id: str, seconds: int) -> None:
        """Asks it to end, waits that long, then ends it. Not running: nothing happens."""
        ...

    def remove(self, container_id: str) -> None:
        """Also a running one. No such container: nothing happens."""
        ...

    def inspect(self, container_id: str) -> Container | None: ...

    def logs(self, container_id: str, lines: int) -> str:
        """The last lines that it wrote, both streams. From outside: show through problems.printable."""
        ...

    def endpoint(self, container_id: str, port: int) -> Endpoint | None:
        """Where the container's `port` is published just now; None while it doesn't run."""
        ...


@runtime_checkable
class EdgeEngine(ContainerEngine, Protocol):
    """One that can run an edge before its containers (publish/edge): Docker and Podman. Raises as ContainerEngine."""

    def write(self, container_id: str, path: str, data: bytes, owner: tuple[int, int]) -> None:
        """Puts a file into a volume of a container, which need not run. `owner`: uid and gid."""
        ...

    def read(self, container_id: str, path: str, limit: int) -> bytes | None:
        """A file of a container, which need not run; None where it is not there."""
        ...

    def run(self, container_id: str, command: Sequence[str]) -> tuple[int, str]:
        """Runs a program of a running container beside its own: its exit code, and what it said."""
        ...

    def remove_network(self, name: str) -> None:
        """One of ours that no container has. No such network, or somebody else's: nothing happens."""
        ...


class Host(Protocol):
    """A machine that serves the site."""

    @property
    def title(self) -> str:
        """For a person: "deploy@blog.example.org", or "this machine"."""
        ...

    @property
    def engine(self) -> ContainerEngine: ...

    def reach(self, endpoint: Endpoint) -> AbstractContextManager[Endpoint]:
        """Makes a port of the host reachable from here, as long as the context lasts."""
        ...

    @property
    def is_by_folder(self) -> bool:
        """Whether clones of one site are kept apart here, each with releases of its own."""
        ...

    def ask(self, command: Sequence[str]) -> str:
        """What a command prints there. Raises Problem (exit 6) where it gives no answer."""
        ...

    def lock(self, name: str) -> AbstractContextManager[None]:
        """One publish at a time for a line of releases; a second one gets a Problem that says who holds it."""
        ...


@runtime_checkable
class RemoteHost(Host, Protocol):
    """One to which all that is sent has a way to go."""

    @property
    def socket(self) -> str:
        """The path of the engine's socket there."""
        ...

    def begin(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Starts a command there, with pipes for all three streams; the caller ends it."""
        ...
