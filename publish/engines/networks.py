"""Networks of our own, known by their label: those that a container asks for, and one for Podman.

Podman's default network gives a container IPv4 alone, where it runs as root; readers by IPv6 are served through ours.
It is made for the first container that wants it, and gone with the last one. Docker and rootless Podman serve both
families as they are, by programs that listen on the host.

Source: Docker Engine API v1.41, "Network"; Podman's compatible API, and its own, "Networks".
"""

from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import Final

from docker import APIClient
from docker.errors import APIError, NotFound

from publish.engines import shapes
from publish.engines.protocol import ContainerSpec, Endpoint, Network
from sealpress import labels
from sealpress.frozen import frozen
from sealpress.problems import EngineProblem

NAME: Final = "sealpress"
DEFAULT: Final = "podman"
"""Podman's own: the network of a container that asks for none."""


@frozen
class Networks:
    """The networks of an engine. Its calls raise as docker-py does, and Misshapen.

    `is_ipv4_alone`: the engine's own one gives a container no IPv6.
    """

    calls: APIClient
    is_ipv4_alone: bool
    is_podman: bool = False

    def wanted(self, spec: ContainerSpec) -> tuple[str, ...]:
        """The networks of a container, which are there then; () for the engine's own one.

        Raises Problem (exit 7) where somebody else's network has the name of ours, and where one of theirs is missing.
        """
        networks = spec.networks
        for name in spec.joins:
            self._find(name)
        has_ipv6 = any(at.has_ipv6 for at in spec.ports.values())
        if not (networks or spec.joins) and self.is_ipv4_alone and has_ipv6:
            networks = (Network(NAME),)
        for one in networks:
            self._make(one)
        return (*(one.name for one in networks), *spec.joins)

    def host_ip(self, at: Endpoint) -> str:
        """As port bindings have it. Podman's netavark takes 0.0.0.0 to the letter, and no packet goes there; without an
        address, it serves those that the network has.
        """
        return "" if self.is_ipv4_alone and at.address == "0.0.0.0" else at.address  # noqa: S104 - as above

    def _find(self, name: str) -> None:
        try:
            self.calls.inspect_network(name)
        except NotFound:
            hint = f"make it there: docker network create {name}; or take it out of `networks` in site.toml"
            raise EngineProblem(f'the host has no network "{name}"', hint=hint) from None

    def _make(self, network: Network) -> None:
        name = network.name
        try:
            found = self.calls.inspect_network(name)
        except NotFound:
            # Podman chooses subnets that are free, for both families.
            has_ipv6 = self.is_ipv4_alone and network.has_ipv6
            self.calls.create_network(name, driver="bridge", enable_ipv6=has_ipv6, labels={labels.NETWORK: name})
            if name != NAME and not self._knows_names(name):
                self.calls.remove_network(name)
                hint = 'install aardvark-dns, or for CNI its plugin dnsname; or edge = "none" in site.toml'
                message = "on this Podman containers don't know each other by name, which an edge needs"
                raise EngineProblem(message, hint=hint) from None
            return
        if not _is_ours(found):
            hint = "rename or remove it there"
            if name == NAME:
                hint += '; or serve IPv4 alone: address = "0.0.0.0" in site.toml'
            raise EngineProblem(f'the host has a network "{name}" that sealpress did not make', hint=hint)

    def _knows_names(self, name: str) -> bool:
        """Podman makes a network also where the program is missing that tells names there."""
        if not self.is_podman:
            return True
        found = self.calls.get(f"{self.calls.base_url}/v4.0.0/libpod/networks/{name}/json", timeout=self.calls.timeout)
        return found.status_code != HTTPStatus.OK or shapes.find(found.json(), bool, "dns_enabled") is not False

    def join(self, container_id: str, names: Iterable[str]) -> None:
        for name in names:
            self.calls.connect_container_to_network(container_id, name)

    def left(self, container_id: str) -> bool:
        """Whether a container that could not be started was in our network, and is in the default one now.

        So it is where the host's kernel has no IPv6.
        """
        if not self.is_ipv4_alone:
            return False
        found = self.calls.inspect_container(container_id)
        if NAME not in (shapes.find(found, dict, "NetworkSettings", "Networks") or {}):
            return False
        with suppress(APIError):
            self.calls.connect_container_to_network(container_id, DEFAULT)
            self.calls.disconnect_container_from_network(container_id, NAME)
            return True
        return False

    def remove(self, name: str) -> None:
        """One of ours, which no container has."""
        with suppress(NotFound):
            if _is_ours(self.calls.inspect_network(name)):
                self.calls.remove_network(name)

    def tidy(self) -> None:
        """Removes Podman's network of ours, which it refuses while a container has it."""
        if not self.is_ipv4_alone:
            return
        with suppress(APIError):
            self.remove(NAME)


def _is_ours(network: object) -> bool:
    return labels.NETWORK in shapes.labels(network, "Labels")
