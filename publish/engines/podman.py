"""A network of our own, where Podman runs as root: its default one gives a container IPv4 alone.

Readers by IPv6 are served through it. It is made for the first container that wants it, known by its label, and gone
with the last one. Docker and rootless Podman serve both families as they are, by programs that listen on the host.

Source: Podman's compatible API, as Docker Engine API v1.41, "Network".
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from publish.engines import shapes
from sealpress import labels
from sealpress.problems import Exit, Problem

if TYPE_CHECKING:
    from docker import APIClient

NAME: Final = "sealpress"
DEFAULT: Final = "podman"
"""Podman's own: the network of a container that asks for none."""


@dataclass(frozen=True, slots=True)
class Networks:
    """The networks of an engine. Its calls raise as docker-py does, and Misshapen."""

    calls: "APIClient"

    def wanted(self, address: str) -> str | None:
        """The network of a container whose port is to be published there; None for the default one.

        Raises Problem (exit 7) where somebody else's network has our name.
        """
        if address and ":" not in address:
            return None
        from docker.errors import NotFound  # noqa: PLC0415

        try:
            found = self.calls.inspect_network(NAME)
        except NotFound:
            # Podman chooses subnets that are free, for both families.
            self.calls.create_network(NAME, driver="bridge", enable_ipv6=True, labels={labels.NETWORK: NAME})
            return NAME
        if not _is_ours(found):
            raise Problem(
                f'the host has a network "{NAME}" that sealpress did not make',
                hint='rename or remove it there; or serve IPv4 alone: address = "0.0.0.0" in site.toml',
                code=Exit.ENGINE,
            )
        return NAME

    def left(self, container_id: str) -> bool:
        """Whether a container that could not be started was in our network, and is in the default one now.

        So it is where the host's kernel has no IPv6.
        """
        from docker.errors import APIError  # noqa: PLC0415

        found = self.calls.inspect_container(container_id)
        if NAME not in (shapes.find(found, dict, "NetworkSettings", "Networks") or {}):
            return False
        with suppress(APIError):
            self.calls.connect_container_to_network(container_id, DEFAULT)
            self.calls.disconnect_container_from_network(container_id, NAME)
            return True
        return False

    def tidy(self) -> None:
        """Removes our network, which Podman refuses while a container has it."""
        from docker.errors import APIError  # noqa: PLC0415

        with suppress(APIError):
            if _is_ours(self.calls.inspect_network(NAME)):
                self.calls.remove_network(NAME)


def _is_ours(network: object) -> bool:
    return labels.NETWORK in shapes.labels(network, "Labels")
