"""Fetches every file of an output tree from a running site and compares the bytes.

Files are asked for as readers reach them: `a/index.html` as /a/, `a.html` as /a.html, `404.html` by a path that isn't
there. Nothing compressed is asked for, so what comes is what the tree holds.
"""

import hashlib
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from publish.engines.protocol import Endpoint
from publish.probing.probe import connected, get, missing_path
from sealpress.bounded import HTTP, HTTPS
from sealpress.commands.console import SILENT, Progress
from sealpress.problems import Problem
from sealpress.tree.tree import OutputTree, TreeFile

CONNECTIONS: Final = 4
ANSWER_SECONDS: Final = 30.0

# RFC 3986, section 3.3: what may stand in a path as it is.
_PLAIN: Final = "/-._~!$&'()*+,;=:@"
_INDEX: Final = "index.html"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One file that readers don't get as the tree holds it. `reason` is one line, without the path."""

    path: str
    url: str
    reason: str

    def __str__(self) -> str:
        return f"{self.url}: {self.reason}"


def compare(tree: OutputTree, endpoint: Endpoint, progress: Progress = SILENT) -> tuple[Mismatch, ...]:
    """What differs, in the tree's order. A server that stops answering shows up as differences, too."""
    todo: queue.SimpleQueue[TreeFile] = queue.SimpleQueue()
    for entry in tree.served:
        todo.put(entry)
    found: dict[str, Mismatch] = {}
    with progress.track("Comparing pages", len(tree.served)) as advance:
        counted = threading.Lock()

        def work() -> None:
            for entry, difference in _checked(todo, endpoint, tree.below):
                with counted:
                    if difference:
                        found[entry.path] = difference
                    advance(1)

        workers = [threading.Thread(target=work, daemon=True) for _ in range(CONNECTIONS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    return tuple(found[entry.path] for entry in tree.entries if entry.path in found)


def url_path(path: str, below: str = "") -> str:
    """The path of the URL under which readers reach a file of the tree (`below`: OutputTree.below)."""
    if path == "404.html":
        return missing_path(below)
    path = below + path
    if path == _INDEX or path.endswith("/" + _INDEX):
        path = path.removesuffix(_INDEX)
    return "/" + quote(path, safe=_PLAIN)


def _checked(
    todo: "queue.SimpleQueue[TreeFile]", endpoint: Endpoint, below: str
) -> Iterator[tuple[TreeFile, Mismatch | None]]:
    """Takes entries until none is left, all on one connection as long as the server keeps it open."""
    connection = connected(endpoint, ANSWER_SECONDS)
    try:
        while True:
            try:
                entry = todo.get_nowait()
            except queue.Empty:
                return
            yield entry, _difference(connection, entry, url_path(entry.path, below))
    finally:
        connection.close()


def _difference(connection: HTTP | HTTPS, entry: TreeFile, url: str) -> Mismatch | None:
    had_connection = connection.sock is not None
    try:
        try:
            answer = get(connection, url, seconds=ANSWER_SECONDS, limit=entry.size)
        except Problem:
            # A server may close a kept connection at any time: that alone is no difference.
            if not had_connection:
                raise
            answer = get(connection, url, seconds=ANSWER_SECONDS, limit=entry.size)
    except Problem as problem:
        return Mismatch(entry.path, url, problem.message.removeprefix(f"GET {url}: "))
    expected = 404 if entry.path == "404.html" else 200
    if answer.status != expected:
        to = f" to {answer.headers['location']}" if "location" in answer.headers else ""
        return Mismatch(entry.path, url, f"status {answer.status}{to}, expected {expected}")
    if not answer.whole:
        return Mismatch(entry.path, url, f"more than the {entry.size} bytes of the tree's file")
    if len(answer.body) != entry.size:
        return Mismatch(entry.path, url, f"{len(answer.body)} bytes, expected {entry.size}")
    if hashlib.sha256(answer.body).hexdigest() != entry.sha256:
        return Mismatch(entry.path, url, "other bytes than the tree's file")
    sent = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != entry.media_type:
        return Mismatch(entry.path, url, f'media type "{sent}", expected "{entry.media_type}"')
    return None
