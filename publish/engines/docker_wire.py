"""docker-py over a bounded socket: what comes from an engine is limited before docker-py reads it.

Imports docker (docker-py), which takes 150 ms: imported only where a connection is made.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docker import APIClient
from docker.transport.unixconn import UnixHTTPAdapter, UnixHTTPConnection, UnixHTTPConnectionPool
from requests import PreparedRequest, Response

from sealpress.bounded import ANSWER_LIMIT, Allowance, Misbehaviour, PlainSocket


def client(path: Path, version: str, silent: int, flowing: float) -> APIClient:
    """A client of the engine behind a unix socket, whose every answer begins within `silent` seconds (or what a single
    call is given) and is whole `flowing` seconds later. Raises Misbehaviour where the engine keeps to neither.
    """
    made = APIClient(base_url=f"unix://{path}", version=version, timeout=silent)
    # Not asked for, so that what arrives is what was counted.
    made.headers["Accept-Encoding"] = "identity"
    made.mount("http+docker://", _Adapter(str(path), flowing))
    return made


class _SocketConnection(UnixHTTPConnection):
    def __init__(self, base_url: str, unix_socket: str, allowance: Allowance) -> None:
        super().__init__(base_url, unix_socket)
        self._allowance = allowance

    def connect(self) -> None:
        super().connect()
        assert self.sock is not None  # noqa: S101 - it is connected now
        self.sock = PlainSocket(self.sock, self._allowance)


class _Pool(UnixHTTPConnectionPool):
    def __init__(self, base_url: str, socket_path: str, allowance: Allowance) -> None:
        super().__init__(base_url, socket_path, maxsize=1)
        self._allowance = allowance

    def _new_conn(self) -> _SocketConnection:  # type: ignore[override]  # as docker-py's own, which has no type
        return _SocketConnection(self.base_url, self.socket_path, self._allowance)


class _Adapter(UnixHTTPAdapter):
    def __init__(self, path: str, flowing: float) -> None:
        super().__init__(f"http+unix://{path}")
        self._flowing = flowing
        self._allowance = Allowance()
        self._pool = _Pool("http+docker://localhost", path, self._allowance)

    def get_connection(self, *_: object, **__: object) -> _Pool:
        return self._pool

    def close(self) -> None:
        super().close()
        self._pool.close()

    def send(self, request: PreparedRequest, *arguments: Any, **options: Any) -> Response:
        self._allowance.begin(float(options.pop("timeout", None) or 60), self._flowing)
        response = super().send(request, *arguments, **options)
        try:
            _check(response)
        except BaseException:
            response.close()
            raise
        return response


def _check(response: Response) -> None:
    """Refuses what no engine does, and what would make docker-py read, ask or unpack more than was allowed."""
    if response.is_redirect:
        raise Misbehaviour("sends us to another address")
    if not 200 <= response.status_code < 300 and response.status_code != 304 and not 400 <= response.status_code < 600:
        raise Misbehaviour(f"answers with the status {response.status_code}")
    if len(length := response.headers.get("Content-Length", "")) > len(str(ANSWER_LIMIT)):
        # As much would be asked for at once, and memory be reserved for it.
        raise Misbehaviour(f"announces an answer of {length[:20]} bytes")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise Misbehaviour("packs its answer, which it was not asked to")
    if response.status_code >= 400:
        # docker-py takes the reason for text, whatever it is.
        response._content = json.dumps({"message": _reason(response.content)}).encode()  # noqa: SLF001
        response.encoding = "utf-8"


def _reason(body: bytes) -> str:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")
    reason = said.get("message") if isinstance(said, Mapping) else None
    return reason if isinstance(reason, str) else ""
