"""`publish push`: what the remote has accepted is published, and nothing else."""

import subprocess
from pathlib import Path

import pytest

from tests.publish.cli.conftest import commit, git

pytestmark = pytest.mark.long


@pytest.fixture
def remote(blog, tmp_path: Path) -> Path:
    folder = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", str(folder)], check=True, timeout=30)
    git(blog.folder, "remote", "add", "origin", str(folder))
    return folder


def test_the_commit_that_the_remote_accepted_is_published(blog, publish, remote: Path) -> None:
    pushed = commit_of(blog)
    (blog.folder / "page.html").write_text("not committed")
    code, out, err = publish("push", "origin", "main")
    assert code == 0, err
    assert f"origin main has commit {pushed[:12]}" in err
    assert "answers: generation 1" in out
    assert blog.page() == "one"
    assert git(remote, "rev-parse", "refs/heads/main") == pushed


def test_without_arguments_it_goes_where_git_push_goes(blog, publish, remote: Path) -> None:
    git(blog.folder, "config", "branch.main.remote", "origin")
    git(blog.folder, "config", "branch.main.merge", "refs/heads/live")
    assert publish("push")[0] == 0
    assert git(remote, "rev-parse", "refs/heads/live") == commit_of(blog)
    assert blog.page() == "one"


def test_a_push_that_fails_publishes_nothing(blog, publish, remote: Path, tmp_path: Path) -> None:
    (remote / "hooks").mkdir(exist_ok=True)
    (remote / "hooks/pre-receive").write_text("#!/bin/sh\nexit 1\n")
    (remote / "hooks/pre-receive").chmod(0o755)
    code, _, err = publish("push", "origin", "main")
    assert code == 9
    assert "git push to origin main failed: nothing was published" in err
    assert publish("push", "nowhere", "main")[0] == 9
    assert publish("push", "--", "--exec=touch x", "main")[0] == 2
    assert "nothing is published to here yet" in publish("status")[1]


def test_where_somebody_else_pushed_in_between_nothing_is_published(
    blog, publish, remote: Path, tmp_path: Path
) -> None:
    """The remote's own hook stands for them: it moves the branch as soon as it has ours."""
    other = tmp_path / "other"
    subprocess.run(["git", "clone", "-q", str(blog.folder), str(other)], check=True, timeout=30)
    (other / "page.html").write_text("theirs")
    theirs = commit(other)
    git(other, "push", "-q", str(remote), "HEAD:refs/heads/theirs")
    (remote / "hooks").mkdir(exist_ok=True)
    (remote / "hooks/post-receive").write_text(f"#!/bin/sh\nexec git update-ref refs/heads/main {theirs}\n")
    (remote / "hooks/post-receive").chmod(0o755)
    code, _, err = publish("push", "origin", "main")
    assert code == 8
    assert f"origin main is at {theirs[:12]} now, which is not in this repository: nothing was published" in err
    assert "nothing is published to here yet" in publish("status")[1]


def test_a_detached_head_needs_a_branch(blog, publish, remote: Path) -> None:
    git(blog.folder, "checkout", "-q", "--detach")
    code, _, err = publish("push")
    assert code == 2
    assert "no branch is checked out\nhint: name both: publish push REMOTE BRANCH" in err
    assert publish("push", "origin", "main")[0] == 0


def commit_of(blog) -> str:
    return git(blog.folder, "rev-parse", "HEAD")
