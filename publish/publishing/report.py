"""The work behind the commands: a release is switched to, or compared with its build, and what came of it is told."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from publish.deploy.deployment import Deployment
from publish.deploy.journal import Event
from publish.deploy.state_machine import Outcome, deploy
from publish.engines.protocol import Endpoint
from publish.probing import answers
from publish.probing.answers import url_path
from publish.probing.compare import compare
from publish.probing.probe import BODY_LIMIT, Expectation
from publish.releases.reach import endpoint_of
from publish.releases.release import TIME, Release, ReleaseSpec, seconds_of
from publish.target import certificates, fleet
from publish.target.fleet import Fleet
from publish.target.targets import OpenTarget
from sealpress import labels
from sealpress.commands.console import Console, Progress, size
from sealpress.config.sitefile import SiteFile
from sealpress.problems import Exit, Problem, ReleaseProblem
from sealpress.tree.tree import OutputTree

if TYPE_CHECKING:
    from publish.publishing.pipeline import Product

_SHOWN_DIFFERENCES: Final = 10
_SHOWN_SUBJECT: Final = 50
_SUBJECT_LENGTH: Final = 200


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


def put_out(
    hosts: Fleet, releases: Sequence[ReleaseSpec], console: Console, *, renews_edge: bool = True
) -> tuple[Outcome, ...]:
    """Deploys a release to each host, telling each step; where it fails, the journals are still printed with --json.

    Raises Problem as `deploy` does.
    """
    for there in hosts:
        there.check_files()
    journals: list[list[Event]] = [[] for _ in hosts]
    now = time.strftime(TIME, time.gmtime(_now()))
    made: list[Deployment] = []
    for number, (there, release) in enumerate(zip(hosts, releases, strict=True)):
        voice = fleet.voice(hosts, there, console)
        settings = there.settings
        wanted = Deployment(
            there.host,
            there.line,
            replace(release, published=now, subject=release.subject[:_SUBJECT_LENGTH]),
            settings.keep,
            settings.timeout,
            watch=settings.canary_wait if settings.rollout == "canary" and number == 0 and len(hosts) > 1 else 0,
            flip=there.flip(voice, renews_edge=renews_edge),
            progress=voice,
            record=partial(_record, journals[number], voice),
        )
        made.append(wanted)
    try:
        return deploy(made)
    except Problem as problem:
        problem.facts = _failed(hosts, journals)
        raise
    except KeyboardInterrupt:
        console.result(_failed(hosts, journals))
        raise


def _record(journal: list[Event], voice: Progress, event: Event) -> None:
    journal.append(event)
    voice.note(str(event))


def _failed(hosts: Fleet, journals: Sequence[Sequence[Event]]) -> dict[str, object]:
    each = [[event.as_data() for event in journal] for journal in journals]
    if len(each) == 1:
        return {"published": False, "journal": each[0]}
    told = [{"host": one.host.title, "journal": journal} for one, journal in zip(hosts, each, strict=True)]
    return {"published": False, "hosts": told}


def tell(hosts: Fleet, outcomes: Sequence[Outcome], facts: Sequence[Mapping[str, object]], console: Console) -> None:
    """Says where the target answers now: what runs there is told as the hosts' labels have it.

    `facts` of the image that was baked for each host go into the result as they are.
    """
    told = [
        _tell(there, outcome, known, fleet.called(hosts, there), console)
        for there, outcome, known in zip(hosts, outcomes, facts, strict=True)
    ]
    fleet.result(hosts, told, console)


def _tell(
    there: OpenTarget, outcome: Outcome, facts: Mapping[str, object], called: str, console: Console
) -> dict[str, object]:
    commit = outcome.site.labels.get(labels.COMMIT, "")
    address = there.address(outcome.release)
    names = certificates.standing(there, outcome.site)
    warnings = [*outcome.warnings, *(f"{one.name} {one.wrong}" for one in names if one.wrong)]
    for warning in warnings:
        console.note(f"warning: {called}{warning}")
    what = "already runs" if outcome.unchanged else "answers"
    console.say(f"{called}{address} {what}: generation {outcome.generation}")
    console.detail(f"release {outcome.release}" + (f", commit {commit}" if commit else ""))
    if "digest" in facts:
        console.detail(f"image   {facts['digest']}, {size(int(str(facts['bytes'])))}")
    if "seal" in facts:
        console.detail(f"seal    {facts['seal']}, {'signed' if facts['keys'] else 'not signed'}")
    console.detail(f"edge    {there.edge}")
    if names:
        console.detail(f"certificates and their keys: {certificates.volume(there)}")
    return {
        "published": True,
        "target": there.name,
        "address": address.partition(" ")[0],
        "generation": outcome.generation,
        "release": outcome.release,
        "commit": commit,
        "image": outcome.site.image,
        "edge": there.edge if there.line.hosts else None,
        "unchanged": outcome.unchanged,
        "warnings": warnings,
        "certificates": [one.as_data() for one in names],
        "journal": [event.as_data() for event in outcome.journal],
        **facts,
    }


def done(outcome: Outcome) -> str:
    """What came of a deployment, for the audit log."""
    commit = outcome.site.labels.get(labels.COMMIT, "")
    told = f"generation {outcome.generation}, release {outcome.release.removeprefix('sha256:')[:12]}"
    told += f", commit {commit[:12]}" if commit else ""
    return f"{told}, which ran already" if outcome.unchanged else told


def verify(
    there: OpenTarget, container_id: str, tree: OutputTree, site: SiteFile, console: Console, called: str = ""
) -> dict[str, object]:
    """Compares what a container serves with a site's tree, and tells; `called` stands before that, of several hosts.

    Raises Problem (exit 1) where anything differs, with the first few differences, and (exit 8) where it doesn't run.
    """
    endpoint = endpoint_of(there.engine, container_id, there.site.settings.image.port)
    if endpoint is None:
        raise ReleaseProblem(f"{called}the site does not run", hint="publish start brings it back")
    with there.host.reach(endpoint) as reached:
        return compared(tree, site, reached, console, called)


def compared(
    tree: OutputTree, site: SiteFile, endpoint: Endpoint, console: Console, called: str = ""
) -> dict[str, object]:
    """Compares what a server answers with what the image of a site's tree does, and tells.

    Raises Problem (exit 1) where anything differs, with the first few differences, after which no more is asked for
    unless all is wanted; and (exit 3, 5) for a site that can't be baked.
    """
    wanted = answers.of_site(tree, site)
    most = 0 if console.whole else _SHOWN_DIFFERENCES
    differences = compare(wanted, endpoint, console, tree.read, most)
    told: dict[str, object] = {
        "verified": not differences,
        "files": len(tree.served),
        "answers": len(wanted),
        "differences": [one.as_data() for one in differences],
    }
    if differences:
        more = ["… and perhaps more: --all asks for the rest"] if most and len(differences) >= most else []
        what = "answers differ" if len(differences) > 1 else "answer differs"
        problem = Problem(
            f"{called}{len(differences)} {what} from what was sealed",
            code=Exit.DIFFERENT,
            said=[*map(str, differences), *more],
            hint=next((one.hint for one in differences if one.hint), None),
        )
        problem.facts = told
        raise problem
    files = f"all {len(tree.served)} files are served as they were built"
    console.say(f"{called}verified: {files} ({len(wanted)} answers, with their headers)")
    return told


def other_commit(runs: str, built: str) -> str:
    """That the same pages run by another commit than they were built from here; "" is one that isn't known."""
    shown = [f"commit {one[:12]}" if one else "a tree that no commit holds" for one in (runs, built)]
    return f"the host runs {shown[0]}, and these files are of {shown[1]}: the same, but for what the seal says"


def show(found: Sequence[Release], console: Console) -> None:
    """The table of releases, one per line. Ages are of now; a machine gets times (Release.as_data)."""
    if not found:
        return
    console.table(
        ["GENERATION", "STATE", "PUBLISHED", "AGE", "RELEASE", "COMMIT", "SUBJECT"],
        [
            [
                str(one.generation),
                _state(one),
                *when(one.told(labels.PUBLISHED)),
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


def when(published: str) -> tuple[str, str]:
    """A time for a person, in UTC, and how long ago that is: "2026-11-19 02:12 UTC", "3 h"."""
    seconds = seconds_of(published)
    if seconds is None:
        return "–", "–"
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds)), age(_now() - seconds)


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
