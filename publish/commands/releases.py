"""What changes the releases that a host has: `publish rollback`, `stop`, `start`, `prune`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from publish.commands.options import opened, site_and_target, site_option, target_argument
from sealpress.commands.command import output_options
from sealpress.commands.console import Console
from sealpress.problems import StandingProblem

if TYPE_CHECKING:
    from publish.releases.release import Release
    from publish.target.targets import OpenTarget


@click.command()
@target_argument
@site_option
@click.option("--to", type=click.IntRange(min=1), help="This generation. [default: the one before the current]")
@output_options
def rollback(*, target: str | None, site_file: Path | None, to: int | None, console: Console) -> None:
    """Go back to an earlier release.

    It is probed and switched to like a new one, and becomes the newest generation: a second rollback comes back. One
    that the host has no more, as after a prune by hand, is built and sent again from its commit.
    """
    from publish.publishing import lost_release, report  # noqa: PLC0415 - --help need not wait for what the work imports
    from publish.publishing.lost_release import LostRelease  # noqa: PLC0415
    from publish.releases import rollback  # noqa: PLC0415
    from publish.target import audit  # noqa: PLC0415

    with opened(site_file, target, console) as hosts:
        olds = lost_release.earlier(hosts, to)
        if not isinstance(olds, LostRelease):
            console.note(f"going back to generation {olds[0].generation}, {report.short(olds[0])}")
            again = [
                rollback.again(old, (there.site_service(),), there.line) for there, old in zip(hosts, olds, strict=True)
            ]
            with audit.logged(hosts, "rollback", console) as told:
                # Who goes back is in a hurry: what is new in the edge waits for a publish.
                outcomes = report.put_out(hosts, again, console, renews_edge=False)
                told.extend(map(report.done, outcomes))
            report.tell(hosts, outcomes, [{} for _ in hosts], console)
            return
    lost_release.send(*site_and_target(site_file, target), olds, console)


@click.command()
@target_argument
@site_option
@output_options
def stop(*, target: str | None, site_file: Path | None, console: Console) -> None:
    """Take the site down, and what is shared beside it. Its releases stay on the host."""
    from publish.target import audit, fleet, shares  # noqa: PLC0415 - as above

    with opened(site_file, target, console, locked=True) as hosts, audit.logged(hosts, "stop", console) as done:
        for there, ended in zip(hosts, fleet.at_once(hosts, shares.end_all), strict=True):
            for name in ended:
                console.note(f"{fleet.called(hosts, there)}{name} is shared no more")
        each = fleet.at_once(hosts, lambda there: there.stop(fleet.voice(hosts, there, console)))
        told: list[dict[str, object]] = []
        for there, stopped in zip(hosts, each, strict=True):
            names, called = [one.name for one in stopped], fleet.called(hosts, there)
            done.append(", ".join(names) or "was not running")
            for name in names:
                console.note(f"{called}stopped {name}")
            console.say(f"{called}{there.name} is down" if stopped else f"{called}{there.name} was not running")
            told.append({"target": there.name, "stopped": names})
        fleet.result(hosts, told, console)


@click.command()
@target_argument
@site_option
@output_options
def start(*, target: str | None, site_file: Path | None, console: Console) -> None:
    """Start the current release again.

    After a stop, or where a reboot did not.
    """
    from publish.publishing import report  # noqa: PLC0415
    from publish.target import audit, fleet  # noqa: PLC0415

    with opened(site_file, target, console, locked=True) as hosts, audit.logged(hosts, "start", console) as done:
        releases = fleet.at_once(hosts, lambda there: there.start(fleet.voice(hosts, there, console)))
        done.extend(f"generation {one.generation}, {report.short(one)}" for one in releases)
        by_host = {there.host.title: release for there, release in zip(hosts, releases, strict=True)}
        fleet.at_once(hosts, lambda there: _must_answer(there, by_host[there.host.title]))
        told: list[dict[str, object]] = []
        for there, release in zip(hosts, releases, strict=True):
            address = there.address(release.release, release.site)
            what = f"generation {release.generation}, {report.short(release)}"
            console.say(f"{fleet.called(hosts, there)}{address} answers: {what}")
            more = {"target": there.name, "address": address.partition(" ")[0], "answers": True}
            told.append(release.as_data() | more)
        fleet.result(hosts, told, console)


def _must_answer(there: "OpenTarget", release: "Release") -> None:
    from publish.probing import probe  # noqa: PLC0415 - as above
    from publish.releases import history  # noqa: PLC0415

    wrong = probe.wait(lambda: history.wrong_with(there.host, release.containers), there.settings.timeout)
    if wrong:
        raise StandingProblem(
            f"generation {release.generation} was started, but does not answer rightly: {wrong}",
            said=[f"{one.name}: {one.state}" for one in release.containers],
            hint="look at what it writes, or go back to the release before it:",
            block=(f"publish logs {there.name}", f"publish rollback {there.name}"),
        )


@click.command()
@target_argument
@site_option
@output_options
def prune(*, target: str | None, site_file: Path | None, console: Console) -> None:
    """Forget all but the newest releases.

    As many stay as `keep` in site.toml says. A release of before that ran on behind an edge ends, once its `grace` is
    over, as does what was shared. Only containers and images with this site's labels are touched.
    """
    from publish.engines.protocol import RunState  # noqa: PLC0415
    from publish.publishing import sharing  # noqa: PLC0415
    from publish.releases import history, prune  # noqa: PLC0415
    from publish.target import audit, fleet  # noqa: PLC0415

    def forget(there: "OpenTarget") -> "tuple[int, tuple[Release, ...], tuple[str, ...]]":
        before = history.read(there.engine, there.line)
        for done in history.settle(there.host, there.line):
            fleet.voice(hosts, there, console).note(done)
        older = [one for each in before[1:] for one in each.containers if one.state is RunState.RUNNING]
        there.flip(fleet.voice(hosts, there, console)).retire(there.engine, tuple(older))
        warnings = prune.prune(there.engine, there.line, there.settings.keep)
        return len(before), history.read(there.engine, there.line), warnings

    with opened(site_file, target, console, locked=True) as hosts, audit.logged(hosts, "prune", console) as told:
        sharing.clear(hosts, console)
        each: list[dict[str, object]] = []
        for there, (before, after, warnings) in zip(hosts, fleet.at_once(hosts, forget), strict=True):
            called = fleet.called(hosts, there)
            for warning in warnings:
                console.note(f"warning: {called}{warning}")
            told.append(f"{before - len(after)} of {before} releases forgotten")
            console.say(f"{called}{told[-1]}")
            kept = [one.generation for one in after]
            each.append({"target": there.name, "kept": kept, "warnings": list(warnings)})
        fleet.result(hosts, each, console)
