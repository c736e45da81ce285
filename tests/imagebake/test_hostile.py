"""What comes from outside is read, or refused with a Problem: never a traceback, never a path outside, and in bounded
memory, however much it claims to hold."""

import gzip
import io
import lzma
import os
import struct
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import brotli
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imagebake.image import inspection, tar, untar
from imagebake.nginx import answers, configuration
from imagebake.packages import deb, elf
from imagebake.packages import lock as locks
from imagebake.recipes import precompressed, site
from sealpress.config.settings import ImageSettings
from sealpress.problems import Exit, Problem
from sealpress.tree import strays
from sealpress.tree import tree as trees
from tests.imagebake.packages.conftest import Make, Member

make = Make()
MB = 1_000_000


@contextmanager
def at_most(limit: int) -> Iterator[None]:
    """Fails where more memory was allocated at once, in bytes."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= limit


# --- any tree ---------------------------------------------------------------------------------------------------------

_NAMES = st.one_of(
    st.sampled_from(
        ["a", "A", "ä", "a\u0308", "x" * 120, "é" * 90, ".well-known", "index.html", "con", "-", "~", "a b"]
    ),
    st.binary(min_size=1, max_size=6)
    .filter(lambda name: not set(name) & {0, 0x2F} and name not in {b".", b".."})
    .map(os.fsdecode),
    st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=9).filter(
        lambda name: name not in {".", ".."}
    ),
)
_DATA = st.binary(max_size=1500)
_HOSTILE_TREES = st.dictionaries(
    st.lists(_NAMES, min_size=1, max_size=3).map("/".join),
    _DATA | st.sampled_from(["/etc/passwd", "..", "a", "./b/../..", "nowhere"]),
    max_size=8,
)
# Names that can be sealed, whatever a shell or nginx makes of them: else nearly every tree would be refused.
_ODD_NAMES = st.sampled_from(["index.html", "a b", "é猫", "$uri", "{x}", "a;b", "\"'", "%20", "#?&=+", "~", "-e", "fr"])
_ODD_TREES = st.dictionaries(st.lists(_ODD_NAMES, min_size=1, max_size=3).map("/".join), _DATA, min_size=1, max_size=8)


def write(folder: Path, files: dict[str, bytes | str]) -> dict[str, bytes | str]:
    """The tree on disk, as far as its names can stand beside each other: texts are targets of links."""
    written = {}
    for name, content in files.items():
        at = folder / name
        try:
            at.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, str):
                at.symlink_to(content)
            else:
                with at.open("xb") as out:
                    out.write(content)
        except OSError:
            continue
        written[name] = content
    return written


@given(_HOSTILE_TREES | _ODD_TREES)
@example({"a/b": b"x", "c": "a"})
@example({"index.html": b"x" * 1500, "a b": b""})
@example({"\udcff": b""})
@example({"ä": b"1", "a\u0308": b"2"})
def test_any_tree_bakes_and_reads_back_the_same_or_is_refused_with_its_path(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes | str]
) -> None:
    folder = tmp_path_factory.mktemp("tree", numbered=True)
    written = write(folder, files)
    try:
        tree = trees.scan(folder)
        written = {name: content for name, content in written.items() if not strays.stray_at(name)}
        found = dict(_baked(tree))
    except Problem as problem:
        assert problem.code is Exit.TREE  # noqa: PT017 - some are sealed, some are refused
        shown = {os.fsencode(part).decode("utf-8", "backslashreplace") for name in written for part in name.split("/")}
        shown |= {ascii(part) for name in written for part in name.split("/")}  # control characters are shown so
        assert any(part in problem.message for part in shown)  # noqa: PT017
        return
    for sibling in {path for path in found if path.endswith(precompressed.SUFFIX)} - {
        f"srv/www/{name}" for name in written
    }:
        assert brotli.decompress(found.pop(sibling)) == found[sibling.removesuffix(precompressed.SUFFIX)]
    assert found == {f"srv/www/{name}": content for name, content in written.items()}


def _baked(tree: trees.OutputTree) -> Iterator[tuple[str, bytes]]:
    """Each file of the site in the layers of this tree's image, read back from their tars."""
    for part in site.recipe(tree, ImageSettings(), "x", "sha256:0", "").parts:
        layer = io.BytesIO(b"".join(tar.stream(part.entries())))
        for member in untar.members(layer):
            if member.kind != "file":
                assert member.kind == "directory"
            elif member.path.startswith("srv/www/") and member.path != f"{configuration.ROOT}/{answers.RELEASE_PATH}":
                yield member.path, layer.getvalue()[member.start : member.start + member.size]


# --- readers ----------------------------------------------------------------------------------------------------------

_PATHS = st.lists(st.sampled_from(["usr", "bin", "lib64", "..", ".", "", "a", "é", "x" * 120]), max_size=5).map(
    "/".join
)
_MEMBERS = st.lists(
    st.builds(
        Member,
        st.sampled_from(["", "./", "/", "../"]).flatmap(lambda start: _PATHS.map(lambda path: (start + path) or "x")),
        st.binary(max_size=40),
        st.sampled_from([0o644, 0o755, 0o4755, 0o2755, 0o1777, 0]),
        st.sampled_from(
            [tarfile.REGTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
        ),
        _PATHS,
    ).map(
        lambda member: (
            member
            if member.kind == tarfile.REGTYPE
            else Member(member.path, b"", member.mode, member.kind, member.target)
        )
    ),
    max_size=6,
)


@given(_MEMBERS, st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))
def test_no_package_writes_outside_or_through_a_link(tmp_path: Path, members: list[Member], form: int) -> None:
    file = tmp_path / "x.deb"
    file.write_bytes(make.deb(make.tar(members, form)))
    try:
        entries = deb.read(file, lambda _path: True)
        written = b"".join(tar.stream(entries.values()))
    except Problem:
        return
    for member in untar.members(io.BytesIO(written)):
        assert not member.path.startswith("/")
        assert not {"", ".", ".."} & {*member.path.split("/")}
        assert member.mode & 0o6000 == 0
        assert member.kind != "device"


@given(_MEMBERS, st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]), st.data())
def test_a_tar_of_others_is_read_or_refused(members: list[Member], form: int, data: st.DataObject) -> None:
    whole = bytearray(make.tar(members, form))
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=3)):
        whole[at] = data.draw(st.integers(0, 255))
    try:
        found = list(untar.members(io.BytesIO(bytes(whole))))
    except Problem as problem:
        assert problem.code is Exit.TREE  # noqa: PT017
        return
    assert all(not {".."} & {*member.path.split("/")} and not member.path.startswith("/") for member in found)
    assert all(member.start + member.size <= len(whole) for member in found)


@given(st.binary(max_size=300))
def test_random_bytes_are_no_package_no_program_no_lock_and_no_image(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(data)
    readers: list[Callable[[], object]] = [
        lambda: deb.read(file, lambda _path: True),
        lambda: deb.control(file),
        lambda: elf.parse(data, "x"),
        lambda: elf.parse(elf.MAGIC + b"\x02\x01" + data, "x"),
        lambda: locks.load(file),
        lambda: inspection.inspect(file),
    ]
    for read in readers:
        with pytest.raises(Problem):
            read()


# --- memory -----------------------------------------------------------------------------------------------------------


def _claims(size: int) -> bytes:
    """A tar's header of a file that claims so many bytes, and has none."""
    info = tarfile.TarInfo("usr/big")
    info.size = size
    return info.tobuf(tarfile.USTAR_FORMAT)


def _pax(length: int) -> bytes:
    info = tarfile.TarInfo("x")
    info.size, info.type = length, tarfile.XHDTYPE
    return info.tobuf(tarfile.USTAR_FORMAT)


BOMBS: dict[str, Callable[[], bytes]] = {
    "an xz stream of 240 MB of zeros": lambda: _deb("data.tar.xz", _packed_zeros("xz")),
    "a gzip stream of 240 MB of zeros": lambda: _deb("data.tar.gz", _packed_zeros("gz")),
    "a file that claims 8 GB": lambda: _deb("data.tar", _claims(8**11 - 1)),
    "a file that claims 200 MB": lambda: _deb("data.tar", _claims(200 << 20)),
    "a pax header that claims 8 GB": lambda: _deb("data.tar", _pax(8**11 - 1)),
    "a pax header of 1 MB": lambda: _deb("data.tar", _pax(1 << 20) + bytes(1 << 20)),
    "an ar member that claims 9 GB": lambda: b"!<arch>\n" + b"debian-binary".ljust(48) + b"9999999999`\n" + b"2.0\n",
    "headers without end": lambda: _deb("data.tar.xz", lzma.compress((_pax(0)) * 200_000, preset=0)),
}


def _deb(name: str, data: bytes) -> bytes:
    control = lzma.compress(make.tar([Member("./control", b"Package: x\nVersion: 1\n")]))
    return make.ar([("debian-binary", b"2.0\n"), ("control.tar.xz", control), (name, data)])


def _packed_zeros(kind: str) -> bytes:
    """A tar with one file of 60 MB of zeros after the other, packed a thousandfold."""
    out = io.BytesIO()
    with lzma.LZMAFile(out, "w", preset=0) if kind == "xz" else gzip.GzipFile(fileobj=out, mode="w", mtime=0) as packed:
        for number in range(4):
            info = tarfile.TarInfo(f"usr/big{number}")
            info.size = 60 << 20
            packed.write(info.tobuf(tarfile.USTAR_FORMAT))
            for _ in range(60):
                packed.write(bytes(1 << 20))
    return out.getvalue()


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_or_passed_over_in_little_memory(tmp_path: Path, bomb: str) -> None:
    """Nothing of it is wanted, so nothing of it is held."""
    file = tmp_path / "bomb.deb"
    file.write_bytes(BOMBS[bomb]())
    with at_most(30 * MB):
        try:
            deb.read(file, lambda _path: False)
        except Problem:
            return
    assert "zeros" in bomb, "only these are well-formed"


def test_an_elf_file_of_huge_tables_is_refused_in_little_memory() -> None:
    whole = bytearray(make.elf(needed=["libc.so.6"]))
    struct.pack_into("<H", whole, 56, 0xFFFF)
    with at_most(MB), pytest.raises(Problem):
        elf.parse(bytes(whole), "x")


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 100_000, "[a." * 50_000, "x" * (5 << 20), 'a = "' + "\\u0041" * 300_000]
)
def test_a_lock_of_any_shape_is_refused_in_little_memory(tmp_path: Path, text: str) -> None:
    file = tmp_path / "imagebake.lock"
    file.write_text(text)
    with at_most(60 * MB), pytest.raises(Problem):
        locks.load(file)


def test_an_archive_of_claims_is_refused_in_little_memory(tmp_path: Path) -> None:
    for number, data in enumerate(
        [_claims(8**11 - 1), _pax(8**11 - 1), _pax(1 << 20) + bytes(1 << 20), _pax(0) * 5000]
    ):
        file = tmp_path / str(number)
        file.write_bytes(data)
        with at_most(5 * MB), pytest.raises(Problem):
            inspection.inspect(file)
