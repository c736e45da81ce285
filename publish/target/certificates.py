"""Which certificates readers of a target get, by name: until when, by whom, and what a CA said where one is missing."""

import time
from collections.abc import Iterator
from typing import Final

from publish.edge import certificates
from publish.edge.container import SECURE, volume_at
from publish.edge.flip import ThroughEdge
from publish.engines.protocol import Container, Endpoint
from publish.probing import certificate
from publish.probing.certificate import Certificate
from publish.releases.ownership import readers_of
from publish.target.targets import OpenTarget
from sealpress import labels
from sealpress.commands.console import SILENT
from sealpress.frozen import frozen
from sealpress.problems import Problem

_SOON: Final = 14 * 86_400  # seconds before the end of one that nobody renews by itself


@frozen
class NameStanding:
    """One name of a site. `ends`: seconds since 1970; None without a certificate. `wrong`: what its owner should know,
    "" where all is well. `is_valid`: whether readers can come by TLS.
    """

    name: str
    ends: int | None
    issuer: str
    wrong: str
    is_valid: bool

    def as_data(self) -> dict[str, object]:
        ends = None if self.ends is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.ends))
        told: dict[str, object] = {
            "name": self.name,
            "ends": ends,
            "issuer": self.issuer or None,
            "valid": self.is_valid,
        }
        return told | {"wrong": self.wrong or None}


def standing(there: OpenTarget, server: Container) -> tuple[NameStanding, ...]:
    """Of each name that a running server was made for; () where it was made without TLS."""
    source = certificates.of_label(server.labels.get(labels.TLS, ""))
    readers, flip = readers_of(server), there.flip(SILENT)
    if source is None or readers is None or not isinstance(flip, ThroughEdge):
        return ()
    hosts = server.labels.get(labels.HOSTS, "").split()
    said = flip.edge.refusals(hosts)
    return tuple(_look(there, readers, host, said.get(host, ""), is_own=source.kind == "own") for host in hosts)


def _look(there: OpenTarget, readers: Endpoint, host: str, said: str, *, is_own: bool) -> NameStanding:
    asked = Endpoint(readers.local.address, SECURE, is_secure=True, name=host)
    try:
        with there.host.reach(asked) as reached:
            found = certificate.of_server(reached)
    except Problem as problem:
        return NameStanding(host, None, "", f"has no certificate: {said or problem.message}", is_valid=False)
    return judged(host, found, said, time.time(), is_own=is_own)


def judged(host: str, found: Certificate, said: str, now: float, *, is_own: bool) -> NameStanding:
    """What a certificate is worth at a time. `said`: what the CA said last, where it refused."""
    ends, because = certificate.day(found.ends), f": {said}" if said else ""
    wrong, is_valid = "", False
    if now >= found.ends:
        wrong = f"has a certificate that ended on {ends}{because}"
    elif not found.holds_for(host):
        wrong = f"has a certificate for {', '.join(found.names) or 'no name'}"
    else:
        is_valid = True
        if is_own and found.ends - now < _SOON:
            wrong = f"has a certificate that ends on {ends}: publish with a newer one"
        elif said and found.is_due(now):
            wrong = f"has a certificate that could not be renewed, and is good until {ends}{because}"
    return NameStanding(host, found.ends, found.issuer, wrong, is_valid)


def lines(found: tuple[NameStanding, ...]) -> Iterator[str]:
    """What a person should know, one line for each name."""
    for one in found:
        if one.wrong or one.ends is None:
            yield f"{one.name} {one.wrong}"
        else:
            yield f"{one.name}: certificate until {certificate.day(one.ends)}, by {one.issuer}"


def volume(there: OpenTarget) -> str:
    """Where certificates and keys are, for a person."""
    return f"volume {volume_at(there.line.readers)} on {there.host.title}"
