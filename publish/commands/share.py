"""`publish share`: shows a branch or a draft to somebody, at a secret address beside the live site."""

import re
from pathlib import Path
from typing import Final

import click

from publish.commands.options import opened, site_and_target, site_option
from sealpress.commands.command import allow_option, output_options
from sealpress.commands.console import Console
from sealpress.problems import UsageProblem

_UNITS: Final = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
_LONGEST: Final = 90 * 86_400


def _seconds(_ctx: click.Context, _param: click.Parameter, given: str) -> int:
    """Of a time such as "7d"."""
    found = re.fullmatch(r"([0-9]{1,8})(s|min|h|d)", given)
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= _LONGEST:
        raise click.BadParameter(f'"{given}" is no time up to 90d: write 30min, 12h or 7d')
    return seconds


@click.command()
@click.argument("branch", default="")
@click.option("--dirty", is_flag=True, help="Share the working tree as it is, not a commit.")
@click.option("--drafts", is_flag=True, help="With the pages that are marked as drafts.")
@click.option(
    "--for", "seconds", metavar="TIME", callback=_seconds, default="7d", help="How long, such as 12h. [default: 7d]"
)
@click.option("--list", "is_list", is_flag=True, help="Show what is shared, with the addresses.")
@click.option("--end", "ended", metavar="NAME", is_flag=False, flag_value="", help='End a share; "all": all of them.')
@click.option("--to", "target", metavar="TARGET", help="The target. [default: the only one]")
@site_option
@allow_option
@output_options
def share(
    *,
    branch: str,
    dirty: bool,
    drafts: bool,
    seconds: int,
    is_list: bool,
    ended: str | None,
    target: str | None,
    site_file: Path | None,
    allow_command: bool,
    console: Console,
) -> None:
    """Show a branch, or a draft, to who gets its secret address.

    A release beside the live one, on the same host: who opens the address sees it there, everybody else the live site.
    Without BRANCH, it is the branch that is checked out. After its time, the address leads nowhere. Shared again, it
    shows the newest at the same address. The target needs an edge.
    """
    from publish.publishing import sharing  # noqa: PLC0415 - --help need not wait for what the work imports
    from publish.publishing.sharing import ShareWishes  # noqa: PLC0415

    if (is_list or ended is not None) and (branch or dirty or drafts or (is_list and ended is not None)):
        raise UsageProblem("--list and --end share nothing", hint="one of them alone: publish share --list")
    if is_list or ended is not None:
        with opened(site_file, target, console, locked=ended is not None) as hosts:
            if ended is None:
                sharing.show(hosts, console)
            else:
                sharing.end(hosts, ended, console)
        return
    site, name, settings = site_and_target(site_file, target)
    wishes = ShareWishes(branch, dirty=dirty, drafts=drafts, seconds=seconds, allow_command=allow_command)
    sharing.begin(site, name, settings, wishes, console)
