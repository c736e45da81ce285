"""The benchmark's command line: `python -m benchmarks.run`, or `make bench`."""

import os
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from benchmarks import (
    baking,
    batch,
    edge,
    growth,
    lexers,
    peers,
    preview,
    publishing,
    pushing,
    report,
    sections,
    serving,
    specification,
    steps,
    tricks,
)
from benchmarks.census import differences
from benchmarks.corpus import DIALECTS
from sealpress.commands.command import run
from sealpress.commands.console import Console
from sealpress.problems import Exit, Problem, did_you_mean

RESULTS: Final = Path(__file__).with_name("RESULTS.md")

QUICK: Final = 200
SMALLEST: Final = 20
LARGEST: Final = 10_000  # dates are given out once


def _sizes(_context: click.Context, _option: click.Parameter, value: str) -> tuple[int, ...]:
    return tuple(sorted(set(_numbers(value, SMALLEST, LARGEST))))


def _rounds(_context: click.Context, _option: click.Parameter, value: str) -> tuple[int, ...]:
    return _numbers(value, 1, 99)


def _numbers(value: str, first: int, last: int) -> tuple[int, ...]:
    parts = [part.strip() for part in value.split(",")]
    if not all(part.isdecimal() and first <= int(part) <= last for part in parts):
        raise click.BadParameter(f"numbers from {first} to {last}, with commas between them")
    return tuple(map(int, parts))


def _names(_context: click.Context, _option: click.Parameter, value: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    for name in names:
        if name not in DIALECTS:
            raise click.BadParameter(f'there is no peer "{name}"{did_you_mean(name, DIALECTS)}')
    return names


def _parts(_context: click.Context, _option: click.Parameter, value: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    for name in names:
        if name not in sections.PARTS:
            raise click.BadParameter(f'there is no part "{name}"{did_you_mean(name, sections.PARTS)}')
    return names


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--parts",
    default=",".join(sections.PARTS),
    show_default=True,
    callback=_parts,
    help="What is measured. The report keeps its other parts.",
)
@click.option(
    "--posts", default="1000,10000", show_default=True, callback=_sizes, help="Sizes of the blog, with commas."
)
@click.option(
    "--peers",
    "names",
    default=",".join(DIALECTS),
    show_default=True,
    callback=_names,
    help="Who takes part. Ratios need hugo; sealpress always takes part.",
)
@click.option(
    "--large",
    default=",".join(DIALECTS),
    callback=_names,
    help="Who takes part in the sizes after the first. [default: all of them]",
)
@click.option(
    "--runs",
    default="3,1",
    show_default=True,
    callback=_rounds,
    help="Rounds for each size.",
)
@click.option(
    "--limit", default=300, show_default=True, type=click.IntRange(1), help="Seconds that a single run may take."
)
@click.option(
    "--turns",
    default=5,
    show_default=True,
    type=click.IntRange(1),
    help="Rounds of the parts bake, serve, edge and publish.",
)
@click.option("--commit", help="Measure this commit of sealpress. [default: the checkout as it is]")
@click.option("--quick", is_flag=True, help=f"One round of {QUICK} posts, to see that all works; writes no report.")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=peers.TOP / ".bench", help="Where to work. [default: .bench]"
)
@click.option(
    "--results", type=click.Path(path_type=Path), default=RESULTS, help="The report. [default: RESULTS.md here]"
)
def bench(
    *,
    parts: tuple[str, ...],
    posts: tuple[int, ...],
    names: tuple[str, ...],
    large: tuple[str, ...],
    runs: tuple[int, ...],
    limit: int,
    turns: int,
    commit: str | None,
    quick: bool,
    folder: Path,
    results: Path,
) -> int:
    """Compare sealpress with others, in one run on this machine: building, baking and serving the same invented blog.

    build: other generators. Installs them below the working folder (network: the first time only), builds with each,
    and prints medians and ratios. All of it takes an hour on two cores.

    bake: docker build and buildah. serve: a stock nginx, and Caddy. Both need root, and Debian's packages of these.
    edge: a site asked straight, and through the edge. Needs root, wrk and a mirror.
    push: what the pre-push hook takes.
    publish: one edited post, to one host and to five. Needs root, and Debian's docker.io, docker-registry, rsync.
    growth: what twice the Markdown costs, for texts that somebody wrote to keep a converter busy.
    lexers: which of Pygments' take more than twice as long for twice as much code.
    specification: how many of CommonMark's examples, which npm has, are read as it says.
    tricks: what each accelerator and cache of this checkout gains, switched off by itself.
    preview: from a save to the changed text in Chromium, beside other generators' servers.

    Ends with 1 where a peer is missing, failed, or did not build the same.
    """
    console = Console.standard()
    folder = folder.absolute()
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    command = shlex.join(["python", "-m", "benchmarks.run", *sys.argv[1:]])
    turns = 1 if quick else turns

    def keep(part: str, text: str) -> None:
        if not quick:  # after each size, so that an end before the last one doesn't lose them all
            before = results.read_text("utf-8") if results.exists() else ""
            results.write_text(sections.put(before, part, text), encoding="utf-8")

    found: list[str] = []
    if "build" in parts:
        if quick:
            posts, runs = (QUICK,), (1,)
        options = _Options(posts, names, large, runs, limit, commit)
        found += _build(options, folder, command, lambda text: keep("build", text), console)
    if "tricks" in parts:
        own = peers.sealpress(folder / "sealpress", None)
        sizes = (QUICK,) if quick else posts
        keep("tricks", tricks.text(tricks.compare(own, work / "tricks", sizes, limit, console), own.version, command))
    if "preview" in parts:
        sizes, edits = ((QUICK,), turns) if quick else (posts, preview.EDITS)
        shown = preview.compare(work / "preview", folder / "peers", sizes, large, edits, console)
        keep("preview", sections.previews(shown, command))
        for line in sections.previews(shown, command).splitlines():
            console.say(line)
        found += [f"preview: {name} was left out: {why}" for name, why in shown.left_out.items()]
    for part, measured in (
        ("bake", _bake),
        ("serve", _serve),
        ("edge", _edge),
        ("push", _push),
        ("publish", _publish),
        ("growth", _growth),
        ("lexers", _lexers),
        ("specification", _specification),
    ):
        if part not in parts:
            continue
        try:
            text, lacking = measured(work / part, turns, command, console)
        except Problem as problem:  # what the other parts found stays
            found.append(f"{part}: {problem.message}")
            continue
        keep(part, text)
        for line in text.splitlines():
            console.say(line)
        found += lacking
    for one in found:
        console.say(f"not as it should be: {one}")
    if not quick:
        console.say(f"Written to {results}")
    return Exit.DIFFERENT if found else Exit.OK


def _bake(folder: Path, turns: int, command: str, console: Console) -> tuple[str, list[str]]:
    """The part of the report, and who was left out."""
    found = baking.compare(folder, turns, console)
    return sections.bakes(found, command), [f"{name} was left out: {why}" for name, why in found.left_out.items()]


def _serve(folder: Path, turns: int, command: str, console: Console) -> tuple[str, list[str]]:
    return sections.serves(serving.compare(folder, turns, console), command), []


def _edge(folder: Path, turns: int, command: str, console: Console) -> tuple[str, list[str]]:
    return edge.costs(edge.measure(folder, turns, console), command), []


def _push(folder: Path, _turns: int, command: str, console: Console) -> tuple[str, list[str]]:
    return pushing.pushes(pushing.measure(folder, console), command), []


def _publish(folder: Path, turns: int, command: str, console: Console) -> tuple[str, list[str]]:
    return publishing.publishes(publishing.measure(folder, turns, console), command), []


def _growth(_folder: Path, _turns: int, command: str, console: Console) -> tuple[str, list[str]]:
    found = growth.measure(console)
    return growth.growths(found, command), growth.too_much(found)


def _lexers(_folder: Path, _turns: int, command: str, console: Console) -> tuple[str, list[str]]:
    return lexers.lexers(lexers.measure(console), command), []


def _specification(folder: Path, _turns: int, command: str, console: Console) -> tuple[str, list[str]]:
    console.note("specification: its examples from npm")
    found = specification.count(list(specification.examples(specification.install(folder))))
    return specification.counts(found, command), specification.lacking(found)


@dataclass(frozen=True, slots=True)
class _Options:
    """What the part on building was asked for."""

    posts: tuple[int, ...]
    names: tuple[str, ...]
    large: tuple[str, ...]
    runs: tuple[int, ...]
    limit: int
    commit: str | None


def _build(options: _Options, folder: Path, command: str, keep: Callable[[str], None], console: Console) -> list[str]:
    """Measures builds; `keep` is given the report after each size. Gives what was not as it should be."""
    posts, limit = options.posts, options.limit
    load = os.getloadavg()[0]
    own = peers.sealpress(folder / "sealpress", options.commit)
    others = peers.install(tuple(name for name in options.names if name != "sealpress"), folder / "peers", console)
    everybody = [own, *others]
    able = [peer for peer in everybody if isinstance(peer, peers.Peer)]
    work = folder / "work"
    profile = None
    try:
        console.note("profiling sealpress")
        profile = steps.profile(work / "profile", min(posts[0], 1000), limit, own.environment)
    except Problem as problem:
        console.problem(problem)
    batches: list[batch.Batch] = []
    for number, count in enumerate(posts):
        rounds = options.runs[min(number, len(options.runs) - 1)]
        some = [peer for peer in able if not number or peer.name in {own.name, *options.large}]
        done = batch.run(some, work / str(count), count, rounds, limit, batches, console)
        done.left_out.update({peer.name: "not asked for at this size" for peer in able if peer not in some})
        batches.append(done)
        console.say(f"\n{count:,} posts, wall time (ratio to {batch.REFERENCE} in the same round)")
        console.table(*report.summary(done))
        keep(report.text(report.Results(command, limit, load, everybody, batches, profile)))
    shutil.rmtree(work, ignore_errors=True)
    return _complaints(everybody, batches)


def _complaints(everybody: list[peers.Peer | peers.Missing], batches: list[batch.Batch]) -> list[str]:
    missing = [f"{peer.name} is not installed: {peer.reason}" for peer in everybody if isinstance(peer, peers.Missing)]
    failed = [f"{name}: {reason}" for done in batches for name, reason in done.failed.items()]
    unlike = [one for done in batches if done.made for one in differences(done.made)]
    return [*missing, *failed, *unlike]


if __name__ == "__main__":
    run(bench)
