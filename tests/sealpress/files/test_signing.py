"""Only what this user's own builds have written is believed; anything else is passed over."""

import marshal
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealpress.commands.console import Silent
from sealpress.files import signing
from sealpress.problems import Exit, Problem
from ssg.build.result import Built
from ssg.cache import last_build
from ssg.cache.last_build import LastBuild, LastTree, Memory
from tests import needs
from tests.ssg.blogs import Blog


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of the test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv(signing.VARIABLE, raising=False)
    signing._key.cache_clear()
    yield tmp_path / "state"
    signing._key.cache_clear()


def key_file(state: Path) -> Path:
    return state / "sealpress" / "cache-key"


def forget() -> None:
    """As another process, which has read no key yet."""
    signing._key.cache_clear()


@pytest.mark.parametrize("data", [b"", b"x", bytes(100_000)])
def test_what_was_sealed_is_opened_by_the_same_user(data: bytes, state: Path) -> None:
    found = signing.seal("what", data)
    forget()
    assert signing.opened("what", found) == data
    assert key_file(state).stat().st_mode & 0o777 == 0o600
    assert key_file(state).parent.stat().st_mode & 0o777 == 0o700


def test_another_users_seal_is_not_opened(state: Path) -> None:
    found = signing.seal("what", b"data")
    key_file(state).write_bytes(bytes(32))
    forget()
    assert signing.opened("what", found) is None


@given(what=st.text(), other=st.text(), data=st.binary(max_size=50))
def test_what_was_sealed_as_one_thing_is_not_opened_as_another(what: str, other: str, data: bytes) -> None:
    expected = data if what == other else None
    assert signing.opened(other, signing.seal(what, data)) == expected


def test_machines_with_one_key_believe_each_other(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's goes before the state folder's; empty, as for a CI run without secrets, it is none."""
    key = "0123456789abcdef" * 4
    monkeypatch.setenv(signing.VARIABLE, key)
    forget()
    found = signing.seal("what", b"data")
    assert not key_file(state).exists()
    for value, expected in ((f" {key.upper()}\n", b"data"), ("f" * 64, None), ("", None)):
        monkeypatch.setenv(signing.VARIABLE, value)
        forget()
        assert signing.opened("what", found) == expected
        assert signing.is_lasting()


@pytest.mark.parametrize("value", ["hunter2", "0" * 63, "0" * 65, "g" * 64, "0" * 32 + " " + "0" * 31, "é" * 64])
def test_a_malformed_key_is_a_clear_message_that_does_not_tell_it(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(signing.VARIABLE, value)
    forget()
    with pytest.raises(Problem, match="SEALPRESS_CACHE_KEY is no key: it must be 64 hexadecimal digits") as caught:
        signing.complaint()
    assert caught.value.code is Exit.USAGE
    assert "openssl rand -hex 32" in (caught.value.hint or "")
    assert value not in str(caught.value)


def test_no_flipped_bit_and_no_cut_is_opened() -> None:
    found = signing.seal("what", b"some data")
    for at in range(len(found) * 8):
        flipped = bytearray(found)
        flipped[at // 8] ^= 1 << at % 8
        assert signing.opened("what", bytes(flipped)) is None
    for end in range(len(found)):
        assert signing.opened("what", found[:end]) is None
    assert signing.opened("what", found + b"x") is None


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_that_others_can_read_is_replaced(mode: int, state: Path) -> None:
    """With its mode alone put right, whoever has read it could still sign."""
    found = signing.seal("what", b"data")
    assert signing.complaint() == ""
    key_file(state).chmod(mode)
    forget()
    assert signing.opened("what", found) is None
    assert "could be read by others" in signing.complaint()
    assert key_file(state).stat().st_mode & 0o777 == 0o600
    again = signing.seal("what", b"data")
    forget()
    assert signing.opened("what", again) == b"data"
    assert signing.complaint() == ""


@pytest.mark.parametrize("content", [b"", b"short", bytes(31), bytes(33)])
def test_a_key_of_another_length_is_replaced(content: bytes, state: Path) -> None:
    found = signing.seal("what", b"data")
    key_file(state).write_bytes(content)
    forget()
    assert signing.opened("what", found) is None
    assert "was damaged" in signing.complaint()
    forget()
    assert signing.complaint() == ""
    assert signing.opened("what", signing.seal("what", b"data")) == b"data"


@needs.root
def test_a_key_of_another_user_is_no_key(state: Path) -> None:
    signing.seal("what", b"data")
    os.chown(key_file(state), 65534, 65534)
    forget()
    assert not signing.is_lasting()
    assert f"{key_file(state)} is another user's: remove it, or set SEALPRESS_STATE" in signing.complaint()


def test_a_key_that_can_t_be_replaced_is_no_key(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    signing.seal("what", b"data")
    key_file(state).chmod(0o644)
    forget()
    monkeypatch.setattr(signing.files, "keep", lambda _file, _parts: None)
    assert not signing.is_lasting()
    assert "could be read by others: remove it" in signing.complaint()


def test_a_folder_in_the_key_s_place_is_no_key(state: Path) -> None:
    key_file(state).mkdir(parents=True)
    assert not signing.is_lasting()
    assert "remove it" in signing.complaint()


class Notes(Silent):
    """Progress that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, text: str) -> None:
        self.told.append(text)


def test_a_build_says_once_that_its_key_was_no_good(state: Path, tmp_path: Path) -> None:
    blog = Blog(tmp_path)
    blog.page("about.md", "About.")
    for mode, expected in ((0o600, 0), (0o644, 1), (0o600, 0)):
        if key_file(state).exists():
            key_file(state).chmod(mode)
        forget()
        notes = Notes()
        assert isinstance(blog.built(notes), Built)
        assert len(notes.told) == expected


@pytest.mark.parametrize("home", ["/dev/null", "/proc/nowhere"])
def test_without_a_place_for_a_key_nothing_is_believed_later(home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", home)
    forget()
    assert not signing.is_lasting()
    found = signing.seal("what", b"data")
    assert signing.opened("what", found) == b"data"
    forget()
    assert signing.opened("what", found) is None
    assert "set SEALPRESS_STATE" in signing.complaint()


def memory(tmp_path: Path) -> Memory:
    return Memory.of(tmp_path / "store", tmp_path / "public")


def a_tree() -> LastTree:
    return LastTree("", "seen", {}, {}, {}, {})


def kept(tmp_path: Path) -> tuple[Memory, LastTree]:
    found = memory(tmp_path)
    found.keep(LastBuild(world="w"), None, a_tree())
    tree = found.tree()
    assert tree is not None
    assert tree.seen == "seen"
    recalled = found.recall(tree)
    assert recalled is not None
    assert recalled.world == "w"
    return found, tree


def test_what_is_not_this_users_own_is_never_unmarshalled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's marshal can crash on a hostile file."""
    found, tree = kept(tmp_path)
    hostile = marshal.dumps((last_build.FORMAT, ("hostile",)))
    for file in (tmp_path / "store/builds").iterdir():
        file.write_bytes(bytes(32) + hostile)
    monkeypatch.setattr(last_build.marshal, "loads", lambda *_: pytest.fail("it was read"))
    assert (found.tree(), found.recall(tree)) == (None, None)


@given(data=st.binary(max_size=200))
def test_no_file_makes_a_build_fail(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    found = Memory.of(tmp_path_factory.mktemp("store"), Path("/public"))
    found.folder.mkdir()
    for kind in ("told", "tree", "known", "changes"):
        (found.folder / f"{found.name}.{kind}").write_bytes(data)
    assert (found.tree(), found.recall(a_tree())) == (None, None)


@pytest.mark.parametrize("plain", [None, 0, "", "text", (), (1, 2), ("x",) * 3])
def test_another_versions_file_is_passed_over(plain: object, tmp_path: Path) -> None:
    found, tree = kept(tmp_path)
    for number in (9, "another", last_build.FORMAT):
        data = signing.seal(found._what("known"), marshal.dumps((number, plain)))
        (found.folder / f"{found.name}.known").write_bytes(data)
        assert found.recall(tree) is None
    (found.folder / f"{found.name}.known").write_bytes(signing.seal(found._what("known"), marshal.dumps(plain)))
    assert found.recall(tree) is None


def test_without_a_key_a_build_remembers_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
    forget()
    found = memory(tmp_path)
    found.keep(LastBuild(world="w"), None, a_tree())
    forget()
    assert (found.tree(), found.recall(a_tree())) == (None, None)
