"""A soak: tests of the edge with many more requests than in `make test`, on each engine: `make soak`.

Its report has a row for each engine and scenario, with its date and commit: a run that was cut short, or was of one
engine alone, leaves the rows that it did not come to.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import click

from benchmarks import sections
from benchmarks.peers import TOP
from benchmarks.report import processor, table
from benchmarks.run import RESULTS
from sealpress.commands.command import run
from sealpress.commands.console import Console
from sealpress.problems import Exit

ENGINES: Final[Mapping[str, str]] = MappingProxyType(
    {"docker": "Docker, classic store", "containerd": "Docker, containerd's store", "podman": "Podman"}
)
_TESTS: Final = "tests/engine"
SCENARIOS: Final[Mapping[str, str]] = MappingProxyType(
    {
        f"{_TESTS}/test_edge.py::test_3000_requests_through_publishes_a_failing_release_and_a_rollback_lose_none": (
            "publish, failing release, rollback; HTTP/1.1"
        ),
        f"{_TESTS}/test_edge.py::test_a_replica_that_is_killed_or_frozen_and_an_edge_that_reloads_lose_none": (
            "replica killed, replica frozen, edge reloaded; HTTP/1.1"
        ),
        f"{_TESTS}/test_edge_certificates.py::test_http2_loses_no_request_whatever_happens": (
            "publish, failing release, rollback, replica killed, frozen, edge reloaded; HTTP/2"
        ),
        f"{_TESTS}/test_edge_tls.py::test_certificates_are_renewed_and_no_request_is_lost": (
            "certificates renewed each second, and a publish; HTTP/1.1 and HTTP/2 by TLS"
        ),
        f"{_TESTS}/test_edge.py::test_publishes_in_a_row_leave_nothing_that_is_not_wanted": (
            "100 publishes in a row: what is left of them"
        ),
    }
)
HEADER: Final = ("engine", "scenario", "result", "requests", "lost", "minutes", "date", "commit")
_ROW: Final = re.compile(r"^\| (.+) \|$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Soaked:
    """One scenario on one engine. `reason`: why it failed, "" where it did not."""

    requests: int
    lost: int
    seconds: float
    reason: str


def _engines(_context: click.Context, _option: click.Parameter, value: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in value.split(","))
    for name in names:
        if name not in ENGINES:
            raise click.BadParameter(f'there is no engine "{name}": {", ".join(ENGINES)}')
    return names


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--engines", default=",".join(ENGINES), show_default=True, callback=_engines, help="With commas.")
@click.option("--requests", default=60_000, show_default=True, type=click.IntRange(1), help="Of each event.")
@click.option("--minutes", default=120, show_default=True, type=click.IntRange(1), help="For all of it.")
@click.option("--only", default="", metavar="WORDS", help="Scenarios with these words in their names.")
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, help="The report.")
def soak(*, engines: tuple[str, ...], requests: int, minutes: int, only: str, results: Path) -> int:
    """Publish, roll back, fail, kill, freeze, reload and renew under load, on real engines. Needs root.

    Ends with 1 where anything was lost, failed, or was not come to in time.
    """
    console = Console.standard()
    until = time.monotonic() + minutes * 60
    is_well = True
    for engine in engines:
        for test, what in SCENARIOS.items():
            if only not in test:
                continue
            left = until - time.monotonic()
            if left <= 0:
                console.say(f"not come to: {ENGINES[engine]}: {what}")
                is_well = False
                continue
            console.note(f"{ENGINES[engine]}: {what}")
            found = measure(engine, test, requests, left)
            console.say(f"{ENGINES[engine]}: {what}: {found.reason or 'well'}, {found.requests:,} requests")
            is_well = is_well and not found.reason and not found.lost
            before = results.read_text("utf-8") if results.exists() else ""
            results.write_text(sections.put(before, "soak", report(before, engine, test, found)), encoding="utf-8")
    return Exit.OK if is_well else Exit.DIFFERENT


def measure(engine: str, test: str, requests: int, seconds: float) -> Soaked:
    """One scenario, ended after so many seconds."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        told = Path(folder, "told")
        began = time.monotonic()
        own = {"SEALPRESS_SOAK": str(requests), "SEALPRESS_SOAK_TOLD": str(told), "SEALPRESS_ENGINE": engine}
        limit = ["-o", f"timeout={round(seconds)}"]
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider", *limit, test],
            cwd=TOP,
            env={**os.environ, **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            out, _ = process.communicate(timeout=seconds + 60)
        except subprocess.TimeoutExpired:
            process.kill()  # the machine that it has made ends with it
            out, _ = process.communicate()
        counts = [line.split() for line in told.read_text("utf-8").splitlines()] if told.exists() else []
        errors = [line for line in out.splitlines() if line.startswith(("E  ", "SKIPPED", "ERROR"))]
        failed = process.returncode != 0 or " passed" not in out
        reason = (errors or ["it was ended, or said nothing"])[0].strip("E ").strip()[:200] if failed else ""
        return Soaked(
            sum(int(one[0]) for one in counts), sum(int(one[1]) for one in counts), time.monotonic() - began, reason
        )


def report(before: str, engine: str, test: str, found: Soaked) -> str:
    """The part of the report, with this row in the place of its older self."""
    rows: dict[tuple[str, str], list[str]] = {}
    part = re.search(r"<!-- part: soak -->\n(.*?)\n<!-- end -->", before, re.DOTALL)
    for line in _ROW.findall(part[1] if part else ""):
        cells = line.split(" | ")
        if len(cells) == len(HEADER) and cells[0] in ENGINES.values():
            rows[cells[0], cells[1]] = cells
    what = SCENARIOS[test]
    told = found.reason.replace("|", "/").replace("`", "'")
    rows[ENGINES[engine], what] = [
        ENGINES[engine],
        what,
        f"**failed**: {told}" if told else "well",
        f"{found.requests:,}" if found.requests else "–",
        f"{found.lost:,}" if found.requests else "–",
        f"{found.seconds / 60:.1f}",
        time.strftime("%Y-%m-%d", time.gmtime()),
        _commit(),
    ]
    wanted = [(name, told) for name in ENGINES.values() for told in SCENARIOS.values()]
    missing = [f"- not run yet: {name}: {told}" for name, told in wanted if (name, told) not in rows]
    cores = len(os.sched_getaffinity(0))
    kept = [rows[one] for one in wanted if one in rows]
    parts = [_HEAD, table(HEADER, kept), "\n".join(missing), f"{processor()}, {cores} cores", _COMMAND]
    return "\n\n".join(one for one in parts if one)


def _commit() -> str:
    done = subprocess.run(
        ["git", "-C", str(TOP), "describe", "--always", "--dirty=+"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "–"


_HEAD: Final = """\
# Under load

Readers ask without a pause, by new connections and by kept ones, while a release changes or something breaks. A request
is lost that is not answered, not with 200, or with another page than one of the two releases'. Of a row with several
events, each had its share of the requests before, while and after it."""

_COMMAND: Final = "```console\n$ make soak\n```"


if __name__ == "__main__":
    run(soak)
