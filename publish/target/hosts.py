"""A host with its engine: over ssh, or this machine with an engine's socket or the embedded runner."""

import re
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from imagebake.nginx import runners
from publish.engines import sockets
from publish.engines.embedded.engine import EmbeddedEngine
from publish.engines.protocol import ContainerEngine, Endpoint, Host
from publish.ssh.connection import Connection, connect, connecting
from publish.ssh.lock import hold_here, hold_over_ssh
from publish.ssh.refusals import no_shell
from sealpress.commands.console import Progress
from sealpress.config.settings import PublishTarget
from sealpress.files import home
from sealpress.frozen import frozen
from sealpress.problems import HostProblem, Problem

if TYPE_CHECKING:
    from publish.engines.docker import DockerEngine

LOCAL: Final = "local"

_WITHIN: Final = 60  # seconds for an answer of a command


@frozen
class SshHost:
    """publish.engines.protocol.RemoteHost over one ssh connection."""

    title: str
    engine: ContainerEngine
    socket: str
    _connection: Connection
    is_by_folder: bool = False

    def reach(self, endpoint: Endpoint) -> AbstractContextManager[Endpoint]:
        here = self._connection.forward(endpoint)
        return nullcontext(replace(endpoint, address=here.address, port=here.port))

    def ask(self, command: Sequence[str]) -> str:
        return self._connection.run(command).out

    def begin(self, command: Sequence[str]) -> "subprocess.Popen[bytes]":
        return self._connection.start(command)

    def lock(self, name: str) -> AbstractContextManager[None]:
        return hold_over_ssh(self._connection, name)


@frozen
class LocalHost:
    """publish.engines.protocol.Host that is this machine."""

    engine: ContainerEngine
    is_by_folder: bool = False
    title: str = "this machine"

    def reach(self, endpoint: Endpoint) -> AbstractContextManager[Endpoint]:
        return nullcontext(endpoint.local)

    def ask(self, command: Sequence[str]) -> str:
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_WITHIN, check=False)
        except (OSError, subprocess.TimeoutExpired):
            raise HostProblem(f'"{command[0]}" gave no answer in {_WITHIN} seconds') from None
        return done.stdout.decode("utf-8", "replace")

    def lock(self, name: str) -> AbstractContextManager[None]:
        return hold_here(name, self.title)


Way = Callable[[], Connection]
"""Gives the connection to a host that is being opened, once it is open."""


@contextmanager
def begin(target: PublishTarget) -> Iterator[Way | None]:
    """Begins to connect to the host of a target of one host, for `open_host`; None for this machine. The connection
    ends with the context. Raises Problem (exit 6, 9) for what can't be begun.
    """
    with nullcontext() if target.only_host == LOCAL else connecting(target, _search(target)) as way:
        yield way


@contextmanager
def open_host(target: PublishTarget, progress: Progress, way: Way | None = None) -> Iterator[Host]:
    """Connects to the host and the engine of a target of one host; ends both with the context, but not a `way`.

    "auto" on this machine is Docker or Podman where one answers, else the embedded runner. Raises Problem (exit 6)
    where the host can't be reached or has no engine for us; exit 7 where the engine misbehaves; exit 9 for what this
    machine lacks.
    """
    with ExitStack() as stack:
        if target.only_host == LOCAL:
            host: Host = _this_machine(target, stack)
        else:
            connection = way() if way else stack.enter_context(connect(target, _search(target)))
            socket, opened = _open_remote(connection)
            engine = stack.enter_context(closing(opened))
            host = SshHost(str(connection.address), engine, socket, connection)
        progress.note(f"{host.title}: {host.engine.title}, {host.engine.architecture()}")
        yield host


def _this_machine(target: PublishTarget, stack: ExitStack) -> LocalHost:
    path = None if target.engine == "embedded" else sockets.local(target)
    if path:
        from publish.engines.docker import open_engine  # noqa: PLC0415 - docker-py takes 150 ms: only where it is needed

        return LocalHost(stack.enter_context(closing(open_engine(path))))
    if target.engine == "embedded" or (target.engine == "auto" and not target.socket):
        # It is for looking at a site: at this clone's, not at another's.
        return LocalHost(EmbeddedEngine(home.shared_state_folder(), runners.find_runner()), is_by_folder=True)
    raise sockets.none_answers(target)


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


def _open_remote(connection: Connection) -> "tuple[str, DockerEngine]":
    """The path of the socket there that answers, and the engine behind it."""
    from publish.engines.docker import open_engine  # noqa: PLC0415 - as above

    looked = _found(connection)
    for path in looked.found:
        local = connection.forward_socket(path)
        if sockets.answers(local):
            return path, open_engine(local, explain=connection.cut)
    if cut := connection.cut(within=0.2):
        raise cut
    raise _no_remote_engine(connection, looked)


@frozen
class _FoundSockets:
    """Sockets on the host: there and ours to use; there but not ours; not there."""

    found: tuple[str, ...]
    denied: tuple[str, ...]
    missing: tuple[str, ...]


_WORD: Final = secrets.token_hex(8)


def _search(target: PublishTarget) -> list[str]:
    """The command that looks for an engine's sockets: what a connection is opened with."""
    paths = (path.replace(sockets.RUNTIME, "@") for path in sockets.candidates(target))
    return ["sh", "-c", _SEARCH, "sealpress-search", _WORD, *paths]


def _found(connection: Connection) -> _FoundSockets:
    kinds: dict[str, list[str]] = {"found": [], "denied": [], "missing": []}
    for line in re.findall(rf"{_WORD} (found|denied|missing) (.+)", connection.told):
        kinds[line[0]].append(line[1])
    if not any(kinds.values()):
        raise no_shell(connection.address, 0, connection.told)
    return _FoundSockets(tuple(kinds["found"]), tuple(kinds["denied"]), tuple(kinds["missing"]))


def _no_remote_engine(connection: Connection, looked: _FoundSockets) -> Problem:
    address = connection.address
    if looked.found:
        time.sleep(0.1)  # for ssh to write down why
        said = connection.said()
        reason = f" ({said})" if "open failed" in said else ""
        return HostProblem(
            f"no container engine answers at {looked.found[0]} on {address}{reason}",
            # sshd refuses to forward a socket with the same words as it fails to.
            hint="start it there, such as with `sudo systemctl start docker`; if it runs, sshd must be allowed to "
            "forward sockets: AllowStreamLocalForwarding yes",
        )
    if looked.denied:
        user = address.user or "$USER"
        return HostProblem(
            f"{address} may not use the container engine's socket {looked.denied[0]}",
            hint=f"add the account to the socket's group there, such as with `sudo usermod -aG docker {user}`",
        )
    return HostProblem(
        f"there is no container engine's socket on {address} (looked at {', '.join(looked.missing)})",
        hint="install or start Docker there, or name its `socket` in site.toml",
    )
