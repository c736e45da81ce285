"""`publish log` and `publish logs`: what was done to a target, and what its site writes."""

from pathlib import Path

import click

from publish.commands.options import host_option, opened, site_and_target, site_option, target_argument
from sealpress.commands.command import output_options
from sealpress.commands.console import Console
from sealpress.problems import ReleaseProblem, UsageProblem

_SHOWN = 20


@click.command()
@target_argument
@site_option
@output_options
def log(*, target: str | None, site_file: Path | None, console: Console) -> None:
    """Show who changed what on the host, when, and what came of it.

    The newest stands first. Each publish, rollback, stop, start and prune is an entry, also one that failed. The host
    keeps the log, for the account that publishes.
    """
    from publish.publishing import report  # noqa: PLC0415
    from publish.target import audit, fleet  # noqa: PLC0415 - --help need not wait for what the work imports

    with opened(site_file, target, console) as hosts:
        each = fleet.at_once(hosts, audit.read)
        titles = [one.host.title for one in hosts]
        found = [(one, title) for entries, title in zip(each, titles, strict=True) for one in entries]
        found.sort(key=lambda one: one[0].at, reverse=True)
        shown = found if console.whole else found[:_SHOWN]
        more = ["HOST"] if len(hosts) > 1 else []
        if shown:
            console.table(
                ["WHEN", "AGE", *more, "COMMAND", "RESULT", "WHO", "WHAT"],
                [
                    [*report.when(one.at), *([title] if more else []), one.command, one.result, one.who, one.what]
                    for one, title in shown
                ],
            )
        else:
            console.say(f"nothing was done to {hosts[0].name} yet")
        if len(shown) < len(found):
            console.say(f"… and {len(found) - len(shown)} older ones; --all shows each")
        entries = [{**one.as_data(), **({"host": title} if more else {})} for one, title in found]
        console.result({"target": hosts[0].name, "entries": entries})


@click.command()
@target_argument
@site_option
@click.option("-f", "--follow", "is_followed", is_flag=True, help="Go on until Ctrl-C, also with the release after it.")
@click.option("-n", "--lines", type=click.IntRange(0, 10_000), default=100, help="The last ones. [default: 100]")
@host_option
@output_options
def logs(
    *, target: str | None, site_file: Path | None, host: str | None, is_followed: bool, lines: int, console: Console
) -> None:
    """Show what the site's container writes: its requests, and what went wrong.

    It is the newest release that runs that is asked. What would drive a terminal is shown as an escape.
    """
    from publish.releases import container_log, history  # noqa: PLC0415
    from publish.target import fleet, targets  # noqa: PLC0415

    if is_followed and console.json:
        raise UsageProblem("--json goes without --follow: one document has an end")
    site, name, settings = site_and_target(site_file, target)
    only = fleet.choose(settings, name, host, "logs are those of one host")
    with targets.opened(site, name, only, console) as there:
        running = next((one for one in history.read(there.engine, there.line) if one.runs), None)
        if running is None:
            raise ReleaseProblem("the site does not run", hint="publish start brings it back")
        if is_followed:
            container_log.follow(there.engine, there.line, running, lines, console)
            return
        found = there.engine.logs(running.site.id, lines).splitlines() if lines else []
        for line in found:
            console.say(line)
        console.result({"target": there.name, "generation": running.generation, "lines": found})
