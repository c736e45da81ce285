"""RESULTS.md, put together of parts: one that wasn't run stays as an earlier run found it. And the parts on baking and
serving as Markdown (that on building is report.py).
"""

import os
import platform
import re
from collections.abc import Mapping
from typing import Final

from benchmarks import baking, preview, serving
from benchmarks.baking import Baking
from benchmarks.preview import Previews
from benchmarks.report import processor, table
from benchmarks.serving import Serving
from sealpress.commands.console import size

PARTS: Final = (
    "build",
    "bake",
    "serve",
    "edge",
    "push",
    "publish",
    "growth",
    "lexers",
    "specification",
    "tricks",
    "preview",
)
"""What `make bench` measures."""

_ORDER: Final = (*PARTS, "soak")

_HEAD: Final = "<!-- Written by `make bench`; don't edit. -->"
_LIMITS: Final = {"cold": 1.5, "unchanged": 0.4}  # seconds
_MEMORY: Final = 120_000_000
_BASE: Final = (13_600_000, 5_400_000)
_RATES: Final = {serving.STOCK: 0.97, serving.CADDY: 2.0}
_SHOWN: Final = {  # milliseconds, by the number of posts
    1000: {"body": 25, "body, reloaded": 85, "title": 30, "style sheet": 20, "base template": 35},
    10_000: {"body": 45, "body, reloaded": 100, "title": 50, "style sheet": 30, "base template": 110},
}
_COMING: Final = dict.fromkeys(("new post", "deleted post"), 120)
_LATE: Final = 1.5
_FIRST: Final = {1000: 600}
_GROWTH: Final = 1.05


def put(report: str, part: str, text: str) -> str:
    """The report with this part in the place of an older one. That of `make soak` (soak.py) is the last."""
    found = dict(re.findall(r"<!-- part: (\w+) -->\n(.*?)\n<!-- end -->", report, re.DOTALL))
    found[part] = text.strip()
    parts = (f"<!-- part: {one} -->\n{found[one]}\n<!-- end -->" for one in _ORDER if one in found)
    return "\n\n".join((_HEAD, *parts)) + "\n"


def bakes(found: Baking, command: str) -> str:
    """The part on baking."""
    names = list(found.versions)
    wall = [
        [
            name,
            *(
                f"{found.median(name, one, lambda run: run.wall):.2f} s"
                + ("" if name == baking.OWN else f" ({found.ratio(name, one):.2f})")
                for one in baking.SCENARIOS
            ),
        ]
        for name in names
    ]
    processor_time = [
        [name, *(f"{found.median(name, one, lambda run: run.cpu):.2f} s" for one in baking.SCENARIOS)] for name in names
    ]
    memory = [
        [name, *(size(round(found.median(name, one, lambda run: run.memory))) for one in baking.SCENARIOS)]
        for name in names
    ]
    header = ["", *baking.SCENARIOS]
    cold, warm, peak = (
        found.median(baking.OWN, "cold", lambda run: run.wall),
        found.median(baking.OWN, "unchanged", lambda run: run.wall),
        max(found.median(name, "cold", lambda run: run.memory) for name in names if name.startswith(baking.OWN)),
    )
    images = [
        [
            "the base: Debian's nginx, its configuration, its bill of materials",
            size(found.base.raw),
            size(found.base.packed),
        ],
        [f"with {found.posts:,} posts and their Brotli siblings", size(found.whole.raw), size(found.whole.packed)],
    ]
    return "\n\n".join(
        [
            _BAKES.format(posts=found.posts),
            "Wall time, in brackets the median of the ratios to imagebake in the same round:\n\n" + table(header, wall),
            "CPU time of the command and its children:\n\n" + table(header, processor_time),
            "Peak memory of the command and its children:\n\n" + table(header, memory),
            "\n".join(f"- {name} left out: {why}" for name, why in found.left_out.items()),
            "Sizes, linux/amd64:\n\n" + table(["", "raw", "gzip -6"], images),
            "Aimed at:",
            "\n".join(
                [
                    _aim(f"cold within {_LIMITS['cold']} s", f"{cold:.2f} s", cold <= _LIMITS["cold"]),
                    _aim(f"unchanged within {_LIMITS['unchanged']} s", f"{warm:.2f} s", warm <= _LIMITS["unchanged"]),
                    _aim(f"peak memory within {size(_MEMORY)}", size(round(peak)), peak <= _MEMORY),
                    *(
                        _aim(
                            f"a new tree sooner than {name}",
                            f"{found.ratio(name, 'new'):.2f}",
                            found.ratio(name, "new") > 1,
                        )
                        for name in names
                        if not name.startswith(baking.OWN)
                    ),
                    _aim(f"base within {size(_BASE[0])}", size(found.base.raw), found.base.raw <= _BASE[0]),
                    _aim(
                        f"base as gzip within {size(_BASE[1])}", size(found.base.packed), found.base.packed <= _BASE[1]
                    ),
                ]
            ),
            _machine(found.versions, found.load, len(found.rounds), command),
        ]
    ).replace("\n\n\n", "\n\n")


_BAKES: Final = """\
# Baking, side by side

The tree of a blog of {posts:,} posts becomes an image, in all ways one after the other in each round: *cold*
(imagebake has Debian's packages as files and an empty cache; the others as in the next); *new* (the base is there: its
packages were baked, or its image loaded, and the tree is new); then with nothing changed; then with one page edited.
imagebake writes an OCI layout, an archive, compressed siblings of all pages, a bill of materials and a seal; docker and
buildah copy the tree into their own store, and nothing else. What dockerd itself uses is not in docker's CPU time and
memory."""


def serves(found: Serving, command: str) -> str:
    """The part on serving."""
    rows = []
    aims = []
    for encoding, servers in serving.ENCODINGS.items():
        sizes = found.rounds[0][encoding]
        for server in servers:
            ratio = found.ratio(encoding, server)
            shown = "" if server == serving.OWN else f"{ratio:.2f}"
            rows.append(
                [f"{server}, {encoding}", f"{found.median(encoding, server):,.0f}", shown, str(sizes[server].size)]
            )
            if server in _RATES:
                aims.append(
                    _aim(
                        f"{_RATES[server]} times the rate of {server}, {encoding}",
                        f"{ratio:.2f}",
                        ratio >= _RATES[server],
                    )
                )
    return "\n\n".join(
        [
            _SERVES.format(page=found.page, seconds=serving.SECONDS, level=serving.LEVEL),
            table(["", "requests/s", "sealed nginx to it", "bytes sent"], rows),
            "Aimed at:",
            "\n".join(aims),
            _machine(found.versions, found.load, len(found.rounds), command),
        ]
    )


_SERVES: Final = """\
# Serving, side by side

A page of {page:,} bytes from one folder, on loopback: wrk with 16 connections for {seconds} s each time, on the same
cores as the server. Medians of the rounds, and medians of the ratios in the same round. Stock nginx is Debian's with
its own configuration, gzip at level {level} as in the sealed one; Caddy with gzip at that level and the same Brotli
siblings. Both nginx write an access log to a file; Caddy by itself writes none. *plain* and *br* are files as they are;
*gzip* is made for each answer, and mostly measures the encoder: zlib here, one of its own in Caddy."""


def previews(found: Previews, command: str) -> str:
    """The part on previews."""
    parts = [_PREVIEWS.format(edits=preview.EDITS, many=preview.MANY)]
    aims: list[str] = []
    for posts, servers in found.sizes.items():
        own = servers[preview.OWN]
        rows = [
            [name, f"{one.first:,.0f}"]
            + [f"{one.median(kind):,.0f} / {one.late(kind):,.0f}" if kind in one.edits else "" for kind in own.edits]
            for name, one in servers.items()
        ]
        parts += [f"{posts:,} posts, milliseconds:", table(["", "first page", *own.edits], rows)]
        for kind, most in ({**_SHOWN.get(posts, {}), **_COMING} if posts in _SHOWN else {}).items():
            median, late = own.median(kind), own.late(kind)
            aims.append(_aim(f"{posts:,} posts, {kind} within {most} ms", f"{median:.0f} ms", median <= most))
            what = f"{posts:,} posts, {kind}: p95 within {_LATE} times that"
            aims.append(_aim(what, f"{late:.0f} ms", late <= _LATE * most))
        if first := _FIRST.get(posts):
            aims.append(
                _aim(f"{posts:,} posts, first page within {first} ms", f"{own.first:.0f} ms", own.first <= first)
            )
        for name in servers.keys() - {preview.OWN}:
            kinds = own.edits.keys() & servers[name].edits.keys()
            least = min(servers[name].median(kind) / own.median(kind) for kind in kinds)
            aims.append(_aim(f"{posts:,} posts, ahead of {name} in each", f"{least:.1f} times at least", least > 1))
        aims.append(_aim(f"{posts:,} posts, none of {own.many} edits lost", f"{own.lost} lost", not own.lost))
        before, after = own.memory
        what = f"{posts:,} posts, memory flat over them"
        aims.append(_aim(what, f"{size(before)} before, {size(after)} after", after <= _GROWTH * before))
    left_out = "\n".join(f"- {name} left out: {why}" for name, why in found.left_out.items())
    machine = _machine(found.versions, found.load, preview.EDITS, command)
    if priority := os.nice(0):
        machine = f"All of it ran at nice {priority}.\n\n{machine}"
    return "\n\n".join(part for part in (*parts, left_out, "Aimed at:", "\n".join(aims), machine) if part)


_PREVIEWS: Final = """\
# Previews, side by side

From the save of a file, by rename, until the page that is open in Chromium shows the edit: medians and 95th percentiles
of {edits} edits (fewer where they take long), in one post, its title, the style sheet, and the template around all
pages; and until the home page shows a new post, and no longer one that was deleted. *first page*: of a second start,
until it is answered. *reloaded*: the page has a script, so it is not swapped. Then {many} edits, one upon the other.
Without a figure: it was not shown within 30 s."""


def _aim(what: str, found: str, reached: bool) -> str:  # noqa: FBT001 - a sentence's end
    return f"- {what}: {found}" + ("" if reached else ", **not reached**")


def _machine(versions: Mapping[str, str], load: float, rounds: int, command: str) -> str:
    cores = len(os.sched_getaffinity(0))
    lines = [
        f"{processor()}, {cores} cores, Python {platform.python_version()}; {rounds} rounds; load average when it"
        f" began: {load:.1f}" + (" (busy with other work: ratios say more than seconds)" if load > cores / 2 else ""),
        "",
        *(f"- {name}: {version}" for name, version in versions.items()),
        "",
        f"```console\n$ {command}\n```",
    ]
    return "\n".join(lines)
