"""The hosts of a target together: opened and asked side by side, locked in one order, each telling in its own name."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from publish.releases import history, rollback
from publish.releases.release import Release
from publish.target import targets
from publish.target.hosts import Way, begin
from publish.target.targets import OpenTarget
from sealpress.commands.console import Advance, Console, Progress, Unit, size
from sealpress.config.settings import PublishTarget
from sealpress.config.sitefile import SiteFile
from sealpress.problems import Problem, ReleaseProblem, UsageProblem, did_you_mean, raise_all

Told = TypeVar("Told")

Fleet = tuple[OpenTarget, ...]
"""A target on each of its hosts, in the order of site.toml."""


@contextmanager
def opened(
    site: SiteFile,
    name: str,
    settings: PublishTarget,
    progress: Progress,
    home: Path | None = None,
    ways: Sequence[Way | None] = (),
) -> Iterator[Fleet]:
    """The target on all of its hosts, as long as the context lasts. `home`: as for targets.opened. `ways`: see `begun`.

    Raises Problem or Problems as that does, of every host that can't be opened.
    """
    with ExitStack() as stack:

        def enter(begun: tuple[PublishTarget, Way | None]) -> OpenTarget:
            one, way = begun
            voice = progress if len(settings.each) == 1 else _Voice(progress, one.only_host)
            return stack.enter_context(targets.opened(site, name, one, voice, home, way))

        each = [*zip(settings.each, ways or [None] * len(settings.each), strict=True)]
        yield tuple(_at_once(each, [one.only_host for one in settings.each], enter))


@contextmanager
def begun(settings: PublishTarget) -> Iterator[tuple[Way | None, ...]]:
    """Begins to connect to all hosts, for `opened`: they let us in while something else is done here.

    Raises Problem as hosts.begin.
    """
    with ExitStack() as stack:
        yield tuple(stack.enter_context(begin(one)) for one in settings.each)


@contextmanager
def locked(hosts: Fleet) -> Iterator[None]:
    """With nobody else at work on any of them. Raises Problem (exit 6) as a host's lock."""
    with ExitStack() as stack:
        for one in sorted(hosts, key=lambda one: one.host.title):  # as deploy takes them
            stack.enter_context(one.host.lock(one.line.name))
        yield


def at_once(hosts: Fleet, work: Callable[[OpenTarget], Told]) -> list[Told]:
    """What the work gives for each. Raises the Problems of all that have one, once each has ended."""
    return _at_once(hosts, [one.host.title for one in hosts], work)


def voice(hosts: Fleet, one: OpenTarget, progress: Progress) -> Progress:
    """Where one of them tells how far it is: of several, in its own name."""
    return progress if len(hosts) == 1 else _Voice(progress, one.host.title)


def called(hosts: Fleet, one: OpenTarget) -> str:
    """What stands before a result of one of several: "deploy@a.example: "."""
    return "" if len(hosts) == 1 else f"{one.host.title}: "


def result(hosts: Fleet, told: Sequence[Mapping[str, object]], console: Console) -> None:
    """The result for a machine: the document of the only host, or a list of such."""
    if len(hosts) == 1:
        console.result(told[0])
        return
    each = [{"host": one.host.title, **data} for one, data in zip(hosts, told, strict=True)]
    console.result({"target": hosts[0].name, "hosts": each})


def choose(settings: PublishTarget, name: str, host: str | None, why: str) -> PublishTarget:
    """The target with one host: its only one, or that which is meant. Raises Problem (exit 2) where that doesn't tell.

    `why`: for what one has to be chosen.
    """
    known = [one.only_host for one in settings.each]
    listed = ", ".join(known)
    if host is None:
        if len(known) > 1:
            raise UsageProblem(f"{why}, and {name} has {len(known)}", hint=f"--host with one of these: {listed}")
        return settings.each[0]
    if host not in known:
        raise UsageProblem(f'{name} has no host "{host}"{did_you_mean(host, known)}', hint=f"hosts: {listed}")
    return settings.each[known.index(host)]


def earlier(hosts: Fleet, to: int | None) -> list[Release]:
    """The release to go back to, on each: generation `to`, or that before the current. Raises Problem (exit 2, 8)."""
    first = rollback.choose(history.read(hosts[0].engine, hosts[0].line), to, hosts[0].settings.keep)
    keep = hosts[0].settings.keep
    found = at_once(hosts, lambda one: rollback.choose(history.read(one.engine, one.line), first.generation, keep))
    for one, release in zip(hosts, found, strict=True):
        if release.commit != first.commit:
            message = f"{one.host.title}: generation {first.generation} is another commit than on the first host"
            raise ReleaseProblem(message, hint="publish the commit that all shall have")
    return found


One = TypeVar("One")


def _at_once(each: Sequence[One], titles: Sequence[str], work: Callable[[One], Told]) -> list[Told]:
    if len(each) == 1:
        return [work(each[0])]
    with ThreadPoolExecutor(len(each)) as pool:
        futures = [pool.submit(work, one) for one in each]
    problems: list[Problem] = []
    for title, future in zip(titles, futures, strict=True):
        match future.exception():
            case None:
                pass
            case Problem() as problem:
                for one in problem.each:
                    if title not in one.message:
                        one.message = f"{title}: {one.message}"
                problems += problem.each
            case BaseException() as error:
                raise error
    raise_all(problems)
    return [future.result() for future in futures]


class _Voice:
    """sealpress.commands.console.Progress of one of several hosts. Bars of several would run into each other."""

    def __init__(self, progress: Progress, title: str) -> None:
        self._progress, self._title = progress, title

    @contextmanager
    def track(self, label: str, total: int | None, unit: Unit = "items") -> Iterator[Advance]:
        del total
        done = 0

        def count(more: int) -> None:
            nonlocal done
            done += more

        yield count
        self.note(f"{label}: {size(done) if unit == 'bytes' else done}")

    def note(self, text: str) -> None:
        self._progress.note(f"{self._title}: {text}")
