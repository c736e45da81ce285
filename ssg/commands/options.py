"""What several commands share."""

from pathlib import Path

import click

site_option = click.option(
    "--site", "site_file", type=click.Path(path_type=Path), help="The site file. [default: the nearest site.toml]"
)
