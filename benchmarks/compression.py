"""What compression costs and saves: the encoder's qualities on the corpus, gzip siblings, ways to send a page.

`python -m benchmarks.compression FOLDER` builds the corpus in FOLDER and prints four tables. The last one needs wrk,
and packages that `imagebake bake` has fetched before (or a mirror). The decisions that they led to stand in the docs,
explanation/on-the-wire, with the figures of the day. How the sealed nginx stands to Caddy is in benchmarks/serving.py.
"""

import datetime as dt
import gzip
import os
import platform
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import brotli  # type: ignore[import-untyped]  # it brings no types

from benchmarks import blog
from imagebake.image import tar
from imagebake.image.entries import Bytes, Entry, File
from imagebake.nginx import configuration, runners
from imagebake.packages import lock as locks
from imagebake.recipes import precompressed, site, site_layers
from imagebake.recipes.site_layers import FileKind, Share
from sealpress.commands.console import Console
from sealpress.config.settings import Architecture, ImageSettings
from sealpress.problems import Exit, Problem
from sealpress.tree import tree
from sealpress.tree.tree import OutputTree

POSTS: Final = 300
SITE: Final = 1000  # posts of the blog in which one is edited
LEVELS: Final = (1, 2, 3, 4, 5, 6)  # of gzip
SLOW: Final = 60  # pages for an encoder that takes milliseconds
SECONDS: Final = 5  # of load, each round
ROUNDS: Final = 3
HERE: Final[Architecture] = "arm64" if platform.machine() == "aarch64" else "amd64"
_LEVEL: Final = re.compile(r"(gzip_comp_level )[0-9];")
_TICK: Final = os.sysconf("SC_CLK_TCK")

Encode = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one encoder on the same pages: `milliseconds` of CPU and `size` in bytes, both for one page."""

    name: str
    milliseconds: float
    size: float


@dataclass(frozen=True, slots=True)
class Load:
    """Of one way to send a page: `rate` in requests a second, `cpu` of the server in microseconds for each."""

    name: str
    rate: float
    cpu: float
    size: int


@dataclass(frozen=True, slots=True)
class Edit:
    """What an edited post sends, by gzip -6: the layer of its page and the front. `median` and `worst` post, in bytes.

    `more`: bytes that gzip's siblings of pages and front add to an image.
    """

    name: str
    median: float
    worst: int
    more: int


def edits(found: OutputTree) -> list[Edit]:
    """With the siblings that an image has, and with gzip's beside them. Release and statement are left out in both."""
    packed = precompressed.candidates(found)
    *below, front = site_layers.shares(found.entries)
    pages = [share for share in below if share.kind is FileKind.PAGE]
    told = []
    for name, is_gzipped in (("Brotli", False), ("Brotli and gzip", True)):
        more: list[int] = []
        first, *others = [_sent(found, share, packed, more if is_gzipped else None) for share in (front, *pages)]
        told.append(Edit(name, first + statistics.median(others), first + max(others), sum(more)))
    return told


def _sent(found: OutputTree, share: Share, packed: frozenset[str], more: list[int] | None) -> int:
    entries = [File(one.path, Bytes(found.read(one))) for one in share.entries]
    compressed = [one for one in share.entries if one.path in packed]
    whole: list[Entry] = [*entries, *precompressed.of(found, compressed, pack=f"compression {share.name}")]
    if more is not None:
        twins = [(one, _gzip(found.read(one))) for one in compressed]
        kept = [
            File(f"{one.path}.gz", Bytes(data)) for one, data in twins if len(data) <= precompressed.WORTH * one.size
        ]
        more += [file.content.size for file in kept]
        whole += kept
    return len(gzip.compress(b"".join(tar.stream(whole)), 6))


def kinds(found: OutputTree) -> list[list[str]]:
    """The largest file of each kind, and its size by each level of gzip."""
    largest = {one.media_type: one for one in sorted(found.entries, key=lambda one: one.size)}
    return [
        [one.path, str(one.size), *(str(len(zlib.compress(found.read(one), level, 31))) for level in LEVELS)]
        for one in largest.values()
        if one.path in precompressed.candidates(found)
    ]


def qualities(pages: Sequence[bytes]) -> list[Cost]:
    """The encoders that came into question. The slow ones are put to fewer pages, and compared on just those."""
    encoders: list[tuple[str, Encode]] = [(f"Brotli {number}", _brotli(number)) for number in (1, 4, 5, 6, 7, 8)]
    encoders += [(f"zlib {number}", _zlib(number)) for number in (*LEVELS, 9)]
    found = [_cost(name, encode, pages) for name, encode in encoders]
    reference = next(one for one in found if one.name == f"Brotli {precompressed.QUALITY}").size
    few = pages[:: max(1, len(pages) // SLOW)]
    scale = reference / _cost("", _brotli(precompressed.QUALITY), few).size
    for number in (9, 10, 11):
        one = _cost(f"Brotli {number}", _brotli(number), few)
        found.append(Cost(one.name, one.milliseconds, one.size * scale))
    return found


def _brotli(quality: int) -> Encode:
    return lambda data: bytes(brotli.compress(data, quality=quality, lgwin=precompressed.WINDOW))


def _zlib(level: int) -> Encode:
    return lambda data: zlib.compress(data, level)


def _cost(name: str, encode: Encode, pages: Sequence[bytes]) -> Cost:
    start = time.process_time()
    size = sum(len(encode(page)) for page in pages)
    return Cost(name, (time.process_time() - start) * 1000 / len(pages), size / len(pages))


def loads(found: OutputTree, path: str, lock_file: Path, folder: Path) -> list[Load]:
    """A page of the tree from its sealed nginx, sent in each way. Raises Problem (exit 9) without wrk."""
    (image,) = site.bake(
        found, locks.load(lock_file), ImageSettings(), [HERE], dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        name="compression",
    )  # fmt: skip
    rootfs = folder / "rootfs"
    runners.unpack(image.layers, rootfs)
    conf = rootfs / configuration.FOLDER / "nginx.conf"
    text = conf.read_text("utf-8").replace("access_log /dev/stdout", "access_log off; #", 1)
    page = rootfs / configuration.ROOT / path
    ways = [
        ("plain", "identity", text),
        ("Brotli, from its sibling", "br", text),
        *((f"gzip, on the fly, level {one}", "gzip", _LEVEL.sub(rf"\g<1>{one};", text)) for one in LEVELS),
        ("gzip, from a sibling", "gzip", text.replace("gzip on;", "gzip on;\n    gzip_static on;", 1)),
    ]
    rounds: dict[str, list[Load]] = {name: [] for name, _, _ in ways}
    for _ in range(ROUNDS):
        for name, encoding, configured in ways:
            conf.write_text(configured, encoding="utf-8")
            gz = page.with_name(page.name + ".gz")
            if "gzip_static" in configured:
                gz.write_bytes(_gzip(page.read_bytes()))
            rounds[name].append(_load(name, rootfs, f"/{path}", encoding, folder))
            gz.unlink(missing_ok=True)
    return [sorted(some, key=lambda one: one.rate)[len(some) // 2] for some in rounds.values()]


def _gzip(data: bytes) -> bytes:
    encoder = zlib.compressobj(9, wbits=31)
    return encoder.compress(data) + encoder.flush()


def _load(name: str, rootfs: Path, path: str, encoding: str, folder: Path) -> Load:
    with _serving(rootfs, folder) as (port, pids):
        command = ["wrk", "-t1", "-c16", f"-d{SECONDS}s", "-H", f"Accept-Encoding: {encoding}"]
        url = f"http://127.0.0.1:{port}{path}"
        size = _size(url, encoding)
        before = sum(map(_ticks, pids))
        try:
            done = subprocess.run([*command, url], capture_output=True, text=True, timeout=60, check=True)
        except FileNotFoundError:
            raise Problem("wrk is missing", hint="On Debian: apt install wrk", code=Exit.MACHINE) from None
        used = (sum(map(_ticks, pids)) - before) / _TICK
    count = next(int(line.split()[0]) for line in done.stdout.splitlines() if " requests in " in line)
    return Load(name, count / SECONDS, used * 1e6 / count, size)


def _size(url: str, encoding: str) -> int:
    request = urllib.request.Request(url, headers={"Accept-Encoding": encoding})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return len(answer.read())


@contextmanager
def _serving(rootfs: Path, folder: Path) -> Iterator[tuple[int, list[int]]]:
    """The sealed nginx: its port, and its workers."""
    scratch = folder / f"scratch-{time.monotonic_ns()}"
    scratch.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    process = subprocess.Popen(
        runners.DynamicLoader().command(rootfs, port, "127.0.0.1", scratch), stdout=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 10
        while time.monotonic() < until and process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.01)
        children: list[str] = []
        while time.monotonic() < until and not children:  # it listens before it has workers
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("ascii").split()
        yield port, [int(pid) for pid in children]
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(20)


def _ticks(pid: int) -> int:
    """User and system time of a process. Source: proc(5), /proc/pid/stat, fields 14 and 15."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def main() -> None:
    """Prints all tables."""
    console = Console.standard()
    folder = Path(sys.argv[1]).absolute()
    found = tree.scan(blog.built(folder / "blog", POSTS))
    posts = [entry for entry in found.entries if entry.path.startswith("posts/0")]
    pages = [found.file(entry).read_bytes() for entry in posts]
    costs = qualities(pages)
    sent_by_an_edit = edits(tree.scan(blog.built(folder / "whole", SITE)))
    base = next(one for one in costs if one.name == f"Brotli {precompressed.QUALITY}").size
    console.say(f"{len(pages)} pages of {sum(map(len, pages)) // len(pages)} bytes; {precompressed.ENCODER}\n")
    console.table(
        ["encoder", "ms a page", "bytes a page", f"to Brotli {precompressed.QUALITY}"],
        [[one.name, f"{one.milliseconds:.2f}", f"{one.size:.0f}", f"{one.size / base:.3f}"] for one in costs],
    )
    console.say("")
    console.table(["file", "bytes", *(f"gzip {level}" for level in LEVELS)], kinds(found))
    console.say(f"\nOne edited post of {SITE}\n")
    console.table(
        ["siblings", "median", "worst", "more of pages and front"],
        [[one.name, f"{one.median:.0f}", str(one.worst), str(one.more)] for one in sent_by_an_edit],
    )
    sent = loads(found, posts[0].path, Path(__file__).parents[1] / "site" / "imagebake.lock", folder)
    console.say("")
    console.table(
        ["sent as", "requests/s", "CPU µs each", "bytes"],
        [[one.name, f"{one.rate:.0f}", f"{one.cpu:.0f}", str(one.size)] for one in sent],
    )


if __name__ == "__main__":
    main()
