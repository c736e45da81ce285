"""Who waits for what was saved hears of it, though nobody saw it between two looks."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ssg.preview.watching import Watcher


def folder_comes(root: Path) -> None:
    (root / "templates").mkdir()


def folder_goes(root: Path) -> None:
    shutil.rmtree(root / "templates")


def folder_is_another(root: Path) -> None:
    (root / "templates").rename(root / "old templates")
    (root / "templates").mkdir()


def folder_is_the_first_again(root: Path) -> None:
    folder_goes(root)
    (root / "old templates").rename(root / "templates")


def file_comes(root: Path) -> None:
    (root / "site.toml").write_text("[site]\n")


def file_goes(root: Path) -> None:
    (root / "site.toml").unlink()


@pytest.mark.parametrize(
    "steps",
    [
        (folder_comes, folder_goes),
        (file_comes, file_goes),
        (folder_comes, folder_is_another, folder_is_the_first_again, folder_goes),
    ],
    ids=lambda steps: ", ".join(step.__name__ for step in steps),
)
def test_what_comes_and_goes_between_two_looks_is_told_each_time(
    tmp_path: Path, steps: tuple[Callable[[Path], None], ...]
) -> None:
    root, mark = tmp_path / "site", tmp_path / "mark"
    (root / "content").mkdir(parents=True)
    mark.mkdir()
    told: list[frozenset[str] | None] = []
    watcher = Watcher(root, ["content", "templates"], ["site.toml"], mark, told.append, pytest.fail, looks_after=30_000)
    thread = threading.Thread(target=watcher.run)
    thread.start()
    try:
        assert watcher.ready.wait(30)
        for step in steps:
            told.clear()
            step(root)
            watcher.settled()
            assert told == [None], step.__name__
        told.clear()
        watcher.settled()
        assert told == []
    finally:
        watcher.stop()
        thread.join(60)
