"""From a target in site.toml to a host: over ssh, this machine's Docker or Podman, or the embedded engine."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from imagebake import smoke
from publish import hosts
from publish.engines.embedded.engine import EmbeddedEngine, EmbeddedHost
from publish.engines.protocol import Container, Endpoint, Host
from publish.probing import probe
from publish.releases.line import Line, readers_of
from publish.ssh.address import parse_address
from sealpress import git, sitefile, state
from sealpress.console import Progress
from sealpress.problems import Exit, Place, Problem, did_you_mean
from sealpress.settings import PublishTarget
from sealpress.sitefile import RESERVED_TARGETS, SiteFile


def choose(site: SiteFile, name: str | None) -> tuple[str, PublishTarget]:
    """The target of that name; without one, the only target. Raises Problem (exit 2) where that doesn't tell."""
    known = site.settings.publish
    if name is None and len(known) == 1:
        return next(iter(known.items()))
    if name is not None and name in known:
        return name, known[name]
    if not known:
        raise Problem(
            f"{site.document.place.file} names no host to publish to",
            hint='add [publish.production] with host = "user@blog.example.org", or host = "local"',
            code=Exit.USAGE,
        )
    listed = ", ".join(known)
    if name is None:
        raise Problem(f"which target? {site.document.place.file} has {listed}", code=Exit.USAGE)
    if name in RESERVED_TARGETS:
        raise Problem(f'"{name}" is a command, and must come first: publish {name}', code=Exit.USAGE)
    raise Problem(
        f'there is no target "{name}"{did_you_mean(name, [*known, *RESERVED_TARGETS])}',
        place=Place(site.document.place.file),
        hint=f"targets: {listed}",
        code=Exit.USAGE,
    )


def check(target: PublishTarget) -> None:
    """Tells what is wrong with a target as far as that can be seen from here. Raises Problem (exit 6)."""
    if target.host == hosts.LOCAL:
        return
    parse_address(target.host)
    if target.engine == "embedded":
        raise Problem(
            "the embedded runner works on this machine only",
            hint='host = "local", or another engine in site.toml',
            code=Exit.HOST,
        )


@contextmanager
def open_host(target: PublishTarget, progress: Progress) -> Iterator[Host]:
    """The target's host, as long as the context lasts. "auto" on this machine: Docker or Podman where one answers.

    Raises Problem (exit 6, 7, 9) as the ways to it do.
    """
    check(target)
    if target.host == hosts.LOCAL and (
        target.engine == "embedded"
        or (target.engine == "auto" and not target.socket and hosts.local_socket(target) is None)
    ):
        host = EmbeddedHost(EmbeddedEngine(state.shared_folder(), smoke.find_runner()))
        progress.note(f"{host.title}: {host.engine.title}, {host.engine.architecture()}")
        yield host
        return
    with hosts.open_host(target, progress) as opened:
        yield opened


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


def line(site: SiteFile, name: str, target: PublishTarget, host: Host, home: Path | None = None) -> Line:
    """The releases of the site at the target of that name, on its host. `home`: the blog's own folder."""
    folder = (home or site.root).resolve()

    def knows(commit: str) -> bool:
        repository = git.discover(folder) if commit else None
        return repository is not None and repository.holds(commit)

    return Line(
        site=sitefile.image_name(site.settings),
        target=name,
        readers=Endpoint(target.address, target.port),
        url=site.settings.site.url,
        folder=str(folder) if host.is_by_folder else "",
        knows=knows,
    )
