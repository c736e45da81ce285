"""An image's documents are canonical, and a layout appears whole, or not at all."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from imagebake.image import layers, oci, tar
from imagebake.image.entries import Bytes, Entry, File
from imagebake.image.layers import Layer
from sealpress.problems import Exit, Problem

CREATED = datetime(2026, 6, 1, 12, 30, 15, tzinfo=UTC)
RUNTIME = oci.Runtime(
    entrypoint=("/usr/sbin/nginx",), user="101:101", port=8080, stop_signal="SIGQUIT", labels={"b": "é", "a": ""}
)


def layer(name: str, text: bytes) -> Layer:
    entries: list[Entry] = [File(name, Bytes(text))]
    return layers.described(name, lambda: entries, f"imagebake: {name}")


LAYERS = [layer("one", b"1"), layer("two", b"2")]


def test_documents_are_golden() -> None:
    """Another digest here means that every site's next publish sends an image anew."""
    image = oci.seal(RUNTIME, LAYERS, "amd64", CREATED)
    assert image.config.data.decode() == (
        '{"architecture":"amd64","config":{"Entrypoint":["/usr/sbin/nginx"],"Env":[],"ExposedPorts":{"8080/tcp":{}},'
        '"Labels":{"a":"","b":"é"},"StopSignal":"SIGQUIT","User":"101:101","WorkingDir":"/"},'
        '"created":"2026-06-01T12:30:15Z","history":['
        '{"comment":"one","created":"2026-06-01T12:30:15Z","created_by":"imagebake: one"},'
        '{"comment":"two","created":"2026-06-01T12:30:15Z","created_by":"imagebake: two"}],"os":"linux",'
        f'"rootfs":{{"diff_ids":["{LAYERS[0].diff_id}","{LAYERS[1].diff_id}"],"type":"layers"}}}}'
    )
    assert image.manifest.data.decode() == (
        f'{{"config":{{"digest":"{image.config.digest}","mediaType":"application/vnd.oci.image.config.v1+json",'
        f'"size":{image.config.size}}},"layers":['
        f'{{"digest":"{LAYERS[0].diff_id}","mediaType":"application/vnd.oci.image.layer.v1.tar","size":2048}},'
        f'{{"digest":"{LAYERS[1].diff_id}","mediaType":"application/vnd.oci.image.layer.v1.tar","size":2048}}],'
        '"mediaType":"application/vnd.oci.image.manifest.v1+json","schemaVersion":2}'
    )
    assert oci.across([image]).digest == "sha256:29091cecc6d025d42b67291ea03dbbfdf1fd6225b7f873306a337c2590225239"


def test_the_date_is_told_in_utc() -> None:
    there = CREATED.astimezone(timezone(timedelta(hours=-3, minutes=-30)))
    assert oci.seal(RUNTIME, LAYERS, "amd64", there).config == oci.seal(RUNTIME, LAYERS, "amd64", CREATED).config


def test_arm_has_its_variant() -> None:
    image = oci.seal(RUNTIME, LAYERS, "arm64", CREATED)
    assert json.loads(image.config.data)["variant"] == "v8"
    (found,) = json.loads(oci.across([image]).data)["manifests"]
    assert found["platform"] == {"architecture": "arm64", "os": "linux", "variant": "v8"}


@pytest.fixture
def images() -> list[oci.Sealed]:
    return [
        oci.seal(RUNTIME, [*LAYERS, layer("three", b"arm")], "arm64", CREATED),
        oci.seal(RUNTIME, [*LAYERS, layer("three", b"amd")], "amd64", CREATED),
    ]


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_layout_names_all_architectures_by_one_tag(images: list[oci.Sealed], tmp_path: Path) -> None:
    oci.write_layout(images, "localhost/site/x:0123", tmp_path / "oci")
    index = json.loads((tmp_path / "oci/index.json").read_bytes())
    (top,) = index["manifests"]
    assert top["annotations"] == {"org.opencontainers.image.ref.name": "0123"}
    inner = json.loads((tmp_path / "oci" / oci.blob_path(top["digest"])).read_bytes())
    assert [one["platform"]["architecture"] for one in inner["manifests"]] == ["amd64", "arm64"]
    assert (tmp_path / "oci/oci-layout").read_bytes() == b'{"imageLayoutVersion":"1.0.0"}'
    assert len(files(tmp_path / "oci")) == 2 + 1 + 2 * 2 + 4, "layers that both have are there once"


def test_every_blob_is_what_its_name_says(images: list[oci.Sealed], tmp_path: Path) -> None:
    import hashlib

    oci.write_layout(images, "x:1", tmp_path / "oci")
    blobs = {name: data for name, data in files(tmp_path / "oci").items() if name.startswith("blobs")}
    assert {name: f"blobs/sha256/{hashlib.sha256(data).hexdigest()}" for name, data in blobs.items()} == {
        name: name for name in blobs
    }


def test_a_layout_takes_the_place_of_the_older_one(images: list[oci.Sealed], tmp_path: Path) -> None:
    oci.write_layout(images, "x:1", tmp_path / "oci")
    oci.write_layout(images[:1], "x:2", tmp_path / "oci")
    oci.write_layout(images[:1], "x:2", tmp_path / "fresh")
    assert files(tmp_path / "oci") == files(tmp_path / "fresh")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fresh", "oci"], "nothing is left behind"


def test_blobs_of_the_older_layout_are_not_made_again(images: list[oci.Sealed], tmp_path: Path) -> None:
    oci.write_layout(images, "x:1", tmp_path / "oci")

    def never() -> list[Entry]:
        raise AssertionError("made again")

    known = [Layer(one.name, one.diff_id, one.size, one.created_by, never) for one in images[0].layers]
    (again,) = oci.write_layout([oci.seal(RUNTIME, known, "arm64", CREATED)], "x:1", tmp_path / "oci")
    assert [b"".join(one.stream()) for one in again.layers] == [b"".join(one.stream()) for one in images[0].layers]


def test_tars_that_were_left_beside_the_layout_are_moved_into_it(tmp_path: Path) -> None:
    asked = []

    def entries() -> list[Entry]:
        asked.append(1)
        return [File("a", Bytes(b"a"))]

    with oci.blobs_for(tmp_path / "new/oci") as blobs:
        layer = layers.described("a", entries, "", blobs)
        image = oci.seal(RUNTIME, [layer], "amd64", CREATED)
        (written,) = oci.write_layout([image], "x:1", tmp_path / "new/oci", made=blobs)
    assert b"".join(written.layers[0].stream()) == b"".join(tar.stream([File("a", Bytes(b"a"))]))
    assert len(asked) == 1
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["oci"], "nothing is left behind"


def test_a_tar_that_was_touched_beside_the_layout_is_not_taken(tmp_path: Path) -> None:
    with oci.blobs_for(tmp_path / "oci") as blobs:
        layer = layers.described("a", lambda: [File("a", Bytes(b"a"))], "", blobs)
        assert layer.blob
        layer.blob.write_bytes(b"!" * layer.size)
        image = oci.seal(RUNTIME, [layer], "amd64", CREATED)
        with pytest.raises(Problem, match="has other bytes than its name says"):
            oci.write_layout([image], "x:1", tmp_path / "oci", made=blobs)
    assert not list(tmp_path.iterdir())


def test_where_nothing_is_written_no_folder_is_left(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), oci.blobs_for(tmp_path / "new/oci"):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


def test_a_damaged_blob_of_the_older_layout_is_made_again(images: list[oci.Sealed], tmp_path: Path) -> None:
    oci.write_layout(images, "x:1", tmp_path / "oci")
    whole = files(tmp_path / "oci")
    blob = tmp_path / "oci" / oci.blob_path(LAYERS[0].diff_id)
    blob.write_bytes(b"!" * LAYERS[0].size)
    oci.write_layout(images, "x:1", tmp_path / "oci")
    assert files(tmp_path / "oci") == whole


def test_a_folder_that_is_no_layout_is_left_alone(images: list[oci.Sealed], tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("dear")
    with pytest.raises(Problem) as caught:
        oci.write_layout(images, "x:1", tmp_path)
    assert caught.value.code is Exit.MACHINE
    assert "is there already and is no OCI layout" in caught.value.message
    assert files(tmp_path) == {"diary.txt": b"dear"}


def test_a_layer_that_fails_leaves_the_older_layout_whole(images: list[oci.Sealed], tmp_path: Path) -> None:
    oci.write_layout(images, "x:1", tmp_path / "oci")
    whole = files(tmp_path / "oci")
    liar = Layer("liar", "sha256:" + "0" * 64, 2048, "", lambda: [File("a", Bytes(b""))])
    with pytest.raises(Problem, match='the layer "liar" has other bytes than its name says'):
        oci.write_layout([oci.seal(RUNTIME, [liar], "amd64", CREATED)], "x:1", tmp_path / "oci")
    assert files(tmp_path / "oci") == whole
    assert [path.name for path in tmp_path.iterdir()] == ["oci"]


def test_volumes_are_told_and_a_port_that_is_not_there_is_not() -> None:
    runtime = replace(RUNTIME, port=None, volumes=("/db",), environment=("LANG=C.UTF-8",))
    config = json.loads(oci.seal(runtime, LAYERS, "amd64", CREATED).config.data)["config"]
    assert (config["Volumes"], config["Env"]) == ({"/db": {}}, ["LANG=C.UTF-8"])
    assert "ExposedPorts" not in config
    assert "Volumes" not in json.loads(oci.seal(RUNTIME, LAYERS, "amd64", CREATED).config.data)["config"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"entrypoint": ()},
        {"entrypoint": ("nginx",)},
        {"entrypoint": ("/x", "a\0b")},
        {"environment": ("A=b\nC=d",)},
        {"user": "nginx"},
        {"user": ""},
        {"port": 0},
        {"port": 65536},
        {"environment": ("LANG",)},
        {"environment": ("=x",)},
        {"volumes": ("db",)},
        {"volumes": ("/a/../b",)},
        {"working_dir": ""},
    ],
)
def test_a_configuration_of_another_shape_is_refused(wrong: dict[str, Any]) -> None:
    """An engine takes most of these, and does something else than was meant."""
    with pytest.raises(Problem):
        oci.seal(replace(RUNTIME, **wrong), LAYERS, "amd64", CREATED)
    with pytest.raises(TypeError, match="Environment"):
        replace(RUNTIME, Environment=("LANG=C.UTF-8",))


def test_a_place_that_cannot_be_written_is_a_problem(images: list[oci.Sealed], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Problem) as caught:
        oci.write_layout(images, "x:1", tmp_path / "file" / "oci")
    assert caught.value.code is Exit.MACHINE


def test_others_can_read_a_layout_as_far_as_the_umask_lets_them(images: list[oci.Sealed], tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        oci.write_layout(images, "x:1", tmp_path / "oci")
    finally:
        os.umask(before)
    assert (tmp_path / "oci").stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("theirs", ["diary.txt", "blobs/diary.txt", "blobs/sha256/diary.txt", "link", "a/b"])
def test_what_no_bake_wrote_into_a_layout_stays(theirs: str, images: list[oci.Sealed], tmp_path: Path) -> None:
    folder = tmp_path / "oci"
    oci.write_layout(images, "x:1", folder)
    (folder / theirs).parent.mkdir(exist_ok=True)
    if theirs == "link":
        (folder / theirs).symlink_to(tmp_path)
    else:
        (folder / theirs).write_text("dear")
    before = files(folder)
    for write in (lambda: oci.write_layout(images, "x:1", folder), lambda: oci.blobs_for(folder).__enter__()):
        with pytest.raises(Problem, match="no part of an OCI layout") as caught:
            write()
        assert caught.value.code is Exit.MACHINE
    assert files(folder) == before


def test_a_link_in_the_place_of_a_layout_stays(images: list[oci.Sealed], tmp_path: Path) -> None:
    oci.write_layout(images, "x:1", tmp_path / "elsewhere")
    (tmp_path / "oci").symlink_to("elsewhere")
    with pytest.raises(Problem, match="is no OCI layout"):
        oci.write_layout(images, "x:1", tmp_path / "oci")
    assert (tmp_path / "oci").is_symlink()
