"""A package's files come out as they are described, and nothing that an image must not hold comes out at all."""

import io
import lzma
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebake.image import untar
from imagebake.image.entries import Bytes, Directory, File, Symlink
from imagebake.packages import deb
from sealpress.problems import Exit, Problem
from sealpress.tree.tree import unfit


@pytest.fixture(scope="session")
def read(tmp_path_factory):
    """Entries by path of a .deb given as bytes."""
    file = tmp_path_factory.mktemp("deb") / "tiny.deb"

    def read_bytes(data: bytes, wanted=lambda _path: True):
        file.write_bytes(data)
        return deb.read(file, wanted)

    return read_bytes


@pytest.mark.parametrize("packing", ["", ".xz", ".gz"])
def test_files_folders_and_links_with_plain_modes(make, read, packing: str) -> None:
    member = make.Member
    members = [
        member("./", kind=tarfile.DIRTYPE, mode=0o755),
        member("./usr/", kind=tarfile.DIRTYPE, mode=0o2775),
        member("./usr/bin/tool", b"#!", 0o751),
        member("./usr/share/a", b"", 0o600),
        member("./usr/share/b", kind=tarfile.SYMTYPE, target="../bin/tool"),
    ]
    assert read(make.deb(members, packing=packing)) == {
        "usr": Directory("usr"),
        "usr/bin/tool": File("usr/bin/tool", Bytes(b"#!"), 0o755),
        "usr/share/a": File("usr/share/a", Bytes(b""), 0o644),
        "usr/share/b": Symlink("usr/share/b", "../bin/tool"),
    }


def test_merged_usr_has_one_place_for_each_file(make, read) -> None:
    member = make.Member
    links = [member(f"./{name}", kind=tarfile.SYMTYPE, target=f"usr/{name}") for name in ("bin", "lib", "lib64")]
    found = read(make.deb([*links, member("./lib/x86_64-linux-gnu/a.so", b"a"), member("./bin/b", b"b")]))
    assert list(found) == ["usr/lib/x86_64-linux-gnu/a.so", "usr/bin/b"]


def test_hard_links_become_copies_even_of_what_is_not_wanted(make, read) -> None:
    member = make.Member
    data = make.deb([member("./a", b"same", 0o755), member("./b", kind=tarfile.LNKTYPE, target="./a")])
    copy = File("b", Bytes(b"same"), 0o755)
    assert read(data)["b"] == copy
    assert read(data, lambda path: path == "b") == {"b": copy}


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_long_names_of_every_tar_format(make, read, form: int) -> None:
    path = "/".join(["folder-with-a-name"] * 7) + "/file"
    link = path + "-link"
    members = [make.Member(path, b"x"), make.Member(link, kind=tarfile.SYMTYPE, target="file")]
    assert list(read(make.deb(make.tar(members, form)))) == [path, link]


def test_only_what_is_wanted_is_held(make, read) -> None:
    found = read(make.deb([make.Member("./a", b"a"), make.Member("./b", b"b" * 3000)]), lambda path: path == "a")
    assert list(found) == ["a"]


def attacks() -> dict[str, tuple[list[tuple], str]]:
    """Members of a hostile package by what they try, and what is said of them."""
    link = (b"2", "/etc")
    return {
        "up": ([("../evil", b"x")], '"../evil" has a part that leads elsewhere'),
        "up, inside": ([("./usr/../../evil", b"x")], '"./usr/../../evil" has a part that leads elsewhere'),
        "absolute": ([("/etc/passwd", b"x")], '"/etc/passwd" is an absolute path'),
        "through a link": (
            [("./srv", b"", 0o777, *link), ("./srv/passwd", b"x")],
            '"srv/passwd" would be written through the link "srv"',
        ),
        "link over a folder": ([("./srv/a", b"x"), ("./srv", b"", 0o777, *link)], '"srv" stands in it twice'),
        "below a file": ([("./a", b"x"), ("./a/b", b"x")], '"a/b" stands below "a", which is a file'),
        "link out": (
            [("./usr/l", b"", 0o777, b"2", "../../etc")],
            'the link "usr/l" points outside the image: "../../etc"',
        ),
        "hard link out": (
            [("./h", b"", 0o644, b"1", "etc/shadow")],
            '"h" is a hard link to "etc/shadow", which the package does not hold before it',
        ),
        "hard link up": ([("./h", b"", 0o644, b"1", "../x")], '"../x" has a part that leads elsewhere'),
        "device": ([("./dev/sda", b"", 0o644, b"4", "")], '"dev/sda" is a device or a pipe'),
        "pipe": ([("./p", b"", 0o644, b"6", "")], '"p" is a device or a pipe'),
        "setuid": ([("./usr/bin/su", b"x", 0o4755)], '"usr/bin/su" is a set-user-id or set-group-id file'),
        "setgid": ([("./usr/bin/wall", b"x", 0o2755)], '"usr/bin/wall" is a set-user-id or set-group-id file'),
        "twice": ([("./a", b"x"), ("./a", b"y")], '"a" stands in it twice'),
        "twice by case": (
            [("./a", b"x"), ("./A", b"y")],
            '"A" and "a" are one name on a file system that folds case or accents',
        ),
        "twice by accent": (
            [("./\u00e9", b"x"), ("./e\u0301", b"y")],
            '"e\u0301" and "\u00e9" are one name on a file system that folds case or accents',
        ),
        "twice by merged usr": ([("./lib/a", b"x"), ("./usr/lib/a", b"y")], '"usr/lib/a" stands in it twice'),
        "control": ([("./a\nb", b"x")], '"./a\nb" has a control character or a backslash'),
        "whiteout": (
            [("./usr/.wh.bin", b"")],
            f'"./usr/.wh.bin" {unfit(".wh.bin")}',
        ),
        "sparse": ([("./a", b"x", 0o644, b"S")], '"./a" is of a type that no package has'),
    }


@pytest.mark.parametrize("attack", attacks())
def test_an_attack_is_refused_with_its_path(make, read, attack: str) -> None:
    members, why = attacks()[attack]
    with pytest.raises(Problem) as caught:
        read(make.deb([make.Member(*member) for member in members]))
    assert caught.value.message == f"the package tiny.deb is refused: {why}"
    assert caught.value.code is Exit.LOCK


def test_a_name_that_is_not_utf8_is_refused(make, read) -> None:
    data = make.tar([make.Member("./caf\u00e9", b"x")]).replace("\u00e9".encode(), b"e\xe9")
    data = _with_sum(data)
    with pytest.raises(Problem, match="is not UTF-8"):
        read(make.deb(data))


def _with_sum(data: bytes) -> bytes:
    total = sum(data[:148]) + 8 * 0x20 + sum(data[156:512])
    return data[:148] + b"%06o\0 " % total + data[156:]


@pytest.mark.parametrize("wanted", [True, False])
def test_a_huge_file_is_refused_before_it_is_read(make, read, wanted: bool) -> None:
    info = tarfile.TarInfo("./big")
    info.size = (8 << 30) - 1  # the most that a tar header can say
    with pytest.raises(Problem, match="has 8589934591 bytes, more than"):
        read(make.deb(info.tobuf(tarfile.GNU_FORMAT)), lambda _path: wanted)


def test_a_package_that_unpacks_without_end_is_refused(make, read, monkeypatch) -> None:
    # A bound against bombs that no caller may widen: the real one takes a minute to reach.
    monkeypatch.setattr(untar, "TOTAL_LIMIT", 4 << 20)
    with pytest.raises(Problem, match="unpacks to more than the 4194304 bytes"):
        read(make.deb([make.Member(f"./{number}", bytes(1 << 20)) for number in range(5)]), lambda _path: False)


def test_too_many_files_are_refused(make, read, monkeypatch) -> None:
    # Likewise.
    monkeypatch.setattr(untar, "ITEM_LIMIT", 10)
    with pytest.raises(Problem, match="more than 10 files"):
        read(make.deb([make.Member(f"./{number}") for number in range(11)]))


def test_an_xz_stream_that_wants_much_memory_is_refused(make, read) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 128 << 20}]
    packed = lzma.compress(make.tar([make.Member("./a", b"x")]), filters=filters)
    data = make.ar([("debian-binary", b"2.0\n"), ("control.tar", b""), ("data.tar.xz", packed)])
    with pytest.raises(Problem, match="its xz data is broken"):
        read(data)


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([], "it has no data.tar"),
        ([("debian-binary", b"3.0\n")], "it is no Debian package of format 2"),
        ([("data.tar", b"")], "it is no Debian package of format 2"),
        ([("debian-binary", b"2.0\n"), ("control.tar", b"")], "it has no data.tar"),
        ([("debian-binary", b"2.0\n"), ("data.tar", b"")], "it is cut short"),
        ([("debian-binary", b"2.0\n"), ("data.tar.zst", b"")], '"data.tar.zst" is packed with ".zst"'),
        ([("debian-binary", b"2.0\n"), ("data.tar.xz", b"")], "its xz data is cut short"),
        ([("debian-binary", b"2.0\n"), ("data.tar.xz", b"garbage" * 3)], "its xz data is broken"),
        ([("debian-binary", b"2.0\n"), ("data.tar.gz", b"garbage" * 3)], "its gzip data is broken"),
        ([("debian-binary", b"2.0\n"), ("data.tar.gz", b"")], "its gzip data is cut short"),
        ([("debian-binary", b"2.0\n"), ("data.tar", b"x" * 512)], "a tar header"),
    ],
)
def test_what_is_no_package_is_said_to_be_none(make, read, members, why: str) -> None:
    with pytest.raises(Problem) as caught:
        read(make.ar(members))
    assert why in caught.value.message


def test_the_package_describes_itself(make, tmp_path: Path) -> None:
    file = tmp_path / "a.deb"
    file.write_bytes(make.deb([], name="tool", version="1:2-3", Depends="libc6"))
    assert deb.control(file) == {"Package": "tool", "Version": "1:2-3", "Depends": "libc6"}


@given(st.data())
def test_damaged_packages_are_a_problem_and_nothing_worse(make, read, data) -> None:
    member = make.Member
    members = [
        member("./usr/a", b"a" * 600),
        member("./usr/b", kind=b"1", target="./usr/a"),
        member("./" + "l" * 150, b"x"),
    ]
    whole = bytearray(make.deb(members, packing=data.draw(st.sampled_from(["", ".xz", ".gz"]))))
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=5)):
        whole[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.none() | st.integers(0, len(whole)))
    try:
        found = read(bytes(whole[:cut]))
    except Problem:
        return
    assert not any(path.startswith("/") or ".." in path.split("/") for path in found)


@given(st.data())
def test_damaged_tars_are_a_problem_and_nothing_worse(make, data) -> None:
    """Checksums are mended, so that the fields behind them are reached."""
    members = [make.Member("./a", b"a" * 10), make.Member("./" + "é" * 80, kind=b"2", target="t" * 120)]
    whole = make.tar(members, data.draw(st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])))
    blocks = [bytearray(whole[at : at + 512]) for at in range(0, len(whole), 512)]
    for number in data.draw(st.lists(st.integers(0, 8), max_size=4)):
        at = data.draw(st.integers(0, 511))
        blocks[number][at] = data.draw(st.integers(0, 255))
        blocks[number] = bytearray(_with_sum(bytes(blocks[number])))
    try:
        found = list(untar.streamed(iter([b"".join(blocks)]), lambda _path: True))
    except Problem:
        return
    assert sum(member.size for member in found if member.data) <= len(whole)


@given(st.binary(max_size=2000))
def test_random_bytes_are_a_problem(data: bytes) -> None:
    with pytest.raises(Problem):
        list(deb.members(io.BytesIO(b"!<arch>\n" + data + b"x")))
