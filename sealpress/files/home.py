"""The home folder of whoever runs a command, and the folders that the environment names instead of ones below it.

A relative path is none: it would lead somewhere else with every folder that a command is run in, and into a repository.
Sources: XDG Base Directory Specification 0.8, "All paths set in these environment variables must be absolute"; POSIX.1,
8.3, HOME, which is the same as in the user database.
"""

import os
import pwd
from pathlib import Path


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
