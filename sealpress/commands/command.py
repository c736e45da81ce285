"""What the three command lines share: options that all have, how problems end, how Ctrl-C ends."""

import gc
import os
import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final, NoReturn

import click

from sealpress import VERSION
from sealpress.commands.console import Console
from sealpress.files import scratch
from sealpress.problems import Exit, Problem, did_you_mean, shown

_NEW_OBJECTS: Final = 200_000  # before the collector looks at them; each is some 100 bytes
_PARAMS: Final = "__click_params__"
_console: Final[ContextVar[Console | None]] = ContextVar("console", default=None)
"""Of the command that runs: how its problems are to be told."""


class CommandGroup(click.Group):
    """A click group that answers a mistyped command with the nearest one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            # Not click's own error for it: newer clicks add a suggestion of their own.
            message = f'no such command "{args[0]}"{did_you_mean(args[0], self.list_commands(ctx))}'
            raise click.UsageError(message, error.ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            # click ends on it without a word. Console never lets one out, so it is a socket's, and a defect.
            raise RuntimeError("a connection broke and nobody expected it") from error


def output_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds --json, --all and --quiet, and hands the command a `console` in their place."""

    @click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document.")
    @click.option("--all", "whole", is_flag=True, help="Show each of long lists and of many problems.")
    @click.option("-q", "--quiet", is_flag=True, help="Print only the result and problems.")
    def wrapped(*args: Any, as_json: bool, whole: bool, quiet: bool, **kwargs: Any) -> Any:
        console = Console.standard(json=as_json, quiet=quiet, whole=whole)
        _console.set(console)
        return function(*args, console=console, **kwargs)

    wrapped.__doc__ = function.__doc__
    wrapped.__name__ = function.__name__
    # click keeps the options that were declared below this decorator in an attribute of the function.
    declared: list[click.Parameter] = [*vars(wrapped)[_PARAMS], *vars(function).get(_PARAMS, [])]
    vars(wrapped)[_PARAMS] = declared
    return wrapped


allow_option = click.option(
    "--allow-command", is_flag=True, help="Let the program run that [build] command names, now and from now on."
)

version_option = click.version_option(VERSION, prog_name="sealpress", message="%(prog)s %(version)s")


def run(command: click.Command) -> NoReturn:
    """Runs a command line to its end, where the process ends."""
    _read_names_as_utf8()
    # What a command imports and reads stays until its end: by its usual habit, Python's collector would walk through
    # all of it dozens of times, for as long as the rest of a small build takes.
    gc.set_threshold(_NEW_OBJECTS)
    try:
        sys.exit(_run(command))
    finally:
        gc.freeze()  # nor on its way out


def _run(command: click.Command) -> int:
    """The one place where a Problem becomes text and an exit code."""
    try:
        scratch.sweep()
        code = command(standalone_mode=False)
        return code if isinstance(code, int) else Exit.OK
    except Problem as problem:
        (_console.get() or Console.standard()).problem(problem)
        return problem.each[0].code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return Exit.USAGE
    except click.ClickException as error:
        vars(error)["message"] = shown(error.message)  # it quotes what was typed, which may be the name of a file
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        Console.standard().note("interrupted: nothing is half done")
        return Exit.INTERRUPTED


def _read_names_as_utf8() -> None:
    """Starts anew where the locale says that file names are anything but UTF-8.

    Names go into the output as they are on the disk, so the locale must not say how they are read. What is printed
    stays in the terminal's encoding. Source: PEP 540.
    """
    if sys.getfilesystemencoding() == "utf-8":
        return
    os.environ.setdefault("PYTHONIOENCODING", sys.stdout.encoding or "ascii")
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606 - itself, without a shell
