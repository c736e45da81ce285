"""Real machines for tests: a host with its own network, its own dockerd and its own sshd, in namespaces of this one.

A machine is one process tree below one `unshare`: its end takes every daemon, container, mount and network device
with it, also when the tests are killed. Nothing of the real machine is changed but an address on a veth pair, and a
folder in /tmp. Without root or without the programs, tests that ask for one are skipped; under CI=true they fail.
"""

import contextlib
import gc
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from publish.ssh.connection import CONFIG
from sealpress.config.settings import PublishTarget
from tests.needs import unavailable

PROGRAMS = {
    "dockerd": "docker.io",
    "iptables": "iptables",
    "ip": "iproute2",
    "sshd": "openssh-server",
    "ssh-keygen": "openssh-client",
    "ssh": "openssh-client",
    "unshare": "util-linux",
    "setpriv": "util-linux",
}
SHELLS = {
    "deploy": "/bin/sh",
    "guest": "/bin/sh",
    "limited": "/bin/sh",
    "csh": "/bin/tcsh",
    "fish": "/usr/bin/fish",
    "barred": "/usr/sbin/nologin",
    "mute": "/bin/false",
    "forced": "/bin/sh",
}
PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
STARTED_WITHIN = 20.0  # seconds; 1 is usual

# What runs as process 1 of the machine. It has its own /run, /var/lib and accounts; the rest is the real machine's, but
# for dockerd, where it comes from a root of its own.
INIT = """
set -e
D=$1; ADDRESS=$2; ROOT=$3
mount --rbind /sys/fs/cgroup "$D/cgroup"
mount -t sysfs sysfs /sys
mount --rbind "$D/cgroup" /sys/fs/cgroup
mount --bind "$D/run" /run
mount --bind "$D/lib" /var/lib
mount --bind "$D/vartmp" /var/tmp
for file in passwd shadow group; do mount --bind "$D/etc/$file" "/etc/$file"; done
for folder in cni containers; do  # where Podman keeps its networks, by its old way and by netavark
    [ ! -d "/etc/$folder" ] || mount --bind "$D/etc/$folder" "/etc/$folder"
done
if [ "$ROOT" ]; then
    mount --bind "$ROOT" "$ROOT"  # runc wants its root to be a mount
    for folder in proc sys dev etc run tmp var/lib var/tmp; do
        mkdir -p "$ROOT/$folder"
        mount --rbind "/$folder" "$ROOT/$folder"
    done
fi
hostname blog
n=0
while ! ip link show eth0 >/dev/null 2>&1; do n=$((n + 1)); [ $n -lt 100 ]; sleep 0.05; done
ip link set lo up
ip addr add "$ADDRESS/30" dev eth0
ip link set eth0 up
set --
# Not chroot: who joins a container's mounts then, as `docker exec` does, would find the root of the machine's.
[ ! "$ROOT" ] || set -- unshare --mount sh -ec 'cd "$0"; mkdir -p .machine; pivot_root . .machine; exec "$@"' "$ROOT"
"$@" dockerd --config-file "$D/etc/daemon.json" --cgroup-parent "/${D##*/}" --group engine \\
    --host unix:///run/docker.sock >"$D/dockerd.log" 2>&1 &
"$(command -v sshd)" -D -e -f "$D/etc/sshd_config" >"$D/sshd.log" 2>&1 &
wait
"""


@dataclass
class Machine:
    """A host of tests. `folder` is seen alike inside and outside; its /run is `folder`/run."""

    folder: Path
    address: str
    process: subprocess.Popen[bytes]
    init: int  # its process 1, as numbered here
    known_hosts: Path = field(init=False)
    key: Path = field(init=False)
    podman: subprocess.Popen[bytes] | None = None
    engine: str = "docker"  # the one that tests of the edge are for: "podman", where dockerd is stopped
    ipv6: str = ""  # where a test gave it such an address, too

    def __post_init__(self) -> None:
        self.known_hosts = self.folder / "known_hosts"
        self.key = self.folder / "user_key"

    @property
    def docker_socket(self) -> Path:
        """The engine's socket, from outside and without ssh."""
        return self.folder / "run/docker.sock"

    def target(self, user: str = "", *, config: Sequence[str] = (), **changes) -> PublishTarget:
        """How site.toml would name this machine, with the test's own keys and no trust in the real user's.

        `config` are lines of the user's ssh configuration, which stands in the environment until the test ends.
        """
        ours = (f"UserKnownHostsFile {self.known_hosts}", "GlobalKnownHostsFile /dev/null", "IdentityAgent none")
        file = self.folder / "ssh_config"
        file.write_text("".join(f"{line}\n" for line in (*config, *ours)))
        os.environ[CONFIG] = str(file)
        user = user or ("root" if self.engine == "podman" else "deploy")  # it serves root alone
        settings = {"host": f"{user}@{self.address}", "identity": str(self.key), "port": 8080}
        settings |= {"engine": "podman"} if self.engine == "podman" else {}
        return PublishTarget(**(settings | changes))

    def processes(self) -> dict[int, str]:
        """Everything that runs on the machine: command lines by the numbers that they have here."""
        home = Path(f"/proc/{self.init}/ns/pid").readlink()
        return {pid: command for pid, command in commands().items() if _namespace(pid) == home}

    def ssh_sessions(self) -> list[int]:
        """The sshd processes that hold somebody's connection."""
        return [
            pid
            for pid, command in self.processes().items()
            if command.startswith("sshd: ") and "[listener]" not in command
        ]

    def cut_connections(self) -> None:
        """Ends every ssh connection at once, as a crash or a firewall would."""
        for pid in self.ssh_sessions():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    @property
    def podman_socket(self) -> Path:
        """As docker_socket, after start_podman."""
        return self.folder / "run/podman/podman.sock"

    def start_podman(self, *, named: Path | None = None) -> None:
        """Podman's service beside dockerd, for root alone, once. It ends with the machine. `named`: a folder with
        netavark and aardvark-dns, by which containers know each other by name.

        Debian's runc, since crun refuses some cgroup layouts; lower limits, since not every root may raise them.
        """
        if self.podman:
            return
        missing = [name for name in ("podman", "runc") if not shutil.which(name, path=PATH)]
        if missing:
            unavailable(f"needs Debian's {', '.join(missing)}")
        settings = self.folder / "etc/podman.conf"
        settings.write_text(
            '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
            '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
            + (f'helper_binaries_dir = ["{named}"]\n[network]\nnetwork_backend = "netavark"\n' if named else "")
        )
        service = ["podman", "system", "service", "--time", "0", "unix:///run/podman/podman.sock"]
        with (self.folder / "podman.log").open("wb") as log:
            self.podman = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self._inside(), *service],
                env={"PATH": PATH, "HOME": "/root", "CONTAINERS_CONF": str(settings)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + STARTED_WITHIN
        while not _answers(self.podman_socket):
            if time.monotonic() > deadline:
                pytest.fail("podman did not start:\n" + (self.folder / "podman.log").read_text(), pytrace=False)
            time.sleep(0.02)

    def _inside(self) -> list[str]:
        return ["nsenter", "--target", str(self.init), "--mount", "--net", "--pid", "--uts", "--ipc"]

    def stop(self, daemon: str) -> None:
        """Ends a daemon of the machine hard, and waits until it is gone."""
        for pid, command in self.processes().items():
            if command.startswith(f"{daemon} "):
                os.kill(pid, signal.SIGKILL)
                while Path(f"/proc/{pid}").exists():
                    time.sleep(0.02)

    def run(self, *command: str) -> str:
        """What a command prints on the machine itself, as root; `docker` is whatever engine the tests are for."""
        if command[0] == "docker" and self.engine == "podman":
            command = ("podman", "--url", "unix:///run/podman/podman.sock", *command[1:])
        done = subprocess.run(
            [*self._inside(), *command], check=True, capture_output=True, text=True, timeout=30, env={"PATH": PATH}
        )
        return done.stdout

    @contextlib.contextmanager
    def started(self, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        """A command that runs on the machine itself, as root, as long as the context lasts."""
        whole = [*self._inside(), "setpriv", "--pdeathsig", "KILL", *command]  # nsenter is another process
        with subprocess.Popen(whole, env={"PATH": PATH}, stdout=subprocess.PIPE) as process:
            try:
                yield process
            finally:
                process.kill()

    def received(self) -> int:
        """Bytes that came over its network since it was started."""
        return int(self.run("cat", "/sys/class/net/eth0/statistics/rx_bytes"))

    def inventory(self, engine: str = "") -> dict[str, list]:
        """All that an engine holds, seen past ssh and sealpress: to compare before and after."""
        from docker import APIClient

        path = self.podman_socket if (engine or self.engine) == "podman" else self.docker_socket
        client = APIClient(f"unix://{path}", version="auto", timeout=20)
        try:
            images = [(image["Id"], image["RepoTags"]) for image in client.images(all=True)]
            containers = [(one["Id"], one["Names"], one["State"]) for one in client.containers(all=True)]
            volumes = [volume["Name"] for volume in client.volumes()["Volumes"] or ()]
            return {"images": sorted(images), "containers": sorted(containers), "volumes": sorted(volumes)}
        finally:
            client.close()

    def logs(self) -> str:
        """The ends of both daemons' logs, for a failing test."""
        ends = [(self.folder / name).read_text("utf-8", "replace")[-2000:] for name in ("dockerd.log", "sshd.log")]
        return "\n".join(ends)


def configuration(*machines: Machine) -> list[str]:
    """Lines of ssh's configuration by which several machines are known at once, each with its own key."""
    each = (f"Host {one.address}\nUserKnownHostsFile {one.known_hosts}\nIdentityFile {one.key}" for one in machines)
    return ["\n".join(each), "Host *"]


def commands() -> dict[int, str]:
    """Everything that runs here: command lines by process number."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(folder.name)] = line.decode("utf-8", "replace").strip()
    return found


def drop_what_docker_py_left_open() -> None:
    """Where docker-py's forgotten sockets are forgiven (conftest.py), rather than in whatever test comes later."""
    gc.collect()


def _namespace(pid: int) -> Path | None:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/ns/pid").readlink()
    return None


def need_root() -> None:
    """Skips where no machine can be started: without root, or without the programs."""
    if os.geteuid() != 0:
        unavailable("needs root, to give dockerd and sshd namespaces of their own")
    missing = sorted({package for program, package in PROGRAMS.items() if not shutil.which(program, path=PATH)})
    if missing:
        unavailable(f"needs Debian's {', '.join(missing)}")


def start_machine(root: Path | None = None, settings: Mapping[str, object] | None = None) -> Machine:
    """`root` is a folder with a dockerd of its own and all that it needs; `settings` are those of its daemon.json."""
    need_root()
    folder = Path(tempfile.mkdtemp(prefix="sp-", dir="/tmp"))
    try:
        number = os.getpid() % 8192 * 2
        while not (machine := _begin(folder, number, root, settings or {})):
            number = (number + 1) % 16384
        _wait(machine, "dockerd", lambda: _answers(machine.docker_socket))
        _wait(machine, "sshd", lambda: _listens(machine.address))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return machine


def stop_machine(machine: Machine) -> None:
    """Ends process 1: the kernel then ends all the others, and drops the mounts and the network."""
    if machine.process.poll() is None:  # else its number may be somebody else's by now
        with contextlib.suppress(ProcessLookupError):
            os.kill(machine.init, signal.SIGKILL)
    machine.process.wait(10)
    if machine.podman:
        machine.podman.wait(10)
        _remove_groups("libpod_parent")  # every Podman's: what another machine has in it is not empty, and stays
    for _ in range(50):
        if not _remove_groups(machine.folder.name):
            break
        time.sleep(0.1)
    shutil.rmtree(machine.folder, ignore_errors=True)


def _remove_groups(name: str) -> bool:
    """Removes the control groups of this name, and those below, as far as they are empty. Whether any are left."""
    tops = [path for place in ("", "*/") for path in Path("/sys/fs/cgroup").glob(place + name)]
    for top in tops:
        for below, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):
                Path(below).rmdir()
    return any(top.exists() for top in tops)


def _begin(folder: Path, number: int, root: Path | None, settings: Mapping[str, object]) -> Machine | None:
    """Starts the namespaces and their daemons; None where the network's number is taken.

    Addresses are from 198.18.0.0/15, which RFC 2544 keeps for tests of network devices.
    """
    outside, inside = (f"198.18.{number // 64}.{number % 64 * 4 + end}" for end in (1, 2))
    link = f"sp{number}"
    if Path("/sys/class/net", link).exists():
        return None
    _furnish(folder, inside)
    (folder / "etc/daemon.json").write_text(json.dumps(settings))
    # --kill-child and --pdeathsig: when the tests die, in whatever way, the machine does too.
    alone = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--net", "--pid", "--uts", "--ipc"]
    alone += ["--fork", "--kill-child=KILL", "--mount-proc", "--propagation", "private"]
    with (folder / "init.log").open("wb") as log:
        process = subprocess.Popen(
            [*alone, "sh", "-c", INIT, "machine", str(folder), inside, str(root or "")],
            env={"PATH": PATH, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + 5
    while not (init := children.read_text().split() if process.poll() is None else []):
        if process.poll() is not None or time.monotonic() > deadline:
            unavailable(f"no namespaces can be made here: {(folder / 'init.log').read_text().strip()}")
        time.sleep(0.01)
    machine = Machine(folder, inside, process, int(init[0]))
    try:
        _ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", init[0])
        _ip("addr", "add", f"{outside}/30", "dev", link)
        _ip("link", "set", link, "up")
    except subprocess.CalledProcessError as error:
        stop_machine(machine)
        if "File exists" in error.stderr:  # another run of the tests took the name since we looked
            return None
        unavailable(f"no network can be made here: {error.stderr.strip()}")
    return machine


def _ip(*arguments: str) -> None:
    subprocess.run(
        ["ip", *arguments], check=True, capture_output=True, text=True, timeout=10, env={"PATH": PATH, "LC_ALL": "C"}
    )


def _furnish(folder: Path, address: str) -> None:
    """Writes the machine's folders, accounts and keys.

    `deploy` may use the engine; `guest` may not; `limited` might, but sshd forwards nothing for it. `csh` and `fish`
    have other shells, `barred` and `mute` have none, `forced` runs what sshd says; these three are greeted by a banner.
    """
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    below_run = ("run/sshd", "run/lock", "run/podman")
    homes = tuple(f"home/{user}" for user in SHELLS)
    for name in ("etc", "cgroup", "lib", "vartmp", "keys", *below_run, *homes):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "run/lock").chmod(0o1777)
    (folder / "vartmp").chmod(0o1777)
    users = [(user, number) for number, user in enumerate(SHELLS, 20001)]
    for user, number in users:
        os.chown(folder / f"home/{user}", number, number)
    accounts = {
        "passwd": [f"{user}:x:{number}:{number}::{folder}/home/{user}:{SHELLS[user]}" for user, number in users],
        "shadow": [f"{user}:*:20000::::::" for user, _ in users],
        "group": ["engine:x:20000:deploy,limited,csh,fish", *(f"{user}:x:{number}:" for user, number in users)],
    }
    for name, lines in accounts.items():
        copy = folder / "etc" / name
        copy.write_bytes(Path("/etc", name).read_bytes().rstrip(b"\n") + "\n{}\n".format("\n".join(lines)).encode())
        copy.chmod(0o600 if name == "shadow" else 0o644)
    for name in ("cni", "containers"):
        if (settings := Path("/etc", name)).is_dir():
            shutil.copytree(settings, folder / "etc" / name, dirs_exist_ok=True)
    for key in ("host_key", "other_host_key", "user_key", "other_user_key"):
        if not (folder / key).exists():
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(folder / key)]
            subprocess.run(command, check=True, timeout=10, stdin=subprocess.DEVNULL)
    for user in ("root", *SHELLS):
        shutil.copy(folder / "user_key.pub", folder / "keys" / user)
    (folder / "keys/limited").write_text(f"no-port-forwarding {(folder / 'user_key.pub').read_text()}")
    (folder / "known_hosts").write_text(f"{address} {(folder / 'host_key.pub').read_text()}")
    settings = {
        "ListenAddress": address,
        "Port": 22,
        "HostKey": folder / "host_key",
        "PidFile": "none",
        "AuthorizedKeysFile": f"{folder}/keys/%u",
        "PermitRootLogin": "prohibit-password",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "StrictModes": "no",
        "UsePAM": "no",
        "UseDNS": "no",
        "AcceptEnv": "LC_*",
    }
    (folder / "banner").write_text("Authorized use only.\nPermission denied to all others.\n")
    greeted = f"Match User barred,mute,forced\nBanner {folder}/banner\n"
    forced = "Match User forced\nForceCommand echo Backups only. >&2; exit 3\n"
    lines = "".join(f"{name} {value}\n" for name, value in settings.items())
    (folder / "etc/sshd_config").write_text(lines + greeted + forced)


def _wait(machine: Machine, daemon: str, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + STARTED_WITHIN
    while not ready():
        if machine.process.poll() is not None or time.monotonic() > deadline:
            said = (machine.folder / "init.log").read_text("utf-8", "replace") + machine.logs()
            stop_machine(machine)
            pytest.fail(f"{daemon} did not start:\n{said}", pytrace=False)
        time.sleep(0.02)


def _answers(path: Path) -> bool:
    connection = http.client.HTTPConnection("engine")
    connection.sock = socket.socket(socket.AF_UNIX)
    try:
        connection.sock.settimeout(5)
        connection.sock.connect(str(path))
        connection.request("GET", "/_ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _listens(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False
