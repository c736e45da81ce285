"""The blog's repository, read through the system's git: what is tracked, at which commit, and since when.

Every call names its repository and drops the variables that git itself sets for hooks, so that a build from a
pre-push hook or a linked worktree reads the same as one by hand. Names come NUL-separated, never quoted.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sealpress.problems import Exit, Problem

TIMEOUT: Final = 120


@dataclass(frozen=True, slots=True)
class Commit:
    """`id` in 40 (or 64) hex digits; `time` is the committer's, in UTC."""

    id: str
    time: datetime


@dataclass(frozen=True, slots=True)
class FileDates:
    """When a file first and last came into a commit, in UTC."""

    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Repository:
    """A git work tree. `root` is its top folder."""

    root: Path

    def head(self) -> Commit | None:
        """The commit that is checked out; None before the first one."""
        if _git(self.root, "rev-parse", "--verify", "--quiet", "HEAD", may_fail=True) is None:
            return None
        return self.commit("HEAD")

    def commit(self, revision: str) -> Commit:
        """The commit that `revision` names. Raises Problem (exit 2) for one that doesn't exist."""
        found = _git(
            self.root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", may_fail=True
        )
        if found is None:
            raise Problem(
                f'there is no commit "{revision}" in this repository',
                hint="git log --oneline lists them",
                code=Exit.USAGE,
            )
        commit = found.decode().strip()
        seconds = _git(self.root, "show", "--no-patch", "--no-show-signature", "--format=%ct", commit) or b""
        return Commit(commit, datetime.fromtimestamp(int(seconds), UTC))

    def tracked(self, folder: Path) -> list[str]:
        """Files below `folder` that the index holds and that are there, relative to `folder`, sorted."""
        listed = _names(_git(folder, "ls-files", "-z", "--cached"))
        return sorted({name for name in listed if (folder / name).is_file() or (folder / name).is_symlink()})

    def untracked(self, folder: Path) -> list[str]:
        """Files below `folder` that git neither tracks nor ignores, relative to `folder`, sorted."""
        return sorted(_names(_git(folder, "ls-files", "-z", "--others", "--exclude-standard")))

    def is_clean(self, folder: Path) -> bool:
        """Whether `folder` shows just what HEAD holds: nothing edited, staged or untracked (ignored files aside)."""
        return not _git(folder, "status", "--porcelain", "-z", "--untracked-files=all", "--", ".")

    def dates(self, folder: Path) -> dict[str, FileDates]:
        """The dates of every file below `folder`, by its path relative to `folder`, from the whole history.

        Raises Problem (exit 9) in a shallow clone, where every file seems to be from the last commit.
        """
        if (_git(self.root, "rev-parse", "--is-shallow-repository") or b"").strip() == b"true":
            raise Problem(
                "this clone is shallow: it can't tell when a file was written",
                hint="git fetch --unshallow (in CI: fetch the whole history), or set [build] git_dates = false",
                code=Exit.MACHINE,
            )
        log = _git(
            folder,
            "log",
            "--no-show-signature",
            "--format=%x00%ct",
            "--name-only",
            "-z",
            "--no-renames",
            "--relative",
            "HEAD",
            "--",
            ".",
        )
        dates: dict[str, FileDates] = {}
        for when, name in _log_entries(log or b""):
            known = dates.get(name)
            dates[name] = FileDates(when, known.last if known else when)
        return dates

    @contextmanager
    def checkout(self, commit: Commit) -> Iterator[Path]:
        """A folder with just the files of `commit`, gone after use. The repository's own index and files stay.

        Line endings are as committed, whatever this machine's git is set to. Submodules are empty folders.
        """
        with tempfile.TemporaryDirectory(prefix="sealpress-commit-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            tree = Path(folder) / "tree"
            tree.mkdir()
            _git(self.root, "read-tree", commit.id, environment=index)
            _git(
                self.root,
                "-c",
                "core.autocrlf=false",
                "-c",
                "core.eol=lf",
                "checkout-index",
                "--all",
                "--quiet",
                f"--prefix={tree}/",
                environment=index,
            )
            yield tree


def discover(folder: Path) -> Repository | None:
    """The repository whose work tree holds `folder`, or None.

    Raises Problem (exit 9) where git is missing or distrusts the folder.
    """
    top = _git(folder, "rev-parse", "--show-toplevel", may_fail=True)
    return Repository(Path(os.fsdecode(top.rstrip(b"\n")))) if top else None


def files_without_git(folder: Path) -> list[str]:
    """All files below a folder that is in no repository, less what its .gitignore files leave out; relative, sorted."""
    with tempfile.TemporaryDirectory(prefix="sealpress-git-") as empty:
        _git(folder, "init", "--quiet", "--bare", empty)
        return sorted(
            _names(
                _git(
                    folder,
                    f"--git-dir={empty}",
                    f"--work-tree={folder}",
                    "ls-files",
                    "-z",
                    "--others",
                    "--exclude-standard",
                )
            )
        )


def _log_entries(log: bytes) -> Iterator[tuple[datetime, str]]:
    """(time, path) pairs of `git log --format=%x00%ct --name-only -z`, newest first.

    The fields are NUL-separated: an empty one, the seconds with a line feed before the first name, then the names.
    """
    when = datetime.fromtimestamp(0, UTC)
    is_time = False
    for part in log.split(b"\0"):
        if not part:
            is_time = True
            continue
        name = part
        if is_time:
            seconds, _, name = part.partition(b"\n")
            when = datetime.fromtimestamp(int(seconds), UTC)
            is_time = False
        if name:
            yield when, os.fsdecode(name)


def _names(listed: bytes | None) -> list[str]:
    return [os.fsdecode(name) for name in (listed or b"").split(b"\0") if name]


def _git(
    folder: Path, *arguments: str, may_fail: bool = False, environment: dict[str, str] | None = None
) -> bytes | None:
    """What git printed; None where it failed and may. Raises Problem (exit 9) with git's own last line."""
    command: Sequence[str] = ["git", "-c", "core.quotePath=false", *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=_environment() | (environment or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except FileNotFoundError:
        if not folder.is_dir():
            raise Problem(f"there is no folder {folder}", code=Exit.MACHINE) from None
        raise Problem("git is not installed", hint="on Debian: apt install git", code=Exit.MACHINE) from None
    except subprocess.TimeoutExpired:
        raise Problem(f"git {arguments[0]} gave no answer in {TIMEOUT} s", code=Exit.MACHINE) from None
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.decode("utf-8", "replace").strip()
    if "dubious ownership" in said:
        raise Problem(
            f"git distrusts {folder}, which belongs to another user",
            hint=f'git config --global --add safe.directory "{folder}"',
            code=Exit.MACHINE,
        )
    if may_fail:
        return None
    raise Problem(
        f"git {arguments[0]} failed: {said.splitlines()[-1] if said else 'no reason given'}", code=Exit.MACHINE
    )


# What `git rev-parse --local-env-vars` lists: set in hooks and linked worktrees, and then true of another repository.
_LOCAL: Final = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_CONFIG",
        "GIT_CONFIG_PARAMETERS",
        "GIT_CONFIG_COUNT",
        "GIT_OBJECT_DIRECTORY",
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_GRAFT_FILE",
        "GIT_INDEX_FILE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_REPLACE_REF_BASE",
        "GIT_PREFIX",
        "GIT_SHALLOW_FILE",
        "GIT_COMMON_DIR",
        "GIT_INTERNAL_SUPER_PREFIX",
    }
)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _LOCAL}
    return kept | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
