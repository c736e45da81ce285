"""Sites behind a real edge on a real engine: their images, publishes as the command makes them; readers at it."""

import errno
import http.client
import os
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Final

from imagebake.packages.lock import Lock
from imagebake.packages.resolve import resolve
from imagebake.recipes import edge as edge_recipe
from imagebake.recipes import site
from imagebake.recipes.recipe import Image
from publish.deploy.deployment import Deployment
from publish.deploy.ship import ship
from publish.deploy.state_machine import Outcome, deploy
from publish.edge import certificates
from publish.edge.configuration import ALL_HOSTS, SiteBehindEdge
from publish.edge.container import line_of, network_at
from publish.edge.edge import Edge
from publish.edge.flip import ThroughEdge
from publish.edge.pair import SiteFiles
from publish.engines.protocol import Endpoint, Host, LoadedImage, RunState
from publish.probing.probe import Expectation
from publish.releases import history, rollback
from publish.releases.ownership import ReleaseLine
from publish.releases.release import SITE_SERVICE, TIME, ReleaseSpec, ServiceImage, ServiceSpec
from publish.target.hosts import open_host
from sealpress import labels
from sealpress.commands.console import SILENT
from sealpress.config import edge as edge_settings
from sealpress.config.settings import ImageSettings
from sealpress.tree import tree
from tests.engine.machine import Machine
from tests.engine.perlsite import SealedImage
from tests.imagebake.conftest import CREATED, HERE, write_tree
from tests.mirrors import require_mirror

SOAK = int(os.environ.get("SEALPRESS_SOAK", "0"))
"""Requests that `make soak` wants for each event; 0: as few as the tests name."""

WITHOUT = SiteFiles()
READERS = Endpoint("0.0.0.0", 8080)
SETTINGS = ImageSettings(architectures=(HERE,), trusted_proxies=edge_settings.NETWORKS)


@cache
def site_lock() -> Lock:
    require_mirror()
    return resolve(SETTINGS, site.ROOTS, now=datetime.now(UTC))  # noqa: TID251 - a real signature expires by the real clock


@cache
def edge_lock() -> Lock:
    require_mirror()
    return resolve(SETTINGS, edge_recipe.ROOTS, now=datetime.now(UTC))  # noqa: TID251 - as above


@cache
def edge_image(days: int = 0) -> Image:
    """Of a lock that is so much newer."""
    lock = edge_lock()
    return edge_recipe.bake(replace(lock, date=lock.date + timedelta(days)), SETTINGS, HERE)


def sealed(folder: Path, pages: Mapping[str, bytes], name: str = "blog", **changes) -> Image:
    """A site's image, as imagebake makes it. `folder` is empty still; `changes` are fields of ImageSettings."""
    told = tree.scan(write_tree(folder, {"404.html": b"not here", **pages}))
    return site.bake(told, site_lock(), replace(SETTINGS, **changes), [HERE], CREATED, name=name)[0]


@dataclass(frozen=True)
class Behind:
    """A target with an edge, on a host."""

    host: Host
    target: str = "production"
    hosts: tuple[str, ...] = (ALL_HOSTS,)
    readers: Endpoint = READERS
    replicas: int = 1
    site: str = "blog"
    interval: int = 1
    drain: int = 30
    timeout: int = 20
    grace: int = 0
    has_edge: bool = True
    tls: SiteFiles = WITHOUT
    made_of: Image | SealedImage | None = None  # the edge, and
    lock: str = ""  # the time of its lock

    @property
    def line(self) -> ReleaseLine:
        hosts = self.hosts if self.has_edge else ()
        tls = self.tls.source.label if self.tls.source else ""
        url = f"https://{self.hosts[0]}/"
        return ReleaseLine(self.site, self.target, self.readers, url, hosts=hosts, tls=tls, knows=_all)

    @property
    def edge(self) -> Edge:
        file = certificates.file_of(self.line.name, self.tls.source) if self.tls.source else ""
        files = {file: self.tls.pem} if file else {}
        return Edge(self.host, self.readers, self._bring, lambda: self.lock, files=files)

    def _bring(self) -> LoadedImage:
        return ship(self.host.engine, self.made_of or edge_image(), SILENT, line_of(self.readers))

    @property
    def flip(self) -> ThroughEdge:
        behind = SiteBehindEdge(self.line.name, self.hosts, "", 8080, self.interval, 2, self.tls.source)
        wanted = behind if self.has_edge else None
        waits = (self.drain, self.timeout, self.grace)
        return ThroughEdge(self.edge, self.line.name, wanted, *waits, trust=self.tls.trust)

    @property
    def service(self) -> ServiceSpec:
        if not self.has_edge:
            return ServiceSpec(readers=(self.readers,))
        return ServiceSpec(replicas=self.replicas, networks=(network_at(self.readers),))

    def publish(self, image: Image | SealedImage, *expected: Expectation, **changes) -> Outcome:
        """`changes`: fields of Deployment."""
        made = ServiceImage(image.labels[labels.RELEASE], partial(_shipped, image, self.line), expected)
        release = ReleaseSpec((self.service,), {SITE_SERVICE: made}, "", image.labels.get(labels.SEAL, ""))
        return self.put_out(release, **changes)

    def roll_back(self) -> Outcome:
        """As the command does it."""
        found = history.read(self.host.engine, self.line)
        return self.put_out(rollback.again(rollback.choose(found, None, 3), (self.service,), self.line))

    def put_out(self, release: ReleaseSpec, **changes) -> Outcome:
        told = {"timeout": self.timeout, "flip": self.flip} | changes
        published = replace(release, published=time.strftime(TIME, time.gmtime()))
        (outcome,) = deploy([Deployment(self.host, self.line, published, **told)])
        return outcome


def held(machine: Machine) -> dict[str, list]:
    """All that Docker has there: to compare before and after."""
    networks = machine.run("docker", "network", "ls", "--format", "{{.Name}}").split()
    return machine.inventory() | {"networks": sorted(networks)}


KEPT: Final = "localhost/strangers/edge:kept"
_having: dict[Path, Machine] = {}


def keep_edge(machine: Machine) -> None:
    """The edge's image stays on the machine under a stranger's name until `let_go`: to send it takes seconds."""
    if machine.folder in _having:
        return
    with open_host(machine.target(), SILENT) as host:
        image = ship(host.engine, edge_image(), SILENT, line_of(READERS))
        host.engine.tag(image.id, KEPT)
        for reference in image.references:
            host.engine.remove_image(reference)
    _having[machine.folder] = machine


def let_go() -> None:
    """Of what `keep_edge` kept, wherever that is still there."""
    for machine in _having.values():
        with suppress(subprocess.CalledProcessError):
            machine.run("docker", "rmi", KEPT)
    _having.clear()


@contextmanager
def left_as_found(machine: Machine, *, keeps: bool = False) -> Iterator[Behind]:
    """A target of the machine, beside a stranger's things; afterwards nothing else is there. It `keeps` the edge's
    image for the next test of the module.
    """
    if keeps:
        keep_edge(machine)
    machine.run("docker", "network", "create", "strangers")
    before = held(machine)
    with open_host(machine.target(), SILENT) as host:
        yield Behind(host)
    with open_host(machine.target(), SILENT) as host:
        for one in host.engine.containers():
            host.engine.remove(one.id)
        for name in ("blog", "notes", labels.EDGE):
            for image in host.engine.images(name):
                for reference in image.references:
                    if reference != KEPT:
                        host.engine.remove_image(reference)
        Behind(host).edge.tidy()
    assert held(machine) == before
    machine.run("docker", "network", "rm", "strangers")


def ask(machine: Machine, path: str = "/", method: str = "GET", name: str = "", **headers: str):
    """An answer with its body; `headers` have underscores for dashes."""
    connection = http.client.HTTPConnection(machine.address, 8080, timeout=20)
    with closing(connection):
        told = {key.replace("_", "-"): value for key, value in headers.items()} | ({"Host": name} if name else {})
        connection.request(method, path, headers=told)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def states(target: Behind) -> list[tuple[int, RunState]]:
    return [(one.generation, one.state) for one in history.read(target.host.engine, target.line)]


def _all(_commit: str) -> bool:
    return True


def _shipped(image: Image | SealedImage, line: ReleaseLine, engine, progress) -> LoadedImage:
    return ship(engine, image, progress, line)


class ByTls(http.client.HTTPSConnection):
    """A connection to a site of that name at an address."""

    def __init__(self, address: str, name: str, roots: str) -> None:
        self.trusting = ssl.create_default_context(cadata=roots)
        super().__init__(address, 443, timeout=15, context=self.trusting)
        self.name = name

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self.trusting.wrap_socket(self.sock, server_hostname=self.name)


@dataclass
class Load:
    """Readers who ask without a pause, half of them on connections that they keep.

    A kept connection may be closed by any server while a request is on its way: then it is made once more on a new one,
    as browsers do (RFC 9110, section 9.2.2; RFC 9112, section 9.3.1). Nothing else is forgiven.
    """

    address: str
    allowed: frozenset[bytes]
    path: str = "/"
    name: str = ""
    port: int = 8080
    readers: int = 6
    roots: str = ""  # by TLS, trusting these
    lost: list[str] = field(default_factory=list)
    bodies: dict[bytes, int] = field(default_factory=dict)
    counts: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})  # by whether connections are kept
    silent: dict[bool, float] = field(default_factory=lambda: {True: 0.0, False: 0.0})
    """The longest time without an answer to any of them, in seconds."""
    last: dict[bool, float] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Requests that were answered."""
        return sum(self.counts.values())

    @contextmanager
    def at_it(self) -> Iterator["Load"]:
        stop = threading.Event()
        threads = [threading.Thread(target=self._read, args=(stop, n % 2 == 0)) for n in range(self.readers)]
        for one in threads:
            one.start()
        try:
            yield self
        finally:
            stop.set()
            for one in threads:
                one.join()
            _tell(self.count, self.lost)

    def until(self, count: int, parts: int = 1) -> None:
        """Waits until each kind of reader has been answered that often more; in a soak until all of them have been as
        often as that wants, where one of so many `parts` of an event is over.
        """
        before = dict(self.counts)
        count = max(count, SOAK // (2 * parts))
        deadline = time.monotonic() + 60 + count / 50
        while min(self.counts[kind] - before[kind] for kind in before) < count and time.monotonic() < deadline:
            time.sleep(0.02)

    def _read(self, stop: threading.Event, keeps: bool) -> None:
        connection = self._connection()
        while not stop.is_set():
            is_kept = connection.sock is not None
            try:
                try:
                    body = self._ask(connection)
                except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                    if not is_kept:
                        raise
                    connection.close()
                    body = self._ask(connection)
                self.bodies[body] = self.bodies.get(body, 0) + 1
                self.counts[keeps] += 1
                now = time.monotonic()
                self.silent[keeps] = max(self.silent[keeps], now - self.last.get(keeps, now))
                self.last[keeps] = now
                if body not in self.allowed:
                    self.lost.append(repr(body[:80]))
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if isinstance(error, OSError) and error.errno == errno.EADDRNOTAVAIL:
                    time.sleep(0.1)  # this machine has no port left to ask from: those of the last minute wait
                    continue
                self.lost.append(f"{'kept' if is_kept else 'new'}: {error!r}")
            if not keeps:
                connection.close()
        connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self.roots:
            return ByTls(self.address, self.name, self.roots)
        return http.client.HTTPConnection(self.address, self.port, timeout=15)

    def _ask(self, connection: http.client.HTTPConnection) -> bytes:
        connection.request("GET", self.path, headers={"Host": self.name} if self.name else {})
        answer = connection.getresponse()
        body = answer.read()
        return body if answer.status == 200 else f"status {answer.status}: ".encode() + body


def _tell(count: int, lost: list[str]) -> None:
    """To whoever runs a soak (tools/soak), one line of a file."""
    if file := os.environ.get("SEALPRESS_SOAK_TOLD"):
        with Path(file).open("a", encoding="utf-8") as told:
            told.write(f"{count} {len(lost)}\n")


@dataclass
class Http2Load:
    """Readers by HTTP/2 whose requests share a connection, 20 at a time: curl's, and 200 for each connection.

    A server that goes away says up to which request it has answered; those after it are made once more on a new
    connection, as browsers do (RFC 9113, section 6.8). Debian 12's curl gives up some of these: 22 of 58,000 over 60
    reloads, the newer one none of 54,000.
    """

    curl: tuple[str, ...]  # newer.curl
    address: str
    name: str
    roots: Path  # a file of certificates in PEM
    size: int  # of the body
    count: int = 0
    lost: list[str] = field(default_factory=list)

    @contextmanager
    def at_it(self) -> Iterator["Http2Load"]:
        stop = threading.Event()
        thread = threading.Thread(target=self._read, args=(stop,))
        thread.start()
        try:
            yield self
        finally:
            stop.set()
            thread.join()
            _tell(self.count, self.lost)

    def until(self, count: int, parts: int = 1) -> None:
        """As Load.until."""
        until = self.count + max(count, SOAK // parts)
        deadline = time.monotonic() + 60 + (until - self.count) / 50
        while self.count < until and time.monotonic() < deadline:
            time.sleep(0.02)

    def _read(self, stop: threading.Event) -> None:
        curl = [*self.curl, "--silent", "--show-error", "--http2", "--parallel", "--parallel-max", "20"]
        curl += ["--cacert", str(self.roots), "--resolve", f"{self.name}:443:{self.address}", "--output", "/dev/null"]
        curl += ["--write-out", "%{http_code} %{http_version} %{size_download} %{errormsg}\\n"]
        while not stop.is_set():
            done = subprocess.run(
                [*curl, f"https://{self.name}/?[1-200]"], capture_output=True, text=True, timeout=120, check=False
            )
            lines = done.stdout.splitlines()
            wrong = [line for line in lines if line.strip() != f"200 2 {self.size}"]
            self.lost += wrong or ([done.stderr] if done.returncode or len(lines) != 200 else [])
            self.count += len(lines) - len(wrong)
