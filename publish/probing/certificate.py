"""Certificates, as a server shows them or as they lie in a file: for which names, by whom, until when.

Nobody is believed for it here: that readers can trust one is for probe.py to see.

Source: RFC 5280; OpenSSL's X509_VERIFY_PARAM_set_flags(3), by which the library that Python has decodes one that it is
told to trust, whoever made it and however old it is.
"""

import socket
import ssl
import time
from contextlib import suppress
from typing import Any, Final

from publish.engines.protocol import Endpoint
from sealpress.frozen import frozen
from sealpress.problems import ReleaseProblem, printable

_NO_CHECK_TIME: Final = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, which the module ssl has no name for
_SECONDS: Final = 5.0
_TURNS: Final = 10  # of a handshake between two ends of this process


@frozen
class Certificate:
    """`names` as they stand there, "*.example.org" among them. `begins`, `ends`: seconds since 1970."""

    names: tuple[str, ...]
    begins: int
    ends: int
    issuer: str

    def holds_for(self, host: str) -> bool:
        """Source: RFC 6125, section 6.4.3: a star is the whole first part of a name."""
        any_of = "*." + host.partition(".")[2]
        return any(name.lower() in {host, any_of} for name in self.names)

    def is_due(self, now: float) -> bool:
        """Whether less than a third of its time is left, in which Caddy renews one."""
        return self.ends - now < (self.ends - self.begins) / 3


def of_server(endpoint: Endpoint) -> Certificate:
    """The one that a server shows for `endpoint.name`. Raises Problem (exit 8) where it shows none."""
    try:
        with _connected(endpoint, _open()) as first:
            shown = first.getpeercert(binary_form=True) or b""
        with _connected(endpoint, _trusting(ssl.DER_cert_to_PEM_cert(shown))) as second:
            return _read(second.getpeercert())
    except (OSError, ValueError) as error:
        raise ReleaseProblem(f"it shows no certificate for {endpoint.name}: {_said(error)}") from None


def of_pair(server: ssl.SSLContext, chain: str) -> Certificate:
    """The one of a file, of which a server's context has the pair already. Raises ssl.SSLError, ValueError."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        _trusting(chain).wrap_bio(back, there, server_side=False),
        server.wrap_bio(there, back, server_side=True),
    )
    for one in ends * _TURNS:
        with suppress(ssl.SSLWantReadError):
            one.do_handshake()
    return _read(ends[0].getpeercert())


def day(seconds: int) -> str:
    """A day for a person, in UTC: "2026-11-30"."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def _open() -> ssl.SSLContext:
    """Looks at whatever it is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _trusting(pem: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(cadata=pem)
    context.verify_flags = ssl.VerifyFlags(ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME)
    return context


def _connected(endpoint: Endpoint, context: ssl.SSLContext) -> ssl.SSLSocket:
    plain = socket.create_connection((endpoint.address, endpoint.port), _SECONDS)
    try:
        return context.wrap_socket(plain, server_hostname=endpoint.name or endpoint.address)
    except BaseException:
        plain.close()
        raise


def _read(told: dict[str, Any] | None) -> Certificate:
    if not told:
        raise ValueError("no certificate")
    begins, ends = (int(ssl.cert_time_to_seconds(str(told[key]))) for key in ("notBefore", "notAfter"))
    names = tuple(str(name) for kind, name in told.get("subjectAltName", ()) if kind == "DNS")
    parts = {key: value for part in told.get("issuer", ()) for key, value in part}
    issuer = str(parts.get("organizationName") or parts.get("commonName") or "nobody")
    return Certificate(names, begins, ends, printable(issuer, keep="")[:80])


def _said(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "no answer in time"
        case ssl.SSLError():
            return str(error.reason or error).replace("_", " ").lower()
        case ConnectionRefusedError():
            return "nothing listens there"
    return str(error)
