"""Ports of this machine, for servers that are about to start."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from imagebake.nginx import runners
from publish.engines.protocol import Endpoint
from sealpress.problems import EngineProblem

_LISTENS_WITHIN: Final = 5.0  # seconds: a server that takes longer is still waited for, with its port given free
_PAUSE: Final = 0.01


@contextmanager
def held(wanted: Endpoint) -> Iterator[int]:
    """The port itself, or a free one for 0, which the system gives to nobody meanwhile.

    A server can listen there in spite of that, if it sets SO_REUSEADDR, as all do. Raises Problem (exit 7) where the
    port can't be had.
    """
    addresses = [wanted.address] if wanted.address else ["0.0.0.0", *(["::"] if runners.has_ipv6() else [])]  # noqa: S104
    port = wanted.port
    with ExitStack() as stack:
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            holder = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            # As nginx does it: connections of the server that was just stopped may still be fading.
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                holder.bind((address, port))
            except OSError as error:
                raise EngineProblem(
                    f"port {port} of {wanted.address or 'this machine'} can't be had: {error.strerror}",
                    hint="set another `port` in site.toml; ports below 1024 need more rights, or see `ss -ltnp`",
                ) from None
            port = int(holder.getsockname()[1])
        yield port


def await_listener(endpoint: Endpoint, is_alive: Callable[[], bool]) -> None:
    """Comes back when somebody listens there, or nobody will: the server ended, or takes its time."""
    until = time.monotonic() + _LISTENS_WITHIN
    while is_alive() and time.monotonic() < until:
        try:
            socket.create_connection((endpoint.local.address, endpoint.port), _LISTENS_WITHIN).close()
        except OSError:
            time.sleep(_PAUSE)
        else:
            return
