"""The output folder: whole files, nothing left over, one build at a time."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sealpress.commands.console import SILENT
from sealpress.problems import Exit, Problem
from ssg.cache import stamps
from ssg.output import record, scaffold
from ssg.output.record import mark_of
from ssg.output.stage import files_of, staged
from tests.ssg.blogs import Blog, files
from tests.ssg.output.conftest import everything, placed, put

pytestmark = pytest.mark.usefixtures("state")


def test_a_tree_is_placed_and_replaced(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "public"
    for tree in (
        {"a": b"1", "b/c": b"2", "b/d/e": b"3"},
        {"a/b": b"1", "b": b"2"},  # files become folders and the other way round
        {"a": b"1", "b/c": b"2"},
        {},
    ):
        placed(root, tree)
        assert files(root) == tree
        assert all(path in tree or (root / path).is_dir() for path in everything(root))
    assert everything(tmp_path) == ["deep", "deep/public"]


def test_what_is_the_same_is_not_written(tmp_path: Path) -> None:
    placed(tmp_path, {"a": b"1", "b/c": b"2"})
    before = files_of(tmp_path)
    with staged(tmp_path, None, None, SILENT) as stage:
        written = {path: stage.put(path, data) for path, data in {"a": b"1", "b/c": b"3", "d": b"4"}.items()}
        assert [content.is_new for content in written.values()] == [False, True, True]
        assert files_of(tmp_path) == before
        stage.commit(written.keys(), written)
    after = files_of(tmp_path)
    assert after["a"] == before["a"]
    assert after["b/c"] != before["b/c"]


@pytest.mark.parametrize("mode", [0o600, 0o000, 0o666, 0o755])
def test_what_is_the_same_can_be_read_by_everybody_again(mode: int, tmp_path: Path) -> None:
    placed(tmp_path, {"a": b"1", "b/c": b"2"})
    (tmp_path / "a").chmod(mode)
    before = (tmp_path / "a").stat()
    placed(tmp_path, {"a": b"1", "b/c": b"2"})
    after = (tmp_path / "a").stat()
    assert after.st_mode & 0o777 == 0o644
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("mode", [0o700, 0o000, 0o2700])
def test_folders_are_open_again_but_for_the_outermost(mode: int, tmp_path: Path) -> None:
    root = tmp_path / "public"
    placed(root, {"b/c/d": b"2", "b/e": b"3"})
    (root / "b/c").chmod(mode)
    (root / "b").chmod(mode)
    root.chmod(0o700)
    placed(root, {"b/c/d": b"2", "b/e": b"4"})
    assert files(root) == {"b/c/d": b"2", "b/e": b"4"}
    assert [folder.stat().st_mode & 0o777 for folder in (root, root / "b", root / "b/c")] == [0o700, 0o755, 0o755]
    assert (root / "b/c").stat().st_mode & 0o7000 == mode & 0o7000


def test_a_folder_of_somebody_in_a_folder_s_place_is_opened_to_nobody(tmp_path: Path) -> None:
    placed(tmp_path, {"a": b"1", "b/c": b"2"})
    (tmp_path / "b/c").unlink()
    (tmp_path / "b/mine").write_bytes(b"3")
    (tmp_path / "b").chmod(0o700)
    with pytest.raises(Problem, match="no build wrote b/mine"):
        placed(tmp_path, {"a": b"1", "b/c": b"2"})
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("is_on_record", [True, False])
def test_another_name_of_a_file_keeps_its_rights(is_on_record: bool, tmp_path: Path) -> None:
    root = tmp_path / "public"
    if is_on_record:
        placed(root, {"a": b"1"})
    else:
        root.mkdir()
        (root / "a").write_bytes(b"1")
    (root / "a").chmod(0o600)
    (tmp_path / "kept").hardlink_to(root / "a")
    placed(root, {"a": b"1"})
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("kept", "public/a")] == [0o600, 0o644]
    assert files(root) == {"a": b"1"}


def test_nothing_is_opened_through_a_link(tmp_path: Path) -> None:
    root = tmp_path / "public"
    placed(root, {"a": b"1", "b/c": b"2"})
    for name in ("a", "b"):
        (root / name).replace(tmp_path / name)
        (tmp_path / name).chmod(0o700)
        (root / name).symlink_to(tmp_path / name)
    with pytest.raises(Problem, match=r"somebody changed a|no build wrote b"):
        placed(root, {"a": b"1", "b/c": b"2"})
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "b")] == [0o700, 0o700]
    assert (root / "a").is_symlink()


def test_a_file_of_a_source_is_placed_like_any_other(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(3_000_000))
    source.chmod(0o600)
    with staged(tmp_path / "public", None, None, SILENT) as stage:
        found = stage.put("a", source)
        stage.commit(["a"], {"a": found})
    assert (found.size, found.is_new) == (3_000_000, True)
    assert (tmp_path / "public/a").read_bytes() == bytes(3_000_000)
    assert (tmp_path / "public/a").stat().st_mode & 0o777 == 0o644


def fail(root: Path, failure: BaseException, beside: Path | None = None) -> None:
    """A build that comes to no end; `beside`: what somebody else writes meanwhile."""
    with staged(root, None, None, SILENT) as stage:
        stage.put("a", b"2")
        stage.put("b/c", b"2")
        if beside:
            beside.parent.mkdir()
            beside.write_text("years of work")
        raise failure


@pytest.mark.parametrize("failure", [Problem("no"), KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_failing_build_leaves_the_old_tree(failure: BaseException, tmp_path: Path) -> None:
    placed(tmp_path, {"a": b"1"})
    before = files_of(tmp_path)
    with pytest.raises(type(failure)):
        fail(tmp_path, failure)
    assert files_of(tmp_path) == before
    assert everything(tmp_path) == ["a"]


def test_a_failing_build_into_a_new_folder_leaves_nothing_but_what_others_made_beside_it(tmp_path: Path) -> None:
    with pytest.raises(Problem):
        fail(tmp_path / "new/deep/public", Problem("no"))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Problem):
        fail(tmp_path / "new/deep/public", Problem("no"), tmp_path / "new/other/thesis")
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == [
        "new",
        "new/other",
        "new/other/thesis",
    ]


def test_what_a_killed_build_left_goes(tmp_path: Path, state: Path) -> None:
    root = tmp_path / "public"
    placed(root, {"a": b"1"})
    (record,) = (state / "outputs").iterdir()
    usual = everything(state)
    for place in (record, tmp_path, root):
        left = place / ".sealpress-0123456789abcdef"
        (left / "new").mkdir(parents=True)
        (left / "new/b").write_text("left")
        (record / "stage").write_text(str(left))
        placed(root, {"a": b"2"})
        assert (everything(tmp_path), everything(state)) == (["public", "public/a"], usual)


@pytest.mark.parametrize("name", ["thesis", ".sealpress-0123456789abcdef"])
def test_what_only_looks_like_left_stays(name: str, tmp_path: Path, state: Path) -> None:
    placed(tmp_path / "public", {"a": b"1"})
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/work").write_text("of years")
    if name != "thesis":
        (tmp_path / name).symlink_to("thesis")
    (record,) = (state / "outputs").iterdir()
    (record / "stage").write_text(str(tmp_path / name))
    placed(tmp_path / "public", {"a": b"2"})
    assert (tmp_path / "thesis/work").read_text() == "of years"
    assert os.path.lexists(tmp_path / name)


@pytest.mark.parametrize("beside", [True, False])
def test_a_scaffold_stands_on_the_disk_of_the_folder_and_nowhere_else(
    beside: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside it where the state folder is on another disk, in it where all else is."""
    root = tmp_path / "public"
    monkeypatch.setattr(scaffold, "_mount_of", lambda folder: "" if folder != tmp_path or not beside else here[0])
    here: list[str] = []
    monkeypatch.setattr(scaffold, "_mount", lambda _handle: here.append("x") or "x")
    with staged(root, None, None, SILENT) as stage:
        assert stage.scaffold.parent == (tmp_path if beside else root)
        assert (stage.scaffold / ".gitignore").read_text() == "*\n"
        put(stage, {"a": b"1"})
    assert everything(tmp_path) == ["public", "public/a"]


def test_a_user_without_a_state_folder_can_build_once_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
    said: list[str] = []

    class Told(type(SILENT)):  # type: ignore[misc]
        def note(self, message: str) -> None:
            said.append(message)

    root = tmp_path / "public"
    with staged(root, None, None, Told()) as stage:
        put(stage, {"a": b"1"})
    assert (files(root), "set SEALPRESS_STATE" in said[0]) == ({"a": b"1"}, True)
    with pytest.raises(Problem, match="no build wrote a in"):
        placed(root, {"a": b"2"})
    placed(root, {"a": b"2"}, adopting=True)
    assert everything(tmp_path) == ["public", "public/a"]


def test_the_record_holds_what_builds_of_late_wrote_and_does_not_grow_for_ever(tmp_path: Path, state: Path) -> None:
    root = tmp_path / "public"
    placed(root, {"guest": b"x"})
    (root / "guest").write_bytes(b"y")
    placed(root, {"a": b""}, adopting=True)
    (file,) = (state / "outputs").glob("*/written")
    for number in range(7000):
        if not number % 1000:
            placed(root, {f"b/{number + one}": b"%d" % one for one in range(1000)})
    assert file.stat().st_size < 1_000_000
    assert len(file.read_bytes().split(b"\0\n")) < 6000
    placed(root, {})
    assert everything(root) == ["guest"]


def test_what_a_killed_build_wrote_half_on_the_record_is_no_hindrance(tmp_path: Path, state: Path) -> None:
    root = tmp_path / "public"
    placed(root, {"a": b"1", "b": b"1"})
    (file,) = (state / "outputs").glob("*/written")
    file.write_bytes(file.read_bytes()[:-10])
    (root / "b").unlink()
    placed(root, {"a": b"2", "b": b"2"})
    placed(root, {})
    assert everything(root) == []


def test_the_records_of_folders_that_are_gone_are_dropped(tmp_path: Path, state: Path) -> None:
    for number in range(record._LIMIT + 5):
        placed(tmp_path / f"public{number}", {"a": b"1"})
        if number:
            shutil.rmtree(tmp_path / f"public{number}")
    placed(tmp_path / "last", {"a": b"1"})
    assert len(list((state / "outputs").iterdir())) == record._LIMIT + 2
    placed(tmp_path / "public0", {"a": b"2"})


def test_a_worker_that_died_while_it_wrote_is_no_hindrance(tmp_path: Path) -> None:
    with staged(tmp_path, None, None, SILENT) as stage:
        stage.put("a/b", b"half of it, longer than the whole")
        put(stage, {"a/b": b"whole"})
    assert files(tmp_path) == {"a/b": b"whole"}


def test_a_build_that_ended_after_the_folder_was_looked_at_is_seen(tmp_path: Path) -> None:
    placed(tmp_path, {"a": b"1"})
    looked, mark = files_of(tmp_path), mark_of(tmp_path)
    with staged(tmp_path, looked, mark, SILENT) as stage:
        assert stage.found == looked  # nobody came between
    looked, mark = files_of(tmp_path), mark_of(tmp_path)
    placed(tmp_path, {"a": b"1", "stray": b"2"})
    with staged(tmp_path, looked, mark, SILENT) as stage:
        put(stage, {"a": b"1"})
    assert files(tmp_path) == {"a": b"1"}


def test_a_second_build_waits_and_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    order: list[str] = []

    class Told(type(SILENT)):  # type: ignore[misc]
        def note(self, message: str) -> None:
            said.append(message)
            go_on.set()

    go_on = threading.Event()

    def second() -> None:
        with staged(tmp_path, None, None, Told()) as stage:
            order.append("second")
            put(stage, {"a": b"2"})

    with staged(tmp_path, None, None, SILENT) as stage:
        thread = threading.Thread(target=second)
        thread.start()
        assert go_on.wait(10)
        put(stage, {"a": b"1", "b": b"1"})
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
    assert said == [f"another build is at work in {tmp_path}: waiting for it"]
    assert files(tmp_path) == {"a": b"2"}


def test_a_strict_umask_does_not_reach_the_tree(tmp_path: Path) -> None:
    blog = Blog(tmp_path)
    blog.page("posts/a.md", "A.")
    blog.write("static/deep/x.txt", "x")
    command = (
        "import sys; from pathlib import Path; from sealpress.config import sitefile\n"
        "from ssg.build.inputs import Request; from ssg.build.build import build;"
        "root, output, store = map(Path, sys.argv[1:]);"
        "build(Request(sitefile.load(root / 'site.toml', 'site.toml'), output, in_git=False, store=store))"
    )
    run = [sys.executable, "-c", command, str(blog.root), str(blog.output), str(blog.store)]
    subprocess.run(run, check=True, timeout=60, umask=0o077)
    for path in blog.output.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path


def test_a_disk_that_refuses_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Problem, match="can't write") as caught:
        placed(tmp_path / "file" / "public", {"a": b"1"})
    assert caught.value.code is Exit.MACHINE


def test_the_mask_of_the_process_comes_back(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        placed(tmp_path / "public", {"a": b"1"})
        assert os.umask(0o027) == 0o027
        assert stamps.stamp(tmp_path / "public/a") is not None
    finally:
        os.umask(old)
