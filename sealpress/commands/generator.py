"""A generator other than ssg: [build] command in site.toml, which fills [build] output. And whether such a program,
which a repository names, may run: only where the person who runs us has said so.

Their word is an option, a variable, or an answer on the terminal. It is kept in the state folder, where no repository
can bring it along, for one folder and one command line:

    <state folder>/commands/<sha256 of both>    in words, for a person to read or remove
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

import click

from sealpress.commands.console import Progress
from sealpress.config.sitefile import SiteFile
from sealpress.files import files, home
from sealpress.problems import MachineProblem, Place, Problem, UsageProblem, printable

OPTION: Final = "--allow-command"
VARIABLE: Final = "SEALPRESS_ALLOW_COMMAND"
"""`1`: what site.toml names may run, this once. For CI."""


def need_consent(
    command: Sequence[str], home: Path, place: Place | None, progress: Progress, *, allowed: bool, asks: bool = True
) -> None:
    """Asks for consent to run `command`, of the site in the user's folder `home`, unless it was given.

    `allowed`: it was given on the command line. Not `asks`: there is nobody at the terminal. Raises Problem (exit 2)
    where it is not given.
    """
    shown = printable(" ".join(command), keep="")
    file = _record(command, home)
    if os.environ.get(VARIABLE) == "1" or (file and file.is_file()):
        return
    if allowed or (asks and _answered(shown, home)):
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


def _record(command: Sequence[str], folder: Path) -> Path | None:
    """None for a user without a home: then nothing is kept."""
    said = json.dumps([os.fsencode(folder.resolve()).hex(), list(command)])
    with suppress(Problem):
        return home.state_folder() / "commands" / hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
    return None


def _answered(shown: str, home: Path) -> bool:
    if os.environ.get("CI") or not (sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty()):
        return False
    click.echo(f"The site in {printable(str(home), keep='')} is built by a program that its site.toml names:", err=True)
    click.echo(f"  {shown}", err=True)
    return click.confirm("Do you trust it to run, now and from now on?", default=False, err=True)


_COMMAND_SECONDS: Final = 1800
_SHOWN_LINES: Final = 20
_LOOK: Final = 0.05  # seconds between two looks whether it is wanted any longer


def run(
    site: SiteFile,
    home: Path,
    as_of: datetime,
    progress: Progress,
    *,
    allowed: bool,
    asks: bool = True,
    is_over: Callable[[], bool] | None = None,
) -> Path:
    """Runs the command in the site's folder, without a shell and with a clock that stands still; gives what it filled.

    `home` is the site's folder on this machine, which may be another one than a commit's copy; `allowed` and `asks` as
    in need_consent. `is_over` ends it, with all that it has started, as soon as nobody wants it any longer. Raises
    Problem (exit 2, 3, 9): nobody has allowed it, it fails, can't be run, or fills no folder.
    """
    command, output = site.settings.build.command, site.settings.build.output
    place = site.place("build", "command")
    need_consent(command, home, place, progress, allowed=allowed, asks=asks)
    progress.note(f"running {' '.join(command)}")
    fixed = {"SOURCE_DATE_EPOCH": str(int(as_of.timestamp())), "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    try:
        with subprocess.Popen(
            list(command),
            cwd=site.root,
            env=os.environ | fixed,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=is_over is not None,
        ) as process:
            code, said = _heard(process, is_over)
    except FileNotFoundError:
        raise MachineProblem(f'"{command[0]}" is not installed', place=place) from None
    except OSError as error:
        raise MachineProblem(f'"{command[0]}" can\'t be run: {error.strerror}', place=place) from None
    except subprocess.TimeoutExpired:
        raise Problem(f'"{command[0]}" did not end in {_COMMAND_SECONDS} s', place=place) from None
    if code:
        lines = said.decode("utf-8", "replace").strip().splitlines()[-_SHOWN_LINES:]
        raise Problem(f'"{command[0]}" failed with code {code}', place=place, said=lines)
    folder = site.root / output
    if not folder.resolve().is_relative_to(site.root.resolve()):
        raise Problem(f'[build] output "{output}" leads out of the site', place=site.place("build", "output"))
    if not folder.is_dir():
        raise Problem(
            f'"{command[0]}" wrote no folder "{output}"',
            place=site.place("build", "output"),
            hint="set [build] output to the folder that it fills",
        )
    return folder


def _heard(process: "subprocess.Popen[bytes]", is_over: Callable[[], bool] | None) -> tuple[int, bytes]:
    """How it ended, and what it said. Raises TimeoutExpired."""
    until = time.monotonic() + _COMMAND_SECONDS
    while True:
        try:
            said, _ = process.communicate(timeout=_LOOK if is_over else _COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            if is_over is None or is_over() or time.monotonic() > until:
                _end(process, whole=is_over is not None)
                raise
        except BaseException:
            _end(process, whole=is_over is not None)
            raise
        else:
            return process.returncode, said


def _end(process: "subprocess.Popen[bytes]", *, whole: bool) -> None:
    """With `whole`, it leads a session of its own, which ends with it."""
    with suppress(ProcessLookupError):
        if whole:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
