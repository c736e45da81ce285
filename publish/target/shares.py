"""What a target shares on one of its hosts, beside the live site: begun, listed, ended, and cleared away.

Each share is a line of releases of its own, "production.NAME": nothing of the live line is ever mistaken for it.
Its container and its route at the edge tell all of it; the edge alone decides until when somebody is led there. Shared
again, it keeps its address. What a command that was killed has left leads nowhere, and is cleared away by the next one.
"""

import re
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from publish.deploy.ship import ship
from publish.edge import configuration, share
from publish.edge.configuration import ID_DIGITS
from publish.edge.container import network_at
from publish.edge.edge import Edge, behind_edge
from publish.edge.flip import ThroughEdge
from publish.edge.share import SharedRelease
from publish.engines.protocol import Container, ContainerSpec, Role, RunState
from publish.probing import probe
from publish.releases import history
from publish.releases.ownership import ReleaseLine
from publish.releases.release import TIME, generation_of, is_server, seconds_of
from publish.target import targets
from publish.target.targets import OpenTarget
from sealpress import labels
from sealpress.commands.console import SILENT, Progress
from sealpress.frozen import frozen
from sealpress.problems import Problem, ReleaseProblem, UsageProblem, did_you_mean

if TYPE_CHECKING:
    from imagebake.recipes.recipe import Image

ALL: Final = "all"
"""No share is called so."""

_LONGEST: Final = 40  # characters of a name


@frozen
class ReleaseShare:
    """One share. `what` it shows, "branch new-theme"; `until` when, in seconds since 1970; `address` is secret, and ""
    where nobody is led there. `containers`: the one that is led to in front.
    """

    name: str
    what: str
    until: int
    address: str
    containers: tuple[Container, ...]

    @property
    def commit(self) -> str:
        return self.containers[0].labels.get(labels.COMMIT, "")

    @property
    def ends(self) -> str:
        """Its end for a machine, in UTC."""
        return time.strftime(TIME, time.gmtime(self.until))

    def as_data(self) -> dict[str, object]:
        """Without the address: who looks at a status need not know it."""
        return {"name": self.name, "what": self.what, "commit": self.commit, "until": self.ends}


@frozen
class SharedSite:
    """What shall be shared, as the image and labels have it. `below`: OutputTree.below."""

    what: str
    commit: str
    port: int
    below: str


def name_for(what: str, known: Iterable[ReleaseShare]) -> str:
    """What a share of this is called: as it is already, else by its words, in small letters, digits and dashes."""
    taken = {ALL: ""} | {one.name: one.what for one in known}
    if same := next((name for name, whose in taken.items() if whose == what), None):
        return same
    words = re.sub("[^a-z0-9]+", "-", what.lower().removeprefix("branch ")).strip("-")[:_LONGEST].strip("-") or "share"
    number = 1
    while (name := words if number == 1 else f"{words}-{number}") in taken:
        number += 1
    return name


def read(there: OpenTarget) -> tuple[ReleaseShare, ...]:
    """All of the target's, by name; also those that have run out and are not cleared away yet."""
    found: dict[str, list[Container]] = {}
    for one in there.engine.containers(there.line.site):
        if name := _name(there.line, one):
            found.setdefault(name, []).append(one)
    if not found:
        return ()
    routes = _edge(there).routes() if _has_edge(there) else {}
    shares: list[ReleaseShare] = []
    for name, containers in sorted(found.items()):
        known = routes.get(share.route_name(there.line.name, name), {})
        led = configuration.replicas_of(known)
        in_order = sorted(containers, key=lambda one: (one.id[:ID_DIGITS] not in led, -generation_of(one)))
        first = in_order[0]
        shared = share.read(name, known) if first.id[:ID_DIGITS] in led else None
        until = shared.until if shared else seconds_of(first.labels.get(labels.UNTIL, "")) or 0
        address = f"{origin(there)}{shared.path}" if shared else ""
        shares.append(ReleaseShare(name, first.labels.get(labels.SHARED, ""), until, address, tuple(in_order)))
    return tuple(shares)


def begin(
    there: OpenTarget, image: "Image", site: SharedSite, shared: SharedRelease, progress: Progress = SILENT
) -> str:
    """Starts a release beside the live one, and leads whoever knows the secret there: gives its address.

    Raises Problem (exit 8) where nothing is live there, or the release does not become healthy, and as an engine does;
    then nothing is left of it, and a share of that name stays as it was.
    """
    live = live_server(there)
    edge, line, engine = _edge(there, progress), _line(there.line, shared.name), there.engine
    older = [one for one in engine.containers(line.site) if _name(there.line, one) == shared.name]
    loaded = ship(engine, image, progress, line, there.host)
    generation = 1 + max(map(generation_of, older), default=0)
    marks = {
        **line.labels,
        labels.ROLE: str(Role.SHARED),
        labels.GENERATION: str(generation),
        labels.RELEASE: image.release,
        labels.COMMIT: site.commit,
        labels.PORT: str(site.port),
        labels.SHARED: site.what,
        labels.UNTIL: time.strftime(TIME, time.gmtime(shared.until)),
    }
    spec = ContainerSpec(
        line.container_name(generation, Role.SHARED),
        line.reference(loaded.labels),
        ports={},
        labels=marks,
        memory=there.settings.memory,
        networks=(network_at(edge.readers),),
    )
    address = origin(there)
    behind = replace(behind_edge(live), port=site.port)
    try:
        made = engine.create(spec)
        try:
            engine.start(made.id)
            _must_answer(there, made)
            is_secure = address.startswith("https:")
            route = share.route(shared, behind, made.id, site.below, is_secure=is_secure)
            edge.tell(share.route_name(there.line.name, shared.name), route)
        except BaseException:
            engine.remove(made.id)
            raise
    except BaseException:
        with suppress(Problem):
            _prune_images(there)
        raise
    _remove(there, older)
    return f"{address}{shared.path}"


def _must_answer(there: OpenTarget, made: Container) -> None:
    wrong = probe.wait(lambda: history.wrong_with(there.host, (made,)), there.settings.timeout)
    if wrong:
        raise ReleaseProblem(f"what is to be shared did not become healthy: {wrong}")


def end(there: OpenTarget, names: Iterable[str]) -> tuple[str, ...]:
    """Leads nobody to these any more, and removes them; gives those that were there."""
    ended = [one for one in read(there) if one.name in names]
    for one in ended:
        _forget(there, one)
    return tuple(one.name for one in ended)


def end_all(there: OpenTarget) -> tuple[str, ...]:
    return end(there, [one.name for one in read(there)])


def clear(there: OpenTarget) -> tuple[str, ...]:
    """Removes what has run out, and what nobody is led to: a sentence for each."""
    if there.line.folder:  # there are no edges, and names with a dot are those of other clones
        return ()
    done: list[str] = []
    known = read(there)
    lasts = lasting(there, known)
    for one in known:
        if one in lasts:
            _remove(there, one.containers[1:])
        else:
            _forget(there, one)
            done.append(f"the share {one.name} has {'run out' if one.address else 'lost its edge'}, and is gone")
    if _has_edge(there) and (edge := _edge(there)).stands():
        held = {share.route_name(there.line.name, one.name) for one in read(there)}
        for route in edge.routes():  # of containers that somebody took away
            if route.startswith(share.route_name(there.line.name, "")) and route not in held:
                edge.tell(route, None)
    _prune_images(there)
    return tuple(done)


def lasting(there: OpenTarget, known: Sequence[ReleaseShare]) -> tuple[ReleaseShare, ...]:
    """Those of them to which somebody is led still."""
    clock = now(there) if known else 0
    return tuple(one for one in known if one.address and one.until > clock)


def now(there: OpenTarget) -> int:
    """Seconds since 1970 by the host's own clock, which the edge goes by; by ours, where the host doesn't tell."""
    try:
        return int(there.host.ask(("date", "+%s")))
    except (Problem, ValueError):
        return int(time.time())


def chosen(name: str, known: Iterable[ReleaseShare]) -> tuple[str, ...]:
    """The names that are meant: a share's, ALL, or "" for the only one. Raises Problem (exit 2)."""
    names = [one.name for one in known]
    listed = ", ".join(names)
    if not names:
        raise UsageProblem("nothing is shared")
    if name == ALL or (not name and len(names) == 1):
        return tuple(names)
    if name in names:
        return (name,)
    if not name:
        raise UsageProblem("which share?", hint=f"--end with one of these: {listed}; or with {ALL}")
    raise UsageProblem(f'there is no share "{name}"{did_you_mean(name, names)}', hint=f"shares: {listed}")


def live_server(there: OpenTarget) -> Container:
    """One that readers are led to. Raises Problem (exit 2, 8)."""
    if not there.line.hosts:
        hint = f'edge = "caddy" for [publish.{there.name}]; until then, `ssg preview` shows drafts on your own network'
        raise UsageProblem(f"{there.name} has no edge, which a share needs: it lets in who has the secret", hint=hint)
    edge = _edge(there)
    running = [one for one in history.containers(there.engine, there.line) if is_server(one)]
    served = edge.routes().get(there.line.name) if edge.stands() else None
    led = configuration.replicas_of(served)
    for one in running:
        if one.id[:ID_DIGITS] in led and one.state is RunState.RUNNING:
            return one
    raise ReleaseProblem(f"nothing is live at {there.name}, and a share stands beside that", hint="publish first")


def origin(there: OpenTarget) -> str:
    """Under which scheme and name readers come: "https://blog.example.org"."""
    parts = urlsplit(targets.address(there.settings, there.line.url).partition(" ")[0])
    return f"{parts.scheme}://{parts.netloc}"


def _line(line: ReleaseLine, name: str) -> ReleaseLine:
    """A line of its own. No target's name has a dot."""
    return ReleaseLine(line.site, f"{line.target}.{name}", line.readers, line.url)


def _name(line: ReleaseLine, container: Container) -> str:
    """Of which of the line's shares a container is; "" for none."""
    told = container.labels
    target, _, name = told.get(labels.TARGET, "").partition(".")
    is_ours = told.get(labels.ROLE) == Role.SHARED and target == line.target
    is_ours = is_ours and told.get(labels.URL, "").partition("://")[2] == line.url.partition("://")[2]
    return name if is_ours else ""


def _has_edge(there: OpenTarget) -> bool:
    return isinstance(there.flip(SILENT), ThroughEdge)


def _edge(there: OpenTarget, progress: Progress = SILENT) -> Edge:
    match there.flip(progress):
        case ThroughEdge() as flip:
            return flip.edge
    raise UsageProblem(f"{there.name} has no edge")


def _forget(there: OpenTarget, one: ReleaseShare) -> None:
    route = share.route_name(there.line.name, one.name)
    if _has_edge(there) and route in (edge := _edge(there)).routes():
        edge.tell(route, None)
    _remove(there, one.containers)


def _remove(there: OpenTarget, containers: Iterable[Container]) -> None:
    for one in containers:
        there.engine.remove(one.id)
    _prune_images(there)


def _prune_images(there: OpenTarget) -> None:
    """Those of shares which no container is made from: also of one that was killed before it had any."""
    line, engine = there.line, there.engine
    used = {one.image for one in engine.containers(line.site)}
    before = f"localhost/site/{line.site}:{line.target}."
    for image in engine.images(line.site):
        for name in image.references:
            if name.startswith(before) and "." in name.removeprefix(before) and name not in used:
                with suppress(Problem):  # somebody else's container may need it just now
                    engine.remove_image(name)
