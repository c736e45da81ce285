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

_OTHER: Final = "? "  # before a name that the index doesn't hold, in what `git ls-files -t` lists


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
        return self._dated("HEAD")

    def commit(self, revision: str) -> Commit:
        """The commit that `revision` names. Raises Problem (exit 2) for one that doesn't exist."""
        found = _git(
            self.root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", may_fail=True
        )
        if found is None or found.startswith(b"^"):  # "^main" is a range: all that main does not hold
            raise Problem(
                f'there is no commit "{revision}" in this repository',
                hint="git log --oneline lists them",
                code=Exit.USAGE,
            )
        return self._dated(found.decode().strip())

    def _dated(self, revision: str) -> Commit:
        told = _git(self.root, "log", "-1", "--no-show-signature", "--format=%H %ct", revision, "--") or b""
        commit, seconds = told.decode().split()
        return Commit(commit, datetime.fromtimestamp(int(seconds), UTC))

    def listed(self, folder: Path) -> tuple[list[str], list[str]]:
        """Files below `folder`, relative to it, each list sorted: those that the index holds, which may be gone by now,
        and those as `untracked` tells them. One question to git, which takes as long for a small answer as for both.
        """
        listed = _names(_git(folder, "ls-files", "-z", "-t", "--cached", "--others", "--exclude-standard"))
        held = sorted({name[2:] for name in listed if not name.startswith(_OTHER)})
        others = (name[2:] for name in listed if name.startswith(_OTHER))
        return held, sorted(name for name in others if not name.endswith("/"))

    def tracked(self, folder: Path) -> list[str]:
        """Files below `folder` that the index holds and that are there, relative to `folder`, sorted."""
        held = sorted(set(_names(_git(folder, "ls-files", "-z", "--cached"))))
        return [name for name in held if (folder / name).is_file() or (folder / name).is_symlink()]

    def untracked(self, folder: Path) -> list[str]:
        """Files below `folder` that git neither tracks nor ignores, relative to `folder`, sorted.

        A repository inside this one is no part of it.
        """
        return sorted(_files(_git(folder, "ls-files", "-z", "--others", "--exclude-standard")))

    def is_clean(self, folder: Path, besides: str = "") -> bool:
        """Whether `folder` shows just what HEAD holds: nothing edited, staged or untracked (ignored files aside).

        `besides` is a folder in it that doesn't count, such as one that is built.
        """
        left_out = [f":(exclude,literal){besides}"] if besides else []
        return not _git(folder, "status", "--porcelain", "-z", "--untracked-files=all", "--", ".", *left_out)

    def dates(self, folder: Path, revision: str = "HEAD") -> dict[str, FileDates]:
        """The dates of every file below `folder`, by its path relative to `folder`, from the whole history of
        `revision`.

        Empty before the first commit. Raises Problem (exit 9) in a shallow clone, where every file seems to be from the
        last commit.
        """
        if self.head() is None:
            return {}
        if (_git(self.root, "rev-parse", "--is-shallow-repository") or b"").strip() == b"true":
            raise Problem(
                "this clone is shallow: it can't tell when a file was written",
                hint="git fetch --unshallow (in CI: fetch the whole history), or set [build] git_dates = false",
                code=Exit.MACHINE,
            )
        log = _git(
            folder,
            "-c",
            "log.showRoot=true",
            "log",
            "--no-show-signature",
            "--format=%x00%ct",
            "--name-only",
            "-z",
            "--no-renames",
            "--relative",
            "--end-of-options",
            revision,
            "--",
            ".",
        )
        dates: dict[str, FileDates] = {}
        for when, name in _log_entries(log or b""):
            known = dates.get(name)
            # Not always from new to old: clocks of several authors differ.
            dates[name] = FileDates(min(known.first, when), max(known.last, when)) if known else FileDates(when, when)
        return dates

    @contextmanager
    def checkout(self, commit: Commit) -> Iterator[Path]:
        """A folder with just the files of `commit`, gone after use. The repository's own index and files stay.

        Line endings are as committed, or as the commit's own .gitattributes say, whatever this machine's git is set to.
        Submodules are empty folders.
        """
        with tempfile.TemporaryDirectory(prefix="sealpress-commit-") as folder:
            tree = Path(folder) / "tree"
            tree.mkdir()
            own = _git(self.root, "rev-parse", "--absolute-git-dir") or b""
            # With the folder as its work tree, git does not see the .gitattributes that lie around in the real one.
            environment = {
                "GIT_DIR": os.fsdecode(own.removesuffix(b"\n")),
                "GIT_WORK_TREE": str(tree),
                "GIT_INDEX_FILE": str(Path(folder) / "index"),
                "GIT_ATTR_NOSYSTEM": "1",
            }
            plain = ["core.autocrlf=false", "core.eol=lf", "core.symlinks=true", f"core.attributesFile={os.devnull}"]
            options = [word for setting in plain for word in ("-c", setting)]
            _git(tree, "read-tree", commit.id, environment=environment)
            _git(tree, *options, "checkout-index", "--all", "--quiet", environment=environment)
            yield tree

    @contextmanager
    def clone(self, commit: Commit) -> Iterator[Path]:
        """A repository of its own with `commit` checked out and all of the history, gone after use.

        Files are as in `checkout`; no hook of this machine runs.
        """
        with tempfile.TemporaryDirectory(prefix="sealpress-clone-") as folder:
            tree = Path(folder) / "tree"
            _git(self.root, "clone", "--quiet", "--shared", "--no-checkout", "--template=", str(self.root), str(tree))
            for setting in ("core.autocrlf=false", "core.eol=lf", "core.symlinks=true", f"core.hooksPath={os.devnull}"):
                _git(tree, "config", *setting.split("=", 1))
            _git(tree, "checkout", "--quiet", "--detach", commit.id)
            yield tree


@dataclass(frozen=True, slots=True)
class History:
    """What tells when the files below `folder` were written: the commits up to `revision`.

    The files themselves may lie elsewhere, as those of a checkout do.
    """

    repository: Repository
    folder: Path
    revision: str = "HEAD"

    def tip(self) -> Commit | None:
        """The last of the commits; None before the first one."""
        return self.repository.head() if self.revision == "HEAD" else self.repository.commit(self.revision)

    def dates(self) -> dict[str, FileDates]:
        """As Repository.dates."""
        return self.repository.dates(self.folder, self.revision)


def discover(folder: Path) -> Repository | None:
    """The repository whose work tree holds `folder`, or None.

    Raises Problem (exit 9) where git is missing, distrusts the folder or can't read the repository: what it tracks must
    not be taken for what lies there.
    """
    top = _git(folder, "rev-parse", "--show-toplevel", may_fail=_NO_WORK_TREE)
    return Repository(Path(os.fsdecode(top.removesuffix(b"\n")))) if top else None


def files_without_git(folder: Path) -> list[str]:
    """All files below a folder that is in no repository, less what its .gitignore files leave out; relative, sorted.

    The ignore lists of this machine and its user play no part.
    """
    with tempfile.TemporaryDirectory(prefix="sealpress-git-") as empty:
        _git(folder, "init", "--quiet", "--bare", "--template=", empty)
        return sorted(
            _files(
                _git(
                    folder,
                    "-c",
                    f"core.excludesFile={os.devnull}",
                    f"--git-dir={empty}",
                    "--work-tree=.",
                    "ls-files",
                    "-z",
                    "--others",
                    "--exclude-standard",
                )
            )
        )


def _log_entries(log: bytes) -> Iterator[tuple[datetime, str]]:
    """(time, path) pairs of `git log --format=%x00%ct --name-only -z`.

    The fields are NUL-separated: an empty one, the seconds, then the names, the first with a line feed before it.
    """
    when = datetime.fromtimestamp(0, UTC)
    expected = "nothing"
    for part in log.split(b"\0"):
        if not part:
            expected = "time"
        elif expected == "time":
            when = datetime.fromtimestamp(int(part), UTC)
            expected = "first name"
        else:
            yield when, os.fsdecode(part.removeprefix(b"\n") if expected == "first name" else part)
            expected = "name"


def _names(listed: bytes | None) -> list[str]:
    return [os.fsdecode(name) for name in (listed or b"").split(b"\0") if name]


def _files(listed: bytes | None) -> list[str]:
    """Less the repositories that git lists as folders, with "/" behind the name."""
    return [name for name in _names(listed) if not name.endswith("/")]


# What git says where there is no work tree; anything else that it says is trouble.
_NO_WORK_TREE: Final = ("not a git repository (or any", "must be run in a work tree")


def _git(
    folder: Path,
    *arguments: str,
    may_fail: bool | tuple[str, ...] = False,
    environment: dict[str, str] | None = None,
) -> bytes | None:
    """What git printed; None where it failed and may: always, or saying one of the given things.

    Raises Problem (exit 9) with git's own last line.
    """
    command: Sequence[str] = ["git", "-c", "core.quotePath=false", *arguments]
    name = next(word for word in arguments if not word.startswith("-") and "=" not in word)
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
        raise Problem(f"git {name} gave no answer in {TIMEOUT} s", code=Exit.MACHINE) from None
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.decode("utf-8", "replace").strip()
    if "dubious ownership" in said:
        raise Problem(
            f"git distrusts {folder}, which belongs to another user",
            hint=f'git config --global --add safe.directory "{folder}"',
            code=Exit.MACHINE,
        )
    if may_fail is True or (may_fail and any(known in said for known in may_fail)):
        return None
    reason = said.splitlines()[-1].removeprefix("fatal: ") if said else "no reason given"
    raise Problem(f"git {name} failed: {reason}", code=Exit.MACHINE)


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
