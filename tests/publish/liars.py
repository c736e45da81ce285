"""A container engine that lies: a unix socket with a table of answers, and every way in which one may be none."""

import contextlib
import functools
import itertools
import json
import socket
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from sealpress.labels import NETWORK

ID = "a" * 64
VERSION = {"ApiVersion": "1.41", "MinAPIVersion": "1.12", "Version": "20.10.24", "Arch": "amd64", "Components": []}
IMAGE = {
    "Id": f"sha256:{ID}",
    "RepoTags": ["blog:1"],
    "RootFS": {"Type": "layers", "Layers": [f"sha256:{ID}"]},
    "Config": {"Labels": {"a": "b"}},
}
CONTAINER = {
    "Id": ID,
    "Name": "/blog-1",
    "State": {"Status": "running", "Running": True, "ExitCode": 0},
    "Config": {"Labels": {"a": "b"}, "Image": "blog:1", "Tty": False},
    "NetworkSettings": {"Ports": {"8080/tcp": [{"HostIp": "0.0.0.0", "HostPort": "49153"}]}},
}
TRUE: Mapping[str, object] = {
    "GET /_ping": "OK",
    "GET /version": VERSION,
    "GET /info": {"DriverStatus": [["Backing Filesystem", "extfs"]]},
    "POST /images/load": {"stream": "Loaded image: blog:1\n"},
    "GET /images/NAME/json": IMAGE,
    "GET /images/json": [{"Id": IMAGE["Id"]}],
    "POST /images/NAME/tag": "",
    "DELETE /images/NAME": [],
    "GET /containers/json": [{"Id": ID}],
    "POST /containers/create": {"Id": ID, "Warnings": []},
    "POST /containers/NAME/start": "",
    "POST /containers/NAME/stop": "",
    "DELETE /containers/NAME": "",
    "GET /containers/NAME/json": CONTAINER,
    "GET /containers/NAME/logs": "",
    "POST /containers/NAME/exec": {"Id": ID},
    "POST /exec/NAME/start": "",
    "GET /exec/NAME/json": {"Running": False, "ExitCode": 0},
    "GET /networks/NAME": {"Name": "sealpress", "Labels": {NETWORK: "sealpress"}},
    "POST /networks/create": {"Id": ID, "Warning": ""},
    "POST /networks/NAME/connect": "",
    "POST /networks/NAME/disconnect": "",
    "DELETE /networks/NAME": "",
    "GET /v4.0.0/NAME/json": {"dns_enabled": True},
}
"""What an honest engine says, by question."""

PODMAN: Mapping[str, object] = {
    "GET /version": VERSION | {"Version": "4.3.1", "Components": [{"Name": "Podman Engine"}]},
    "GET /containers/NAME/json": CONTAINER | {"NetworkSettings": {"Networks": {"sealpress": {}}}},
}
"""What Podman says in other words."""

Answer = Callable[[], Iterator[bytes]]
"""All that goes over the wire in place of an answer, in pieces; nothing, and the connection stays open."""


def answer(body: bytes, *headers: str, status: str = "200 OK") -> Iterator[bytes]:
    lines = (f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers, "", "")
    yield "\r\n".join(lines).encode()
    yield body


def truth(said: object) -> Iterator[bytes]:
    return answer(said.encode() if isinstance(said, str) else json.dumps(said).encode())


def _chunked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    for piece in pieces:
        yield b"%x\r\n%s\r\n" % (len(piece), piece)


def _said(value: object) -> Answer:
    return lambda: answer(json.dumps(value).encode())


def _head(*lines: str) -> Iterator[bytes]:
    yield "\r\n".join(("HTTP/1.1 200 OK", *lines, "")).encode()


KEYS = [*VERSION, *IMAGE, *CONTAINER, "message"]
FLOOD = b" " * (1 << 20)
LIES: Mapping[str, Answer] = {
    "null": _said(None),
    "true": _said(True),
    "number": _said(1),
    "text": _said("text"),
    "list": _said([1, None, "x", [], {}]),
    "list of null": _said([None]),
    "list of lists": _said([[]]),
    "empty table": _said({}),
    "nulls": _said(dict.fromkeys([*KEYS, "errorDetail"])),
    "numbers": _said(dict.fromkeys(KEYS, 7)),
    "tables": _said({key: {"Status": [], "Layers": {}, "Tty": []} for key in KEYS}),
    "lists": _said({key: [None, 3, {}] for key in KEYS}),
    "names that lead elsewhere": _said([{"Id": "../../x"}]),
    "very many": _said([{"Id": ID}] * 5000),
    "not JSON": lambda: answer(b"<html>hello</html>"),
    "nothing": lambda: answer(b""),
    "NUL": lambda: answer(b"\0" * 100),
    "not UTF-8": lambda: answer(b'{"Id": "\xff\xfe"}'),
    "huge number": lambda: answer(b'{"Id": ' + b"9" * 1_000_000 + b"}"),
    "deep lists": lambda: answer(b"[" * 200_000 + b"]" * 200_000),
    "deep tables": lambda: answer(b'{"a":' * 200_000 + b"1" + b"}" * 200_000),
    "deep reason": lambda: answer(b'{"message":' * 200_000 + b"1" + b"}" * 200_000, status="500 Oops"),
    "reason of null": lambda: answer(b"null", status="500 Oops"),
    "reason of lists": lambda: answer(b"[1]", status="404 Not Found"),
    "reason without a message": lambda: answer(b"{}", status="409 Conflict"),
    "long reason": lambda: answer(b'{"message": "' + b"x" * 3_000_000 + b'"}', status="500 Oops"),
    "endless": lambda: _chunked(itertools.repeat(FLOOD)),
    "endless without a length": lambda: itertools.chain(_head("", ""), itertools.repeat(FLOOD)),
    "endless length": lambda: itertools.chain(_head("Content-Length: 99999999999999", "", ""), itertools.repeat(FLOOD)),
    "wrong length": lambda: answer(b"{}", "Content-Length: 10"),
    "length that is none": lambda: iter([b"HTTP/1.1 200 OK\r\nContent-Length: -7\r\n\r\n{}"]),
    "endless status": lambda: itertools.chain([b"HTTP/1.1 200 "], itertools.repeat(FLOOD)),
    "endless header": lambda: itertools.chain(_head("X: "), itertools.repeat(FLOOD)),
    "endless headers": lambda: itertools.chain(_head(""), itertools.repeat(b"X-A: b\r\n" * 1024)),
    "endless patience": lambda: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "not HTTP": lambda: iter([b"SSH-2.0-OpenSSH_9.2\r\n"]),
    "closed": lambda: iter([b""]),
    "half": lambda: iter([b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"Id": ']),
    "packed": lambda: answer(_bomb(), "Content-Encoding: deflate"),
    "redirect": lambda: answer(b"", "Location: http://192.0.2.1/", status="302 Found"),
    "redirect to itself": lambda: answer(b"", "Location: /v1.41/info", status="307 Temporary Redirect"),
    "dripping": lambda: _drip(b'HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{"Id": ' + b" " * 9999),
    "dripping head": lambda: _drip(b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 9999),
    "silence": lambda: iter(()),
}
STATUSES = {
    f"status {status}": (lambda status=status: answer(b"{}", status=f"{status} ?"))
    for status in (100, 101, 204, 206, 300, 304, 400, 401, 404, 409, 500, 503, 999)
}


@functools.cache
def _bomb() -> bytes:
    return zlib.compress(b" " * 50_000_000)


def _drip(data: bytes) -> Iterator[bytes]:
    for byte in data:
        yield bytes([byte])
        threading.Event().wait(0.05)


class Liar:
    """Answers truly at `path`, but for the questions in `lies`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.truths = dict(TRUE)
        self.lies: dict[str, Answer] = {}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._ended = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._ended.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, ValueError), connection.makefile("rb") as asked:
            while line := asked.readline():
                method, target, _ = line.decode().split(" ")
                head = {}
                while (header := asked.readline().strip()) != b"":
                    name, _, value = header.decode().partition(":")
                    head[name.lower()] = value.strip()
                self._swallow(asked, head)
                question = f"{method} {_plain(target)}"
                given = self.lies[question]() if question in self.lies else truth(self.truths[question])
                said = False
                for piece in given:
                    if self._ended.is_set():
                        return
                    connection.sendall(piece)
                    said = True
                if not said:
                    self._ended.wait(60)
                    return
                if question in self.lies:
                    return

    @staticmethod
    def _swallow(asked, head: dict[str, str]) -> None:
        asked.read(int(head.get("content-length", 0)))
        if head.get("transfer-encoding") == "chunked":
            while size := int(asked.readline(), 16):
                asked.read(size + 2)
            asked.readline()


def _plain(target: str) -> str:
    """The question without the API's version and the name in it."""
    path = target.partition("?")[0]
    parts = path.removeprefix("/v1.41").split("/")
    if len(parts) > 3 or (len(parts) == 3 and parts[2] not in {"json", "load", "create"}):
        parts = [*parts[:2], "NAME", *parts[-1:]] if parts[-1] in _LAST else [*parts[:2], "NAME"]
    return "/".join(parts)


_LAST = {"json", "tag", "start", "stop", "rename", "logs", "connect", "disconnect", "exec"}
