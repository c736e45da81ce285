"""A container engine over its socket: Docker, and Podman as far as it speaks Docker's API.

Nothing of it is believed before it was looked at: every answer has a size, a time (sealpress/bounded.py) and a shape
(shapes.py). Whatever docker-py or the engine raises leaves as a Problem (exit 7) with the engine's own words; where the
way to the engine broke instead, the caller's `explain` says so (exit 6, ssh.connection).

Imports docker-py, which takes 150 ms: imported only where an engine is opened.

Source: Docker Engine API v1.41; Podman's compatible API has the same paths, and other errors in places.
"""

import http.client
import json
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import field
from pathlib import Path
from typing import Final

from docker import APIClient
from docker.errors import APIError, DockerException, NotFound
from docker.types import LogConfig
from requests import RequestException
from urllib3.exceptions import HTTPError

from publish.engines import shapes, sockets, volumes
from publish.engines.docker_wire import client
from publish.engines.insides import Insides
from publish.engines.networks import Networks
from publish.engines.protocol import ARCHITECTURES, PIDS, TMP, Container, ContainerSpec, Endpoint, LoadedImage
from sealpress import labels
from sealpress.bounded import Misbehaviour
from sealpress.config.settings import Architecture
from sealpress.frozen import frozen
from sealpress.problems import EngineProblem, Exit, Problem

# Seconds until an answer begins, and from there to its end. Starting a container on a busy host takes some, and so does
# unpacking an image on a slow disk.
_CALL: Final = (120, 20)
_LOAD: Final = (600, 600)
_MIB: Final = 1 << 20
_PIECE: Final = 1 << 18  # bytes sent at once; archives come in pieces as small as a tar header

Explain = Callable[[], Problem | None]
"""Asked when the socket broke: the Problem of the way to it, or None where the way stands."""


def open_engine(
    path: Path, explain: Explain = lambda: None, *, call: tuple[int, int] = _CALL, load: tuple[int, int] = _LOAD
) -> "DockerEngine":
    """Connects to the engine behind a unix socket of this machine. Close it when done.

    Raises Problem (exit 7) where none answers, or one that is too old (API below 1.24) or of a strange architecture.
    """
    with _in_its_words("the container engine", "answer", explain):
        status, body = sockets.ask(path, "/version", call)
        if status != 200:
            raise Misbehaviour(f"answers {status} when asked for its version")
        version = json.loads(body)
        api = shapes.take(version, str, "ApiVersion")
        if not re.fullmatch(r"[0-9]{1,3}\.[0-9]{1,3}", api):
            raise shapes.Misshapen("gives no version as ApiVersion")
        title, architecture = _title(version), _architecture(version)
        with ExitStack() as stack:
            calls = stack.enter_context(closing(client(path, api, *call)))
            loads = stack.enter_context(closing(client(path, api, *load)))
            info = calls.info()
            containerd = _has_containerd_store(info)
            is_rootless = "name=rootless" in shapes.texts(info, "SecurityOptions")
            is_podman = title.startswith("Podman")
            networks = Networks(calls, is_ipv4_alone=is_podman and not is_rootless, is_podman=is_podman)
            stack.pop_all()
    return DockerEngine(title, architecture, containerd, calls, loads, networks, explain)


def _title(version: object) -> str:
    names = [shapes.find(part, str, "Name") or "" for part in shapes.find(version, list, "Components") or ()]
    product = "Podman" if any(name.startswith("Podman") for name in names) else "Docker"
    return f"{product} {shapes.take(version, str, 'Version').partition('+')[0][:40]}".rstrip()


def _architecture(version: object) -> Architecture:
    told = shapes.take(version, str, "Arch")
    if told not in ARCHITECTURES:
        raise EngineProblem(f"the host's architecture is {told}; images are for amd64 and arm64")
    return ARCHITECTURES[told]


def _has_containerd_store(info: object) -> bool:
    """Whether Docker keeps images in containerd's store, and not in its own, classic one.

    It finds a layer by its digest, wherever it lies; but it takes an archive that lacks one without a word, also where
    it has the layer in another form alone (compressed, from a registry).
    """
    shapes.take(info, dict)
    status = shapes.find(info, list, "DriverStatus") or []
    return any("io.containerd.snapshotter.v1" in shapes.take(pair, list) for pair in status)


ListedContainer = tuple[str, str | None, tuple[str, ...]]
"""A container as a list has it: its id, its state, its names."""


@frozen
class DockerEngine:
    """publish.engines.protocol.EdgeEngine over docker-py."""

    title: str
    _architecture: Architecture
    _containerd: bool
    _calls: APIClient
    _loads: APIClient
    _networks: Networks
    _explain: Explain
    _known: dict[str, tuple[ListedContainer, Container]] = field(default_factory=dict)
    _images: dict[tuple[str, tuple[str, ...]], LoadedImage] = field(default_factory=dict)  # by id and names

    def close(self) -> None:
        self._calls.close()
        self._loads.close()

    def architecture(self) -> Architecture:
        return self._architecture

    def load(self, archive: Iterable[bytes]) -> None:
        source = _Upload(archive)
        try:
            with self._words("load the image"):
                for part in self._loads.load_image(source, quiet=True):  # type: ignore[no-untyped-call]
                    # Docker tells of a bad archive with HTTP 200 and an errorDetail; Podman with "cause".
                    if shapes.take(part, dict).keys() & {"errorDetail", "error", "cause"}:
                        raise _refusal(self.title, "load the image", _said(part))
        except Problem:
            if source.failure:
                raise source.failure from None
            raise

    def image(self, reference: str) -> LoadedImage | None:
        # Podman and containerd find a layer by its content, whatever lies below it; Docker's classic store only above
        # the same ones.
        by_content = self._containerd or self.title.startswith("Podman")
        with self._words(f"show the image {reference}"):
            try:
                found = self._calls.inspect_image(reference)  # type: ignore[no-untyped-call]
            except NotFound:
                return None
            return shapes.image(found, by_content=by_content, unproven=self._containerd)

    def images(self, site: str) -> tuple[LoadedImage, ...]:
        with self._words("list its images"):
            listed = shapes.take(self._calls.images(filters={"label": f"{labels.SITE}={site}"}), list)
            looks = sorted((shapes.identifier(item, "Id"), shapes.texts(item, "RepoTags")) for item in listed)
        for look in looks:
            if look not in self._images and (image := self.image(look[0])):
                self._images[look] = image
        return tuple(self._images[look] for look in looks if look in self._images)

    def tag(self, image_id: str, reference: str) -> None:
        repository, _, tag = reference.rpartition(":")
        with self._words(f"name the image {reference}"):
            self._calls.tag(image_id, repository, tag)

    def remove_image(self, reference: str) -> None:
        with self._words(f"remove the image {reference}"), suppress(NotFound):
            self._calls.remove_image(reference)

    def containers(self, site: str | None = None) -> tuple[Container, ...]:
        with self._words("list its containers"):
            label = labels.SITE if site is None else f"{labels.SITE}={site}"
            listed = shapes.take(self._calls.containers(all=True, filters={"label": label}), list)
            looks = [
                (shapes.identifier(item, "Id"), shapes.find(item, str, "State"), shapes.texts(item, "Names"))
                for item in listed
            ]
        # One may be removed between the list and the look.
        found = [container for look in looks if (container := self._as_listed(look))]
        return tuple(sorted(found, key=lambda container: container.name))

    def _as_listed(self, look: ListedContainer) -> Container | None:
        """A container that looks in a list as it did before is the same still: an answer of its own has ten times the
        bytes, and a publish asks for all of them a dozen times.
        """
        known = self._known.get(look[0])
        if known and known[0] == look:
            return known[1]
        container = self.inspect(look[0])
        if container:
            self._known[look[0]] = (look, container)
        return container

    def create(self, spec: ContainerSpec) -> Container:
        with self._words(f"create the container {spec.name}"):
            volumes.make(self._calls, spec)
            networks = self._networks.wanted(spec)
            limits = self._calls.create_host_config(
                read_only=True,
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                tmpfs=dict([TMP]),
                mem_limit=spec.memory * _MIB,
                memswap_limit=spec.memory * _MIB,
                pids_limit=PIDS,
                log_config=LogConfig(type="json-file", config={"max-size": "10m", "max-file": "3"}),
                # Not "always": after a reboot the daemon would start old releases, too, which a newer one has replaced.
                restart_policy={"Name": "unless-stopped" if spec.restart else "no", "MaximumRetryCount": 0},
                port_bindings={
                    f"{port}/{kind}": (self._networks.host_ip(at), at.port or None)
                    for kind, ports in (("tcp", spec.ports), ("udp", spec.udp))
                    for port, at in ports.items()
                },
                binds=[f"{one.name}:{one.path}:{'ro' if one.is_read_only else 'rw'}" for one in spec.volumes],
                network_mode=networks[0] if networks else None,
                sysctls=dict(spec.sysctls) or None,
            )
        try:
            with self._words(f"create the container {spec.name}"):
                made = self._calls.create_container(
                    spec.reference,
                    name=spec.name,
                    labels=dict(spec.labels),
                    ports=[*((port, "tcp") for port in spec.ports), *((port, "udp") for port in spec.udp)],
                    environment=dict(spec.environment),
                    host_config=limits,
                )
                name = shapes.identifier(made, "Id")
                self._networks.join(name, networks[1:])
        except Problem as problem:
            # A taken name is 409 on Docker and 500 on Podman: so look.
            if problem.code is Exit.ENGINE and (other := self.inspect(spec.name)):
                raise EngineProblem(
                    f"the host already has a container {spec.name} ({other.state}, of {other.image})",
                    hint="if sealpress did not make it, rename or remove it; else publish again",
                ) from None
            raise
        if (found := self.inspect(name)) is None:
            raise EngineProblem(f"{self.title} made a container and lost it at once")
        return found

    def start(self, container_id: str) -> None:
        with self._words(f"start the container {container_id[:12]}"):
            try:
                self._calls.start(container_id)
            except APIError:
                if not self._networks.left(container_id):
                    raise
                self._calls.start(container_id)

    def stop(self, container_id: str, seconds: int) -> None:
        with self._words(f"stop the container {container_id[:12]}"), suppress(NotFound):
            self._calls.stop(container_id, timeout=seconds)

    def remove(self, container_id: str) -> None:
        with self._words(f"remove the container {container_id[:12]}"), suppress(NotFound):
            self._calls.remove_container(container_id, v=True, force=True)
            self._networks.tidy()

    def inspect(self, container_id: str) -> Container | None:
        with self._words(f"show the container {container_id[:12]}"):
            found = self._look(container_id)
            return None if found is None else shapes.container(found)

    def logs(self, container_id: str, lines: int) -> str:
        with self._words(f"show the logs of {container_id[:12]}"):
            written: bytes = self._calls.logs(container_id, stdout=True, stderr=True, tail=lines)
        return written.decode("utf-8", "replace")

    def endpoint(self, container_id: str, port: int) -> Endpoint | None:
        with self._words(f"show the container {container_id[:12]}"):
            found = self._look(container_id)
            if found is None or not shapes.take(found, bool, "State", "Running"):
                return None
            given = shapes.find(found, list, "NetworkSettings", "Ports", f"{port}/tcp") or ()
            bindings = [one for one in map(shapes.binding, given) if one]
        # Docker binds a port twice, for IPv4 and IPv6; either would do.
        return next((Endpoint(*one) for one in sorted(bindings, key=lambda one: ":" in one[0])), None)

    def write(self, container_id: str, path: str, data: bytes, owner: tuple[int, int]) -> None:
        with self._words(f"write {path} in {container_id[:12]}"):
            Insides(self._calls).write(container_id, path, data, owner)

    def read(self, container_id: str, path: str, limit: int) -> bytes | None:
        with self._words(f"read {path} in {container_id[:12]}"):
            return Insides(self._calls).read(container_id, path, limit)

    def run(self, container_id: str, command: Sequence[str]) -> tuple[int, str]:
        with self._words(f"run {command[0]} in {container_id[:12]}"):
            return Insides(self._calls).run(container_id, command)

    def remove_network(self, name: str) -> None:
        with self._words(f"remove the network {name}"):
            self._networks.remove(name)

    def _look(self, container_id: str) -> object | None:
        """What the engine tells of a container, whose shape is for the caller to see."""
        try:
            return shapes.take(self._calls.inspect_container(container_id), dict)
        except NotFound:
            return None

    def _words(self, doing: str) -> AbstractContextManager[None]:
        return _in_its_words(self.title, doing, self._explain)


class _Upload:
    """An archive on its way out: in pieces that are worth a chunk each, keeping what went wrong on our side.

    requests would show a failure to read a file here as a failed connection there.
    """

    def __init__(self, archive: Iterable[bytes]) -> None:
        self._archive = archive
        self.failure: BaseException | None = None

    def __iter__(self) -> Iterator[bytes]:
        waiting: list[bytes] = []
        held = 0
        try:
            for piece in self._archive:
                waiting.append(piece)
                held += len(piece)
                if held >= _PIECE:
                    yield b"".join(waiting)
                    waiting, held = [], 0
        except Exception as failure:
            self.failure = failure
            raise
        if held:
            yield b"".join(waiting)


@contextmanager
def _in_its_words(title: str, doing: str, explain: Explain) -> Iterator[None]:
    """Turns all that docker-py, requests and the socket raise into one Problem."""
    try:
        yield
    except (Misbehaviour, shapes.Misshapen) as error:
        raise explain() or EngineProblem(f"{title} {error}", hint=_ODD) from None
    except APIError as error:
        raise _refusal(title, doing, _plain(error.explanation) or str(error)) from None
    except (DockerException, RequestException, HTTPError, http.client.HTTPException, OSError, ValueError) as error:
        if broken := explain():
            raise broken from None
        raise EngineProblem(
            f"{title} broke off when asked to {doing}: {_plain(error)}",
            hint="look at the engine's own log on the host, such as `journalctl -u docker`",
        ) from None

    except (LookupError, TypeError, AttributeError, RecursionError, struct.error):
        # docker-py takes answers for what they should be; ours are looked at first.
        raise EngineProblem(f"{title} gives an answer that makes no sense to {doing}", hint=_ODD) from None


_ODD: Final = "is that a container engine? Look at what listens on its socket, and at the engine's own log"

_HINTS: Final = {
    "port is already allocated": "another container has that port: see `docker ps`, or set another `port` in site.toml",
    "address already in use": "another program has that port: see `ss -ltnp` there, or set another `port` in site.toml",
    "no space left on device": "free some space on the host: see `docker system df`",
    "cannot assign requested address": "the host has no such `address`: correct it in site.toml",
}


def _refusal(title: str, doing: str, words: str) -> Problem:
    hint = next((hint for phrase, hint in _HINTS.items() if phrase in words.lower()), None)
    return EngineProblem(f"{title} refused to {doing}: {words}", hint=hint)


def _said(part: dict[str, object]) -> str:
    """The reason in an answer's part: Docker's `errorDetail.message` or `error`, Podman's `message`."""
    detail = part.get("errorDetail")
    words = detail.get("message") if isinstance(detail, dict) else None
    return _plain(words or part.get("error") or part.get("message") or part.get("cause"))


def _plain(words: object) -> str:
    """One line, however the engine's words came: bytes, an exception, several lines."""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words or "")
    return " ".join(text.split())[:1000]
