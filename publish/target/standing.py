"""How a target stands: each replica's health, what site.toml says otherwise by now, which packages lag behind."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from imagebake.image.comparison import Setting
from imagebake.packages import lock as locks
from imagebake.packages.lock import Lock
from imagebake.packages.resolve import Outdated
from imagebake.recipes import edge as edge_recipe
from imagebake.recipes import lock as locked
from publish.deploy.deployment import Deployment
from publish.edge import certificates
from publish.edge.flip import ThroughEdge
from publish.releases import history, rollback
from publish.releases.release import SITE_SERVICE, Release, answer_of, place_of, port_of, service_of
from publish.target.targets import OpenTarget
from sealpress import labels
from sealpress.commands.console import SILENT, Progress
from sealpress.config.settings import EDGE_LOCK_NAME, LOCK_NAME
from sealpress.frozen import frozen
from sealpress.git import repository as git
from sealpress.problems import Problem


@frozen
class ReplicaHealth:
    """One container of a release. `wrong`: why it does not answer rightly, "" where it does."""

    name: str
    service: str
    replica: int
    state: str
    wrong: str

    def as_data(self) -> dict[str, object]:
        told = {"name": self.name, "service": self.service, "replica": self.replica, "state": self.state}
        return told | {"answers": not self.wrong, "wrong": self.wrong or None}


def replicas(there: OpenTarget, release: Release) -> tuple[ReplicaHealth, ...]:
    """Each container of a release, asked."""
    return tuple(
        ReplicaHealth(
            one.name,
            *place_of(one),
            str(one.state),
            history.ask(there.host, one.id, port_of(one), (answer_of(one),)) or "",
        )
        for one in release.containers
    )


def drift(there: OpenTarget, release: Release) -> tuple[Setting, ...]:
    """Where a release runs otherwise than site.toml says: what the next publish changes, even of the same commit."""
    service = there.site_service()
    wanted = Deployment(there.host, there.line, rollback.again(release, (service,), there.line)).labels(service, 1)
    sides = (_told(release.site.labels), _told(wanted))
    count = sum(service_of(one) == SITE_SERVICE for one in release.containers)
    sides[0]["replicas"], sides[1]["replicas"] = str(count), str(service.replicas)
    before, after = sides
    # What an older sealpress did not write is not known.
    names = [name for name in after if before[name] != after[name] and (before[name] or name in _MAY_LACK)]
    found = [Setting(name, before[name] or None, after[name] or None) for name in names]
    match there.flip(SILENT):
        case ThroughEdge(edge=edge):
            with suppress(Problem):  # a lock that can't be read is told by who needs it
                if older := edge.older():
                    found.append(Setting(EDGE_LOCK_NAME, older[0] or None, older[1]))
    return tuple(found)


_MAY_LACK: Final = frozenset({"hosts", "networks and labels", "tls"})


def _told(marks: Mapping[str, str]) -> dict[str, str]:
    """What labels tell of a release's settings, by their names in site.toml."""
    readers, _, memory = marks.get(labels.READERS, "").partition(" ")
    return {
        "address and port": readers,
        "memory": memory,
        "hosts": marks.get(labels.HOSTS, ""),
        "tls": _certificates(marks.get(labels.TLS, "")),
        "networks and labels": marks.get(labels.SETTINGS, "")[:12],
        "[image] port": marks.get(labels.PORT, ""),
        "[site] url": marks.get(labels.URL, ""),
    }


def _certificates(mark: str) -> str:
    source = certificates.of_label(mark)
    return (
        ""
        if source is None
        else f"acme {source.ca or certificates.LETS_ENCRYPT}"
        if source.kind == "acme"
        else source.kind
    )


@frozen
class Updates:
    """Packages of what runs that mirrors have newer versions of: the site's, and its edge's."""

    site: tuple[Outdated, ...]
    edge: tuple[Outdated, ...] = ()

    @property
    def each(self) -> tuple[Outdated, ...]:
        return tuple(dict.fromkeys((*self.site, *self.edge)))


def updates(there: OpenTarget, release: Release, progress: Progress) -> Updates:
    """Asks mirrors. Raises Problem (exit 4) where none answers, or the lock of what runs can't be had."""
    settings = there.site.settings.image
    found = Updates(tuple(locked.outdated(settings, _lock(there, release.commit, LOCK_NAME), progress)))
    if not there.line.hosts:
        return found
    edge = edge_recipe.settings_of(settings)
    return replace(found, edge=tuple(locked.outdated(edge, _lock(there, "", EDGE_LOCK_NAME), progress)))


def _lock(there: OpenTarget, commit: str, name: str) -> Lock:
    """That of the commit that runs; else the one in the blog's folder."""
    repository = git.discover(there.home) if commit else None
    inside = os.path.relpath(there.home / name, repository.root.resolve()) if repository else ""
    data = repository.file(commit, inside) if repository else None
    return locks.parse(data.decode("utf-8", "replace"), name) if data is not None else locks.load(there.home / name)


def lines(
    release: Release, health: tuple[ReplicaHealth, ...], drifted: tuple[Setting, ...], older: Sequence[Release] = ()
) -> Iterator[str]:
    """What a person should know of them, one line each."""
    for each in older:
        if each.runs:
            yield f"generation {each.generation} runs on for files of its pages, until a publish or prune"
    for one in health:
        if one.wrong and (len(health) > 1 or release.runs):
            yield f"{one.name}: {one.wrong}"
    for setting in drifted:
        if setting.name == EDGE_LOCK_NAME:
            since = f"an {EDGE_LOCK_NAME} of {setting.before}" if setting.before else "a lock that is not known"
            yield f"the edge is made of {since}, and here is one of {setting.after}; the next publish changes that"
            continue
        runs, wanted = (value or "none" for value in (setting.before, setting.after))
        yield f"{setting.name}: {runs} runs, site.toml says {wanted}; the next publish changes that"


def waiting(found: Updates) -> Iterator[str]:
    """Which security updates wait, for a person."""
    for whose, option, outdated in (("", "", found.site), (" of the edge", " --edge", found.edge)):
        if names := sorted({one.name for one in outdated if one.is_security}):
            how = f"imagebake lock{option} --upgrade, commit, publish"
            yield f"security updates wait for {', '.join(names)}{whose}: {how}"
    if not any(one.is_security for one in found.each):
        yield "no security update waits"
