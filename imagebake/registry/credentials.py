"""Who we are to a registry, as `docker login` has kept it: Docker's config.json, and the credential helpers it names.

    auths         {"registry.example.org": {"auth": base64 of "user:password"}}, or {"identitytoken": …}
    credHelpers   {"registry.example.org": "pass"}: ask docker-credential-pass
    credsStore    "pass": ask docker-credential-pass for every registry

A helper is run without a shell; it gets the registry's name on its standard input and answers with JSON. Secrets are
never printed and never stand in a command line.

Source: Docker's reference, "docker login", "Credential stores" and "Credential helper protocol".
"""

import base64
import binascii
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Final

from sealpress.files import given, home
from sealpress.frozen import frozen
from sealpress.problems import MachineProblem, Place, Problem, printable

HELPER_SECONDS: Final = 60  # a person may have to unlock a key ring
_LIMIT: Final = 1 << 20
_NOT_FOUND: Final = "credentials not found"
_TOKEN_USER: Final = "<token>"  # noqa: S105 - what a helper calls the user of an identity token


@frozen
class Login:
    """Either a user with a password, or an identity token that the registry's token service takes."""

    user: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The value of an Authorization header (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


def config_file() -> Path:
    """`$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`. It need not exist."""
    if folder := os.environ.get("DOCKER_CONFIG"):
        return Path(folder) / "config.json"
    return (home.folder() or Path("/nonexistent")) / ".docker" / "config.json"


def login(address: str, file: Path) -> Login | None:
    """The login for a registry; None where there is none: then it is asked without one.

    Raises Problem (exit 9) for a file that can't be read or a helper that fails.
    """
    try:
        with file.open("rb") as found:
            data = found.read(_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _broken(file, f"can't be read: {error.strerror}") from None
    config = given.parsed(data) if len(data) <= _LIMIT else None
    if not isinstance(config, dict):
        raise _broken(file, "is not a JSON object")
    if helper := _named(config.get("credHelpers"), address) or config.get("credsStore"):
        return _asked(str(helper), address, file)
    entry = _named(config.get("auths"), address)
    return _kept(entry, address, file) if isinstance(entry, dict) and entry else None


def _named(table: Any, address: str) -> Any:
    """The entry of a registry; it may be called by a URL, as older logins did."""
    if not isinstance(table, dict):
        return None
    if address in table:
        return table[address]
    hosts = ((re.sub(r"^https?://", "", str(key)).partition("/")[0].lower(), value) for key, value in table.items())
    return next((value for host, value in hosts if host == address.lower()), None)


def _kept(entry: Mapping[str, Any], address: str, file: Path) -> Login:
    if isinstance(token := entry.get("identitytoken"), str) and token:
        return Login(identity_token=token)
    if isinstance(user := entry.get("username"), str) and isinstance(password := entry.get("password"), str):
        return Login(user, password)
    try:
        user, colon, password = base64.b64decode(str(entry.get("auth", "")), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        user = colon = password = ""
    if not colon:
        raise _broken(file, f"has no login for {address} that can be read", hint=f"docker login {address}")
    return Login(user, password.rstrip("\0"))


def _asked(helper: str, address: str, file: Path) -> Login | None:
    program = f"docker-credential-{helper}"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", helper):
        raise _broken(file, f'names a credential helper "{helper}", which no program is called')
    if not (found := shutil.which(program)):
        raise _broken(file, f"names the credential helper {program}, which is not installed")
    try:
        done = subprocess.run(
            [found, "get"], input=address.encode(), capture_output=True, timeout=HELPER_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise _failed(program, f"gave no answer in {HELPER_SECONDS} s") from None
    except OSError as error:
        raise _failed(program, f"can't be run: {error.strerror}") from None
    said = (done.stdout + done.stderr)[:_LIMIT].decode("utf-8", "replace")
    if done.returncode:
        if _NOT_FOUND in said:
            return None
        raise _failed(program, f"failed: {_last(said.splitlines())}")
    match given.parsed(done.stdout[:_LIMIT]):
        case {"Username": str(user), "Secret": str(secret)}:
            return Login(identity_token=secret) if user == _TOKEN_USER else Login(user, secret)
        case _:
            raise _failed(program, "answered something else than a user and a secret")


def _last(lines: Iterable[str]) -> str:
    told = [line.strip() for line in lines if line.strip()]
    return printable(told[-1][:200], keep="") if told else "it gave no reason"


def _broken(file: Path, why: str, hint: str = "docker login writes this file; DOCKER_CONFIG names another") -> Problem:
    return MachineProblem(f"the login file {why}", place=Place(str(file)), hint=hint)


def _failed(program: str, why: str) -> Problem:
    return MachineProblem(f"{program} {why}", hint=f"try it: echo REGISTRY | {program} get")
