"""The sealed nginx under load, beside a stock nginx and Caddy that serve the same folder: wrk, in turns, on loopback.

All stand at once in one network namespace of their own, and one after the other is asked for the same page in the same
encoding, a few seconds each, round by round. Debian's nginx has its own configuration, but for the level of gzip, which
is that of the others. Both nginx write an access log, here to files, which Caddy by itself does not.

Needs root, wrk, and Debian's nginx and caddy.
"""

import os
import platform
import shutil
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks import blog
from benchmarks.baking import LOCK
from imagebake.nginx import configuration, runners
from imagebake.packages import lock as locks
from imagebake.recipes import site
from sealpress.commands.console import Progress
from sealpress.config.settings import Architecture, ImageSettings
from sealpress.problems import Problem
from sealpress.tree import tree

POSTS: Final = 100
OWN: Final = "sealed nginx"
STOCK: Final = "stock nginx"
CADDY: Final = "Caddy"
PORTS: Final[Mapping[str, int]] = {OWN: 8081, STOCK: 80, CADDY: 8082}
ENCODINGS: Final[Mapping[str, Sequence[str]]] = {
    "plain": (OWN, STOCK, CADDY),
    "gzip": (OWN, STOCK, CADDY),
    "br": (OWN, CADDY),
}
"""Who sends the page so. A stock nginx has no Brotli; Caddy takes the same siblings."""

LEVEL: Final = 5
"""Of gzip, in all: what the sealed configuration says."""

SECONDS: Final = 3  # of load, each time
_WRK: Final = ("wrk", "-t1", "-c16", f"-d{SECONDS}s")
HERE: Final[Architecture] = "arm64" if platform.machine() == "aarch64" else "amd64"
PATH: Final = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
_WAIT: Final = 10.0

# The machine's own files are seen, but for what these servers write and for the folder that Debian's nginx serves.
_START: Final = """
set -e
D=$1
ip link set lo up
mount -t tmpfs tmpfs /run
mount --bind "$D/log" /var/log/nginx
mount --bind "$D/conf.d" /etc/nginx/conf.d
mount --bind "$D/rootfs/srv/www" /var/www/html
/usr/sbin/nginx -g 'daemon off;' &
caddy run --config "$D/Caddyfile" --adapter caddyfile >"$D/log/caddy" 2>&1 &
shift
"$@" >"$D/log/sealed" 2>&1 &
wait
"""

_CADDYFILE: Final = """\
{
\tadmin off
\tauto_https off
}
:%d {
\troot * %s
\tencode {
\t\tgzip %d
\t}
\tfile_server {
\t\tprecompressed br
\t}
}
"""


@dataclass(frozen=True, slots=True)
class Load:
    """Of one server in one encoding: `rate` in requests a second, `size` of the page as sent, in bytes."""

    rate: float
    size: int


@dataclass(frozen=True, slots=True)
class Serving:
    """What was found. `rounds`: by encoding, then by server. `page` is its size in bytes."""

    rounds: Sequence[Mapping[str, Mapping[str, Load]]]
    versions: Mapping[str, str]
    page: int
    load: float

    def median(self, encoding: str, server: str) -> float:
        return statistics.median(one[encoding][server].rate for one in self.rounds)

    def ratio(self, encoding: str, server: str) -> float:
        """The median of the sealed nginx's rates to a server's in the same round."""
        return statistics.median(one[encoding][OWN].rate / one[encoding][server].rate for one in self.rounds)


def compare(folder: Path, rounds: int, progress: Progress) -> Serving:
    """Serves the blog by all three. `folder` is new and removed in the end. Raises Problem where one can't be had."""
    load = os.getloadavg()[0]
    if os.geteuid():
        raise Problem("serving needs root, for a network of its own")
    if missing := [one for one in ("wrk", "nginx", "caddy", "ip", "unshare") if not shutil.which(one, path=PATH)]:
        raise Problem(f"there is no {', '.join(missing)} on this machine")
    progress.note("building the blog that is served")
    try:
        public = blog.built(folder / "blog", POSTS)
        page = next(entry for entry in tree.scan(public).entries if entry.path.startswith("posts/0"))
        command, version = sealed(public, folder, PORTS[OWN])
        (folder / "conf.d").mkdir()
        (folder / "conf.d/gzip.conf").write_text(f"gzip_comp_level {LEVEL};\n")
        (folder / "Caddyfile").write_text(_CADDYFILE % (PORTS[CADDY], folder / "rootfs" / configuration.ROOT, LEVEL))
        path = f"/{page.path.removesuffix('index.html')}"
        with started(folder, _START, [*PORTS.values()], command) as namespace:
            found = [_round(namespace, path, number, progress) for number in range(rounds)]
        versions = {OWN: version, **_versions()}
        return Serving(found, versions, page.size, load)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _round(namespace: int, path: str, number: int, progress: Progress) -> dict[str, dict[str, Load]]:
    found: dict[str, dict[str, Load]] = {}
    for encoding, servers in ENCODINGS.items():
        turn = number % len(servers)
        found[encoding] = {}
        for server in (*servers[turn:], *servers[:turn]):
            found[encoding][server] = one = _asked(namespace, PORTS[server], path, encoding)
            progress.note(f"  {server}, {encoding}: {one.rate:.0f} requests/s")
    return found


def _asked(namespace: int, port: int, path: str, encoding: str) -> Load:
    url = f"http://127.0.0.1:{port}{path}"
    header = f"Accept-Encoding: {'identity' if encoding == 'plain' else encoding}"
    inside = ["nsenter", "--target", str(namespace), "--net"]
    head = called([*inside, "curl", "-s", "-o", "/dev/null", "-D", "-", "-w", "%{size_download}", "-H", header, url])
    lines = head.lower().splitlines()
    sent = next((line.split()[1] for line in lines if line.startswith("content-encoding:")), "plain")
    if " 200" not in lines[0] or sent != encoding:
        raise Problem(f"port {port} answers {lines[0]}, {sent}, to {encoding}")
    return Load(rate(namespace, url, header), int(lines[-1]))


def rate(namespace: int, url: str, header: str) -> float:
    """How many requests a second wrk had answered there. Raises Problem where one was not."""
    said = called(["nsenter", "--target", str(namespace), "--net", *_WRK, "-H", header, url])
    if "Non-2xx" in said or "Socket errors" in said:
        raise Problem(f"{url} failed under load: {said.splitlines()[-3]}")
    return next(float(line.split()[1]) for line in said.splitlines() if line.startswith("Requests/sec:"))


def sealed(public: Path, folder: Path, port: int) -> tuple[Sequence[str], str]:
    """What starts the sealed nginx, from the folder's own rootfs, with a folder for logs; and its version."""
    lock = locks.load(LOCK)
    found = tree.scan(public)
    (image,) = site.bake(found, lock, ImageSettings(), [HERE], datetime(2024, 6, 1, tzinfo=UTC), name="bench")
    rootfs, scratch = folder / "rootfs", folder / "scratch"
    runners.unpack(image.layers, rootfs)
    scratch.mkdir()
    (folder / "log").mkdir()
    version = next(one.version for one in lock.of(HERE) if one.name == "nginx")
    return runners.DynamicLoader().command(rootfs, port, "127.0.0.1", scratch), version


@contextmanager
def started(folder: Path, script: str, ports: Sequence[int], command: Sequence[str]) -> Iterator[int]:
    """Servers in namespaces of their own: the number of the process that leads these. `script` has the folder and the
    command as its arguments; the servers listen on `ports` then. Raises Problem where they don't.
    """
    alone = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--net", "--pid", "--fork"]
    alone += ["--kill-child=KILL", "--mount-proc", "--propagation", "private", "sh", "-c", script, "servers"]
    environment = {"PATH": PATH, "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (folder / "log/start").open("wb") as log:
        process = subprocess.Popen(
            [*alone, str(folder), *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        end = time.monotonic() + _WAIT
        leader = ""
        while time.monotonic() < end and process.poll() is None:
            leader = children.read_text("ascii").strip()
            if leader and all(_listens(int(leader), port) for port in ports):
                break
            time.sleep(0.05)
        else:
            said = (folder / "log/start").read_text("utf-8", "replace").strip()
            raise Problem(f"the servers did not start: {said}")
        yield int(leader)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def _listens(namespace: int, port: int) -> bool:
    """Whether anybody listens on a port there. Source: proc(5), /proc/pid/net/tcp."""
    with suppress(OSError):
        table = Path(f"/proc/{namespace}/net/tcp").read_text("ascii") + Path(f"/proc/{namespace}/net/tcp6").read_text()
        return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for line in table.splitlines())
    return False


def _versions() -> dict[str, str]:
    said = "dpkg-query", "--showformat=${Version}", "--show"
    return {name: called([*said, package]) for name, package in ((STOCK, "nginx"), (CADDY, "caddy"))}


def called(command: Sequence[str]) -> str:
    """What a command prints. Raises Problem where it fails."""
    done = subprocess.run(
        command, env={"PATH": PATH, "LC_ALL": "C"}, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise Problem(f"{command[0]} failed: {(done.stderr.strip().splitlines() or ['no word'])[-1]}")
    return done.stdout.strip()
