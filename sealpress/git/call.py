"""One call of the system's git: the only place that starts it.

A repository's own configuration and committed files are data. What they could make git run or fetch (a monitor, hooks,
a pager, a signature's program, other repositories, submodules) is switched off for each call, and which repository is
meant is said, so that a committed folder that looks like one is never taken for it. Filters are dealt with where files
are compared or written (sealpress/git/repository.py, sealpress/git/checkout.py). The user's own configuration and
environment hold.

Sources: git(1), git-config(1), SCOPES and safe.bareRepository; gitattributes(5), filter.
"""

import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from sealpress.problems import MachineProblem, Problem, printable
from sealpress.processes.pipes import hear

TIMEOUT: Final = 120
"""Seconds for a whole answer."""

LIMIT: Final = 256 << 20
"""Bytes of an answer: a million files, or the history of as many commits."""

USERS: Final = frozenset({"system", "global", "command"})
"""The scopes of settings that are the user's own; "local" and "worktree" are the repository's."""

SETTINGS: Final = (
    "core.quotePath=false",
    "safe.bareRepository=explicit",
    "core.fsmonitor=false",
    f"core.hooksPath={os.devnull}",
    "log.showSignature=false",
    "submodule.recurse=false",
)

_FIXED: Final = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    # Nothing is fetched, not by a partial clone either: the way there is the repository's to name.
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
    # A commit is what its name says: `git replace` and grafts hold on one machine only.
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
}

# What `git rev-parse --local-env-vars` lists: set in hooks and linked worktrees, and then true of another repository.
LOCAL: Final = frozenset(
    """GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_CONFIG GIT_CONFIG_PARAMETERS GIT_CONFIG_COUNT GIT_OBJECT_DIRECTORY GIT_DIR
    GIT_WORK_TREE GIT_IMPLICIT_WORK_TREE GIT_GRAFT_FILE GIT_INDEX_FILE GIT_NO_REPLACE_OBJECTS GIT_REPLACE_REF_BASE
    GIT_PREFIX GIT_SHALLOW_FILE GIT_COMMON_DIR GIT_INTERNAL_SUPER_PREFIX""".split()  # noqa: SIM905
)

# These would change what a pathspec or the attributes of a commit mean.
_MEANINGS: Final = frozenset(
    {"GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_ATTR_SOURCE"}
)


def ask(
    folder: Path,
    *arguments: str,
    may_fail: bool | tuple[str, ...] = False,
    environment: Mapping[str, str] | None = None,
    settings: Iterable[str] = (),
    within: float = TIMEOUT,
    limit: int = LIMIT,
) -> bytes | None:
    """What git printed; None where it failed and may: always, or saying one of the given things.

    `environment` says which repository is meant, `settings` are "section.key=value". Raises Problem (exit 9) with git's
    own last line.
    """
    options = [word for setting in (*SETTINGS, *settings) for word in ("-c", setting)]
    name = next(word for word in arguments if not word.startswith("-"))
    kept = {name: value for name, value in os.environ.items() if name not in LOCAL | _MEANINGS}
    try:
        process = subprocess.Popen(
            ["git", "--no-pager", *options, *arguments],
            cwd=folder,
            env={**kept, **_FIXED, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError:
        if not folder.is_dir():
            raise MachineProblem(f"there is no folder {folder}") from None
        raise _missing() from None
    out, err = _heard(process, name, within, limit)
    if process.returncode == 0:
        return out
    said = printable(err.decode("utf-8", "replace"), keep="\t\n").strip()
    if "dubious ownership" in said:
        raise MachineProblem(
            f"git distrusts {folder}, which belongs to another user",
            hint=f'git config --global --add safe.directory "{folder}"',
        )
    if may_fail is True or (may_fail and any(known in said for known in may_fail)):
        return None
    if "unknown option" in said:
        raise MachineProblem("this git is too old", hint="install git 2.26 or newer")
    reason = said.splitlines()[-1].removeprefix("fatal: ") if said else "no reason given"
    fetched = "not allowed" in said and "transport" in said
    raise MachineProblem(
        f"git {name} failed: {reason}",
        hint="this clone lacks a part of the commit: git fetch --refetch --no-filter" if fetched else None,
    )


def as_the_user(folder: Path, *arguments: str, seconds: float | None = None) -> subprocess.CompletedProcess[bytes]:
    """What git did in a folder as a person runs it there: with the repository's configuration, hooks and remotes, and
    with this terminal. Only for what a person asked git for by name, a push.

    With `seconds`, its output is kept, and it may take so long. Raises Problem (exit 9) where git is missing,
    subprocess.TimeoutExpired.
    """
    environment = {name: value for name, value in os.environ.items() if name not in LOCAL}
    try:
        return subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=environment,
            stdout=None if seconds is None else subprocess.PIPE,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError:
        raise _missing() from None


def _missing() -> Problem:
    return MachineProblem("git is not installed", hint="on Debian: apt install git")


def _heard(process: "subprocess.Popen[bytes]", name: str, within: float, limit: int) -> tuple[bytes, bytes]:
    try:
        with process:
            try:
                heard = hear(process, within, limit)
                process.wait(within)
            except BaseException:
                process.kill()
                raise
    except (TimeoutError, subprocess.TimeoutExpired):
        raise MachineProblem(f"git {name} gave no answer in {within} s") from None
    except ValueError:
        raise MachineProblem(f"git {name} gave an answer of more than {limit >> 20} MiB") from None
    return heard


def chosen() -> dict[str, str]:
    """The settings that the environment gives, which `ask` drops otherwise: they are the user's own."""
    return {name: os.environ[name] for name in ("GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS") if name in os.environ}
