"""`publish ledger`: every URL that releases have served, as the host's records have it."""

from pathlib import Path

import click

from publish.commands.options import opened, site_option, target_argument
from sealpress.commands.command import output_options
from sealpress.commands.console import Console


@click.command("ledger")
@target_argument
@site_option
@click.option("--write", "is_written", is_flag=True, help="Write it into urls.txt beside site.toml, to be committed.")
@output_options
def show_ledger(*, target: str | None, site_file: Path | None, is_written: bool, console: Console) -> None:
    """Show every URL that releases have served, and the ids of their feeds' items.

    A publish that would lose one stops before it changes anything. The host keeps the ledger; what a committed urls.txt
    beside site.toml tells counts, too.
    """
    from imagebake.commands.output import write  # noqa: PLC0415 - --help need not wait for what the work imports
    from publish.publishing import ledger  # noqa: PLC0415
    from publish.publishing.ledger import Ledger  # noqa: PLC0415
    from publish.target import fleet  # noqa: PLC0415

    with opened(site_file, target, console) as hosts:
        there, known = hosts[0], Ledger.of_all(fleet.at_once(hosts, ledger.read))
        entries = known.entries | (ledger.committed(there.site) - known.given_up)
        text = ledger.text(entries)
        file = there.site.root / ledger.FILE
        count = len({url for url, _ in entries})
        if is_written:
            write(file, [text.encode()])
            console.say(f"Wrote {count} URLs into {file}: git add {ledger.FILE}, and commit it")
        else:
            for line in text.splitlines():
                console.say(line)
        ids: dict[str, list[str]] = {}
        for url, identity in sorted(entries):
            ids.setdefault(url, []).extend([identity] if identity else [])
        told = [{"url": url, "ids": own} for url, own in ids.items()]
        console.result({"target": there.name, "urls": told, "file": str(file) if is_written else None})
