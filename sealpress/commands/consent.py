"""Whether a program that a repository names may run: only where the person who runs us has said so.

Their word is an option, a variable, or an answer on the terminal. It is kept in the state folder, where no repository
can bring it along, for one folder and one command line:

    <state folder>/commands/<sha256 of both>    in words, for a person to read or remove
"""

import hashlib
import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import click

from sealpress.commands.console import Progress
from sealpress.files import files, state
from sealpress.problems import Place, Problem, UsageProblem, printable

OPTION: Final = "--allow-command"
VARIABLE: Final = "SEALPRESS_ALLOW_COMMAND"
"""`1`: what site.toml names may run, this once. For CI."""


def need(command: Sequence[str], home: Path, place: Place | None, progress: Progress, *, allowed: bool) -> None:
    """Asks for consent to run `command`, of the site in the user's folder `home`, unless it was given.

    `allowed`: it was given on the command line. Raises Problem (exit 2) where it is not given.
    """
    shown = printable(" ".join(command), keep="")
    file = _record(command, home)
    if os.environ.get(VARIABLE) == "1" or (file and file.is_file()):
        return
    if allowed or _answered(shown, home):
        with suppress(OSError):
            if file:
                file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                files.save(file, f"{json.dumps(list(command))}\nmay run for {os.fspath(home)!a}\n".encode())
                progress.note(f"from now on it may run for {home}; to forget that: rm {file}")
        return
    raise UsageProblem(
        f'site.toml wants to run "{shown}", and nobody has allowed that yet',
        place=place,
        hint=f"if you trust this repository: {OPTION}; it is asked once. In CI: {VARIABLE}=1",
    )


def _record(command: Sequence[str], home: Path) -> Path | None:
    """None for a user without a home: then nothing is kept."""
    said = json.dumps([os.fsencode(home.resolve()).hex(), list(command)])
    with suppress(Problem):
        return state.folder() / "commands" / hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
    return None


def _answered(shown: str, home: Path) -> bool:
    if os.environ.get("CI") or not (sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty()):
        return False
    click.echo(f"The site in {printable(str(home), keep='')} is built by a program that its site.toml names:", err=True)
    click.echo(f"  {shown}", err=True)
    return click.confirm("Do you trust it to run, now and from now on?", default=False, err=True)
