"""`publish doctor`: what a publish needs, here and on the targets."""

from dataclasses import asdict
from pathlib import Path

import click

from publish.commands.options import site_option, target_argument
from sealpress.commands.command import output_options
from sealpress.commands.console import Console
from sealpress.problems import Exit


@click.command()
@target_argument
@site_option
@output_options
def doctor(*, target: str | None, site_file: Path | None, console: Console) -> int:
    """Look at all that a publish needs, and say what to mend.

    Here: git, the commit, the lock, the key, the cache, ssh. On the target, or on each: the host, its engine, what runs
    there, the port. Ends with 0 where nothing is to be mended, else with 1.
    """
    from publish.target import doctor, targets  # noqa: PLC0415 - --help need not wait for what the work imports
    from sealpress.config import sitefile  # noqa: PLC0415

    site = sitefile.open_site(site_file)
    chosen = dict([targets.choose(site, target)]) if target else site.settings.publish
    parts = [("this machine", list(doctor.here(site)))]
    for name, settings in chosen.items():
        for each in settings.each:
            title = name if len(settings.each) == 1 else f"{name} {each.only_host}"
            parts.append((title, list(doctor.there(site, name, each, console))))
    for name, findings in parts:
        console.say(f"{name}:")
        for one in findings:
            console.say(f"{'  ok' if one.is_well else 'MEND'}  {one.what:<9}  {one.told}")
            if one.mend:
                console.say(f"      {'':<9}  {one.mend}")
    told = {name: [asdict(one) for one in findings] for name, findings in parts}
    console.result({"findings": told})
    return Exit.OK if all(one.is_well for _, findings in parts for one in findings) else Exit.DIFFERENT
