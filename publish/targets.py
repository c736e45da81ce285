"""A target of site.toml: which one is meant, its host with the line of releases there, where readers find it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from publish import hosts
from publish.engines.protocol import Container, Endpoint, Engine, Host
from publish.probing import probe
from publish.releases.ownership import ReleaseLine, readers_of
from publish.releases.release import ServiceSpec
from publish.ssh.address import parse_address
from sealpress.commands.console import Progress
from sealpress.config import sitefile
from sealpress.config.settings import PublishTarget
from sealpress.config.sitefile import RESERVED_TARGETS, SiteFile
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
    if target.host == hosts.LOCAL:
        return
    parse_address(target.host)
    if target.engine == "embedded":
        raise HostProblem(
            "the embedded runner works on this machine only", hint='host = "local", or another engine in site.toml'
        )


@dataclass(frozen=True, slots=True)
class OpenTarget:
    """A target of that name, with its host and the line of releases there."""

    name: str
    site: SiteFile
    settings: PublishTarget
    host: Host
    line: ReleaseLine

    @property
    def engine(self) -> Engine:
        return self.host.engine

    def site_service(self) -> ServiceSpec:
        """How the site runs there."""
        port, memory = self.site.settings.image.port, self.settings.memory
        return ServiceSpec(readers=(self.line.readers,), port=port, memory=memory)

    def address(self, release: str, server: Container | None = None) -> str:
        """Where a person can look at a release that answers: as `asked`; for a `server`, what that was created for."""
        known = as_created(self.settings, server) if server else self.settings
        return asked(self.host, known, release, url=self.line.url)


@contextmanager
def opened(
    site: SiteFile, name: str, settings: PublishTarget, progress: Progress, home: Path | None = None
) -> Iterator[OpenTarget]:
    """The target, as long as the context lasts. `home`: the blog's own folder. Raises Problem as hosts.open_host."""
    folder = (home or site.root).resolve()

    def knows(commit: str) -> bool:
        repository = git.discover(folder) if commit else None
        return repository is not None and repository.holds(commit)

    with hosts.open_host(settings, progress) as host:
        line = ReleaseLine(
            site=sitefile.image_name(site.settings),
            target=name,
            readers=Endpoint(settings.address, settings.port),
            url=site.settings.site.url,
            folder=str(folder) if host.is_by_folder else "",
            knows=knows,
        )
        yield OpenTarget(name, site, settings, host, line)


def address(target: PublishTarget, url: str = "") -> str:
    """Where a person can look at the site, as far as site.toml tells: "http://127.0.0.1:8080/".

    `url` is the site's: below its path readers find the site.
    """
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
                is_here = target.host == hosts.LOCAL or knock.address not in _LOOPBACKS
                return _url(knock, url) + ("" if is_here else f" on {host.title}")
    return address(target, url)


def as_created(target: PublishTarget, server: Container) -> PublishTarget:
    """The target with the readers' address that a server has, which site.toml may have changed since."""
    readers = readers_of(server)
    return replace(target, address=readers.address, port=readers.port) if readers else target


_LOOPBACKS: Final = MappingProxyType({"127.0.0.1": "0.0.0.0", "::1": "::"})  # noqa: S104 - by the address of all


def _knocks(target: PublishTarget) -> list[Endpoint]:
    """Where to ask, the likeliest first."""
    loopbacks = [one for one, every in _LOOPBACKS.items() if target.address in {"", every}]
    if not loopbacks:
        return [Endpoint(target.address, target.port)]
    names = [] if target.host == hosts.LOCAL else [parse_address(target.host).name]
    return [Endpoint(name, target.port) for name in (*names, *loopbacks)]


def _url(endpoint: Endpoint, url: str) -> str:
    shown = f"[{endpoint.address}]" if ":" in endpoint.address else endpoint.address
    port = "" if endpoint.port == 80 else f":{endpoint.port}"
    return f"http://{shown}{port}{urlsplit(url).path or '/'}"
