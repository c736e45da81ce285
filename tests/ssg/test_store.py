"""The store: what was kept comes back whole or not at all, and it never grows without bound."""

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssg.store import Store

KEYS = [f"{number:064x}" for number in range(1 << 20, (1 << 20) + 50)]


def files(store: Store) -> list[Path]:
    return sorted(path for path in store.folder.rglob("*") if path.is_file() and path.name != ".gitignore")


@given(data=st.binary(max_size=2000))
def test_what_was_kept_comes_back(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    store = Store(tmp_path_factory.mktemp("store"))
    assert store.get(KEYS[0]) is None
    store.put(KEYS[0], data)
    assert store.get(KEYS[0]) == data
    assert store.get(KEYS[1]) is None


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "longer"])
def test_a_damaged_entry_is_never_used_and_is_gone(damage: str, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put(KEYS[0], b"result" * 100)
    (file,) = files(store)
    whole = file.read_bytes()
    file.write_bytes({"cut": whole[:-1], "flip": whole[:-1] + b"!", "empty": b"", "longer": whole + b"x"}[damage])
    assert store.get(KEYS[0]) is None
    assert files(store) == []
    store.put(KEYS[0], b"again")
    assert store.get(KEYS[0]) == b"again"


def test_it_keeps_itself_out_of_git(tmp_path: Path) -> None:
    store = Store(tmp_path / "cache")
    store.put(KEYS[0], b"x")
    assert (tmp_path / "cache" / ".gitignore").read_text() == "*\n"


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    store = Store(tmp_path, limit=1000)
    for number, key in enumerate(KEYS[:10]):
        store.put(key, bytes(200))
        os.utime(store.folder / key[:2] / key[2:], (1000 + number, 1000 + number))
    assert store.get(KEYS[0]) == bytes(200)  # used just now
    store.trim()
    kept = [key for key in KEYS[:10] if store.get(key) is not None]
    assert kept == [KEYS[0], KEYS[8], KEYS[9]]


def test_trimming_takes_nothing_that_is_not_its_own(tmp_path: Path) -> None:
    store = Store(tmp_path, limit=0)
    store.put(KEYS[0], b"x")
    mine = tmp_path / "00" / "letter.txt"
    mine.write_text("years of work")
    (tmp_path / "photo.jpg").write_text("more of it")
    store.trim()
    assert files(store) == [mine, tmp_path / "photo.jpg"]


def test_a_folder_that_can_t_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in the way")
    store = Store(tmp_path / "cache")
    store.put(KEYS[0], b"x")
    assert store.get(KEYS[0]) is None
    store.trim()


def test_many_builds_at_once_do_no_harm(tmp_path: Path) -> None:
    store = Store(tmp_path, limit=5000)
    wrong: list[str] = []

    def work() -> None:
        for key in KEYS * 3:
            store.put(key, key.encode() * 3)
            found = store.get(key)
            if found not in {None, key.encode() * 3}:
                wrong.append(key)
            store.trim()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []
