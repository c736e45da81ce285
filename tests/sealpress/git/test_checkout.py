"""A commit checked out is just that commit, whatever this machine is set to."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sealpress.git import repository
from tests.sealpress.git.conftest import Repo


def bytes_of(repo: Repo, commit: repository.Commit) -> dict[str, bytes]:
    with repo.found().checkout(commit) as tree:
        return {str(path.relative_to(tree)): path.read_bytes() for path in tree.rglob("*") if path.is_file()}


def test_a_checkout_is_the_commit_and_leaves_all_else_alone(repo: Repo) -> None:
    repo.file("sub/a.md", "one\n")
    commit = repo.commit(b_md="two\n")
    repo.file("sub/a.md", "edited\n")
    repo.file("staged.md")
    repo.run("add", "staged.md")
    repo.file("untracked.md")
    index = (repo.root / ".git" / "index").read_bytes()
    status = repo.run("status", "--porcelain")
    with repo.found().checkout(commit) as tree:
        folder = tree
        assert bytes_of(repo, commit) == {"sub/a.md": b"one\n", "b.md": b"two\n"}
    assert not folder.exists()
    assert (repo.root / ".git" / "index").read_bytes() == index
    assert repo.run("status", "--porcelain") == status
    assert (repo.root / "sub/a.md").read_text() == "edited\n"


def test_an_older_commit_is_checked_out_as_it_was(repo: Repo) -> None:
    first = repo.commit(a_md="1")
    repo.commit(a_md="2", b_md="1")
    assert bytes_of(repo, first) == {"a.md": b"1"}


def test_line_endings_are_as_committed_whatever_this_machine_is_set_to(repo: Repo, tmp_path: Path) -> None:
    (repo.root / "dos.txt").write_bytes(b"a\r\nb\r\n")
    commit = repo.commit(unix_txt="a\nb\n")
    expected = {"dos.txt": b"a\r\nb\r\n", "unix.txt": b"a\nb\n"}
    repo.run("config", "core.autocrlf", "true")
    repo.run("config", "core.eol", "crlf")
    assert bytes_of(repo, commit) == expected
    rules = tmp_path / "home" / "attributes"
    rules.write_text("* text eol=crlf\n")
    repo.run("config", "core.attributesFile", str(rules))
    assert bytes_of(repo, commit) == expected
    repo.file(".gitattributes", "* text eol=crlf\n")  # not in the commit
    assert bytes_of(repo, commit) == expected


def test_the_commits_own_attributes_hold(repo: Repo) -> None:
    repo.file(".gitattributes", "*.bat text eol=crlf\n")
    commit = repo.commit(x_bat="a\n", y_md="a\n")
    (repo.root / ".gitattributes").unlink()
    assert bytes_of(repo, commit) == {".gitattributes": b"*.bat text eol=crlf\n", "x.bat": b"a\r\n", "y.md": b"a\n"}


def kept(repo: Repo, commit: repository.Commit, folder: Path) -> dict[str, bytes]:
    with repo.found().checkout(commit, folder) as tree:
        return {str(path.relative_to(tree)): path.read_bytes() for path in tree.rglob("*") if path.is_file()}


def test_a_checkout_that_stays_becomes_the_next_commit_and_only_what_differs_is_written(
    repo: Repo, tmp_path: Path
) -> None:
    first = repo.commit(same_md="same", edited_md="1", gone_md="gone")
    repo.run("rm", "-q", "gone.md")
    second = repo.commit(edited_md="2", new_md="new")
    assert kept(repo, first, tmp_path / "kept") == bytes_of(repo, first)
    file = tmp_path / "kept/tree/same.md"
    before = file.stat()
    assert kept(repo, second, tmp_path / "kept") == bytes_of(repo, second)
    assert file.stat() == before, "not even touched"
    assert kept(repo, first, tmp_path / "kept") == bytes_of(repo, first)
    repo.run("update-ref", "-d", "refs/heads/main")
    repo.run("reflog", "expire", "--expire=now", "--all")
    repo.run("gc", "-q", "--prune=now")
    third = repo.commit(other_md="3")  # what was there is a commit no more
    assert kept(repo, third, tmp_path / "kept") == bytes_of(repo, third)


@pytest.mark.parametrize(
    "left",
    [
        lambda tree: (tree / "a.md").write_text("two"),
        lambda tree: (tree / "a.md").unlink(),
        lambda tree: (tree / "a.md").chmod(0o755),
        lambda tree: (tree / "stray.md").write_text("stray"),
        lambda tree: (tree / "ignored.log").write_text("stray"),
        lambda tree: (tree / "sub/a.md").write_text("two"),
        lambda tree: shutil.rmtree(tree / "sub"),
        shutil.rmtree,
        lambda tree: (tree.parent / "git/index.lock").write_text(""),
        lambda tree: (tree.parent / "git/index").write_text("no index"),
        lambda tree: shutil.rmtree(tree.parent / "git"),
        lambda tree: (tree.parent / "whole").unlink(),
        lambda tree: (tree.parent / "whole").write_text("0.0.1"),
    ],
)
def test_whatever_was_left_in_a_checkout_that_stays_the_next_is_the_commit(
    repo: Repo, tmp_path: Path, left: Callable[[Path], object]
) -> None:
    """Where a run was killed in it, a site's own generator wrote into it, or somebody was there."""
    repo.file("sub/a.md", "one")
    commits = [repo.commit(a_md="one", _gitignore="*.log\n"), repo.commit(b_md="b")]
    for commit in commits:
        kept(repo, commits[0], tmp_path / "kept")
        left(tmp_path / "kept/tree")
        assert kept(repo, commit, tmp_path / "kept") == bytes_of(repo, commit)
        assert not os.access(tmp_path / "kept/tree/a.md", os.X_OK)


def test_other_attributes_change_files_that_are_the_same(repo: Repo, tmp_path: Path) -> None:
    first = repo.commit(a_txt="a\nb\n")
    second = repo.commit(_gitattributes="*.txt text eol=crlf\n")
    assert kept(repo, first, tmp_path / "kept")["a.txt"] == b"a\nb\n"
    assert kept(repo, second, tmp_path / "kept")["a.txt"] == b"a\r\nb\r\n"
    assert kept(repo, first, tmp_path / "kept")["a.txt"] == b"a\nb\n"
