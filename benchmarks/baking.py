"""The bake beside other ways to an image of the same tree: `docker build` and `buildah`, in rounds, with ratios.

    cold         imagebake: an empty cache but for the .debs; the others: as the next
    new          the base is there, and the tree is new: its packages were baked before, or the base image was loaded
    unchanged    again, with nothing changed
    edited       one page has another line

Docker and buildah copy the tree onto an nginx image that they hold already, which is sealpress's own: no network, and
the same files below it. dockerd runs in namespaces of its own and ends with the benchmark; all that it and buildah keep
is below the working folder. Needs root for both; without them, imagebake is measured alone.
"""

import gzip
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks import blog, measure
from imagebake.fetch import cache
from imagebake.image.layers import Layer
from imagebake.packages import lock as locks
from imagebake.recipes import site
from imagebake.recipes.recipe import Image
from sealpress.commands.console import Progress
from sealpress.config.settings import ImageSettings
from sealpress.problems import Problem
from sealpress.tree import tree

POSTS: Final = 1000
LOCK: Final = Path(__file__).parents[1] / "site" / "imagebake.lock"
OWN: Final = "imagebake"
SCENARIOS: Final = ("cold", "new", "unchanged", "edited")

_BASE: Final = "localhost/site/base:1"
_LIMIT: Final = 120.0  # seconds for one run
_WAIT: Final = 20.0  # seconds for dockerd to answer; 1 is usual
_PATH: Final = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"

_DAEMON: Final = """
set -e
D=$1
mount --rbind /sys/fs/cgroup "$D/cgroup"
mount -t sysfs sysfs /sys
mount --rbind "$D/cgroup" /sys/fs/cgroup
mount --bind "$D/run" /run
mount --bind "$D/lib" /var/lib
ip link set lo up
exec dockerd --config-file "$D/daemon.json" --iptables=false --ip6tables=false --bridge=none \\
    --cgroup-parent "/$2" --host unix:///run/docker.sock
"""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to an image. `command` by scenario; `before` is called with it before each run, outside of the time."""

    name: str
    version: str
    command: Mapping[str, Sequence[str]]
    environment: Mapping[str, str]
    before: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Bytes of what an image holds: `raw` as tar, `packed` by gzip -6, layer by layer."""

    raw: int
    packed: int


@dataclass(frozen=True, slots=True)
class Baking:
    """What was found. `rounds`: by the way's name, then by scenario; `left_out` says who could not take part, and why.

    `base` is the amd64 image without the site, `whole` with it.
    """

    posts: int
    rounds: Sequence[Mapping[str, Mapping[str, measure.Run]]]
    versions: Mapping[str, str]
    left_out: Mapping[str, str]
    base: Sizes
    whole: Sizes
    load: float

    def median(self, name: str, scenario: str, of: Callable[[measure.Run], float]) -> float:
        return statistics.median(of(one[name][scenario]) for one in self.rounds)

    def ratio(self, name: str, scenario: str) -> float:
        """The median of a way's wall times to imagebake's in the same round."""
        return statistics.median(one[name][scenario].wall / one[OWN][scenario].wall for one in self.rounds)


def compare(folder: Path, rounds: int, progress: Progress) -> Baking:
    """Bakes the blog in all ways, round by round and turn by turn. `folder` is new and removed in the end.

    Raises Problem where imagebake itself fails.
    """
    load = os.getloadavg()[0]
    progress.note("building the blog that is baked")
    try:
        return _compare(folder, rounds, load, progress)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _compare(folder: Path, rounds: int, load: float, progress: Progress) -> Baking:
    public = blog.built(folder / "blog", POSTS)
    packages = _fetched(public)
    left_out: dict[str, str] = {}
    found: list[dict[str, dict[str, measure.Run]]] = []
    with ExitStack() as stack:
        ways = [_own(folder, packages, OWN, ("amd64",)), _own(folder, packages, f"{OWN}, both", ("amd64", "arm64"))]
        for name, make in (("docker build", _docker), ("buildah", _buildah)):
            try:
                ways += stack.enter_context(make(folder))
            except Problem as problem:
                left_out[name] = problem.message
                progress.note(f"{name}: left out. {problem.message}")
        for number in range(rounds):
            turn = number % len(ways)
            found.append(_round([*ways[turn:], *ways[:turn]], folder, progress))
        sizes = _sizes(public)
    versions = {way.name: way.version for way in ways}
    return Baking(POSTS, found, versions, left_out, *sizes, load)


def _round(ways: Sequence[Way], folder: Path, progress: Progress) -> dict[str, dict[str, measure.Run]]:
    runs: dict[str, dict[str, measure.Run]] = {way.name: {} for way in ways}
    page = next((folder / "blog/public/posts").rglob("*.html"))
    text = page.read_bytes()
    for scenario in SCENARIOS:
        if scenario == "edited":
            page.write_bytes(text + b"<!-- one line more -->\n")
        for way in ways:
            way.before(scenario)
            done = measure.run(way.command[scenario], folder, way.environment, _LIMIT, folder / "log")
            runs[way.name][scenario] = done
            progress.note(f"  {way.name}, {scenario}: {done.wall:.2f} s")
    page.write_bytes(text)
    return runs


def _fetched(public: Path) -> Path:
    """Where the .debs are cached; a mirror is asked where they aren't."""
    one = tree.scan(public)
    site.bake(
        one, locks.load(LOCK), ImageSettings(), ("amd64", "arm64"), datetime(2024, 6, 1, tzinfo=UTC), name="bench"
    )
    return cache.folder() / "packages"


def _own(folder: Path, packages: Path, name: str, architectures: Sequence[str]) -> Way:
    own = folder / name.replace(", ", "-")

    def before(scenario: str) -> None:
        if scenario not in {"cold", "new"}:
            return
        shutil.rmtree(own, ignore_errors=True)
        (own / "cache").mkdir(parents=True)
        (own / "cache/packages").symlink_to(packages)
        if scenario == "new":
            measure.run(
                [str(folder / "base/tree") if word == "blog/public" else word for word in command],
                folder, environment, _LIMIT, folder / "log",
            )  # fmt: skip

    _base(folder)
    command = [sys.executable, "-m", "imagebake.cli", "bake", "blog/public", "--quiet", "--no-sign"]
    command += ["--output", str(own / "image"), "--name", "bench", "--lock", str(LOCK)]
    command += [word for one in architectures for word in ("--arch", one)]
    environment = {
        "SEALPRESS_CACHE": str(own / "cache"),
        "SOURCE_DATE_EPOCH": blog.MOMENT,
        "PYTHONPATH": str(LOCK.parents[1]),
        "PYTHONSAFEPATH": "1",
    }
    return Way(name, " and ".join(architectures), dict.fromkeys(SCENARIOS, command), environment, before)


@contextmanager
def _docker(folder: Path) -> Iterator[list[Way]]:
    """Debian's dockerd in namespaces of its own, with each of its builders. Raises Problem where it can't run."""
    _needs("dockerd", "docker", "ip", "unshare", "setpriv")
    home = folder / "docker"
    for name in ("cgroup", "run", "lib"):
        (home / name).mkdir(parents=True)
    (home / "daemon.json").write_text("{}\n")
    group = f"bench-{os.getpid()}"
    # When the benchmark dies, in whatever way, the daemon does too.
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--net", "--pid", "--fork"]
    command += ["--kill-child=KILL", "--mount-proc", "--propagation", "private", "sh", "-c", _DAEMON, "dockerd"]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, str(home), group],
            env={"PATH": _PATH},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        # Debian's own client has BuildKit in itself; a newer one needs a plugin for it.
        client = "/usr/bin/docker" if Path("/usr/bin/docker").exists() else str(shutil.which("docker", path=_PATH))
        environment = {"DOCKER_HOST": f"unix://{home}/run/docker.sock", "PATH": _PATH, "DOCKER_CONFIG": str(home)}
        _until(lambda: _answers(home / "run/docker.sock"), process)
        for words in (["load", "--input", str(_base(folder))], ["tag", "localhost/site/base:base", _BASE]):
            _said([client, *words], environment)
        version = _said([client, "version", "--format", "{{.Server.Version}}"], environment)
        context = _context(folder)

        def emptied(scenario: str) -> None:
            # BuildKit keeps the files of the last build, too, and asks only for those that changed.
            if scenario in {"cold", "new"}:
                _said([client, "builder", "prune", "--all", "--force"], environment)

        yield [
            Way(
                f"docker build, {builder}",
                version,
                _commands([client, "build", "--network", "none", "--quiet"], ["--no-cache"], [], context),
                {**environment, "DOCKER_BUILDKIT": "1" if builder == "BuildKit" else "0"},
                emptied,
            )
            for builder in ("BuildKit", "classic")
        ]
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
        for place in Path("/sys/fs/cgroup").glob(f"**/{group}"):
            with suppress(OSError):
                place.rmdir()


@contextmanager
def _buildah(folder: Path) -> Iterator[list[Way]]:
    """Debian's buildah with a store of its own. Raises Problem where it can't run."""
    _needs("buildah")
    home = folder / "buildah"
    home.mkdir()
    start = ["buildah", "--root", str(home / "root"), "--runroot", str(home / "run"), "--storage-driver", "overlay"]
    environment = {"PATH": _PATH, "HOME": str(home)}
    number = _said([*start, "pull", "--quiet", f"docker-archive:{_base(folder)}"], environment).split()[-1]
    _said([*start, "tag", number, _BASE], environment)
    version = _said(["buildah", "--version"], environment).split()[2]
    build = [*start, "bud", "--isolation", "chroot", "--quiet"]
    try:
        yield [
            Way(
                "buildah",
                version,
                _commands(build, ["--no-cache"], ["--layers"], _context(folder)),
                environment,
                lambda _scenario: None,
            )
        ]
    finally:
        _said([*start, "rmi", "--all", "--force"], environment)


def _commands(build: Sequence[str], new: Sequence[str], again: Sequence[str], context: Path) -> dict[str, list[str]]:
    return {
        scenario: [*build, *(new if scenario in {"cold", "new"} else again), "--tag", "bench", str(context)]
        for scenario in SCENARIOS
    }


def _context(folder: Path) -> Path:
    """What both builders are given: the blog's folder, of which only the tree is sent."""
    context = folder / "blog"
    (context / "Dockerfile").write_text(f"FROM {_BASE}\nCOPY public /srv/www\n")
    (context / ".dockerignore").write_text("*\n!public\n")
    return context


def _base(folder: Path) -> Path:
    """An archive of an nginx image, with one page in it."""
    file = folder / "base" / "base-amd64.tar"
    if not file.exists():
        page = folder / "base/tree/index.html"
        page.parent.mkdir(parents=True)
        page.write_text("<p>nothing</p>\n")
        image = _image(page.parent, "base")
        with file.open("wb") as out:
            out.writelines(image.archive("localhost/site/base:base"))
    return file


def _image(public: Path, name: str) -> Image:
    created = datetime(2024, 6, 1, tzinfo=UTC)
    return site.bake(tree.scan(public), locks.load(LOCK), ImageSettings(), ["amd64"], created, name=name)[0]


def _sizes(public: Path) -> tuple[Sizes, Sizes]:
    """Of the image without the site, and with it."""
    image = _image(public, "bench")
    names = {f"{one.name} {one.version}" for one in locks.load(LOCK).of("amd64")} | {"inventory", "configuration"}
    packed = {layer.name: _packed(layer) for layer in image.layers}
    base = [layer for layer in image.layers if layer.name in names]
    return (
        Sizes(sum(one.size for one in base), sum(packed[one.name] for one in base)),
        Sizes(image.size, sum(packed.values())),
    )


def _packed(layer: Layer) -> int:
    return len(gzip.compress(b"".join(layer.stream()), 6, mtime=0))


def _needs(*programs: str) -> None:
    if os.geteuid():
        raise Problem("it needs root")
    if missing := [one for one in programs if not shutil.which(one, path=_PATH)]:
        raise Problem(f"there is no {', '.join(missing)} on this machine")


def _until(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _WAIT
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            raise Problem("dockerd did not start")
        time.sleep(0.1)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(path)) == 0


def _said(command: Sequence[str], environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        command, env=dict(environment), capture_output=True, text=True, timeout=_LIMIT, check=False
    )  # fmt: skip
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise Problem(f"{Path(command[0]).name} failed: {said}")
    return done.stdout.strip()
