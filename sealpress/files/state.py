"""The state folder: what this user's own runs leave for the next ones, and what no repository can bring along.

    cache-key       with which kept results are signed (sealpress/files/signing.py)
    commands/       which programs of repositories may run (sealpress/commands/consent.py)
    unfinished/     what lies beside outputs until these are whole (sealpress/files/scratch.py)
    images/, …      what the embedded runner serves (publish/engines/embedded/); for root below /var/lib

Source: XDG Base Directory Specification 0.8, XDG_STATE_HOME.
"""

import os
from pathlib import Path

from sealpress.files import home
from sealpress.problems import MachineProblem


def folder() -> Path:
    """`$SEALPRESS_STATE`, else `$XDG_STATE_HOME/sealpress`, else `~/.local/state/sealpress`. It may not exist yet.

    Raises Problem (exit 9) where there is no home folder.
    """
    if chosen := _chosen():
        return chosen
    if own := home.folder():
        return own / ".local/state/sealpress"
    raise MachineProblem(
        "there is no home folder to keep state in", hint="set SEALPRESS_STATE to a folder that may be written"
    )


def shared_folder() -> Path:
    """The same for what other users have to read: for root, where the environment names none, `/var/lib/sealpress`.

    In root's own home, nginx could not become another user and read its site.
    Source: Filesystem Hierarchy Standard 3.0, section 5.8.
    """
    return _chosen() or (Path("/var/lib/sealpress") if os.geteuid() == 0 else folder())


def _chosen() -> Path | None:
    if given := os.environ.get("SEALPRESS_STATE"):
        return Path(given).absolute()
    base = home.base("XDG_STATE_HOME")
    return base / "sealpress" if base else None
