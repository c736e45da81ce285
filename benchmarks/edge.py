"""What the edge costs: the sealed nginx asked straight, and through the edge's Caddy, in turns, on loopback.

Both are those of their images, in one network namespace of their own, and the edge is told what `publish` tells it.
What engines add, a bridge and a rule of the firewall, is before either of them, and not in it.

Needs root, wrk, and a Debian mirror for the edge's packages.
"""

import json
import os
import shutil
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import blog, serving
from benchmarks.report import processor, table
from imagebake.nginx import runners
from imagebake.recipes import edge as recipe
from imagebake.recipes.lock import pin
from publish.edge import configuration
from publish.edge.configuration import ALL_HOSTS, SiteBehindEdge
from sealpress.commands.console import Progress
from sealpress.config.settings import ImageSettings
from sealpress.problems import Problem
from sealpress.tree import tree

RATE: Final = 1000  # requests a second
SECONDS: Final = 10  # of them, each time
STRAIGHT: Final = "straight"
THROUGH: Final = "through the edge"
MOST: Final[Mapping[str, float]] = {"p50": 0.001, "p99": 0.005}
"""Seconds that the edge may add."""

_SITE: Final = 8090
_PORTS: Final[Mapping[str, int]] = {STRAIGHT: _SITE, THROUGH: recipe.PORT}
_START: Final = """
ip link set lo up
D=$1; shift
env -i HOME="$D" XDG_CONFIG_HOME="$D" XDG_DATA_HOME="$D" "$D/caddy" >"$D/log/caddy" 2>&1 &
"$@" >"$D/log/sealed" 2>&1 &
wait
"""


@dataclass(frozen=True, slots=True)
class Way:
    """One of them in one round. `times`: "p50" and "p99" at RATE, in seconds. `most`: wrk's requests a second."""

    times: Mapping[str, float]
    most: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What was found: in each round each of the two ways. `page` in bytes."""

    rounds: Sequence[Mapping[str, Way]]
    versions: Mapping[str, str]
    page: int
    load: float

    def added(self, share: str) -> float:
        """The median of what the edge adds in a round, in seconds."""
        return statistics.median(one[THROUGH].times[share] - one[STRAIGHT].times[share] for one in self.rounds)

    def median(self, way: str, share: str) -> float:
        return statistics.median(one[way].times[share] for one in self.rounds)

    def most(self, way: str) -> float:
        return statistics.median(one[way].most for one in self.rounds)


def measure(folder: Path, rounds: int, progress: Progress) -> Cost:
    """`folder` is new and removed in the end. Raises Problem where something can't be had, or a request is lost."""
    load = os.getloadavg()[0]
    if os.geteuid():
        raise Problem("the edge is measured as root, for a network of its own")
    if missing := [one for one in ("wrk", "ip", "unshare") if not shutil.which(one, path=serving.PATH)]:
        raise Problem(f"there is no {', '.join(missing)} on this machine")
    progress.note("building the blog that is served")
    try:
        public = blog.built(folder / "blog", serving.POSTS)
        page = next(entry for entry in tree.scan(public).entries if entry.path.startswith("posts/0"))
        command, version = serving.sealed(public, folder, _SITE)
        versions = {serving.OWN: version, "Caddy": _caddy(folder, progress)}
        path = f"/{page.path.removesuffix('index.html')}"
        with serving.started(folder, _START, [*_PORTS.values()], command) as namespace:
            found = [_round(namespace, path, number, progress) for number in range(rounds)]
        return Cost(found, versions, page.size, load)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _caddy(folder: Path, progress: Progress) -> str:
    """Writes `folder`/caddy, which starts that of the edge's image; gives its version."""
    settings = recipe.settings_of(ImageSettings(architectures=(serving.HERE,)))
    lock, _ = pin(settings, folder / "edge.lock", progress, recipe.ROOTS)
    image = recipe.bake(lock, settings, serving.HERE, progress)
    rootfs = folder / "edge"
    runners.unpack(image.layers, rootfs)
    route = configuration.route(SiteBehindEdge("blog.bench", (ALL_HOSTS,), "", _SITE), ["127.0.0.1"])
    told = json.loads(configuration.document({"blog.bench": route}))
    told["admin"] = {"disabled": True}  # its socket is the container's
    (folder / "edge.json").write_text(json.dumps(told))
    (loader,) = (*rootfs.glob("lib*/ld-linux-*.so.*"), *rootfs.glob("usr/lib*/ld-linux-*.so.*"))[:1]
    libraries = ":".join(map(str, sorted({one.parent for one in rootfs.rglob("lib*.so*")})))
    script = folder / "caddy"
    program = f"{rootfs}{recipe.PROGRAM}"
    script.write_text(
        f"#!/bin/sh\nexec {loader} --library-path {libraries} {program} run --config {folder}/edge.json\n"
    )
    script.chmod(0o755)
    return next(one.version for one in lock.of(serving.HERE) if one.name == "caddy")


def _round(namespace: int, path: str, number: int, progress: Progress) -> dict[str, Way]:
    found: dict[str, Way] = {}
    ways = [*_PORTS]
    for way in ways if number % 2 else reversed(ways):
        inside = ["nsenter", "--target", str(namespace), "--net", f"--wd={Path(__file__).parent.parent}"]
        asked = [sys.executable, "-m", "benchmarks.steady", str(_PORTS[way]), path, str(RATE), str(SECONDS)]
        told = json.loads(serving.called([*inside, *asked]))
        if told["lost"]:
            raise Problem(f"{way}: {told['lost']} requests were not answered")
        url = f"http://127.0.0.1:{_PORTS[way]}{path}"
        most = serving.rate(namespace, url, "Accept-Encoding: identity")
        found[way] = one = Way({share: told[share] for share in MOST}, most)
        shown = ", ".join(f"{share} {1000 * value:.2f} ms" for share, value in one.times.items())
        progress.note(f"  {way}: {shown}; {most:.0f} requests/s at most")
    return found


def costs(found: Cost, command: str) -> str:
    """The part of the report."""
    rows = [
        [way, *(f"{1000 * found.median(way, share):.2f} ms" for share in MOST), f"{found.most(way):,.0f}"]
        for way in (STRAIGHT, THROUGH)
    ]
    rows.append(["what the edge adds", *(f"{1000 * found.added(share):.2f} ms" for share in MOST), ""])
    aims = [
        f"- {1000 * most:.0f} ms more at {share}: {1000 * found.added(share):.2f} ms"
        + ("" if found.added(share) <= most else ", **not reached**")
        for share, most in MOST.items()
    ]
    cores = len(os.sched_getaffinity(0))
    return "\n\n".join(
        [
            _HEAD.format(page=found.page, rate=RATE, seconds=SECONDS, wrk=serving.SECONDS),
            table(["", "p50", "p99", "requests/s at most"], rows),
            "Aimed at:",
            "\n".join(aims),
            f"{processor()}, {cores} cores; {len(found.rounds)} rounds; load average when it began: {found.load:.1f}"
            + (" (busy with other work)" if found.load > cores / 2 else ""),
            "\n".join(f"- {name}: {version}" for name, version in found.versions.items()),
            f"```console\n$ {command}\n```",
        ]
    )


_HEAD: Final = """\
# What the edge costs

A page of {page:,} bytes, asked for {rate:,} times a second for {seconds} s, on connections that are kept: straight from
the sealed nginx, and through the edge's Caddy before it. Each request is sent when it is due, whether those before it
were answered or not, and timed from then. Then as many as wrk gets in {wrk} s on 16 connections. All on the same
cores, on loopback, one way after the other in each round. Medians of the rounds, and of the differences in the same
round."""
