"""A commit is read as it was committed, whatever the configuration says; and an answer of git has its time and size."""

import hashlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sealpress.git import call
from sealpress.git import repository as git
from sealpress.problems import Exit, Problem
from tests.sealpress.git.conftest import Repo, Trap

pytestmark = pytest.mark.usefixtures("user")


def contents(tree: Path) -> dict[str, bytes]:
    files = (file for file in sorted(tree.rglob("*")) if file.is_file() and ".git/" not in f"{file.relative_to(tree)}")
    return {file.relative_to(tree).as_posix(): file.read_bytes() for file in files}


def both(repo: Repo, commit: git.Commit) -> Iterator[dict[str, bytes]]:
    for opened in (repo.found().checkout(commit), repo.found().clone(commit)):
        with opened as tree:
            yield contents(tree)


def test_no_configuration_changes_a_byte_of_a_commit(repo: Repo, user: Path, tmp_path: Path) -> None:
    """Neither the repository's nor the user's: line endings, filters, keywords, left-out folders, encodings."""
    repo.file(
        ".gitattributes", "*.md filter=x\n*.crlf text eol=crlf\n*.id ident\n*.sub export-subst\n*.auto text=auto\n"
    )
    repo.file("sub/b.md", "b\n")
    commit = repo.commit(a_md="a\n", c_crlf="c\n", d_id="$Id$\n", e_sub="$Format:%H$\n", f_auto="f\n")
    (expected, as_clone) = both(repo, commit)
    assert as_clone == expected
    assert expected["c.crlf"] == b"c\r\n"
    assert expected["e.sub"] == b"$Format:%H$\n"
    for name, value in {
        "core.autocrlf": "true",
        "core.eol": "crlf",
        "core.attributesFile": str(tmp_path / "attributes"),
        "filter.x.smudge": "tr a-z A-Z",
        "filter.x.clean": "tr A-Z a-z",
        "filter.x.required": "true",
        "core.sparseCheckout": "true",
        "core.quotePath": "true",
        "core.symlinks": "false",
        "core.ignoreCase": "true",
    }.items():
        repo.run("config", name, value)
        repo.run("config", "-f", str(user), name, value)
    (tmp_path / "attributes").write_text("* text eol=crlf\n")
    repo.file(".git/info/attributes", "* text eol=crlf ident filter=x\n")
    repo.file(".git/info/sparse-checkout", "/a.md\n")
    assert list(both(repo, commit)) == [expected, expected]


def test_a_commit_is_what_its_name_says_whatever_was_put_in_its_place(repo: Repo) -> None:
    """`git replace` and grafts hold on one machine only."""
    first = repo.commit(a_md="1")
    second = repo.commit(a_md="2", b_md="1")
    dates = repo.found().dates(repo.root)
    repo.run("replace", second.id, first.id)
    assert repo.found().head() == second
    assert repo.found().dates(repo.root) == dates
    assert [sorted(files) for files in both(repo, second)] == [["a.md", "b.md"]] * 2
    repo.run("replace", "-d", second.id)
    repo.file(".git/info/grafts", f"{second.id}\n")
    assert repo.found().dates(repo.root) == dates


def test_a_clone_is_clean_and_has_the_history(repo: Repo) -> None:
    repo.commit(a_md="1")
    commit = repo.commit(b_md="1")
    dates = repo.found().dates(repo.root)
    with repo.found().clone(commit) as tree:
        there = git.discover(tree)
        assert there == git.Repository(tree)
        assert there.head() == commit
        assert there.is_clean(tree)
        assert there.dates(tree) == dates
        assert there.tracked(tree) == ["a.md", "b.md"]


def test_a_repository_of_sha256_is_checked_out(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    subprocess.run(["git", "init", "-q", "--object-format=sha256", str(root)], check=True, timeout=60)
    repo = Repo(root)
    commit = repo.commit(a_md="1")
    assert len(commit.id) == 64
    assert list(both(repo, commit)) == [{"a.md": b"1"}] * 2


def test_files_of_git_lfs_come_from_its_folder_by_their_digest(repo: Repo, trap: Trap) -> None:
    """Without a program: the commit names what they hold."""
    data = b"\x89PNG" * 1000
    oid = hashlib.sha256(data).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(data)}\n"
    repo.file(".gitattributes", "*.png filter=lfs diff=lfs merge=lfs -text\n")
    commit = repo.commit(a_png=pointer, b_txt=pointer)
    repo.run("config", "filter.lfs.smudge", str(trap.program))
    with pytest.raises(Problem, match="Git LFS keeps this file") as caught:
        list(both(repo, commit))
    assert caught.value.code is Exit.MACHINE
    kept = repo.file(f".git/lfs/objects/{oid[:2]}/{oid[2:4]}/{oid}")
    with pytest.raises(Problem, match="Git LFS keeps this file"):
        list(both(repo, commit))  # another file by its name
    kept.write_bytes(data)
    assert [(files["a.png"], files["b.txt"]) for files in both(repo, commit)] == [(data, pointer.encode())] * 2
    assert trap.ran == ""


def test_settings_are_the_users_own(repo: Repo, user: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also those that the user's configuration keeps for one folder, and those of the environment."""
    repo.run("config", "user.signingKey", "theirs")
    repo.run("config", "gpg.ssh.program", "theirs")
    assert git.setting(repo.root, "user.signingKey") == ""
    user.write_text("[user]\n\tsigningKey = mine\n")
    assert git.setting(repo.root, "user.signingKey") == "mine"
    assert git.setting(repo.root, "gpg.ssh.program") == ""
    (tmp_path / "work").write_text("[user]\n\tsigningKey = ~/work\n")
    user.write_text(f'[user]\n\tsigningKey = mine\n[includeIf "gitdir:{repo.root}/"]\n\tpath = {tmp_path}/work\n')
    monkeypatch.setenv("HOME", "/home/me")
    assert git.setting(repo.root, "user.signingKey", is_path=True) == "/home/me/work"
    assert git.setting(tmp_path, "user.signingKey") == "mine"
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.signingKey")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "given")
    assert git.setting(repo.root, "user.signingKey") == "given"


def test_an_answer_without_an_end_is_cut_off(repo: Repo) -> None:
    """A commit's message may have gigabytes, in a repository of a few megabytes."""
    repo.commit(a_md="1")
    assert call.ask(repo.root, "log", "-1", "--format=%s", limit=1 << 20) == b"x\n"
    (repo.root.parent / "message").write_text("y" * (2 << 20))
    repo.run("commit", "-q", "--allow-empty", "-F", str(repo.root.parent / "message"))
    with pytest.raises(Problem, match="git log gave an answer of more than 1 MiB") as caught:
        call.ask(repo.root, "log", "-1", "--format=%s", limit=1 << 20)
    assert caught.value.code is Exit.MACHINE


def test_an_answer_that_does_not_come_is_not_waited_for(repo: Repo) -> None:
    """Such as where a .gitignore is a pipe that nobody writes to."""
    os.mkfifo(repo.root / ".gitignore")
    with pytest.raises(Problem, match="git ls-files gave no answer in 1 s"):
        call.ask(repo.root, "ls-files", "--others", "--exclude-standard", within=1)
