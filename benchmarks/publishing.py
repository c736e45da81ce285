"""Publishing one edited post to hosts with a real dockerd and a real sshd, beside other ways to bring it there.

The hosts are those of the tests (tests/engine/machine.py), in namespaces of this machine: they share its cores. The
other ways get what `imagebake` or `ssg` made of the same commit, so they are timed without building and baking, and
without a probe, a switch or a look afterwards: these have no counterpart.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import blog, corpus
from benchmarks.engine_clock import EngineClock
from benchmarks.peers import TOP
from benchmarks.report import processor, table
from sealpress.commands.console import Progress, size
from sealpress.problems import Problem

if TYPE_CHECKING:
    from tests.engine.machine import Machine

POSTS: Final = 1000
HOSTS: Final = 5
MOST: Final = 2.0
"""Seconds in all from the commit until the release is verified through the edge; then the command tidies."""
MOST_OURS: Final = 0.8
MOST_BYTES: Final = 250_000
MOST_TREES: Final = 10.0  # times what rsync sends of the tree alone
MOST_HOSTS: Final = 2.0  # times what one host takes

OWN: Final = "publish, to the end of the command"
SAVE: Final = "docker save, ssh docker load"
GZIP: Final = "the same, through gzip"
REGISTRY: Final = "docker push, docker pull on the host"
RSYNC: Final = "rsync -az of the tree"

_EDITED: Final = 500  # of the posts
_LIMIT: Final = 300  # seconds
_PORTS: Final = (8080, 8090)  # of the readers: of the one host, and of all of them
_REGISTRY: Final = ("198.18.255.1", "198.18.255.2")  # between the author and the second host
_ENVIRONMENT: Final = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "PYTHONDONTWRITEBYTECODE": "",
    "PYTHONSAFEPATH": "1",
    "PYTHONPATH": str(TOP),
    **{f"GIT_{who}_{what}": "a" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One way, once: seconds; bytes on the wire both ways; how often the engine was asked. `verified`: seconds until
    readers got the release; `engine`: how many of these were the engine's. `cpu`: seconds of the command's own, and of
    the ssh that it runs.
    """

    wall: float
    sent: int
    verified: float = 0.0
    engine: float = 0.0
    asked: int = 0
    cpu: float = 0.0
    steps: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Publishes:
    """All turns by their way; `fleet` to all hosts at once; `load` of the machine when it began."""

    turns: Mapping[str, list[Turn]]
    fleet: list[float]
    load: float

    def median(self, way: str, of: Callable[[Turn], float]) -> float:
        return statistics.median(map(of, self.turns[way]))


def measure(folder: Path, turns: int, progress: Progress) -> Publishes:
    """In the new folder `folder`, as root. Raises Problem where something of it is missing or fails."""
    missing = [one for one in ("rsync", "docker", "docker-registry", "dockerd", "sshd") if not shutil.which(one)]
    if missing or os.geteuid():
        raise Problem(f"needs root, and Debian's {', '.join(missing) or 'docker.io'}")
    load = os.getloadavg()[0]
    found: dict[str, list[Turn]] = {way: [] for way in (OWN, SAVE, GZIP, REGISTRY, RSYNC)}
    fleet: list[float] = []
    with _bench(folder, progress) as bench:
        for turn in range(turns):
            progress.note(f"publish: {turn + 1} of {turns}")
            bench.edit(f"one-{turn}")
            found[OWN].append(bench.publish(f"one-{turn}"))
            bench.bake()
            found[RSYNC].append(bench.rsync())
            for way, bring in ((SAVE, bench.save), (GZIP, bench.save_packed), (REGISTRY, bench.pull)):
                found[way].append(bring())
            bench.edit(f"all-{turn}")
            fleet.append(bench.publish_to_all())
    return Publishes(found, fleet, load)


@contextmanager
def _bench(folder: Path, progress: Progress) -> Iterator["_Bench"]:
    # The hosts are the tests' own, which only a benchmark that needs one imports.
    from tests.engine.machine import configuration, start_machine, stop_machine  # noqa: PLC0415

    with ExitStack() as stack:
        machines: list[Machine] = []
        for number in range(HOSTS + 1):
            progress.note(f"publish: host {number + 1} of {HOSTS + 1}")
            made = start_machine(settings={"insecure-registries": ["198.18.0.0/15"]})
            stack.callback(stop_machine, made)
            machines.append(made)
        author, *hosts = machines
        hosts[0].target("root", config=configuration(*hosts))
        clock = EngineClock(hosts[0].docker_socket, hosts[0].folder / "run/timed.sock")
        stack.callback(clock.close)
        bench = _Bench(folder, author, hosts, clock)
        bench.furnish(progress)
        stack.enter_context(bench.registry())
        yield bench


@dataclass(frozen=True, slots=True)
class _Bench:
    folder: Path
    author: "Machine"
    hosts: "list[Machine]"
    clock: EngineClock

    @property
    def site(self) -> Path:
        return self.folder / "blog"

    def furnish(self, progress: Progress) -> None:
        """The blog, and its first release on each host."""
        progress.note(f"publish: a blog of {POSTS} posts")
        self.folder.mkdir(parents=True)
        blog.built(self.site, POSTS)
        (self.site / ".gitignore").write_text("/public/\n/image/\n", encoding="utf-8")
        each = ", ".join(f'"deploy@{one.address}"' for one in self.hosts)
        edge = 'edge = "caddy"\ngrace = 0\n'
        with (self.site / "site.toml").open("a", encoding="utf-8") as file:
            file.write(f'\n[publish.one]\nhost = "deploy@{self.hosts[0].address}"\nport = {_PORTS[0]}\n{edge}')
            file.write(f'socket = "/run/timed.sock"\n\n[publish.all]\nhost = [{each}]\nport = {_PORTS[1]}\n{edge}')
        self.commit()
        progress.note("publish: the first releases")
        for target in ("one", "all"):
            self.run(*_command("publish.cli"), target, "--no-sign")
            self.commit()  # the locks
        self.build()
        self.rsync()

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command,
            cwd=self.site,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )
        if done.returncode:
            raise Problem(f"{' '.join(command[:4])} failed: {done.stderr.strip()[-1000:]}")
        return done.stdout

    def edit(self, words: str) -> None:
        source = corpus.source("sealpress", self.site, corpus.post(_EDITED))
        source.write_text(f"{source.read_text('utf-8')}\nOnce more: edit-{words}.\n", encoding="utf-8")
        self.commit()

    def commit(self) -> None:
        self.run("git", "add", "-A")
        self.run("git", "commit", "-q", "--allow-empty", "-m", "x")

    def build(self) -> None:
        self.run(*_command("ssg.cli"), "build", "--quiet")

    def publish(self, words: str) -> Turn:
        host = self.hosts[0]
        before, spent, began = _wire(host), _cpu(), time.perf_counter()
        verified, said = 0.0, ""
        command = [*_command("publish.cli"), "one", "--no-sign", "--json"]
        with subprocess.Popen(
            command, cwd=self.site, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout
            assert process.stderr
            for line in process.stderr:
                said = line
                if line.startswith("verify: done"):
                    verified = time.perf_counter()
            result = process.stdout.read()
        ended = time.perf_counter()
        if process.returncode or not verified:
            raise Problem(f"publish failed: {said}")
        engine, _ = self.clock.between(began, verified)
        _, asked = self.clock.between(began, ended)
        steps = {event["step"]: event["seconds"] for event in json.loads(result)["journal"]}
        turn = Turn(ended - began, _wire(host) - before, verified - began, engine, asked, _cpu() - spent, steps)
        self._must_have(host, _PORTS[0], words)
        return turn

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, **_ENVIRONMENT, "XDG_CACHE_HOME": str(self.folder / "cache")}

    def publish_to_all(self) -> float:
        began = time.perf_counter()
        self.run(*_command("publish.cli"), "all", "--no-sign")
        return time.perf_counter() - began

    def _must_have(self, host: "Machine", port: int, words: str) -> None:
        page = f"http://{host.address}:{port}/{corpus.post(_EDITED).path.removesuffix('index.html')}"
        if f"edit-{words}." not in self.run("curl", "--silent", "--show-error", page):
            raise Problem(f"{page} has not the edit that was published")

    def bake(self) -> None:
        """The image of the tree, as the author's own Docker has it."""
        self.build()
        archive = self.site / "image"
        shutil.rmtree(archive, ignore_errors=True)
        self.run(*_command("imagebake.cli"), "bake", "public", "--no-sign", "--arch", self._architecture())
        (file,) = archive.glob("*.tar")
        said = self.run(*_docker(self.author), "load", "--quiet", "--input", str(file))
        self.run(*_docker(self.author), "tag", said.partition(": ")[2].strip(), self._image)

    def _architecture(self) -> str:
        return "arm64" if os.uname().machine == "aarch64" else "amd64"

    @property
    def _image(self) -> str:
        return f"{_REGISTRY[0]}:5000/bench/blog:latest"

    @property
    def _ssh(self) -> list[str]:
        return ["ssh", "-F", str(self.hosts[0].folder / "ssh_config"), "-o", "BatchMode=yes"]

    def save(self) -> Turn:
        return self._piped("docker load --quiet")

    def save_packed(self) -> Turn:
        return self._piped("gunzip | docker load --quiet", "gzip")

    def _piped(self, taken: str, *packed: str) -> Turn:
        host = self.hosts[1]
        ssh = [*self._ssh, f"deploy@{host.address}", taken]
        stages = [[*_docker(self.author), "save", self._image], *([list(packed)] if packed else []), ssh]
        line = " | ".join(" ".join(f"'{word}'" for word in stage) for stage in stages)
        return self._taken(host, ["bash", "-o", "pipefail", "-c", line])

    def pull(self) -> Turn:
        """To the author's own registry, and from there to the host: what goes over the wire is what the host pulls."""
        began = time.perf_counter()
        self.run(*_docker(self.author), "push", "--quiet", self._image)
        pushed = time.perf_counter() - began
        host = self.hosts[1]
        ssh = [*self._ssh, f"deploy@{host.address}", "docker", "pull", "--quiet", self._image]
        turn = self._taken(host, ssh)
        return Turn(pushed + turn.wall, turn.sent)

    def rsync(self) -> Turn:
        host = self.hosts[1]
        there = f"deploy@{host.address}:tree/"
        return self._timed(host, ["rsync", "-az", "--delete", "-e", " ".join(self._ssh), "public/", there])

    def _taken(self, host: "Machine", command: Sequence[str]) -> Turn:
        """The image is taken away again, and with it the layers that no release has."""
        turn = self._timed(host, command)
        self.run(*_docker(host), "rmi", self._image)
        return turn

    def _timed(self, host: "Machine", command: Sequence[str]) -> Turn:
        before, began = _wire(host), time.perf_counter()
        self.run(*command)
        return Turn(time.perf_counter() - began, _wire(host) - before)

    @contextmanager
    def registry(self) -> Iterator[None]:
        """Debian's, beside the author's Docker, on a wire of its own to the second host."""
        ends = (self.author, self.hosts[1])
        link = ["ip", "link", "add", "registry", "netns", str(ends[0].init), "type", "veth"]
        self.run(*link, "peer", "name", "registry", "netns", str(ends[1].init))
        for machine, address in zip(ends, _REGISTRY, strict=True):
            machine.run("ip", "addr", "add", f"{address}/30", "dev", "registry")
            machine.run("ip", "link", "set", "registry", "up")
        store = {"filesystem": {"rootdirectory": str(self.folder / "registry")}}
        settings = {"version": 0.1, "storage": store, "http": {"addr": f"{_REGISTRY[0]}:5000", "secret": "bench"}}
        file = self.folder / "registry.yml"
        file.write_text(
            json.dumps({**settings, "log": {"level": "error", "accesslog": {"disabled": True}}}), encoding="utf-8"
        )  # YAML, too
        with self.author.started("sh", "-c", f"exec docker-registry serve '{file}' 2>/dev/null"):
            until = time.monotonic() + 10
            while f"{_REGISTRY[0]}:5000" not in self.author.run("ss", "-Hltn"):
                if time.monotonic() > until:
                    raise Problem("docker-registry does not listen")
                time.sleep(0.05)
            yield


def _command(module: str) -> list[str]:
    return [sys.executable, "-m", module]


def _docker(machine: "Machine") -> list[str]:
    return ["docker", "--host", f"unix://{machine.docker_socket}"]


def _cpu() -> float:
    """Seconds that processes took which this one has started, and which have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _wire(machine: "Machine") -> int:
    """Bytes that have gone over a machine's own network, both ways, with all that TCP and ssh add."""
    lines = Path(f"/proc/{machine.init}/net/dev").read_text("utf-8").splitlines()
    devices = {name.strip(): told.split() for name, _, told in (line.partition(":") for line in lines[2:])}
    return sum(int(told[0]) + int(told[8]) for name, told in devices.items() if name in {"eth0", "registry"})


def publishes(found: Publishes, command: str) -> str:
    """The part of the report."""
    wall, sent = (lambda one: one.wall), (lambda one: float(one.sent))
    rows = [
        [
            way,
            f"{found.median(way, wall):.2f} s",
            f"{min(map(wall, turns)):.2f} s",
            f"{max(map(wall, turns)):.2f} s",
            size(round(found.median(way, sent))),
        ]
        for way, turns in found.turns.items()
    ]
    own = found.turns[OWN]
    until = sorted(one.verified for one in own)
    times = [f"{one:.2f} s" for one in (statistics.median(until), until[0], until[-1])]
    rows.insert(0, ["publish, until it is verified", *times, ""])
    verified, total, bytes_ = statistics.median(until), found.median(OWN, wall), found.median(OWN, sent)
    ours = statistics.median(one.verified - one.engine for one in own)
    names = list(own[0].steps)
    spent = [[name, f"{statistics.median(one.steps.get(name, 0.0) for one in own):.2f} s"] for name in names]
    outside = statistics.median(one.wall - sum(one.steps.values()) for one in own)
    trees, fleet = bytes_ / found.median(RSYNC, sent), statistics.median(found.fleet)
    aims = [
        _aim(f"{MOST:.0f} s until it is verified", f"{verified:.2f} s", is_reached=verified <= MOST),
        _aim(f"{MOST_OURS} s without the engine's own time", f"{ours:.2f} s", is_reached=ours <= MOST_OURS),
        _aim(f"{size(MOST_BYTES)} on the wire, both ways", size(round(bytes_)), is_reached=bytes_ <= MOST_BYTES),
        _aim(f"{MOST_TREES:.0f} times rsync of the tree", f"{trees:.1f} times", is_reached=trees <= MOST_TREES),
        _aim(
            f"{HOSTS} hosts within {MOST_HOSTS:.0f} times one",
            f"{fleet:.2f} s, {fleet / total:.1f} times",
            is_reached=fleet <= MOST_HOSTS * total,
        ),
    ]
    asked, cores = statistics.median(one.asked for one in own), len(os.sched_getaffinity(0))
    cpu = statistics.median(one.cpu for one in own)
    return "\n\n".join(
        [
            "# Publishing, side by side",
            _HEAD.format(posts=POSTS, turns=len(own)),
            table(["", "median", "least", "most", "on the wire, both ways"], rows),
            _SPENT.format(outside=outside, asked=asked, cpu=cpu),
            table(["step", "median"], spent),
            "Aimed at:",
            "\n".join(aims),
            f"{processor()}, {cores} cores, which author and hosts share; load average when it began: {found.load:.1f}",
            f"```console\n$ {command}\n```",
        ]
    )


def _aim(what: str, told: str, *, is_reached: bool) -> str:
    return f"- {what}: {told}" + ("" if is_reached else ", **not reached**")


_HEAD: Final = """\
One edited post of {posts:,}, {turns} times, over loopback ssh to Docker with its classic store: from the commit until
it is built, baked, sent, probed, switched to and verified through the edge; and to the end of the command, which has
tidied then. The other ways begin with what was built and baked of the same commit, and end when the host has it: they
probe and switch nothing."""

_SPENT: Final = """\
Where it goes: the steps on the host, and before them and after ({outside:.2f} s) the start of the command, a clean copy
of the commit, build, bake, connection, and what is tidied. All of it took {cpu:.2f} s of CPU time, with the ssh that it
runs, but without the hosts' own. The engine was asked {asked:.0f} times."""
