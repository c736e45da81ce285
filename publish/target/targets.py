"""A target of site.toml: which one is meant, its host with the line of releases there, where readers find it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from publish.deploy.flip import Flip, Replace
from publish.edge import certificates, pair
from publish.edge import image as edge_image
from publish.edge.certificates import CertificateSource
from publish.edge.configuration import ALL_HOSTS, SiteBehindEdge
from publish.edge.container import name_at, network_at
from publish.edge.edge import Edge, origin
from publish.edge.flip import ThroughEdge
from publish.edge.pair import SiteFiles
from publish.engines.protocol import Container, ContainerEngine, EdgeEngine, Endpoint, Host
from publish.probing import probe
from publish.releases import history
from publish.releases.history import containers
from publish.releases.ownership import ReleaseLine, readers_of
from publish.releases.release import Release, ServiceSpec
from publish.ssh.address import parse_address
from publish.target import hosts
from sealpress import labels
from sealpress.commands.console import Progress
from sealpress.config import sitefile
from sealpress.config.settings import PublishTarget
from sealpress.config.sitefile import RESERVED_TARGETS, SiteFile
from sealpress.files import home as files_home
from sealpress.frozen import frozen
from sealpress.git import repository as git
from sealpress.problems import HostProblem, Place, Problem, UsageProblem, did_you_mean


def choose(site: SiteFile, name: str | None) -> tuple[str, PublishTarget]:
    """The target of that name; without one, the only target. Raises Problem (exit 2) where that doesn't tell."""
    known = site.settings.publish
    if name is None and len(known) == 1:
        return next(iter(known.items()))
    if name is not None and name in known:
        return name, known[name]
    if not known:
        raise UsageProblem(
            f"{site.document.place.file} names no host to publish to",
            hint='add [publish.production] with host = "user@blog.example.org", or host = "local"',
        )
    listed = ", ".join(known)
    if name is None:
        raise UsageProblem(f"which target? {site.document.place.file} has {listed}")
    if name in RESERVED_TARGETS:
        raise UsageProblem(f'"{name}" is a command, and must come first: publish {name}')
    raise UsageProblem(
        f'there is no target "{name}"{did_you_mean(name, [*known, *RESERVED_TARGETS])}',
        place=Place(site.document.place.file),
        hint=f"targets: {listed}",
    )


def check(target: PublishTarget) -> None:
    """Tells what is wrong with a target as far as that can be seen from here. Raises Problem (exit 6)."""
    for one in target.each:
        if one.only_host == hosts.LOCAL:
            continue
        parse_address(one.only_host)
        if target.engine == "embedded":
            raise HostProblem(
                "the embedded runner works on this machine only", hint='host = "local", or another engine in site.toml'
            )


@frozen
class OpenTarget:
    """A target of that name on one of its hosts, with the line of releases there."""

    name: str
    site: SiteFile
    settings: PublishTarget
    host: Host
    line: ReleaseLine
    home: Path  # the blog's own folder
    tls: SiteFiles

    @property
    def engine(self) -> ContainerEngine:
        return self.host.engine

    @property
    def edge(self) -> str:
        """What owns the readers' port, for a person: the edge's name, or why there is none."""
        if self.line.hosts:
            return name_at(self.line.readers)
        if not isinstance(self.engine, EdgeEngine):
            return "none, without an engine"
        if self.settings.edge == "auto":
            return 'none, as until now; edge = "caddy" in site.toml ends the gap of each publish'
        is_said = self.site.document.at("publish", self.name, "edge")
        return "none" if is_said else "none, with a proxy of your own"

    def site_service(self) -> ServiceSpec:
        """How the site runs there."""
        port, memory = self.site.settings.image.port, self.settings.memory
        if not self.line.hosts:
            plain = ServiceSpec(readers=(self.line.readers,), port=port, memory=memory)
            return replace(plain, joins=self.settings.networks, labels=self.settings.labels)
        networks = (network_at(self.line.readers),)
        return ServiceSpec(replicas=self.settings.replicas, port=port, memory=memory, networks=networks)

    def flip(self, progress: Progress, *, renews_edge: bool = True) -> Flip:
        """How readers come to a release: through the edge, where the target has one or had one until now."""
        if not self.line.hosts and not any(labels.HOSTS in one.labels for one in containers(self.engine, self.line)):
            return Replace()
        settings, line = self.settings, self.line
        behind = SiteBehindEdge(
            line.name,
            line.hosts,
            "",
            self.site.settings.image.port,
            settings.health_interval,
            settings.health_failures,
            self.tls.source,
        )
        files = (self.site.root, self.home)
        brought = partial(edge_image.bring, self.engine, self.site.settings.image, files, line.readers, progress)
        file = certificates.file_of(line.name, self.tls.source) if self.tls.source else ""
        written = MappingProxyType({file: self.tls.pem} if file else {})
        dated = partial(edge_image.dated, files)
        edge = Edge(self.host, line.readers, brought, dated, renews_edge, progress, files=written)
        wanted = behind if line.hosts else None
        waits = (settings.drain, settings.timeout, settings.grace)
        return ThroughEdge(edge, line.name, wanted, *waits, trust=self.tls.trust)

    def check_files(self) -> None:
        """Raises Problem (exit 3) where a file that its certificates need is not what it should be."""
        files_of(self.site, self.name, self.settings, self.home)

    def stop(self, progress: Progress) -> tuple[Container, ...]:
        """Takes the site down; gives the servers that ran."""
        match self.flip(progress):
            case ThroughEdge() as flip:
                flip.stop(containers(self.engine, self.line))
        return history.stop(self.engine, self.line)

    def start(self, progress: Progress) -> Release:
        """Starts the current release again. Raises Problem (exit 8) where there is none."""
        release = history.start(self.engine, self.line)
        match self.flip(progress):
            case ThroughEdge() as flip:
                flip.start(release.containers)
        return release

    def address(self, release: str, server: Container | None = None) -> str:
        """Where a person can look at a release that answers: as `asked`; for a `server`, what that was created for."""
        known = as_created(self.settings, server) if server else self.settings
        return asked(self.host, known, release, url=self.line.url)


def files_of(site: SiteFile, name: str, settings: PublishTarget, home: Path) -> SiteFiles:
    """What the target's TLS is made of. `home`: the blog's own folder. Raises Problem (exit 3), each at its place, also
    where the key is one that the repository has: whoever clones it has it, too.
    """
    found = pair.read(settings, home, partial(site.place, "publish", name))
    key = files_home.expanded(settings.key) if settings.key else None
    repository = git.discover(home) if key else None
    if key and repository and (head := repository.head()):
        inside = os.path.relpath((home / key).resolve(), repository.root.resolve())
        if not inside.startswith("..") and repository.file(head.id, inside) is not None:
            message = f"{settings.key} is committed: whoever has the repository has the key"
            hint = "have a new pair made, and keep it outside: even when it is deleted, the history has this one"
            raise Problem(message, place=site.place("publish", name, "key"), hint=hint)
    return found


@contextmanager
def opened(
    site: SiteFile,
    name: str,
    settings: PublishTarget,
    progress: Progress,
    home: Path | None = None,
    way: hosts.Way | None = None,
) -> Iterator[OpenTarget]:
    """A target of one host, as long as the context lasts. `home`: the blog's own folder. `way`: as for open_host.

    Raises Problem as hosts.open_host.
    """
    folder = (home or site.root).resolve()

    def knows(commit: str) -> bool:
        repository = git.discover(folder) if commit else None
        return repository is not None and repository.holds(commit)

    try:
        tls = files_of(site, name, settings, folder)
    except Problem:  # who looks, or stops the site, needs them not; who publishes is told by `check_files`
        tls = SiteFiles(CertificateSource("own" if settings.certificate else "acme", settings.acme, settings.email))
    with hosts.open_host(settings, progress, way) as host:
        line = ReleaseLine(
            site=sitefile.image_name(site.settings),
            target=name,
            readers=Endpoint(settings.address, settings.port),
            url=site.settings.site.url,
            folder=str(folder) if host.is_by_folder else "",
            tls=tls.source.label if tls.source else "",
            knows=knows,
        )
        if _has_edge(settings, host, line):
            line = replace(line, hosts=settings.hosts or (ALL_HOSTS,))
        yield OpenTarget(name, site, settings, host, line, folder, tls)


def _has_edge(settings: PublishTarget, host: Host, line: ReleaseLine) -> bool:
    """Whether there is an edge before the site: where site.toml leaves that to the host, as it stands there, since the
    way to an edge and back has a gap that only a person should open; and a site that is new there has one.

    Raises Problem (exit 6) where there must be one, and can't.
    """
    if settings.edge == "none" or not isinstance(host.engine, EdgeEngine):
        if settings.edge == "caddy":
            hint = "install one of them; or leave `edge` out for this target, and all keys that need one"
            raise HostProblem(f"{host.title} has neither Docker nor Podman, which an edge needs", hint=hint)
        return False
    if settings.edge == "caddy":
        return True
    found = history.read(host.engine, line)
    return not found or labels.HOSTS in found[0].site.labels


def address(target: PublishTarget, url: str = "") -> str:
    """Where a person can look at the site, as far as site.toml tells: "http://127.0.0.1:8080/".

    `url` is the site's: below its path readers find the site.
    """
    if target.tls:
        return f"https://{target.hosts[0]}{urlsplit(url).path or '/'}"
    if target.hosts:
        return origin(target.hosts[0], url, Endpoint("", target.port)) + (urlsplit(url).path or "/")
    return _url(_knocks(target)[0], url)


def asked(host: Host, target: PublishTarget, release: str, fetch: probe.Fetch = probe.fetch, *, url: str = "") -> str:
    """The first of the addresses that readers may know at which the host itself gets this release.

    The host's own name comes first. A name that only ssh knows, or an address of a family that the engine does not
    serve, gets no answer: then it is the loopback, and the host is told with it.
    """
    expected = probe.Expectation(probe.RELEASE_PATH, body=release.encode())
    for knock in _knocks(target):
        with suppress(Problem), host.reach(knock) as reached:
            if probe.check(reached, (expected,), fetch) is None:
                if knock.name and target.tls:  # that has no certificate yet
                    return f"http://{knock.name}{urlsplit(url).path or '/'}"
                if knock.name:
                    return address(target, url)
                is_here = target.only_host == hosts.LOCAL or knock.address not in _LOOPBACKS
                return _url(knock, url) + ("" if is_here else f" on {host.title}")
    return address(target, url)


def as_created(target: PublishTarget, server: Container) -> PublishTarget:
    """The target with the readers' address that a server has, which site.toml may have changed since."""
    readers = readers_of(server)
    return replace(target, address=readers.address, port=readers.port) if readers else target


_LOOPBACKS: Final = MappingProxyType({"127.0.0.1": "0.0.0.0", "::1": "::"})  # noqa: S104 - by the address of all


def _knocks(target: PublishTarget) -> list[Endpoint]:
    """Where to ask, the likeliest first."""
    named = target.hosts[0] if target.hosts else ""
    loopbacks = [one for one, every in _LOOPBACKS.items() if target.address in {"", every}]
    if not loopbacks:
        return [Endpoint(target.address, target.port, name=named)]
    names = [] if target.only_host == hosts.LOCAL else [parse_address(target.only_host).name]
    return [Endpoint(name, target.port, name=named) for name in (*names, *loopbacks)]


def _url(endpoint: Endpoint, url: str) -> str:
    shown = f"[{endpoint.address}]" if ":" in endpoint.address else endpoint.address
    port = "" if endpoint.port == 80 else f":{endpoint.port}"
    return f"http://{shown}{port}{urlsplit(url).path or '/'}"
