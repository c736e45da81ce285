"""The store: what was kept comes back whole or not at all, and it never grows without bound."""

import os
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealpress.files import signing
from ssg.cache.last_build import LastBuild, LastTree, Memory
from ssg.cache.store import PACKS, Store

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
    store = Store(tmp_path, limit=800)
    for number, key in enumerate(KEYS[:10]):
        Store(tmp_path).put(key, bytes(200))
        os.utime(store.folder / key[:2] / key[2:], (1000 + number, 1000 + number))
    assert store.get(KEYS[0]) == bytes(200)  # used just now
    store.trim()
    kept = [key for key in KEYS[:10] if store.get(key) is not None]
    assert kept == [KEYS[0], KEYS[8], KEYS[9]]


def test_no_more_than_the_limit_is_ever_there(tmp_path: Path) -> None:
    """Whoever wrote what is there, one process or many one after the other; what is too large for it isn't kept."""
    for round_ in range(3):
        store = Store(tmp_path, limit=4000)
        for key in KEYS[10 * round_ : 10 * round_ + 10]:
            store.put(key, bytes(300))
            assert sum(file.stat().st_size for file in files(store)) <= 4000
            assert store.get(key) == bytes(300)
        store.put(KEYS[40], bytes(4001))
        assert store.get(KEYS[40]) is None
        assert packed(store, KEYS[10 * round_ : 10 * round_ + 10]).stat().st_size <= 4000


def test_trimming_takes_nothing_that_is_not_its_own(tmp_path: Path) -> None:
    store = Store(tmp_path, limit=0)
    Store(tmp_path).put(KEYS[0], b"x")
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


def packed(store: Store, keys: list[str]) -> Path:
    """Results that were made together; the pack that they are in."""
    before = set(files(store))
    with store.together():
        for key in keys:
            store.put(key, key.encode() * 3)
            assert store.get(key) == key.encode() * 3
    (pack,) = set(files(store)) - before
    return pack


def test_many_results_are_kept_in_one_file_and_found_again(tmp_path: Path) -> None:
    pack = packed(Store(tmp_path), KEYS)
    assert pack.parent.name == "packs"
    other = Store(tmp_path)
    assert [other.get(key) for key in KEYS] == [key.encode() * 3 for key in KEYS]
    assert other.get("f" * 64) is None


def test_a_few_results_are_kept_one_by_one(tmp_path: Path) -> None:
    with Store(tmp_path).together():
        Store(tmp_path).put(KEYS[0], b"x")
    assert Store(tmp_path).get(KEYS[0]) == b"x"
    assert not (tmp_path / "packs").exists()


def test_no_damage_to_a_pack_is_believed(tmp_path: Path) -> None:
    """What it held is made again, once: the damaged pack doesn't stand before its successor."""
    whole = packed(Store(tmp_path), KEYS[:10])
    data = whole.read_bytes()
    for at in range(0, len(data), 41):
        flipped = bytearray(data)
        flipped[at] ^= 1
        for damaged in (bytes(flipped), data[:at]):
            whole.write_bytes(damaged)
            store = Store(tmp_path)
            assert {store.get(key) for key in KEYS[:10]} <= {None, *(key.encode() * 3 for key in KEYS[:10])}
            assert all(store.get(key) in {None, key.encode() * 3} for key in KEYS[:10])
            with store.together():
                for key in KEYS[5:15]:
                    store.put(key, key.encode() * 3)
            assert all(Store(tmp_path).get(key) == key.encode() * 3 for key in KEYS[5:15])
            shutil.rmtree(tmp_path)
            whole.parent.mkdir(parents=True)


def test_a_pack_of_somebody_else_is_neither_believed_nor_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(signing.VARIABLE, "b" * 64)
    signing._key.cache_clear()
    try:
        theirs = packed(Store(tmp_path), KEYS[:10])
    finally:
        monkeypatch.undo()
        signing._key.cache_clear()
    assert [Store(tmp_path).get(key) for key in KEYS[:10]] == [None] * 10
    assert theirs.exists()
    mine = packed(Store(tmp_path), KEYS[:5] + KEYS[10:20])
    lines = mine.read_bytes().split(b"\n", 2)
    mine.write_bytes(b"\n".join([lines[0], lines[1].replace(KEYS[0].encode(), KEYS[11].encode()), lines[2]]))
    assert [Store(tmp_path).get(key) for key in KEYS[:20]] == [None] * 20


def test_a_pack_that_was_used_lately_stays(tmp_path: Path) -> None:
    packs = [packed(Store(tmp_path), KEYS[start : start + 10]) for start in (0, 10, 20)]
    for number, pack in enumerate(packs):
        os.utime(pack, (1000 + number, 1000 + number))
    store = Store(tmp_path, limit=sum(pack.stat().st_size for pack in packs[:2]))
    assert store.get(KEYS[0])
    store.trim()
    assert [pack.exists() for pack in packs] == [True, False, True]


def test_two_processes_that_write_and_trim_do_no_harm(tmp_path: Path) -> None:
    """Each reads what the other has written, or nothing; never anything else."""
    command = """\
import sys
from dataclasses import replace
from pathlib import Path
from sealpress.files import signing as private
from ssg.cache.last_build import LastBuild, LastTree, Memory
from ssg.cache.store import PACKS, Store
folder, start = Path(sys.argv[1]), int(sys.argv[2])
keys = [f"{number:064x}" for number in range(1 << 20, (1 << 20) + 60)]
for turn in range(15):
    store = Store(folder, limit=20_000)
    with store.together():
        for key in keys[start : start + 40]:
            store.put(key, key.encode() * 3)
    for key in keys[turn : turn + 3]:
        Store(folder).put(key, key.encode() * 3)
    store.refresh()
    assert all(store.get(key) in (None, key.encode() * 3) for key in keys)
    store.trim()
"""
    run = [sys.executable, "-c", command, str(tmp_path)]
    processes = [subprocess.Popen([*run, start]) for start in ("0", "20")]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert not [file for file in files(Store(tmp_path)) if file.name.startswith(".new-")]


def test_a_large_result_waits_for_no_others(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.together():
        store.put(KEYS[0], b"large", alone=True)
        store.put(KEYS[1], b"small")
        assert Store(tmp_path).get(KEYS[0]) == b"large"
        assert Store(tmp_path).get(KEYS[1]) is None


def test_nothing_is_written_or_dropped_through_a_link(tmp_path: Path) -> None:
    """Folders of the store that are links, as a repository could bring them, and links among its files."""
    outside = tmp_path / "outside"
    outside.mkdir()
    theirs = [outside / ("0" * 62), outside / f"{'0' * 64}.pack", outside / ".new-x", outside / "a.known"]
    for file in theirs:
        file.write_text("years of work")
        os.utime(file, (1, 1))
    folder = tmp_path / "store"
    folder.mkdir()
    for name in ("00", PACKS, "builds"):
        (folder / name).symlink_to(outside)
    (folder / ".gitignore").symlink_to(outside / "new")
    (folder / "11").mkdir()
    (folder / "11" / ("1" * 62)).symlink_to(theirs[0])
    store = Store(folder)
    for key in ("0" * 64, "1" * 64):
        assert store.get(key) is None
        store.put(key, b"data")
    with store.together():
        for number in range(20):
            store.put(f"{number:064}", b"x")
    replace(store, limit=0).trim()
    memory = Memory.of(folder, tmp_path / "public")
    memory.forget()
    memory.keep(LastBuild(), None, LastTree("", "", {}, {}, {}, {}))
    assert sorted(outside.iterdir()) == sorted(theirs)
    assert all((file.read_text(), file.stat().st_mtime) == ("years of work", 1) for file in theirs)
