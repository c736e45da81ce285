"""The canonical tar: the same bytes everywhere, readable by others, and nothing hostile gets in."""

import hashlib
import io
import posixpath
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebake.image import tar
from imagebake.image.entries import CHUNK, Bytes, Directory, Entry, File, FromFile, Symlink
from sealpress.problems import Exit, Problem


def read(entries: list[Entry]) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(b"".join(tar.stream(entries)))) as archive:
        return archive.getmembers()


def test_a_golden_digest_that_no_machine_changes() -> None:
    entries: list[Entry] = [
        File("srv/www/index.html", Bytes(b"<h1>hello</h1>\n")),
        File("srv/www/é/" + "long" * 30, Bytes(b"x" * 513)),
        File("usr/bin/tool", Bytes(b"#!"), 0o755),
        Symlink("bin", "usr/bin"),
        Symlink("other", "usr/ü"),
        Directory("tmp", 0o1777),
    ]
    expected = tar.TarDigest("sha256:c34a70cabc4c4abcb9d860a805ac556544cc2c0814fb5f1ee7de522acea0f5d4", 11776)
    assert tar.digest(entries) == expected
    assert tar.digest(reversed(entries)) == expected


def test_an_empty_layer_is_two_zero_blocks() -> None:
    assert b"".join(tar.stream([])) == bytes(1024)


def test_parents_are_written_once_and_before_their_children() -> None:
    names = [info.name for info in read([File("a/b/two", Bytes(b"")), File("a/b/one", Bytes(b"")), Directory("a")])]
    assert names == ["a", "a/b", "a/b/one", "a/b/two"]


def test_entries_are_sorted_by_their_bytes_and_not_by_their_parts() -> None:
    names = [info.name for info in read([File(name, Bytes(b"")) for name in ("a/y", "a.txt", "Z", "é", "b")])]
    assert names == ["Z", "a", "a.txt", "a/y", "b", "é"]


def test_owner_names_times_and_modes_are_normal() -> None:
    entries = [
        File("f", Bytes(b"data"), 0o600),
        File("x", Bytes(b"data"), 0o711),
        Directory("d", 0o700),
        Directory("t", 0o1777),
        Symlink("l", "f"),
    ]
    infos = {info.name: info for info in read(entries)}
    assert {name: info.mode for name, info in infos.items()} == {
        "f": 0o644,
        "x": 0o755,
        "d": 0o755,
        "t": 0o1777,
        "l": 0o777,
    }
    assert {(info.uid, info.gid, info.uname, info.gname) for info in infos.values()} == {(0, 0, "", "")}
    assert infos["f"].mtime == int(hashlib.sha256(b"data").hexdigest()[:8], 16) // 2
    assert {infos[name].mtime for name in "dtl"} == {0}


def test_an_edit_of_the_same_length_changes_the_time() -> None:
    one, two = (read([File("page", Bytes(text))])[0] for text in (b"cats", b"dogs"))
    assert (one.size, one.mtime) != (two.size, two.mtime)
    assert 0 <= one.mtime < 1 << 31


def test_only_long_and_foreign_names_have_pax_records() -> None:
    fits, long, foreign = "a" * 100, "b" * 101, "ç"
    infos = read([File(name, Bytes(b"")) for name in (fits, long, foreign)])
    assert {info.name: sorted(info.pax_headers) for info in infos} == {fits: [], long: ["path"], foreign: ["path"]}


@pytest.mark.parametrize("length", [80, 95, 101, 985, 986, 987, 988, 9_980, 9_990])
def test_a_pax_record_counts_its_own_digits(length: int) -> None:
    path = "é" + "/".join(["x" * 90] * 200)[:length].rstrip("/")
    if length < 4000:
        assert [info.name for info in read([File(path, Bytes(b""))]) if info.isfile()] == [path]
    assert [info.linkname for info in read([Symlink("link", path)])] == [path]


@pytest.mark.parametrize("path", [".wh.a", "srv/.wh..wh..opq", ".wh.x/y", "é" * 128, "/".join(["a" * 200] * 21)])
def test_what_a_layer_can_not_hold_is_refused_by_name(path: str) -> None:
    for entry in (File(path, Bytes(b"")), Directory(path), Symlink(path, "x")):
        with pytest.raises(Problem) as caught:
            tar.arranged([entry])
        assert path in caught.value.message


_part = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=12)
_plain = st.sampled_from(["a", "b", "B", "a.b", "ä", "a\u0308", "ſ", "x" * 101])
_path = st.lists(_part | _plain, min_size=1, max_size=4).map("/".join)
_entry: st.SearchStrategy[Entry] = st.one_of(
    st.builds(File, _path, st.binary(max_size=1100).map(Bytes), st.sampled_from([0o644, 0o755])),
    st.builds(Directory, _path),
    st.builds(Symlink, _path, _path | st.sampled_from(["..", "../..", "/", "/usr", "../../x"])),
)


@given(st.lists(_entry, max_size=6))
def test_any_tree_is_read_back_the_same_or_refused_with_its_path(entries: list[Entry]) -> None:
    try:
        found = read(entries)
    except Problem as problem:
        refused = problem.place
        assert refused is not None
        assert any(entry.path.startswith(refused.file) for entry in entries)
        return
    infos = {info.name: info for info in found}
    assert len(infos) == len(found)
    with tarfile.open(fileobj=io.BytesIO(b"".join(tar.stream(entries)))) as archive:
        for entry in entries:
            info = infos.pop(entry.path)
            match entry:
                case File(_, Bytes(data), mode):
                    file = archive.extractfile(info)
                    assert file is not None
                    assert (file.read(), info.mode) == (data, mode)
                case Directory():
                    assert info.isdir()
                case Symlink(_, target):
                    assert info.issym()
                    assert info.linkname == target
                    assert not posixpath.normpath(
                        posixpath.join(posixpath.dirname("/" + entry.path), target)
                    ).startswith("/..")
    assert all(info.isdir() for info in infos.values())


@given(st.permutations([File("a/b", Bytes(b"1")), File("a/c", Bytes(b"2")), Symlink("l", "a"), Directory("a")]))
def test_the_order_of_the_description_does_not_matter(entries: list[Entry]) -> None:
    assert tar.digest(entries) == tar.digest(sorted(entries, key=lambda entry: entry.path))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([File("/etc/passwd", Bytes(b""))], '"/etc/passwd" is absolute; paths are relative to the image\'s root'),
        ([File("a/../b", Bytes(b""))], '"a/../b" has a `.` or `..` part'),
        ([File("./a", Bytes(b""))], '"./a" has a `.` or `..` part'),
        ([File("", Bytes(b""))], '"" has an empty part'),
        ([Directory("a/")], '"a/" has an empty part'),
        ([File("a", Bytes(b"")), Directory("a")], '"a" stands twice in one layer'),
        (
            [File("Readme", Bytes(b"")), File("README", Bytes(b""))],
            '"README" and "Readme" are one name on a file system that folds case or accents',
        ),
        (
            [File("é/x", Bytes(b"")), File("e\u0301/y", Bytes(b""))],
            '"e\u0301" and "é" are one name on a file system that folds case or accents',
        ),
        (
            [Symlink("lib", "usr/lib"), File("lib/x.so", Bytes(b""))],
            '"lib" is a link, and another entry would be written through it',
        ),
        ([File("a", Bytes(b"")), File("a/b/c", Bytes(b""))], '"a" is a file, and another entry stands below it'),
        ([File("a\udcff", Bytes(b""))], '"a\\udcff" is not UTF-8'),
        ([Symlink("a", "\udcff")], '"a" is not UTF-8'),
        ([File("a\nb", Bytes(b""))], '"a\nb" has a control character or a backslash'),
        ([Symlink("a", "")], '"a" is a link to nothing'),
        ([Symlink("a/b", "../../etc")], '"a/b" is a link that points above the image\'s root'),
        ([File("su", Bytes(b""), 0o4755)], '"su" has the mode 4755; set-user-id and its like never stand in an image'),
        ([File("big", FromFile(Path("/none"), 8 << 30))], '"big" is larger than 8 GiB'),
    ],
)
def test_what_is_refused(entries: list[Entry], message: str) -> None:
    with pytest.raises(Problem) as caught:
        next(tar.stream(entries))
    assert (caught.value.message, caught.value.code) == (message, Exit.TREE)


@dataclass
class Zeros:
    """A large content that is never on disk and never held; it knows how often it was read."""

    size: int
    passes: int = 0
    last: bytes = b"\0"

    def chunks(self) -> Iterator[bytes]:
        self.passes += 1
        for start in range(0, self.size, CHUNK):
            yield bytes(min(CHUNK, self.size - start))


def test_a_large_file_passes_through_in_pieces() -> None:
    content = Zeros(40 * CHUNK + 1)
    pieces = [len(piece) for piece in tar.stream([File("big", content)])]
    assert max(pieces) <= CHUNK
    assert sum(pieces) == tar.BLOCK + content.size + 511 + 1024
    assert content.passes == 2


@pytest.mark.parametrize("described", [3, 5, CHUNK + 3, CHUNK + 5])
def test_a_file_that_has_another_size_than_described_is_refused(tmp_path: Path, described: int) -> None:
    file = tmp_path / "page"
    file.write_bytes(bytes(described - described % CHUNK + 4))
    with pytest.raises(Problem, match='"page" changed while it was read'):
        tar.digest([File("page", FromFile(file, described))])


def test_a_folder_may_belong_to_a_user() -> None:
    """A volume's folder: the engine copies owner and mode to the volume that it makes."""
    entries = [Directory("db", 0o700, (1000, 65534)), Directory("srv", 0o700), File("db/a", Bytes(b""))]
    data = b"".join(tar.stream(entries))
    with tarfile.open(fileobj=io.BytesIO(data)) as read:
        found = {item.name: (item.mode, item.uid, item.gid) for item in read}
    assert found == {"db": (0o700, 1000, 65534), "db/a": (0o644, 0, 0), "srv": (0o755, 0, 0)}
    assert tar.measure(entries) == len(data)


@pytest.mark.parametrize(
    "folder", [Directory("x", 0o2755, (1, 1)), Directory("x", 0o700, (8**7, 1)), Directory("x", 0o700, (1, -1))]
)
def test_a_folder_with_bits_or_an_owner_that_no_image_has_is_refused(folder: Directory) -> None:
    with pytest.raises(Problem, match="which no image can say"):
        tar.digest([folder])


@pytest.mark.parametrize("size", [4, CHUNK + 4])
def test_a_file_that_was_edited_since_it_was_described_is_refused(tmp_path: Path, size: int) -> None:
    file = tmp_path / "page"
    file.write_bytes(bytes(size))
    content = FromFile(file, size, hashlib.sha256(bytes(size)).hexdigest())
    untouched = tar.digest([File("page", content)])
    assert untouched == tar.digest([File("page", FromFile(file, size))])
    file.write_bytes(bytes(size - 1) + b"!")
    with pytest.raises(Problem, match='"page" changed while it was read'):
        tar.digest([File("page", content)])


def test_a_large_file_that_changes_between_the_two_readings_is_refused() -> None:
    class Restless:
        size = CHUNK + 1
        passes = 0

        def chunks(self) -> Iterator[bytes]:
            self.passes += 1
            yield bytes(CHUNK)
            yield bytes([self.passes])

    with pytest.raises(Problem, match='"page" changed while it was read'):
        tar.digest([File("page", Restless())])
