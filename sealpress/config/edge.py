"""What [publish.NAME] may say of an edge before its site, and what the image follows from it. A part of sitefile.py."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final, Literal

from sealpress import labels
from sealpress.config.document import Node
from sealpress.config.settings import ImageSettings, PublishTarget, Settings
from sealpress.problems import Place, Problem

_KEYS: Final = ("hosts", "replicas", "health_interval", "health_failures", "drain", "grace", "tls")
_WITHOUT: Final = ("labels", "networks")  # of use where the site's own container has the port
_MOST: Final = 100

_OURS: Final = "org.sealpress."
_NETWORK: Final = "sealpress"  # publish/engines/networks.py
_MODES: Final = frozenset({"bridge", "default", "host", "none", "ns", "pasta", "podman", "private", "slirp4netns"})
"""What engines take for something else than a network that somebody made, or don't let a container join later."""

NETWORKS: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
"""Where engines put their containers: the edge is one of them. Source: RFC 1918, RFC 4193."""


def chosen(settings: Settings, document: Node) -> Mapping[str, PublishTarget]:
    """The targets, with their edge as far as site.toml tells it: "auto" stays where the host does, once it is asked.

    A proxy of the author's own has the place of an edge, and one that the image shall believe is such a proxy: behind
    an edge that does not know it, the site would take every reader for it.
    """

    def edge_of(name: str, told: PublishTarget) -> Literal["auto", "none", "caddy"]:
        if told.edge != "auto":
            return told.edge
        if told.engine == "embedded" or any(document.at("publish", name, key) for key in _WITHOUT):
            return "none"
        if any(document.at("publish", name, key) for key in _KEYS):
            return "caddy"
        return "none" if settings.image.trusted_proxies else "auto"

    each = settings.publish.items()
    return MappingProxyType({name: replace(told, edge=edge_of(name, told)) for name, told in each})


def behind(settings: Settings) -> ImageSettings:
    """[image], whose server believes an edge where a target may have one: that tells for whom it asks.

    Also where only the host tells whether it has one: a commit is the same image wherever it goes. All that is believed
    is a line of the log.
    """
    image = settings.image
    if all(target.edge == "none" for target in settings.publish.values()):
        return image
    more = tuple(one for one in NETWORKS if one not in image.trusted_proxies)
    return replace(image, trusted_proxies=(*image.trusted_proxies, *more))


def check(settings: Settings, document: Node, at: Callable[..., Place]) -> Iterator[Problem]:
    """What is wrong, each at its place, `at("publish", "production", "hosts")`."""
    name = settings.image.name
    if name == labels.EDGE:
        hint = 'give the site another one: [image] name = "…"'
        yield Problem(f'"{name}" is what the edge is called on a host', place=at("image", "name"), hint=hint)
    for target, told in settings.publish.items():
        if told.edge == "none":
            for key in _KEYS:
                if document.at("publish", target, key):
                    message = f"[publish.{target}] {key} is of no use without an edge"
                    yield Problem(message, place=at("publish", target, key), hint=_mend(target, told, document))
            yield from _joined(target, told, at)
            continue
        for key in _WITHOUT:
            if document.at("publish", target, key):
                message = f"[publish.{target}] {key} is for a proxy of your own, in the place of an edge"
                yield Problem(message, place=at("publish", target, key), hint='edge = "none"')
        if told.engine == "embedded":
            message = f"[publish.{target}] edge needs Docker or Podman; the embedded runner goes without"
            yield Problem(message, place=at("publish", target, "edge"))
        if len(told.hosts) > _MOST:
            message = f"[publish.{target}] hosts has {len(told.hosts)} names; {_MOST} is the most"
            yield Problem(message, place=at("publish", target, "hosts"))
        for number, host in enumerate(told.hosts):
            if wrong := _wrong(host, told.hosts[:number]):
                yield Problem(f"[publish.{target}] hosts {wrong}", place=at("publish", target, "hosts", number))


def _mend(target: str, told: PublishTarget, document: Node) -> str:
    """What gives a target an edge that has none."""
    if told.engine == "embedded":
        return "Docker or Podman can have one, the embedded runner has none"
    joined = [key for key in _WITHOUT if document.at("publish", target, key)]
    return f"leave out {' and '.join(joined)}" if joined else 'edge = "caddy"'


def _joined(target: str, told: PublishTarget, at: Callable[..., Place]) -> Iterator[Problem]:
    """What is wrong with labels and networks of the author's own."""
    for key in _WITHOUT:
        if getattr(told, key) and told.engine == "embedded":
            message = f"[publish.{target}] {key} needs Docker or Podman; the embedded runner has none"
            yield Problem(message, place=at("publish", target, key))
    for name, text in told.labels.items():
        if name.startswith(_OURS):
            message = f'[publish.{target}] labels has "{name}": all names that begin with {_OURS} are sealpress\'s own'
            yield Problem(message, place=at("publish", target, "labels", name))
        elif not re.fullmatch(r"[!-<>-~]{1,253}", name) or not text.isprintable():
            message = f'[publish.{target}] labels has "{name}", which is no label, or has a text of several lines'
            hint = 'a name of printable ASCII without blanks and "=", and a text of one line'
            yield Problem(message, place=at("publish", target, "labels", name), hint=hint)
    for number, name in enumerate(told.networks):
        if wrong := _wrong_network(name, told.networks[:number]):
            yield Problem(f"[publish.{target}] networks {wrong}", place=at("publish", target, "networks", number))


def _wrong_network(name: str, before: tuple[str, ...]) -> str | None:
    # Source: Docker's RestrictedNamePattern, which Podman has, too.
    if not re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}", name):
        return f'has "{name}", which is no network\'s name: letters, digits, dashes, dots and underscores'
    if name in _MODES or name == _NETWORK or name.startswith(f"{labels.EDGE}-"):
        return f"has \"{name}\", which is the engine's or sealpress's own: name one that you made"
    return f'names "{name}" twice' if name in before else None


def _wrong(host: str, before: tuple[str, ...]) -> str | None:
    # Source: RFC 1123, section 2.1; RFC 1035, section 2.3.4.
    if len(host) > 253 or not re.fullmatch(
        r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*", host
    ):
        return f'has "{host}", which is not a host\'s name: small letters, digits, dashes and dots, "blog.example.org"'
    return f'names "{host}" twice' if host in before else None
