"""Connections whose peer is not trusted to end: every answer has a size and a time, whoever reads it.

Time is counted for the whole answer and not for each piece, so that one that drips ends, too; and bytes as they arrive,
so that heads without an end, and answers before the answer, count as well.
"""

import http.client
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

ANSWER_LIMIT: Final = 4 << 20
"""Bytes of a small answer, with its head: what an engine tells of an image or a container are some 10 kB."""

SLOWEST: Final = 1 << 10
"""Bytes per second that a peer has to take of what is large, or to give."""

_PIECE: Final = 1 << 18


class Misbehaviour(Exception):  # noqa: N818 - the peer's, and not a failure of the socket's
    """What the peer does, to be read behind its name: "gives an answer of more than 4 MiB"."""


class Late(Misbehaviour):
    """It takes longer than it may."""


class Silence(Late):
    """Nothing came: the peer may be busy, or the way to it broken."""


@dataclass(slots=True)
class Allowance:
    """What one question and its answer may take: begun anew before each."""

    _silent: float = 0.0  # seconds until an answer begins, or something more is taken of the question
    _flowing: float = 0.0  # seconds from an answer's first byte to its last
    _limit: int = ANSWER_LIMIT
    _is_large: bool = False
    _started: float = 0.0
    _moved: float = 0.0  # when the peer last took something, or its answer began
    _sent: int = 0
    _received: int = 0

    def begin(self, silent: float, flowing: float, limit: int = ANSWER_LIMIT) -> None:
        self._silent, self._flowing, self._limit, self._is_large = silent, flowing, limit, False
        self._started = self._moved = time.monotonic()
        self._sent = self._received = 0

    def widen(self) -> None:
        """From here on comes a body of any size, which the caller counts; it may take as long as its size does."""
        self._is_large = True

    def left(self) -> float:
        """Seconds, more than none. Raises Misbehaviour."""
        if self._received:
            end = self._moved + self._flowing + (self._received / SLOWEST if self._is_large else 0)
        else:
            end = min(self._moved, self._started + self._sent / SLOWEST) + self._silent
        if (seconds := end - time.monotonic()) <= 0:
            raise self.late()
        return min(seconds, self._silent)

    def late(self) -> Late:
        if self._received:
            return Late(f"does not come to the end of its answer in {self._flowing:.0f} seconds")
        return Silence(f"gives no answer in {self._silent:.0f} seconds")

    def sent(self, size: int) -> None:
        self._sent += size
        self._moved = time.monotonic()

    def received(self, size: int) -> None:
        if not self._received:
            self._moved = time.monotonic()
        self._received += size
        if self._received > self._limit and not self._is_large:
            raise Misbehaviour(f"gives an answer of more than {self._limit >> 20} MiB")


class _Within(socket.socket):
    """A socket within an allowance. Raises Misbehaviour where that is used up."""

    allowance: Allowance

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        with self._in_time():
            size = super().recv_into(buffer, nbytes or memoryview(buffer).nbytes, flags)
        self.allowance.received(size)
        return size

    def sendall(self, data: Any, flags: int = 0) -> None:
        rest = memoryview(data).cast("B")
        while rest:
            with self._in_time():
                size = self.send(rest[:_PIECE], flags)
            self.allowance.sent(size)
            rest = rest[size:]

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        self.settimeout(self.allowance.left())
        try:
            yield
        except TimeoutError:
            raise self.allowance.late() from None


class PlainSocket(_Within):
    """A connected socket, taken over."""

    def __init__(self, connected: socket.socket, allowance: Allowance) -> None:
        super().__init__(fileno=connected.detach())
        self.allowance = allowance


class _Secret(_Within, ssl.SSLSocket):
    """The same over TLS: as a context makes it, with its allowance given afterwards."""


class HTTP(http.client.HTTPConnection):
    """http.client's connection within an allowance, which is begun before each request."""

    def __init__(self, host: str, port: int | None, timeout: float, allowance: Allowance) -> None:
        super().__init__(host, port, timeout=timeout)
        self.allowance = allowance

    def connect(self) -> None:
        super().connect()
        self.sock = PlainSocket(self.sock, self.allowance)


class HTTPS(http.client.HTTPSConnection):
    """The same over TLS. `context` makes sockets for this alone. `name`: whose certificate it must be; "": that of
    `host`, or of what is behind a tunnel.
    """

    def __init__(
        self, host: str, port: int | None, timeout: float, allowance: Allowance, context: ssl.SSLContext, name: str = ""
    ) -> None:
        context.sslsocket_class = _Secret
        super().__init__(host, port, timeout=timeout, context=context)
        self.allowance = allowance
        self._tls, self._name = context, name

    def connect(self) -> None:
        if self._name:
            http.client.HTTPConnection.connect(self)
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)
        else:
            super().connect()
        assert isinstance(self.sock, _Secret)  # noqa: S101 - the context makes no other
        self.sock.allowance = self.allowance
