"""REGISTRY/NAME[:TAG]: what an image is called in a registry. The registry is always named; there is no default one.

Source: OCI distribution-spec v1.1, "Pulling manifests", for names and tags.
"""

import ipaddress
import re
from typing import Final

from imagebake.image.documents import DIGEST
from sealpress.frozen import frozen
from sealpress.problems import Problem, UsageProblem

_PART: Final = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME: Final = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_HOST: Final = re.compile(
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?"
)
_NAME_LIMIT: Final = 255  # with the registry's name, as clients limit it


@frozen
class Registry:
    """`address` is the host as it was written, with its port where one was given; `scheme` "https" or "http"."""

    scheme: str
    address: str

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.address}"

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine, where nobody else hears what is said."""
        return is_loopback(host_of(self.address))


@frozen
class Reference:
    """An image in a registry. Of `tag` and `digest` at most one is set; "" where it isn't."""

    registry: Registry
    name: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        ending = f"@{self.digest}" if self.digest else f":{self.tag}" if self.tag else ""
        return f"{self.registry.address}/{self.name}{ending}"


def parse(text: str) -> Reference:
    """What `text` names. Raises Problem (exit 2) for anything else than [https://]REGISTRY/NAME[:TAG|@DIGEST].

    A registry on a loopback address is spoken to without TLS, unless "https://" stands before it.
    """
    scheme, found, rest = text.rpartition("://")
    address, _, path = rest.partition("/")
    matched = _HOST.fullmatch(address)
    name, tag, digest = _split(path)
    if not matched or int(matched["port"] or 1) not in range(1, 65536) or not _NAME.fullmatch(name):
        raise _refused(text, "that is not REGISTRY/NAME[:TAG]")
    if (tag and not _TAG.fullmatch(tag)) or (digest and not DIGEST.fullmatch(digest)) or path.endswith((":", "@")):
        raise _refused(text, "its tag or digest has another shape")
    if len(address) + len(name) > _NAME_LIMIT:
        raise _refused(text, f"it is longer than {_NAME_LIMIT} characters")
    here = is_loopback(host_of(address))
    if not found and "." not in address and ":" not in address and not here:
        raise _refused(text, f'"{address}" is no host')
    scheme = scheme or ("http" if here else "https")
    if scheme not in {"http", "https"}:
        raise _refused(text, f'"{scheme}" is no way to speak to a registry')
    if scheme == "http" and not here:
        raise UsageProblem(
            f"{address} would be spoken to without TLS",
            hint="leave http:// out: only a registry on this machine may do without",
        )
    return Reference(Registry(scheme, address), name, tag, digest)


def looks_like_one(text: str) -> bool:
    """Whether a person who wrote this meant a registry, rather than a file."""
    try:
        parse(text)
    except Problem:
        return False
    return True


def is_digest(text: str) -> bool:
    return bool(DIGEST.fullmatch(text))


def is_loopback(host: str) -> bool:
    """Whether a host, as it stands in a URL, is this machine by its very name."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(address: str) -> str:
    """The host of "host:port", an IPv6 one without its brackets."""
    matched = _HOST.fullmatch(address)
    return (matched["host"] if matched else address).strip("[]")


def _split(path: str) -> tuple[str, str, str]:
    """The name, the tag and the digest."""
    name, _, digest = path.partition("@")
    if digest:
        return name, "", digest
    name, _, tag = name.partition(":")
    return name, tag, ""


def _refused(text: str, why: str) -> Problem:
    return UsageProblem(
        f'"{text}" names no image in a registry: {why}',
        hint="for example registry.example.org/blog, localhost:5000/blog or registry.example.org/ada/blog:latest",
    )
