"""A file that looks the same is the same, or is not believed."""

import os
import time
from pathlib import Path

import pytest

from ssg.cache import stamps


def settled(file: Path) -> bool:
    found = stamps.stamp(file)
    assert found is not None
    return stamps.is_settled(found, stamps.now(file.parent))


def test_a_file_that_was_just_changed_is_not_believed_and_later_is(tmp_path: Path) -> None:
    """As git's index does not ("racy git"): a second change in the same tick of the clock would look like none."""
    file = tmp_path / "x"
    file.write_text("x")
    assert not settled(file)
    time.sleep(0.1)
    assert settled(file)
    file.chmod(0o600)  # its content's time stays
    assert not settled(file)


def test_a_time_to_come_is_not_believed(tmp_path: Path) -> None:
    """A clock that was set back, or a file from another machine."""
    file = tmp_path / "x"
    file.write_text("x")
    os.utime(file, (2**33, 2**33))
    time.sleep(0.1)
    assert not settled(file)


@pytest.mark.parametrize("how", ["size", "content", "content and time", "inode", "mode"])
def test_every_change_shows(how: str, tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text("one")
    before = stamps.stamp(file)
    times = file.stat()
    time.sleep(0.02)
    match how:
        case "size":
            file.write_text("three")
        case "content":
            file.write_text("two")
        case "content and time":
            file.write_text("two")
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        case "inode":
            other = tmp_path / "y"
            other.write_text("one")
            os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
            other.replace(file)
        case "mode":
            file.chmod(0o600)
    assert stamps.stamp(file) != before


def test_reading_is_no_change(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_text("one")
    before = stamps.stamp(file)
    file.read_text()
    assert stamps.stamp(file) == before


def test_what_is_not_there_has_no_stamp_and_no_clock(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert stamps.stamp(tmp_path / "x") is None
    assert stamps.stamp(tmp_path / "file" / "x") is None
    assert stamps.now(tmp_path / "file" / "folder") == 0
    assert not stamps.is_settled((1, 1, 1, 1), 0)


def test_every_file_below_a_folder_is_listed_and_no_link_is_followed(tmp_path: Path) -> None:
    for name in ("a/b/c", "a/.besides/d", ".besides/e", "f"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "dead").symlink_to("nowhere")
    (tmp_path / "empty").mkdir()
    found = dict(stamps.below(str(tmp_path), ".besides"))
    assert sorted(found) == ["a/.besides/d", "a/b/c", "dead", "f", "loop"]
    assert all(found[path] == stamps.stamp(tmp_path / path) for path in found)
