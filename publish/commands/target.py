"""`publish TARGET`: a commit is built, baked, sent, probed and switched to."""

from pathlib import Path
from typing import Final

import click

from publish.commands.options import (
    key_option,
    no_sign_option,
    site_and_target,
    site_option,
    targets_and_commands,
    without_check,
)
from sealpress.commands.command import allow_option, output_options
from sealpress.commands.console import Console
from sealpress.problems import UsageProblem

DEFAULT: Final = "[TARGET]"  # nothing that a person would type, and no name of a target


class _ToTarget(click.Command):
    """The default command; its name already stands for its argument in a usage line."""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        del ctx
        return ["[OPTIONS]"]


@click.command(DEFAULT, cls=_ToTarget, hidden=True)
@click.argument("target", required=False, shell_complete=targets_and_commands)
@site_option
@click.option("--dirty", is_flag=True, help="Publish the working tree as it is, not the last commit.")
@click.option(
    "--lock",
    "lock",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The lock of the image's packages. [default: imagebake.lock beside site.toml]",
)
@click.option("--locked", is_flag=True, help="Refuse a commit without its lock, which would be written: for CI.")
@allow_option
@without_check
@click.option("--allow-lost-urls", is_flag=True, help="Let go of URLs that earlier releases served.")
@click.option("--plan", "is_plan", is_flag=True, help="Change nothing: show what readers would see change.")
@click.option(
    "--html", "page", type=click.Path(path_type=Path, dir_okay=False), help="With --plan: write it into this page, too."
)
@key_option
@no_sign_option
@output_options
def publish_target(
    *,
    target: str | None,
    site_file: Path | None,
    dirty: bool,
    lock: Path | None,
    locked: bool,
    allow_command: bool,
    allow_lost_urls: bool,
    is_plan: bool,
    page: Path | None,
    key: str | None,
    no_sign: bool,
    console: Console,
) -> None:
    """Build, bake, send, probe and switch to the last commit."""
    from publish.publishing import pipeline  # noqa: PLC0415 - --help need not wait for what the work imports
    from publish.publishing.publication import Wishes, publish_site  # noqa: PLC0415

    if page and not is_plan:
        raise UsageProblem("--html goes with --plan", hint="publish --plan --html plan.html")
    site, name, settings = site_and_target(site_file, target)
    wishes = Wishes(
        lock,
        locked=locked,
        allow_command=allow_command,
        key=key,
        sign=not no_sign,
        allow_lost_urls=allow_lost_urls,
    )
    with pipeline.source(site, console, dirty=dirty) as made_from:
        if not is_plan:
            publish_site(made_from, name, settings, wishes, console)
            return
        from imagebake.commands.output import write  # noqa: PLC0415 - nor a publish for what a plan does
        from publish.plan import page as html  # noqa: PLC0415
        from publish.plan import plan, show  # noqa: PLC0415

        made = plan.make(site, made_from, name, settings, wishes, console)
        if page:
            write(page, [html.render(made).encode()])
        show.show(made, console)
