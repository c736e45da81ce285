"""`publish share`: a branch, or the folder as it is, beside the live site at a secret address that ends by itself."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

from publish.edge.share import SharedRelease
from publish.publishing import pipeline
from publish.publishing.pipeline import SiteSource
from publish.target import audit, fleet, shares
from publish.target.fleet import Fleet
from publish.target.shares import ReleaseShare, SharedSite
from publish.target.targets import OpenTarget
from sealpress.commands.console import Console
from sealpress.config import sitefile
from sealpress.config.settings import PublishTarget
from sealpress.config.sitefile import SiteFile
from sealpress.files import scratch
from sealpress.frozen import frozen
from sealpress.git import remotes
from sealpress.git import repository as git
from sealpress.problems import MachineProblem, Problem, UsageProblem

_SECRET_BYTES = 16


@frozen
class ShareWishes:
    """What a person asked for. `branch`: any name of a commit, "" for what is checked out. `seconds`: for how long."""

    branch: str = ""
    dirty: bool = False
    drafts: bool = False
    seconds: int = 0
    allow_command: bool = False


def begin(site: SiteFile, name: str, settings: PublishTarget, wishes: ShareWishes, console: Console) -> None:
    """Shares it on every host of the target, and tells the address.

    Raises Problem or Problems, of any stage; then nothing new is shared.
    """
    if wishes.dirty and wishes.branch:
        raise UsageProblem("a branch and --dirty are two things to share", hint="leave one of them out")
    if wishes.drafts and site.settings.build.command:
        raise UsageProblem("--drafts is for sites that ssg builds", hint="let [build] command take its drafts in")
    with (
        fleet.opened(site, name, settings, console) as hosts,
        scratch.folder("share") as folder,
        _source(site, wishes, console) as (made_from, what),
    ):
        for there in hosts:
            shares.live_server(there)
        if (other := sitefile.image_name(made_from.site.settings)) != hosts[0].line.site:
            raise UsageProblem(f"{what} is another site: {other}", hint="see [image] name and [site] url there")
        product = pipeline.produce(
            made_from,
            folder,
            console,
            dirty=wishes.dirty,
            allow_command=wishes.allow_command,
            drafts=wishes.drafts,
        )
        lock = pipeline.lock_file(made_from, None, made_from.home, console)
        images = {
            one: pipeline.bake(product, made_from, lock, one, console)
            for one in sorted({there.engine.architecture() for there in hosts})
        }
        shown = SharedSite(what, product.commit, made_from.site.settings.image.port, product.tree.below)
        with fleet.locked(hosts), audit.logged(hosts, "share", console) as came:
            clear(hosts, console)
            known = [share for each in fleet.at_once(hosts, shares.read) for share in each]
            shared = _shared(what, known)
            try:
                addresses = fleet.at_once(
                    hosts,
                    lambda there: shares.begin(
                        there,
                        images[there.engine.architecture()],
                        shown,
                        replace(shared, until=shares.now(there) + wishes.seconds),
                        fleet.voice(hosts, there, console),
                    ),
                )
            except BaseException:
                if all(one.name != shared.name for one in known):
                    with suppress(Problem):
                        fleet.at_once(hosts, lambda there: shares.end(there, (shared.name,)))
                raise
            (told,) = (one for one in shares.read(hosts[0]) if one.name == shared.name)
            came.extend(f"{told.name}: {what}, until {_when(told.until)}" for _ in hosts)
        console.say(f"{addresses[0]} shows {what} until {_when(told.until)}")
        console.detail(f"who has this address sees it, nobody else; publish share --end {told.name} ends it")
        console.result(told.as_data() | {"target": name, "address": addresses[0]})


def show(hosts: Fleet, console: Console) -> None:
    """What is shared, with the addresses."""
    told: list[dict[str, object]] = []
    for there, each in zip(hosts, fleet.at_once(hosts, _lasting), strict=True):
        if len(hosts) > 1:
            console.say(f"{there.host.title}:")
        if each:
            rows = [[one.name, one.what, one.commit[:12] or "–", _when(one.until), one.address] for one in each]
            console.table(["NAME", "SHOWS", "COMMIT", "UNTIL", "ADDRESS"], rows)
        else:
            console.say("nothing is shared")
        shown = [one.as_data() | {"address": one.address} for one in each]
        told.append({"target": there.name, "shares": shown})
    fleet.result(hosts, told, console)


def end(hosts: Fleet, name: str, console: Console) -> None:
    """Ends a share, the only one (""), or all. Raises Problem (exit 2) where that doesn't tell."""
    known = {one.name: one for each in fleet.at_once(hosts, shares.read) for one in each}
    names = shares.chosen(name, [known[one] for one in sorted(known)])
    with audit.logged(hosts, "share --end", console) as came:
        ended = fleet.at_once(hosts, lambda there: shares.end(there, names))
        came.extend(", ".join(each) or "nothing" for each in ended)
    for one in names:
        console.say(f"{one} is shared no more")
    each = [{"target": there.name, "ended": list(done)} for there, done in zip(hosts, ended, strict=True)]
    fleet.result(hosts, each, console)


def clear_if_due(hosts: Fleet, console: Console) -> None:
    """As `clear`, for who has no lock yet: that is taken only where something has run out."""
    try:
        if any(fleet.at_once(hosts, _is_due)):
            with fleet.locked(hosts):
                clear(hosts, console)
    except Problem as problem:
        console.note(f"warning: shares that have run out were not cleared away: {problem.message}")


def clear(hosts: Fleet, console: Console) -> None:
    """Takes away what has run out, on each host, and tells. What can't be is a warning: it leads nowhere anyway."""
    try:
        cleared = fleet.at_once(hosts, shares.clear)
    except Problem as problem:
        console.note(f"warning: shares that have run out were not cleared away: {problem.message}")
        return
    for there, done in zip(hosts, cleared, strict=True):
        for line in done:
            console.note(fleet.called(hosts, there) + line)


def line(one: ReleaseShare) -> str:
    """A share in a sentence, without its address."""
    commit = f", commit {one.commit[:12]}" if one.commit else ""
    return f"shared as {one.name}: {one.what}{commit}, until {_when(one.until)}"


@contextmanager
def _source(site: SiteFile, wishes: ShareWishes, console: Console) -> Iterator[tuple[SiteSource, str]]:
    """What is built, and what it is called."""
    more = ", with drafts" if wishes.drafts else ""
    if wishes.dirty:
        with pipeline.source(site, console, dirty=True) as made_from:
            yield made_from, f"the working tree{more}"
        return
    folder = site.root.resolve()
    repository = git.discover(folder)
    if repository is None:
        raise MachineProblem(f"{folder} is in no git repository", hint="share the folder as it is: --dirty")
    commit = repository.commit(wishes.branch or "HEAD")
    branch = wishes.branch or remotes.branch_of(repository)
    with pipeline.committed(repository, commit, folder, site.name) as made_from:
        yield made_from, f"branch {branch}{more}" if branch else f"commit {commit.id[:12]}{more}"


def _is_due(there: OpenTarget) -> bool:
    known = shares.read(there)
    return len(known) > len(shares.lasting(there, known))


def _lasting(there: OpenTarget) -> tuple[ReleaseShare, ...]:
    return shares.lasting(there, shares.read(there))


def _shared(what: str, known: list[ReleaseShare]) -> SharedRelease:
    """Until when is each host's to tell. With the address that it has already, where it is shared anew."""
    name = shares.name_for(what, known)
    before = next((one.address for one in known if one.name == name and one.address), "")
    secret = before.rstrip("/").rpartition("/")[2] or secrets.token_hex(_SECRET_BYTES)
    return SharedRelease(name, secret, 0)


def _when(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M UTC}"
