"""Servers that outlive the command that started them: launched in a session of their own, and known again later. And
the ports of this machine that they are about to have.

A process is known by its pid, its start time and the boot it belongs to, so a pid that the system has given to
somebody else is never signalled. Linux only: it reads /proc.

Source: proc(5), /proc/PID/stat, fields 3 (state), 6 (session) and 22 (start time, in clock ticks after boot).
"""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from imagebake.nginx import runners
from publish.engines.protocol import Endpoint
from sealpress.frozen import frozen
from sealpress.problems import EngineProblem, MachineProblem

_PROC: Final = Path("/proc")
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@frozen
class Process:
    """The leader of a session. `started` in clock ticks after the boot named by `boot`."""

    pid: int
    started: int
    boot: str


def boot() -> str:
    """The name of this boot. Raises Problem (exit 9) where there is no Linux /proc."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        raise MachineProblem(
            "a site can run without an engine only on Linux",
            hint='install Docker or Podman, or publish to a host (host = "user@name" in site.toml)',
        ) from None


def launch(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> Process:
    """Starts a program in a new session, its output appended to `log`, with nothing else inherited.

    Raises Problem (exit 9) where the program can't be started. Callers who write down what they started should do so
    inside `uninterrupted`.
    """
    this_boot = boot()
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    try:
        # Not subprocess.Popen: it would want to wait for a process that is meant to stay.
        pid = os.posix_spawnp(
            command[0],
            list(command),
            dict(environment),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
                *((os.POSIX_SPAWN_CLOSE, number) for number in _handed_down()),
            ],
            setsid=True,
            setsigmask=(),
            setsigdef=(*_SIGNALS, signal.SIGQUIT, signal.SIGPIPE),
        )
    except OSError as error:
        raise MachineProblem(f"{command[0]} can't be started: {error.strerror}") from None
    # Our own child stays a zombie until we ask, so its start time is there even if it ended at once.
    found = _stat(pid)
    return Process(pid, found.started if found else -1, this_boot)


def _handed_down() -> list[int]:
    """What a child would inherit besides its three streams: the lock of a shell script, say, which it would hold."""
    found = (int(name) for name in os.listdir(_PROC / "self/fd"))  # noqa: PTH208
    return [number for number in found if number > 2 and _is_inherited(number)]


def _is_inherited(handle: int) -> bool:
    try:
        return os.get_inheritable(handle)
    except OSError:  # that of the list itself
        return False


def is_alive(process: Process) -> bool:
    """Whether just this process still runs. A zombie does not."""
    found = _stat(process.pid)
    if found is None or found.started != process.started or boot() != process.boot:
        return False
    if found.state in "ZX":
        # A child of ours that ended: take note. Where another command started it, init does.
        with suppress(ChildProcessError):
            os.waitpid(process.pid, os.WNOHANG)
        return False
    return True


def is_running(process: Process, rootfs: Path) -> bool:
    """Whether anything of its session still runs: the leader, or what a killed leader left (see `end`)."""
    return is_alive(process) or bool(_members(process, rootfs))


def end(process: Process, seconds: float, rootfs: Path) -> None:
    """Asks the whole session to end, waits that long, then kills it. Not running: nothing happens.

    Where the leader is gone, the session's number alone is no proof: then only those are ended whose program is a file
    of `rootfs`.
    """
    for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 5.0)):
        until = time.monotonic() + patience
        for pid in (found := _members(process, rootfs)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        while found and time.monotonic() < until:
            time.sleep(0.01)
            found = _members(process, rootfs)
        if not found:
            return
    raise EngineProblem(f"process {process.pid} can't be ended")


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Holds Ctrl-C and its like back for a moment, so that a start and its record are one."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@frozen
class _Stat:
    state: str
    session: int
    started: int


def _stat(pid: int) -> _Stat | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    # The name stands in parentheses and may hold anything, parentheses too: what follows the last one counts.
    fields = text.rpartition(")")[2].split()
    return _Stat(fields[0], int(fields[3]), int(fields[19]))


def _members(process: Process, rootfs: Path) -> list[int]:
    """Those of the session that run, the leader first."""
    if process.boot != boot():
        return []
    leads = is_alive(process)
    found: list[int] = []
    for pid in (int(folder.name) for folder in _PROC.iterdir() if folder.name.isdecimal()):
        if stat := _stat(pid):
            is_member = stat.session == process.pid and stat.state not in "ZX" and stat.started >= process.started
            if is_member and (leads or _runs_from(pid, rootfs)):
                found.append(pid)
    return sorted(found, key=lambda pid: (pid != process.pid, pid))


def _runs_from(pid: int, rootfs: Path) -> bool:
    """Whether a process's program is a file of this root file system, seen from here or from inside of it."""
    link = _PROC / str(pid) / "exe"
    try:
        program = link.readlink()
        inside = program if program.is_relative_to(rootfs) else rootfs / program.relative_to("/")
        return link.samefile(inside)
    except (OSError, ValueError):
        return False


_LISTENS_WITHIN: Final = 5.0  # seconds: a server that takes longer is still waited for, with its port given free
_PAUSE: Final = 0.01


@contextmanager
def held(wanted: Endpoint) -> Iterator[int]:
    """The port itself, or a free one for 0, which the system gives to nobody meanwhile.

    A server can listen there in spite of that, if it sets SO_REUSEADDR, as all do. Raises Problem (exit 7) where the
    port can't be had.
    """
    addresses = [wanted.address] if wanted.address else ["0.0.0.0", *(["::"] if runners.has_ipv6() else [])]  # noqa: S104
    port = wanted.port
    with ExitStack() as stack:
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            holder = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            # As nginx does it: connections of the server that was just stopped may still be fading.
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                holder.bind((address, port))
            except OSError as error:
                raise EngineProblem(
                    f"port {port} of {wanted.address or 'this machine'} can't be had: {error.strerror}",
                    hint="set another `port` in site.toml; ports below 1024 need more rights, or see `ss -ltnp`",
                ) from None
            port = int(holder.getsockname()[1])
        yield port


def await_listener(endpoint: Endpoint, is_alive: Callable[[], bool]) -> None:
    """Comes back when somebody listens there, or nobody will: the server ended, or takes its time."""
    until = time.monotonic() + _LISTENS_WITHIN
    while is_alive() and time.monotonic() < until:
        try:
            socket.create_connection((endpoint.local.address, endpoint.port), _LISTENS_WITHIN).close()
        except OSError:
            time.sleep(_PAUSE)
        else:
            return
