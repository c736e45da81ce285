"""What a site.toml may tell ssh: which hosts, which options, and which values they take.

A repository is data: `ProxyCommand` and its like would run a program of its choosing on the machine of whoever asks for
`publish status`. So few options pass, each value checked; all else belongs into the user's own ssh configuration.
Source: ssh_config(5) of OpenSSH 9.2.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from sealpress.config.settings import PublishTarget, Settings
from sealpress.files import home
from sealpress.problems import Place, Problem, did_you_mean, printable

_SPELLED: Final = re.compile(r"(?P<name>[A-Za-z0-9]+)(?:[ \t]*=[ \t]*|[ \t]+)(?P<value>[^\r\n\0]*?)")
_USER: Final = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*\$?"
_NAME: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?"
_JUMP: Final = re.compile(
    rf"(?:(?:{_USER}@)?\[[0-9A-Fa-f:.]+\]|(?:ssh://)?(?:{_USER}@)?{_NAME})(?::(?P<port>[0-9]{{1,5}}))?"
)
# ssh expands "%" and "${…}" in the name of a key file.
_NO_PATH: Final = frozenset("%$\"'\\`|*?")

_MOST_HOSTS: Final = 50  # each has a connection and a thread at once

OptionCheck = Callable[[str], str | None]
"""Takes a value; gives what it must be, or None where it is that."""


def _number(low: int, high: int) -> OptionCheck:
    def check(value: str) -> str | None:
        fits = re.fullmatch(r"[0-9]{1,5}", value) and low <= int(value) <= high
        return None if fits else f"a number from {low} to {high}"

    return check


def _one_of(*words: str) -> OptionCheck:
    def check(value: str) -> str | None:
        return None if value.lower() in words else " or ".join(words)

    return check


def _user(value: str) -> str | None:
    return None if re.fullmatch(_USER, value) else "the name of an account"


def _jumps(value: str) -> str | None:
    for host in value.split(","):
        found = _JUMP.fullmatch(host)
        if not found or (found["port"] and not 0 < int(found["port"]) < 65536):
            return 'hosts with commas between them, each as "user@name:port"'
    return None


def check_host(text: str) -> str | None:
    """What is wrong with a target's `host`, or None."""
    # A host goes to ssh as an argument: one that begins with a dash would be an option.
    user = r"(ssh://)?([A-Za-z0-9._][A-Za-z0-9._-]*@)?"
    if re.fullmatch(rf"{user}([A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{{1,5}})?", text):
        if re.fullmatch(r"[^/]*:[0-9]+", text) and not text.startswith("ssh://"):
            return f'"{text}" has a port: write ssh://{text}'
        return None
    if found := re.fullmatch(rf"{user}([0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)", text):
        return f'"{text}" needs brackets around its address: {found[1] or ""}{found[2] or ""}[{found[3]}]'
    return f'"{text}" is not "user@host", "ssh://user@host:port" or "local"'


def check_key_file(value: str) -> str | None:
    """What the name of a private key file must be, or None where `value` is that.

    Such a file is the user's own and lies outside of the repository, wherever somebody has cloned it to.
    """
    is_whole = value.startswith(("/", "~/")) and ".." not in value.split("/")
    if is_whole and value.isprintable() and not _NO_PATH & set(value):
        return None
    return 'a whole path, or one below your home ("~/.ssh/id_ed25519"), without quotes, "%" or "$"'


ALLOWED: Final[Mapping[str, OptionCheck]] = MappingProxyType(
    {
        "Port": _number(1, 65_535),
        "User": _user,
        "ProxyJump": _jumps,
        "IdentityFile": check_key_file,
        "IdentitiesOnly": _one_of("yes", "no"),
        "AddressFamily": _one_of("any", "inet", "inet6"),
        "Compression": _one_of("yes", "no"),
        "ConnectTimeout": _number(1, 3600),
        "ServerAliveInterval": _number(0, 3600),
        "ServerAliveCountMax": _number(1, 1000),
    }
)
HINT: Final = (
    f"possible here: {', '.join(ALLOWED)}; all else belongs into your own ~/.ssh/config, or into a file that the "
    "environment variable SEALPRESS_SSH_CONFIG names"
)
_BY_SMALL_NAME: Final = MappingProxyType({name.lower(): name for name in ALLOWED})


def wrong(option: str) -> str | None:
    """What is wrong with an option as a site.toml writes it, `Name=value` or `Name value`; None where it may pass."""
    found = _SPELLED.fullmatch(option)
    if not found:
        return f'has "{printable(option, keep="")}", which is not an option of ssh: write it as "Name=value"'
    if (name := _BY_SMALL_NAME.get(found["name"].lower())) is None:
        return f"can't set {found['name']}{did_you_mean(found['name'], ALLOWED)}"
    if needed := ALLOWED[name](found["value"]):
        value = printable(found["value"], keep="") or "without a value"
        return f"has {name} {value}, but it must be {needed}"
    return None


def check(settings: Settings, at: Callable[..., Place]) -> Iterator[Problem]:
    """What is wrong in a site.toml, each at its place, `at("publish", "production", "identity")`."""
    for name, target in settings.publish.items():
        yield from _check_hosts(name, target, at)
        for number, option in enumerate(target.ssh_options):
            if said := wrong(option):
                place = at("publish", name, "ssh_options", number)
                yield Problem(f"[publish.{name}] ssh_options {said}", place=place, hint=HINT)
        if target.identity and (needed := check_key_file(target.identity)):
            yield Problem(f"[publish.{name}] identity must be {needed}", place=at("publish", name, "identity"))


def _check_hosts(name: str, target: PublishTarget, at: Callable[..., Place]) -> Iterator[Problem]:
    hosts = target.host if isinstance(target.host, tuple) else (target.host,)
    for number, host in enumerate(hosts):
        path = ("publish", name, "host", *([number] if isinstance(target.host, tuple) else []))
        if said := check_host(host):
            yield Problem(f"[publish.{name}] host {said}", place=at(*path))
        elif host in hosts[:number]:
            yield Problem(f'[publish.{name}] host names "{host}" twice', place=at(*path))
    if not 0 < len(hosts) <= _MOST_HOSTS:
        message = f"[publish.{name}] host names {len(hosts)} hosts; {_MOST_HOSTS} is the most"
        yield Problem(message if hosts else f"[publish.{name}] host names none", place=at("publish", name, "host"))
    if len(hosts) == 1 and target.rollout == "canary":
        message = f'[publish.{name}] rollout = "canary" is of no use with one host'
        yield Problem(
            message, place=at("publish", name, "rollout"), hint='host = ["ada@one.example", "ada@two.example"]'
        )


def arguments(option: str) -> tuple[str, ...]:
    """What ssh gets for an option that is not `wrong`."""
    found = _SPELLED.fullmatch(option)
    if wrong(option) or not found:
        raise ValueError(option)
    name = _BY_SMALL_NAME[found["name"].lower()]
    # ssh would split a path at its spaces.
    value = f'"{home.expanded(found["value"])}"' if name == "IdentityFile" else found["value"]
    return ("-o", f"{name}={value}")
