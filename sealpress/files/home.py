"""The home folder of whoever runs a command, and the folders that the environment names instead of ones below it.

A relative path is none: it would lead somewhere else with every folder that a command is run in, and into a repository.

In the state folder is what this user's own runs leave for the next ones, and what no repository can bring along:

    cache-key       with which kept results are signed (sealpress/files/signing.py)
    commands/       which programs of repositories may run (sealpress/commands/generator.py)
    unfinished/     what lies beside outputs until these are whole (sealpress/files/scratch.py)
    records/        which URLs were served from here (publish/releases/records.py); on a host, of the account there
    images/, …      what the embedded runner serves (publish/engines/embedded/); for root below /var/lib

Sources: XDG Base Directory Specification 0.8, XDG_STATE_HOME and "All paths set in these environment variables must be
absolute"; POSIX.1, 8.3, HOME, which is the same as in the user database.
"""

import os
import pwd
from pathlib import Path

from sealpress.problems import MachineProblem


def folder() -> Path | None:
    """`$HOME` where that is an absolute path, else the home folder of the account; None for an account without one."""
    home = Path(os.environ.get("HOME", ""))
    if not home.is_absolute():
        try:
            home = Path(pwd.getpwuid(os.getuid()).pw_dir)
        except KeyError:
            return None
    return home if home.is_absolute() else None


def base(variable: str) -> Path | None:
    """The folder that an XDG variable names; None where it is not set, or relative."""
    named = Path(os.environ.get(variable, ""))
    return named if named.is_absolute() else None


def expanded(path: str) -> Path:
    """A path with the home folder in the place of "~". Where there is none, and of another user's, as the system does.

    Raises RuntimeError where that doesn't know it.
    """
    own = folder() if path == "~" or path.startswith("~/") else None
    return own / path[2:] if own else Path(path).expanduser()


def state_folder() -> Path:
    """`$SEALPRESS_STATE`, else `$XDG_STATE_HOME/sealpress`, else `~/.local/state/sealpress`. It may not exist yet.

    Raises Problem (exit 9) where there is no home folder.
    """
    if chosen := _chosen():
        return chosen
    if own := folder():
        return own / ".local/state/sealpress"
    raise MachineProblem(
        "there is no home folder to keep state in", hint="set SEALPRESS_STATE to a folder that may be written"
    )


def shared_state_folder() -> Path:
    """The same for what other users have to read: for root, where the environment names none, `/var/lib/sealpress`.

    In root's own home, nginx could not become another user and read its site.
    Source: Filesystem Hierarchy Standard 3.0, section 5.8.
    """
    return _chosen() or (Path("/var/lib/sealpress") if os.geteuid() == 0 else state_folder())


def _chosen() -> Path | None:
    if given := os.environ.get("SEALPRESS_STATE"):
        return Path(given).absolute()
    above = base("XDG_STATE_HOME")
    return above / "sealpress" if above else None
