"""How long an engine takes for what it is asked: a socket before its own passes all on, and looks at the clock."""

import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

_PIECE = 1 << 18


class EngineClock:
    """Listens beside the engine's socket, for everybody, until it is closed.

    A request is the engine's from its last byte to the last one of its answer. So what is sent to it slowly is not its
    time, and what it does while that comes is: the sum is rather too small, and what is left for us too large.
    """

    def __init__(self, engine: Path, beside: Path) -> None:
        self._engine = engine
        self._spans: list[tuple[float, float]] = []
        self._lock = threading.Lock()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(beside))
        beside.chmod(0o666)
        self._listening.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def between(self, began: float, ended: float) -> tuple[float, int]:
        """Seconds of perf_counter in which it had something to do, and how many requests that were."""
        with self._lock:
            inside = sorted((max(a, began), min(b, ended)) for a, b in self._spans if a < ended and b > began)
        busy, until = 0.0, began
        for start, end in inside:
            busy += max(0.0, end - max(start, until))
            until = max(until, end)
        return busy, len(inside)

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                asker, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(asker,), daemon=True).start()

    def _serve(self, asker: socket.socket) -> None:
        with asker, socket.socket(socket.AF_UNIX) as engine:
            with suppress(OSError):
                engine.connect(str(self._engine))
                span: list[float] = []  # when the last request had come, and when the last byte of its answer had
                back = threading.Thread(target=self._answer, args=(engine, asker, span), daemon=True)
                back.start()
                while data := asker.recv(_PIECE):
                    if len(span) == 2:  # an answer lies between: this is another request
                        self._keep(span)
                    engine.sendall(data)
                    span[:] = [time.perf_counter()]
                engine.shutdown(socket.SHUT_WR)
                back.join(10)
            if len(span) == 2:
                self._keep(span)

    def _answer(self, engine: socket.socket, asker: socket.socket, span: list[float]) -> None:
        with suppress(OSError):
            while data := engine.recv(_PIECE):
                span[1:] = [time.perf_counter()]
                asker.sendall(data)
            asker.shutdown(socket.SHUT_WR)

    def _keep(self, span: list[float]) -> None:
        with self._lock:
            self._spans.append((span[0], span[1]))
