"""A site's own certificate and key, and the roots that it trusts: files of the author's machine, looked at before
anything is changed on a host.
"""

import hashlib
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from publish.edge.certificates import CertificateSource
from publish.probing import certificate
from sealpress.config.settings import PublishTarget
from sealpress.files import given, home, scratch
from sealpress.frozen import frozen
from sealpress.problems import Place, Problem

_DIGITS: Final = 12


@frozen
class SiteFiles:
    """`source`: as the label has it. `pem`: what is written into the edge's volume, b"" for nothing. `trust`: whom
    readers have to trust, in PEM; "" for whom their machine trusts.
    """

    source: CertificateSource | None = None
    pem: bytes = b""
    trust: str = ""


def read(target: PublishTarget, folder: Path, place: Callable[..., Place]) -> SiteFiles:
    """What a target's TLS is made of. `folder`: the blog's own, that paths are relative to; `place("key")`.

    Raises Problem (exit 3), each at its place: a file that is not there or is not what it should be, a key that is
    another certificate's, a certificate for other names or one that has ended.
    """
    if not target.tls:
        return SiteFiles()
    if target.tls == "internal":
        return SiteFiles(CertificateSource("internal"))
    if target.certificate:
        return _own(target, folder, place)
    if not target.acme_roots:
        return SiteFiles(CertificateSource("acme", target.acme, target.email))
    roots = _file(target.acme_roots, folder, place("acme_roots"))
    _check_certificates(roots, target.acme_roots, place("acme_roots"))
    return SiteFiles(CertificateSource("acme", target.acme, target.email, _digits(roots)), roots.encode(), roots)


def _own(target: PublishTarget, folder: Path, place: Callable[..., Place]) -> SiteFiles:
    chain = _file(target.certificate, folder, place("certificate"))
    key = _file(target.key, folder, place("key"))
    _check_certificates(chain, target.certificate, place("certificate"))
    if "ENCRYPTED" in key:
        message = f"{target.key} has a passphrase, and the edge has nobody to ask for it"
        hint = "openssl pkey -in KEY -out PLAIN, into a file that only you may read"
        raise Problem(message, place=place("key"), hint=hint)
    found = _described(chain, key, target, place)
    if missing := [host for host in target.hosts if not found.holds_for(host)]:
        message = f"{target.certificate} is no certificate for {', '.join(missing)}"
        hint = f"it holds for {', '.join(found.names) or 'no name'}"
        raise Problem(message, place=place("certificate"), hint=hint)
    if found.ends < _now():
        raise Problem(f"{target.certificate} ended on {certificate.day(found.ends)}", place=place("certificate"))
    # The chain first: Caddy, as nginx, takes the site's certificate from the file's beginning.
    pem = f"{chain.rstrip()}\n{key.rstrip()}\n"
    return SiteFiles(CertificateSource("own", file=_digits(chain)), pem.encode(), chain)


def _described(chain: str, key: str, target: PublishTarget, place: Callable[..., Place]) -> certificate.Certificate:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The module ssl takes a pair from files alone.
    with scratch.folder("pair") as kept:
        file = kept / "pair.pem"
        file.touch(0o600)
        file.write_text(f"{chain.rstrip()}\n{key}")
        try:
            server.load_cert_chain(file)
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                message = f"{target.key} is not the key of {target.certificate}"
                hint = (
                    "the site's certificate must come first in its file, before its CA's" if _several(chain) else None
                )
                raise Problem(message, place=place("key"), hint=hint) from None
            raise Problem(f"{target.key} holds no private key in PEM", place=place("key")) from None
    try:
        return certificate.of_pair(server, chain)
    except (ssl.SSLError, ValueError) as error:
        said = getattr(error, "verify_message", "") or getattr(error, "reason", "") or error
        raise Problem(f"{target.certificate} is of no use for a site: {said}", place=place("certificate")) from None


def _file(path: str, folder: Path, place: Place) -> str:
    try:
        return given.read(folder / home.expanded(path), given.SETTINGS).decode("ascii", "ignore")
    except (OSError, RuntimeError) as error:
        raise Problem(f"can't read {path}: {getattr(error, 'strerror', None) or error}", place=place) from None


def _check_certificates(pem: str, name: str, place: Place) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError):
        raise Problem(f"{name} holds no certificate in PEM", place=place) from None


def _several(chain: str) -> bool:
    return chain.count("-----BEGIN CERTIFICATE-----") > 1


def _digits(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _now() -> float:
    return time.time()
