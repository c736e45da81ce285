"""`ssg list`: the pages that there are, drafts and scheduled ones among them."""

from pathlib import Path

import click

from sealpress.commands.command import output_options
from sealpress.commands.console import Console
from ssg.commands.options import site_option


@click.command("list")
@click.option("--drafts", is_flag=True, help="Only drafts.")
@click.option("--scheduled", is_flag=True, help="Only pages that are dated after the commit.")
@site_option
@output_options
def list_pages(*, drafts: bool, scheduled: bool, site_file: Path | None, console: Console) -> None:
    """List the site's pages, the newest first: date, standing, language, source and title."""
    from sealpress.config import sitefile  # noqa: PLC0415 - --help need not wait for what the work imports
    from ssg.authoring.overview import Standing, pages  # noqa: PLC0415

    asked = {Standing.DRAFT} if drafts else set()
    asked |= {Standing.SCHEDULED} if scheduled else set()
    found = [one for one in pages(sitefile.open_site(site_file)) if not asked or one.standing in asked]
    if found:
        console.table(
            ["date", "", "", "source", "title"],
            [
                [
                    one.page.date.date().isoformat() if one.page.date else "",
                    "" if one.standing is Standing.PUBLISHED else one.standing.value,
                    one.page.language,
                    one.page.source,
                    one.page.title,
                ]
                for one in found
            ],
        )
    else:
        console.say("there is none")
    console.result({"pages": [one.as_data() for one in found]})
