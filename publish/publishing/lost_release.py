"""A release to go back to that its host has no more, as after a prune by hand: the host's log tells which commit it
was, and that is built and published again. The same commit with the same lock makes the same image.
"""

import re
from typing import Final

from publish.publishing import live
from publish.publishing.publication import Wishes, publish_site
from publish.releases import history
from publish.releases.release import Release
from publish.target import audit, fleet
from publish.target.fleet import Fleet
from publish.target.targets import OpenTarget
from sealpress.commands.console import Console
from sealpress.config.settings import PublishTarget
from sealpress.config.sitefile import SiteFile
from sealpress.frozen import frozen
from sealpress.git import repository as git
from sealpress.problems import Exit, MachineProblem, Problem

_TOLD: Final = re.compile(r"generation (\d+), release [0-9a-f]+, commit ([0-9a-f]{12,64})")


@frozen
class LostRelease:
    """`what` of it is gone from which host, in words. `commit` in hex digits, perhaps only the first ones."""

    commit: str
    what: str


def earlier(hosts: Fleet, to: int | None) -> list[Release] | LostRelease:
    """The release to go back to, generation `to` or that before the current: as each host has it still, or as lost.

    Raises Problem (exit 2, 8) where a host lacks it, and no log tells which commit that was.
    """
    try:
        olds = fleet.earlier(hosts, to)
    except Problem as problem:
        if any(one.code not in {Exit.RELEASE, Exit.USAGE} for one in problem.each):
            raise
        lost = next(filter(None, (_logged(there, to) for there in hosts)), None)
        if lost is None:
            raise
        return lost
    for there, old in zip(hosts, olds, strict=True):
        if old.commit and not all(there.engine.image(one.image) for one in old.containers):
            return LostRelease(old.commit, f"the image of generation {old.generation} is gone from {there.host.title}")
    return olds


def send(site: SiteFile, name: str, settings: PublishTarget, lost: LostRelease, console: Console) -> None:
    """Publishes it to all hosts of the target `name`, as a newer generation.

    Raises Problem (exit 2) where the commit isn't here, or not in this branch's history, and as a publish.
    """
    repository = git.discover(site.root.resolve())
    if repository is None:
        raise MachineProblem(f"{lost.what}, and this folder is in no git repository to build it from again")
    commit = repository.commit(lost.commit)
    console.note(f"{lost.what}: commit {commit.id[:12]} is built and sent again")
    with live.source_of(site, commit.id, f"the log of {name}", to_publish=True) as made_from:
        # As any rollback, it goes without what came since.
        publish_site(made_from, name, settings, Wishes(allow_lost_urls=True, command="rollback"), console)


def _logged(there: OpenTarget, to: int | None) -> LostRelease | None:
    current = next((one.generation for one in history.read(there.engine, there.line)), 0)
    for entry in audit.read(there):
        if found := _TOLD.match(entry.what):
            generation = int(found[1])
            if generation == to or (to is None and generation < current):
                return LostRelease(found[2], f"generation {generation} is gone from {there.host.title}")
    return None
