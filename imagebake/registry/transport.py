"""HTTP to a registry, within limits: nothing that it answers makes us wait for ever, fill the memory, or tell somebody
else a secret.

Python's own http.client, since every one of these rules is about what a comfortable library does unasked: it follows no
redirect, keeps no cookie, reads no proxy and no netrc, and sends a body of known length as it is read.
"""

import http.client
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from types import MappingProxyType
from typing import Final, Self
from urllib.parse import SplitResult, urljoin, urlsplit

from imagebake.image.entries import Content
from imagebake.registry.reference import Registry, is_loopback
from sealpress import VERSION, bounded
from sealpress.problems import Exit, Problem

TIMEOUT: Final = 60.0  # seconds without a byte; a registry checks a large blob before it answers
ANSWER_SECONDS: Final = 300.0  # for a whole small answer, however slowly it drips
ANSWER_LIMIT: Final = 4 << 20
_HEAD_LIMIT: Final = 1 << 20
REDIRECTS: Final = 5
PAUSES: Final = (0.5, 2.0, 5.0)  # seconds before the second attempt and those after it
_LONGEST_PAUSE: Final = 30.0  # whatever Retry-After asks for
_PIECE: Final = 1 << 16
_AGAIN: Final = frozenset({408, 429, 500, 502, 503, 504})
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` by their names in small letters; of one that comes more than once, the values are joined by ", "."""

    status: int
    headers: Mapping[str, str]
    data: bytes
    url: str


class Interrupted(Exception):  # noqa: N818 - worth another attempt
    """The connection failed; `str()` says how."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who answers a URL (RFC 6454, section 4). Only the origin that a login is for is ever given it."""

    scheme: str
    host: str
    port: int


def origin(url: str) -> Origin:
    """Raises Problem (exit 11) for a URL that names nobody."""
    try:
        parts: SplitResult = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    except ValueError:
        parts, port = SplitResult("", "", "", "", ""), 0
    if not parts.hostname or not port or "@" in parts.netloc or parts.scheme not in {"https", "http"}:
        raise Problem(f"a registry led to {url[:200]!a}, which is no address", code=Exit.REGISTRY)
    return Origin(parts.scheme, parts.hostname, port)


def joined(base: str, url: str) -> str:
    """What a registry's Location means, read from where it said so. Raises Problem (exit 11)."""
    try:
        return urljoin(base, url)
    except ValueError:
        raise Problem(f"a registry led to {url[:200]!a}, which is no address", code=Exit.REGISTRY) from None


class Transport:
    """Connections to a registry and to where it sends us, each kept open and used again."""

    def __init__(self, registry: Registry, pause: Callable[[float], None] = time.sleep) -> None:
        self._registry = registry
        self._home = origin(registry.url)
        self._pause = pause
        self._open: dict[Origin, bounded.HTTP | bounded.HTTPS] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def wait(self, seconds: float) -> None:
        """Before another attempt."""
        self._pause(seconds)

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        authorization: str = "",
        body: Content | None = None,
        again: bool = True,
        sent: Callable[[int], None] = lambda _size: None,
    ) -> Answer:
        """The answer to one request, of at most ANSWER_LIMIT bytes. `url` is whole, or a path of the registry.

        GET and HEAD follow redirects. `authorization` goes to the registry itself alone, or to the very URL that is
        asked for, and never along with a redirect to somebody else. With `again`, a request that fails on its way, or
        that the registry is too busy for, is sent again after a pause.

        Raises Problem (exit 11); without `again`, Interrupted where another attempt may help.
        """
        url = joined(self._registry.url, url)

        def attempt() -> Answer:
            with self._answered(method, url, headers, authorization, body, sent) as response:
                data = _whole(response, url)
                return Answer(response.status, _headers(response.headers), data, url)

        return self._persistent(attempt, url) if again else attempt()

    @contextmanager
    def stream(
        self, url: str, *, headers: Mapping[str, str] = _NO_HEADERS, authorization: str = ""
    ) -> Iterator[tuple[Answer, Iterator[bytes]]]:
        """The answer to a GET, and its content piece by piece, whatever its size. Raises as `send` without `again`."""
        url = joined(self._registry.url, url)
        with self._answered("GET", url, headers, authorization, None, lambda _size: None, large=True) as response:
            answer = Answer(response.status, _headers(response.headers), b"", url)
            yield answer, _pieces(response, url)

    def may_lead_to(self, url: str) -> bool:
        """Whether a URL that the registry gave may be asked: over TLS, or both are on this machine."""
        to = origin(url)
        return to.scheme == "https" or to == self._home or (self._registry.is_here and is_loopback(to.host))

    def _persistent(self, attempt: Callable[[], Answer], url: str) -> Answer:
        for pause in PAUSES:
            try:
                answer = attempt()
            except Interrupted:
                self._pause(pause)
                continue
            if answer.status not in _AGAIN:
                return answer
            self._pause(_asked_pause(answer, pause))
        try:
            return attempt()
        except Interrupted as error:
            raise unreachable(url, str(error)) from None

    @contextmanager
    def _answered(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        authorization: str,
        body: Content | None,
        sent: Callable[[int], None],
        *,
        large: bool = False,
    ) -> Iterator[http.client.HTTPResponse]:
        """The response whose body was not read yet, after any redirects."""
        first = origin(url)
        for _ in range(REDIRECTS + 1):
            here = origin(url)
            if not self.may_lead_to(url):
                raise Problem(
                    f"{self._registry.address} led to {here.host} without TLS",
                    hint="nothing was sent there; ask who runs the registry",
                    code=Exit.REGISTRY,
                )
            told = {**headers, "User-Agent": f"sealpress/{VERSION}"}
            if authorization and here == first:
                told["Authorization"] = authorization
            response = self._exchange(here, method, url, told, body, sent)
            moved = response.status in {301, 302, 303, 307, 308} and method in {"GET", "HEAD"}
            if not (moved and response.headers.get("Location")):
                if large:
                    self._open[here].allowance.widen()
                try:
                    yield response
                finally:
                    if not response.isclosed():  # what was not read would stand before the next answer
                        response.close()  # one without a length is no longer the connection's
                        self._drop(here)
                return
            _whole(response, url)
            url = joined(url, response.headers["Location"])
        raise Problem(f"{self._registry.address} redirects without end", code=Exit.REGISTRY)

    def _exchange(
        self,
        to: Origin,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Content | None,
        sent: Callable[[int], None],
    ) -> http.client.HTTPResponse:
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        length = {"Content-Length": str(body.size if body else 0)} if method in {"POST", "PUT", "PATCH"} else {}
        try:
            connection = self._connection(to)
            connection.allowance.begin(TIMEOUT, ANSWER_SECONDS, ANSWER_LIMIT + _HEAD_LIMIT)
            # Where it hangs up before it has read all, its answer may still say why.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, target, _counted(body, sent), {**headers, **length})
            return connection.getresponse()
        except ssl.SSLCertVerificationError as error:
            self._drop(to)
            raise Problem(
                f"{to.host} can't prove who it is: {error.verify_message or error.reason}",
                hint="SSL_CERT_FILE names the certificates to trust",
                code=Exit.REGISTRY,
            ) from None
        except ssl.SSLError as error:
            self._drop(to)
            raise Problem(f"{to.host} speaks no TLS that we know: {error.reason}", code=Exit.REGISTRY) from None
        except (OSError, http.client.HTTPException, bounded.Silence) as error:
            self._drop(to)
            raise Interrupted(_how(error)) from None
        except bounded.Misbehaviour as error:
            self._drop(to)
            raise Problem(f"{to.host} {error}", code=Exit.REGISTRY) from None
        except (ValueError, UnicodeError):
            self._drop(to)
            raise Problem(f"a registry led to {url[:200]!a}, which is no address", code=Exit.REGISTRY) from None
        except BaseException:
            self._drop(to)
            raise

    def _connection(self, to: Origin) -> bounded.HTTP | bounded.HTTPS:
        if not (known := self._open.get(to)):
            if to.scheme == "https":
                context = ssl.create_default_context()
                known = bounded.HTTPS(to.host, to.port, TIMEOUT, bounded.Allowance(), context)
            else:
                known = bounded.HTTP(to.host, to.port, TIMEOUT, bounded.Allowance())
            self._open[to] = known
        if known.sock is None:
            known.connect()
            if to.scheme == "http" and not _is_here(known):
                raise Problem(f'"{to.host}" is not on this machine, and without TLS', code=Exit.REGISTRY)
        return known

    def _drop(self, to: Origin) -> None:
        if known := self._open.pop(to, None):
            known.close()


def _is_here(connection: bounded.HTTP | bounded.HTTPS) -> bool:
    """Whether the other end is this machine, whatever its name is said to mean."""
    address: str = connection.sock.getpeername()[0]
    return ipaddress.ip_address(address).is_loopback


def unreachable(url: str, why: str) -> Problem:
    return Problem(
        f"can't reach {urlsplit(url).netloc}: {why}",
        hint="check the network and the registry's name, then push again: what is there already is not sent twice",
        code=Exit.REGISTRY,
    )


def _counted(body: Content | None, sent: Callable[[int], None]) -> Iterator[bytes] | None:
    if body is None:
        return None

    def pieces() -> Iterator[bytes]:
        for piece in body.chunks():
            for start in range(0, len(piece), _PIECE):
                part = piece[start : start + _PIECE]
                yield part
                sent(len(part))

    return pieces()


def _whole(response: http.client.HTTPResponse, url: str) -> bytes:
    data = b""
    deadline = time.monotonic() + ANSWER_SECONDS
    for piece in _pieces(response, url):
        data += piece
        if len(data) > ANSWER_LIMIT:
            raise Problem(f"{urlsplit(url).netloc} answered with more than {ANSWER_LIMIT} bytes", code=Exit.REGISTRY)
        if time.monotonic() > deadline:
            raise Problem(f"{urlsplit(url).netloc} took too long to answer", code=Exit.REGISTRY)
    return data


def _pieces(response: http.client.HTTPResponse, url: str) -> Iterator[bytes]:
    try:
        while piece := response.read1(_PIECE):
            yield piece
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Interrupted(_how(error)) from None
    except bounded.Misbehaviour as error:
        raise Problem(f"{urlsplit(url).netloc} {error}", code=Exit.REGISTRY) from None
    # read1 takes a connection's end for the body's, and leaves a body that is read to its end open.
    if response.length:
        raise Interrupted(f"it ended {response.length} bytes early")
    response.close()


def _headers(found: Message) -> Mapping[str, str]:
    joined: dict[str, str] = {}
    for name, value in found.items():
        key = name.lower()
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    return MappingProxyType(joined)


def _asked_pause(answer: Answer, usual: float) -> float:
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), _LONGEST_PAUSE) if re.fullmatch(r"\d{1,6}", asked) else usual


def _how(error: BaseException) -> str:
    if isinstance(error, socket.gaierror):
        return "there is no host of this name"
    if isinstance(error, TimeoutError | bounded.Silence):
        return f"no answer in {TIMEOUT:.0f} s"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
