"""Which repository a folder is in: from a worktree, from a hook, or none."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from sealpress.git import call, repository
from sealpress.problems import Exit, Problem
from tests import needs
from tests.sealpress.git.conftest import Repo


def test_a_linked_worktree_is_read_as_itself(repo: Repo, tmp_path: Path) -> None:
    repo.commit(a_md="1")
    repo.run("worktree", "add", "-q", "-b", "draft", str(tmp_path / "linked"))
    (tmp_path / "linked" / "b.md").write_text("2")
    linked = repository.discover(tmp_path / "linked")
    assert linked == repository.Repository(tmp_path / "linked")
    assert linked.tracked(linked.root) == ["a.md"]
    assert linked.untracked(linked.root) == ["b.md"]
    commit = linked.head()
    assert commit
    with linked.checkout(commit) as tree:
        assert [path.name for path in tree.iterdir()] == ["a.md"]


def test_what_git_sets_for_a_hook_leads_nowhere_else(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Repo(tmp_path / "other")
    other.commit(other_md="1")
    commit = repo.commit(a_md="1")
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.root))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.root / ".git" / "index"))
    monkeypatch.setenv("GIT_PREFIX", "x/")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.bare")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "true")
    found = repository.discover(repo.root)
    assert found == repository.Repository(repo.root)
    assert found.head() == commit
    assert found.tracked(repo.root) == ["a.md"]
    assert found.is_clean(repo.root)
    with found.checkout(commit) as tree:
        assert [path.name for path in tree.iterdir()] == ["a.md"]


def test_every_variable_that_git_calls_local_is_dropped() -> None:
    listed = subprocess.run(
        ["git", "rev-parse", "--local-env-vars"], check=True, capture_output=True, timeout=60
    ).stdout
    assert set(listed.decode().split()) <= call.LOCAL


def test_a_real_hook_reads_the_repository_it_runs_in(repo: Repo) -> None:
    import sys

    repo.commit(a_md="1")
    hook = repo.file(
        ".git/hooks/pre-commit",
        f"""#!/bin/sh
exec {shlex.quote(sys.executable)} -c '
from pathlib import Path
from sealpress.git import repository as git, call as gitcall
import os
found = git.discover(Path.cwd())
head = found.head()
with found.checkout(head) as tree:
    Path(".git/seen").write_text(" ".join([head.id, *found.tracked(found.root), *sorted(os.listdir(tree))]))
'
""",
    )
    hook.chmod(0o755)
    head = repo.found().head()
    repo.file("b.md")
    repo.run("add", "b.md")
    repo.run("commit", "-q", "-m", "x", "b.md")  # with a path, the index is a temporary one
    assert head
    assert (repo.root / ".git" / "seen").read_text() == f"{head.id} a.md b.md a.md"


def test_no_repository_is_none(tmp_path: Path) -> None:
    assert repository.discover(tmp_path) is None
    assert repository.discover(Repo(tmp_path / "r").root / ".git") is None
    subprocess.run(["git", "init", "-q", "--bare", tmp_path / "bare"], check=True, timeout=60)
    assert repository.discover(tmp_path / "bare") is None


def test_a_repository_that_can_not_be_read_is_not_taken_for_none(repo: Repo) -> None:
    """Else every file that lies there would be published, tracked or not."""
    repo.commit(a_md="1")
    (repo.root / ".git" / "config").write_text("[core\n")
    with pytest.raises(Problem, match=r"^git rev-parse failed: bad config line 1") as caught:
        repository.discover(repo.root)
    assert caught.value.code is Exit.MACHINE
    assert str(caught.value).endswith(".git/config")


def test_of_what_git_says_the_last_line_is_told(repo: Repo) -> None:
    repo.commit(a_md="1")
    (repo.root / ".git" / "index").write_text("no index " * 20)
    with pytest.raises(Problem) as caught:
        repo.found().is_clean(repo.root)
    assert str(caught.value) == "git status failed: index file corrupt"


def test_a_worktree_without_its_repository_is_not_taken_for_none(repo: Repo, tmp_path: Path) -> None:
    repo.commit(a_md="1")
    repo.run("worktree", "add", "-q", str(tmp_path / "linked"))
    shutil.rmtree(repo.root)
    with pytest.raises(Problem, match="git rev-parse failed: not a git repository"):
        repository.discover(tmp_path / "linked")


@needs.root
def test_another_users_repository_is_a_problem_with_the_fix(repo: Repo) -> None:
    repo.commit(a_md="1")
    for path in [repo.root, *repo.root.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    with pytest.raises(Problem, match="belongs to another user") as caught:
        repository.discover(repo.root)
    assert caught.value.code is Exit.MACHINE
    assert caught.value.hint == f'git config --global --add safe.directory "{repo.root}"'


def test_no_git_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Problem, match="git is not installed") as caught:
        repository.discover(tmp_path)
    assert caught.value.code is Exit.MACHINE
    with pytest.raises(Problem, match="there is no folder"):
        repository.discover(tmp_path / "no")
