"""The command `publish`: puts a commit of a blog on a host, and looks after what runs there."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from publish.pre_push import hook
from publish.push import push
from sealpress.commands.command import CommandGroup, allow_option, output_options, run, version_option
from sealpress.commands.console import Console
from sealpress.files import scratch
from sealpress.problems import Exit, Problem, ReleaseProblem, UsageProblem, did_you_mean

if TYPE_CHECKING:
    from publish.targets import OpenTarget
    from sealpress.config.settings import PublishTarget
    from sealpress.config.sitefile import SiteFile

_DEFAULT: Final = "[TARGET]"  # nothing that a person would type, and no name of a target
_WITH_VALUE: Final = frozenset({"--site", "--lock", "--key", "--to"})


class _PublishGroup(CommandGroup):
    """What isn't a command is a target: `publish production`.

    Options may stand before the command, too: `publish --site blog/site.toml status`.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = self._first_word(args)
        word = args[at] if at < len(args) else None
        if word == "help":
            args = ["--help"]
        elif word is not None and word in self.commands:
            args = [word, *args[:at], *args[at + 1 :]]
        elif not (args and args[0] in {"-h", "--help", "--version"}):
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)

    def _first_word(self, args: list[str]) -> int:
        """Where the first argument stands that is neither an option nor an option's value."""
        at = 0
        while at < len(args) and args[at].startswith("-") and args[at] != "--":
            at += 2 if args[at] in _WITH_VALUE else 1
        return at

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in super().list_commands(ctx) if name != _DEFAULT]

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        first = "Usage: "
        formatter.write_usage(ctx.command_path, "[TARGET] [OPTIONS]", first)
        formatter.write_usage(ctx.command_path, "COMMAND [TARGET] [OPTIONS]", " " * len(first))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options of publishing itself stand in the first help that a person sees."""
        with click.Context(self.commands[_DEFAULT], parent=ctx) as inner:
            own = [param.get_help_record(inner) for param in self.commands[_DEFAULT].get_params(inner)]
        version = [param.get_help_record(ctx) for param in self.get_params(ctx) if param.name == "version"]
        with formatter.section("Options"):
            formatter.write_dl([record for record in [*own, *version] if record])
        self.format_commands(ctx, formatter)


class _ToTarget(click.Command):
    """The default command; its name already stands for its argument in a usage line."""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        del ctx
        return ["[OPTIONS]"]


@click.group(cls=_PublishGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@version_option
def publish() -> None:
    """Publish the blog's last commit to a host, sealed in a small nginx image.

    TARGET is a table [publish.TARGET] in site.toml; with only one, its name may be left out. The commit is built from
    a clean copy, baked, sent, started beside the running release and probed; only a release that answers rightly takes
    its place. If anything fails, the old one keeps answering.

    \b
    Examples:
      publish production            publish HEAD
      publish production --check    and compare every page with the build
      publish --dirty               with changes that are not committed
      publish verify https://…      prove which commit the live site is
      publish status                which releases are there, and which one runs
      publish rollback production   go back to the release before
      publish rollback --to 7       or to generation 7
      publish stop                  take the site down until `publish start`
      publish push                  git push, then publish what was accepted
      publish hook install          build and check what git pushes
      publish doctor                look at what a publish needs
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines


_site_option = click.option(
    "--site", "site_file", type=click.Path(path_type=Path), help="The site file. [default: the nearest site.toml]"
)


def _targets(ctx: click.Context, _param: click.Parameter, typed: str) -> list[str]:
    """For a shell: the targets of the site file."""
    from sealpress.config import sitefile  # noqa: PLC0415 - as above

    try:
        known = sitefile.open_site(ctx.params.get("site_file")).settings.publish
    except Problem:
        return []
    return [name for name in known if name.startswith(typed)]


def _first_words(ctx: click.Context, param: click.Parameter, typed: str) -> list[str]:
    """The same, and the commands, one of which may stand there as well."""
    return [*_targets(ctx, param, typed), *(name for name in publish.list_commands(ctx) if name.startswith(typed))]


_target_argument = click.argument("target", required=False, shell_complete=_targets)


@publish.command(_DEFAULT, cls=_ToTarget, hidden=True)
@click.argument("target", required=False, shell_complete=_first_words)
@_site_option
@click.option("--dirty", is_flag=True, help="Publish the working tree as it is, not the last commit.")
@click.option(
    "--lock",
    "lock",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The lock of the image's packages. [default: imagebake.lock beside site.toml]",
)
@click.option("--locked", is_flag=True, help="Refuse a commit without its lock, which would be written: for CI.")
@allow_option
@click.option("--check", is_flag=True, help="Then fetch every file from the host and compare it with the build.")
@click.option("--key", metavar="KEY", help="The SSH key to sign the seal with. [default: the one git signs with]")
@click.option("--no-sign", is_flag=True, help="Leave the seal unsigned.")
@output_options
def publish_target(
    *,
    target: str | None,
    site_file: Path | None,
    dirty: bool,
    lock: Path | None,
    locked: bool,
    allow_command: bool,
    check: bool,
    key: str | None,
    no_sign: bool,
    console: Console,
) -> None:
    """Build, bake, send, probe and switch to the last commit."""
    from publish import pipeline  # noqa: PLC0415 - --help need not wait for it
    from publish.publication import Wishes, publish_site  # noqa: PLC0415

    site, name, settings = _site_and_target(site_file, target)
    wishes = Wishes(lock, locked=locked, allow_command=allow_command, check=check, key=key, sign=not no_sign)
    with pipeline.source(site, console, dirty=dirty) as made_from:
        publish_site(made_from, name, settings, wishes, console)


@publish.command()
@_target_argument
@_site_option
@output_options
def status(*, target: str | None, site_file: Path | None, console: Console) -> None:
    """Show the releases on the host.

    The newest stands first; each that runs is asked whether it answers. Ends with 0 where the newest
    does, else with 1.
    """
    from publish import report, targets  # noqa: PLC0415
    from publish.releases import history  # noqa: PLC0415

    with _opened(site_file, target, console) as there:
        found = history.status(there.host, there.line)
        is_up = bool(found and found[0].answers)
        address = (
            there.address(found[0].release, found[0].site) if is_up else targets.address(there.settings, there.line.url)
        )
        report.show(found, console)
        if not found:
            console.say(f"nothing is published to {there.name} yet")
        console.result(
            {
                "target": there.name,
                "host": there.host.title,
                "engine": there.engine.title,
                "address": address.partition(" ")[0],
                "releases": [one.as_data() for one in found],
            }
        )
    if not is_up:
        raise click.exceptions.Exit(Exit.DIFFERENT)


@publish.command()
@_target_argument
@_site_option
@click.option("--to", type=click.IntRange(min=1), help="This generation. [default: the one before the current]")
@output_options
def rollback(*, target: str | None, site_file: Path | None, to: int | None, console: Console) -> None:
    """Go back to an earlier release.

    One that is still on the host. It is probed and switched to like a new one, and becomes the newest generation: a
    second rollback comes back.
    """
    from publish import report  # noqa: PLC0415
    from publish.releases import history, rollback  # noqa: PLC0415

    with _opened(site_file, target, console) as there:
        old = rollback.choose(history.read(there.engine, there.line), to, there.settings.keep)
        console.note(f"going back to generation {old.generation}, {report.short(old)}")
        again = rollback.again(old, (there.site_service(),), there.line)
        outcome = report.put_out(there, again, console)
        report.tell(there, outcome, {}, console)


@publish.command()
@_target_argument
@_site_option
@output_options
def stop(*, target: str | None, site_file: Path | None, console: Console) -> None:
    """Take the site down. Its releases stay on the host."""
    from publish.releases import history  # noqa: PLC0415

    with _opened(site_file, target, console, locked=True) as there:
        stopped = history.stop(there.engine, there.line)
        for one in stopped:
            console.note(f"stopped {one.name}")
        console.say(f"{there.name} is down" if stopped else f"{there.name} was not running")
        console.result({"target": there.name, "stopped": [one.name for one in stopped]})


@publish.command()
@_target_argument
@_site_option
@output_options
def start(*, target: str | None, site_file: Path | None, console: Console) -> None:
    """Start the current release again.

    After a stop, or where a reboot did not.
    """
    from publish import report  # noqa: PLC0415
    from publish.probing import probe  # noqa: PLC0415
    from publish.releases import history  # noqa: PLC0415

    with _opened(site_file, target, console, locked=True) as there:
        release = history.start(there.engine, there.line)
        wrong = probe.wait(lambda: history.wrong_with(there.host, release.containers), there.settings.timeout)
        if wrong:
            raise ReleaseProblem(
                f"generation {release.generation} was started, but does not answer rightly: {wrong}",
                hint="publish rollback goes back to the release before it",
            )
        address = there.address(release.release, release.site)
        console.say(f"{address} answers: generation {release.generation}, {report.short(release)}")
        told = release.as_data() | {"target": there.name, "address": address.partition(" ")[0], "answers": True}
        console.result(told)


@publish.command()
@_target_argument
@_site_option
@output_options
def prune(*, target: str | None, site_file: Path | None, console: Console) -> None:
    """Forget all but the newest releases.

    As many stay as `keep` in site.toml says. Only containers and images with this site's labels are touched.
    """
    from publish.releases import history, prune  # noqa: PLC0415

    with _opened(site_file, target, console, locked=True) as there:
        before = history.read(there.engine, there.line)
        for done in history.settle(there.host, there.line):
            console.note(done)
        warnings = prune.prune(there.engine, there.line, there.settings.keep)
        after = history.read(there.engine, there.line)
        for warning in warnings:
            console.note(f"warning: {warning}")
        console.say(f"{len(before) - len(after)} of {len(before)} releases forgotten")
        console.result({"target": there.name, "kept": [one.generation for one in after], "warnings": list(warnings)})


@publish.command()
@_target_argument
@_site_option
@click.option("--dirty", is_flag=True, help="Compare with the working tree as it is, not with the last commit.")
@allow_option
@output_options
def verify(*, target: str | None, site_file: Path | None, dirty: bool, allow_command: bool, console: Console) -> None:
    """Compare the host's pages with the last commit.

    Builds it, and fetches every file of it from the host. With an address, such as https://blog.example.org, in the
    place of the target, the live site is asked as its readers reach it: which commit it says it is of, and for every
    file of that. No host is logged into. Ends with 0 where all are the same, with 1 where any differs.
    """
    from publish import live, pipeline, report, targets  # noqa: PLC0415
    from publish.releases import history  # noqa: PLC0415
    from sealpress.config import sitefile  # noqa: PLC0415

    if target and live.is_address(target):
        if dirty:
            hint = "leave it out"
            raise UsageProblem("--dirty goes with a target: a live site says itself which commit it is of", hint=hint)
        console.result(live.verify(sitefile.open_site(site_file), target, console, allow_command=allow_command))
        return
    site, name, settings = _site_and_target(site_file, target)
    with (
        scratch.folder("publish") as folder,
        pipeline.source(site, console, dirty=dirty) as made_from,
        ExitStack() as stack,
    ):
        product = pipeline.produce(made_from, folder, console, dirty=dirty, allow_command=allow_command)
        there = stack.enter_context(targets.opened(site, name, settings, console))
        found = history.read(there.engine, there.line)
        if not found:
            raise ReleaseProblem("nothing is published there yet", hint="publish first")
        compared = report.verify(there, found[0].site.id, product.tree, console)
        if found[0].commit != product.commit:
            console.note(report.other_commit(found[0].commit, product.commit))
        told = {"site": there.line.site, "commit": product.commit, "runs": found[0].commit}
        console.result(compared | told)


@publish.command()
@_target_argument
@_site_option
@output_options
def doctor(*, target: str | None, site_file: Path | None, console: Console) -> int:
    """Look at all that a publish needs, and say what to mend.

    Here: git, the commit, the lock, the key, the cache, ssh. On the target, or on each: the host, its engine, what runs
    there, the port. Ends with 0 where nothing is to be mended, else with 1.
    """
    from publish import doctor, targets  # noqa: PLC0415
    from sealpress.config import sitefile  # noqa: PLC0415

    site = sitefile.open_site(site_file)
    chosen = dict([targets.choose(site, target)]) if target else site.settings.publish
    parts = [("this machine", list(doctor.here(site)))]
    parts += [(name, list(doctor.there(site, name, settings, console))) for name, settings in chosen.items()]
    for name, findings in parts:
        console.say(f"{name}:")
        for one in findings:
            console.say(f"{'  ok' if one.is_well else 'MEND'}  {one.what:<9}  {one.told}")
            if one.mend:
                console.say(f"      {'':<9}  {one.mend}")
    told = {name: [asdict(one) for one in findings] for name, findings in parts}
    console.result({"findings": told})
    return Exit.OK if all(one.is_well for _, findings in parts for one in findings) else Exit.DIFFERENT


publish.add_command(push)
publish.add_command(hook)


def _site_and_target(site_file: Path | None, target: str | None) -> "tuple[SiteFile, str, PublishTarget]":
    from publish import targets  # noqa: PLC0415
    from sealpress.config import sitefile  # noqa: PLC0415

    try:
        site = sitefile.open_site(site_file)
    except Problem as problem:
        # Outside a blog a mistyped command is the likelier mistake.
        if target and site_file is None and (near := did_you_mean(target, publish.commands)):
            problem.hint = f'"{target}" is taken for a target{near}; {problem.hint or ""}'.rstrip("; ")
        raise
    name, settings = targets.choose(site, target)
    targets.check(settings)
    return site, name, settings


@contextmanager
def _opened(
    site_file: Path | None, target: str | None, console: Console, *, locked: bool = False
) -> "Iterator[OpenTarget]":
    """The target; `locked`: with nobody else at work on it."""
    from publish import targets  # noqa: PLC0415

    site, name, settings = _site_and_target(site_file, target)
    with targets.opened(site, name, settings, console) as there, ExitStack() as stack:
        if locked:
            stack.enter_context(there.host.lock(there.line.name))
        yield there


def main() -> NoReturn:
    """The entry point of the command."""
    run(publish)


if __name__ == "__main__":
    main()
