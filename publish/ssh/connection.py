"""One connection to a host by the system's ssh: commands, the engine's socket and TCP ports go through it.

    Connection      the open connection; `connect` opens it and ends it, whatever happens

One ssh process holds the connection (a ControlMaster); all else joins it over a control socket in a private folder.
That process runs `cat` on the host, with its input from here: when this program ends, even by SIGKILL, the input
ends, so does `cat`, and so does the connection. ssh reads the user's own ~/.ssh/config, known_hosts and agent.

Source: ssh(1) and ssh_config(5) of OpenSSH 8.4 and later.
"""

import os
import re
import secrets
import shlex
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import field, replace
from pathlib import Path
from typing import IO, Final, cast

from publish.engines.protocol import Endpoint
from publish.ssh.address import Address, parse_address
from publish.ssh.refusals import by_hand, last_line, no_shell, refusal
from sealpress.config import ssh_options
from sealpress.config.settings import PublishTarget
from sealpress.files import home, scratch
from sealpress.frozen import frozen
from sealpress.problems import HostProblem, MachineProblem, Problem
from sealpress.processes.pipes import hear

_CONNECTED_WITHIN: Final = 60.0  # seconds for the whole login; a security key may wait for a finger
_COMMAND_WITHIN: Final = 60.0
_FAILED: Final = 255  # ssh's own exit code; else it is that of the command on the host
# sun_path holds 108 bytes on Linux and 104 on macOS, and ssh appends 17 of its own while it makes a control socket.
_FOLDER_LIMIT: Final = 104 - 1 - 17 - len("/control")

CONFIG: Final = "SEALPRESS_SSH_CONFIG"
"""The user's own variable: another file than ~/.ssh/config and /etc/ssh/ssh_config, as after `ssh -F`."""

_SOCKET: Final = re.compile(r"/[A-Za-z0-9_@.,+/-]+")


@frozen
class CommandResult:
    """What a command on the host gave back."""

    code: int
    out: str
    err: str


@frozen
class Connection:
    """An open connection. `folder` is private to this user and holds ssh's control socket and log. `told`: what the
    command said there that it was opened with.
    """

    address: Address
    folder: Path
    _master: subprocess.Popen[bytes]
    told: str = ""
    _ports: dict[Endpoint, Endpoint] = field(default_factory=dict)  # that lead there already

    def run(self, command: Sequence[str]) -> CommandResult:
        """Runs a command on the host. Its words reach it as they are; no shell reads them.

        Raises Problem (exit 6) where the connection is gone, or the command takes over a minute.
        """
        process = self.start(command)
        try:
            cast("IO[bytes]", process.stdin).close()
            out, err = hear(process, _COMMAND_WITHIN)
            process.wait(_COMMAND_WITHIN)
        except (TimeoutError, subprocess.TimeoutExpired):
            message = f'"{command[0]}" on {self.address} gave no answer in {_COMMAND_WITHIN:.0f} seconds'
            raise HostProblem(message, hint="look at the host's load and disks") from None
        except ValueError:
            message = f'"{command[0]}" on {self.address} writes without an end'
            raise HostProblem(message, hint="look at the account's shell on the host") from None
        finally:
            end(process)
        if process.returncode == _FAILED and (cut := self.cut()):
            raise cut
        return CommandResult(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))

    def start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Starts a command on the host, with pipes for all three streams; the caller ends it."""
        # Without the control socket, ssh would quietly make a connection of its own: ProxyCommand=false forbids it.
        joined = ["ssh", "-F", "none", "-S", str(self.control), "-o", "ControlMaster=no", "-o", "ProxyCommand=false"]
        return popen([*joined, "-T", self.address.destination, "--", for_any_shell(command)])

    def forward(self, endpoint: Endpoint) -> Endpoint:
        """A port of this machine's loopback that leads to a port as the host reaches it, until the connection ends."""
        knock = replace(endpoint.local, name="", is_secure=False, roots="")
        if knock not in self._ports:
            self._ports[knock] = self._forwarded(knock)
        return self._ports[knock]

    def _forwarded(self, knock: Endpoint) -> Endpoint:
        there = f"[{knock.address}]:{knock.port}" if ":" in knock.address else f"{knock.address}:{knock.port}"
        # Another program may take the port between our look and ssh's: then try the next one.
        for _ in range(5):
            here = Endpoint("127.0.0.1", _free_port())
            refusal = self._control("forward", "-L", f"{here.address}:{here.port}:{there}")
            if refusal is None:
                return here
        raise HostProblem(f"ssh can't forward a port to {self.address}: {refusal}")

    def forward_socket(self, remote: str) -> Path:
        """A unix socket in the private folder that leads to one on the host, until the connection ends.

        Raises Problem (exit 6) where ssh refuses. That something answers there is for the caller to see.
        """
        if not _SOCKET.fullmatch(remote):
            raise HostProblem(
                f'"{remote}" is not a path of a socket',
                hint="write an absolute path without spaces or colons, such as /var/run/docker.sock",
            )
        local = self.folder / secrets.token_hex(3)
        if refusal := self._control("forward", "-L", f"{local}:{remote}"):
            raise HostProblem(f"ssh can't forward {remote} of {self.address}: {refusal}")
        return local

    def cut(self, within: float = 2.0) -> Problem | None:
        """The Problem to show when the connection has ended by itself; None while it stands.

        `within`: seconds that a connection which just broke has to be noticed by ssh.
        """
        with suppress(subprocess.TimeoutExpired):
            self._master.wait(within)
        if self._master.poll() is None:
            return None
        said = self.said()
        return HostProblem(
            f"the connection to {self.address} was cut" + (f": {said}" if said else ""),
            hint="look at the network and the host, then run it again",
        )

    def said(self) -> str:
        """The last line that ssh itself wrote, or ""."""
        return last_line(_log(self.folder))

    @property
    def control(self) -> Path:
        return self.folder / "control"

    def _control(self, request: str, *arguments: str) -> str | None:
        """Asks the ssh that holds the connection; gives its last line where it refuses, None where it agrees."""
        command = ["ssh", "-F", "none", "-S", str(self.control), "-O", request, *arguments, self.address.destination]
        process = popen(command)
        try:
            _, err = process.communicate(b"", 10)
        except subprocess.TimeoutExpired:
            end(process)
            return "no answer in 10 seconds"
        if process.returncode == 0:
            return None
        if cut := self.cut():
            raise cut
        return last_line(err.decode("utf-8", "replace")) or f"ssh ended with {process.returncode}"


@contextmanager
def connect(target: PublishTarget, first: Sequence[str] = ()) -> Iterator[Connection]:
    """Opens the connection, and ends it with the context. `first`, and what it raises, as for `connecting`."""
    with connecting(target, first) as opened:
        yield opened()


@contextmanager
def connecting(target: PublishTarget, first: Sequence[str] = ()) -> Iterator[Callable[[], Connection]]:
    """Begins to open the connection, and ends it with the context; what is given waits until it is open, and the
    command `first` has said there what it has to.

    Raises Problem (exit 6) with ssh's own last line and a way out: unknown or changed host key, a key that the host
    doesn't take, no such host, refused, timed out. Problem (exit 9) where there is no ssh on this machine.
    """
    address = parse_address(target.only_host)
    command = _command(address, target)
    with ExitStack() as stack:
        folder = _private_folder(stack)
        # What ssh itself has to say goes to a file of its own: banners and shells write to the same stream.
        ours = ["-E", str(folder / "log"), "-S", str(folder / "control")]
        watch = for_any_shell(["sh", "-c", _WATCH, "sealpress", *first])
        master = popen([*command, *ours, address.destination, watch])
        stack.callback(end, master)

        def opened() -> Connection:
            words, is_in = _await_login(address, folder, master)
            if not is_in:
                raise _closed(address, folder, master, command, words)
            stack.callback(_drained(master).join, 5)
            stack.callback(master.terminate)  # first of all: who reads away its errors comes to their end so
            return Connection(address, folder, master, words)

        yield opened


_GREETING: Final = f"sealpress-{secrets.token_hex(8)}"


def for_any_shell(command: Sequence[str]) -> str:
    """A command line that hands these words to a command, whatever the account's login shell is: sh, csh, fish.

    Line feeds and exclamation marks mean something to csh within quotes, too; so the words travel in octal.
    """
    octal = "".join(chr(byte) if byte in _PLAIN else f"\\0{byte:03o}" for byte in os.fsencode(shlex.join(command)))
    return f"""exec sh -c 'eval "$(printf %b "$0")"' '{octal}'"""


# Safe in every shell that an account may have: no quote, no line feed, no "!" of csh, no backslash before another.
_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _./,:@+-")
# Runs in whatever login shell the user has there. The greeting tells our line from a shell's own greetings.
_WATCH: Final = f'[ $# = 0 ] || "$@" </dev/null; echo {_GREETING}; exec cat >/dev/null'


def _command(address: Address, target: PublishTarget) -> list[str]:
    """The command that connects. Of an option, the first value wins: so ours come first where they must hold."""
    command = ["ssh", "-T", "-x", "-a"]
    if config := os.environ.get(CONFIG):
        if not Path(config).is_file():
            raise HostProblem(f"there is no file {config}", hint=f"{CONFIG} names it: correct or unset it")
        command += ["-F", config]
    for option in _OURS:
        command += ["-o", option]
    for option in target.ssh_options:
        if wrong := ssh_options.wrong(option):
            raise HostProblem(f"ssh_options {wrong}", hint=ssh_options.HINT)
        command += ssh_options.arguments(option)
    if target.identity:
        identity = home.expanded(target.identity)
        if not identity.is_file():
            raise HostProblem(f"there is no key file at {identity}", hint="correct `identity` of the host in site.toml")
        command += ["-i", str(identity), "-o", "IdentitiesOnly=yes"]
    if address.port is not None:
        command += ["-p", str(address.port)]
    for option in _OTHERWISE:
        command += ["-o", option]
    return command


# What the user's own configuration may say for a terminal session would break this one: a command of its own
# (RemoteCommand), a terminal, a picture of the host's key, forwarded ports that are taken by a second connection.
_OURS: Final = (
    "ControlMaster=yes",
    "ControlPersist=no",
    "BatchMode=yes",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "ForkAfterAuthentication=no",
    "StdinNull=no",
    "SessionType=default",
    "RequestTTY=no",
    "ClearAllForwardings=yes",
    "VisualHostKey=no",
    "LogLevel=INFO",
)
# Layers are uncompressed, for the sake of their digests; on their way they shrink to a third, and pages to less.
_OTHERWISE: Final = ("ConnectTimeout=15", "ServerAliveInterval=15", "ServerAliveCountMax=3", "Compression=yes")


def _private_folder(stack: ExitStack) -> Path:
    """A folder that only this user can enter, with room below it for the names of sockets."""
    for base in (home.base("XDG_RUNTIME_DIR"), None, Path("/tmp")):  # noqa: S108 - mkdtemp is safe there
        if base is None and len(os.fsencode(folder := stack.enter_context(scratch.folder("ssh")))) <= _FOLDER_LIMIT:
            return folder
        if base and len(os.fsencode(base)) + len("/sealpress-12345678") <= _FOLDER_LIMIT and os.access(base, os.W_OK):
            return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sealpress-", dir=base)))
    raise MachineProblem("no folder for temporary files can be written", hint="set TMPDIR to one")


def _await_login(address: Address, folder: Path, master: "subprocess.Popen[bytes]") -> tuple[str, bool]:
    """Waits until the command on the host greets. What came through ssh besides its log, and whether that did."""
    greeting = _GREETING.encode()
    try:
        out, err = hear(master, _CONNECTED_WITHIN, until=lambda heard: greeting in heard)
    except TimeoutError:
        said = last_line(_log(folder))
        message = f"{address} did not let us in within {_CONNECTED_WITHIN:.0f} seconds"
        raise HostProblem(message + (f": {said}" if said else ""), hint=by_hand(address)) from None
    except ValueError:
        raise no_shell(address, 0, "it writes without an end") from None
    return (out + b"\n" + err).decode("utf-8", "replace"), greeting in out


def _closed(
    address: Address, folder: Path, master: "subprocess.Popen[bytes]", command: Sequence[str], words: str
) -> Problem:
    """Why the connection ended before our command spoke."""
    with suppress(subprocess.TimeoutExpired):
        master.wait(10)
    if master.returncode == _FAILED:
        return refusal(address, _log(folder), words)
    # We were let in, to something that is no shell. Its own words, without the host's banner, which is said to errors:
    again = popen([command[0], "-o", "LogLevel=ERROR", "-S", "none", *command[1:], address.destination, "true"])
    try:
        out, err = hear(again, _CONNECTED_WITHIN)
        words = (err + b"\n" + out).decode("utf-8", "replace")
    except (TimeoutError, ValueError):
        words = ""
    finally:
        end(again)
    return no_shell(address, master.returncode or 0, words)


def _drained(master: "subprocess.Popen[bytes]") -> threading.Thread:
    """Reads away what the host still writes to errors, so that it never waits for us."""

    def drain() -> None:
        with suppress(OSError, ValueError):
            while os.read(cast("IO[bytes]", master.stderr).fileno(), 1 << 16):
                pass

    thread = threading.Thread(target=drain, daemon=True)
    thread.start()
    return thread


def _log(folder: Path) -> str:
    with suppress(OSError):
        return (folder / "log").read_bytes()[-65536:].decode("utf-8", "replace")
    return ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def popen(command: list[str]) -> "subprocess.Popen[bytes]":
    """Starts ssh with pipes, in the C locale, so that its words can be read; in a session of its own, so that Ctrl-C
    reaches this program first, which then ends ssh in order.

    Raises Problem (exit 9) where there is no ssh.
    """
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"},
            start_new_session=True,
        )
    except FileNotFoundError:
        raise MachineProblem("there is no ssh on this machine", hint="install OpenSSH's client") from None


def end(process: "subprocess.Popen[bytes]") -> None:
    """Ends a process that we started: asked first, then made to. Closes its pipes."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.close()
