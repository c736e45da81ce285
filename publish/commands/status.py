"""`publish status`: the releases on the host, and whether the newest answers."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from publish.commands.options import site_and_target, site_option, target_argument
from sealpress.commands.command import output_options
from sealpress.commands.console import Console
from sealpress.problems import Exit, Problem, raise_all

if TYPE_CHECKING:
    from publish.target.targets import OpenTarget


@click.command()
@target_argument
@site_option
@click.option("--updates", "is_asked", is_flag=True, help="Ask a mirror, too, whether a security update waits.")
@output_options
def status(*, target: str | None, site_file: Path | None, is_asked: bool, console: Console) -> None:
    """Show the releases on the host, and where they run otherwise than site.toml says.

    The newest stands first; each that runs is asked whether it answers. Ends with 0 where the newest
    does on every host, and has valid certificates if it has TLS; else with 1. With --updates, it ends with 1 as well
    where a security update of its packages waits.
    """
    from publish.target import targets  # noqa: PLC0415 - --help need not wait for what the work imports

    site, name, settings = site_and_target(site_file, target)
    told: list[dict[str, object]] = []
    problems: list[Problem] = []
    is_well = True
    for one in settings.each:
        if len(settings.each) > 1:
            console.say(f"{one.only_host}:")
        try:
            with targets.opened(site, name, one, console) as there:
                each, answers = _one(there, console, is_asked=is_asked)
        except Problem as problem:
            if len(settings.each) == 1:
                raise
            # The others are told all the same.
            console.say(f"not known: {problem.each[0].message}")
            problems += problem.each
            each, answers = {"host": one.only_host, "problem": problem.each[0].as_data()}, False
        told.append(each)
        is_well = is_well and answers
    console.result(told[0] if len(told) == 1 else {"target": name, "hosts": told})
    raise_all(problems)
    if not is_well:
        raise click.exceptions.Exit(Exit.DIFFERENT)


def _one(there: "OpenTarget", console: Console, *, is_asked: bool) -> tuple[dict[str, object], bool]:
    """What is told of one host for a machine, and whether its newest release answers and no security update waits."""
    from publish.publishing import report, sharing  # noqa: PLC0415 - as above
    from publish.releases import history  # noqa: PLC0415
    from publish.target import certificates, shares, standing, targets  # noqa: PLC0415

    found = history.status(there.host, there.line)
    is_up = bool(found and found[0].answers)
    address = (
        there.address(found[0].release, found[0].site) if is_up else targets.address(there.settings, there.line.url)
    )
    report.show(found, console)
    health = standing.replicas(there, found[0]) if found else ()
    drift = standing.drift(there, found[0]) if found else ()
    for line in standing.lines(found[0], health, drift, found[1:]) if found else ():
        console.say(line)
    if found:
        console.say(f"edge: {there.edge}")
    shared = shares.lasting(there, shares.read(there))
    for one in shared:
        console.say(sharing.line(one))
    names = certificates.standing(there, found[0].site) if found and found[0].runs else ()
    for line in certificates.lines(names):
        console.say(line)
    updates, unknown = None, None
    if found and is_asked:
        try:
            waits = standing.updates(there, found[0], console)
            updates = waits.each
            for line in standing.waiting(waits):
                console.say(line)
        except Problem as problem:
            unknown = problem.message
            console.note(f"warning: whether updates wait is not known: {unknown}")
    if not found:
        console.say(f"nothing is published to {there.name} yet")
    told: dict[str, object] = {
        "target": there.name,
        "host": there.host.title,
        "engine": there.engine.title,
        "edge": there.edge if there.line.hosts else None,
        "address": address.partition(" ")[0],
        "releases": [one.as_data() for one in found],
        "replicas": [one.as_data() for one in health],
        "shares": [one.as_data() for one in shared],
        "drift": [asdict(one) for one in drift],
        "certificates": [one.as_data() for one in names],
        "updates": None if updates is None else [one.as_data() for one in updates],
        "updates_unknown": unknown,
    }
    is_well = is_up and all(one.is_valid for one in names)
    return told, is_well and not any(one.is_security for one in updates or ())
