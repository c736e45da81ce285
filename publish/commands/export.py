"""`publish export`: what somebody else's tools need for a target."""

from pathlib import Path

import click

from publish.commands.options import host_option, site_and_target, site_option, target_argument
from sealpress.commands.command import output_options
from sealpress.commands.console import Console


@click.command("export")
@click.argument("form", metavar="FORMAT", type=click.Choice(["nginx", "compose", "quadlet", "systemd"]))
@target_argument
@site_option
@host_option
@output_options
def export(*, form: str, target: str | None, site_file: Path | None, host: str | None, console: Console) -> None:
    """Print what somebody else's tools need for a target.

    FORMAT is nginx, for a proxy that leads to the site; or compose, quadlet or systemd, for who runs the newest release
    on the host in the place of `publish`. Nothing is changed, here or there.
    """
    from publish.target import export, fleet, targets  # noqa: PLC0415 - --help need not wait for what the work imports

    site, name, settings = site_and_target(site_file, target)
    if form == "nginx":
        text = export.nginx(settings, site.settings.site.url)
    else:
        only = fleet.choose(settings, name, host, "a release runs on one host")
        with targets.opened(site, name, only, console) as there:
            text = export.FORMATS[form](there)
    for line in text.splitlines():
        console.say(line)
    console.result({"target": name, "format": form, "text": text})
