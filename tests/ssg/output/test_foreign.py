"""What no build wrote stays as it is, and stops the next build where it stands in the way."""

from pathlib import Path

import pytest

from sealpress.commands.console import SILENT
from sealpress.problems import Exit, Problem
from ssg.output.stage import FileDigest, files_of, staged
from tests.ssg.blogs import files
from tests.ssg.output.conftest import everything, placed

pytestmark = pytest.mark.usefixtures("state")

NOTE = "ssg writes this folder: every file in it is replaced by the next build.\n"


@pytest.mark.parametrize("older", [{".sealpress": NOTE}, {".sealpress/README": NOTE, ".sealpress/lock": ""}])
def test_what_older_versions_kept_in_the_folder_goes_and_is_no_claim(older: dict[str, str], tmp_path: Path) -> None:
    """A repository could bring it along, with files that are not ours."""
    for path, text in older.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "thesis").write_text("years of work")
    before = everything(tmp_path)
    with pytest.raises(Problem, match="no build wrote thesis in"):
        placed(tmp_path, {"a": b"1"})
    assert everything(tmp_path) == before
    (tmp_path / "thesis").unlink()
    placed(tmp_path, {"a": b"1"})
    assert everything(tmp_path) == ["a"]


@pytest.mark.parametrize("path", [".sealpress/cache/x", ".sealpress/README", ".sealpress/new/index.html"])
def test_what_is_not_just_that_stays(path: str, tmp_path: Path) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text("years of work")
    with pytest.raises(Problem, match=f"no build wrote {path} in") as caught:
        placed(tmp_path, {"a": b"1"})
    assert caught.value.code is Exit.MACHINE
    assert [path.partition("/")[0], path] == [everything(tmp_path)[0], everything(tmp_path)[-1]]


def test_a_folder_that_holds_just_what_is_built_is_taken(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b/c").write_bytes(b"2")
    before = files_of(tmp_path)
    placed(tmp_path, {"a": b"1", "b/c": b"2"})
    assert files_of(tmp_path) == before
    placed(tmp_path, {"a": b"3"})
    assert files(tmp_path) == {"a": b"3"}
    assert (tmp_path / "b").is_dir()  # which no build made


THEIRS = {
    "another file": ({"thesis": "x"}, "no build wrote thesis in"),
    "another file in a folder of ours": ({"b/thesis": "x"}, "no build wrote b/thesis in"),
    "an edited one": ({"a": "x"}, "since a build wrote it, somebody changed a in"),
    "an edited one that is to go": ({"old": "x"}, "since a build wrote it, somebody changed old in"),
    "some": ({"old": "x", "thesis": "x"}, "no build wrote old, thesis in"),
    "many": ({f"t{number}": "x" for number in range(9)}, "no build wrote t0, t1, t2, t3, t4 and 4 more in"),
    "one below one of ours": ({"new/thesis": "x"}, "no build wrote new/thesis in"),
}


@pytest.mark.parametrize("theirs", THEIRS)
@pytest.mark.parametrize("adopting", [False, True])
def test_what_no_build_wrote_stops_the_next_one_and_stays(theirs: str, adopting: bool, tmp_path: Path) -> None:
    """Where the folder is adopted, only files are replaced that the site has, and later builds leave the rest, too."""
    written, expected = THEIRS[theirs]
    placed(tmp_path, {"a": b"1", "b/c": b"2", "old": b"3", "older/d": b"4"})
    for path, text in written.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    before = files(tmp_path)
    tree = {"a": b"5", "b/c": b"2"}
    with pytest.raises(Problem, match=expected) as caught:
        placed(tmp_path, tree)
    assert (caught.value.code, files(tmp_path)) == (Exit.MACHINE, before)
    assert "--adopt" in str(caught.value)
    if adopting:
        placed(tmp_path, tree, adopting=True)
        kept = {path: text.encode() for path, text in written.items() if path not in tree}
        assert files(tmp_path) == kept | tree
        placed(tmp_path, {"a": b"6"})
        assert files(tmp_path) == kept | {"a": b"6"}
        if theirs != "an edited one":
            with pytest.raises(Problem, match=r"no build wrote|somebody changed"):
                placed(tmp_path, {f"{path}/in/it": b"7" for path in kept})
            assert files(tmp_path) == kept | {"a": b"6"}


@pytest.mark.parametrize("adopting", [False, True])
def test_links_and_folders_in_the_way_stay(adopting: bool, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "c").write_bytes(b"2")
    (outside / "thesis").write_text("years of work")
    for number, tree in enumerate(({"a": b"1", "b/c": b"2"}, {"a": b"1"}, {"b": b"1"})):
        root = tmp_path / f"public{number}"
        placed(root, {"z": b"1"})
        if "a" in tree:
            (root / "a").symlink_to(outside / "thesis")
        (root / "b").symlink_to(outside) if len(tree) == 2 else (root / "b/theirs").mkdir(parents=True)
        before = everything(root)
        with pytest.raises(Problem, match="no build wrote"):
            placed(root, tree, adopting=adopting)
        assert everything(root) == before
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == {"c": b"2", "thesis": b"years of work"}


def test_folders_of_others_stay_and_those_of_builds_go(tmp_path: Path) -> None:
    root = tmp_path / "public"
    placed(root, {"a/b/c": b"1", "d/e": b"1"})
    (root / "empty").mkdir()
    (root / "a/mine").mkdir()
    placed(root, {})
    assert everything(root) == ["a", "a/mine", "empty"]


def test_a_repository_in_the_folder_is_refused(tmp_path: Path) -> None:
    placed(tmp_path, {"a/b": b"1"})
    (tmp_path / "a/.Git").mkdir()
    (tmp_path / "a/.Git/HEAD").write_text("ref: refs/heads/main\n")
    for adopting in (False, True):
        with pytest.raises(Problem, match=r"it holds a/\.Git/HEAD"):
            placed(tmp_path, {"a/b": b"2"}, adopting=adopting)
    assert (tmp_path / "a/b").read_bytes() == b"1"


@pytest.mark.parametrize("path", ["a", "b/c", "new", "gone"])
def test_what_comes_while_a_build_is_at_work_stays(path: str, tmp_path: Path) -> None:
    placed(tmp_path, {"a": b"1", "b/c": b"1", "gone": b"1"})
    with staged(tmp_path, None, None, SILENT) as stage:
        written = {name: stage.put(name, b"2") for name in ("a", "b/c", "new")}
        (tmp_path / path).write_text("years of work")
        with pytest.raises(Problem, match=r"somebody changed|no build wrote"):
            stage.commit(written.keys(), written)
    assert (tmp_path / path).read_text() == "years of work"


def test_a_folder_that_becomes_a_link_while_a_build_is_at_work_is_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "public", tmp_path / "outside"
    placed(root, {"b/c": b"1", "b/d": b"1"})
    outside.mkdir()
    with staged(root, None, None, SILENT) as stage:
        written: dict[str, FileDigest] = {"b/new": stage.put("b/new", b"2")}
        (root / "b").replace(tmp_path / "b")
        (root / "b").symlink_to(outside)
        with pytest.raises((Problem, OSError)):
            stage.commit([*written, "b/c", "b/d"], written, {"b/c": ("x", 1), "b/d": ("x", 1)})
    assert list(outside.iterdir()) == []
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == ["c", "d"]
