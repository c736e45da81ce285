"""Whether the readers' port of a line is another's: told before anything is sent, with the way out."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import MappingProxyType
from typing import Final

from publish.engines.protocol import Container, Endpoint, Host, Role, RunState
from publish.probing import probe
from publish.releases.ownership import ReleaseLine, overlap, readers_of
from sealpress import labels
from sealpress.problems import EngineProblem, Problem


def check_free(line: ReleaseLine, containers: Iterable[Container]) -> None:
    """Raises Problem (exit 7) where another line's server has the readers' port, with the way out.

    Told before anything is sent: the engine itself would tell in the gap.
    """
    found = tuple(containers)
    for one in found:
        is_server = one.labels.get(labels.ROLE) == Role.SERVER and one.state is RunState.RUNNING
        if not is_server or not overlap(readers_of(one), line.readers) or line.holds(one):
            continue
        if one.labels.get(labels.SITE) == labels.EDGE:
            if problem := _edges(line, one, found):
                raise problem
        elif labels.HOSTS not in one.labels:
            raise _taken(line, one)
        elif both := sorted({*one.labels[labels.HOSTS].split()} & {*line.hosts}):
            raise _named(line, one, both[0])


def _edges(line: ReleaseLine, edge: Container, found: tuple[Container, ...]) -> Problem | None:
    """Why a line can't have the port of an edge: it can behind it, or where nobody else is any longer."""
    readers = readers_of(edge)
    others = [
        one
        for one in found
        if labels.HOSTS in one.labels and readers_of(one) == readers
        if one.state is RunState.RUNNING and not line.holds(one)
    ]
    is_ours = readers == line.readers or any(line.holds(one) for one in found if readers_of(one) == readers)
    if (readers == line.readers and line.hosts) or (is_ours and not others):
        return None
    hint = f'edge = "caddy" for [publish.{line.target}] in site.toml, with the same `port` and `address`, shares it'
    return EngineProblem(f"port {line.readers.port} is the edge's, which has other sites behind it", hint=hint)


def _named(line: ReleaseLine, other: Container, host: str) -> Problem:
    told = other.labels
    whose = f"the site {told.get(labels.SITE, '')}, target {told.get(labels.TARGET, '')}"
    if host == "*":
        message = f"all names at port {line.readers.port} that no other site has lead to {whose} already"
        hint = f'give [publish.{line.target}] names of its own: hosts = ["blog.example.org"]'
    else:
        message = f"{host} at port {line.readers.port} leads to {whose} already"
        hint = f"take it out of `hosts` there or here; or stop that one: {other.name}"
    return EngineProblem(message, hint=hint)


def left_alone(line: ReleaseLine, containers: Iterable[Container]) -> Iterator[str]:
    """A sentence for each server that runs on and may be what the user takes for this line's."""
    for one in containers:
        told = one.labels
        is_server = told.get(labels.ROLE) == Role.SERVER and one.state is RunState.RUNNING
        if not is_server or told.get(labels.SITE) != line.site or line.holds(one):
            continue
        readers = told.get(labels.READERS, "").partition(" ")[0]
        if line.is_namesake(one):
            yield f"{one.name} goes on at {readers}: its commit is not known here, so it may be another site's"
        elif labels.TARGET not in told:
            yield f"{one.name} goes on at {readers}: the next publish to a target with that port takes its place"


def check_silent(host: Host, line: ReleaseLine, fetch: probe.Fetch) -> None:
    """Raises Problem (exit 7) where something answers on the readers' port already.

    To be asked where no server of the line has the port. What speaks no HTTP is told by the engine, in the flip.
    """
    for address in _LOOPBACKS.get(line.readers.address, (line.readers.address,)):
        with suppress(Problem), host.reach(Endpoint(address, line.readers.port)) as reached:
            fetch(reached, probe.RELEASE_PATH)
            break
    else:
        return
    raise EngineProblem(
        f"port {line.readers.port} of {host.title} is taken: something answers there that is no release of this target",
        hint=f"see `docker ps` and `ss -ltnp` there, or set another `port` for [publish.{line.target}] in site.toml",
    )


_LOOPBACKS: Final = MappingProxyType(
    {"": ("127.0.0.1", "::1"), "0.0.0.0": ("127.0.0.1",), "::": ("::1",)}  # noqa: S104 - asked, not bound
)


def _taken(line: ReleaseLine, other: Container) -> Problem:
    told = other.labels
    target, folder, url = (told.get(label, "") for label in (labels.TARGET, labels.FOLDER, labels.URL))
    generation = told.get(labels.GENERATION, "?")
    free = f"set another `port` or `address` for [publish.{line.target}] in site.toml"
    if told.get(labels.SITE) != line.site:
        whose = f"the site {told.get(labels.SITE, '')}" + (f", target {target}" if target else "")
        both = ' edge = "caddy" for that one, and both have the port;' if line.hosts else ""
        hint = f"{free};{both} or stop that one: {other.name}"
    elif target != line.target:
        whose = f'this site\'s target "{target}", generation {generation}'
        hint = (
            f'{free}; if "{target}" is what this target was called before, call it so again, then `publish stop '
            f"{target}`, then rename it"
        )
    elif folder != line.folder:
        whose = f"this site from {folder}, generation {generation}"
        hint = f"`publish stop {target}` in that folder; or {free}"
    else:
        whose = f'another site that is called "{line.site}", too ({url}), generation {generation}'
        hint = (
            f"give this one a name of its own, [image] name, and {free}; if it is this site, which has moved, publish "
            f"from a clone with its whole history, or stop it on the host: {other.name}"
        )
    return EngineProblem(f"port {line.readers.port} is taken by {whose}", hint=hint)
