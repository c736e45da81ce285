"""A release renewed: the commit that runs, with the newest packages. Readers see the same pages, from a web server
without known holes.
"""

import os
from dataclasses import asdict, replace

from imagebake.image.comparison import Setting
from imagebake.packages import lock as locks
from imagebake.packages.lock import Lock
from imagebake.recipes.lock import pin
from publish.publishing import live
from publish.publishing.publication import Wishes, publish_site
from publish.releases import history
from publish.target import fleet
from sealpress.commands.console import Console
from sealpress.config.settings import LOCK_NAME, PublishTarget
from sealpress.config.sitefile import SiteFile
from sealpress.files import files, scratch
from sealpress.problems import ReleaseProblem


def renew(site: SiteFile, name: str, settings: PublishTarget, wishes: Wishes, console: Console) -> None:
    """Publishes the commit that runs on the target anew, with the newest packages; then the lock beside site.toml has
    them, too. Where anything fails, lock and site stay as they were.

    Raises Problem (exit 8) where nothing runs there, (exit 1, 2) where its commit can't be had, and as a publish.
    """
    with fleet.opened(site, name, settings, console) as hosts:
        found = fleet.at_once(hosts, lambda there: history.read(there.engine, there.line))
        for there, releases in zip(hosts, found, strict=True):
            called = fleet.called(hosts, there)
            if not releases:
                raise ReleaseProblem(f"{called}nothing is published to {name} yet", hint="publish first")
            if not releases[0].runs:  # a timer must not put back what somebody took down
                hint = "publish start brings it back"
                raise ReleaseProblem(f"{called}{name} does not run, and is left as it is", hint=hint)
            if releases[0].commit != found[0][0].commit:
                message = f"{called}{name} runs another commit than {hosts[0].host.title}"
                raise ReleaseProblem(message, hint="publish brings one to all of its hosts")
    commit = found[0][0].commit
    own = site.root.resolve() / LOCK_NAME
    with (
        live.source_of(site, commit, name, to_publish=True) as made_from,
        scratch.folder("renew") as folder,
    ):
        fresh = folder / LOCK_NAME
        held = next((one for one in (own, made_from.site.root / LOCK_NAME) if os.path.lexists(one)), None)
        before = locks.load(held) if held else None
        if before:
            locks.save(before, fresh)
        after, _ = pin(made_from.site.settings.image, fresh, console, upgrade=True)
        changed = _difference(before, after)
        for one in changed:
            console.say(f"{one.name}: {' → '.join(filter(None, (one.before, one.after)))}")
        if not changed:
            console.say(f"nothing is newer than the packages of {LOCK_NAME}")
        facts = {"packages": [asdict(one) for one in changed], "lock": str(own)}
        # The commit that runs may be older than the edge's lock.
        told = replace(wishes, lock=fresh, command="renew", facts=facts, renews_edge=False)
        publish_site(made_from, name, settings, told, console)
        if before is None or before.digest != after.digest or held != own:
            files.check_way(own.parent)
            locks.save(after, own)
            console.note(f"{own} has these packages now: git add {LOCK_NAME} and commit it")


def _difference(before: Lock | None, after: Lock) -> tuple[Setting, ...]:
    """Packages of which another version is taken, by their names."""
    old, new = (
        {(one.name, one.architecture): one.version for one in lock.packages} if lock else {} for lock in (before, after)
    )
    # Mostly both architectures get the same: that is told once.
    changed = {(name, old.get((name, arch)), new.get((name, arch))) for name, arch in {*old, *new}}
    return tuple(Setting(*one) for one in sorted(changed, key=str) if one[1] != one[2])
