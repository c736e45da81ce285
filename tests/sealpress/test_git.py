"""The system's git, as it is: any name, any setting, from a hook, in a worktree, in a clone without history."""

import datetime as dt
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from sealpress import git
from sealpress.problems import Exit, Problem

DAY = dt.timedelta(days=1)
START = dt.datetime(2026, 5, 4, 10, tzinfo=dt.UTC)


class Repo:
    """A repository with one commit a day."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.day = START - DAY
        root.mkdir(parents=True, exist_ok=True)
        self.run("init", "-q", "-b", "main")

    def run(self, *arguments: str, **environment: str) -> str:
        when = self.day.isoformat()
        done = subprocess.run(
            [
                "git",
                "-c",
                "user.name=A",
                "-c",
                "user.email=a@example.org",
                "-c",
                "protocol.file.allow=always",
                *arguments,
            ],
            cwd=self.root,
            env={**os.environ, "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when, **environment},
            check=True,
            capture_output=True,
            timeout=60,
        )
        return os.fsdecode(done.stdout)

    def write(self, **files: str) -> None:
        for name, text in files.items():
            self.file(name.replace("_", "."), text)

    def file(self, name: str, text: str = "x\n") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def commit(self, **files: str) -> git.Commit:
        self.write(**files)
        self.day += DAY
        self.run("add", "-A")
        self.run("commit", "-q", "--allow-empty", "-m", "x")
        found = self.found().head()
        assert found
        return found

    def found(self) -> git.Repository:
        found = git.discover(self.root)
        assert found
        return found


@pytest.fixture(autouse=True)
def _clean_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings but those that a test makes."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    (tmp_path / "home").mkdir()


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path / "repo")


AWKWARD = [
    "-dash.md",
    "--all",
    "a b.md",
    "é日😀.md",
    'quo"te.md',
    "star*.md",
    "\nfirst.md",
    "new\nline.md",
    "tab\t.md",
    ":(top)x",
    "#x",
    "\udcff.md",
]


def test_names_come_as_they_are(repo: Repo) -> None:
    for name in AWKWARD:
        repo.file(name)
    assert repo.found().untracked(repo.root) == sorted(AWKWARD)
    assert repo.found().tracked(repo.root) == []
    repo.commit()
    assert repo.found().tracked(repo.root) == sorted(AWKWARD)
    assert repo.found().untracked(repo.root) == []
    assert sorted(repo.found().dates(repo.root)) == sorted(AWKWARD)


def test_ignored_files_are_neither(repo: Repo) -> None:
    repo.file(".gitignore", "*.log\n!keep.log\nbuild/\n")
    repo.file("sub/.gitignore", "secret\n")
    for name in ["a.log", "keep.log", "build/x", "sub/secret", "sub/b.log", "sub/open"]:
        repo.file(name)
    assert repo.found().untracked(repo.root) == [".gitignore", "keep.log", "sub/.gitignore", "sub/open"]


def test_names_are_relative_to_the_folder_asked_about(repo: Repo) -> None:
    repo.file("blog/a.md")
    repo.file("outside.md")
    repo.commit()
    repo.file("blog/b.md")
    blog = repo.root / "blog"
    assert repo.found().tracked(blog) == ["a.md"]
    assert repo.found().untracked(blog) == ["b.md"]
    assert list(repo.found().dates(blog)) == ["a.md"]
    assert git.discover(blog) == git.Repository(repo.root)


def test_a_tracked_file_that_was_removed_is_not_there(repo: Repo) -> None:
    repo.commit(a_md="1", b_md="2")
    (repo.root / "a.md").unlink()
    assert repo.found().tracked(repo.root) == ["b.md"]


def test_a_link_is_listed_whatever_it_leads_to(repo: Repo) -> None:
    (repo.root / "link").symlink_to("nowhere")
    repo.commit()
    assert repo.found().tracked(repo.root) == ["link"]


def test_a_repository_inside_is_no_part_of_this_one(repo: Repo) -> None:
    Repo(repo.root / "inner").commit(x_md="1")
    repo.file("outer.md")
    assert repo.found().untracked(repo.root) == ["outer.md"]


def test_a_submodule_is_no_file_and_an_empty_folder_in_a_checkout(repo: Repo, tmp_path: Path) -> None:
    other = Repo(tmp_path / "other")
    other.commit(x_md="1")
    repo.run("submodule", "add", "-q", str(other.root), "module")
    commit = repo.commit(a_md="1")
    assert (repo.root / "module" / "x.md").is_file()
    assert repo.found().tracked(repo.root) == [".gitmodules", "a.md"]
    assert repo.found().is_clean(repo.root)
    with repo.found().checkout(commit) as tree:
        assert (tree / "module").is_dir()
        assert not list((tree / "module").iterdir())


@pytest.mark.parametrize("change", ["edit", "stage", "remove", "new"])
def test_clean_is_just_what_the_commit_holds(repo: Repo, change: str) -> None:
    repo.file(".gitignore", "*.log\n")
    repo.commit(a_md="1")
    repo.file("ignored.log")
    assert repo.found().is_clean(repo.root)
    match change:
        case "edit":
            repo.file("a.md", "2")
        case "stage":
            repo.file("a.md", "2")
            repo.run("add", "a.md")
        case "remove":
            (repo.root / "a.md").unlink()
        case "new":
            repo.file("new.md")
    assert not repo.found().is_clean(repo.root)


def test_clean_is_asked_of_the_folder_alone(repo: Repo) -> None:
    repo.file("blog/a.md")
    repo.commit()
    repo.file("elsewhere.md")
    assert repo.found().is_clean(repo.root / "blog")


def test_a_folder_that_is_built_can_be_left_aside(repo: Repo) -> None:
    repo.commit(a_md="1")
    repo.file("public/index.html")
    assert not repo.found().is_clean(repo.root)
    assert repo.found().is_clean(repo.root, "public")
    repo.file("publication.md")
    assert not repo.found().is_clean(repo.root, "public")


def test_settings_of_a_user_do_not_hide_new_files(repo: Repo) -> None:
    repo.commit(a_md="1")
    repo.run("config", "status.showUntrackedFiles", "no")
    repo.file("new.md")
    assert not repo.found().is_clean(repo.root)


def test_before_the_first_commit(repo: Repo) -> None:
    repo.file("a.md")
    repo.run("add", "a.md")
    found = repo.found()
    assert found.head() is None
    assert found.tracked(repo.root) == ["a.md"]
    assert found.dates(repo.root) == {}
    assert not found.is_clean(repo.root)
    with pytest.raises(Problem, match='there is no commit "HEAD"'):
        found.commit("HEAD")


def test_a_commit_has_its_id_and_committers_time(repo: Repo) -> None:
    first = repo.commit(a_md="1")
    second = repo.commit(a_md="2")
    assert (first.time, second.time) == (START, START + DAY)
    assert repo.found().head() == second
    assert repo.found().commit("HEAD~1") == first
    assert repo.found().commit(first.id[:10]) == first
    repo.run("tag", "-a", "v1", "-m", "x", first.id)
    assert repo.found().commit("v1") == first


@pytest.mark.parametrize(
    "revision", ["nothing", "", "--all", "-x", "HEAD:a.md", "HEAD..HEAD", "^HEAD", "HEAD^{tree}", "a b"]
)
def test_what_names_no_commit_is_a_problem(repo: Repo, revision: str) -> None:
    repo.commit(a_md="1")
    with pytest.raises(Problem, match="there is no commit") as caught:
        repo.found().commit(revision)
    assert caught.value.code is Exit.USAGE


def test_dates_are_those_of_the_first_and_last_commit_with_the_file(repo: Repo) -> None:
    repo.commit(a_md="1", gone_md="1")
    repo.commit(b_md="1")
    (repo.root / "gone.md").unlink()
    repo.commit(a_md="2")
    repo.commit()  # an empty one
    repo.commit(c_md="1")
    assert repo.found().dates(repo.root) == {
        "a.md": git.FileDates(START, START + 2 * DAY),
        "b.md": git.FileDates(START + DAY, START + DAY),
        "c.md": git.FileDates(START + 4 * DAY, START + 4 * DAY),
        "gone.md": git.FileDates(START, START + 2 * DAY),
    }


def test_dates_do_not_depend_on_settings(repo: Repo) -> None:
    repo.commit(a_md="1")
    repo.commit(b_md="1")
    expected = repo.found().dates(repo.root)
    for name, value in {
        "log.showRoot": "false",
        "log.showSignature": "true",
        "color.ui": "always",
        "core.quotePath": "true",
        "log.date": "relative",
        "diff.renames": "copies",
        "log.follow": "true",
        "format.pretty": "oneline",
    }.items():
        repo.run("config", name, value)
    assert repo.found().dates(repo.root) == expected


def test_dates_reach_over_a_merge(repo: Repo) -> None:
    repo.commit(a_md="1")
    repo.run("checkout", "-q", "-b", "side")
    repo.commit(side_md="1")
    repo.run("checkout", "-q", "main")
    repo.commit(b_md="1")
    repo.run("merge", "-q", "--no-ff", "-m", "x", "side")
    assert {name: dates.first for name, dates in repo.found().dates(repo.root).items()} == {
        "a.md": START,
        "side.md": START + DAY,
        "b.md": START + 2 * DAY,
    }


def test_a_clock_that_ran_backwards_does_not_turn_dates_round(repo: Repo) -> None:
    repo.commit(a_md="1")
    repo.day -= 3 * DAY
    repo.commit(a_md="2")
    assert repo.found().dates(repo.root)["a.md"] == git.FileDates(START - 2 * DAY, START)


def test_a_shallow_clone_has_no_dates(repo: Repo, tmp_path: Path) -> None:
    repo.commit(a_md="1")
    repo.commit(a_md="2")
    repo.run("clone", "-q", "--depth=1", f"file://{repo.root}", str(tmp_path / "clone"))
    clone = git.Repository(tmp_path / "clone")
    with pytest.raises(Problem, match="this clone is shallow") as caught:
        clone.dates(clone.root)
    assert caught.value.code is Exit.MACHINE
    assert "git fetch --unshallow" in (caught.value.hint or "")
    assert clone.head()


def test_a_linked_worktree_is_read_as_itself(repo: Repo, tmp_path: Path) -> None:
    repo.commit(a_md="1")
    repo.run("worktree", "add", "-q", "-b", "draft", str(tmp_path / "linked"))
    (tmp_path / "linked" / "b.md").write_text("2")
    linked = git.discover(tmp_path / "linked")
    assert linked == git.Repository(tmp_path / "linked")
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
    found = git.discover(repo.root)
    assert found == git.Repository(repo.root)
    assert found.head() == commit
    assert found.tracked(repo.root) == ["a.md"]
    assert found.is_clean(repo.root)
    with found.checkout(commit) as tree:
        assert [path.name for path in tree.iterdir()] == ["a.md"]


def test_every_variable_that_git_calls_local_is_dropped() -> None:
    listed = subprocess.run(
        ["git", "rev-parse", "--local-env-vars"], check=True, capture_output=True, timeout=60
    ).stdout
    assert set(listed.decode().split()) <= git._LOCAL


def test_a_real_hook_reads_the_repository_it_runs_in(repo: Repo) -> None:
    import sys

    repo.commit(a_md="1")
    hook = repo.file(
        ".git/hooks/pre-commit",
        f"""#!/bin/sh
exec {sys.executable} -c '
from pathlib import Path
from sealpress import git
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


def bytes_of(repo: Repo, commit: git.Commit) -> dict[str, bytes]:
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


def test_no_repository_is_none(tmp_path: Path) -> None:
    assert git.discover(tmp_path) is None
    assert git.discover(Repo(tmp_path / "r").root / ".git") is None
    subprocess.run(["git", "init", "-q", "--bare", tmp_path / "bare"], check=True, timeout=60)
    assert git.discover(tmp_path / "bare") is None


def test_a_repository_that_can_not_be_read_is_not_taken_for_none(repo: Repo) -> None:
    """Else every file that lies there would be published, tracked or not."""
    repo.commit(a_md="1")
    (repo.root / ".git" / "config").write_text("[core\n")
    with pytest.raises(Problem, match=r"^git rev-parse failed: bad config line 1") as caught:
        git.discover(repo.root)
    assert caught.value.code is Exit.MACHINE


def test_a_worktree_without_its_repository_is_not_taken_for_none(repo: Repo, tmp_path: Path) -> None:
    repo.commit(a_md="1")
    repo.run("worktree", "add", "-q", str(tmp_path / "linked"))
    shutil.rmtree(repo.root)
    with pytest.raises(Problem, match="git rev-parse failed: not a git repository"):
        git.discover(tmp_path / "linked")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of another user")
def test_another_users_repository_is_a_problem_with_the_fix(repo: Repo) -> None:
    repo.commit(a_md="1")
    for path in [repo.root, *repo.root.rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    with pytest.raises(Problem, match="belongs to another user") as caught:
        git.discover(repo.root)
    assert caught.value.code is Exit.MACHINE
    assert caught.value.hint == f'git config --global --add safe.directory "{repo.root}"'


def test_no_git_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Problem, match="git is not installed") as caught:
        git.discover(tmp_path)
    assert caught.value.code is Exit.MACHINE
    with pytest.raises(Problem, match="there is no folder"):
        git.discover(tmp_path / "no")


@pytest.mark.parametrize("relative", [False, True])
def test_without_git_all_files_count_but_those_that_gitignore_leaves_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, relative: bool
) -> None:
    blog = tmp_path / "blog"
    for name, text in {
        ".gitignore": "*.log\n/out/\n!keep.log\n",
        "a.md": "",
        "x.log": "",
        "keep.log": "",
        "out/a": "",
        "sub/out/a": "",
        "sub/.gitignore": "*.tmp\n!/*.log\n",
        "sub/a.tmp": "",
        "sub/b.log": "",
        "sub/deep/c.log": "",
        "é.md": "",
    }.items():
        (blog / name).parent.mkdir(parents=True, exist_ok=True)
        (blog / name).write_text(text)
    (tmp_path / "home" / "git").mkdir()
    (tmp_path / "home" / "git" / "ignore").write_text("*.md\n")  # the user's own list plays no part
    monkeypatch.chdir(tmp_path)
    found = git.files_without_git(Path("blog") if relative else blog)
    assert found == sorted([".gitignore", "a.md", "keep.log", "sub/.gitignore", "sub/b.log", "sub/out/a", "é.md"])
    assert not (blog / ".git").exists()


def test_without_git_a_repository_inside_is_left_out(tmp_path: Path) -> None:
    Repo(tmp_path / "blog" / "inner").commit(x_md="1")
    (tmp_path / "blog" / "a.md").write_text("")
    assert git.files_without_git(tmp_path / "blog") == ["a.md"]
