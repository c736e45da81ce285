"""The cache folder: a file is there whole or not at all, and what a killed writer left goes in time."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagebake.fetch import cache


@pytest.fixture(autouse=True)
def _first_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_swept", set())


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_file_is_kept_in_pieces_and_its_folder_made(tmp_path: Path) -> None:
    cache.keep(tmp_path / "a/b", [b"1", b"2"])
    assert (tmp_path / "a/b").read_bytes() == b"12"
    assert names(tmp_path / "a") == ["b"]


def test_nothing_is_left_of_a_file_whose_pieces_end_early(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"1"
        raise ValueError

    (tmp_path / "b").write_bytes(b"older")
    with pytest.raises(ValueError):
        cache.keep(tmp_path / "b", pieces())
    assert (tmp_path / "b").read_bytes() == b"older"
    assert names(tmp_path) == ["b"]


def test_what_a_killed_writer_left_goes_after_a_day_and_nothing_else(tmp_path: Path) -> None:
    for name, age in ((".new-0123old_", 90_000), (".new-0123yng_", 3600), ("old", 90_000), (".new-er", 90_000)):
        file = tmp_path / name
        file.write_bytes(b"x")
        os.utime(file, (file.stat().st_mtime - age,) * 2)
    cache.keep(tmp_path / "b", [])
    assert names(tmp_path) == [".new-0123yng_", ".new-er", "b", "old"]


def test_a_cache_that_can_not_be_written_costs_no_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a file")
    cache.keep(tmp_path / "a/b", [])
    assert names(tmp_path) == ["a"]
