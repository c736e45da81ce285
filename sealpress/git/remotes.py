"""A push to a remote of the user's, by the user's own git: their configuration, hooks and keys hold, and git asks and
prints as it always does.
"""

import subprocess
from typing import Final

from sealpress.frozen import frozen
from sealpress.git import call
from sealpress.git.repository import Repository
from sealpress.problems import MachineProblem, UsageProblem

_TIMEOUT: Final = 120  # seconds to read back what a remote has


@frozen
class RemoteBranch:
    """`remote` is a name or an address, `branch` a branch there."""

    remote: str
    branch: str

    def __str__(self) -> str:
        return f"{self.remote} {self.branch}"


def push(repository: Repository, remote: str, branch: str) -> RemoteBranch:
    """Pushes HEAD. Without a remote or a branch, those that `git push` would take: the upstream, else "origin" and the
    branch's own name.

    Raises Problem (exit 2) for a detached HEAD without a branch, (exit 9) where git or the remote refuses.
    """
    here = branch_of(repository)
    if not here and not branch:
        raise UsageProblem("no branch is checked out", hint="name both: publish push REMOTE BRANCH")
    for word in (remote, branch):
        if word.startswith("-"):
            raise UsageProblem(f'"{word}" is no remote and no branch')
    remote = (
        remote
        or _ask(repository, "config", f"branch.{here}.pushRemote")
        or (
            _ask(repository, "config", "remote.pushDefault")
            or _ask(repository, "config", f"branch.{here}.remote")
            or "origin"
        )
    )
    merged = _ask(repository, "config", f"branch.{here}.merge").removeprefix("refs/heads/")
    where = RemoteBranch(remote, branch or merged or here)
    if _run(repository, "push", "--", where.remote, f"HEAD:refs/heads/{where.branch}").returncode:
        raise MachineProblem(f"git push to {where} failed: nothing was published", hint="git says why above")
    return where


def branch_of(repository: Repository) -> str:
    """The branch that is checked out, "" for none."""
    return _ask(repository, "symbolic-ref", "--quiet", "--short", "HEAD")


def read_back(repository: Repository, where: RemoteBranch) -> str:
    """The commit that the remote's branch is at, in hex. Raises Problem (exit 9)."""
    try:
        done = _run(repository, "ls-remote", "--", where.remote, f"refs/heads/{where.branch}", captured=True)
    except subprocess.TimeoutExpired:
        raise MachineProblem(f"{where.remote} does not answer: nothing was published") from None
    commit = done.stdout.decode("utf-8", "replace").partition("\t")[0].strip()
    if done.returncode or not commit:
        raise MachineProblem(f"{where} can't be read back: nothing was published")
    return commit


def _ask(repository: Repository, *arguments: str) -> str:
    done = _run(repository, *arguments, captured=True)
    return done.stdout.decode("utf-8", "surrogateescape").strip() if done.returncode == 0 else ""


def _run(repository: Repository, *arguments: str, captured: bool = False) -> subprocess.CompletedProcess[bytes]:
    return call.as_the_user(repository.root, *arguments, seconds=_TIMEOUT if captured else None)
