"""HTTP to a registry: attempts that are repeated, answers of bounded size, and whom it may lead us to.

What every server is held to, imagebake/fetch/http.py says.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from functools import partial
from http.client import HTTPResponse
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from imagebake.fetch import http
from imagebake.fetch.http import ANSWER_LIMIT, Client, ConnectionFailed, pieces
from imagebake.image.entries import FileContent
from imagebake.registry.reference import Registry, is_loopback
from sealpress.frozen import frozen
from sealpress.problems import Problem, RegistryProblem

TIMEOUT: Final = 60.0  # seconds without a byte; a registry checks a large blob before it answers
ANSWER_SECONDS: Final = 300.0  # for a whole small answer, however slowly it drips
PAUSES: Final = (0.5, 2.0, 5.0)  # seconds before the second attempt and those after it
_LONGEST_PAUSE: Final = 30.0  # whatever Retry-After asks for
_PIECE: Final = 1 << 16
_AGAIN: Final = frozenset({408, 429, 500, 502, 503, 504})
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


@frozen
class Response:
    """`headers` by their names in small letters; of one that comes more than once, the values are joined by ", "."""

    status: int
    headers: Mapping[str, str]
    data: bytes
    url: str


def origin(url: str) -> http.Origin:
    """Raises Problem (exit 11) for a URL that names nobody."""
    with _told():
        return http.origin(url)


def joined(base: str, url: str) -> str:
    """What a registry's Location means, read from where it said so. Raises Problem (exit 11)."""
    with _told():
        return http.joined(base, url)


@contextmanager
def _told() -> Iterator[None]:
    """What the client finds wrong, as Problems (exit 11)."""
    try:
        yield
    except http.Refused as error:
        raise RegistryProblem(f"{error.host} {error}", hint=error.hint) from None
    except http.NoAddress as error:
        raise RegistryProblem(f"a registry led to {str(error)[:200]!a}, which is no address") from None


class Transport:
    """Connections to a registry and to where it sends us, each kept open and used again. `pause`: between attempts."""

    def __init__(self, registry: Registry, pause: Callable[[float], None] = time.sleep) -> None:
        self._registry = registry
        self._home = origin(registry.url)
        self.pause = pause
        self._client = Client(TIMEOUT, ANSWER_SECONDS, self._check, is_secret=True)

    def close(self) -> None:
        self._client.close()

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        authorization: str = "",
        body: FileContent | None = None,
        again: bool = True,
        sent: Callable[[int], None] = lambda _size: None,
    ) -> Response:
        """The answer to one request, of at most ANSWER_LIMIT bytes. `url` is whole, or a path of the registry.

        GET and HEAD follow redirects. `authorization` goes to the registry itself alone, or to the very URL that is
        asked for, and never along with a redirect to somebody else. With `again`, a request that fails on its way, or
        that the registry is too busy for, is sent again after a pause.

        Raises Problem (exit 11); without `again`, ConnectionFailed where another attempt may help.
        """
        url = joined(self._registry.url, url)
        content = partial(_counted, body, sent) if body else None
        has_length = method in {"POST", "PUT", "PATCH"}
        told = {**headers, "Content-Length": str(body.size if body else 0)} if has_length else headers

        def attempt() -> Response:
            asked = self._client.answered(method, url, told, authorization, content)
            with _told(), asked as response:
                data = _whole(response, url)
                return Response(response.status, _headers(response.headers), data, url)

        return self._persistent(attempt, url) if again else attempt()

    @contextmanager
    def stream(
        self, url: str, *, headers: Mapping[str, str] = _NO_HEADERS, authorization: str = ""
    ) -> Iterator[tuple[Response, Iterator[bytes]]]:
        """The answer to a GET, and its content piece by piece, whatever its size. Raises as `send` without `again`."""
        url = joined(self._registry.url, url)
        asked = self._client.answered("GET", url, headers, authorization, is_large=True)
        with _told(), asked as response:
            yield Response(response.status, _headers(response.headers), b"", url), pieces(response, url)

    def may_lead_to(self, url: str) -> bool:
        """Whether a URL that the registry gave may be asked: over TLS, or both are on this machine."""
        to = origin(url)
        return to.scheme == "https" or to == self._home or (self._registry.is_here and is_loopback(to.host))

    def _check(self, url: str) -> None:
        if not self.may_lead_to(url):
            raise RegistryProblem(
                f"{self._registry.address} led to {origin(url).host} without TLS",
                hint="nothing was sent there; ask who runs the registry",
            )

    def _persistent(self, attempt: Callable[[], Response], url: str) -> Response:
        for pause in PAUSES:
            try:
                answer = attempt()
            except ConnectionFailed:
                self.pause(pause)
                continue
            if answer.status not in _AGAIN:
                return answer
            self.pause(_asked_pause(answer, pause))
        try:
            return attempt()
        except ConnectionFailed as error:
            raise unreachable(url, str(error)) from None


def unreachable(url: str, why: str) -> Problem:
    return RegistryProblem(
        f"can't reach {urlsplit(url).netloc}: {why}",
        hint="check the network and the registry's name, then push again: what is there already is not sent twice",
    )


def _counted(body: FileContent, sent: Callable[[int], None]) -> Iterator[bytes]:
    for piece in body.chunks():
        for start in range(0, len(piece), _PIECE):
            part = piece[start : start + _PIECE]
            yield part
            sent(len(part))


def _whole(response: HTTPResponse, url: str) -> bytes:
    data = b""
    deadline = time.monotonic() + ANSWER_SECONDS
    for piece in pieces(response, url):
        data += piece
        if len(data) > ANSWER_LIMIT:
            raise RegistryProblem(f"{urlsplit(url).netloc} answered with more than {ANSWER_LIMIT} bytes")
        if time.monotonic() > deadline:
            raise RegistryProblem(f"{urlsplit(url).netloc} took too long to answer")
    return data


def _headers(found: Message) -> Mapping[str, str]:
    joined: dict[str, str] = {}
    for name, value in found.items():
        key = name.lower()
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    return MappingProxyType(joined)


def _asked_pause(answer: Response, usual: float) -> float:
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), _LONGEST_PAUSE) if re.fullmatch(r"\d{1,6}", asked) else usual
