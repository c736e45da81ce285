"""No link of a repository leads what is written below it to another place."""

import os
from pathlib import Path

import pytest

from sealpress.files import files
from sealpress.problems import Exit, Problem


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/letters").write_text("years of work")
    return tmp_path / "outside"


@pytest.fixture
def repository(tmp_path: Path, outside: Path) -> Path:
    (tmp_path / "blog/.git").mkdir(parents=True)
    (tmp_path / "blog/in").symlink_to(outside)
    return tmp_path / "blog"


def test_folders_are_made_in_folders_and_not_behind_links(repository: Path, outside: Path) -> None:
    assert files.make(repository, "a", "b") == files.make(repository, "a", "b") == repository / "a/b"
    assert files.is_folder(repository / "a/b")
    for names in (("in",), ("in", "x"), (".git", "HEAD")):
        (repository / ".git/HEAD").write_text("a file")
        with pytest.raises(OSError, match="no folder of its own"):
            files.make(repository, *names)
    assert [item.name for item in outside.iterdir()] == ["letters"]


@pytest.mark.parametrize("target", ["letters", "nothing yet"])
def test_a_folder_is_hidden_from_git_and_a_link_in_the_way_left_alone(
    target: str, repository: Path, outside: Path
) -> None:
    files.hide(repository)
    assert (repository / ".gitignore").read_text() == "*\n"
    (repository / ".gitignore").unlink()
    (repository / ".gitignore").symlink_to(outside / target)
    files.hide(repository)
    assert (outside / "letters").read_text() == "years of work"
    assert not (outside / "nothing yet").exists()


def test_a_file_is_saved_whole_in_the_place_of_a_link(repository: Path, outside: Path) -> None:
    """A name beside it that a repository could foresee is not written either."""
    (repository / "told").symlink_to(outside / "letters")
    (repository / ".told-new").symlink_to(outside / "letters")
    files.save(repository / "told", b"new")
    assert ((repository / "told").read_bytes(), (repository / "told").is_symlink()) == (b"new", False)
    assert (repository / "told").stat().st_mode & 0o777 == 0o644
    assert (outside / "letters").read_text() == "years of work"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_whatever_the_umask_a_file_is_for_all_to_read_or_for_its_user_alone(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        files.save(tmp_path / "all", b"1")
        files.keep(tmp_path / "own", [b"1", b"2"])
    finally:
        os.umask(before)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("all", "own")] == [0o644, 0o600]
    assert sorted(item.name for item in tmp_path.iterdir()) == ["all", "own"]


def test_a_file_that_is_not_written_to_its_end_leaves_the_older_one_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"older")

    def broken_off() -> None:
        with files.writing(tmp_path / "file") as out:
            out.write(b"new")
            out.flush()
            assert len(list(tmp_path.iterdir())) == 2
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        files.save(tmp_path / "folder", b"new")
    files.keep(tmp_path / "folder", [b"new"])
    files.keep(tmp_path / "no folder/file", [b"new"])
    assert (tmp_path / "file").read_bytes() == b"older"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["file", "folder"]


def test_what_a_killed_writer_left_is_swept_after_a_day_and_nothing_else(tmp_path: Path) -> None:
    day = 86_400
    with files.writing(tmp_path / "file") as out:
        (ours,) = (item.name for item in tmp_path.iterdir())
        out.write(b"x")
    ages = {ours: 2, ".new-0123old_": 2, ".new-0123456789abcdef": 0, ".new-er": 2, ".new-0123456789ABCDEF": 2, "old": 2}
    for name, days in ages.items():
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (1e9 - days * day,) * 2)
    (tmp_path / ".new-0123folder").mkdir()
    os.utime(tmp_path / ".new-0123folder", (1, 1))
    files.sweep(tmp_path, 1e9)
    left = {item.name for item in tmp_path.iterdir()}
    assert {"file", ".new-0123folder", *ages} - left == {ours, ".new-0123old_"}


def test_only_plain_files_are_opened(repository: Path, outside: Path) -> None:
    (repository / "link").symlink_to(outside / "letters")
    os.mkfifo(repository / "pipe")
    for name in ("link", "pipe", "nothing"):
        with pytest.raises(OSError, match=r".") as caught:
            files.opened(repository / name)
        assert caught.value.errno
    with files.opened(outside / "letters") as file:
        assert file.read() == b"years of work"


def test_the_real_path_follows_the_users_links_and_none_of_the_repository(
    repository: Path, outside: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").symlink_to("blog")
    (tmp_path / "www").symlink_to(outside)
    assert files.repository(tmp_path / "mine/deeper") == repository
    assert files.real(tmp_path / "mine/./x/../public/", repository) == repository / "public"
    assert files.real(tmp_path / "www/../new", repository) == tmp_path / "new"
    for path in ("mine/in/x", "blog/in", "blog/x/../in/../public", "www/../mine/in/y"):
        with pytest.raises(Problem, match=r"blog/in is a link") as caught:
            files.real(tmp_path / path, repository)
        assert caught.value.code is Exit.MACHINE
        assert str(outside) in (caught.value.hint or "")


def test_no_link_of_any_repository_on_the_way_is_written_through(
    repository: Path, outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").symlink_to("blog")
    (tmp_path / "www").symlink_to(outside)
    monkeypatch.chdir(outside)
    for path in ("blog/image", "mine/image/new", "www/image"):
        files.check_way(tmp_path / path)
    for path in ("blog/in", "mine/in/x", "blog/in/deep/x", "www/../blog/in"):
        with pytest.raises(Problem, match=r"blog/in is a link") as caught:
            files.check_way(tmp_path / path)
        assert caught.value.code is Exit.MACHINE
    for path in ("blog/.git", "blog/.GIT/hooks", "blog/x/.Git/y", "blog/GIT~1/x", "blog/.git. /x"):
        with pytest.raises(Problem, match="lies in what git keeps"):
            files.check_way(tmp_path / path)


def test_links_in_a_circle_come_to_an_end(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "round").symlink_to("about")
    (tmp_path / "about").symlink_to("round")
    with pytest.raises(Problem, match="is a link"):
        files.real(tmp_path / "round", repository)
