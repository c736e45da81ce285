"""Where a host is: what site.toml says, parsed and checked before ssh sees it."""

import re
from typing import Final

from sealpress.frozen import frozen
from sealpress.problems import HostProblem

_USER: Final = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*\$?"
_NAME: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?"
_IP6: Final = r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*"
_PLAIN: Final = re.compile(rf"(?:(?P<user>{_USER})@)?(?:(?P<name>{_NAME}|{_IP6})|\[(?P<ip6>{_IP6})\])")
_URL: Final = re.compile(
    rf"ssh://(?:(?P<user>{_USER})@)?(?:(?P<name>{_NAME})|\[(?P<ip6>{_IP6})\])(?::(?P<port>[0-9]{{1,5}}))?/?"
)


@frozen
class Address:
    """A host as ssh knows it: a DNS name, an IP address, or a Host of ~/.ssh/config. None: ssh's own choice."""

    name: str
    user: str | None = None
    port: int | None = None

    @property
    def destination(self) -> str:
        """What ssh takes as its destination."""
        return f"{self.user}@{self.name}" if self.user else self.name

    def __str__(self) -> str:
        if self.port is None:
            return self.destination
        name = f"[{self.name}]" if ":" in self.name else self.name
        return f"{self.user}@{name}:{self.port}" if self.user else f"{name}:{self.port}"

    @property
    def known_hosts_name(self) -> str:
        """As known_hosts writes it: "name", or "[name]:port" for another port than 22."""
        return self.name if self.port in {None, 22} else f"[{self.name}]:{self.port}"


def parse_address(host: str) -> Address:
    """Reads "user@name", "name" or "ssh://user@name:port"; an IPv6 address may stand between [ and ].

    Raises Problem (exit 6) for anything else: a host that begins with "-" would be an option to ssh.
    """
    found = _URL.fullmatch(host) or _PLAIN.fullmatch(host)
    parts = found.groupdict() if found else {}
    port = int(parts["port"]) if parts.get("port") else None
    if not found or (port is not None and not 0 < port < 65536):
        raise HostProblem(
            f'"{host}" is not a host that ssh can reach',
            hint='write it as "user@name" or "ssh://user@name:port", an IPv6 address as "user@[2001:db8::1]"',
        )
    return Address(parts["name"] or parts["ip6"] or "", parts["user"], port)
