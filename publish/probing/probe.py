"""Asks a running site over HTTP whether it is the release that it should be.

Everything has a limit: the time for one answer, the bytes of a body, the time until a release must be up.
"""

import hashlib
import http.client
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Final, Protocol
from urllib.parse import quote

from publish.engines.protocol import Endpoint
from sealpress.bounded import HTTP, HTTPS, Allowance, Late, Misbehaviour
from sealpress.commands.console import size
from sealpress.frozen import frozen
from sealpress.problems import Problem, ReleaseProblem, printable

RELEASE_PATH: Final = "/.well-known/release"
HEALTH_PATH: Final = "/healthz"
_MISSING: Final = ".well-known/sealpress-no-such-page"

ANSWER_SECONDS: Final = 5.0
BODY_LIMIT: Final = 8 << 20
_HEAD_LIMIT: Final = 1 << 20  # and what a body's pieces have around them
SHOWN: Final = 80


def missing_path(below: str = "") -> str:
    """A path of the site where nothing is (`below`: OutputTree.below)."""
    return f"/{quote(below)}{_MISSING}"


class Clock(Protocol):
    """Passing time, so that tests need not wait."""

    def now(self) -> float:
        """Seconds; only differences mean something."""
        ...

    def sleep(self, seconds: float) -> None: ...


class SystemClock:
    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


SYSTEM_CLOCK: Final = SystemClock()


@frozen
class SiteAnswer:
    """What came back. `headers` have lower-case names, and lists where one came several times; `whole` is False where
    the body went past its limit.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    whole: bool = True


Fetch = Callable[[Endpoint, str], SiteAnswer]
"""Gets one path. Raises Problem where nothing, or no HTTP, answers."""


@frozen
class Expectation:
    """What a path must answer: one of these statuses, and the body where `body` or `sha256` (hex) is given."""

    path: str
    statuses: tuple[int, ...] = (200,)
    body: bytes | None = None
    sha256: str | None = None


def of_release(release: str) -> tuple[Expectation, ...]:
    """What every release answers, whatever its pages are."""
    return (
        Expectation(RELEASE_PATH, body=release.encode()),
        Expectation(HEALTH_PATH, (200, 204)),
        Expectation(missing_path(), (404,)),
    )


def fetch(endpoint: Endpoint, path: str, *, seconds: float = ANSWER_SECONDS, limit: int = BODY_LIMIT) -> SiteAnswer:
    """One GET on a connection of its own. Raises Problem (exit 8) where no whole answer comes in time."""
    connection = connected(endpoint, seconds)
    try:
        return get(connection, path, seconds=seconds, limit=limit, name=endpoint.name)
    finally:
        connection.close()


def connected(endpoint: Endpoint, seconds: float) -> HTTP | HTTPS:
    """A connection that is opened by the first GET on it."""
    if not endpoint.is_secure:
        return HTTP(endpoint.address, endpoint.port, seconds, Allowance())
    return HTTPS(endpoint.address, endpoint.port, seconds, Allowance(), _trusting(endpoint.roots), endpoint.name)


def _trusting(roots: str) -> ssl.SSLContext:
    """Whom the machine trusts, or whoever is named instead. Raises Problem (exit 8) for what is no PEM."""
    try:
        context = ssl.create_default_context(cadata=roots or None)
    except ssl.SSLError:
        raise ReleaseProblem("what should be trusted is no certificate") from None
    if roots:
        # One that stands for itself, and no CA's, may be among them; and what a small CA writes is not always strict.
        context.verify_flags = (context.verify_flags | ssl.VERIFY_X509_PARTIAL_CHAIN) & ~ssl.VERIFY_X509_STRICT
    return context


def get(
    connection: HTTP | HTTPS,
    path: str,
    *,
    seconds: float,
    limit: int,
    name: str = "",
    asks: Mapping[str, str] = MappingProxyType({}),
) -> SiteAnswer:
    """One GET on an open connection; it asks for no compression, unless the headers `asks` do. `name`: Endpoint.name.
    Raises Problem like `fetch`.
    """
    until = time.monotonic() + seconds
    connection.allowance.begin(seconds, seconds, 2 * limit + _HEAD_LIMIT)
    headers = {"Accept-Encoding": "identity", "User-Agent": "sealpress", **asks} | ({"Host": name} if name else {})
    try:
        connection.request("GET", path, headers=headers)
        with connection.getresponse() as response:  # one without a length is no longer the connection's
            body = bytearray()
            # The socket's limit holds for one read; this one holds for a server that sends a byte now and then.
            while len(body) <= limit and (chunk := response.read1(1 << 16)):
                body += chunk
                if time.monotonic() > until:
                    raise TimeoutError("timed out")
            if len(body) <= limit and response.length:
                raise http.client.IncompleteRead(bytes(body), response.length)
            told: dict[str, str] = {}
            for header, value in response.getheaders():  # RFC 9110, section 5.3: what stands twice is a list
                told[header.lower()] = f"{told[header.lower()]}, {value}" if header.lower() in told else value
            if len(body) > limit:
                connection.close()
            return SiteAnswer(response.status, bytes(body[:limit]), MappingProxyType(told), whole=len(body) <= limit)
    except (OSError, http.client.HTTPException, Misbehaviour) as error:
        connection.close()
        raise ReleaseProblem(f"GET {path}: {_said(error)}") from error


def mismatch(expected: Expectation, answer: SiteAnswer) -> str | None:
    """How an answer differs from what was expected, in one line; None where it doesn't."""
    if answer.status not in expected.statuses:
        wanted = " or ".join(str(status) for status in expected.statuses)
        return f"GET {expected.path}: status {answer.status}, expected {wanted}"
    if not answer.whole and (expected.body is not None or expected.sha256 is not None):
        return f"GET {expected.path}: the body is over {size(len(answer.body))}"
    if expected.body is not None and answer.body.strip() != expected.body.strip():
        return f"GET {expected.path}: answered {_excerpt(answer.body)}, expected {_excerpt(expected.body)}"
    if expected.sha256 is not None and hashlib.sha256(answer.body).hexdigest() != expected.sha256:
        return f"GET {expected.path}: other bytes ({size(len(answer.body))}) than the release holds"
    return None


def check(endpoint: Endpoint, expectations: Iterable[Expectation], ask: Fetch = fetch) -> str | None:
    """The first thing that is wrong there, in one line; None where all is right."""
    for expected in expectations:
        try:
            answer = ask(endpoint, expected.path)
        except Problem as problem:
            return problem.message
        if wrong := mismatch(expected, answer):
            return wrong
    return None


def wait(check_once: Callable[[], str | None], seconds: float, clock: Clock = SYSTEM_CLOCK) -> str | None:
    """Repeats a check until it finds nothing wrong, or until the time is over: then what was wrong at last.

    It is made at least once, and last at the very end of the time.
    """
    until = clock.now() + seconds
    pause = 0.02
    while wrong := check_once():
        left = until - clock.now()
        if left <= 0:
            return wrong
        clock.sleep(min(pause, left))
        pause = min(pause * 1.5, 0.5)
    return None


def _said(error: Exception) -> str:
    match error:
        case TimeoutError() | Late():
            return "no answer in time"
        case ConnectionRefusedError():
            return "nothing listens there"
        case http.client.RemoteDisconnected() | ConnectionResetError() | BrokenPipeError():
            return "the connection was closed without an answer"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {error.verify_message}"
        case ssl.SSLError():
            return f"no TLS connection: {error.reason or error}"
        case http.client.IncompleteRead():
            return "the answer ends before its end"
        case http.client.HTTPException():
            return f"not an HTTP answer ({type(error).__name__})"
        case _:
            return str(error)


def _excerpt(body: bytes) -> str:
    return shown(body[: SHOWN + 1].decode("utf-8", "replace").strip())


def shown(text: str) -> str:
    """The beginning of a text from outside, within quotes."""
    text = printable(text, keep="")
    return f'"{text[:SHOWN]}…"' if len(text) > SHOWN else f'"{text}"'
