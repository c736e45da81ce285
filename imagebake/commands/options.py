"""What several commands share: options, and the site that they mean."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from sealpress.config.settings import LOCK_NAME, Architecture, ImageSettings

if TYPE_CHECKING:
    from sealpress.config.sitefile import SiteFile

site_option = click.option(
    "--site",
    "site_file",
    type=click.Path(path_type=Path),
    help="The site file. [default: the nearest site.toml, if there is one]",
)
lock_option = click.option(
    "--lock",
    "--file",
    "lock_file",
    type=click.Path(path_type=Path),
    help=f"The lock. [default: {LOCK_NAME} beside site.toml, else here]",
)
architectures_option = click.option(
    "--arch",
    "architectures",
    multiple=True,
    type=click.Choice(get_args(Architecture)),
    help="Only this architecture; may be given more than once. [default: as site.toml says]",
)
key_option = click.option(
    "--key",
    metavar="KEY",
    help="The SSH key to sign with: a file, private or public. [default: the one git signs with]",
)


def site_here(site_file: Path | None) -> "SiteFile | None":
    """The site file that was given, else the nearest; None where there is none. Raises Problem (exit 3)."""
    from sealpress.config import sitefile  # noqa: PLC0415 - --help need not wait for what the work imports

    return sitefile.open_site(site_file) if site_file or sitefile.find(Path.cwd()) else None


def settings_here(site_file: Path | None, architectures: tuple[Architecture, ...]) -> tuple[ImageSettings, Path]:
    """[image] of the site here, with the architectures that were asked for, and the folder that its lock is in."""
    site = site_here(site_file)
    settings, folder = (site.settings.image, site.root) if site else (ImageSettings(), Path.cwd())
    return (replace(settings, architectures=tuple(dict.fromkeys(architectures))) if architectures else settings), folder
