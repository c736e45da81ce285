"""The work behind the commands: a release is switched to, or compared with its build, and what came of it is told."""

import calendar
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from publish.deploy.deployment import Deployment
from publish.deploy.journal import Event
from publish.deploy.state_machine import Outcome, deploy
from publish.engines.protocol import Endpoint
from publish.probing.compare import compare, url_path
from publish.probing.probe import BODY_LIMIT, Expectation
from publish.releases.release import Release, ReleaseSpec
from publish.targets import OpenTarget
from sealpress import labels
from sealpress.commands.console import Console, size
from sealpress.problems import Exit, Problem, ReleaseProblem
from sealpress.tree.tree import OutputTree

if TYPE_CHECKING:
    from publish.pipeline import Product

_SHOWN_DIFFERENCES: Final = 10
_SHOWN_SUBJECT: Final = 50
_SUBJECT_LENGTH: Final = 200
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


def expectations(product: "Product") -> tuple[Expectation, ...]:
    """That the front page and the page for what isn't there are the tree's own, where readers ask for them."""
    special = {"index.html": 200, "404.html": 404}
    below = product.tree.below
    pages = tuple(
        Expectation(url_path(entry.path, below), (special[entry.path],), sha256=entry.sha256)
        for entry in product.tree.entries
        if entry.path in special and entry.size < BODY_LIMIT
    )
    return (*pages, Expectation("/", (302,))) if below else pages


def put_out(there: OpenTarget, release: ReleaseSpec, console: Console) -> Outcome:
    """Deploys a release, telling each step; where it fails, its journal is still printed with --json.

    Raises Problem as `deploy` does.
    """
    journal: list[Event] = []

    def record(event: Event) -> None:
        journal.append(event)
        console.note(str(event))

    now = time.strftime(_TIME, time.gmtime(_now()))
    release = replace(release, published=now, subject=release.subject[:_SUBJECT_LENGTH])
    keep, timeout = there.settings.keep, there.settings.timeout
    wanted = Deployment(there.host, there.line, release, keep, timeout, progress=console, record=record)
    try:
        (outcome,) = deploy([wanted])
    except Problem as problem:
        problem.facts = _failed(journal)
        raise
    except KeyboardInterrupt:
        console.result(_failed(journal))
        raise
    return outcome


def _failed(journal: Sequence[Event]) -> dict[str, object]:
    return {"published": False, "journal": [event.as_data() for event in journal]}


def tell(there: OpenTarget, outcome: Outcome, facts: dict[str, object], console: Console) -> None:
    """Says where the target answers now: what runs there is told as the host's labels have it.

    `facts` of the image that was baked go into the result as they are.
    """
    commit = outcome.site.labels.get(labels.COMMIT, "")
    address = there.address(outcome.release)
    for warning in outcome.warnings:
        console.note(f"warning: {warning}")
    what = "already runs" if outcome.unchanged else "answers"
    console.say(f"{address} {what}: generation {outcome.generation}")
    console.detail(f"release {outcome.release}" + (f", commit {commit}" if commit else ""))
    if "digest" in facts:
        console.detail(f"image   {facts['digest']}, {size(int(str(facts['bytes'])))}")
    if "seal" in facts:
        console.detail(f"seal    {facts['seal']}, {'signed' if facts['keys'] else 'not signed'}")
    console.result(
        {
            "published": True,
            "target": there.name,
            "address": address.partition(" ")[0],
            "generation": outcome.generation,
            "release": outcome.release,
            "commit": commit,
            "image": outcome.site.image,
            "unchanged": outcome.unchanged,
            "warnings": list(outcome.warnings),
            "journal": [event.as_data() for event in outcome.journal],
            **facts,
        }
    )


def verify(there: OpenTarget, container_id: str, tree: OutputTree, console: Console) -> dict[str, object]:
    """Compares what a container serves with the tree, and tells.

    Raises Problem (exit 1) where anything differs, with the first few differences, and (exit 8) where it doesn't run.
    """
    endpoint = there.engine.endpoint(container_id, there.site.settings.image.port)
    if endpoint is None:
        raise ReleaseProblem("the site does not run", hint="publish start brings it back")
    with there.host.reach(endpoint) as reached:
        return compared(tree, reached, console)


def compared(tree: OutputTree, endpoint: Endpoint, console: Console) -> dict[str, object]:
    """Compares what a server serves with the tree, and tells.

    Raises Problem (exit 1) where anything differs, with the first few differences.
    """
    differences = compare(tree, endpoint, console)
    if differences:
        more = len(differences) - _SHOWN_DIFFERENCES
        raise Problem(
            f"{len(differences)} of {len(tree.served)} files differ from what the host serves",
            code=Exit.DIFFERENT,
            said=[*map(str, differences[:_SHOWN_DIFFERENCES]), *([f"… and {more} more"] if more > 0 else [])],
        )
    console.say(f"verified: all {len(tree.served)} files are served as they were built")
    return {"files": len(tree.served), "differences": []}


def other_commit(runs: str, built: str) -> str:
    """That the same pages run by another commit than they were built from here; "" is one that isn't known."""
    shown = [f"commit {one[:12]}" if one else "a tree that no commit holds" for one in (runs, built)]
    return f"the host runs {shown[0]}, and these files are of {shown[1]}: the same, but for what the seal says"


def show(found: Sequence[Release], console: Console) -> None:
    """The table of releases, one per line. Ages are of now; a machine gets times (Release.as_data)."""
    if not found:
        return
    now = _now()
    console.table(
        ["GENERATION", "STATE", "PUBLISHED", "AGE", "RELEASE", "COMMIT", "SUBJECT"],
        [
            [
                str(one.generation),
                _state(one),
                *_when(one.told(labels.PUBLISHED), now),
                _digits(one),
                one.commit[:12] or "–",
                subject,
            ]
            for one in found
            for subject in [shorten(one.told(labels.SUBJECT), _SHOWN_SUBJECT) or "–"]
        ],
    )


def _now() -> float:
    return time.time()


def _when(published: str, now: float) -> tuple[str, str]:
    """A time for a person, in UTC, and how long ago that is: "2026-11-19 02:12 UTC", "3 h"."""
    try:
        seconds = calendar.timegm(time.strptime(published, _TIME))
    except ValueError:
        return "–", "–"
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds)), age(now - seconds)


def age(seconds: float) -> str:
    """How long ago, in the largest unit of which it is two at least: "119 s", "2 min", "47 h", "2 d"."""
    left = max(0, int(seconds))
    for unit, in_next in (("s", 60), ("min", 60), ("h", 24)):
        if left < 2 * in_next:
            return f"{left} {unit}"
        left //= in_next
    return f"{left} d"


def shorten(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def short(release: Release) -> str:
    """What a release is called within a sentence: "release 0123456789ab, commit 0123456789ab"."""
    commit = f", commit {release.commit[:12]}" if release.commit else ""
    return f"release {_digits(release)}{commit}"


def _state(release: Release) -> str:
    match release.answers:
        case None:
            return f"{release.state}"
        case True:
            return "answers"
        case False:
            return f"{release.state}, does not answer"


def _digits(release: Release) -> str:
    return release.release.removeprefix("sha256:")[:12]
