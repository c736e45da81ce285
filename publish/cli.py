"""The command `publish`: puts a commit of a blog on a host, and looks after what runs there."""

from typing import Final, NoReturn

import click

from publish.commands.doctor import doctor
from publish.commands.export import export
from publish.commands.hook import hook
from publish.commands.ledger import show_ledger
from publish.commands.log import log, logs
from publish.commands.push import push
from publish.commands.releases import prune, rollback, start, stop
from publish.commands.renew import renew
from publish.commands.share import share
from publish.commands.status import status
from publish.commands.target import DEFAULT, publish_target
from publish.commands.verify import verify
from sealpress.commands.command import CommandGroup, run, version_option

_WITH_VALUE: Final = frozenset({"--site", "--lock", "--key", "--to", "--html", "--for", "--end"})


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
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)

    def _first_word(self, args: list[str]) -> int:
        """Where the first argument stands that is neither an option nor an option's value."""
        at = 0
        while at < len(args) and args[at].startswith("-") and args[at] != "--":
            at += 2 if args[at] in _WITH_VALUE else 1
        return at

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in super().list_commands(ctx) if name != DEFAULT]

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        first = "Usage: "
        formatter.write_usage(ctx.command_path, "[TARGET] [OPTIONS]", first)
        formatter.write_usage(ctx.command_path, "COMMAND [TARGET] [OPTIONS]", " " * len(first))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options of publishing itself stand in the first help that a person sees."""
        with click.Context(self.commands[DEFAULT], parent=ctx) as inner:
            own = [param.get_help_record(inner) for param in self.commands[DEFAULT].get_params(inner)]
        version = [param.get_help_record(ctx) for param in self.get_params(ctx) if param.name == "version"]
        with formatter.section("Options"):
            formatter.write_dl([record for record in [*own, *version] if record])
        self.format_commands(ctx, formatter)


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
      publish production --plan     show what readers would see change
      publish --dirty               with changes that are not committed
      publish verify production     compare the host's answers with the seal's
      publish verify https://…      prove which commit the live site is
      publish share new-theme       show a branch to who gets its secret address
      publish status                which releases are there, and which one runs
      publish renew production      the same pages again, with the newest packages
      publish rollback production   go back to the release before
      publish rollback --to 7       or to generation 7
      publish ledger --write        what releases have served, into urls.txt
      publish stop                  take the site down until `publish start`
      publish log                   who changed what there, and when
      publish logs -f               what the site writes, as it does
      publish export nginx          what a proxy of your own needs
      publish push                  git push, then publish what was accepted
      publish hook install          build and check what git pushes
      publish doctor                look at what a publish needs
    """  # noqa: D301 - \b is click's mark for a paragraph that keeps its lines


for command in (
    publish_target,
    status,
    renew,
    rollback,
    stop,
    start,
    prune,
    show_ledger,
    log,
    logs,
    share,
    verify,
    export,
    doctor,
    push,
    hook,
):
    publish.add_command(command)


def main() -> NoReturn:
    """The entry point of the command."""
    run(publish)


if __name__ == "__main__":
    main()
