"""Where engines listen: the usual sockets of Docker and Podman, and which of them answers on this machine."""

import http.client
import os
import socket
import stat
from contextlib import closing
from pathlib import Path
from typing import Final

from sealpress.bounded import ANSWER_LIMIT, Allowance, Misbehaviour, PlainSocket
from sealpress.config.settings import PublishTarget
from sealpress.files import home
from sealpress.problems import HostProblem, Problem

RUNTIME: Final = "$XDG_RUNTIME_DIR"
"""Stands in a path for the folder of the user's own sockets."""

_DOCKER: Final = ("/var/run/docker.sock",)
_PODMAN: Final = ("/run/podman/podman.sock", f"{RUNTIME}/podman/podman.sock")


def local(target: PublishTarget) -> Path | None:
    """The first of the usual sockets behind which an engine answers on this machine; None where none does.

    The target's own socket comes first, then the one that DOCKER_HOST names (CONTAINER_HOST for Podman), and then no
    other: Problem (exit 6) where none answers there, or where it names something else.
    """
    named = None if target.socket else _named(target)
    runtime = str(home.base("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    for candidate in (named,) if named else candidates(target):
        path_here = Path(candidate.replace(RUNTIME, runtime))
        if _is_socket(path_here) and answers(path_here):
            return path_here
    if named:
        variable = _variable(target)
        raise HostProblem(
            f"no container engine answers at {named}, which {variable} names",
            hint=f"start it, correct or unset {variable}, or name the `socket` in site.toml",
        )
    return None


def _variable(target: PublishTarget) -> str:
    return "CONTAINER_HOST" if target.engine == "podman" else "DOCKER_HOST"


def _named(target: PublishTarget) -> str | None:
    """The socket that the user's own variable names; None where it is not set."""
    variable = _variable(target)
    if not (named := os.environ.get(variable)):
        return None
    kind, _, path = named.partition("://")
    if kind == "unix" and path.startswith("/"):
        return path
    hint = f'unset {variable} for the engine of this machine, or give the target the host = "user@name" in site.toml'
    if kind == "ssh":
        hint = f'over ssh, site.toml says it: host = "{named}"; or unset {variable}'
    raise HostProblem(
        f'{variable} is "{named}", and an engine of this machine is asked over a socket only, as in unix:///run/docker.sock',
        hint=hint,
    )


def candidates(target: PublishTarget) -> tuple[str, ...]:
    if target.socket:
        return (target.socket,)
    match target.engine:
        case "docker":
            return _DOCKER
        case "podman":
            return _PODMAN
        case _:
            return (*_DOCKER, *_PODMAN)


def none_answers(target: PublishTarget) -> Problem:
    looked = ", ".join(candidates(target))
    return HostProblem(
        f"no container engine answers on this machine (looked at {looked})",
        hint="start Docker or Podman, or become a member of its group, or name its `socket` in site.toml",
    )


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except OSError:
        return False


def answers(path: Path, seconds: float = 20.0) -> bool:
    """Whether an engine answers at a unix socket: asks /_ping, since a socket's file outlives its engine."""
    try:
        return ask(path, "/_ping", (seconds, seconds))[0] == 200
    except (OSError, http.client.HTTPException, Misbehaviour):
        return False


def ask(path: Path, question: str, within: tuple[float, float]) -> tuple[int, bytes]:
    """The status and body of an answer, without docker-py. Raises OSError, HTTPException, Misbehaviour."""
    allowance = Allowance()
    allowance.begin(*within)
    with closing(http.client.HTTPConnection("engine")) as connection:
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(within[0])
        connection.sock.connect(str(path))
        connection.sock = PlainSocket(connection.sock, allowance)
        connection.request("GET", question, headers={"Connection": "close"})
        with connection.getresponse() as answer:
            return answer.status, answer.read(ANSWER_LIMIT)
