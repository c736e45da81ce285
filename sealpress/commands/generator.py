"""A generator other than ssg: [build] command in site.toml, which fills [build] output."""

import os
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Final

from sealpress.commands import consent
from sealpress.commands.console import Progress
from sealpress.config.sitefile import SiteFile
from sealpress.problems import MachineProblem, Problem

_COMMAND_SECONDS: Final = 1800
_SHOWN_LINES: Final = 20


def run(site: SiteFile, home: Path, as_of: datetime, progress: Progress, *, allowed: bool) -> Path:
    """Runs the command in the site's folder, without a shell and with a clock that stands still; gives what it filled.

    `home` is the site's folder on this machine, which may be another one than a commit's copy; `allowed` as in
    consent.need. Raises Problem (exit 2, 3, 9): nobody has allowed it, it fails, can't be run, or fills no folder.
    """
    command, output = site.settings.build.command, site.settings.build.output
    place = site.place("build", "command")
    consent.need(command, home, place, progress, allowed=allowed)
    progress.note(f"running {' '.join(command)}")
    fixed = {"SOURCE_DATE_EPOCH": str(int(as_of.timestamp())), "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            list(command),
            cwd=site.root,
            env=os.environ | fixed,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise MachineProblem(f'"{command[0]}" is not installed', place=place) from None
    except OSError as error:
        raise MachineProblem(f'"{command[0]}" can\'t be run: {error.strerror}', place=place) from None
    except subprocess.TimeoutExpired:
        raise Problem(f'"{command[0]}" did not end in {_COMMAND_SECONDS} s', place=place) from None
    if done.returncode:
        said = done.stdout.decode("utf-8", "replace").strip().splitlines()[-_SHOWN_LINES:]
        raise Problem(f'"{command[0]}" failed with code {done.returncode}', place=place, said=said)
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
