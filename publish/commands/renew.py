"""`publish renew`: what runs, anew, with the newest packages."""

from pathlib import Path

import click

from publish.commands.options import (
    key_option,
    no_sign_option,
    site_and_target,
    site_option,
    target_argument,
    without_check,
)
from sealpress.commands.command import allow_option, output_options
from sealpress.commands.console import Console


@click.command()
@target_argument
@site_option
@allow_option
@without_check
@key_option
@no_sign_option
@output_options
def renew(
    *,
    target: str | None,
    site_file: Path | None,
    allow_command: bool,
    key: str | None,
    no_sign: bool,
    console: Console,
) -> None:
    """Publish what runs anew, with the newest packages.

    It is the commit that runs on the host that is built, so the pages stay as they are, whatever is committed since.
    The lock gets the newest versions that a mirror has. Where that gives the release that runs already, nothing is
    done. For a timer or CI: once a day, so that no security update waits long.
    """
    from publish.publishing.publication import Wishes  # noqa: PLC0415 - --help need not wait for what the work imports
    from publish.publishing.renewal import renew  # noqa: PLC0415

    site, name, settings = site_and_target(site_file, target)
    renew(site, name, settings, Wishes(allow_command=allow_command, key=key, sign=not no_sign), console)
