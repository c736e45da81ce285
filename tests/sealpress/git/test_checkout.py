"""A commit checked out is just that commit, whatever this machine is set to."""

from pathlib import Path

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
