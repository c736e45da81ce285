"""Which files git knows: any name, any setting; and which count without git."""

from pathlib import Path

import pytest

from sealpress.git import repository
from sealpress.problems import Problem
from tests.sealpress.git.conftest import Repo

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
    assert repository.discover(blog) == repository.Repository(repo.root)


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
    found = repository.files_without_git(Path("blog") if relative else blog)
    assert found == sorted([".gitignore", "a.md", "keep.log", "sub/.gitignore", "sub/b.log", "sub/out/a", "é.md"])
    assert not (blog / ".git").exists()


def test_without_git_a_repository_inside_is_left_out(tmp_path: Path) -> None:
    Repo(tmp_path / "blog" / "inner").commit(x_md="1")
    (tmp_path / "blog" / "a.md").write_text("")
    assert repository.files_without_git(tmp_path / "blog") == ["a.md"]
