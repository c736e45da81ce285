"""What several commands share."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sealpress.config.sitefile import SiteFile

site_option = click.option(
    "--site", "site_file", type=click.Path(path_type=Path), help="The site file. [default: the nearest site.toml]"
)


def today(site: "SiteFile | None" = None) -> dt.date:
    """The author's day, as the site's time zone has it: what is written into a new page, and read by no build."""
    from ssg.l10n.timezones import timezone  # noqa: PLC0415 - --help need not wait for it

    zone = timezone(site.settings.site.timezone, site.place("site", "timezone")) if site else dt.UTC
    return dt.datetime.now(zone).date()  # noqa: TID251 - no build reads it: it is written into a source
