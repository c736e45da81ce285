"""The blog's repository, read through the system's git: what is tracked, at which commit, and since when.

Every call names its repository, so that a build from a pre-push hook or a linked worktree reads the same as one by
hand, and what its configuration or its files could run stays off (sealpress/git/call.py). Names come NUL-separated,
never quoted.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sealpress.files import scratch
from sealpress.frozen import frozen
from sealpress.git import call
from sealpress.git import checkout as gitfolder
from sealpress.problems import MachineProblem, UsageProblem

_FILTER: Final = re.compile(r"filter\..*\.(clean|smudge|process|required)", re.DOTALL)

_OTHER: Final = "? "  # before a name that the index doesn't hold, in what `git ls-files -t` lists


@frozen
class Commit:
    """`id` in 40 (or 64) hex digits; `time` is the committer's, in UTC."""

    id: str
    time: datetime


@frozen
class FileDates:
    """When a file first and last came into a commit, in UTC."""

    first: datetime
    last: datetime


@frozen
class Repository:
    """A git work tree. `root` is its top folder, where `.git` is."""

    root: Path

    def _ask(self, folder: Path, *arguments: str, may_fail: bool = False, settings: Iterable[str] = ()) -> bytes | None:
        """As call.ask, of this repository, whatever `folder` looks like or the configuration calls its work tree."""
        where = {"GIT_DIR": str(self.root / ".git"), "GIT_WORK_TREE": str(self.root)}
        return call.ask(folder, *arguments, may_fail=may_fail, environment=where, settings=settings)

    def head(self) -> Commit | None:
        """The commit that is checked out; None before the first one."""
        if self._ask(self.root, "rev-parse", "--verify", "--quiet", "HEAD", may_fail=True) is None:
            return None
        return self._dated("HEAD")

    def commit(self, revision: str) -> Commit:
        """The commit that `revision` names. Raises Problem (exit 2) for one that doesn't exist."""
        found = self._ask(
            self.root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", may_fail=True
        )
        if found is None or found.startswith(b"^"):  # "^main" is a range: all that main does not hold
            raise UsageProblem(
                f'there is no commit "{revision}" in this repository', hint="git log --oneline lists them"
            )
        return self._dated(found.decode().strip())

    def is_ancestor(self, older: Commit, newer: Commit) -> bool:
        """Whether `newer` was made upon `older`, or is the same. A shallow clone may not know it."""
        answer = self._ask(self.root, "merge-base", "--is-ancestor", older.id, newer.id, may_fail=True)
        return answer is not None

    @property
    def is_shallow(self) -> bool:
        """Whether it holds a part of the history alone."""
        return (self._ask(self.root, "rev-parse", "--is-shallow-repository") or b"").strip() == b"true"

    def _dated(self, revision: str) -> Commit:
        told = self._ask(self.root, "log", "-1", "--no-mailmap", "--format=%H %ct", revision, "--") or b""
        commit, seconds = told.decode().split()
        return Commit(commit, datetime.fromtimestamp(int(seconds), UTC))

    def subject(self, commit: Commit) -> str:
        """The first line of its message."""
        told = self._ask(self.root, "log", "-1", "--no-show-signature", "--format=%s", commit.id, "--") or b""
        return told.decode("utf-8", "replace").strip()

    def holds(self, commit: str) -> bool:
        """Whether it has the commit of this full id, in whatever branch or in none."""
        if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", commit):
            return False
        return self._ask(self.root, "cat-file", "-e", f"{commit}^{{commit}}", may_fail=True) is not None

    def file(self, commit: str, path: str) -> bytes | None:
        """The bytes of a file that a commit (a full id) holds, by its path from the root; None where it holds none."""
        if not self.holds(commit):
            return None
        return self._ask(self.root, "cat-file", "blob", f"{commit}:{path}", may_fail=True)

    def listed(self, folder: Path, names: Iterable[str] = ()) -> tuple[list[str], list[str]]:
        """Files below `folder`, relative to it, each list sorted: those that the index holds, which may be gone by now,
        and those as `untracked` tells them. One question to git, which takes as long for a small answer as for both.

        Of some `names` alone, if any are given.
        """
        only = ["--", *(f":(literal){name}" for name in names)]
        listed = _names(self._ask(folder, "ls-files", "-z", "-t", "--cached", "--others", "--exclude-standard", *only))
        held = sorted({name[2:] for name in listed if not name.startswith(_OTHER)})
        others = (name[2:] for name in listed if name.startswith(_OTHER))
        return held, sorted(name for name in others if not name.endswith("/"))

    def tracked(self, folder: Path) -> list[str]:
        """Files below `folder` that the index holds and that are there, relative to `folder`, sorted."""
        held = sorted(set(_names(self._ask(folder, "ls-files", "-z", "--cached"))))
        return [name for name in held if (folder / name).is_file() or (folder / name).is_symlink()]

    def untracked(self, folder: Path) -> list[str]:
        """Files below `folder` that git neither tracks nor ignores, relative to `folder`, sorted.

        A repository inside this one is no part of it.
        """
        return sorted(_files(self._ask(folder, "ls-files", "-z", "--others", "--exclude-standard")))

    def ignores(self, folder: Path) -> bool:
        """Whether nothing in `folder` is for git: it lies in another place, or is ignored."""
        if not folder.is_relative_to(os.path.realpath(self.root)):
            return True
        return self._ask(self.root, "check-ignore", "--quiet", f"{folder}/", may_fail=True) is not None

    def is_clean(self, folder: Path, besides: str = "") -> bool:
        """Whether `folder` shows just what HEAD holds: nothing edited, staged or untracked (ignored files aside).

        `besides` is a folder in it that doesn't count, such as one that is built.
        """
        left_out = [f":(exclude,literal){besides}"] if besides else []
        options = ["--porcelain", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=dirty"]
        return not self._ask(folder, "status", *options, "--", ".", *left_out, settings=self._no_filters())

    def _no_filters(self) -> list[str]:
        """Settings that put out the filters of the repository's own configuration; those of the user's stay.

        Where the index can't tell whether a file was changed, git compares what a filter makes of it.
        """
        listed = self._ask(self.root, "config", "-z", "--show-scope", "--name-only", "--list")
        names = {name for scope, name in _scoped(listed) if scope not in call.USERS}
        own = sorted(name for name in names if _FILTER.fullmatch(name))
        if odd := next((name for name in own if "=" in name), None):  # -c would take it for another one
            raise MachineProblem(
                f"git can't be kept from running \"{odd}\" of this repository's configuration",
                hint="remove it from .git/config, or give the filter another name",
            )
        return [f"{name}={'false' if name.endswith('.required') else ''}" for name in own]

    def dates(self, folder: Path, revision: str = "HEAD") -> dict[str, FileDates]:
        """The dates of every file below `folder`, by its path relative to `folder`, from the whole history of
        `revision`.

        Empty before the first commit. Raises Problem (exit 9) in a shallow clone, where every file seems to be from the
        last commit.
        """
        if self.head() is None:
            return {}
        if self.is_shallow:
            raise MachineProblem(
                "this clone is shallow: it can't tell when a file was written",
                hint="git fetch --unshallow (in CI: fetch the whole history), or set [build] git_dates = false",
            )
        log = self._ask(
            folder,
            "log",
            "--no-mailmap",
            "--no-ext-diff",
            "--no-textconv",
            "--format=%x00%ct",
            "--name-only",
            "-z",
            "--no-renames",
            "--relative",
            "--end-of-options",
            revision,
            "--",
            ".",
            settings=["log.showRoot=true"],
        )
        dates: dict[str, FileDates] = {}
        for when, name in _log_entries(log or b""):
            known = dates.get(name)
            # Not always from new to old: clocks of several authors differ.
            dates[name] = FileDates(min(known.first, when), max(known.last, when)) if known else FileDates(when, when)
        return dates

    @contextmanager
    def checkout(self, commit: Commit, kept: Path | None = None) -> Iterator[Path]:
        """A folder with just the files of `commit`, gone after use. The repository's own index and files stay.

        `kept`: a folder of one's own in which it stays, and in which the next one writes only what differs. Line
        endings are as committed, or as the commit's own .gitattributes say, whatever this machine's git is set to; no
        filter runs. Submodules are empty folders. Raises Problem (exit 9) where a part of the commit is missing.
        """
        with nullcontext(kept) if kept else scratch.folder("commit") as folder:
            yield gitfolder.put(folder, commit.id, self._place("objects"), self._place("lfs/objects"))

    @contextmanager
    def clone(self, commit: Commit) -> Iterator[Path]:
        """A repository of its own with `commit` checked out and all of the history, gone after use. As `checkout`."""
        with scratch.folder("clone") as folder:
            tree = folder / "tree"
            own = tree / ".git"
            gitfolder.make(own, commit.id, self._place("objects"))
            if (shallow := self._place("shallow")).is_file():
                (own / "shallow").write_bytes(shallow.read_bytes())
            gitfolder.fill(tree, own, commit.id, self._place("lfs/objects"))
            yield tree

    def hooks_path(self) -> tuple[str, str]:
        """core.hooksPath, as a push takes it: the scope that it is set in, and the folder; "" twice for none."""
        told = self._ask(
            self.root, "config", "-z", "--show-scope", "--type=path", "--get-all", "core.hooksPath", may_fail=True
        )
        found = [(scope, value) for scope, value in _scoped(told) if scope != "command"]  # call.ask puts it out
        return found[-1] if found else ("", "")

    def hooks(self, path: str) -> Path:
        """The folder of hooks that core.hooksPath names, or git's own, which linked worktrees share."""
        common = (self._ask(self.root, "rev-parse", "--git-common-dir") or b"").removesuffix(b"\n")
        return self.root / path if path else self.root / os.fsdecode(common) / "hooks"

    def _place(self, name: str) -> Path:
        """Where in the git folder, or in that of which this one is a linked worktree, something is."""
        told = self._ask(self.root, "rev-parse", "--git-path", name) or b""
        return self.root / os.fsdecode(told.removesuffix(b"\n"))


@frozen
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

    A repository is where `.git` is, and its work tree beside that: a folder that only looks like one, and a setting
    that names another work tree, could be anybody's. Raises Problem (exit 9) where git is missing, distrusts the folder
    or can't read the repository: what it tracks must not be taken for what lies there.
    """
    start = folder.resolve()
    if not start.is_dir():
        raise MachineProblem(f"there is no folder {folder}")
    for place in _upwards(start):
        mark = place / ".git"
        if mark == start or mark in start.parents:
            return None
        if os.path.lexists(mark):
            where = {"GIT_CEILING_DIRECTORIES": str(place.parent)} | call.chosen()
            if call.ask(place, "rev-parse", "--git-dir", may_fail=_NO_REPOSITORY, environment=where):
                return Repository(place)
    call.ask(folder, "version")
    return None


def _upwards(start: Path) -> Iterator[Path]:
    """The folders in which git would look for a repository (git(1), GIT_CEILING_DIRECTORIES)."""
    ceilings = {os.path.realpath(path) for path in os.environ.get("GIT_CEILING_DIRECTORIES", "").split(":") if path}
    across = "GIT_DISCOVERY_ACROSS_FILESYSTEM" in os.environ
    yield start
    for place in start.parents:
        if str(place) in ceilings or not (across or place.stat().st_dev == start.stat().st_dev):
            return
        yield place


def setting(folder: Path, name: str, *, is_path: bool = False) -> str:
    """A setting of the user's own for `folder`; "" for none. What the repository's configuration says doesn't count."""
    repository = discover(folder)
    where = {"GIT_DIR": str(repository.root / ".git") if repository else os.devnull} | call.chosen()
    kind = ["--type=path"] if is_path else []
    told = call.ask(folder, "config", "-z", "--show-scope", *kind, "--get-all", name, may_fail=True, environment=where)
    found = [value for scope, value in _scoped(told) if scope in call.USERS]
    return found[-1].strip() if found else ""


def files_without_git(folder: Path) -> list[str]:
    """All files below a folder that is in no repository, less what its .gitignore files leave out; relative, sorted.

    The ignore lists of this machine and its user play no part.
    """
    with scratch.folder("git") as empty:
        own = empty / "git"
        gitfolder.make(own)
        where = {"GIT_DIR": str(own), "GIT_WORK_TREE": "."}
        options = ["-z", "--others", "--exclude-standard"]
        settings = [f"core.excludesFile={os.devnull}"]
        return sorted(_files(call.ask(folder, "ls-files", *options, environment=where, settings=settings)))


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


def _scoped(listed: bytes | None) -> list[tuple[str, str]]:
    """Pairs of what `git config -z --show-scope` lists: a setting's scope, and its name or value."""
    fields = [os.fsdecode(field) for field in (listed or b"").split(b"\0")]
    return list(zip(fields[::2], fields[1::2], strict=False))


def _files(listed: bytes | None) -> list[str]:
    """Less the repositories that git lists as folders, with "/" behind the name."""
    return [name for name in _names(listed) if not name.endswith("/")]


# What git says of a `.git` that is none; anything else that it says is trouble.
_NO_REPOSITORY: Final = ("not a git repository (or any", "cannot use bare repository")


NO_DATE: Final = datetime(1980, 1, 1, tzinfo=UTC)
"""That of what nothing dates: the first that every archive's format can say (ZIP's begins there)."""


def as_of(repository: Repository | None, commit: Commit | None = None) -> datetime | None:
    """SOURCE_DATE_EPOCH, else the time of the commit (by default that which is checked out), else None where there is
    neither; in UTC, whole seconds.

    Source: the Reproducible Builds specification of SOURCE_DATE_EPOCH. Raises Problem (exit 9) for a bad value.
    """
    if (epoch := os.environ.get("SOURCE_DATE_EPOCH")) is not None:
        # Twelve digits reach beyond the year 9999, where datetime ends.
        if not (epoch.isascii() and epoch.isdigit() and len(epoch) <= 12 and int(epoch) < 253402300800):
            raise MachineProblem(
                f'SOURCE_DATE_EPOCH is "{epoch}"',
                hint="set it to whole seconds since 1970, as `git log -1 --format=%ct` prints them, or unset it",
            )
        return datetime.fromtimestamp(int(epoch), UTC)
    found = commit or (repository.head() if repository else None)
    return found.time if found else None
