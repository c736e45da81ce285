"""What another server answers to a request, which is handed on as it came: for a preview of the sealed image."""

import http.client
import socket
from collections.abc import Collection, Iterable
from typing import Final

from sealpress.frozen import frozen

_SECONDS: Final = 30.0
_OF_ONE_CONNECTION: Final = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length"}
)
"""Headers that say nothing of an answer (RFC 9110, 7.6.1), and its length, which may be another one here."""


@frozen
class Answered:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    size: int  # of the body, which an answer to HEAD leaves out

    def header(self, name: str) -> str:
        """The first of that name, "" for none."""
        return next((value for one, value in self.headers if one.lower() == name.lower()), "")


def asked(
    address: tuple[str, int],
    line: bytes,
    headers: Iterable[tuple[str, str]],
    without: Collection[str] = (),
) -> Answered:
    """`line` is the first one of a request; `without` are names, in small letters, of headers that stay here. What
    comes with a request stays here, too. Raises OSError and HTTPException.
    """
    kept = [
        (name, value.replace("\r", " ").replace("\n", " "))
        for name, value in headers
        if name.lower() not in _OF_ONE_CONNECTION and name.lower() not in {"expect", *without}
    ]
    head = "".join(f"{name}: {value}\r\n" for name, value in (*kept, ("Connection", "close")))
    with socket.create_connection(address, timeout=_SECONDS) as connection:
        connection.sendall(line + b"\r\n" + head.encode("latin-1", "replace") + b"\r\n")
        with http.client.HTTPResponse(connection, method=line.split()[0].decode("latin-1")) as answer:
            answer.begin()
            told = tuple((name, value) for name, value in answer.getheaders() if name.lower() not in _OF_ONE_CONNECTION)
            body = answer.read()
            size = answer.getheader("Content-Length") or ""
            return Answered(answer.status, told, body, int(size) if size.isdecimal() else len(body))
