"""One connection to a host by the system's ssh: commands, the engine's socket and TCP ports go through it.

    Tunnel      the open connection; `connect` opens it and ends it, whatever happens

One ssh process holds the connection (a ControlMaster); all else joins it over a control socket in a private folder.
That process runs `cat` on the host, with its input from here: when this program ends, even by SIGKILL, the input
ends, so does `cat`, and so does the connection. ssh reads the user's own ~/.ssh/config, known_hosts and agent.

Source: ssh(1) and ssh_config(5) of OpenSSH 8.4 and later.
"""

import os
import re
import secrets
import select
import shlex
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from publish.address import Address, parse_address
from publish.host import Endpoint
from sealpress.problems import Exit, Problem
from sealpress.settings import PublishTarget

_CONNECTED_WITHIN: Final = 60.0  # seconds for the whole login; a security key may wait for a finger
_COMMAND_WITHIN: Final = 60.0
# sun_path holds 108 bytes on Linux and 104 on macOS, and ssh appends 17 of its own while it makes a control socket.
_FOLDER_LIMIT: Final = 104 - 1 - 17 - len("/control")

_OPTION: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*[= ][^\r\n\0]+")
_SOCKET: Final = re.compile(r"/[A-Za-z0-9_@.,+/-]+")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command on the host gave back."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Tunnel:
    """An open connection. `folder` is private to this user and holds ssh's control socket and log."""

    address: Address
    folder: Path
    _master: subprocess.Popen[bytes]

    def run(self, command: Sequence[str]) -> Answer:
        """Runs a command on the host. Its words reach it as they are; no shell reads them.

        Raises Problem (exit 6) where the connection is gone, or the command takes over a minute.
        """
        process = self.start(command)
        try:
            out, err = process.communicate(b"", _COMMAND_WITHIN)
        except subprocess.TimeoutExpired:
            end(process)
            message = f'"{command[0]}" on {self.address} gave no answer in {_COMMAND_WITHIN:.0f} seconds'
            raise Problem(message, hint="look at the host's load and disks", code=Exit.HOST) from None
        if process.returncode == 255 and (cut := self.cut()):
            raise cut
        return Answer(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))

    def start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Starts a command on the host, with pipes for all three streams; the caller ends it."""
        # Without the control socket, ssh would quietly make a connection of its own: ProxyCommand=false forbids it.
        joined = ["ssh", "-F", "none", "-S", str(self.control), "-o", "ControlMaster=no", "-o", "ProxyCommand=false"]
        return _popen([*joined, "-T", self.address.destination, "--", shlex.join(command)], stderr=subprocess.PIPE)

    @contextmanager
    def forward(self, endpoint: Endpoint) -> Iterator[Endpoint]:
        """A free port of this machine's loopback that leads to a port as the host reaches it."""
        address = reachable(endpoint.address)
        there = f"[{address}]:{endpoint.port}" if ":" in address else f"{address}:{endpoint.port}"
        # Another program may take the port between our look and ssh's: then try the next one.
        for attempt in range(5):
            here = Endpoint("127.0.0.1", _free_port())
            rule = f"{here.address}:{here.port}:{there}"
            refusal = self._control("forward", "-L", rule)
            if refusal is None:
                break
            if attempt == 4:
                raise Problem(f"ssh can't forward a port to {self.address}: {refusal}", code=Exit.HOST)
        try:
            yield here
        finally:
            with suppress(Problem):
                self._control("cancel", "-L", rule)

    def forward_socket(self, remote: str) -> Path:
        """A unix socket in the private folder that leads to one on the host, until the tunnel ends.

        Raises Problem (exit 6) where ssh refuses. That something answers there is for the caller to see.
        """
        if not _SOCKET.fullmatch(remote):
            raise Problem(
                f'"{remote}" is not a path of a socket',
                hint="write an absolute path without spaces or colons, such as /var/run/docker.sock",
                code=Exit.HOST,
            )
        local = self.folder / secrets.token_hex(3)
        if refusal := self._control("forward", "-L", f"{local}:{remote}"):
            raise Problem(f"ssh can't forward {remote} of {self.address}: {refusal}", code=Exit.HOST)
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
        return Problem(
            f"the connection to {self.address} was cut" + (f": {said}" if said else ""),
            hint="look at the network and the host, then run it again",
            code=Exit.HOST,
        )

    def said(self) -> str:
        """The last line that ssh itself wrote, or ""."""
        return _last_line(_log(self.folder))

    @property
    def control(self) -> Path:
        return self.folder / "control"

    def _control(self, request: str, *arguments: str) -> str | None:
        """Asks the ssh that holds the connection; gives its last line where it refuses, None where it agrees."""
        command = ["ssh", "-F", "none", "-S", str(self.control), "-O", request, *arguments, self.address.destination]
        process = _popen(command, stderr=subprocess.PIPE)
        try:
            _, err = process.communicate(b"", 10)
        except subprocess.TimeoutExpired:
            end(process)
            return "no answer in 10 seconds"
        if process.returncode == 0:
            return None
        if cut := self.cut():
            raise cut
        return _last_line(err.decode("utf-8", "replace")) or f"ssh ended with {process.returncode}"


@contextmanager
def connect(target: PublishTarget) -> Iterator[Tunnel]:
    """Opens the connection, and ends it with the context.

    Raises Problem (exit 6) with ssh's own last line and a way out: unknown or changed host key, a key that the host
    doesn't take, no such host, refused, timed out. Problem (exit 9) where there is no ssh on this machine.
    """
    address = parse_address(target.host)
    command = _command(address, target)
    with ExitStack() as stack:
        folder = _private_folder(stack)
        with (folder / "log").open("wb") as log:
            master = _popen([*command, "-S", str(folder / "control"), address.destination, _watch()], stderr=log)
        stack.callback(end, master)
        _await_login(address, folder, master)
        yield Tunnel(address, folder, master)


_GREETING: Final = f"sealpress-{secrets.token_hex(8)}"


def _watch() -> str:
    # Runs in whatever login shell the user has there. The greeting tells our line from a shell's own greetings.
    return f"exec sh -c 'echo {_GREETING}; exec cat >/dev/null'"


def _command(address: Address, target: PublishTarget) -> list[str]:
    """The command that connects. Of an option, the first value wins: so ours come first where they must hold."""
    command = ["ssh", "-T", "-x", "-a"]
    options = [
        "ControlMaster=yes",
        "ControlPersist=no",
        "BatchMode=yes",
        "PermitLocalCommand=no",
        "ForkAfterAuthentication=no",
    ]
    options += ["StdinNull=no", "SessionType=default", "RequestTTY=no", "ClearAllForwardings=yes", "LogLevel=INFO"]
    for option in target.ssh_options:
        if not _OPTION.fullmatch(option):
            raise Problem(
                f"{option!r} is not an option of ssh", hint='write it as "Name=value", as after -o', code=Exit.HOST
            )
        options.append(option)
    options += ["ConnectTimeout=15", "ServerAliveInterval=15", "ServerAliveCountMax=3"]
    # Layers are uncompressed, for the sake of their digests; on their way they shrink to a third, and pages to less.
    options.append("Compression=yes")
    if target.identity:
        identity = Path(target.identity).expanduser()
        if not identity.is_file():
            raise Problem(
                f"there is no key file at {identity}",
                hint="correct `identity` of the host in site.toml",
                code=Exit.HOST,
            )
        options.append("IdentitiesOnly=yes")
        command += ["-i", str(identity)]
    if address.port is not None:
        command += ["-p", str(address.port)]
    for option in options:
        command += ["-o", option]
    return command


def _private_folder(stack: ExitStack) -> Path:
    """A folder that only this user can enter, with room below it for the names of sockets."""
    for base in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):  # noqa: S108 - mkdtemp is safe there
        if base and len(os.fsencode(base)) + len("/sealpress-12345678") <= _FOLDER_LIMIT and os.access(base, os.W_OK):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sealpress-", dir=base))
            return Path(folder)
    raise Problem("no folder for temporary files can be written", hint="set TMPDIR to one", code=Exit.MACHINE)


def _await_login(address: Address, folder: Path, master: subprocess.Popen[bytes]) -> None:
    """Waits until the command on the host speaks; raises what ssh says where it ends instead."""
    out = cast("IO[bytes]", master.stdout)
    deadline = time.monotonic() + _CONNECTED_WITHIN
    heard = b""
    while _GREETING.encode() not in heard:
        ready, _, _ = select.select([out], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            said = _last_line(_log(folder))
            message = f"{address} did not let us in within {_CONNECTED_WITHIN:.0f} seconds"
            raise Problem(message + (f": {said}" if said else ""), hint=_by_hand(address), code=Exit.HOST)
        piece = os.read(out.fileno(), 4096)
        if not piece:
            master.wait(10)
            raise refusal(address, _log(folder))
        heard = (heard + piece)[-4096:]


def refusal(address: Address, log: str) -> Problem:
    """Why ssh could not log in, by what it wrote: the Problem to raise, with a way out."""
    last = _last_line(log) or "ssh ended without a word"
    name = address.known_hosts_name

    def match(*phrases: str) -> bool:
        return any(phrase in log for phrase in phrases)

    if match("REMOTE HOST IDENTIFICATION HAS CHANGED"):
        message = f"the host key of {address} is another one than known_hosts has ({last})"
        hint = (
            "if the host was installed anew, compare the new key's fingerprint with its console, then "
            f"`ssh-keygen -R {shlex.quote(name)}`; if not, somebody else may be answering in its place"
        )
    elif match("Host key verification failed"):
        message = f"the host key of {address} is not known here ({last})"
        hint = f"{_by_hand(address)}, compare the fingerprint with the host's, and say yes"
    elif match("REVOKED HOST KEY"):
        message, hint = f"the host key of {address} is revoked ({last})", "ask who looks after the host"
    elif match("Permission denied", "Too many authentication failures"):
        message = f"{address} lets none of your keys in ({last})"
        copy = f"`ssh-copy-id {_arguments(address)}`"
        hint = f"{copy}, or load the key with `ssh-add`, or name it as `identity` in site.toml"
    elif match("Could not resolve hostname"):
        message, hint = (
            f"there is no host {address.name} ({last})",
            "correct `host` in site.toml, or look at your network",
        )
    elif match("Connection refused"):
        message, hint = f"{address} refuses connections ({last})", "look whether sshd runs there, and on which port"
    elif match("timed out", "No route to host", "Network is unreachable"):
        message, hint = f"{address} does not answer ({last})", "look at your network, the host and its firewall"
    elif match("Bad configuration option", "Bad owner or permissions", "terminating,"):
        message, hint = (
            f"ssh does not take its options ({last})",
            "correct `ssh_options` in site.toml, or ~/.ssh/config",
        )
    else:
        message, hint = f"ssh can't log in to {address} ({last})", _by_hand(address)
    return Problem(message, hint=hint, code=Exit.HOST)


def _arguments(address: Address) -> str:
    port = f"-p {address.port} " if address.port is not None else ""
    return port + shlex.quote(address.destination)


def _by_hand(address: Address) -> str:
    return f"try once by hand: `ssh {_arguments(address)}`"


def _log(folder: Path) -> str:
    with suppress(OSError):
        return (folder / "log").read_bytes()[-65536:].decode("utf-8", "replace")
    return ""


def _last_line(text: str) -> str:
    """The last line with something in it, without ssh's trailing carriage return; at most 300 characters."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def reachable(address: str) -> str:
    """Where to knock, on the same machine, for a port that listens on this address."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 - read, not bound


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _popen(command: list[str], stderr: int | IO[bytes]) -> subprocess.Popen[bytes]:
    """Starts ssh with pipes, in the C locale, so that its words can be read; in a session of its own, so that Ctrl-C
    reaches this program first, which then ends ssh in order.
    """
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={**os.environ, "LC_ALL": "C"},
            start_new_session=True,
        )
    except FileNotFoundError:
        raise Problem("there is no ssh on this machine", hint="install OpenSSH's client", code=Exit.MACHINE) from None


def end(process: subprocess.Popen[bytes]) -> None:
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
