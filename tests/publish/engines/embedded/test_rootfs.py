"""An archive is unpacked as it says, or refused; nothing outside its folder is ever touched."""

import gzip
import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publish.engines.embedded import rootfs
from sealpress.problems import Exit, Problem


def special(path: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.type, info.linkname = kind, target
    return info


def unpack(data: bytes, folder) -> rootfs.Contents:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "archive.tar").unlink(missing_ok=True)
    rootfs.spool([data[:1], data[1:1000], data[1000:]], folder / "archive.tar")
    found = rootfs.contents(folder / "archive.tar")
    rootfs.unpack(folder / "archive.tar", found, folder / "rootfs")
    return found


def test_layers_are_laid_over_each_other_with_links_and_modes(tmp_path, archive_of, layer_of):
    program = tarfile.TarInfo("bin/run")
    program.mode = 0o755
    low = layer_of({"a": b"low", "bin": special("bin", tarfile.DIRTYPE), "bin/run": program})
    high = layer_of({"a": b"high", "lib": special("lib", tarfile.SYMTYPE, "/usr/lib"), "deep/er/file": b"x"})
    found = unpack(archive_of([low, high], "localhost/site/x:1", {"k": "v"}), tmp_path)
    root = tmp_path / "rootfs"
    assert (root / "a").read_bytes() == b"high"
    assert (root / "lib").readlink().as_posix() == "/usr/lib"
    assert (root / "deep/er/file").read_bytes() == b"x"
    assert (root / "bin/run").stat().st_mode & 0o7777 == 0o755
    assert (root / "a").stat().st_mode & 0o7777 == 0o644
    assert (found.references, dict(found.labels)) == (("localhost/site/x:1",), {"k": "v"})


def test_a_gzipped_archive_is_the_same(tmp_path, archive_of, layer_of):
    data = archive_of([layer_of({"a": b"1" * 3_000_000})], "x:1", {})
    unpack(gzip.compress(data), tmp_path)
    assert (tmp_path / "rootfs/a").stat().st_size == 3_000_000


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"../out": b""}, 'the path "../out" leaves the image'),
        ({"/out": b""}, 'the path "/out" leaves the image'),
        ({"a/../../out": b""}, 'the path "a/../../out" leaves the image'),
        (
            {"a": special("a", tarfile.SYMTYPE, ".."), "a/out": b""},
            'the path "a/out" goes through a link',
        ),
        ({"a": b"", "a/out": b""}, 'the path "a/out" goes through a link'),
        ({"a": special("a", tarfile.CHRTYPE)}, '"a" is neither a file, a folder nor a symbolic link'),
        ({"a": special("a", tarfile.FIFOTYPE)}, '"a" is neither a file, a folder nor a symbolic link'),
        ({"a": special("a", tarfile.LNKTYPE, "/etc/passwd")}, '"a" is neither a file, a folder nor a symbolic link'),
        ({"a/b": b"", "a": b""}, '"a" takes the place of a folder'),
        ({".wh.a": b""}, '".wh.a" is a whiteout; an image that sealpress baked has none'),
    ],
)
def test_a_layer_that_attacks_is_refused(tmp_path, archive_of, layer_of, files, said):
    inside = tmp_path / "inside"
    with pytest.raises(Problem) as caught:
        unpack(archive_of([layer_of(files)], "x:1", {}), inside)
    assert caught.value.message == f"the archive is refused: {said}"
    assert caught.value.code == Exit.TREE
    assert [path.name for path in tmp_path.iterdir()] == ["inside"]


def test_setuid_is_dropped(tmp_path, archive_of, layer_of):
    program = tarfile.TarInfo("su")
    program.mode = 0o6755
    unpack(archive_of([layer_of({"su": program})], "x:1", {}), tmp_path)
    assert (tmp_path / "rootfs/su").stat().st_mode & 0o7777 == 0o755


def test_a_layer_with_one_other_byte_is_refused(tmp_path, archive_of, layer_of):
    data = archive_of([layer_of({"a": b"original"})], "x:1", {})
    with pytest.raises(Problem, match="has other bytes than its name says"):
        unpack(data.replace(b"original", b"0riginal"), tmp_path)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, 'it lacks "manifest.json"'),
        ({"manifest.json": b"{"}, '"manifest.json" in it is not JSON'),
        ({"manifest.json": b"[" * 100_000}, '"manifest.json" in it is not JSON'),
        ({"manifest.json": b"[]"}, "its manifest.json does not describe one image"),
        ({"manifest.json": b" " * 5_000_000}, '"manifest.json" in it is too large'),
        (
            {"manifest.json": b'[{"Config": "c", "Layers": ["l"], "RepoTags": null}]', "c": b"[]"},
            "its configuration names other layers than its manifest",
        ),
        (
            {
                "manifest.json": b'[{"Config": "c", "Layers": [1], "RepoTags": null}]',
                "c": b'{"rootfs": {"diff_ids": ["x"]}}',
            },
            "it has something else where a text must stand",
        ),
    ],
)
def test_an_archive_that_is_no_image_is_refused(tmp_path, layer_of, files, said):
    with pytest.raises(Problem) as caught:
        unpack(layer_of(files), tmp_path)
    assert said in caught.value.message


@given(st.data())
@settings(max_examples=150)
def test_damage_anywhere_is_a_problem_and_nothing_else(tmp_path_factory, archive_of, layer_of, data):
    whole = archive_of([layer_of({"a": b"abc", "b/c": b"x" * 700})], "x:1", {"k": "v"})
    at = data.draw(st.integers(0, len(whole) - 1))
    cut = data.draw(st.booleans())
    damaged = whole[:at] if cut else whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    folder = tmp_path_factory.mktemp("damaged")
    try:
        unpack(damaged, folder)
    except Problem:
        return
    # What passes has the layers that their digests name.
    assert (folder / "rootfs/a").read_bytes() == b"abc"


def test_a_folder_of_garbage_bytes_is_a_problem(tmp_path):
    for garbage in (b"", b"\x1f\x8b", b"\x1f\x8bgarbage", io.BytesIO(b"x" * 5000).read()):
        with pytest.raises(Problem):
            unpack(garbage, tmp_path)
