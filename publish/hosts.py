"""Hosts with a container engine: over ssh, or this machine. Finds the engine's socket and opens it.

open_host      the host that a target of site.toml names, as a publish.engines.protocol.Host
local_socket   where an engine answers on this machine, for the choice between engines (publish/targets.py)
"""

import os
import re
import secrets
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from publish.engines.docker import DockerEngine, answers, open_engine
from publish.engines.protocol import Endpoint, Host
from publish.ssh.connection import Tunnel, connect, reachable
from publish.ssh.lock import hold_here, hold_over_ssh
from publish.ssh.refusals import no_shell
from sealpress import home
from sealpress.console import Progress
from sealpress.problems import Exit, Problem
from sealpress.settings import PublishTarget

LOCAL: Final = "local"
_RUNTIME: Final = "$XDG_RUNTIME_DIR"
_DOCKER: Final = ("/var/run/docker.sock",)
_PODMAN: Final = ("/run/podman/podman.sock", f"{_RUNTIME}/podman/podman.sock")


@dataclass(frozen=True, slots=True)
class SshHost:
    """publish.engines.protocol.Host over one ssh connection."""

    title: str
    engine: DockerEngine
    _tunnel: Tunnel
    is_by_folder: bool = False

    def reach(self, endpoint: Endpoint) -> AbstractContextManager[Endpoint]:
        return self._tunnel.forward(endpoint)

    def lock(self, name: str) -> AbstractContextManager[None]:
        return hold_over_ssh(self._tunnel, name)


@dataclass(frozen=True, slots=True)
class LocalHost:
    """publish.engines.protocol.Host that is this machine."""

    engine: DockerEngine
    title: str = "this machine"
    is_by_folder: bool = False

    def reach(self, endpoint: Endpoint) -> AbstractContextManager[Endpoint]:
        return nullcontext(replace(endpoint, address=reachable(endpoint.address)))

    def lock(self, name: str) -> AbstractContextManager[None]:
        return hold_here(name, self.title)


@contextmanager
def open_host(target: PublishTarget, progress: Progress) -> Iterator[Host]:
    """Connects to the target's host and its engine; ends both with the context.

    Raises Problem (exit 6) where the host can't be reached or has no engine for us; exit 7 where the engine misbehaves.
    """
    with ExitStack() as stack:
        if target.host == LOCAL:
            path = local_socket(target)
            if path is None:
                raise _no_local_engine(target)
            host: Host = LocalHost(stack.enter_context(closing(open_engine(path))))
        else:
            tunnel = stack.enter_context(connect(target))
            engine = stack.enter_context(closing(_open_remote(tunnel, target)))
            host = SshHost(str(tunnel.address), engine, tunnel)
        progress.note(f"{host.title}: {host.engine.title}, {host.engine.architecture()}")
        yield host


def local_socket(target: PublishTarget) -> Path | None:
    """The first of the usual sockets behind which an engine answers on this machine; None where none does.

    The target's own socket comes first, then the one that DOCKER_HOST names (CONTAINER_HOST for Podman), and then no
    other: Problem (exit 6) where none answers there, or where it names something else.
    """
    named = None if target.socket else _named(target)
    runtime = str(home.base("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    for candidate in (named,) if named else _candidates(target):
        path_here = Path(candidate.replace(_RUNTIME, runtime))
        if _is_socket(path_here) and answers(path_here):
            return path_here
    if named:
        variable = _variable(target)
        raise Problem(
            f"no container engine answers at {named}, which {variable} names",
            hint=f"start it, correct or unset {variable}, or name the `socket` in site.toml",
            code=Exit.HOST,
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
    raise Problem(
        f'{variable} is "{named}", and an engine of this machine is asked over a socket only, as in unix:///run/docker.sock',
        hint=hint,
        code=Exit.HOST,
    )


def _candidates(target: PublishTarget) -> tuple[str, ...]:
    if target.socket:
        return (target.socket,)
    match target.engine:
        case "docker":
            return _DOCKER
        case "podman":
            return _PODMAN
        case _:
            return (*_DOCKER, *_PODMAN)


def _no_local_engine(target: PublishTarget) -> Problem:
    looked = ", ".join(_candidates(target))
    return Problem(
        f"no container engine answers on this machine (looked at {looked})",
        hint="start Docker or Podman, or become a member of its group, or name its `socket` in site.toml",
        code=Exit.HOST,
    )


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.stat().st_mode)
    except OSError:
        return False


# $1 a word before every answer; then the paths. "@" stands for the folder of the user's own sockets.
_SEARCH: Final = """
word=$1; shift
case $XDG_RUNTIME_DIR in /*) own=$XDG_RUNTIME_DIR ;; *) own=/run/user/$(id -u) ;; esac
for path; do
    case $path in @*) path=$own${path#@} ;; esac
    kind=missing
    if [ -S "$path" ]; then kind=denied; [ -r "$path" ] && [ -w "$path" ] && kind=found; fi
    echo "$word $kind $path"
done
"""


def _open_remote(tunnel: Tunnel, target: PublishTarget) -> DockerEngine:
    looked = _search(tunnel, _candidates(target))
    for path in looked.found:
        local = tunnel.forward_socket(path)
        if answers(local):
            return open_engine(local, explain=tunnel.cut)
    if cut := tunnel.cut(within=0.2):
        raise cut
    raise _no_remote_engine(tunnel, looked)


@dataclass(frozen=True, slots=True)
class _Looked:
    """Sockets on the host: there and ours to use; there but not ours; not there."""

    found: tuple[str, ...]
    denied: tuple[str, ...]
    missing: tuple[str, ...]


def _search(tunnel: Tunnel, candidates: Sequence[str]) -> _Looked:
    word = secrets.token_hex(8)
    paths = [path.replace(_RUNTIME, "@") for path in candidates]
    answer = tunnel.run(["sh", "-c", _SEARCH, "sealpress-search", word, *paths])
    kinds: dict[str, list[str]] = {"found": [], "denied": [], "missing": []}
    for line in re.findall(rf"{word} (found|denied|missing) (.+)", answer.out):
        kinds[line[0]].append(line[1])
    if not any(kinds.values()):
        raise no_shell(tunnel.address, answer.code, answer.out + "\n" + answer.err)
    return _Looked(tuple(kinds["found"]), tuple(kinds["denied"]), tuple(kinds["missing"]))


def _no_remote_engine(tunnel: Tunnel, looked: _Looked) -> Problem:
    address = tunnel.address
    if looked.found:
        time.sleep(0.1)  # for ssh to write down why
        said = tunnel.said()
        reason = f" ({said})" if "open failed" in said else ""
        return Problem(
            f"no container engine answers at {looked.found[0]} on {address}{reason}",
            # sshd refuses to forward a socket with the same words as it fails to.
            hint="start it there, such as with `sudo systemctl start docker`; if it runs, sshd must be allowed to "
            "forward sockets: AllowStreamLocalForwarding yes",
            code=Exit.HOST,
        )
    if looked.denied:
        user = address.user or "$USER"
        return Problem(
            f"{address} may not use the container engine's socket {looked.denied[0]}",
            hint=f"add the account to the socket's group there, such as with `sudo usermod -aG docker {user}`",
            code=Exit.HOST,
        )
    return Problem(
        f"there is no container engine's socket on {address} (looked at {', '.join(looked.missing)})",
        hint="install or start Docker there, or name its `socket` in site.toml",
        code=Exit.HOST,
    )
