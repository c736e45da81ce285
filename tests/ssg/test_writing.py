"""The output folder: whole files, nothing left over, one build at a time."""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sealpress.console import SILENT
from sealpress.problems import Exit, Problem
from sealpress.tree import MARKER
from ssg import stamps
from ssg.writing import Stage, files_of, mark_of, staged
from tests.ssg.blogs import Blog, files


def placed(root: Path, tree: dict[str, bytes]) -> None:
    """A build's writing, as short as it can be."""
    with staged(root, None, None, SILENT) as stage:
        put(stage, tree)


def put(stage: Stage, tree: dict[str, bytes]) -> None:
    for path, content in tree.items():
        stage.put(path, content)
    stage.commit(tree)


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
        assert sorted(item.name for item in (root / MARKER).iterdir()) == ["README", "lock"]


def test_what_is_the_same_is_not_written(tmp_path: Path) -> None:
    placed(tmp_path, {"a": b"1", "b/c": b"2"})
    before = files_of(tmp_path)
    with staged(tmp_path, None, None, SILENT) as stage:
        assert not stage.put("a", b"1").is_new
        assert stage.put("b/c", b"3").is_new
        assert stage.put("d", b"4").is_new
        assert files_of(tmp_path) == before
        stage.commit({"a": None, "b/c": None, "d": None})
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


def test_nothing_is_opened_through_a_link(tmp_path: Path) -> None:
    root = tmp_path / "public"
    placed(root, {"a": b"1", "b/c": b"2"})
    for name in ("a", "b"):
        (root / name).replace(tmp_path / name)
        (tmp_path / name).chmod(0o700)
        (root / name).symlink_to(tmp_path / name)
    placed(root, {"a": b"1", "b/c": b"2"})
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "b")] == [0o700, 0o700]
    assert not (root / "a").is_symlink()


def test_a_file_of_a_source_is_placed_like_any_other(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(3_000_000))
    source.chmod(0o600)
    with staged(tmp_path / "public", None, None, SILENT) as stage:
        found = stage.put("a", source)
        stage.commit({"a": None})
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
    assert sorted(item.name for item in (tmp_path / MARKER).iterdir()) == ["README", "lock"]


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


def test_what_a_killed_build_left_goes(tmp_path: Path) -> None:
    placed(tmp_path, {"a": b"1"})
    for name in ("new/b", "new/c/d", "scratch/e"):
        (tmp_path / MARKER / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / MARKER / name).write_text("left")
    placed(tmp_path, {"a": b"2"})
    assert files(tmp_path) == {"a": b"2"}
    assert sorted(item.name for item in (tmp_path / MARKER).iterdir()) == ["README", "lock"]


def test_the_marker_of_an_older_version_still_marks(tmp_path: Path) -> None:
    """It was a file, where now there is a folder."""
    (tmp_path / MARKER).write_text("ssg writes this folder\n")
    (tmp_path / "stale.html").write_text("stale")
    placed(tmp_path, {"a": b"1"})
    assert files(tmp_path) == {"a": b"1"}
    assert (tmp_path / MARKER).is_dir()


def test_a_folder_of_somebody_elses_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis").write_text("years of work")
    with pytest.raises(Problem, match="ssg did not write") as caught:
        placed(tmp_path, {"a": b"1"})
    assert caught.value.code is Exit.MACHINE
    assert [item.name for item in tmp_path.iterdir()] == ["thesis"]


def test_no_link_leads_a_build_out_of_its_folder(tmp_path: Path) -> None:
    """Not even where just what it would write stands behind the link."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "c").write_bytes(b"2")
    (outside / "thesis").write_text("years of work")
    root = tmp_path / "public"
    placed(root, {"a": b"1", "b/c": b"2"})
    shutil.rmtree(root / "b")
    (root / "b").symlink_to(outside)
    (root / "a").unlink()
    (root / "a").symlink_to(outside / "thesis")
    placed(root, {"a": b"1", "b/c": b"2"})
    assert files(root) == {"a": b"1", "b/c": b"2"}
    assert not (root / "b").is_symlink()
    assert (outside / "thesis").read_text() == "years of work"
    assert (outside / "c").read_bytes() == b"2"


def test_a_worker_that_died_while_it_wrote_is_no_hindrance(tmp_path: Path) -> None:
    with staged(tmp_path, None, None, SILENT) as stage:
        stage.put("a/b", b"half of it, longer than the whole")
        stage.put("a/b", b"whole")
        stage.commit({"a/b": None})
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
        "import sys; from pathlib import Path; from sealpress import sitefile; from ssg.build import Request, build;"
        "root, output, store = map(Path, sys.argv[1:]);"
        "build(Request(sitefile.load(root / 'site.toml', 'site.toml'), output, in_git=False, store=store))"
    )
    run = [sys.executable, "-c", command, str(blog.root), str(blog.output), str(blog.store)]
    subprocess.run(run, check=True, timeout=60, umask=0o077)
    for path in blog.output.rglob("*"):
        if MARKER not in path.parts:
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
