"""What several commands share: options, and the target that they mean."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sealpress.commands.console import Console
from sealpress.problems import Problem, did_you_mean

if TYPE_CHECKING:
    from publish.target.fleet import Fleet
    from sealpress.config.settings import PublishTarget
    from sealpress.config.sitefile import SiteFile


def _targets(ctx: click.Context, _param: click.Parameter, typed: str) -> list[str]:
    """For a shell: the targets of the site file."""
    from sealpress.config import sitefile  # noqa: PLC0415 - --help need not wait for what the work imports

    try:
        known = sitefile.open_site(ctx.params.get("site_file")).settings.publish
    except Problem:
        return []
    return [name for name in known if name.startswith(typed)]


def targets_and_commands(ctx: click.Context, param: click.Parameter, typed: str) -> list[str]:
    """The same, and the commands, one of which may stand there as well."""
    return [*_targets(ctx, param, typed), *(name for name in _commands(ctx) if name.startswith(typed))]


def _commands(ctx: click.Context) -> list[str]:
    group = ctx.find_root().command
    return group.list_commands(ctx) if isinstance(group, click.Group) else []


host_option = click.option("--host", metavar="HOST", help="Of a target with several: this one, as site.toml calls it.")

site_option = click.option(
    "--site", "site_file", type=click.Path(path_type=Path), help="The site file. [default: the nearest site.toml]"
)
key_option = click.option(
    "--key", metavar="KEY", help="The SSH key to sign the seal with. [default: the one git signs with]"
)
no_sign_option = click.option("--no-sign", is_flag=True, help="Leave the seal unsigned.")


def _is_gone(ctx: click.Context, _param: click.Parameter, given: bool) -> None:  # noqa: FBT001 - as click calls it
    if given:
        raise click.UsageError(
            "--check is an option no more: publish verify TARGET compares, after a publish, too", ctx
        )


without_check = click.option("--check", is_flag=True, hidden=True, expose_value=False, is_eager=True, callback=_is_gone)
target_argument = click.argument("target", required=False, shell_complete=_targets)


def site_and_target(site_file: Path | None, target: str | None) -> "tuple[SiteFile, str, PublishTarget]":
    """The site file, and the target that is meant, with its name. Raises Problem (exit 2, 3, 6)."""
    from publish.target import targets  # noqa: PLC0415 - as above
    from sealpress.config import sitefile  # noqa: PLC0415

    try:
        site = sitefile.open_site(site_file)
    except Problem as problem:
        # Outside a blog a mistyped command is the likelier mistake.
        near = did_you_mean(target, _commands(click.get_current_context())) if target and site_file is None else ""
        if near:
            problem.hint = f'"{target}" is taken for a target{near}; {problem.hint or ""}'.rstrip("; ")
        raise
    name, settings = targets.choose(site, target)
    targets.check(settings)
    return site, name, settings


@contextmanager
def opened(site_file: Path | None, target: str | None, console: Console, *, locked: bool = False) -> "Iterator[Fleet]":
    """The target on each of its hosts; `locked`: with nobody else at work on it."""
    from publish.target import fleet  # noqa: PLC0415 - as above

    site, name, settings = site_and_target(site_file, target)
    with fleet.opened(site, name, settings, console) as hosts, ExitStack() as stack:
        if locked:
            stack.enter_context(fleet.locked(hosts))
        yield hosts
