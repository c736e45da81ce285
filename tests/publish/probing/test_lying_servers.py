"""A site, a registry or a mirror that lies on the wire: one message with its own exit code, soon, in little memory."""

import contextlib
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from imagebake.fetch import download
from imagebake.fetch.http import ConnectionFailed
from imagebake.registry import transport
from imagebake.registry.reference import Registry
from publish.engines.protocol import Endpoint
from publish.probing import probe
from sealpress.problems import Exit, Problem
from tests.publish.liars import LIES, Answer

WIRE = (
    "endless",
    "endless without a length",
    "endless length",
    "endless status",
    "endless header",
    "endless headers",
    "endless patience",
    "not HTTP",
    "closed",
    "half",
    "redirect to itself",
    "dripping",
    "dripping head",
    "silence",
)


@pytest.fixture(params=WIRE)
def liar(request) -> Iterator[int]:
    """The port of a server that gives every request the same answer."""
    ended = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection, LIES[request.param]), daemon=True).start()

    def serve(connection: socket.socket, lie: Answer) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(1 << 16)
            said = False
            for piece in lie():
                if ended.is_set():
                    return
                connection.sendall(piece)
                said = True
            if not said:
                ended.wait(60)

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    ended.set()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def of_a_site(port: int) -> None:
    answer = probe.fetch(Endpoint("127.0.0.1", port), "/", seconds=1)
    if not answer.whole or answer.status != 200:  # a redirect is not followed, and too much is not read
        raise Problem("another answer", code=Exit.RELEASE)


def of_a_registry(port: int) -> None:
    with contextlib.closing(transport.Transport(Registry("http", f"127.0.0.1:{port}"), pause=lambda _: None)) as one:
        one.send("GET", "/v2/")


def of_a_blob(port: int) -> None:
    with (
        contextlib.closing(transport.Transport(Registry("http", f"127.0.0.1:{port}"), pause=lambda _: None)) as one,
        one.stream("/v2/a/blobs/b") as (_, pieces),
    ):
        held = 0
        for piece in pieces:
            held += len(piece)
            if held > 10 << 20:  # as who pulls does, who knows the size
                raise Problem("too large", code=Exit.REGISTRY)


def of_a_mirror(port: int) -> None:
    download.small(f"http://127.0.0.1:{port}/dists/trixie/InRelease", 1 << 20, "the release file")


ASKED = {
    of_a_site: Exit.RELEASE,
    of_a_registry: Exit.REGISTRY,
    of_a_blob: Exit.REGISTRY,
    of_a_mirror: Exit.LOCK,
}


@pytest.mark.parametrize("ask", ASKED, ids=lambda ask: ask.__name__)
def test_a_lie_on_the_wire_is_one_message_soon_and_in_little_memory(
    ask: Callable[[int], None], liar: int, monkeypatch
) -> None:
    # Bounds for whoever asks, which no caller chooses.
    monkeypatch.setattr(transport, "TIMEOUT", 1.0)
    monkeypatch.setattr(transport, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(transport, "PAUSES", ())
    monkeypatch.setattr(download, "TIMEOUT", 1.0)
    monkeypatch.setattr(download, "_PAUSES", ())
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises((Problem, ConnectionFailed, download.Gone)) as caught:
        ask(liar)
    if isinstance(caught.value, Problem):
        assert caught.value.code is ASKED[ask]
        assert len(str(caught.value)) < 3000
    assert time.monotonic() - started < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000
