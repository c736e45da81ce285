"""Layers are named once, produced late, and never with other bytes than their name says."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagebake.fetch import cache as kept
from imagebake.image import layers, tar
from imagebake.image.entries import Bytes, Entry, File
from sealpress import VERSION
from sealpress.files import signing
from sealpress.problems import Problem


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEALPRESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def page(text: bytes = b"hello") -> list[Entry]:
    return [File("index.html", Bytes(text))]


class Source:
    """Counts how often the entries were asked for."""

    def __init__(self, text: bytes = b"hello") -> None:
        self.text = text
        self.asked = 0

    def __call__(self) -> Iterator[Entry]:
        self.asked += 1
        yield from page(self.text)


def test_a_layer_is_the_tar_of_its_entries() -> None:
    layer = layers.described("site", page, "imagebake")
    assert b"".join(layer.stream()) == b"".join(tar.stream(page()))
    assert tar.TarDigest(layer.diff_id, layer.size) == tar.digest(page())


def test_a_remembered_layer_is_not_produced_again() -> None:
    first, second, other = Source(), Source(), Source(b"other")
    one = layers.remembered("site", "tree 1", first, "imagebake")
    two = layers.remembered("site", "tree 1", second, "imagebake")
    three = layers.remembered("site", "tree 2", other, "imagebake")
    assert (first.asked, second.asked, other.asked) == (1, 0, 1)
    assert (one.diff_id, one.size) == (two.diff_id, two.size)
    assert three.diff_id != one.diff_id


@pytest.mark.parametrize("damage", [b"", b"sha256:00 5\n", b"x" * 4096])
def test_a_damaged_cache_is_not_used(cache: Path, damage: bytes) -> None:
    whole = layers.remembered("site", "tree", page, "imagebake")
    (file,) = [file for file in cache.rglob("*") if file.is_file()]
    file.write_bytes(damage)
    assert layers.remembered("site", "tree", page, "imagebake").diff_id == whole.diff_id


def test_a_cache_that_lies_is_passed_over(cache: Path) -> None:
    """What this user has not signed as just this is anybody's: also what was signed as something else."""
    whole = layers.remembered("site", "tree", page, "imagebake")
    (file,) = [file for file in cache.rglob("*") if file.is_file()]
    lie = b"sha256:" + b"0" * 64 + b" 1024\n"
    for written in (lie, signing.seal(f"imagebake {file.relative_to(cache)}", lie)[:32] + lie[:-1] + b"5\n"):
        file.write_bytes(written)
        assert layers.remembered("site", "tree", page, "imagebake").diff_id == whole.diff_id
    other = layers.remembered("site", "other tree", lambda: [*page()][:0], "imagebake")
    (another,) = [one for one in cache.rglob("*") if one.is_file() and one != file]
    another.write_bytes(file.read_bytes())
    assert layers.remembered("site", "other tree", lambda: [*page()][:0], "imagebake").diff_id == other.diff_id


def test_a_cache_that_was_wrong_is_found_out_when_the_bytes_are_produced(cache: Path) -> None:
    kept.remember_digest("layers", f"{VERSION}\0tree", "sha256:" + "0" * 64, 1024)
    layer = layers.remembered("site", "tree", page, "imagebake")
    with pytest.raises(Problem, match='the layer "site" has other bytes than its name says'):
        list(layer.stream())


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SEALPRESS_CACHE", str(tmp_path / "file"))
    assert layers.remembered("site", "tree", page, "imagebake").diff_id == tar.digest(page()).diff_id


def test_a_blob_gives_the_same_bytes_and_is_checked(tmp_path: Path) -> None:
    layer = layers.described("site", page, "imagebake")
    blob = tmp_path / "blob"
    blob.write_bytes(b"".join(layer.stream()))
    cached = layers.from_blob(layer, blob)
    assert b"".join(cached.stream()) == b"".join(layer.stream())
    blob.write_bytes(blob.read_bytes()[:-1] + b"!")
    with pytest.raises(Problem, match="has other bytes"):
        list(cached.stream())


def test_a_blob_that_was_checked_is_checked_again_once_it_was_touched(tmp_path: Path) -> None:
    layer = layers.described("site", page, "imagebake")
    blob = tmp_path / "blob"
    blob.write_bytes(b"".join(layer.stream()))
    checked = layers.from_blob(layer, blob, is_checked=True)
    assert b"".join(checked.stream()) == b"".join(layer.stream())
    blob.write_bytes(bytes(layer.size))
    os.utime(blob, (1, 1))  # a file system's clock may stand still for some milliseconds
    with pytest.raises(Problem, match="has other bytes"):
        list(checked.stream())


def test_a_stack_holds_each_content_once_at_its_first_place_and_nothing_empty() -> None:
    one = layers.described("one", page, "")
    twin = layers.described("twin", page, "")
    two = layers.described("two", lambda: page(b"two"), "")
    empty = layers.described("empty", list, "")
    assert [layer.name for layer in layers.stack([one, empty, two, twin])] == ["one", "two"]


def test_more_layers_than_engines_take_are_refused() -> None:
    many = [layers.Layer(str(number), f"sha256:{number:064x}", 1, "", list) for number in range(126)]
    assert len(layers.stack(many[:125])) == 125
    with pytest.raises(Problem, match="the image would have 126 layers; engines take 125"):
        layers.stack(many)


def test_a_tar_that_was_left_in_a_folder_is_not_produced_again(tmp_path: Path) -> None:
    source = Source()
    layer = layers.described("site", source, "imagebake", tmp_path)
    assert b"".join(layer.stream()) == b"".join(tar.stream(page()))
    assert source.asked == 1
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == [layer.diff_id.removeprefix("sha256:")]


def test_a_folder_for_tars_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    layer = layers.described("site", page, "imagebake", tmp_path / "missing")
    assert (layer.blob, layer.diff_id) == (None, tar.digest(page()).diff_id)


@pytest.mark.parametrize("size", [100, 100_000, 3_000_000])
def test_a_full_disk_under_a_folder_for_tars_costs_only_time(tmp_path: Path, size: int) -> None:
    (tmp_path / f"new-{os.getpid()}").symlink_to("/dev/full")
    layer = layers.described("site", lambda: page(b"x" * size), "imagebake", tmp_path)
    assert layer.blob is None
    assert b"".join(layer.stream()) == b"".join(tar.stream(page(b"x" * size)))


def test_a_tar_that_another_process_has_left_is_not_produced_again(tmp_path: Path) -> None:
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    child = os.fork()
    if not child:
        layers.remembered("site", "about", page, "imagebake", blobs)
        os._exit(0)
    os.waitpid(child, 0)
    source = Source()
    layer = layers.remembered("site", "about", source, "imagebake", blobs)
    assert layer.blob
    assert b"".join(layer.stream()) == b"".join(tar.stream(page()))
    assert source.asked == 0
    assert not layers.remembered("site", "about", source, "imagebake", tmp_path).blob, "elsewhere nobody left one"
