"""Asks a running site for all that its image answers (answers.py), and tells what readers get otherwise.

Compared are the status, the bytes, where a redirect leads, and the headers that the image sends. What a CDN or a proxy
may do on the way is no difference: compress for who asks for that, add to Vary, send HSTS of its own, write a redirect
to the same place as a whole address, and whatever it says in headers on which no browser acts: Server, Date, Via, Age,
Alt-Svc, ETag, CF-Ray and so on. Nobody may change a file.
"""

import hashlib
import queue
import threading
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urljoin

from imagebake.nginx.headers import HSTS
from imagebake.recipes import precompressed
from publish.engines.protocol import Endpoint
from publish.probing import habits
from publish.probing.answers import SealedAnswer
from publish.probing.habits import Originals
from publish.probing.probe import SiteAnswer, connected, get, shown
from sealpress.bounded import HTTP, HTTPS
from sealpress.commands.console import SILENT, Progress, size
from sealpress.config.serving import CSP, DEFAULTS
from sealpress.frozen import frozen
from sealpress.problems import Problem
from sealpress.tree.tree import TreeFile

CONNECTIONS: Final = 4
ANSWER_SECONDS: Final = 30.0
_SLOWEST: Final = 1 << 16  # bytes a second of what is large
_MORE: Final = 1 << 16  # bytes taken besides those of a file, to see what was put into it

_ACTED_ON: Final = frozenset(
    {name.lower() for name in (*DEFAULTS, CSP)}
    | {"access-control-allow-credentials", "access-control-allow-origin", "clear-site-data", "content-disposition"}
    | {"content-security-policy-report-only", "link", "refresh", "service-worker-allowed", "set-cookie"}
    | {"x-robots-tag"}
)
"""What changes for readers where somebody sends it for whom the image does not."""


@frozen
class Difference:
    """What of one answer is not as it was sealed: `what` is "status", "body", or a header's name.

    `file` is the tree's path, "" for what is no file's. `expected` and `got` are for a person. `hint`: whose habit it
    is, "" where nothing is known.
    """

    path: str
    file: str
    what: str
    expected: str
    got: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.what}: expected {self.expected}, got {self.got}"

    def as_data(self) -> dict[str, object]:
        return {
            "path": self.path,
            "file": self.file or None,
            "what": self.what,
            "expected": self.expected,
            "got": self.got,
            "hint": self.hint or None,
        }


@frozen
class _Wrong:
    what: str
    expected: str
    got: str


def compare(
    wanted: Sequence[SealedAnswer],
    endpoint: Endpoint,
    progress: Progress = SILENT,
    originals: Originals | None = None,
    most: int = 0,
) -> tuple[Difference, ...]:
    """What differs, in the order of `wanted`; of each answer the first thing. A server that stops answering shows up as
    differences, too. `originals` gives a file's bytes. `most`: after so many, no more is asked; 0: all is.
    """
    todo: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(wanted)):
        todo.put(number)
    found: dict[int, Difference] = {}
    with progress.track("Comparing answers", len(wanted)) as advance:
        counted = threading.Lock()

        def work() -> None:
            for number, difference in _checked(todo, wanted, endpoint, originals):
                with counted:
                    if difference:
                        found[number] = difference
                    advance(1)
                    if most and len(found) >= most:
                        return

        workers = [threading.Thread(target=work, daemon=True) for _ in range(CONNECTIONS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    return tuple(found[number] for number in sorted(found))


def _checked(
    todo: "queue.SimpleQueue[int]", wanted: Sequence[SealedAnswer], endpoint: Endpoint, originals: Originals | None
) -> Iterator[tuple[int, Difference | None]]:
    """Takes what is to be asked until nothing is left, all on one connection as long as the server keeps it open."""
    connection = connected(endpoint, ANSWER_SECONDS)
    try:
        while True:
            try:
                number = todo.get_nowait()
            except queue.Empty:
                return
            yield number, _difference(connection, endpoint, wanted[number], originals)
    finally:
        connection.close()


def _difference(
    connection: HTTP | HTTPS, endpoint: Endpoint, wanted: SealedAnswer, originals: Originals | None
) -> Difference | None:
    file = wanted.file.path if wanted.file else ""
    try:
        answer = _asked(connection, endpoint, wanted)
    except Problem as problem:
        got = problem.message.removeprefix(f"GET {wanted.path}: ")
        return Difference(wanted.name, file, "status", str(wanted.status), got)
    encoding = answer.headers.get("content-encoding", "identity").strip().lower()
    body = _decompressed(answer, encoding, _limit(wanted.file))
    wrong = _wrong(wanted, answer, body, encoding, endpoint)
    if wrong is None:
        return None
    hint = habits.hint(wrong.what, answer.status, body or b"", wanted.file, originals)
    return Difference(wanted.name, file, wrong.what, wrong.expected, wrong.got, hint)


def _asked(connection: HTTP | HTTPS, endpoint: Endpoint, wanted: SealedAnswer) -> SiteAnswer:
    """Raises Problem (exit 8) where no whole answer comes in time."""
    limit = _limit(wanted.file)
    seconds = ANSWER_SECONDS + limit / _SLOWEST
    had_connection = connection.sock is not None
    try:
        return get(connection, wanted.path, seconds=seconds, limit=limit, name=endpoint.name, asks=wanted.asks)
    except Problem:
        # A server may close a kept connection at any time: that alone is no difference.
        if not had_connection:
            raise
    return get(connection, wanted.path, seconds=seconds, limit=limit, name=endpoint.name, asks=wanted.asks)


def _limit(file: TreeFile | None) -> int:
    return (file.size if file else 0) + _MORE


def _wrong(
    wanted: SealedAnswer, answer: SiteAnswer, body: bytes | None, encoding: str, endpoint: Endpoint
) -> _Wrong | None:
    """The first thing that is not as it was sealed, the most telling one first. `body`: as `_decompressed` gives it."""
    if answer.status != wanted.status:
        to = f" to {shown(answer.headers['location'])}" if "location" in answer.headers else ""
        return _Wrong("status", str(wanted.status), f"{answer.status}{to}")
    base = f"http{'s' if endpoint.is_secure else ''}://{_authority(endpoint)}{wanted.path}"
    location = answer.headers.get("location", "")
    if wanted.location and urljoin(base, location) != urljoin(base, wanted.location):
        return _Wrong("Location", shown(wanted.location), shown(location) if location else "none")
    if encoding != "identity" and encoding not in wanted.asks.get("Accept-Encoding", ""):
        return _Wrong("Content-Encoding", "none, since none was asked for", shown(encoding))
    return (
        (_wrong_body(wanted.file, answer, body, encoding) if wanted.file else None)
        or next(_wrong_headers(wanted.headers, answer.headers, is_secure=endpoint.is_secure), None)
        or _wrong_vary(wanted.headers.get("vary", ""), answer.headers.get("vary", ""), encoding)
    )


def _authority(endpoint: Endpoint) -> str:
    """As an address has it, and as a Host header would."""
    if endpoint.name:
        return endpoint.name
    host = f"[{endpoint.address}]" if ":" in endpoint.address else endpoint.address
    return host if endpoint.port == (443 if endpoint.is_secure else 80) else f"{host}:{endpoint.port}"


def _wrong_body(file: TreeFile, answer: SiteAnswer, body: bytes | None, encoding: str) -> _Wrong | None:
    expected = f"{file.size} bytes, sha256 {file.sha256[:12]}…"
    if body is None:
        return _Wrong("body", expected, f"{len(answer.body)} bytes that are not {encoding}")
    if not answer.whole or len(body) >= _limit(file):
        return _Wrong("body", expected, f"more than {size(_limit(file))}")
    if (sha256 := hashlib.sha256(body).hexdigest()) != file.sha256:
        return _Wrong("body", expected, f"{len(body)} bytes, sha256 {sha256[:12]}…")
    return None


def _decompressed(answer: SiteAnswer, encoding: str, most: int) -> bytes | None:
    """The body: no more than `most` bytes, or little more; None for what is not compressed in that way, or not to its
    end.
    """
    body = answer.body
    match encoding:
        case "gzip":
            stream = zlib.decompressobj(wbits=31)
            try:
                found = stream.decompress(body, most)
            except zlib.error:
                return None
            return found if stream.eof or len(found) >= most else None
        case "br":
            return precompressed.unpacked(body, most)
    return body


def _wrong_headers(wanted: Mapping[str, str], sent: Mapping[str, str], *, is_secure: bool) -> Iterator[_Wrong]:
    for name, value in wanted.items():
        if name == "vary" or (name == HSTS.lower() and not is_secure):  # a proxy may have said that there is no TLS
            continue
        got = sent.get(name, "")
        if _plain(name, got) != _plain(name, value):
            yield _Wrong(_title(name), shown(value), shown(got) if got else "none")
    for name in sorted(_ACTED_ON & sent.keys() - wanted.keys()):
        if sent[name]:
            yield _Wrong(_title(name), "none", shown(sent[name]))


def _plain(name: str, value: str) -> object:
    """What a header says, however it is written: of these two, neither case nor order counts."""
    match name:
        case "cache-control":
            return frozenset(part.strip().lower() for part in value.split(","))
        case "content-type":
            return [part.strip().lower() for part in value.split(";")]
    return " ".join(value.split())


def _wrong_vary(wanted: str, sent: str, encoding: str) -> _Wrong | None:
    """Caches between here and readers must know by what the answer differs; they may add to that."""
    by = {"accept-encoding"} if encoding != "identity" else set()
    missing = (_words(wanted) | by) - _words(sent)
    if not missing or "*" in _words(sent):
        return None
    return _Wrong("Vary", ", ".join(sorted(_words(wanted) | by)), shown(sent) if sent else "none")


def _words(value: str) -> set[str]:
    return {word.strip().lower() for word in value.split(",") if word.strip()}


def _title(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))
