"""What [publish.NAME] may say of certificates, and what follows from it. A part of sitefile.py."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from sealpress.config.document import Node
from sealpress.config.settings import PublishTarget, Settings
from sealpress.problems import Place, Problem

_PORT: Final = 80
_LONGEST_EMAIL: Final = 254  # RFC 5321, section 4.5.3.1.3, without its brackets
_ACME: Final = ("acme", "acme_roots", "email")
_OWN: Final = ("certificate", "key")
_URL: Final = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*/?")


def named(settings: Settings) -> Mapping[str, PublishTarget]:
    """The targets: one with TLS that says no names has that of the site's URL."""
    if not any(told.tls for told in settings.publish.values()):
        return settings.publish
    try:
        host = urlsplit(settings.site.url).hostname or ""
    except ValueError:  # which is told of [site] url
        return settings.publish
    return MappingProxyType(
        {
            name: replace(told, hosts=(host,)) if told.tls and not told.hosts and host else told
            for name, told in settings.publish.items()
        }
    )


def check(settings: Settings, document: Node, at: Callable[..., Place]) -> Iterator[Problem]:
    """What is wrong, each at its place, `at("publish", "production", "acme")`."""
    for target, told in settings.publish.items():
        for key, message, hint in _wrong(target, told, document):
            yield Problem(f"[publish.{target}] {message}", place=at("publish", target, key), hint=hint)


def _wrong(target: str, told: PublishTarget, document: Node) -> Iterator[tuple[str, str, str | None]]:
    """The key, what is wrong with it, and a hint."""
    given = [key for key in (*_ACME, *_OWN) if document.at("publish", target, key)]
    if not told.tls:
        for key in given:
            yield key, f"{key} is of no use without TLS", "tls = true"
        return
    if told.port != _PORT:
        message = f"tls is at port 443, and port 80 leads there: it can't be {told.port}"
        yield "port", message, "leave `port` out; or leave `tls` out, behind a proxy that has the certificates"
    if told.tls == "internal":
        for key in given:
            yield key, f'{key} is of no use with tls = "internal"', "tls = true"
        return
    for one, other in (_OWN, _OWN[::-1]):
        if one in given and not getattr(told, one):
            yield one, f"{one} is empty", 'name a file in PEM: "/etc/ssl/private/blog.pem"'
        elif one in given and other not in given:
            yield one, f"{one} goes with {other}, which is not there", None
    if told.certificate:
        for key in _ACME:
            if key in given:
                yield key, f"{key} is of no use with a certificate of one's own", None
    if told.acme and (not _URL.fullmatch(told.acme) or ".." in told.acme):
        hint = 'acme = "https://ca.example.org/acme/directory"; without `acme` it is Let\'s Encrypt'
        yield "acme", f'acme "{told.acme}" is not the https URL of a CA\'s directory', hint
    if told.email and not (
        len(told.email) <= _LONGEST_EMAIL and re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`|~-]+@[A-Za-z0-9.-]+", told.email)
    ):
        yield "email", f'email "{told.email}" is not an address such as "me@example.org"', None
