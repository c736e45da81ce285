"""Files that somebody else gives, read up to a limit."""

import os
from pathlib import Path

import pytest

from sealpress.files import given


@pytest.mark.parametrize("size", [0, 1, 4096, (1 << 20) - 1, 1 << 20])
def test_a_file_within_the_limit_is_read_whole(tmp_path: Path, size: int) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * size)
    assert given.read(file, 1 << 20) == b"x" * size


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * ((1 << 20) + 1))
    with pytest.raises(OSError, match="more than 1 MiB"):
        given.read(file, 1 << 20)


def test_a_file_that_says_nothing_of_its_size_is_read_whole() -> None:
    assert b"Name:" in given.read("/proc/self/status", 1 << 20)


def test_a_file_that_grows_while_it_is_read_is_read_up_to_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 10)
    real = os.fstat

    def growing(handle: int) -> os.stat_result:
        found = real(handle)
        with file.open("ab") as other:
            other.write(b"y" * 10)
        return found

    monkeypatch.setattr(os, "fstat", growing)
    assert given.read(file, 100).startswith(b"x" * 10 + b"y" * 10)
    with pytest.raises(OSError, match="more than"):
        given.read(file, 30)
