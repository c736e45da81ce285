"""Which files a build reads, in git and out of it, and which it refuses."""

import os
import subprocess
from pathlib import Path

import pytest

from sealpress.problems import Exit, Problem
from ssg.content.sources import list_sources

FOLDERS = ("content", "static/")


def fill(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def git(root: Path, *arguments: str) -> None:
    command = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments]
    subprocess.run(command, cwd=root, check=True, timeout=60, capture_output=True)


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))


FILES = {
    "site.toml": "",
    "content/a.md": "",
    "content/posts/b.md": "",
    "static/x.css": "",
    "contents/no.md": "",
    "c.md": "",
}
WANTED = ("content/a.md", "content/posts/b.md", "static/x.css")


def test_only_the_folders_that_a_build_reads_count(tmp_path: Path) -> None:
    fill(tmp_path, FILES)
    found = list_sources(tmp_path, FOLDERS)
    assert found.files == WANTED
    assert found.repository is None
    assert found.below("content") == ["content/a.md", "content/posts/b.md"]
    assert found.below("content/posts/") == ["content/posts/b.md"]
    assert found.below("cont") == []


def test_in_git_tracked_files_count_as_they_are_in_the_work_tree(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    fill(tmp_path, FILES | {".gitignore": "*.log\n"})
    git(tmp_path, "add", "-A")
    fill(tmp_path, {"content/new.md": "", "content/x.log": "", "new.md": ""})
    (tmp_path / "static" / "x.css").unlink()
    found = list_sources(tmp_path, FOLDERS)
    assert found.files == ("content/a.md", "content/posts/b.md")
    assert found.left_out == ("content/new.md",)
    assert found.repository
    dirty = list_sources(tmp_path, FOLDERS, dirty=True)
    assert dirty.files == ("content/a.md", "content/new.md", "content/posts/b.md")
    assert dirty.left_out == ()


def test_a_blog_may_be_a_folder_of_a_repository(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    fill(tmp_path / "blog", FILES)
    git(tmp_path, "add", "-A")
    assert list_sources(tmp_path / "blog", FOLDERS).files == WANTED


@pytest.mark.parametrize("relative", [False, True])
def test_outside_git_its_ignore_files_still_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, relative: bool
) -> None:
    fill(
        tmp_path / "blog",
        FILES
        | {
            ".gitignore": "*.log\ncontent/private/\n!content/keep.log\n",
            "content/x.log": "",
            "content/keep.log": "",
            "content/private/p.md": "",
            "content/posts/.gitignore": "*.tmp\n!yes.tmp\n/only-here\n",
            "content/posts/no.tmp": "",
            "content/posts/yes.tmp": "",
            "content/posts/only-here": "",
            "content/posts/deep/only-here": "",
        },
    )
    monkeypatch.chdir(tmp_path)
    found = list_sources(Path("blog") if relative else tmp_path / "blog", FOLDERS)
    assert found.files == tuple(
        sorted([*WANTED, "content/keep.log", "content/posts/yes.tmp", "content/posts/deep/only-here"])
    )


def test_in_an_export_every_file_counts(tmp_path: Path) -> None:
    fill(tmp_path, FILES | {".gitignore": "*.md\n"})
    assert list_sources(tmp_path, FOLDERS, in_git=False).files == WANTED


@pytest.mark.parametrize("in_git", [True, False])
def test_files_for_git_itself_are_no_part_of_a_site(tmp_path: Path, *, in_git: bool) -> None:
    fill(tmp_path, FILES | {"content/.gitignore": "", "static/.gitkeep": "", "static/.gitattributes": ""})
    fill(tmp_path, {"static/.well-known/security.txt": ""})
    found = list_sources(tmp_path, FOLDERS, in_git=in_git)
    assert set(found.files) - set(WANTED) == {"static/.well-known/security.txt"}


@pytest.mark.parametrize("how", ["git", "plain"])
def test_a_repository_inside_is_not_read(tmp_path: Path, how: str) -> None:
    if how == "git":
        git(tmp_path, "init", "-q")
    fill(tmp_path, FILES)
    fill(tmp_path / "content" / "inner", {"x.md": ""})
    git(tmp_path / "content" / "inner", "init", "-q")
    git(tmp_path / "content" / "inner", "add", "-A")
    git(tmp_path / "content" / "inner", "commit", "-qm", "x")
    assert list_sources(tmp_path, FOLDERS, dirty=True).files == WANTED


def refusal(root: Path, **more: bool) -> list[str]:
    with pytest.raises(Problem) as caught:
        list_sources(root, FOLDERS, **more)
    assert {problem.code for problem in caught.value.each} == {Exit.SITE}
    assert all(problem.hint for problem in caught.value.each)
    return [str(problem).partition("\n")[0] for problem in caught.value.each]


@pytest.mark.parametrize("how", ["git", "dirty", "plain", "export"])
@pytest.mark.parametrize("target", ["a.md", "/etc/passwd", "..", "nowhere"])
def test_links_are_refused_wherever_they_lead(tmp_path: Path, how: str, target: str) -> None:
    fill(tmp_path, FILES)
    (tmp_path / "content" / "link.md").symlink_to(target)
    if how in {"git", "dirty"}:
        git(tmp_path, "init", "-q")
        if how == "git":
            git(tmp_path, "add", "-A")
    said = refusal(tmp_path, in_git=how != "export", dirty=how == "dirty")
    assert said == ["content/link.md: a symbolic link, which could lead out of the repository"]


@pytest.mark.parametrize("how", ["git", "dirty", "plain", "export"])
def test_what_emacs_lays_beside_a_file_that_is_edited_stops_no_build(tmp_path: Path, how: str) -> None:
    """A link that leads nowhere, in any folder that is read."""
    fill(tmp_path, FILES)
    for folder in FOLDERS:
        (tmp_path / folder).mkdir(exist_ok=True, parents=True)
        (tmp_path / folder / ".#x.html").symlink_to("ada@host.4711")
    if how in {"git", "dirty"}:
        git(tmp_path, "init", "-q")
        if how == "git":
            git(tmp_path, "add", "-A", "--force")
    found = list_sources(tmp_path, FOLDERS, in_git=how != "export", dirty=how == "dirty")
    assert not any("#" in file for file in found.files)


def test_a_folder_that_became_a_link_is_refused(tmp_path: Path) -> None:
    """git still lists what it tracked there, and reading it would follow the link."""
    git(tmp_path, "init", "-q")
    fill(tmp_path, FILES)
    git(tmp_path, "add", "-A")
    (tmp_path / "content" / "posts").rename(tmp_path / "elsewhere")
    (tmp_path / "content" / "posts").symlink_to("../elsewhere")
    assert refusal(tmp_path) == ["content/posts: a symbolic link, which could lead out of the repository"]


def test_a_content_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, {"real/a.md": ""})
    (tmp_path / "content").symlink_to("real")
    assert refusal(tmp_path) == ["content: a symbolic link, which could lead out of the repository"]


def test_names_that_can_not_be_on_a_site_are_refused_together(tmp_path: Path) -> None:
    fill(tmp_path, {"content/a.md": "", "content/b\nc.md": "", "content/d\\e.md": ""})
    with open(os.fsencode(tmp_path) + b"/content/caf\xe9.md", "wb"):
        pass
    assert sorted(refusal(tmp_path)) == [
        'the file name "content/caf\\xe9.md" is not UTF-8',
        "the file name 'content/b\\nc.md' has a control character or a backslash",
        "the file name 'content/d\\\\e.md' has a control character or a backslash",
    ]


def test_names_that_some_file_systems_take_for_one_are_refused(tmp_path: Path) -> None:
    fill(tmp_path, {"content/A.md": "", "content/a.md": "", "Content/x": ""})
    assert refusal(tmp_path) == [
        'content/a.md: "content/a.md" and "content/A.md" are one name on a file system that folds case or accents'
    ]
