"""The one HTTP client, for mirrors and registries, within limits: nothing that a server answers makes us wait for ever,
fill the memory, or tell somebody else a secret.

Python's own http.client, since every one of these rules is about what a comfortable library does unasked: it follows no
redirect, keeps no cookie, reads no netrc, and sends a body of known length as it is read.
"""

import base64
import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final
from urllib.parse import unquote, urljoin, urlsplit

from sealpress import VERSION, bounded
from sealpress.frozen import frozen

ANSWER_LIMIT: Final = 4 << 20
"""Bytes of a small answer."""

REDIRECTS: Final = 10
_HEAD_LIMIT: Final = 1 << 20
_PIECE: Final = 1 << 16
_PORTS: Final = {"https": 443, "http": 80}

_Connection = bounded.HTTP | bounded.HTTPS


class ConnectionFailed(Exception):  # noqa: N818 - worth another attempt
    """The connection failed; `str()` says how."""


class Refused(Exception):  # noqa: N818 - it is not to be asked again
    """What a server is or does, to be read behind its name; and what a person could do about it."""

    def __init__(self, host: str, why: object, hint: str | None = None) -> None:
        super().__init__(str(why))
        self.host, self.hint = host, hint


class NoAddress(Exception):  # noqa: N818 - of a URL, which `str()` gives
    """It names nobody."""


@frozen
class Origin:
    """Who answers a URL (RFC 6454, section 4). Only the origin that a login is for is ever given it."""

    scheme: str
    host: str
    port: int


def origin(url: str) -> Origin:
    """Raises NoAddress."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        raise NoAddress(url) from None
    if not parts.hostname or not port or "@" in parts.netloc or parts.scheme not in _PORTS:
        raise NoAddress(url)
    return Origin(parts.scheme, parts.hostname, port)


def joined(base: str, url: str) -> str:
    """What a Location means, read from where it was said. Raises NoAddress."""
    try:
        return urljoin(base, url)
    except ValueError:
        raise NoAddress(url) from None


class Client:
    """Connections to a server and to where it sends us, each kept open and used again.

    `seconds` without a byte end an answer, and `answer_seconds` a small one, however slowly it drips. `check` sees each
    URL before it is asked, and raises where it may not be. `is_secret`: no proxy hears what is said, and without TLS it
    stays on this machine; else the proxies count that the environment names.
    """

    def __init__(self, seconds: float, answer_seconds: float, check: Callable[[str], None], *, is_secret: bool) -> None:
        self._seconds, self._answer_seconds = seconds, answer_seconds
        self._check, self._is_secret = check, is_secret
        self._open: dict[Origin, _Connection] = {}

    def close(self) -> None:
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    @contextmanager
    def answered(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        authorization: str = "",
        body: Callable[[], Iterator[bytes]] | None = None,
        *,
        is_large: bool = False,
    ) -> Iterator[http.client.HTTPResponse]:
        """The response whose body was not read yet (see `pieces`), after the redirects of a GET or HEAD.

        `authorization` goes to the URL's own origin alone. A body's length stands among the headers. `is_large`: the
        answer's content may have any size, which the caller counts, and take as long as its size does.

        Raises ConnectionFailed, Refused, NoAddress, and as `check` does.
        """
        first = origin(url)
        for _ in range(REDIRECTS + 1):
            here = origin(url)
            self._check(url)
            told = {**headers, "User-Agent": f"sealpress/{VERSION}"}
            if authorization and here == first:
                told["Authorization"] = authorization
            response = self._exchange(here, method, url, told, body)
            moved = response.status in {301, 302, 303, 307, 308} and method in {"GET", "HEAD"}
            if not (moved and response.headers.get("Location")):
                if is_large:
                    self._open[here].allowance.widen()
                try:
                    yield response
                finally:
                    if not response.isclosed():  # what was not read would stand before the next answer
                        response.close()  # one without a length is no longer the connection's
                        self._drop(here)
                return
            for _piece in pieces(response, url):
                pass
            url = joined(url, response.headers["Location"])
        raise Refused(first.host, "redirects without end")

    def _exchange(
        self, to: Origin, method: str, url: str, headers: Mapping[str, str], body: Callable[[], Iterator[bytes]] | None
    ) -> http.client.HTTPResponse:
        try:
            proxy = None if self._is_secret else _proxy_to(to)
            connection = self._connection(to, proxy)
            connection.allowance.begin(self._seconds, self._answer_seconds, ANSWER_LIMIT + _HEAD_LIMIT)
            parts = urlsplit(url)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            if proxy and to.scheme == "http":
                target, headers = f"http://{parts.netloc}{target}", {**headers, **proxy.headers}
            # Where it hangs up before it has read all, its answer may still say why.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, target, body() if body else None, headers)
            return connection.getresponse()
        except ssl.SSLCertVerificationError as error:
            self._drop(to)
            why = f"can't prove who it is: {error.verify_message or error.reason}"
            raise Refused(to.host, why, "SSL_CERT_FILE names the certificates to trust") from None
        except ssl.SSLError as error:
            self._drop(to)
            raise Refused(to.host, f"speaks no TLS that we know: {error.reason}") from None
        except (OSError, http.client.HTTPException, bounded.Silence) as error:
            self._drop(to)
            raise ConnectionFailed(self._how(error)) from None
        except bounded.Misbehaviour as error:
            self._drop(to)
            raise Refused(to.host, error) from None
        except (ValueError, UnicodeError):
            self._drop(to)
            raise NoAddress(url) from None
        except BaseException:
            self._drop(to)
            raise

    def _connection(self, to: Origin, proxy: "_Proxy | None") -> _Connection:
        if not (known := self._open.get(to)):
            via = proxy.origin if proxy else to
            if "https" in {to.scheme, via.scheme}:
                context = ssl.create_default_context()
                known = bounded.HTTPS(via.host, via.port, self._seconds, bounded.Allowance(), context)
            else:
                known = bounded.HTTP(via.host, via.port, self._seconds, bounded.Allowance())
            if proxy and to.scheme == "https":
                known.set_tunnel(to.host, to.port, headers=proxy.headers)
            self._open[to] = known
        if known.sock is None:
            known.connect()
            if self._is_secret and to.scheme == "http" and not _is_here(known):
                raise Refused(f'"{to.host}"', "is not on this machine, and without TLS")
        return known

    def _drop(self, to: Origin) -> None:
        if known := self._open.pop(to, None):
            known.close()

    def _how(self, error: BaseException) -> str:
        if isinstance(error, socket.gaierror):
            return "there is no host of this name"
        if isinstance(error, TimeoutError | bounded.Silence):
            return f"no answer in {self._seconds:.0f} s"
        return str(getattr(error, "strerror", None) or error) or type(error).__name__


def pieces(response: http.client.HTTPResponse, url: str) -> Iterator[bytes]:
    """The content of an answer to its end. Raises ConnectionFailed, Refused."""
    try:
        while piece := response.read1(_PIECE):
            yield piece
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ConnectionFailed(str(getattr(error, "strerror", None) or error) or type(error).__name__) from None
    except bounded.Misbehaviour as error:
        raise Refused(urlsplit(url).netloc, error) from None
    # read1 takes a connection's end for the body's, and leaves a body that is read to its end open.
    if response.length:
        raise ConnectionFailed(f"it ended {response.length} bytes early")
    response.close()


def _is_here(connection: _Connection) -> bool:
    """Whether the other end is this machine, whatever its name is said to mean."""
    address: str = connection.sock.getpeername()[0]
    return ipaddress.ip_address(address).is_loopback


@frozen
class _Proxy:
    origin: Origin
    headers: Mapping[str, str]


def _proxy_to(to: Origin) -> _Proxy | None:
    """The proxy that the environment names: http_proxy, https_proxy and no_proxy, as urllib reads them.

    Raises NoAddress.
    """
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - takes 40 ms to load

    named = getproxies().get(to.scheme)
    if not named or proxy_bypass(f"{to.host}:{to.port}"):
        return None
    named = named if "://" in named else f"http://{named}"
    login, at, host = urlsplit(named).netloc.rpartition("@")
    basic = base64.b64encode(unquote(login).encode()).decode()
    scheme = urlsplit(named).scheme
    return _Proxy(origin(f"{scheme}://{host}"), {"Proxy-Authorization": f"Basic {basic}"} if at else {})
